//! References: changed together with their logs.

use std::io::Write;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::refs::FullName;

use crate::error::{Result, fatal, library};
use crate::ident::{self, Person, Role};
use crate::session::{Session, to_path};

/// Who is named in logs: the committer, or the account where nobody was configured.
pub fn logger(session: &Session<'_>) -> Person {
    ident::person(session, Role::Committer).unwrap_or_else(|_| {
        let account =
            std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "user".into());
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".into());
        Person {
            name: account.as_str().into(),
            email: format!("{account}@{host}").into(),
            time: ident::now(),
        }
    })
}

fn full(name: &BStr) -> Result<FullName> {
    FullName::try_from(name.to_owned()).map_err(|_| fatal!("'{name}' is not a valid ref name"))
}

/// Writes a file at once or not at all, beside others who do the same.
pub fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&lock)?;
    let done = file.write_all(bytes).and_then(|()| {
        drop(file);
        std::fs::rename(&lock, path)
    });
    if done.is_err() {
        let _ = std::fs::remove_file(&lock);
    }
    done
}

/// A path from the root of the filesystem on, for messages; the file itself need not be there.
pub fn whole(path: &Path) -> PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => crate::session::normal(folder).join(name),
        _ => path.to_owned(),
    }
}

fn place(session: &Session<'_>, name: &BStr) -> PathBuf {
    let root = if name.starts_with(b"refs/") { session.repo.common_dir() } else { session.repo.git_dir() };
    root.join(to_path(name))
}

/// What stands in the way of a name, which cannot be a folder of other names; `gone` is on its way out.
pub fn obstacle(session: &Session<'_>, name: &BStr, gone: Option<&BStr>) -> Result<Option<BString>> {
    let mut above = name;
    while let Some(at) = above.rfind_byte(b'/') {
        above = above[..at].as_bstr();
        if above.contains(&b'/') && gone != Some(above) && find(session, above).is_some() {
            return Ok(Some(above.to_owned()));
        }
    }
    let references = session.repo.references().map_err(library)?;
    let prefix = BString::from(format!("{name}/"));
    let mut below: Vec<BString> = references
        .prefixed(prefix.as_bstr())
        .map_err(library)?
        .filter_map(|reference| Some(reference.ok()?.name().as_bstr().to_owned()))
        .filter(|below| gone != Some(below.as_bstr()))
        .collect();
    below.sort();
    Ok(below.into_iter().next())
}

/// Writes a reference; the log is the caller's.
pub fn write(session: &Session<'_>, name: &BStr, content: &str) -> Result {
    full(name)?;
    let path = place(session, name);
    if let Some(other) = obstacle(session, name, None)? {
        return Err(fatal!("cannot lock ref '{name}': '{other}' exists; cannot create '{name}'"));
    }
    if path.is_dir() {
        std::fs::remove_dir_all(&path)?;
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    write_file(&path, content.as_bytes()).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            fatal!(
                "cannot lock ref '{name}': Unable to create '{}.lock': File exists.",
                whole(&path).display()
            )
        }
        _ => error.into(),
    })
}

/// Sets a reference; `HEAD` sets the branch it names, and both are logged.
pub fn set(session: &Session<'_>, name: &BStr, new: ObjectId, message: &BStr) -> Result {
    let head = session.head_ref();
    let branch = if name == "HEAD" { head.clone() } else { Some(name.to_owned()) };
    let Some(branch) = branch else {
        let old = session.head();
        write(session, name, &format!("{new}\n"))?;
        return log(session, "HEAD", old, Some(new), message);
    };
    let old = find(session, branch.as_bstr());
    if old != Some(new) {
        write(session, branch.as_bstr(), &format!("{new}\n"))?;
        let kept = ["refs/heads/", "refs/remotes/", "refs/notes/"]
            .iter()
            .any(|kind| branch.starts_with(kind.as_bytes()));
        if kept || session.own(&format!("logs/{branch}")).exists() {
            log(session, &branch.to_string(), old, Some(new), message)?;
        }
    }
    // A branch that is checked out moves `HEAD` with it; what was asked for is logged even if nothing moves.
    if name == "HEAD" || (head == Some(branch) && old != Some(new)) {
        log(session, "HEAD", old, Some(new), message)?;
    }
    Ok(())
}

fn one_line(message: &BStr) -> BString {
    message.lines().next().unwrap_or_default().into()
}

/// Makes a reference name another one.
pub fn set_symbolic(session: &Session<'_>, name: &str, target: &BStr) -> Result {
    full(target)?;
    write(session, name.as_bytes().as_bstr(), &format!("ref: {target}\n"))
}

/// Makes `HEAD` name a commit and no branch. The log of this is the caller's, who knows from where.
pub fn detach(session: &Session<'_>, id: ObjectId) -> Result {
    write(session, b"HEAD".as_bstr(), &format!("{id}\n"))
}

/// Removes references with their logs.
pub fn remove(session: &Session<'_>, names: &[BString]) -> Result {
    let packed = session.repo.common_dir().join("packed-refs");
    if let Ok(text) = std::fs::read(&packed) {
        let mut kept = Vec::with_capacity(text.len());
        let mut gone = false;
        for line in text.lines_with_terminator() {
            // What a tag is peeled to stands on the line after it.
            if !line.starts_with(b"^") {
                gone = line
                    .trim_end()
                    .split_once_str(" ")
                    .is_some_and(|(_, name)| names.iter().any(|known| known == name));
            }
            if !gone {
                kept.extend_from_slice(line);
            }
        }
        if kept.len() != text.len() {
            write_file(&packed, &kept)?;
        }
    }
    for name in names {
        let root = session.repo.common_dir();
        for path in [root.join(to_path(name.as_bstr())), root.join("logs").join(to_path(name.as_bstr()))] {
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
            // Folders that are empty now go, down to the kind of reference.
            let mut folder = path.parent();
            let mut depth = name.iter().filter(|byte| **byte == b'/').count();
            while let Some(empty) = folder.filter(|_| depth > 2) {
                if std::fs::remove_dir(empty).is_err() {
                    break;
                }
                folder = empty.parent();
                depth -= 1;
            }
        }
    }
    Ok(())
}

/// Adds a line to a reference's log.
pub fn log(
    session: &Session<'_>,
    name: &str,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    message: &BStr,
) -> Result {
    let path = session.repo.git_dir().join("logs").join(name);
    if !session.config_bool("core.logAllRefUpdates", session.repo.workdir().is_some()) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let null = ObjectId::null(session.repo.object_hash());
    let mut line = format!("{} {} ", old.unwrap_or(null), new.unwrap_or(null)).into_bytes();
    line.extend_from_slice(&logger(session).line());
    if !message.is_empty() {
        line.push(b'\t');
        line.extend_from_slice(&one_line(message));
    }
    line.push(b'\n');
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&line)?;
    Ok(())
}

/// Where a reference points.
pub fn find(session: &Session<'_>, name: &BStr) -> Option<ObjectId> {
    let full = full(name).ok()?;
    let mut reference = session.repo.try_find_reference(full.as_ref()).ok()??;
    if reference.name().as_bstr() != name {
        return None;
    }
    // What a tag object names is not followed: the reference itself is asked for.
    match reference.target() {
        gix::refs::TargetRef::Object(id) => Some(id.to_owned()),
        gix::refs::TargetRef::Symbolic(_) => reference.peel_to_id().ok().map(gix::Id::detach),
    }
}

/// All references below a prefix, by name: where they point, and the target of a symbolic one.
pub fn list(session: &Session<'_>, prefix: &str) -> Result<Vec<(BString, ObjectId, Option<BString>)>> {
    let mut found = Vec::new();
    let references = session.repo.references().map_err(library)?;
    for reference in references.all().map_err(library)? {
        let Ok(mut reference) = reference else { continue };
        let name = reference.name().as_bstr().to_owned();
        if !name.starts_with(prefix.as_bytes()) {
            continue;
        }
        let target = match reference.target() {
            gix::refs::TargetRef::Object(id) => {
                let id = id.to_owned();
                found.push((name, id, None));
                continue;
            }
            gix::refs::TargetRef::Symbolic(target) => target.as_bstr().to_owned(),
        };
        if let Ok(id) = reference.peel_to_id() {
            found.push((name, id.detach(), Some(target)));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// Whether git accepts this as the name of a branch or tag.
pub fn is_valid(name: &BStr) -> bool {
    let full = format!("refs/heads/{name}");
    !name.is_empty()
        && !name.starts_with(b"-")
        && name != "HEAD"
        && FullName::try_from(BString::from(full)).is_ok()
}
