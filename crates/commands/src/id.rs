//! `id` and `groups`: who somebody is.

use bstr::{BStr, BString, ByteSlice};

use crate::users::Users;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static ID: Command = Command {
    name: "id",
    usage: &["[OPTION]... [USER]..."],
    about: "Print user and group information for each specified USER,\n\
            or (when USER omitted) for the current process.",
    options: &[
        Opt::flag("a", "ignore, for compatibility with other versions"),
        Opt::flag("Z,context", "print only the security context of the process"),
        Opt::flag("g,group", "print only the effective group ID"),
        Opt::flag("G,groups", "print all group IDs"),
        Opt::flag("n,name", "print a name instead of a number, for -ugG"),
        Opt::flag("r,real", "print the real ID instead of the effective ID, with -ugG"),
        Opt::flag("u,user", "print only the effective user ID"),
        Opt::flag(
            "z,zero",
            "delimit entries with NUL characters, not whitespace;\nnot permitted in default format",
        ),
    ],
    more: "Without any OPTION, print some useful set of identified information.",
    usage_status: 1,
    main: |ctx| start(&ID, ctx, id),
};

pub(crate) static GROUPS: Command = Command {
    name: "groups",
    usage: &["[OPTION]... [USERNAME]..."],
    about: "Print group memberships for each USERNAME or, if no USERNAME is specified, for\n\
            the current process (which may differ if the groups database has changed).",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&GROUPS, ctx, groups),
};

/// Somebody: user, login group, all groups.
struct Who {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

fn of_process(t: &Tool, users: &Users) -> Who {
    let (uid, gid) = t.ctx.user();
    let name = users.user_name(uid).cloned().unwrap_or_default();
    Who { uid, gid, groups: all_groups(users, &name, gid) }
}

/// By name, or by number.
fn of_name(users: &Users, name: &[u8]) -> Option<Who> {
    let user = users.user(name).or_else(|| {
        let number: u32 = name.strip_prefix(b"+").unwrap_or(name).to_str().ok()?.parse().ok()?;
        users.users.iter().find(|user| user.uid == number)
    })?;
    Some(Who { uid: user.uid, gid: user.gid, groups: all_groups(users, &user.name, user.gid) })
}

fn all_groups(users: &Users, name: &BString, login: u32) -> Vec<u32> {
    let mut all = vec![login];
    for group in &users.groups {
        if group.members.contains(name) && !all.contains(&group.gid) {
            all.push(group.gid);
        }
    }
    all
}

async fn id(t: &mut Tool) -> Done {
    let (mut what, mut names, mut real, mut zero, mut context) = (None, false, false, false, false);
    let mut several = false;
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "g" | "G" | "u" => {
                several |= what.is_some_and(|other| other != name);
                what = Some(name);
            }
            "n" => names = true,
            "r" => real = true,
            "z" => zero = true,
            "Z" => context = true,
            _ => {}
        }
    }
    let operands = options.operands();
    if context && !operands.is_empty() {
        return Err(Fail::Message("cannot print security context when user specified".into(), 1));
    }
    if several || (context && what.is_some()) {
        return Err(Fail::Message("cannot print \"only\" of more than one choice".into(), 1));
    }
    if what.is_none() && !context && (real || names) {
        return Err(Fail::Message("cannot print only names or real IDs in default format".into(), 1));
    }
    if what.is_none() && !context && zero {
        return Err(Fail::Message("option --zero not permitted in default format".into(), 1));
    }
    if context {
        return Err(Fail::Message("--context (-Z) works only on an SELinux-enabled kernel".into(), 1));
    }
    let users = Users::load(&t.ctx).await;
    let mut all = Vec::new();
    if operands.is_empty() {
        all.push(of_process(t, &users));
    }
    for operand in &operands {
        match of_name(&users, operand) {
            Some(who) => all.push(who),
            None => t.error(format!("{}: no such user", t.quote(operand))).await?,
        }
    }
    let many = operands.len() > 1;
    for who in &all {
        let end = match (zero, what) {
            (true, Some("G")) if many => "\0\0",
            (true, _) => "\0",
            _ => "\n",
        };
        let text = match what {
            Some("u") => user(t, &users, who.uid, names).await?,
            Some("g") => group(t, &users, who.gid, names).await?,
            Some(_) => {
                let mut list = Vec::new();
                for gid in &who.groups {
                    list.push(group(t, &users, *gid, names).await?);
                }
                list.join(if zero { "\0" } else { " " })
            }
            None => full(&users, who),
        };
        t.out.put(text.as_bytes());
        t.out.put(end.as_bytes());
    }
    Ok(())
}

async fn user(t: &mut Tool, users: &Users, uid: u32, name: bool) -> Result<String, Fail> {
    if !name {
        return Ok(uid.to_string());
    }
    match users.user_name(uid) {
        Some(name) => Ok(name.to_string()),
        None => {
            t.error(format!("cannot find name for user ID {uid}")).await?;
            Ok(uid.to_string())
        }
    }
}

async fn group(t: &mut Tool, users: &Users, gid: u32, name: bool) -> Result<String, Fail> {
    if !name {
        return Ok(gid.to_string());
    }
    match users.group_name(gid) {
        Some(name) => Ok(name.to_string()),
        None => {
            t.error(format!("cannot find name for group ID {gid}")).await?;
            Ok(gid.to_string())
        }
    }
}

fn full(users: &Users, who: &Who) -> String {
    let named = |id: u32, name: Option<&BString>| match name {
        Some(name) => format!("{id}({name})"),
        None => id.to_string(),
    };
    let groups: Vec<String> = who.groups.iter().map(|gid| named(*gid, users.group_name(*gid))).collect();
    format!(
        "uid={} gid={} groups={}",
        named(who.uid, users.user_name(who.uid)),
        named(who.gid, users.group_name(who.gid)),
        groups.join(",")
    )
}

async fn groups(t: &mut Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    let operands = options.operands();
    let users = Users::load(&t.ctx).await;
    let mut all: Vec<(Option<&BStr>, Who)> = Vec::new();
    if operands.is_empty() {
        all.push((None, of_process(t, &users)));
    }
    for operand in &operands {
        match of_name(&users, operand) {
            Some(who) => all.push((Some(BStr::new(operand)), who)),
            None => t.error(format!("{}: no such user", t.quote(operand))).await?,
        }
    }
    for (name, who) in all {
        if let Some(name) = name {
            t.out.put(format!("{name} : ").as_bytes());
        }
        let mut list = Vec::new();
        for gid in &who.groups {
            list.push(group(t, &users, *gid, true).await?);
        }
        t.out.put(list.join(" ").as_bytes());
        t.out.put(b"\n");
    }
    Ok(())
}
