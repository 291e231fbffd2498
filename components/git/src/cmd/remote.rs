//! `git clone`, `git fetch`, `git pull`, `git push`, `git remote`, `git ls-remote`: between repositories of one filesystem.

use std::fs;
use std::path::PathBuf;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::config::{File, Source};

use crate::error::{Error, Result, failed, fatal, library};
use crate::options::{Parsed, Takes, parse};
use crate::refs;
use crate::session::{Globals, Session, to_path};
use crate::status::{shorten, upstream};
use crate::switch;
use crate::transfer::{self, There};
use crate::walk::is_ancestor;

fn edit_config(path: PathBuf, change: impl FnOnce(&mut File) -> Result) -> Result {
    let mut file = File::from_path_no_includes(path.clone(), Source::Local).map_err(library)?;
    change(&mut file)?;
    fs::write(path, file.to_bstring())?;
    Ok(())
}

fn set(file: &mut File, section: &str, sub: &BStr, key: &str, value: &BStr) -> Result {
    file.set_raw_value_by(section, Some(sub), key, value).map_err(library)?;
    Ok(())
}

/// `git clone`.
pub fn clone(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("q quiet", Takes::Nothing),
            ("v verbose", Takes::Nothing),
            ("progress", Takes::Nothing),
            ("n no-checkout", Takes::Nothing),
            ("bare", Takes::Nothing),
            ("mirror", Takes::Nothing),
            ("l local", Takes::Nothing),
            ("no-hardlinks", Takes::Nothing),
            ("o origin", Takes::Value),
            ("b branch", Takes::Value),
            ("depth", Takes::Value),
            ("single-branch", Takes::Nothing),
            ("no-tags", Takes::Nothing),
            ("c config", Takes::Value),
        ],
        "git clone [<options>] [--] <repo> [<dir>]",
    )?;
    let Some(url) = parsed.rest.first() else {
        return Err(Error::Text("fatal: You must specify a repository to clone.\n\nusage: git clone [<options>] [--] <repo> [<dir>]\n".into(), 129));
    };
    let here = std::env::current_dir()?;
    let bare = parsed.has("bare") || parsed.has("mirror");
    let target: BString = match parsed.rest.get(1) {
        Some(name) => name.clone(),
        None => {
            let text = url.trim_end_with(|end| end == '/');
            let text = text.strip_suffix(b"/.git").or_else(|| text.strip_suffix(b".git")).unwrap_or(text);
            let name = text.rsplit(|byte| *byte == b'/' || *byte == b':').next().unwrap_or_default();
            let mut name = BString::from(name);
            if bare {
                name.extend_from_slice(b".git");
            }
            name
        }
    };
    let folder = to_path(target.as_bstr());
    if fs::read_dir(&folder).is_ok_and(|mut list| list.next().is_some()) || folder.is_file() {
        return Err(fatal!("destination path '{target}' already exists and is not an empty directory."));
    }
    let path = transfer::place(url.as_bstr(), &here)?;
    let quiet = parsed.has("quiet");
    let Ok(source) = transfer::open(globals, url.as_bstr(), &here) else {
        return Err(fatal!("repository '{url}' does not exist"));
    };
    if !quiet {
        let kind = if bare { "Cloning into bare repository" } else { "Cloning into" };
        globals.say(format!("{kind} '{target}'...\n"))?;
    }
    if parsed.has("depth") && !url.starts_with(b"file://") {
        globals.say("warning: --depth is ignored in local clones; use file:// instead.\n")?;
    }
    let origin = parsed.value("origin").map_or_else(|| "origin".into(), ToOwned::to_owned);
    let address: BString = if url.starts_with(b"file://") {
        url.clone()
    } else {
        crate::session::to_bytes(crate::session::normal(&path))
    };
    let (head_name, head_id) = transfer::head_of(&source);
    let wanted = parsed.value("branch").map(ToOwned::to_owned);
    let all = transfer::refs_of(&source)?;
    let find = |name: &str| all.iter().find(|there| there.name == name);
    if let Some(wanted) = &wanted
        && find(&format!("refs/heads/{wanted}")).is_none()
        && find(&format!("refs/tags/{wanted}")).is_none()
    {
        return Err(fatal!("Remote branch {wanted} not found in upstream {origin}"));
    }
    let branch: Option<BString> = match &wanted {
        Some(name) => find(&format!("refs/heads/{name}")).map(|_| name.clone()),
        None => head_name.as_ref().map(|name| shorten(name.as_bstr())),
    };
    let git_dir = if bare { folder.clone() } else { folder.join(".git") };
    fs::create_dir_all(&folder)?;
    super::init::create(
        globals,
        &git_dir,
        bare,
        Some(branch.clone().unwrap_or_else(|| "main".into())),
        false,
    )?;
    transfer::copy_store(&source.common_dir().join("objects"), &git_dir.join("objects"))?;
    // References in one file, as git leaves them.
    let mut packed = BString::from("# pack-refs with: peeled fully-peeled sorted \n");
    let mut lines: Vec<(BString, &There)> = Vec::new();
    for there in &all {
        let name: BString = if bare {
            there.name.clone()
        } else if let Some(name) = there.name.strip_prefix(b"refs/heads/") {
            if parsed.has("single-branch") && branch.as_ref().is_some_and(|branch| *branch != name) {
                continue;
            }
            format!("refs/remotes/{origin}/{}", name.as_bstr()).into()
        } else if there.name.starts_with(b"refs/tags/") && !parsed.has("no-tags") {
            there.name.clone()
        } else {
            continue;
        };
        lines.push((name, there));
    }
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, there) in &lines {
        packed.extend_from_slice(format!("{} {name}\n", there.id).as_bytes());
        if let Some(peeled) = there.peeled {
            packed.extend_from_slice(format!("^{peeled}\n").as_bytes());
        }
    }
    if !lines.is_empty() {
        fs::write(git_dir.join("packed-refs"), packed)?;
    }
    edit_config(git_dir.join("config"), |file| {
        set(file, "remote", origin.as_bstr(), "url", address.as_bstr())?;
        if !bare {
            let what = match &branch {
                Some(branch) if parsed.has("single-branch") => {
                    format!("+refs/heads/{branch}:refs/remotes/{origin}/{branch}")
                }
                _ => format!("+refs/heads/*:refs/remotes/{origin}/*"),
            };
            set(file, "remote", origin.as_bstr(), "fetch", what.as_bytes().as_bstr())?;
            if let Some(branch) = &branch {
                set(file, "branch", branch.as_bstr(), "remote", origin.as_bstr())?;
                set(
                    file,
                    "branch",
                    branch.as_bstr(),
                    "merge",
                    format!("refs/heads/{branch}").as_bytes().as_bstr(),
                )?;
            }
        }
        for pair in parsed.values("config") {
            let (key, value) = pair.split_once_str("=").unwrap_or((pair, b"true"));
            let (section, name) = key.rsplit_once_str(".").ok_or_else(|| fatal!("bad config {pair}"))?;
            file.set_raw_value_by(
                section.to_str_lossy(),
                None::<&BStr>,
                &*name.to_str_lossy(),
                value.as_bstr(),
            )
            .map_err(library)?;
        }
        Ok(())
    })?;
    let repo = globals.open_at(&git_dir)?;
    let session = &Session { globals, repo, prefix: BString::default() };
    let commit = match &branch {
        Some(branch) => find(&format!("refs/heads/{branch}")).map(|there| there.id),
        None => wanted.as_ref().and_then(|tag| session.try_commit(tag.as_bstr())).or(head_id),
    };
    let message = format!("clone: from {address}");
    if !bare && let (Some(name), Some(_)) = (&head_name, head_id) {
        let name = shorten(name.as_bstr());
        if lines.iter().any(|(known, _)| *known == format!("refs/remotes/{origin}/{name}")) {
            let head = format!("refs/remotes/{origin}/HEAD");
            let target = BString::from(format!("refs/remotes/{origin}/{name}"));
            refs::set_symbolic(session, &head, target.as_bstr())?;
            refs::log(session, &head, None, head_id, message.as_bytes().as_bstr())?;
        }
    }
    match (commit, bare) {
        (None, _) => globals.say("warning: You appear to have cloned an empty repository.\n")?,
        (Some(_), true) => {}
        (Some(commit), false) => {
            match &branch {
                Some(branch) => {
                    refs::set(
                        session,
                        format!("refs/heads/{branch}").as_bytes().as_bstr(),
                        commit,
                        message.as_bytes().as_bstr(),
                    )?;
                }
                None => {
                    refs::detach(session, commit)?;
                    refs::log(session, "HEAD", None, Some(commit), message.as_bytes().as_bstr())?;
                }
            }
            if !parsed.has("no-checkout") {
                let mut index = session.index()?;
                switch::force(session, &mut index, Some(session.tree_of(commit)?))?;
                index.write()?;
            }
        }
    }
    if !quiet {
        if !url.starts_with(b"file://") {
            globals.say("done.\n")?;
        }
        if branch.is_none() && commit.is_some() && !bare {
            let name = commit.map(|id| id.to_string()).unwrap_or_default().into();
            super::checkout::detached_note(session, &name)?;
        }
    }
    Ok(())
}

/// A line of what was fetched or pushed.
fn told(sign: char, what: &str, from: &BStr, to: &BStr, width: usize, why: &str) -> String {
    format!(" {sign} {what:<17} {:<width$} -> {to}{why}\n", from.to_str_lossy())
}

struct Fetched {
    /// What is to be merged: the commit, and how it is called.
    heads: Vec<(ObjectId, String)>,
}

/// Which of the remote's references go where: `+refs/heads/*:refs/remotes/origin/*`.
struct Spec {
    force: bool,
    from: BString,
    to: BString,
}

fn spec(text: &BStr) -> Spec {
    let (force, text) = match text.strip_prefix(b"+") {
        Some(rest) => (true, rest.as_bstr()),
        None => (false, text),
    };
    let (from, to) = text.split_once_str(":").unwrap_or((text, b""));
    Spec { force, from: from.into(), to: to.into() }
}

impl Spec {
    fn target(&self, name: &BStr) -> Option<BString> {
        let Some(star) = self.from.find_byte(b'*') else {
            let full = if self.from.starts_with(b"refs/") {
                self.from.clone()
            } else {
                format!("refs/heads/{}", self.from).into()
            };
            return (full == name || self.from == name).then(|| self.to.clone());
        };
        let middle = name.strip_prefix(&self.from[..star])?.strip_suffix(&self.from[star + 1..])?;
        Some(self.to.replacen("*", middle, 1).into())
    }
}

fn fetch_from(session: &Session<'_>, remote: &BStr, wanted: &[BString], parsed: &Parsed) -> Result<Fetched> {
    let url = transfer::url_of(session, remote, false);
    let source = transfer::open(session.globals, url.as_bstr(), &transfer::base_of(session))?;
    let all = transfer::refs_of(&source)?;
    let named = session.config(&format!("remote.{remote}.url")).is_some();
    let configured = session.config(&format!("remote.{remote}.fetch"));
    let specs: Vec<Spec> = configured.iter().filter(|_| named).map(|text| spec(text.as_bstr())).collect();
    let asked: Vec<Spec> = wanted.iter().map(|text| spec(text.as_bstr())).collect();
    for (spec, text) in asked.iter().zip(wanted) {
        if spec.from != "HEAD"
            && !all.iter().any(|there| {
                spec.target(there.name.as_bstr()).is_some()
                    || there.name == format!("refs/tags/{}", spec.from)
            })
        {
            return Err(fatal!(
                "couldn't find remote ref {}",
                text.split_once_str(":").map_or(text.as_bstr(), |(from, _)| from.as_bstr())
            ));
        }
    }
    let mut updates: Vec<(&There, BString, bool)> = Vec::new();
    let mut heads: Vec<(ObjectId, String, bool)> = Vec::new();
    let current = session.head_ref();
    let follows = current.as_ref().and_then(|branch| {
        let short = shorten(branch.as_bstr());
        session.config(&format!("branch.{short}.remote")).filter(|name| name == remote)?;
        session.config(&format!("branch.{short}.merge"))
    });
    let shown = transfer::shown(url.as_bstr());
    for there in &all {
        let short = shorten(there.name.as_bstr());
        let matches =
            asked.is_empty() || asked.iter().any(|spec| spec.target(there.name.as_bstr()).is_some());
        if there.name.starts_with(b"refs/heads/") && matches {
            let merge = if asked.is_empty() { follows.as_ref() == Some(&there.name) } else { true };
            heads.push((there.id, format!("branch '{short}' of {shown}"), merge));
        }
        for spec in asked.iter().filter(|spec| !spec.to.is_empty()) {
            if let Some(to) = spec.target(there.name.as_bstr()) {
                let to = if to.starts_with(b"refs/") { to } else { format!("refs/heads/{to}").into() };
                updates.push((there, to, spec.force));
            }
        }
        for spec in &specs {
            if let Some(to) = spec.target(there.name.as_bstr()).filter(|_| matches) {
                updates.push((there, to, spec.force));
            }
        }
    }
    let whole = asked.iter().any(|spec| spec.from == "HEAD") || (asked.is_empty() && !named);
    if let (true, (_, Some(id))) = (whole, transfer::head_of(&source)) {
        heads.push((id, shown.to_string(), true));
    }
    let mut tips: Vec<ObjectId> = updates.iter().map(|(there, ..)| there.id).collect();
    tips.extend(heads.iter().filter(|(.., merge)| *merge || !named).map(|(id, ..)| *id));
    transfer::copy_objects(&source, &session.repo, &tips)?;
    // Tags on what is here now come along.
    if !parsed.has("no-tags") {
        for there in all.iter().filter(|there| there.name.starts_with(b"refs/tags/")) {
            let known = session.repo.has_object(there.peeled.unwrap_or(there.id));
            if (known || parsed.has("tags")) && refs::find(session, there.name.as_bstr()).is_none() {
                transfer::copy_objects(&source, &session.repo, &[there.id])?;
                updates.push((there, there.name.clone(), false));
            }
        }
    }
    let width = updates
        .iter()
        .filter(|(there, to, _)| refs::find(session, to.as_bstr()) != Some(there.id))
        .map(|(there, ..)| shorten(there.name.as_bstr()).chars().count())
        .chain(
            heads
                .iter()
                .filter(|_| !asked.is_empty())
                .map(|(_, name, _)| name.split('\'').nth(1).unwrap_or("HEAD").len()),
        )
        .max()
        .unwrap_or(0)
        .max(10);
    let mut text = String::new();
    for (_, name, merge) in heads.iter().filter(|_| !asked.is_empty() || !named) {
        if *merge {
            let (kind, name) = match name.split('\'').nth(1) {
                Some(branch) => ("branch", branch),
                None => ("branch", "HEAD"),
            };
            text.push_str(&told('*', kind, name.as_bytes().as_bstr(), b"FETCH_HEAD".as_bstr(), width, ""));
        }
    }
    let mut rejected = false;
    if parsed.has("prune") {
        for (name, id, symbolic) in refs::list(session, &format!("refs/remotes/{remote}/"))? {
            let gone = !all.iter().any(|there| {
                specs.iter().any(|spec| spec.target(there.name.as_bstr()).as_ref() == Some(&name))
            });
            if gone && symbolic.is_none() {
                let _ = id;
                refs::remove(session, std::slice::from_ref(&name))?;
                text.push_str(&told(
                    '-',
                    "[deleted]",
                    b"(none)".as_bstr(),
                    shorten(name.as_bstr()).as_bstr(),
                    width,
                    "",
                ));
            }
        }
    }
    for (there, to, force) in &updates {
        let old = refs::find(session, to.as_bstr());
        if old == Some(there.id) {
            continue;
        }
        let (from, short) = (shorten(there.name.as_bstr()), shorten(to.as_bstr()));
        let tag = to.starts_with(b"refs/tags/");
        let line = match old {
            None => {
                let what = if tag {
                    "[new tag]"
                } else if there.name.starts_with(b"refs/heads/") {
                    "[new branch]"
                } else {
                    "[new ref]"
                };
                let message = if tag { "" } else { "fetch: storing head" };
                let message = format!("fetch {remote}{}", message.strip_prefix("fetch").unwrap_or(message));
                refs::set(session, to.as_bstr(), there.id, message.as_bytes().as_bstr())?;
                told('*', what, from.as_bstr(), short.as_bstr(), width, "")
            }
            Some(old) if is_ancestor(session, old, there.id).unwrap_or(false) => {
                refs::set(
                    session,
                    to.as_bstr(),
                    there.id,
                    format!("fetch {remote}: fast-forward").as_bytes().as_bstr(),
                )?;
                let what = format!("{}..{}", session.short(old), session.short(there.id));
                told(' ', &what, from.as_bstr(), short.as_bstr(), width, "")
            }
            Some(old) if *force || parsed.has("force") => {
                refs::set(
                    session,
                    to.as_bstr(),
                    there.id,
                    format!("fetch {remote}: forced-update").as_bytes().as_bstr(),
                )?;
                let what = format!("{}...{}", session.short(old), session.short(there.id));
                told('+', &what, from.as_bstr(), short.as_bstr(), width, "  (forced update)")
            }
            Some(_) => {
                rejected = true;
                told('!', "[rejected]", from.as_bstr(), short.as_bstr(), width, "  (non-fast-forward)")
            }
        };
        text.push_str(&line);
    }
    let mut record = String::new();
    for (id, name, merge) in heads.iter().filter(|head| head.2).chain(heads.iter().filter(|head| !head.2)) {
        record.push_str(&format!("{id}\t{}\t{name}\n", if *merge { "" } else { "not-for-merge" }));
    }
    fs::write(session.own("FETCH_HEAD"), record)?;
    if !text.is_empty() && !parsed.has("quiet") {
        session.say(format!("From {shown}\n{text}"))?;
    }
    if rejected {
        return Err(Error::Status(1));
    }
    Ok(Fetched { heads: heads.into_iter().filter(|head| head.2).map(|(id, name, _)| (id, name)).collect() })
}

fn default_remote(session: &Session<'_>) -> BString {
    let branch = session.head_ref().map(|branch| shorten(branch.as_bstr())).unwrap_or_default();
    session.config(&format!("branch.{branch}.remote")).unwrap_or_else(|| "origin".into())
}

fn remotes(session: &Session<'_>) -> Vec<BString> {
    let config = session.repo.config_snapshot();
    let mut names: Vec<BString> = config
        .plumbing()
        .sections_by_name("remote")
        .into_iter()
        .flatten()
        .filter_map(|section| section.header().subsection_name().map(ToOwned::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}

const FETCH: &[(&str, Takes)] = &[
    ("q quiet", Takes::Nothing),
    ("v verbose", Takes::Nothing),
    ("all", Takes::Nothing),
    ("p prune", Takes::Nothing),
    ("t tags", Takes::Nothing),
    ("n no-tags", Takes::Nothing),
    ("f force", Takes::Nothing),
    ("progress", Takes::Nothing),
    ("depth", Takes::Value),
    ("unshallow", Takes::Nothing),
    ("r rebase", Takes::Glued),
    ("ff", Takes::Nothing),
    ("ff-only", Takes::Nothing),
    ("e edit", Takes::Nothing),
    ("commit", Takes::Nothing),
    ("squash", Takes::Nothing),
    ("stat", Takes::Nothing),
    ("allow-unrelated-histories", Takes::Nothing),
    ("X strategy-option", Takes::Value),
];

/// `git fetch`.
pub fn fetch(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(arguments, FETCH, "git fetch [<options>] [<repository> [<refspec>...]]")?;
    let session = &globals.session()?;
    if parsed.has("all") {
        return remotes(session).iter().try_for_each(|remote| {
            if !parsed.has("quiet") {
                session.out().line(format!("Fetching {remote}"))?;
            }
            fetch_from(session, remote.as_bstr(), &[], &parsed).map(drop)
        });
    }
    let (remote, wanted) = match parsed.rest.split_first() {
        Some((remote, wanted)) => (remote.clone(), wanted),
        None => (default_remote(session), &[][..]),
    };
    if parsed.rest.is_empty() && session.config(&format!("remote.{remote}.url")).is_none() {
        return Ok(());
    }
    fetch_from(session, remote.as_bstr(), wanted, &parsed).map(drop)
}

/// `git pull`.
pub fn pull(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(arguments, FETCH, "git pull [<options>] [<repository> [<refspec>...]]")?;
    let session = &globals.session()?;
    session.root()?;
    let (remote, wanted) = match parsed.rest.split_first() {
        Some((remote, wanted)) => (remote.clone(), wanted),
        None => (default_remote(session), &[][..]),
    };
    let branch = session.head_ref();
    let short = branch.as_ref().map(|branch| shorten(branch.as_bstr())).unwrap_or_default();
    if parsed.rest.is_empty()
        && branch.as_ref().and_then(|branch| upstream(session, branch.as_bstr())).is_none()
    {
        if session.config(&format!("remote.{remote}.url")).is_some() {
            fetch_from(session, remote.as_bstr(), &[], &parsed)?;
        }
        let hint = if remotes(session).is_empty() { "<remote>" } else { "origin" };
        return Err(Error::Text(
            format!(
                "There is no tracking information for the current branch.\nPlease specify which branch you want to merge with.\n\
                 See git-pull(1) for details.\n\n    git pull <remote> <branch>\n\n\
                 If you wish to set tracking information for this branch you can do so with:\n\n    \
                 git branch --set-upstream-to={hint}/<branch> {short}\n\n"
            ),
            1,
        ));
    }
    let fetched = fetch_from(session, remote.as_bstr(), wanted, &parsed)?;
    let Some((id, name)) = fetched.heads.into_iter().next() else {
        return Err(Error::Text(
            format!(
                "Your configuration specifies to merge with the ref '{}'\nfrom the remote, but no such ref was fetched.\n",
                session.config(&format!("branch.{short}.merge")).unwrap_or_default()
            ),
            1,
        ));
    };
    let session = &globals.session()?;
    let rebase_config = session.config("pull.rebase");
    let rebase = parsed.has("rebase") && parsed.value("rebase").is_none_or(|value| value != "false")
        || (!parsed.negated("rebase") && rebase_config.as_ref().is_some_and(|value| value != "false"));
    let only = parsed.has("ff-only")
        || (session.config("pull.ff").is_some_and(|value| value == "only")
            && !parsed.has("rebase")
            && !parsed.negated("rebase")
            && !parsed.negated("ff"));
    if let Some(head) = session.head() {
        let diverged = !is_ancestor(session, id, head)? && !is_ancestor(session, head, id)?;
        let decided = rebase
            || only
            || parsed.negated("rebase")
            || parsed.negated("ff")
            || parsed.has("ff")
            || rebase_config.is_some()
            || session.config("pull.ff").is_some();
        if diverged && !decided {
            return Err(Error::Text(
                "hint: You have divergent branches and need to specify how to reconcile them.\n\
                 hint: You can do so by running one of the following commands sometime before\nhint: your next pull:\nhint:\n\
                 hint:   git config pull.rebase false  # merge\nhint:   git config pull.rebase true   # rebase\n\
                 hint:   git config pull.ff only       # fast-forward only\nhint:\n\
                 hint: You can replace \"git config\" with \"git config --global\" to set a default\n\
                 hint: preference for all repositories. You can also pass --rebase, --no-rebase,\n\
                 hint: or --ff-only on the command line to override the configured default per\nhint: invocation.\n\
                 fatal: Need to specify how to reconcile divergent branches.\n"
                    .into(),
                128,
            ));
        }
    }
    if rebase {
        return super::pick::rebase(globals, &[id.to_string().into()]);
    }
    let wishes = super::merge::Wishes {
        only_forward: only,
        no_forward: parsed.negated("ff"),
        squash: parsed.has("squash"),
        no_commit: parsed.negated("commit"),
        quiet: parsed.has("quiet"),
        no_stat: parsed.negated("stat"),
        unrelated: parsed.has("allow-unrelated-histories"),
        action: Some(format!(
            "pull{}",
            parsed.rest.iter().map(|word| format!(" {word}")).collect::<String>()
        )),
        ..Default::default()
    };
    let mut title = format!("Merge {name}");
    if short != "main" && short != "master" {
        title.push_str(&format!(" into {short}"));
    }
    super::merge::run(session, &id.to_string(), id, &title, &wishes)
}

/// `git push`.
pub fn push(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("u set-upstream", Takes::Nothing),
            ("f force", Takes::Nothing),
            ("force-with-lease", Takes::Glued),
            ("q quiet", Takes::Nothing),
            ("v verbose", Takes::Nothing),
            ("n dry-run", Takes::Nothing),
            ("d delete", Takes::Nothing),
            ("tags", Takes::Nothing),
            ("follow-tags", Takes::Nothing),
            ("all branches", Takes::Nothing),
            ("progress", Takes::Nothing),
            ("no-verify", Takes::Nothing),
            ("porcelain", Takes::Nothing),
        ],
        "git push [<options>] [<repository> [<refspec>...]]",
    )?;
    let session = &globals.session()?;
    let remote = parsed.rest.first().cloned().unwrap_or_else(|| default_remote(session));
    let named = session.config(&format!("remote.{remote}.url")).is_some();
    if parsed.rest.is_empty() && !named {
        return Err(fatal!(
            "No configured push destination.\nEither specify the URL from the command-line or configure a remote repository using\n\n    \
             git remote add <name> <url>\n\nand then push using the remote name\n\n    git push <name>\n"
        ));
    }
    let url = transfer::url_of(session, remote.as_bstr(), true);
    let branch = session.head_ref();
    let short = branch.as_ref().map(|branch| shorten(branch.as_bstr()));
    // What goes where: this side's name and commit, the other side's reference, by force or not.
    let mut work: Vec<(BString, Option<ObjectId>, BString, bool)> = Vec::new();
    let force = parsed.has("force") || parsed.has("force-with-lease");
    let full = |name: &BStr| -> BString {
        if name.starts_with(b"refs/") {
            return name.to_owned();
        }
        let tag = BString::from(format!("refs/tags/{name}"));
        let head = BString::from(format!("refs/heads/{name}"));
        if refs::find(session, head.as_bstr()).is_none() && refs::find(session, tag.as_bstr()).is_some() {
            tag
        } else {
            head
        }
    };
    for text in parsed.rest.iter().skip(1) {
        let forced = force || text.starts_with(b"+");
        let bare = text.strip_prefix(b"+").unwrap_or(text);
        let (from, to) = match bare.split_once_str(":") {
            Some((from, to)) => (from.as_bstr(), to.as_bstr()),
            None => (bare.as_bstr(), bare.as_bstr()),
        };
        if from.is_empty() || parsed.has("delete") {
            work.push((BString::default(), None, full(to), true));
            continue;
        }
        let from: BString = if from == "HEAD" && !bare.contains(&b':') {
            branch.clone().ok_or_else(|| fatal!("HEAD does not point to a branch"))?
        } else {
            from.to_owned()
        };
        let to = if from.starts_with(b"refs/") && to == "HEAD" { from.clone() } else { to.to_owned() };
        let id = refs::find(session, full(from.as_bstr()).as_bstr())
            .or_else(|| session.try_object(from.as_bstr()));
        let Some(id) = id else {
            return Err(Error::Text(
                format!(
                    "error: src refspec {from} does not match any\nerror: failed to push some refs to '{url}'\n"
                ),
                1,
            ));
        };
        let target = if bare.contains(&b':') && !to.starts_with(b"refs/") {
            let source = full(from.as_bstr());
            if source.starts_with(b"refs/tags/") {
                format!("refs/tags/{to}").into()
            } else {
                format!("refs/heads/{to}").into()
            }
        } else {
            full(to.as_bstr())
        };
        let label = if text.as_slice() == b"HEAD" { text.clone() } else { shorten(from.as_bstr()) };
        work.push((label, Some(id), target, forced));
    }
    if parsed.has("all") {
        for (name, id, _) in refs::list(session, "refs/heads/")? {
            work.push((shorten(name.as_bstr()), Some(id), name, force));
        }
    }
    if parsed.has("tags") {
        for (name, id, _) in refs::list(session, "refs/tags/")? {
            work.push((shorten(name.as_bstr()), Some(id), name, force));
        }
    }
    if work.is_empty() && parsed.rest.len() < 2 && !parsed.has("tags") && !parsed.has("all") {
        let (Some(short), Some(branch)) = (&short, &branch) else {
            return Err(fatal!(
                "You are not currently on a branch.\nTo push the history leading to the current (detached HEAD)\nstate now, use\n\n    \
                 git push {remote} HEAD:<name-of-remote-branch>\n"
            ));
        };
        let mode = session.config("push.default").unwrap_or_else(|| "simple".into());
        let follows = session.config(&format!("branch.{short}.merge"));
        let auto = session.config_bool("push.autoSetupRemote", false);
        let target: BString = match (&follows, mode.as_slice()) {
            (_, b"current") => branch.clone(),
            (Some(merge), b"upstream" | b"tracking") => merge.clone(),
            (Some(merge), _) if shorten(merge.as_bstr()) == *short => merge.clone(),
            (Some(merge), _) => {
                return Err(fatal!(
                    "The upstream branch of your current branch does not match\nthe name of your current branch.  To push to the upstream branch\n\
                     on the remote, use\n\n    git push {remote} HEAD:{0}\n\n\
                     To push to the branch of the same name on the remote, use\n\n    git push {remote} HEAD\n\n\
                     To choose either option permanently, see push.default in 'git help config'.\n\n\
                     To avoid automatically configuring an upstream branch when its name\n\
                     won't match the local branch, see option 'simple' of branch.autoSetupMerge\nin 'git help config'.\n",
                    shorten(merge.as_bstr())
                ));
            }
            (None, _) if parsed.has("set-upstream") || auto => branch.clone(),
            (None, _) => {
                return Err(fatal!(
                    "The current branch {short} has no upstream branch.\nTo push the current branch and set the remote as upstream, use\n\n    \
                     git push --set-upstream {remote} {short}\n\n\
                     To have this happen automatically for branches without a tracking\n\
                     upstream, see 'push.autoSetupRemote' in 'git help config'.\n"
                ));
            }
        };
        let Some(id) = session.head() else {
            return Err(Error::Text(
                format!(
                    "error: src refspec {branch} does not match any\nerror: failed to push some refs to '{url}'\n"
                ),
                1,
            ));
        };
        work.push((short.clone(), Some(id), target, force));
    }
    let there = transfer::open(globals, url.as_bstr(), &transfer::base_of(session))?;
    let other = Session { globals, repo: there, prefix: BString::default() };
    let bare = other.repo.workdir().is_none();
    let checked_out = transfer::head_of(&other.repo).0;
    let mut text = String::new();
    let (mut refused, mut behind) = (false, None);
    let mut followed = Vec::new();
    for (from, id, to, forced) in &work {
        let old = refs::find(&other, to.as_bstr());
        let short_to = shorten(to.as_bstr());
        let line = |sign: char, what: &str, why: &str| {
            let from = if from.is_empty() { String::new() } else { format!("{from} -> ") };
            format!(" {sign} {what:<17} {from}{short_to}{why}\n")
        };
        let track = |id: Option<ObjectId>| -> Result {
            let Some(name) = to.strip_prefix(b"refs/heads/").filter(|_| named) else { return Ok(()) };
            let full = BString::from(format!("refs/remotes/{remote}/{}", name.as_bstr()));
            match id {
                Some(id) => refs::set(session, full.as_bstr(), id, b"update by push".as_bstr()),
                None if refs::find(session, full.as_bstr()).is_some() => {
                    refs::remove(session, std::slice::from_ref(&full))
                }
                None => Ok(()),
            }
        };
        let Some(id) = *id else {
            if old.is_none() {
                return Err(Error::Text(
                    format!(
                        "error: unable to delete '{short_to}': remote ref does not exist\nerror: failed to push some refs to '{url}'\n"
                    ),
                    1,
                ));
            }
            if !parsed.has("dry-run") {
                refs::remove(&other, std::slice::from_ref(to))?;
                track(None)?;
            }
            text.push_str(&line('-', "[deleted]", ""));
            continue;
        };
        followed.push((from.clone(), to.clone()));
        if old == Some(id) {
            track(Some(id))?;
            continue;
        }
        let tag = to.starts_with(b"refs/tags/");
        let known = old.is_some_and(|old| session.repo.has_object(old));
        let forward = match old {
            Some(old) => known && is_ancestor(session, old, id).unwrap_or(false),
            None => true,
        };
        if tag && old.is_some() && !forced {
            refused = true;
            text.push_str(&line('!', "[rejected]", " (already exists)"));
            behind.get_or_insert("exists");
            continue;
        }
        if !forward && !forced {
            refused = true;
            text.push_str(&line(
                '!',
                "[rejected]",
                if known { " (non-fast-forward)" } else { " (fetch first)" },
            ));
            let current = short.as_ref() == Some(from);
            behind.get_or_insert(if !known {
                "fetch"
            } else if current {
                "tip"
            } else {
                "other"
            });
            continue;
        }
        if !bare
            && checked_out.as_ref() == Some(to)
            && other.config("receive.denyCurrentBranch").is_none_or(|value| value == "refuse")
        {
            refused = true;
            session.say(
                [
                    format!("error: refusing to update checked out branch: {to}"),
                    "error: By default, updating the current branch in a non-bare repository".into(),
                    "is denied, because it will make the index and work tree inconsistent".into(),
                    "with what you pushed, and will require 'git reset --hard' to match".into(),
                    "the work tree to HEAD.".into(),
                    String::new(),
                    "You can set the 'receive.denyCurrentBranch' configuration variable".into(),
                    "to 'ignore' or 'warn' in the remote repository to allow pushing into".into(),
                    "its current branch; however, this is not recommended unless you".into(),
                    "arranged to update its work tree to match what you pushed in some".into(),
                    "other way.".into(),
                    String::new(),
                    "To squelch this message and still keep the default behaviour, set".into(),
                    "'receive.denyCurrentBranch' configuration variable to 'refuse'.".into(),
                ]
                .map(|line| format!("remote: {line}        \n"))
                .concat(),
            )?;
            text.push_str(&line('!', "[remote rejected]", " (branch is currently checked out)"));
            continue;
        }
        if !parsed.has("dry-run") {
            transfer::copy_objects(&session.repo, &other.repo, &[id])?;
            refs::set(&other, to.as_bstr(), id, b"push".as_bstr())?;
            track(Some(id))?;
        }
        text.push_str(&match old {
            None => line('*', if tag { "[new tag]" } else { "[new branch]" }, ""),
            Some(old) if forward => line(' ', &format!("{}..{}", session.short(old), session.short(id)), ""),
            Some(old) => {
                line('+', &format!("{}...{}", session.short(old), session.short(id)), " (forced update)")
            }
        });
    }
    if text.is_empty() && !refused {
        if !parsed.has("quiet") {
            session.say("Everything up-to-date\n")?;
        }
    } else if !parsed.has("quiet") || refused {
        session.say(format!("To {url}\n{text}"))?;
    }
    if (parsed.has("set-upstream") || session.config_bool("push.autoSetupRemote", false)) && !refused {
        for (from, to) in followed {
            if to.starts_with(b"refs/heads/")
                && refs::find(session, format!("refs/heads/{from}").as_bytes().as_bstr()).is_some()
            {
                let before = upstream(session, format!("refs/heads/{from}").as_bytes().as_bstr());
                super::checkout::follow(session, from.as_bstr(), remote.as_bstr(), to.as_bstr())?;
                if parsed.has("set-upstream") || before.is_none() {
                    session.out().line(format!(
                        "branch '{from}' set up to track '{remote}/{}'.",
                        shorten(to.as_bstr())
                    ))?;
                }
            }
        }
    }
    if refused {
        let hint = match behind {
            Some("fetch") => {
                "hint: Updates were rejected because the remote contains work that you do not\n\
                 hint: have locally. This is usually caused by another repository pushing to\n\
                 hint: the same ref. If you want to integrate the remote changes, use\n\
                 hint: 'git pull' before pushing again.\n\
                 hint: See the 'Note about fast-forwards' in 'git push --help' for details.\n"
            }
            Some("tip") => {
                "hint: Updates were rejected because the tip of your current branch is behind\n\
                 hint: its remote counterpart. If you want to integrate the remote changes,\n\
                 hint: use 'git pull' before pushing again.\n\
                 hint: See the 'Note about fast-forwards' in 'git push --help' for details.\n"
            }
            Some("other") => {
                "hint: Updates were rejected because a pushed branch tip is behind its remote\n\
                 hint: counterpart. If you want to integrate the remote changes, use 'git pull'\n\
                 hint: before pushing again.\n\
                 hint: See the 'Note about fast-forwards' in 'git push --help' for details.\n"
            }
            Some(_) => "hint: Updates were rejected because the tag already exists in the remote.\n",
            None => "",
        };
        return Err(Error::Text(format!("error: failed to push some refs to '{url}'\n{hint}"), 1));
    }
    Ok(())
}

/// `git ls-remote`.
pub fn ls_remote(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("h heads branches b", Takes::Nothing),
            ("t tags", Takes::Nothing),
            ("refs", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("symref", Takes::Nothing),
            ("exit-code", Takes::Nothing),
        ],
        "git ls-remote [--branches] [--tags] [--refs] [-q | --quiet] [<repository> [<patterns>...]]",
    )?;
    let session = globals.discover()?;
    let name = parsed.rest.first().cloned();
    let (url, base) = match (&session, name) {
        (Some(session), name) => {
            let remote = name.clone().unwrap_or_else(|| default_remote(session));
            let url = transfer::url_of(session, remote.as_bstr(), false);
            if name.is_none() && !parsed.has("quiet") {
                globals.say(format!("From {url}\n"))?;
            }
            (
                url,
                if name.is_some_and(|name| name == remote) {
                    std::env::current_dir()?
                } else {
                    transfer::base_of(session)
                },
            )
        }
        (None, Some(name)) => (name, std::env::current_dir()?),
        (None, None) => return Err(fatal!("No remote configured to list refs from.")),
    };
    let repo = transfer::open(globals, url.as_bstr(), &base)?;
    let (heads, tags) = (parsed.has("heads"), parsed.has("tags"));
    let (head_name, head) = transfer::head_of(&repo);
    let mut any = false;
    let wanted = |name: &BStr| {
        parsed.rest.len() < 2
            || parsed
                .rest
                .iter()
                .skip(1)
                .any(|pattern| name == *pattern || name.ends_with(format!("/{pattern}").as_bytes()))
    };
    if let Some(head) = head.filter(|_| !heads && !tags && !parsed.has("refs") && wanted(b"HEAD".as_bstr())) {
        if let Some(name) = head_name.filter(|_| parsed.has("symref")) {
            globals.out.line(format!("ref: {name}\tHEAD"))?;
        }
        any = true;
        globals.out.line(format!("{head}\tHEAD"))?;
    }
    for there in transfer::refs_of(&repo)? {
        let kind = (heads && there.name.starts_with(b"refs/heads/"))
            || (tags && there.name.starts_with(b"refs/tags/"));
        if ((heads || tags) && !kind) || !wanted(there.name.as_bstr()) {
            continue;
        }
        any = true;
        globals.out.line(format!("{}\t{}", there.id, there.name))?;
        if let Some(peeled) = there.peeled.filter(|_| !parsed.has("refs")) {
            globals.out.line(format!("{peeled}\t{}^{{}}", there.name))?;
        }
    }
    if parsed.has("exit-code") && !any { Err(Error::Status(2)) } else { Ok(()) }
}

/// `git remote`.
pub fn remote(globals: &Globals, arguments: &[BString]) -> Result {
    let session = &globals.session()?;
    let config = session.repo.common_dir().join("config");
    let verbose = arguments.first().is_some_and(|word| word == "-v" || word == "--verbose");
    let words = if verbose { &arguments[1..] } else { arguments };
    let Some((word, rest)) = words.split_first() else {
        for name in remotes(session) {
            if verbose {
                let url = transfer::url_of(session, name.as_bstr(), false);
                session.out().line(format!("{name}\t{url} (fetch)"))?;
                session
                    .out()
                    .line(format!("{name}\t{} (push)", transfer::url_of(session, name.as_bstr(), true)))?;
            } else {
                session.out().line(name)?;
            }
        }
        return Ok(());
    };
    let exists = |name: &BStr| remotes(session).iter().any(|known| known == name);
    let missing = |name: &BStr| Error::Failed(format!("No such remote: '{name}'"), 2);
    let usage = |text: &str| Error::Text(format!("usage: git remote {text}\n"), 129);
    match word.to_str_lossy().as_ref() {
        "add" => {
            let parsed = parse(
                rest,
                &[
                    ("f fetch", Takes::Nothing),
                    ("t track", Takes::Value),
                    ("m master", Takes::Value),
                    ("tags", Takes::Nothing),
                ],
                "git remote add [<options>] <name> <url>",
            )?;
            let [name, url] = parsed.rest.as_slice() else {
                return Err(usage("add [<options>] <name> <url>"));
            };
            if exists(name.as_bstr()) {
                return Err(Error::Failed(format!("remote {name} already exists."), 3));
            }
            if !refs::is_valid(name.as_bstr()) {
                return Err(fatal!("'{name}' is not a valid remote name"));
            }
            edit_config(config, |file| {
                set(file, "remote", name.as_bstr(), "url", url.as_bstr())?;
                set(
                    file,
                    "remote",
                    name.as_bstr(),
                    "fetch",
                    format!("+refs/heads/*:refs/remotes/{name}/*").as_bytes().as_bstr(),
                )
            })?;
            if parsed.has("fetch") {
                session.out().line(format!("Updating {name}"))?;
                return fetch(globals, std::slice::from_ref(name));
            }
            Ok(())
        }
        "remove" | "rm" => {
            let [name] = rest else { return Err(usage("remove <name>")) };
            if !exists(name.as_bstr()) {
                return Err(missing(name.as_bstr()));
            }
            let gone: Vec<BString> = refs::list(session, &format!("refs/remotes/{name}/"))?
                .into_iter()
                .map(|(name, ..)| name)
                .collect();
            refs::remove(session, &gone)?;
            edit_config(config, |file| {
                while file.remove_section("remote", Some(name.as_bstr())).is_some() {}
                let follow: Vec<BString> = file
                    .sections_by_name("branch")
                    .into_iter()
                    .flatten()
                    .filter(|section| section.value("remote").is_some_and(|value| value == *name))
                    .filter_map(|section| section.header().subsection_name().map(ToOwned::to_owned))
                    .collect();
                for branch in follow {
                    file.remove_section("branch", Some(branch.as_bstr()));
                }
                Ok(())
            })
        }
        "rename" => {
            let [old, new] = rest else { return Err(usage("rename [--[no-]progress] <old> <new>")) };
            if !exists(old.as_bstr()) {
                return Err(missing(old.as_bstr()));
            }
            if exists(new.as_bstr()) {
                return Err(Error::Failed(format!("remote {new} already exists."), 3));
            }
            for (name, id, symbolic) in refs::list(session, &format!("refs/remotes/{old}/"))? {
                let rest = name
                    .strip_prefix(format!("refs/remotes/{old}/").as_bytes())
                    .unwrap_or_default()
                    .as_bstr();
                let to = format!("refs/remotes/{new}/{rest}");
                refs::remove(session, std::slice::from_ref(&name))?;
                match symbolic.and_then(|target| {
                    target.strip_prefix(format!("refs/remotes/{old}/").as_bytes()).map(BString::from)
                }) {
                    Some(target) => refs::set_symbolic(
                        session,
                        &to,
                        format!("refs/remotes/{new}/{target}").as_bytes().as_bstr(),
                    )?,
                    None => refs::set(
                        session,
                        to.as_bytes().as_bstr(),
                        id,
                        format!("remote: renamed {name} to {to}").as_bytes().as_bstr(),
                    )?,
                }
            }
            edit_config(config, |file| {
                file.rename_section("remote", Some(old.as_bstr()), "remote", Some(new.clone()))
                    .map_err(library)?;
                set(
                    file,
                    "remote",
                    new.as_bstr(),
                    "fetch",
                    format!("+refs/heads/*:refs/remotes/{new}/*").as_bytes().as_bstr(),
                )?;
                let follow: Vec<BString> = file
                    .sections_by_name("branch")
                    .into_iter()
                    .flatten()
                    .filter(|section| section.value("remote").is_some_and(|value| value == *old))
                    .filter_map(|section| section.header().subsection_name().map(ToOwned::to_owned))
                    .collect();
                for branch in follow {
                    set(file, "branch", branch.as_bstr(), "remote", new.as_bstr())?;
                }
                Ok(())
            })
        }
        "get-url" => {
            let name = rest
                .iter()
                .find(|word| !word.starts_with(b"-"))
                .ok_or_else(|| usage("get-url [--push] [--all] <name>"))?;
            if !exists(name.as_bstr()) {
                return Err(Error::Failed(format!("No such remote '{name}'"), 2));
            }
            session.out().line(transfer::url_of(
                session,
                name.as_bstr(),
                rest.iter().any(|word| word == "--push"),
            ))
        }
        "set-url" => {
            let push = rest.iter().any(|word| word == "--push");
            let words: Vec<&BString> = rest.iter().filter(|word| !word.starts_with(b"-")).collect();
            let [name, url, ..] = words.as_slice() else {
                return Err(usage("set-url [--push] <name> <newurl> [<oldurl>]"));
            };
            if !exists(name.as_bstr()) {
                return Err(Error::Failed(format!("No such remote '{name}'"), 2));
            }
            edit_config(config, |file| {
                set(file, "remote", name.as_bstr(), if push { "pushurl" } else { "url" }, url.as_bstr())
            })
        }
        "prune" | "update" => {
            let names = if rest.is_empty() { remotes(session) } else { rest.to_vec() };
            names.iter().try_for_each(|name| fetch(globals, &["--prune".into(), name.clone()]))
        }
        other => Err(failed!("unknown subcommand: `{other}'")),
    }
}
