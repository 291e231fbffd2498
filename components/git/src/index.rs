//! The index: read into a sorted map, changed there, written back.

use std::collections::BTreeMap;
use std::path::Path;

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Flags, Mode, Stage, Stat};

use crate::error::{Result, fatal, library};

/// The mode of a regular file.
pub const FILE: u32 = 0o100_644;
/// The mode of a program.
pub const PROGRAM: u32 = 0o100_755;
/// The mode of a symbolic link.
pub const LINK: u32 = 0o120_000;
/// The mode of a folder.
pub const FOLDER: u32 = 0o040_000;
/// The mode of another repository's commit.
pub const COMMIT: u32 = 0o160_000;

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `FILE`, `PROGRAM`, `LINK` or `COMMIT`.
    pub mode: u32,
    /// The content.
    pub id: ObjectId,
    /// What the file looked like when it was last known to be the same.
    pub stat: Stat,
    /// Flags that are kept.
    pub flags: Flags,
}

/// All entries, by path and stage.
pub struct Index {
    /// The entries.
    pub entries: BTreeMap<(BString, u8), Entry>,
    timestamp: (i64, u32),
    path: std::path::PathBuf,
    hash: gix::hash::Kind,
}

impl Index {
    /// Reads the repository's index; an absent one is empty.
    pub fn read(repo: &gix::Repository) -> Result<Index> {
        let mut index = Index {
            entries: BTreeMap::new(),
            timestamp: (0, 0),
            path: std::env::var_os("GIT_INDEX_FILE").map_or_else(|| repo.index_path(), Into::into),
            hash: repo.object_hash(),
        };
        if !index.path.exists() {
            return Ok(index);
        }
        let file = gix::index::File::at(&index.path, index.hash, false, Default::default())
            .map_err(|_| fatal!("index file corrupt"))?;
        let stamp = file.timestamp();
        index.timestamp = (stamp.unix_seconds(), stamp.nanoseconds());
        for entry in file.entries() {
            let key = (entry.path(&file).to_owned(), entry.stage_raw() as u8);
            let value = Entry {
                mode: entry.mode.bits(),
                id: entry.id,
                stat: entry.stat,
                flags: entry.flags
                    & (Flags::ASSUME_VALID | Flags::INTENT_TO_ADD | Flags::SKIP_WORKTREE | Flags::EXTENDED),
            };
            index.entries.insert(key, value);
        }
        Ok(index)
    }

    /// Puts an entry in the place of all that the path has.
    pub fn set(&mut self, path: &BStr, mode: u32, id: ObjectId, stat: Option<Stat>) {
        self.remove(path);
        let entry = Entry { mode, id, stat: stat.unwrap_or_default(), flags: Flags::empty() };
        self.entries.insert((path.to_owned(), 0), entry);
    }

    /// Adds an entry of a conflict.
    pub fn set_stage(&mut self, path: &BStr, stage: u8, mode: u32, id: ObjectId) {
        self.entries.remove(&(path.to_owned(), 0));
        let entry = Entry { mode, id, stat: Stat::default(), flags: Flags::empty() };
        self.entries.insert((path.to_owned(), stage), entry);
    }

    /// Removes all stages of a path; tells whether there were any.
    pub fn remove(&mut self, path: &BStr) -> bool {
        let mut key = (path.to_owned(), 0);
        let mut any = false;
        for stage in 0..4 {
            key.1 = stage;
            any |= self.entries.remove(&key).is_some();
        }
        any
    }

    /// The entry of a path without conflict.
    pub fn get(&self, path: &BStr) -> Option<&Entry> {
        self.entries.get(&(path.to_owned(), 0))
    }

    /// Whether the path is there in any stage.
    pub fn has(&self, path: &BStr) -> bool {
        (0..4).any(|stage| self.entries.contains_key(&(path.to_owned(), stage)))
    }

    /// Whether anything is below this folder.
    pub fn has_below(&self, folder: &BStr) -> bool {
        let mut start = folder.to_owned();
        start.push(b'/');
        self.entries.range((start.clone(), 0)..).next().is_some_and(|((path, _), _)| path.starts_with(&start))
    }

    /// Paths that are in conflict, with the stages they have as bits.
    pub fn conflicts(&self) -> BTreeMap<BString, u8> {
        let mut found: BTreeMap<BString, u8> = BTreeMap::new();
        for (path, stage) in self.entries.keys().filter(|(_, stage)| *stage > 0) {
            *found.entry(path.clone()).or_default() |= 1 << (stage - 1);
        }
        found
    }

    /// The library's form of it, for what needs one.
    pub fn state(&self) -> gix::index::State {
        let mut state = gix::index::State::new(self.hash);
        for ((path, stage), entry) in &self.entries {
            let stage = match stage {
                1 => Stage::Base,
                2 => Stage::Ours,
                3 => Stage::Theirs,
                _ => Stage::Unconflicted,
            };
            let mode = Mode::from_bits_truncate(entry.mode);
            state.dangerously_push_entry(
                entry.stat,
                entry.id,
                Flags::from_stage(stage) | entry.flags,
                mode,
                path.as_bstr(),
            );
        }
        state
    }

    /// Writes it to its place.
    pub fn write(&self) -> Result {
        let file = gix::index::File::from_state(self.state(), &self.path);
        let mut bytes = Vec::new();
        file.write_to(&mut bytes, Default::default()).map_err(library)?;
        crate::refs::write_file(&self.path, &bytes).map_err(|error| {
            if error.kind() != std::io::ErrorKind::AlreadyExists {
                return error.into();
            }
            let lock = format!("{}.lock", crate::refs::whole(&self.path).display());
            fatal!(
                "Unable to create '{lock}': File exists.\n\n\
                 Another git process seems to be running in this repository, e.g.\n\
                 an editor opened by 'git commit'. Please make sure all processes\n\
                 are terminated then try again. If it still fails, a git process\n\
                 may have crashed in this repository earlier:\n\
                 remove the file manually to continue."
            )
        })
    }

    /// Whether the file is certainly what the entry says, from what `lstat` tells alone.
    pub fn is_fresh(&self, entry: &Entry, stat: &Stat) -> bool {
        let options = gix::index::entry::stat::Options { use_nsec: true, ..Default::default() };
        if entry.stat == Stat::default() || !entry.stat.matches(stat, options) {
            return false;
        }
        // A file written in the moment of the index may have changed again after it.
        (i64::from(entry.stat.mtime.secs), entry.stat.mtime.nsecs) < self.timestamp
    }
}

/// What `lstat` tells about a file, as the index keeps it.
pub fn stat_of(path: &Path) -> Option<Stat> {
    let meta = gix::index::fs::Metadata::from_path_no_follow(path).ok()?;
    Stat::from_fs(&meta).ok()
}
