//! The working tree: what its files are like, and how they are written.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::index::entry::Stat;
use gix::objs::Kind;

use crate::error::{Result, fatal, library};
use crate::index::{COMMIT, Entry, FILE, FOLDER, Index, LINK, PROGRAM, stat_of};
use crate::pathspec::Pathspec;
use crate::session::Session;
use crate::tree::{Change, Item};

/// The files of the working tree, with the conversions that attributes and configuration ask for.
pub struct Files<'s> {
    session: &'s Session<'s>,
    root: PathBuf,
    pipeline: Option<gix::filter::Pipeline<'s>>,
    state: gix::index::State,
    trust_mode: bool,
}

/// The mode of what is at a path, `FOLDER` for a folder.
pub fn mode_at(path: &Path) -> Option<u32> {
    let meta = fs::symlink_metadata(path).ok()?;
    let kind = meta.file_type();
    Some(if kind.is_symlink() {
        LINK
    } else if kind.is_dir() {
        FOLDER
    } else if is_program(&meta) {
        PROGRAM
    } else {
        FILE
    })
}

#[cfg(unix)]
fn is_program(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_program(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn make_program(path: &Path, program: bool) -> Result {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    let wanted = if program { mode | ((mode & 0o444) >> 2) } else { mode & !0o111 };
    if wanted != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(wanted))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_program(_: &Path, _: bool) -> Result {
    Ok(())
}

impl<'s> Files<'s> {
    /// Looks at the working tree of a session.
    pub fn new(session: &'s Session<'s>, index: &Index) -> Result<Files<'s>> {
        // Without permission bits a program cannot be told from another file: what the index says stays.
        let trust_mode = cfg!(unix) && session.config_bool("core.fileMode", true);
        Ok(Files { session, root: session.root()?, pipeline: None, state: index.state(), trust_mode })
    }

    /// The place of a file.
    pub fn at(&self, path: &BStr) -> PathBuf {
        self.root.join(crate::session::to_path(path))
    }

    /// The mode of a file, given what the index has; none where there is no file.
    pub fn mode(&self, path: &BStr, known: Option<u32>) -> Option<u32> {
        if self.through_link(path) {
            return None;
        }
        let mode = mode_at(&self.at(path))?;
        Some(match known {
            Some(known @ (FILE | PROGRAM)) if !self.trust_mode && matches!(mode, FILE | PROGRAM) => known,
            _ => mode,
        })
    }

    fn through_link(&self, path: &BStr) -> bool {
        let mut at = 0;
        while let Some(next) = path.get(at..).and_then(|rest| rest.find_byte(b'/')) {
            at += next;
            if mode_at(&self.at(path[..at].as_bstr())) == Some(LINK) {
                return true;
            }
            at += 1;
        }
        false
    }

    fn pipeline(&mut self) -> Result<&mut gix::filter::Pipeline<'s>> {
        if self.pipeline.is_none() {
            self.pipeline = Some(self.session.repo.filter_pipeline(None).map_err(library)?.0);
        }
        self.pipeline.as_mut().ok_or_else(|| fatal!("no conversions"))
    }

    /// The bytes of a file as the repository keeps them.
    pub fn content(&mut self, path: &BStr, mode: u32) -> Result<Vec<u8>> {
        let place = self.at(path);
        let unreadable = |error: std::io::Error| fatal!("could not open '{path}' for reading: {error}");
        if mode == LINK {
            let target = fs::read_link(&place).map_err(unreadable)?;
            return Ok(crate::session::to_bytes(target).into());
        }
        let bytes = fs::read(&place).map_err(unreadable)?;
        self.clean(path, bytes)
    }

    /// Converts a file's bytes to what the repository keeps.
    pub fn clean(&mut self, path: &BStr, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let state =
            std::mem::replace(&mut self.state, gix::index::State::new(self.session.repo.object_hash()));
        let name = crate::session::to_path(path);
        let converted = {
            let pipeline = self.pipeline()?;
            let outcome = pipeline.convert_to_git(bytes.as_slice(), &name, &state).map_err(library)?;
            match outcome {
                gix::filter::plumbing::pipeline::convert::ToGitOutcome::Unchanged(_) => None,
                gix::filter::plumbing::pipeline::convert::ToGitOutcome::Process(mut stream) => {
                    let mut result = Vec::new();
                    stream.read_to_end(&mut result)?;
                    Some(result)
                }
                gix::filter::plumbing::pipeline::convert::ToGitOutcome::Buffer(result) => {
                    Some(result.to_vec())
                }
            }
        };
        self.state = state;
        Ok(converted.unwrap_or(bytes))
    }

    /// The object's name for a file's present content.
    pub fn hash(&mut self, path: &BStr, mode: u32) -> Result<ObjectId> {
        let bytes = self.content(path, mode)?;
        gix::objs::compute_hash(self.session.repo.object_hash(), Kind::Blob, &bytes).map_err(library)
    }

    /// Writes a file as a tree or the index has it.
    pub fn put(&mut self, path: &BStr, item: Item) -> Result<Option<Stat>> {
        let place = self.at(path);
        self.clear(path)?;
        if item.mode == COMMIT {
            fs::create_dir_all(&place)?;
            return Ok(None);
        }
        let bytes = self.session.blob(item.id)?;
        if item.mode == LINK {
            gix::fs::symlink::create(&crate::session::to_path(bytes.as_bstr()), &place)?;
        } else {
            let convert = gix::filter::plumbing::pipeline::convert::to_worktree::Options {
                can_delay: gix::filter::plumbing::driver::apply::Delay::Forbid,
                ..Default::default()
            };
            {
                let pipeline = self.pipeline()?;
                let mut outcome = pipeline.convert_to_worktree(&bytes, path, convert).map_err(library)?;
                if let Some(converted) = outcome.as_bytes() {
                    fs::write(&place, converted)?;
                } else {
                    let mut result = Vec::new();
                    if let Some(stream) = outcome.as_read() {
                        stream.read_to_end(&mut result)?;
                    }
                    fs::write(&place, result)?;
                }
            }
            make_program(&place, item.mode == PROGRAM)?;
        }
        Ok(stat_of(&place))
    }

    /// Makes the folders above a path, and removes what is in its place.
    fn clear(&self, path: &BStr) -> Result {
        let mut at = 0;
        while let Some(next) = path.get(at..).and_then(|rest| rest.find_byte(b'/')) {
            at += next;
            let folder = self.at(path[..at].as_bstr());
            match mode_at(&folder) {
                Some(FOLDER) => {}
                Some(_) => {
                    fs::remove_file(&folder)?;
                    fs::create_dir(&folder)?;
                }
                None => fs::create_dir(&folder)?,
            }
            at += 1;
        }
        let place = self.at(path);
        match mode_at(&place) {
            Some(FOLDER) => fs::remove_dir_all(&place)?,
            Some(_) => fs::remove_file(&place)?,
            None => {}
        }
        Ok(())
    }

    /// Removes a file, and the folders that it leaves empty.
    pub fn delete(&self, path: &BStr) -> Result {
        let place = self.at(path);
        match mode_at(&place) {
            None => return Ok(()),
            Some(FOLDER) => {
                // Another repository's folder goes only if it is empty.
                let _ = fs::remove_dir(&place);
            }
            Some(_) => fs::remove_file(&place)?,
        }
        let mut folder = path;
        while let Some(at) = folder.rfind_byte(b'/') {
            folder = folder[..at].as_bstr();
            let place = self.at(folder);
            // The folder where the user stands stays.
            if self.session.prefix.strip_suffix(b"/").is_some_and(|here| here == folder.as_bytes()) {
                break;
            }
            if fs::remove_dir(&place).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// How a file differs from its entry; `None` where it does not.
    pub fn compare(&mut self, index: &Index, path: &BStr, entry: &Entry) -> Result<Option<Option<Item>>> {
        Ok(self.look(index, path, entry)?.0)
    }

    /// How a file differs from its entry, and what `lstat` told if it is the same after all.
    fn look(
        &mut self,
        index: &Index,
        path: &BStr,
        entry: &Entry,
    ) -> Result<(Option<Option<Item>>, Option<Stat>)> {
        use gix::index::entry::Flags;
        if entry.flags.intersects(Flags::ASSUME_VALID | Flags::SKIP_WORKTREE) {
            return Ok((None, None));
        }
        let Some(mode) = self.mode(path, Some(entry.mode)) else { return Ok((Some(None), None)) };
        if entry.mode == COMMIT {
            return Ok((if mode == FOLDER { None } else { Some(None) }, None));
        }
        if mode == FOLDER {
            return Ok((Some(None), None));
        }
        let stat = stat_of(&self.at(path));
        if mode == entry.mode && stat.is_some_and(|stat| index.is_fresh(entry, &stat)) {
            return Ok((None, None));
        }
        let id = self.hash(path, mode)?;
        if mode == entry.mode && id == entry.id && !entry.flags.contains(Flags::INTENT_TO_ADD) {
            return Ok((None, stat));
        }
        Ok((Some(Some(Item { mode, id })), None))
    }

    /// The differences of the working tree to the index. Entries that turned out the same get what `lstat` tells now.
    pub fn changes(&mut self, index: &mut Index, wanted: &Pathspec) -> Result<Vec<Change>> {
        let mut found: Vec<Change> = Vec::new();
        let mut fresh = Vec::new();
        for ((path, stage), entry) in &index.entries {
            if !wanted.matches(path.as_bstr()) {
                continue;
            }
            if *stage > 0 {
                if found.last().is_none_or(|last| last.path != *path) {
                    let mut change = Change::new(path.clone(), None, None);
                    change.unmerged = true;
                    found.push(change);
                }
                continue;
            }
            let (differs, stat) = self.look(index, path.as_bstr(), entry)?;
            if let Some(stat) = stat {
                fresh.push((path.clone(), stat));
            }
            if let Some(new) = differs {
                let added = entry.flags.contains(gix::index::entry::Flags::INTENT_TO_ADD);
                let old = Some(Item { mode: entry.mode, id: entry.id }).filter(|_| !added);
                let mut change = Change::new(path.clone(), old, new);
                change.worktree = true;
                found.push(change);
            }
        }
        for (path, stat) in fresh {
            if let Some(entry) = index.entries.get_mut(&(path, 0)) {
                entry.stat = stat;
            }
        }
        Ok(found)
    }
}

/// How far the list of untracked files goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// A folder with no tracked file is one entry, ended by a slash.
    Folders,
    /// Every file.
    Files,
}

/// What is in the working tree and not in the index.
#[derive(Default)]
pub struct Others {
    /// What could be added.
    pub untracked: BTreeSet<BString>,
    /// What the rules exclude.
    pub ignored: BTreeSet<BString>,
}

/// The rules of what is ignored.
pub struct Ignore<'s>(gix::AttributeStack<'s>);

impl<'s> Ignore<'s> {
    /// Reads the rules.
    pub fn new(session: &'s Session<'s>, index: &Index) -> Result<Ignore<'s>> {
        let state = index.state();
        Ok(Ignore(session.repo.excludes(&state, None, Default::default()).map_err(library)?))
    }

    /// Whether the path itself is ignored.
    pub fn excludes(&mut self, path: &BStr, folder: bool) -> Result<bool> {
        let mode = if folder { gix::index::entry::Mode::DIR } else { gix::index::entry::Mode::FILE };
        Ok(self.0.at_entry(path, Some(mode)).map_err(library)?.is_excluded())
    }

    /// Whether the path or a folder above it is ignored: the part that is.
    pub fn excluded_part(&mut self, path: &BStr, folder: bool) -> Result<Option<BString>> {
        let mut at = 0;
        while let Some(next) = path.get(at..).and_then(|rest| rest.find_byte(b'/')) {
            at += next;
            if self.excludes(path[..at].as_bstr(), true)? {
                return Ok(Some(BString::from(&path[..at])));
            }
            at += 1;
        }
        Ok(self.excludes(path, folder)?.then(|| path.to_owned()))
    }

    /// The rule that decides on a path: its text, source and line.
    pub fn rule(&mut self, path: &BStr, folder: bool) -> Result<Option<(String, BString, usize, bool)>> {
        let mode = if folder { gix::index::entry::Mode::DIR } else { gix::index::entry::Mode::FILE };
        let found = self.0.at_entry(path, Some(mode)).map_err(library)?;
        Ok(found.matching_exclude_pattern().map(|rule| {
            let source = rule
                .source
                .map(|source| source.strip_prefix(".").unwrap_or(source).display().to_string())
                .unwrap_or_default();
            (source, rule.pattern.to_string().into(), rule.sequence_number, rule.pattern.is_negative())
        }))
    }
}

fn children(folder: &Path) -> Result<Vec<(BString, bool)>> {
    let mut found = Vec::new();
    let Ok(list) = fs::read_dir(folder) else { return Ok(found) };
    for entry in list {
        let entry = entry?;
        let name = gix::path::os_string_into_bstring(entry.file_name()).map_err(library)?;
        if name != ".git" {
            found.push((name, entry.file_type().is_ok_and(|kind| kind.is_dir())));
        }
    }
    found.sort();
    Ok(found)
}

/// Lists what is not in the index.
pub fn others(
    session: &Session<'_>,
    index: &Index,
    depth: Depth,
    ignored: bool,
    wanted: &Pathspec,
) -> Result<Others> {
    let root = session.root()?;
    let place = |path: &BStr| root.join(crate::session::to_path(path));
    let mut rules = Ignore::new(session, index)?;
    let mut found = Others::default();
    let mut waiting = vec![BString::default()];
    while let Some(folder) = waiting.pop() {
        for (name, is_folder) in children(&place(folder.as_bstr()))? {
            let mut path = folder.clone();
            path.push_str(&name);
            if !is_folder {
                if index.has(path.as_bstr()) || !wanted.matches(path.as_bstr()) {
                    continue;
                }
                if rules.excludes(path.as_bstr(), false)? {
                    found.ignored.insert(path);
                } else {
                    found.untracked.insert(path);
                }
                continue;
            }
            let mut below = path.clone();
            below.push_byte(b'/');
            if !wanted.may_match(below.as_bstr())
                || index.get(path.as_bstr()).is_some_and(|entry| entry.mode == COMMIT)
            {
                continue;
            }
            let tracked = index.has_below(path.as_bstr());
            let excluded = rules.excludes(path.as_bstr(), true)?;
            if excluded && !tracked {
                if ignored && holds_file(&place(path.as_bstr()))? {
                    found.ignored.insert(below);
                }
            } else if excluded {
                // Its tracked files are the index's matter; all others are ignored.
                if ignored {
                    for (name, is_folder) in children(&place(path.as_bstr()))? {
                        let mut inner = below.clone();
                        inner.push_str(&name);
                        if is_folder && !index.has_below(inner.as_bstr()) {
                            inner.push_byte(b'/');
                            found.ignored.insert(inner);
                        } else if !is_folder && !index.has(inner.as_bstr()) {
                            found.ignored.insert(inner);
                        }
                    }
                }
            } else if !tracked && place(path.as_bstr()).join(".git").exists() {
                found.untracked.insert(below);
            } else if depth == Depth::Files || tracked {
                waiting.push(below);
            } else {
                let (any, inside) = survey(&place, &mut rules, path.as_bstr(), wanted)?;
                if any {
                    found.untracked.insert(below);
                    found.ignored.extend(inside);
                } else if !inside.is_empty() {
                    found.ignored.insert(below);
                }
            }
        }
    }
    Ok(found)
}

/// Whether a folder without tracked files has a file to add, and what in it is ignored.
fn survey(
    place: &dyn Fn(&BStr) -> PathBuf,
    rules: &mut Ignore<'_>,
    folder: &BStr,
    wanted: &Pathspec,
) -> Result<(bool, Vec<BString>)> {
    let mut any = false;
    let mut ignored = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for (name, is_folder) in children(&place(folder.as_bstr()))? {
            let mut path = folder.clone();
            path.push_byte(b'/');
            path.push_str(&name);
            if rules.excludes(path.as_bstr(), is_folder)? {
                if is_folder {
                    path.push_byte(b'/');
                }
                ignored.push(path);
            } else if is_folder {
                if place(path.as_bstr()).join(".git").exists() {
                    any = true;
                }
                waiting.push(path);
            } else if wanted.matches(path.as_bstr()) {
                any = true;
            }
        }
    }
    Ok((any, ignored))
}

fn holds_file(folder: &Path) -> Result<bool> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for (name, is_folder) in children(&folder)? {
            if !is_folder {
                return Ok(true);
            }
            waiting.push(folder.join(crate::session::to_path(name.as_bstr())));
        }
    }
    Ok(false)
}
