//! `chown` and `chgrp`: change who owns files.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Entry, Errno, Stat};

use crate::path::join;
use crate::quote::quote_always;
use crate::users::Users;
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("c,changes", "like verbose but report only when a change is made"),
    Opt::flag("f,silent,quiet", "suppress most error messages"),
    Opt::flag("v,verbose", "output a diagnostic for every file processed"),
    Opt::flag(
        "dereference",
        "affect the referent of each symbolic link (this is\nthe default), rather than the symbolic link itself",
    ),
    Opt::flag("h,no-dereference", "affect symbolic links instead of any referenced file"),
    Opt::value(
        "from",
        "CURRENT_OWNER:CURRENT_GROUP",
        "change the ownership of each file only if\nits current owner and/or group match those specified\nhere.",
    ),
    Opt::flag("no-preserve-root", "do not treat '/' specially (the default)"),
    Opt::flag("preserve-root", "fail to operate recursively on '/'"),
    Opt::value("reference", "RFILE", "use RFILE's ownership rather than specifying values"),
    Opt::flag("R,recursive", "operate on files and directories recursively"),
    Opt::flag("H", "if a command line argument is a symbolic link\nto a directory, traverse it"),
    Opt::flag("L", "traverse every symbolic link to a directory\nencountered"),
    Opt::flag("P", "do not traverse any symbolic links (default)"),
];

pub(crate) static CHOWN: Command = Command {
    name: "chown",
    usage: &["[OPTION]... [OWNER][:[GROUP]] FILE...", "[OPTION]... --reference=RFILE FILE..."],
    about: "Change the owner and/or group of each FILE to OWNER and/or GROUP.",
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| start(&CHOWN, ctx, async |t: &mut Tool| run(t, false).await),
};

pub(crate) static CHGRP: Command = Command {
    name: "chgrp",
    usage: &["[OPTION]... GROUP FILE...", "[OPTION]... --reference=RFILE FILE..."],
    about: "Change the group of each FILE to GROUP.",
    options: OPTIONS,
    more: "",
    usage_status: 1,
    main: |ctx| start(&CHGRP, ctx, async |t: &mut Tool| run(t, true).await),
};

/// An owner and a group; what is missing stays.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    None,
    Arguments,
    All,
}

struct Plan {
    owner: Owner,
    only: Owner,
    group_only: bool,
    changes: bool,
    verbose: bool,
    quiet: bool,
    follow: bool,
    recursive: bool,
    links: Links,
    users: Users,
    /// As in messages.
    wanted: String,
}

impl Users {
    /// A user by name or number.
    pub(crate) fn uid_of(&self, text: &[u8]) -> Option<u32> {
        number(text, self.user(text).map(|user| user.uid))
    }

    /// A group by name or number.
    pub(crate) fn gid_of(&self, text: &[u8]) -> Option<u32> {
        number(text, self.group(text).map(|group| group.gid))
    }
}

fn number(text: &[u8], by_name: Option<u32>) -> Option<u32> {
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    by_name.or_else(|| digits.to_str().ok()?.parse().ok().filter(|id| *id != u32::MAX))
}

/// `OWNER`, `OWNER:GROUP`, `:GROUP`, `OWNER:` (gnulib's `parse_user_spec`). The error is its message.
pub(crate) fn parse(users: &Users, text: &[u8]) -> Result<Owner, String> {
    let (owner, group) = match text.split_once_str(":") {
        Some((owner, group)) => (owner, Some(group)),
        None => match text.split_once_str(".") {
            // The old form, where the name itself is no user.
            Some((owner, group)) if users.uid_of(text).is_none() && users.uid_of(owner).is_some() => {
                (owner, Some(group))
            }
            _ => (text, None),
        },
    };
    let mut found = Owner::default();
    if !owner.is_empty() {
        found.uid = Some(users.uid_of(owner).ok_or("invalid user")?);
    }
    match group {
        Some(b"") if !owner.is_empty() => {
            // The login group of the user, which must have a name.
            let user = users.user(owner).ok_or("invalid spec")?;
            found.gid = Some(user.gid);
        }
        Some(b"") | None => {}
        Some(group) => found.gid = Some(users.gid_of(group).ok_or("invalid group")?),
    }
    Ok(found)
}

async fn run(t: &mut Tool, group_only: bool) -> Done {
    let mut plan = Plan {
        owner: Owner::default(),
        only: Owner::default(),
        group_only,
        changes: false,
        verbose: false,
        quiet: false,
        follow: true,
        recursive: false,
        links: Links::None,
        users: Users::load(&t.ctx).await,
        wanted: String::new(),
    };
    let mut reference: Option<BString> = None;
    let mut preserve_root = false;
    let mut dereference: Option<bool> = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "c" => plan.changes = true,
            "f" => plan.quiet = true,
            "v" => plan.verbose = true,
            "dereference" => dereference = Some(true),
            "h" => dereference = Some(false),
            "from" => {
                let text = value.unwrap_or_default();
                plan.only = parse(&plan.users, &text)
                    .map_err(|what| Fail::Message(format!("{what}: {}", t.quote(&text)), 1))?;
            }
            "no-preserve-root" => preserve_root = false,
            "preserve-root" => preserve_root = true,
            "reference" => reference = value,
            "R" => plan.recursive = true,
            "H" => plan.links = Links::Arguments,
            "L" => plan.links = Links::All,
            _ => plan.links = Links::None,
        }
    }
    if plan.recursive {
        if plan.links == Links::None {
            if dereference == Some(true) {
                return Err(Fail::Message("-R --dereference requires either -H or -L".into(), 1));
            }
            dereference = Some(false);
        }
    } else {
        plan.links = Links::None;
    }
    plan.follow = dereference.unwrap_or(true);
    let mut files = options.operands();
    if files.len() < 1 + usize::from(reference.is_none()) {
        return Err(match files.first() {
            None => t.missing_operand(),
            Some(first) => Fail::Usage(format!("missing operand after {}", t.quote(first))),
        });
    }
    match &reference {
        Some(file) => {
            let stat = t.ctx.stat(file, true).map_err(|error| {
                let message =
                    format!("failed to get attributes of {}: {}", quote_always(file), error.strerror());
                Fail::Message(message, 1)
            })?;
            plan.owner = Owner { uid: (!group_only).then_some(stat.uid), gid: Some(stat.gid) };
            plan.wanted = names(&plan, stat.uid, stat.gid);
        }
        None => {
            let text = files.remove(0);
            plan.wanted = text.to_string();
            plan.owner = if group_only {
                if text.is_empty() {
                    Owner::default()
                } else {
                    let gid = plan.users.gid_of(&text);
                    let gid =
                        gid.ok_or_else(|| Fail::Message(format!("invalid group: {}", t.quote(&text)), 1))?;
                    Owner { uid: None, gid: Some(gid) }
                }
            } else {
                parse(&plan.users, &text)
                    .map_err(|what| Fail::Message(format!("{what}: {}", t.quote(&text)), 1))?
            };
        }
    }
    for file in &files {
        if plan.recursive && preserve_root && t.ctx.canonicalize(file).is_ok_and(|path| path == "/") {
            let is = if file == "/" { String::new() } else { format!(" (same as {})", quote_always(b"/")) };
            t.error(format!("it is dangerous to operate recursively on {}{is}", quote_always(file))).await?;
            t.warn("use --no-preserve-root to override this failsafe").await?;
            continue;
        }
        walk(t, &plan, file).await?;
    }
    Ok(())
}

struct Level {
    path: BString,
    entries: std::vec::IntoIter<Entry>,
    stat: Stat,
}

async fn walk(t: &mut Tool, plan: &Plan, file: &BString) -> Done {
    let follow = plan.links != Links::None || (plan.follow && !plan.recursive);
    let stat = match t.ctx.stat(file, follow) {
        Ok(stat) => stat,
        Err(error) => return cannot(t, plan, "cannot access", file, error).await,
    };
    if !plan.recursive || !stat.is_directory() {
        return change(t, plan, file, &stat).await;
    }
    let mut levels = Vec::new();
    enter(t, plan, file.clone(), stat, &mut levels).await?;
    while let Some(level) = levels.last_mut() {
        t.ctx.tick().await;
        let Some(entry) = level.entries.next() else {
            if let Some(done) = levels.pop() {
                // As with fts, a directory is changed after what is in it.
                change(t, plan, &done.path, &done.stat).await?;
            }
            continue;
        };
        let path = join(&level.path, entry.name.as_bytes());
        let mut stat = entry.stat;
        if plan.links == Links::All
            && stat.is_symbolic_link()
            && let Ok(target) = t.ctx.stat(&path, true)
        {
            let inside = levels.iter().any(|level| crate::path::same_file(&level.stat, &target));
            if !inside {
                stat = target;
            }
        }
        if stat.is_directory() {
            enter(t, plan, path, stat, &mut levels).await?;
        } else {
            change(t, plan, &path, &stat).await?;
        }
    }
    Ok(())
}

async fn enter(t: &mut Tool, plan: &Plan, path: BString, stat: Stat, levels: &mut Vec<Level>) -> Done {
    let entries = match t.ctx.read_directory(&path) {
        Ok(entries) => entries,
        Err(error) => {
            cannot(t, plan, "cannot read directory", &path, error).await?;
            Vec::new()
        }
    };
    levels.push(Level { path, entries: entries.into_iter(), stat });
    Ok(())
}

async fn cannot(t: &mut Tool, plan: &Plan, what: &str, file: &[u8], error: Errno) -> Done {
    t.status = 1;
    if plan.quiet {
        Ok(())
    } else {
        t.error(format!("{what} {}: {}", quote_always(file), error.strerror())).await
    }
}

fn names(plan: &Plan, uid: u32, gid: u32) -> String {
    let user = plan.users.user_name(uid).map_or(uid.to_string(), BString::to_string);
    let group = plan.users.group_name(gid).map_or(gid.to_string(), BString::to_string);
    if plan.group_only { group } else { format!("{user}:{group}") }
}

async fn change(t: &mut Tool, plan: &Plan, file: &BString, stat: &Stat) -> Done {
    let matches = |only: Option<u32>, has: u32| only.is_none_or(|only| only == has);
    if !matches(plan.only.uid, stat.uid) || !matches(plan.only.gid, stat.gid) {
        return Ok(());
    }
    let result = t.ctx.set_owner(file, plan.owner.uid, plan.owner.gid, plan.follow);
    let what = if plan.group_only { "group" } else { "ownership" };
    if let Err(error) = result {
        let what = if plan.owner.uid.is_none() && plan.owner.gid.is_some() { "group" } else { what };
        return cannot(t, plan, &format!("changing {what} of"), file, error).await;
    }
    if !plan.verbose && !plan.changes {
        return Ok(());
    }
    let changed = !matches(plan.owner.uid, stat.uid) || !matches(plan.owner.gid, stat.gid);
    let name = quote_always(file);
    let old = match (plan.owner.uid, plan.owner.gid) {
        (Some(_), None) if !plan.group_only => {
            plan.users.user_name(stat.uid).map_or(stat.uid.to_string(), BString::to_string)
        }
        (None, Some(_)) => plan.users.group_name(stat.gid).map_or(stat.gid.to_string(), BString::to_string),
        _ => names(plan, stat.uid, stat.gid),
    };
    let new = match (plan.owner.uid, plan.owner.gid) {
        (Some(uid), None) => plan.users.user_name(uid).map_or(uid.to_string(), BString::to_string),
        (None, Some(gid)) => plan.users.group_name(gid).map_or(gid.to_string(), BString::to_string),
        (Some(uid), Some(gid)) => names(plan, uid, gid),
        (None, None) => String::new(),
    };
    let what = if plan.owner.uid.is_none() && plan.owner.gid.is_some() { "group" } else { what };
    if changed {
        t.out.put(format!("changed {what} of {name} from {old} to {new}\n").as_bytes());
    } else if plan.verbose {
        if plan.owner == Owner::default() {
            t.out.put(format!("ownership of {name} retained\n").as_bytes());
        } else {
            t.out.put(format!("{what} of {name} retained as {old}\n").as_bytes());
        }
    }
    t.out.drain().await?;
    Ok(())
}
