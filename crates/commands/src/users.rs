//! Names of users and groups, from `/etc/passwd` and `/etc/group`.

use bstr::{BString, ByteSlice};
use wasmsh_os::Ctx;

/// A user of `/etc/passwd`.
pub(crate) struct User {
    pub(crate) name: BString,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// A group of `/etc/group`.
pub(crate) struct Group {
    pub(crate) name: BString,
    pub(crate) gid: u32,
    /// Those who are in it beside those whose login group it is.
    pub(crate) members: Vec<BString>,
}

/// What the two files say.
#[derive(Default)]
pub(crate) struct Users {
    pub(crate) users: Vec<User>,
    pub(crate) groups: Vec<Group>,
}

fn number(field: Option<&&[u8]>) -> Option<u32> {
    field?.to_str().ok()?.parse().ok()
}

impl Users {
    /// Reads the files; what is missing or malformed has no names.
    pub(crate) async fn load(ctx: &Ctx) -> Users {
        let passwd = ctx.read_file(b"/etc/passwd").await.unwrap_or_default();
        let group = ctx.read_file(b"/etc/group").await.unwrap_or_default();
        let users = passwd
            .lines()
            .filter_map(|line| {
                let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
                Some(User {
                    name: (*fields.first()?).into(),
                    uid: number(fields.get(2))?,
                    gid: number(fields.get(3)).unwrap_or_default(),
                })
            })
            .collect();
        let groups = group
            .lines()
            .filter_map(|line| {
                let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
                let members = fields.get(3).copied().unwrap_or_default().split(|byte| *byte == b',');
                Some(Group {
                    name: (*fields.first()?).into(),
                    gid: number(fields.get(2))?,
                    members: members.filter(|name| !name.is_empty()).map(BString::from).collect(),
                })
            })
            .collect();
        Users { users, groups }
    }

    pub(crate) fn user_name(&self, uid: u32) -> Option<&BString> {
        self.users.iter().find(|user| user.uid == uid).map(|user| &user.name)
    }

    pub(crate) fn group_name(&self, gid: u32) -> Option<&BString> {
        self.groups.iter().find(|group| group.gid == gid).map(|group| &group.name)
    }

    pub(crate) fn user(&self, name: &[u8]) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    pub(crate) fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }
}
