//! Commands on objects and the index: `cat-file`, `hash-object`, `ls-tree`, `ls-files`, `write-tree`.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::Kind;

use crate::error::{Error, Result, fatal};
use crate::index::{COMMIT, FOLDER};
use crate::options::{Takes, parse};
use crate::pathspec::Pathspec;
use crate::session::{Globals, Session, quote};
use crate::tree::{self, Item};
use crate::worktree::{Depth, Files, others};

fn kind_of(mode: u32) -> &'static str {
    match mode {
        FOLDER => "tree",
        COMMIT => "commit",
        _ => "blob",
    }
}

fn listing(session: &Session<'_>, id: ObjectId) -> Result<BString> {
    let mut text = BString::default();
    for (name, item) in tree::entries(session, id)? {
        text.extend_from_slice(
            format!("{:06o} {} {}\t{}\n", item.mode, kind_of(item.mode), item.id, quote(name.as_bstr()))
                .as_bytes(),
        );
    }
    Ok(text)
}

/// `git cat-file`.
pub fn cat_file(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("t", Takes::Nothing),
            ("s", Takes::Nothing),
            ("e", Takes::Nothing),
            ("p", Takes::Nothing),
            ("batch", Takes::Glued),
            ("batch-check", Takes::Glued),
            ("batch-all-objects", Takes::Nothing),
        ],
        "git cat-file (-t | -s | -e | -p | <type>) <object>",
    )?;
    let session = &globals.session()?;
    if let Some(form) = parsed.last_of(&["batch", "batch-check"]) {
        return batch(session, form == "batch", parsed.value(form));
    }
    let (kind, name) = match (parsed.last_of(&["t", "s", "e", "p"]), parsed.rest.as_slice()) {
        (Some(_), [name]) => (None, name),
        (None, [kind, name]) => (Some(kind), name),
        _ => {
            return Err(Error::Text(
                "usage: git cat-file (-t | -s | -e | -p | <type>) <object>\n".into(),
                129,
            ));
        }
    };
    let found = session.try_object(name.as_bstr()).filter(|id| session.repo.has_object(*id));
    let Some(id) = found else {
        if parsed.has("e") && session.try_object(name.as_bstr()).is_some() {
            return Err(Error::Status(1));
        }
        return Err(session
            .missing_path(name.as_bstr())
            .unwrap_or_else(|| fatal!("Not a valid object name {name}")));
    };
    let (real, data) = session.read(id)?;
    let out = session.out();
    if parsed.has("t") {
        return out.line(real.to_string());
    }
    if parsed.has("s") {
        return out.line(data.len().to_string());
    }
    if parsed.has("e") {
        return Ok(());
    }
    if parsed.has("p") {
        return if real == Kind::Tree { out.bytes(listing(session, id)?) } else { out.bytes(data) };
    }
    let wanted = kind.map(|kind| kind.to_string()).unwrap_or_default();
    let wanted_kind = match wanted.as_str() {
        "blob" => Kind::Blob,
        "tree" => Kind::Tree,
        "commit" => Kind::Commit,
        "tag" => Kind::Tag,
        other => return Err(fatal!("invalid object type \"{other}\"")),
    };
    let object = session.repo.find_object(id).map_err(crate::error::library)?;
    let object = object.peel_to_kind(wanted_kind).map_err(|_| fatal!("git cat-file {name}: bad file"))?;
    out.bytes(&object.data)
}

fn batch(session: &Session<'_>, content: bool, format: Option<&BStr>) -> Result {
    let format = format
        .map_or_else(|| "%(objectname) %(objecttype) %(objectsize)".to_owned(), |format| format.to_string());
    let out = session.out();
    for line in std::io::stdin().lock().split(b'\n') {
        let line = BString::from(line?);
        let found = session
            .try_object(line.as_bstr())
            .and_then(|id| session.read(id).ok().map(|object| (id, object)));
        let Some((id, (kind, data))) = found else {
            out.line(format!("{line} missing"))?;
            continue;
        };
        let text = format
            .replace("%(objectname)", &id.to_string())
            .replace("%(objecttype)", &kind.to_string())
            .replace("%(objectsize)", &data.len().to_string());
        out.line(text)?;
        if content {
            out.bytes(&data)?;
            out.bytes("\n")?;
        }
    }
    Ok(())
}

/// `git hash-object`.
pub fn hash_object(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("w", Takes::Nothing),
            ("t", Takes::Value),
            ("stdin", Takes::Nothing),
            ("stdin-paths", Takes::Nothing),
            ("path", Takes::Value),
            ("no-filters", Takes::Nothing),
            ("literally", Takes::Nothing),
        ],
        "git hash-object [-t <type>] [-w] [--path=<file> | --no-filters] [--stdin [--literally]] [--] <file>...",
    )?;
    let kind = match parsed.value("t").map(|kind| kind.as_bytes()) {
        None | Some(b"blob") => Kind::Blob,
        Some(b"tree") => Kind::Tree,
        Some(b"commit") => Kind::Commit,
        Some(b"tag") => Kind::Tag,
        Some(other) => return Err(fatal!("invalid object type \"{}\"", other.as_bstr())),
    };
    let session = globals.discover()?;
    if parsed.has("w") && session.is_none() {
        globals.session()?;
    }
    let store = |bytes: Vec<u8>| -> Result {
        let id = match &session {
            Some(session) if parsed.has("w") => session.write(kind, &bytes)?,
            _ => {
                gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, &bytes).map_err(crate::error::library)?
            }
        };
        globals.out.line(id.to_string())
    };
    let from_file = |name: &BStr| -> Result {
        let bytes = std::fs::read(crate::session::to_path(name))
            .map_err(|error| fatal!("could not open '{name}' for reading: {}", super::reason(&error)))?;
        let bytes = match &session {
            Some(session)
                if !parsed.has("no-filters") && session.repo.workdir().is_some() && kind == Kind::Blob =>
            {
                let index = session.index()?;
                match session.inside(name) {
                    Ok(path) => Files::new(session, &index)?.clean(path.as_bstr(), bytes)?,
                    Err(_) => bytes,
                }
            }
            _ => bytes,
        };
        store(bytes)
    };
    if parsed.has("stdin") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        store(bytes)?;
    }
    if parsed.has("stdin-paths") {
        for line in std::io::stdin().lock().split(b'\n') {
            from_file(line?.as_bstr())?;
        }
    }
    parsed.rest.iter().try_for_each(|name| from_file(name.as_bstr()))
}

/// `git ls-tree`.
pub fn ls_tree(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("d", Takes::Nothing),
            ("r", Takes::Nothing),
            ("t", Takes::Nothing),
            ("l long", Takes::Nothing),
            ("z", Takes::Nothing),
            ("name-only name-status", Takes::Nothing),
            ("object-only", Takes::Nothing),
            ("full-name", Takes::Nothing),
            ("full-tree", Takes::Nothing),
            ("abbrev", Takes::Glued),
        ],
        "git ls-tree [<options>] <tree-ish> [<path>...]",
    )?;
    let session = &globals.session()?;
    let Some((name, paths)) = parsed.rest.split_first() else {
        return Err(Error::Text("usage: git ls-tree [<options>] <tree-ish> [<path>...]\n".into(), 129));
    };
    let id = session.try_object(name.as_bstr()).ok_or_else(|| fatal!("Not a valid object name {name}"))?;
    let object = session.repo.find_object(id).map_err(|_| fatal!("not a tree object"))?;
    let root = object.peel_to_kind(Kind::Tree).map_err(|_| fatal!("not a tree object"))?.id;
    // Paths are places here: with a slash at the end what is in them.
    let prefix = if parsed.has("full-tree") { BString::default() } else { session.prefix.clone() };
    let mut places: Vec<(BString, bool)> = Vec::new();
    for path in paths {
        let place = session.inside(path.as_bstr())?;
        let open = path.ends_with(b"/") || place.is_empty();
        places.push((place, open));
    }
    if places.is_empty() && !prefix.is_empty() {
        places.push((BString::from(prefix.trim_end_with(|end| end == '/')), true));
    }
    let recursive = parsed.has("r");
    let mut waiting: Vec<(BString, Item)> = vec![(BString::default(), Item { mode: FOLDER, id: root })];
    let mut found: Vec<(BString, Item)> = Vec::new();
    while let Some((path, item)) = waiting.pop() {
        for (name, child) in tree::entries(session, item.id)? {
            let mut full = path.clone();
            if !full.is_empty() {
                full.push(b'/');
            }
            full.extend_from_slice(&name);
            let mut inside = full.clone();
            inside.push(b'/');
            let named = |(place, open): &(BString, bool)| {
                place.is_empty()
                    || (*place == full && (!*open || child.mode != FOLDER))
                    || (full.starts_with(place) && full.get(place.len()) == Some(&b'/'))
            };
            let chosen = places.is_empty() || places.iter().any(named);
            let above =
                places.iter().any(|(place, open)| place.starts_with(&inside) || (*open && *place == full));
            if child.mode == FOLDER {
                if chosen && (!recursive || parsed.has("t") || parsed.has("d")) {
                    found.push((full.clone(), child));
                }
                if above || (chosen && recursive) {
                    waiting.push((full, child));
                }
            } else if chosen && !parsed.has("d") {
                found.push((full, child));
            }
        }
    }
    // Folders sort as if a slash ended them.
    found.sort_by_key(|(path, item)| {
        let mut key = path.clone();
        if item.mode == FOLDER {
            key.push(b'/');
        }
        key
    });
    if !recursive && !places.is_empty() {
        // Without recursion only what was named, not what is below it twice.
        let below = |path: &BString| {
            places.iter().any(|(place, open)| {
                let rest = if place.is_empty() {
                    Some(&path[..])
                } else {
                    path.strip_prefix(place.as_slice()).and_then(|rest| rest.strip_prefix(b"/"))
                };
                path == place || (*open && rest.is_some_and(|rest| !rest.contains(&b'/')))
            })
        };
        found.retain(|(path, _)| below(path));
    }
    let out = session.out();
    let nul = parsed.has("z");
    for (path, item) in found {
        let shown = if parsed.has("full-name") || parsed.has("full-tree") {
            path
        } else {
            session.relative(path.as_bstr())
        };
        let shown = if nul { shown } else { quote(shown.as_bstr()) };
        let id = match parsed.number("abbrev")? {
            Some(digits) => session.short_at_least(item.id, digits),
            None if parsed.has("abbrev") => session.short(item.id),
            None => item.id.to_string(),
        };
        if parsed.has("object-only") {
            out.bytes(id)?;
        } else if parsed.has("name-only") {
            out.bytes(shown)?;
        } else {
            let size = if parsed.has("long") {
                if matches!(item.mode, FOLDER | COMMIT) {
                    format!(" {:>7}", "-")
                } else {
                    format!(" {:>7}", session.read(item.id)?.1.len())
                }
            } else {
                String::new()
            };
            out.bytes(format!("{:06o} {} {id}{size}\t", item.mode, kind_of(item.mode)))?;
            out.bytes(shown)?;
        }
        out.bytes(if nul { "\0" } else { "\n" })?;
    }
    Ok(())
}

/// `git ls-files`.
pub fn ls_files(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("c cached", Takes::Nothing),
            ("d deleted", Takes::Nothing),
            ("m modified", Takes::Nothing),
            ("o others", Takes::Nothing),
            ("i ignored", Takes::Nothing),
            ("s stage", Takes::Nothing),
            ("u unmerged", Takes::Nothing),
            ("t", Takes::Nothing),
            ("z", Takes::Nothing),
            ("directory", Takes::Nothing),
            ("exclude-standard", Takes::Nothing),
            ("full-name", Takes::Nothing),
            ("error-unmatch", Takes::Nothing),
            ("abbrev", Takes::Glued),
        ],
        "git ls-files [<options>] [<file>...]",
    )?;
    let session = &globals.session()?;
    let mut arguments = parsed.rest.clone();
    if arguments.is_empty() && !session.prefix.is_empty() {
        arguments.push(".".into());
    }
    let wanted = Pathspec::new(session, &arguments)?;
    let mut index = session.index()?;
    if parsed.has("error-unmatch")
        && let Some(text) = wanted.unmatched(index.entries.keys().map(|(path, _)| path.as_bstr()))
    {
        return Err(Error::Text(
            format!(
                "error: pathspec '{text}' did not match any file(s) known to git\nDid you forget to 'git add'?\n"
            ),
            1,
        ));
    }
    let out = session.out();
    let end = if parsed.has("z") { "\0" } else { "\n" };
    let print = |tag: &str, path: &BStr| -> Result {
        if parsed.has("t") {
            out.bytes(format!("{tag} "))?;
        }
        let path = if parsed.has("full-name") { path.to_owned() } else { session.relative(path) };
        out.bytes(if parsed.has("z") { path } else { quote(path.as_bstr()) })?;
        out.bytes(end)
    };
    let stage = parsed.has("stage") || parsed.has("unmerged");
    let show_others = parsed.has("others");
    let (deleted, modified) = (parsed.has("deleted"), parsed.has("modified"));
    if show_others {
        let depth = if parsed.has("directory") { Depth::Folders } else { Depth::Files };
        if parsed.has("exclude-standard") {
            let found = others(session, &index, depth, parsed.has("ignored"), &wanted)?;
            let list = if parsed.has("ignored") { found.ignored } else { found.untracked };
            for path in list {
                print("?", path.as_bstr())?;
            }
        } else {
            for path in everything(session, &index, &wanted)? {
                print("?", path.as_bstr())?;
            }
        }
    }
    if parsed.has("cached") || stage || !(show_others || deleted || modified) {
        let mut ignored =
            if parsed.has("ignored") { Some(crate::worktree::Ignore::new(session, &index)?) } else { None };
        for ((path, number), entry) in &index.entries {
            if !wanted.matches(path.as_bstr()) || (parsed.has("unmerged") && *number == 0) {
                continue;
            }
            if let Some(rules) = &mut ignored
                && rules.excluded_part(path.as_bstr(), false)?.is_none()
            {
                continue;
            }
            if stage {
                let id = if parsed.has("abbrev") { session.short(entry.id) } else { entry.id.to_string() };
                if parsed.has("t") {
                    out.bytes(if *number == 0 { "H " } else { "M " })?;
                }
                out.bytes(format!("{:06o} {id} {number}\t", entry.mode))?;
                let path =
                    if parsed.has("full-name") { path.clone() } else { session.relative(path.as_bstr()) };
                out.bytes(if parsed.has("z") { path } else { quote(path.as_bstr()) })?;
                out.bytes(end)?;
            } else {
                print(if *number == 0 { "H" } else { "M" }, path.as_bstr())?;
            }
        }
    }
    if deleted || modified {
        let changes = Files::new(session, &index)?.changes(&mut index, &wanted)?;
        for change in changes {
            let gone = change.new.is_none() && !change.unmerged;
            if deleted && gone {
                print("R", change.path.as_bstr())?;
            }
            if modified {
                print("C", change.path.as_bstr())?;
            }
        }
    }
    Ok(())
}

/// Every file that is in no index, whatever the rules say.
fn everything(
    session: &Session<'_>,
    index: &crate::index::Index,
    wanted: &Pathspec,
) -> Result<BTreeSet<BString>> {
    let found = others(session, index, Depth::Files, true, wanted)?;
    let mut all = found.untracked;
    let root = session.root()?;
    let mut waiting: Vec<BString> = found.ignored.into_iter().collect();
    while let Some(path) = waiting.pop() {
        let place = root.join(crate::session::to_path(path.as_bstr()));
        if path.ends_with(b"/") {
            for entry in std::fs::read_dir(&place)? {
                let entry = entry?;
                let mut inner = path.clone();
                inner.extend_from_slice(
                    &gix::path::os_string_into_bstring(entry.file_name()).map_err(crate::error::library)?,
                );
                if entry.file_type()?.is_dir() {
                    inner.push(b'/');
                }
                waiting.push(inner);
            }
        } else if wanted.matches(path.as_bstr()) {
            all.insert(path);
        }
    }
    Ok(all)
}

/// `git write-tree`.
pub fn write_tree(globals: &Globals, arguments: &[BString]) -> Result {
    parse(
        arguments,
        &[("missing-ok", Takes::Nothing)],
        "git write-tree [--missing-ok] [--prefix=<prefix>/]",
    )?;
    let session = &globals.session()?;
    let index = session.index()?;
    let id = tree::write(session, &index)?;
    session.out().line(id.to_string())
}
