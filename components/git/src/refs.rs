//! References: changed together with their logs.

use std::io::Write;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};

use crate::error::{Result, fatal, library};
use crate::ident::{self, Person, Role};
use crate::session::Session;

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

fn commit_edits(session: &Session<'_>, edits: Vec<RefEdit>) -> Result {
    let who = logger(session);
    let time = ident::raw(who.time);
    let signature =
        gix::actor::SignatureRef { name: who.name.as_bstr(), email: who.email.as_bstr(), time: &time };
    session.repo.edit_references_as(edits, Some(signature)).map_err(library)?;
    Ok(())
}

/// Sets a reference; `HEAD` sets the branch it names, and both are logged.
pub fn set(session: &Session<'_>, name: &BStr, new: ObjectId, message: &BStr) -> Result {
    let edit = RefEdit {
        change: Change::Update {
            log: LogChange {
                mode: RefLog::AndReference,
                force_create_reflog: false,
                message: one_line(message),
            },
            expected: PreviousValue::Any,
            new: Target::Object(new),
        },
        name: full(name)?,
        deref: true,
    };
    let old = session.head();
    if name == "HEAD" && old == Some(new) {
        // Nothing moves, but that it was asked for is logged.
        return log(session, "HEAD", old, old, message);
    }
    commit_edits(session, vec![edit])?;
    // A branch that is checked out moves `HEAD` with it.
    if name != "HEAD" && session.head_ref().is_some_and(|head| head == name) {
        log(session, "HEAD", old, Some(new), message)?;
    }
    Ok(())
}

fn one_line(message: &BStr) -> BString {
    message.lines().next().unwrap_or_default().into()
}

/// Makes a reference that must not exist yet, or sets it.
pub fn set_symbolic(session: &Session<'_>, name: &str, target: &BStr) -> Result {
    let edit = RefEdit {
        change: Change::Update {
            log: LogChange {
                mode: RefLog::AndReference,
                force_create_reflog: false,
                message: BString::default(),
            },
            expected: PreviousValue::Any,
            new: Target::Symbolic(full(target)?),
        },
        name: full(name.as_bytes().as_bstr())?,
        deref: false,
    };
    commit_edits(session, vec![edit])
}

/// Makes `HEAD` name a commit and no branch.
pub fn detach(session: &Session<'_>, id: ObjectId) -> Result {
    let edit = RefEdit {
        change: Change::Update {
            log: LogChange { mode: RefLog::Only, force_create_reflog: false, message: BString::default() },
            expected: PreviousValue::Any,
            new: Target::Object(id),
        },
        name: full(b"HEAD".as_bstr())?,
        deref: false,
    };
    let mut edit = edit;
    if let Change::Update { log, .. } = &mut edit.change {
        log.mode = RefLog::AndReference;
    }
    // The log of this is written by the caller, which knows from where.
    let kept = session.read_own("logs/HEAD");
    commit_edits(session, vec![edit])?;
    if let Some(kept) = kept {
        std::fs::write(session.own("logs/HEAD"), kept)?;
    }
    Ok(())
}

/// Removes references.
pub fn remove(session: &Session<'_>, names: &[BString]) -> Result {
    let mut edits = Vec::new();
    for name in names {
        edits.push(RefEdit {
            change: Change::Delete { expected: PreviousValue::Any, log: RefLog::AndReference },
            name: full(name.as_bstr())?,
            deref: false,
        });
    }
    commit_edits(session, edits)
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
