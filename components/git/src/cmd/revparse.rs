//! Plumbing on references and revisions: `rev-parse`, `symbolic-ref`, `update-ref`, `merge-base`, `for-each-ref`, `show-ref`.

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::glob::wildmatch;
use gix::glob::wildmatch::Mode;
use gix::objs::Kind;

use crate::commit::{Commit, subject};
use crate::error::{Error, Result, fatal};
use crate::ident::{DateStyle, Person};
use crate::options::{Takes, parse};
use crate::refs;
use crate::session::{Globals, Session, normal};
use crate::status::shorten;
use crate::walk::{Range, bases, is_ancestor};

/// `git rev-parse`.
pub fn rev_parse(globals: &Globals, arguments: &[BString]) -> Result {
    let Some(session) = globals.discover()? else {
        if arguments.iter().any(|argument| {
            argument == "--is-inside-work-tree" || argument == "--git-dir" || argument.starts_with(b"--")
        }) {
            return globals.session().map(drop);
        }
        return globals.session().map(drop);
    };
    let session = &session;
    let out = session.out();
    let (mut verify, mut quiet, mut short, mut abbrev_ref, mut symbolic, mut revs_only, mut not) =
        (false, false, None, false, false, false, false);
    let mut literal = false;
    let mut verified = 0;
    // The only one that may be named where one is asked for.
    let mut waiting_one: Option<BString> = None;
    let mut default = None;
    let mut waiting = arguments.iter();
    while let Some(argument) = waiting.next() {
        if literal {
            out.line(argument)?;
            continue;
        }
        let text = argument.to_str_lossy();
        match &*text {
            "--" => {
                literal = true;
                if !revs_only {
                    out.line("--")?;
                }
            }
            "--verify" => verify = true,
            "-q" | "--quiet" => quiet = true,
            "--short" => short = Some(None),
            "--abbrev-ref" | "--abbrev-ref=strict" | "--abbrev-ref=loose" => abbrev_ref = true,
            "--symbolic-full-name" | "--symbolic" => symbolic = true,
            "--revs-only" => revs_only = true,
            "--no-revs" | "--flags" | "--no-flags" | "--sq" => {}
            "--not" => not = !not,
            "--default" => default = waiting.next().cloned(),
            "--git-dir" => {
                let dir = session.repo.git_dir();
                let inside = session.repo.workdir().is_some() && session.prefix.is_empty();
                let here = std::env::current_dir()?;
                let full = normal(dir);
                let shown = if inside && full == normal(&here).join(".git") {
                    ".git".to_owned()
                } else if full == normal(&here) {
                    ".".to_owned()
                } else {
                    full.display().to_string()
                };
                out.line(shown)?;
            }
            "--absolute-git-dir" => out.line(normal(session.repo.git_dir()).display().to_string())?,
            "--git-common-dir" => {
                let full = normal(session.repo.common_dir());
                let here = normal(&std::env::current_dir()?);
                let shown = full
                    .strip_prefix(&here)
                    .map_or_else(|_| full.display().to_string(), |path| path.display().to_string());
                out.line(if shown.is_empty() { ".".into() } else { shown })?;
            }
            "--show-toplevel" => out.line(normal(&session.root()?).display().to_string())?,
            "--show-prefix" => out.line(&session.prefix)?,
            "--show-cdup" => {
                out.line("../".repeat(session.prefix.iter().filter(|byte| **byte == b'/').count()))?
            }
            "--is-inside-work-tree" => {
                let here = normal(&std::env::current_dir()?);
                let inside = session.repo.workdir().is_some_and(|root| here.starts_with(normal(root)))
                    && !here.starts_with(normal(session.repo.git_dir()));
                out.line(inside.to_string())?;
            }
            "--is-inside-git-dir" => {
                out.line(
                    normal(&std::env::current_dir()?).starts_with(normal(session.repo.git_dir())).to_string(),
                )?;
            }
            "--is-bare-repository" => out.line(session.repo.is_bare().to_string())?,
            "--is-shallow-repository" => {
                out.line(session.repo.is_shallow().map_err(crate::error::library)?.to_string())?
            }
            "--show-object-format" => out.line("sha1")?,
            "--git-path" => {
                let name = waiting.next().cloned().unwrap_or_default();
                let dir = if session.prefix.is_empty() {
                    ".git".to_owned()
                } else {
                    normal(session.repo.git_dir()).display().to_string()
                };
                out.line(format!("{dir}/{name}"))?;
            }
            "--all" => {
                for (_, id, _) in refs::list(session, "refs/")? {
                    out.line(id.to_string())?;
                }
            }
            other => {
                if let Some(digits) = other.strip_prefix("--short=") {
                    short = Some(digits.parse::<usize>().ok());
                    continue;
                }
                if other.starts_with("--") {
                    if !revs_only {
                        out.line(other)?;
                    }
                    continue;
                }
                let single = verify || short.is_some();
                let many = ["^@", "^!"].iter().any(|end| other.ends_with(end));
                if single && !many {
                    verified += 1;
                    waiting_one = Some(argument.clone());
                    continue;
                }
                one(session, argument.as_bstr(), verify, quiet, short, abbrev_ref, symbolic, revs_only, not)?;
                verified += usize::from(!single);
            }
        }
    }
    if verified == 0
        && let Some(name) = default
    {
        return one(session, name.as_bstr(), verify, quiet, short, abbrev_ref, symbolic, revs_only, not);
    }
    if verify || short.is_some() {
        return match waiting_one.filter(|_| verified == 1) {
            Some(name) => {
                one(session, name.as_bstr(), true, quiet, short, abbrev_ref, symbolic, revs_only, not)
            }
            None if quiet => Err(Error::Status(1)),
            None => Err(fatal!("Needed a single revision")),
        };
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "each is an option of the command")]
fn one(
    session: &Session<'_>,
    name: &BStr,
    verify: bool,
    quiet: bool,
    short: Option<Option<usize>>,
    abbrev_ref: bool,
    symbolic: bool,
    revs_only: bool,
    not: bool,
) -> Result {
    let out = session.out();
    if abbrev_ref || symbolic {
        let full = full_name(session, name);
        if let Some(full) = full {
            return out.line(if abbrev_ref {
                if full == "HEAD" { full } else { shorten(full.as_bstr()) }
            } else {
                full
            });
        }
        if session.try_object(name).is_none() {
            if name.ends_with(b"@{u}") || name.ends_with(b"@{upstream}") {
                let branch = session.head_ref().map(|branch| shorten(branch.as_bstr())).unwrap_or_default();
                return Err(fatal!("no upstream configured for branch '{branch}'"));
            }
            out.line(name)?;
            return Err(unknown(name));
        }
        if abbrev_ref || symbolic {
            return Ok(());
        }
    }
    let show = |id: ObjectId, negative: bool| -> Result {
        let text = match short {
            Some(Some(digits)) => session.short_at_least(id, digits),
            Some(None) => session.short(id),
            None => id.to_string(),
        };
        out.line(format!("{}{text}", if negative != not { "^" } else { "" }))
    };
    let is_range = name.find(b"..").is_some() && !name.contains(&b'/')
        || (name.starts_with(b"^") && name.len() > 1)
        || name.ends_with(b"^@")
        || name.ends_with(b"^!");
    if is_range && !verify {
        let mut range = Range::default();
        if range.take(session, name)? {
            if name.ends_with(b"^@") || name.ends_with(b"^!") || range.symmetric.is_some() {
                for id in &range.tips {
                    show(*id, false)?;
                }
            } else {
                for id in range.tips.iter().rev() {
                    show(*id, false)?;
                }
            }
            return range.hidden.iter().try_for_each(|id| show(*id, true));
        }
    }
    if let Some(id) = session.try_object(name) {
        return show(id, false);
    }
    if name.len() == 40
        && let Ok(id) = ObjectId::from_hex(name)
    {
        return show(id, false);
    }
    if verify {
        return Err(if quiet { Error::Status(1) } else { fatal!("Needed a single revision") });
    }
    if revs_only {
        return Ok(());
    }
    let exists = session
        .inside(name)
        .ok()
        .and_then(|path| session.file(path.as_bstr()).ok())
        .is_some_and(|place| place.exists());
    if exists {
        return out.line(name);
    }
    out.line(name)?;
    Err(unknown(name))
}

fn unknown(name: &BStr) -> Error {
    fatal!(
        "ambiguous argument '{name}': unknown revision or path not in the working tree.\n\
         Use '--' to separate paths from revisions, like this:\n\
         'git <command> [<revision>...] -- [<file>...]'"
    )
}

/// The reference that a name means.
fn full_name(session: &Session<'_>, name: &BStr) -> Option<BString> {
    if name == "HEAD" || name == "@" {
        return session.head_ref().filter(|_| session.head().is_some()).or_else(|| Some("HEAD".into()));
    }
    if name == "@{-1}" {
        let branch = session.previous_branch()?;
        return Some(format!("refs/heads/{branch}").into())
            .filter(|full: &BString| refs::find(session, full.as_bstr()).is_some());
    }
    if let Some(base) = name.strip_suffix(b"@{u}").or_else(|| name.strip_suffix(b"@{upstream}")) {
        let branch = if base.is_empty() || base == b"HEAD" {
            session.head_ref()?
        } else {
            format!("refs/heads/{}", base.as_bstr()).into()
        };
        return crate::status::upstream(session, branch.as_bstr());
    }
    let candidates = [
        name.to_owned(),
        format!("refs/{name}").into(),
        format!("refs/tags/{name}").into(),
        format!("refs/heads/{name}").into(),
        format!("refs/remotes/{name}").into(),
    ];
    let full = candidates
        .into_iter()
        .find(|full| full.starts_with(b"refs/") && refs::find(session, full.as_bstr()).is_some())?;
    // A reference that names another one stands for that.
    let found = session.repo.try_find_reference(full.as_bstr()).ok().flatten()?;
    match found.target() {
        gix::refs::TargetRef::Symbolic(target) => Some(target.as_bstr().to_owned()),
        gix::refs::TargetRef::Object(_) => Some(full),
    }
}

/// `git symbolic-ref`.
pub fn symbolic_ref(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("q quiet", Takes::Nothing),
            ("short", Takes::Nothing),
            ("d delete", Takes::Nothing),
            ("m", Takes::Value),
        ],
        "git symbolic-ref [-m <reason>] <name> <ref>",
    )?;
    let session = &globals.session()?;
    match parsed.rest.as_slice() {
        [name] => {
            let found = session.repo.try_find_reference(name.as_bstr()).ok().flatten();
            let target = found.as_ref().and_then(|reference| match reference.target() {
                gix::refs::TargetRef::Symbolic(target) => Some(target.as_bstr().to_owned()),
                gix::refs::TargetRef::Object(_) => None,
            });
            match target {
                Some(target) => {
                    session.out().line(if parsed.has("short") { shorten(target.as_bstr()) } else { target })
                }
                None if parsed.has("quiet") => Err(Error::Status(1)),
                None => Err(fatal!("ref {name} is not a symbolic ref")),
            }
        }
        [name, target] => {
            if name == "HEAD" && !target.starts_with(b"refs/") {
                return Err(fatal!("Refusing to point HEAD outside of refs/"));
            }
            refs::set_symbolic(session, &name.to_string(), target.as_bstr())
        }
        _ => Err(Error::Text("usage: git symbolic-ref [-m <reason>] <name> <ref>\n".into(), 129)),
    }
}

/// `git update-ref`.
pub fn update_ref(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("d", Takes::Nothing),
            ("m", Takes::Value),
            ("no-deref", Takes::Nothing),
            ("create-reflog", Takes::Nothing),
        ],
        "git update-ref [<options>] <ref> <new-oid> [<old-oid>]",
    )?;
    let session = &globals.session()?;
    let message = parsed.value("m").unwrap_or_default().to_owned();
    let expect = |name: &BStr, old: Option<&BString>| -> Result {
        let Some(old) = old else { return Ok(()) };
        let wanted = session.try_object(old.as_bstr()).or_else(|| ObjectId::from_hex(old).ok());
        let wanted = wanted.ok_or_else(|| fatal!("{old}: not a valid SHA1"))?;
        let now = refs::find(session, name);
        if now.unwrap_or_else(|| ObjectId::null(session.repo.object_hash())) != wanted {
            return Err(match now {
                Some(now) => fatal!(
                    "update_ref failed for ref '{name}': cannot lock ref '{name}': is at {now} but expected {wanted}"
                ),
                None => fatal!(
                    "update_ref failed for ref '{name}': cannot lock ref '{name}': unable to resolve reference '{name}'"
                ),
            });
        }
        Ok(())
    };
    match parsed.rest.as_slice() {
        [name, rest @ ..] if parsed.has("d") => {
            expect(name.as_bstr(), rest.first())?;
            refs::remove(session, std::slice::from_ref(name))
        }
        [name, new, rest @ ..] => {
            let id = session.try_object(new.as_bstr()).ok_or_else(|| fatal!("{new}: not a valid SHA1"))?;
            expect(name.as_bstr(), rest.first())?;
            refs::set(session, name.as_bstr(), id, message.as_bstr())
        }
        _ => Err(Error::Text("usage: git update-ref [<options>] <ref> <new-oid> [<old-oid>]\n".into(), 129)),
    }
}

/// `git merge-base`.
pub fn merge_base(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("a all", Takes::Nothing),
            ("is-ancestor", Takes::Nothing),
            ("fork-point", Takes::Nothing),
            ("octopus", Takes::Nothing),
        ],
        "git merge-base [-a | --all] <commit> <commit>...",
    )?;
    let session = &globals.session()?;
    let [one, other, ..] = parsed.rest.as_slice() else {
        return Err(Error::Text("usage: git merge-base [-a | --all] <commit> <commit>...\n".into(), 129));
    };
    let commit = |name: &BString| {
        session.try_commit(name.as_bstr()).ok_or_else(|| fatal!("Not a valid object name {name}"))
    };
    let (one, other) = (commit(one)?, commit(other)?);
    if parsed.has("is-ancestor") {
        return if is_ancestor(session, one, other)? { Ok(()) } else { Err(Error::Status(1)) };
    }
    let found = bases(session, one, other)?;
    if found.is_empty() {
        return Err(Error::Status(1));
    }
    let count = if parsed.has("all") { found.len() } else { 1 };
    found.iter().take(count).try_for_each(|id| session.out().line(id.to_string()))
}

/// When a reference's object was made.
pub fn created(session: &Session<'_>, id: ObjectId) -> Result<i64> {
    Ok(dated(session, id)?.map_or(0, |person| person.time.seconds))
}

fn dated(session: &Session<'_>, id: ObjectId) -> Result<Option<Person>> {
    let (kind, data) = session.read(id)?;
    let key: &[u8] = match kind {
        Kind::Tag => b"tagger ",
        Kind::Commit => b"committer ",
        _ => return Ok(None),
    };
    Ok(data
        .lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| Some(Person::parse(line.strip_prefix(key)?.as_bstr()))))
}

/// Fills in the placeholders of `--format`.
pub fn expand_ref(session: &Session<'_>, format: &BStr, name: &BStr, id: ObjectId) -> Result<BString> {
    let mut out = BString::default();
    let mut rest: &[u8] = format;
    while let Some(at) = rest.find_byte(b'%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(b"%") {
            out.push_byte(b'%');
            rest = after;
            continue;
        }
        if !rest.starts_with(b"(") {
            if let Some(byte) = rest.get(..2).and_then(|hex| u8::from_str_radix(hex.to_str().ok()?, 16).ok())
            {
                out.push_byte(byte);
                rest = &rest[2..];
            } else {
                out.push_byte(b'%');
            }
            continue;
        }
        let Some(end) = rest.find_byte(b')') else {
            out.push_byte(b'%');
            continue;
        };
        let field = rest[1..end].to_str_lossy().into_owned();
        rest = &rest[end + 1..];
        out.push_str(ref_field(session, &field, name, id)?);
    }
    out.push_str(rest);
    Ok(out)
}

fn ref_field(session: &Session<'_>, field: &str, name: &BStr, id: ObjectId) -> Result<BString> {
    let (deref, field) = match field.strip_prefix('*') {
        Some(field) => (true, field),
        None => (false, field),
    };
    let mut id = id;
    if deref {
        let (kind, data) = session.read(id)?;
        if kind != Kind::Tag {
            return Ok(BString::default());
        }
        match data.get(7..47).and_then(|hex| ObjectId::from_hex(hex).ok()) {
            Some(target) => id = target,
            None => return Ok(BString::default()),
        }
    }
    let (base, option) = field.split_once(':').map_or((field, ""), |(base, option)| (base, option));
    let (kind, data) = session.read(id)?;
    let head = data.find(b"\n\n").map_or(data.len(), |at| at + 2);
    let message = data.get(head..).unwrap_or_default().as_bstr();
    let header = |key: &str| -> Option<Person> {
        let key = format!("{key} ");
        data.lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| Some(Person::parse(line.strip_prefix(key.as_bytes())?.as_bstr())))
    };
    let style = || {
        if option.is_empty() { Ok(DateStyle::Default) } else { DateStyle::parse(option.as_bytes().as_bstr()) }
    };
    let has_text = matches!(kind, Kind::Commit | Kind::Tag);
    Ok(match base {
        "refname" if option == "short" => shorten(name),
        "refname" if option.starts_with("lstrip=") || option.starts_with("strip=") => {
            let count: usize = option.split_once('=').and_then(|(_, count)| count.parse().ok()).unwrap_or(0);
            let parts: Vec<&[u8]> = name.split_str("/").skip(count).collect();
            BString::from(parts.join(&b'/'))
        }
        "refname" => name.to_owned(),
        "objectname" if option == "short" => session.short(id).into(),
        "objectname" => id.to_string().into(),
        "objecttype" => kind.to_string().into(),
        "objectsize" => data.len().to_string().into(),
        "HEAD" => if session.head_ref().is_some_and(|head| head == name) { "*" } else { " " }.into(),
        "subject" | "contents:subject" if has_text => subject(message),
        "contents" if option == "subject" => subject(message),
        "contents" if has_text => message.to_owned(),
        "body" if kind == Kind::Commit => Commit::read(session, id)?.body(),
        "authorname" => header("author").map(|who| who.name).unwrap_or_default(),
        "authoremail" => header("author").map(|who| format!("<{}>", who.email).into()).unwrap_or_default(),
        "committername" => header("committer").map(|who| who.name).unwrap_or_default(),
        "committeremail" => {
            header("committer").map(|who| format!("<{}>", who.email).into()).unwrap_or_default()
        }
        "taggername" => header("tagger").map(|who| who.name).unwrap_or_default(),
        "taggeremail" => header("tagger").map(|who| format!("<{}>", who.email).into()).unwrap_or_default(),
        "authordate" => header("author")
            .map(|who| style().map(|style| style.show(who.time)))
            .transpose()?
            .unwrap_or_default()
            .into(),
        "committerdate" => header("committer")
            .map(|who| style().map(|style| style.show(who.time)))
            .transpose()?
            .unwrap_or_default()
            .into(),
        "taggerdate" => header("tagger")
            .map(|who| style().map(|style| style.show(who.time)))
            .transpose()?
            .unwrap_or_default()
            .into(),
        "creatordate" => dated(session, id)?
            .map(|who| style().map(|style| style.show(who.time)))
            .transpose()?
            .unwrap_or_default()
            .into(),
        "upstream" => {
            let upstream = crate::status::upstream(session, name).unwrap_or_default();
            if option == "short" { shorten(upstream.as_bstr()) } else { upstream }
        }
        "subject" | "body" => BString::default(),
        other => return Err(fatal!("unknown field name: {other}")),
    })
}

/// `git for-each-ref`.
pub fn for_each_ref(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("format", Takes::Value),
            ("sort", Takes::Value),
            ("count", Takes::Value),
            ("points-at", Takes::Value),
        ],
        "git for-each-ref [<options>] [<pattern>]",
    )?;
    let session = &globals.session()?;
    let format =
        parsed.value("format").unwrap_or_else(|| b"%(objectname) %(objecttype)\t%(refname)".as_bstr());
    let mut rows = refs::list(session, "refs/")?;
    rows.retain(|(name, ..)| {
        parsed.rest.is_empty()
            || parsed.rest.iter().any(|pattern| {
                let bare = pattern.trim_end_with(|end| end == '/');
                name.strip_prefix(bare).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
                    || wildmatch(pattern.as_bstr(), name.as_bstr(), Mode::NO_MATCH_SLASH_LITERAL)
            })
    });
    if let Some(key) = parsed.value("sort") {
        let (descending, key) = match key.strip_prefix(b"-") {
            Some(rest) => (true, rest.as_bstr()),
            None => (false, key),
        };
        match key.as_bytes() {
            b"refname" => {}
            b"committerdate" | b"creatordate" | b"authordate" | b"taggerdate" => {
                let mut dated = Vec::new();
                for row in rows {
                    dated.push((created(session, row.1)?, row));
                }
                dated.sort_by_key(|(date, _)| *date);
                rows = dated.into_iter().map(|(_, row)| row).collect();
            }
            other => return Err(fatal!("unknown field name: {}", other.as_bstr())),
        }
        if descending {
            rows.reverse();
        }
    }
    let count = parsed.number("count")?.filter(|count| *count > 0).unwrap_or(usize::MAX);
    for (name, id, _) in rows.into_iter().take(count) {
        session.out().line(expand_ref(session, format, name.as_bstr(), id)?)?;
    }
    Ok(())
}

/// `git show-ref`.
pub fn show_ref(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("head", Takes::Nothing),
            ("heads branches", Takes::Nothing),
            ("tags", Takes::Nothing),
            ("d dereference", Takes::Nothing),
            ("s hash", Takes::Glued),
            ("q quiet", Takes::Nothing),
            ("verify", Takes::Nothing),
        ],
        "git show-ref [--head] [-d | --dereference] [-s | --hash[=<n>]] [--] [<pattern>...]",
    )?;
    let session = &globals.session()?;
    let print = |name: &BStr, id: ObjectId| -> Result {
        if parsed.has("quiet") {
            return Ok(());
        }
        if parsed.has("hash") {
            session.out().line(id.to_string())
        } else {
            session.out().line(format!("{id} {name}"))
        }
    };
    if parsed.has("verify") {
        for name in &parsed.rest {
            let id = if name == "HEAD" { session.head() } else { refs::find(session, name.as_bstr()) };
            match id {
                Some(id) => print(name.as_bstr(), id)?,
                None if parsed.has("quiet") => return Err(Error::Status(1)),
                None => return Err(fatal!("'{name}' - not a valid ref")),
            }
        }
        return Ok(());
    }
    let mut any = false;
    if parsed.has("head")
        && let Some(id) = session.head()
    {
        any = true;
        print(b"HEAD".as_bstr(), id)?;
    }
    for (name, id, _) in refs::list(session, "refs/")? {
        let kinds = parsed.has("heads branches") || parsed.has("heads") || parsed.has("tags");
        let kind = (parsed.has("heads") && name.starts_with(b"refs/heads/"))
            || (parsed.has("tags") && name.starts_with(b"refs/tags/"));
        let matches =
            |pattern: &BString| name == *pattern || name.ends_with(format!("/{pattern}").as_bytes());
        if (kinds && !kind) || !(parsed.rest.is_empty() || parsed.rest.iter().any(matches)) {
            continue;
        }
        any = true;
        print(name.as_bstr(), id)?;
        if parsed.has("dereference") {
            let (kind, data) = session.read(id)?;
            if kind == Kind::Tag
                && let Some(target) = data.get(7..47).and_then(|hex| ObjectId::from_hex(hex).ok())
            {
                print(format!("{name}^{{}}").as_bytes().as_bstr(), target)?;
            }
        }
    }
    if any { Ok(()) } else { Err(Error::Status(1)) }
}
