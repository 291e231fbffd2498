//! Whole trees of the session's files: walking, removing, and archives of tar.

use std::io::{self, Cursor, Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tar::{Archive, Builder, Entry, EntryType, Header};
use thiserror::Error;

use crate::files::FileError;
use crate::session::Session;
use crate::types::{Errno, FileType, Stat};

/// Why an archive cannot be written or read.
///
/// ```
/// use wasmsh::ArchiveError;
///
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// assert!(matches!(session.import_tar("/tmp", &b"no archive"[..]), Err(ArchiveError::Archive(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// A file of the session.
    #[error(transparent)]
    File(#[from] FileError),
    /// The archive itself: it cannot be read or written, or is none.
    #[error("the archive")]
    Archive(#[from] io::Error),
    /// A member would be outside of the directory that the archive is unpacked in.
    #[error("the member {0:?} leads out of the directory")]
    Outside(String),
}

/// Files and directories below a directory, each directory before what is in it.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// session.run("mkdir -p a/b; touch a/b/c").output()?;
/// let paths: Vec<_> = session.walk("a")?.map(|item| item.map(|(path, _)| path)).collect::<Result<_, _>>()?;
/// assert_eq!(paths, ["a", "a/b", "a/b/c"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Walk<'s> {
    session: &'s mut Session,
    /// What comes next, last first.
    pending: Vec<(String, Stat)>,
    failed: Option<FileError>,
}

impl Iterator for Walk<'_> {
    type Item = Result<(String, Stat), FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let (path, stat) = self.pending.pop()?;
        if stat.kind == FileType::Directory {
            match self.session.list_dir(&path) {
                Ok(entries) => {
                    let below = entries.into_iter().rev().map(|entry| (join(&path, &entry.name), entry.stat));
                    self.pending.extend(below);
                }
                // It may be gone since it was listed.
                Err(error) => self.failed = Some(error),
            }
        }
        Some(Ok((path, stat)))
    }
}

fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

impl Session {
    /// Everything below a directory, and the directory itself first; links are not followed.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("a/b/file", "text")?;
    /// let paths = session.walk("a")?.map(|found| Ok(found?.0)).collect::<Result<Vec<_>, wasmsh::FileError>>()?;
    /// assert_eq!(paths, ["a", "a/b", "a/b/file"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`FileError`], also of each item: a directory that cannot be listed.
    pub fn walk(&mut self, path: &str) -> Result<Walk<'_>, FileError> {
        let stat = self.symlink_stat(path)?;
        Ok(Walk { session: self, pending: vec![(path.to_owned(), stat)], failed: None })
    }

    /// Removes a file, or a directory with all that is in it. That there is nothing is no error.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("a/b/file", "text")?;
    /// session.remove_all("a")?;
    /// assert!(!session.exists("a")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FileError`]; what was removed before stays removed.
    pub fn remove_all(&mut self, path: &str) -> Result<(), FileError> {
        let found = match self.walk(path) {
            Ok(walk) => walk.collect::<Result<Vec<_>, _>>()?,
            Err(FileError::Errno { errno: Errno::NoEntry, .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Directories come before what is in them.
        for (path, _) in found.into_iter().rev() {
            self.remove(&path)?;
        }
        Ok(())
    }

    /// Writes what is below a directory as an archive of tar, with modes, times and links. Members have paths from
    /// there. What tar has no place for (devices, FIFOs) is left out.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// session.write_file("dir/file", "text")?;
    /// let mut archive = Vec::new();
    /// session.export_tar("dir", &mut archive)?;
    /// session.import_tar("copy", archive.as_slice())?;
    /// assert_eq!(session.read_file("copy/file")?, b"text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ArchiveError`]
    pub fn export_tar(&mut self, path: &str, to: impl Write) -> Result<(), ArchiveError> {
        let mut archive = Builder::new(to);
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let found = self.walk(path)?.collect::<Result<Vec<_>, _>>()?;
        for (path, stat) in found {
            let Some(name) = path.strip_prefix(&prefix).filter(|name| !name.is_empty()) else { continue };
            let mut header = Header::new_gnu();
            header.set_mode(stat.mode);
            header.set_uid(stat.uid.into());
            header.set_gid(stat.gid.into());
            header.set_mtime(seconds(stat.modified));
            header.set_size(0);
            match stat.kind {
                FileType::Directory => {
                    header.set_entry_type(EntryType::Directory);
                    archive.append_data(&mut header, format!("{name}/"), io::empty())?;
                }
                FileType::Regular => {
                    let contents = self.read_file(&path)?;
                    header.set_entry_type(EntryType::Regular);
                    header.set_size(contents.len() as u64);
                    archive.append_data(&mut header, name, Cursor::new(contents))?;
                }
                FileType::SymbolicLink => {
                    let target = self.read_link(&path)?;
                    header.set_entry_type(EntryType::Symlink);
                    archive.append_link(&mut header, name, target)?;
                }
                _ => {}
            }
        }
        archive.finish()?;
        Ok(())
    }

    /// Unpacks an archive of tar into a directory, which is created if it is missing. Files that exist are replaced.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut one = wasmsh::Sandbox::builder().build()?;
    /// one.run("mkdir d; echo text > d/file; chmod 755 d/file").output()?;
    /// let mut archive = Vec::new();
    /// one.export_tar("d", &mut archive)?;
    /// let mut other = wasmsh::Sandbox::builder().build()?;
    /// other.import_tar("copy", archive.as_slice())?;
    /// assert_eq!(other.stat("copy/file")?.mode, 0o755);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ArchiveError`]; what was unpacked before stays.
    pub fn import_tar(&mut self, path: &str, from: impl Read) -> Result<(), ArchiveError> {
        self.create_dir(path)?;
        let most = self.largest_file();
        let mut archive = Archive::new(from);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = name(&entry);
            let Some(full) = inside(path, &name) else { return Err(ArchiveError::Outside(name)) };
            let Member { kind, mode, modified, link } = Member::of(&entry)?;
            match (kind, link) {
                (EntryType::Directory, _) => {
                    self.create_dir(&full)?;
                    self.set_mode(&full, mode)?;
                }
                (EntryType::Symlink, Some(target)) => {
                    self.make_way(&full)?;
                    self.symlink(&target, &full)?;
                }
                (EntryType::Link, Some(target)) => {
                    let Some(existing) = inside(path, &target) else {
                        return Err(ArchiveError::Outside(target));
                    };
                    self.make_way(&full)?;
                    self.hard_link(&existing, &full)?;
                }
                (EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse, _) => {
                    // A sparse file of a few bytes can claim to be any length.
                    if entry.size() > most {
                        return Err(FileError::Errno { path: full, errno: Errno::FileTooLarge }.into());
                    }
                    let contents = contents(&mut entry)?;
                    // A link that is there is replaced, not written through.
                    if self.symlink_stat(&full).is_ok_and(|stat| stat.kind != FileType::Regular) {
                        self.make_way(&full)?;
                    }
                    self.write_file_with_mode(&full, contents, mode)?;
                    self.set_modified(&full, modified)?;
                }
                // Devices and the like, which a session does not make.
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what is in the way of a new name, and creates the directories above it.
    fn make_way(&mut self, path: &str) -> Result<(), FileError> {
        match self.remove(path) {
            Ok(()) => Ok(()),
            Err(FileError::Errno { errno: Errno::NoEntry, .. }) => match path.rsplit_once('/') {
                Some((above, _)) if !above.is_empty() => self.create_dir(above),
                _ => Ok(()),
            },
            Err(error) => Err(error),
        }
    }
}

/// A member's name, which is looked at before anything else of it.
pub(crate) fn name(entry: &Entry<'_, impl Read>) -> String {
    String::from_utf8_lossy(&entry.path_bytes()).into_owned()
}

/// What an archive says of a member.
pub(crate) struct Member {
    pub(crate) kind: EntryType,
    pub(crate) mode: u32,
    pub(crate) modified: SystemTime,
    /// Where a link leads.
    pub(crate) link: Option<String>,
}

impl Member {
    pub(crate) fn of(entry: &Entry<'_, impl Read>) -> io::Result<Self> {
        let header = entry.header();
        // A time that the host cannot express is the archive's mistake, and none of the file's.
        let modified = UNIX_EPOCH.checked_add(Duration::from_secs(header.mtime()?)).unwrap_or(UNIX_EPOCH);
        Ok(Self {
            kind: header.entry_type(),
            mode: header.mode()? & 0o7777,
            modified,
            link: entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned()),
        })
    }
}

/// All that a member has. What it claims to have is not believed before it is there.
pub(crate) fn contents(entry: &mut Entry<'_, impl Read>) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    let claimed = entry.size();
    entry.take(claimed).read_to_end(&mut contents)?;
    if (contents.len() as u64) < claimed {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(contents)
}

/// The path of a member below a directory; `None`: it would be outside.
fn inside(directory: &str, member: &str) -> Option<String> {
    let mut full = directory.trim_end_matches('/').to_owned();
    for part in member.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." || part.contains('\0') {
            return None;
        }
        full.push('/');
        full.push_str(part);
    }
    Some(full)
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_inside() {
        assert_eq!(inside("/d/", "./a//b/").as_deref(), Some("/d/a/b"));
        assert_eq!(inside("/d", "/etc/passwd").as_deref(), Some("/d/etc/passwd"));
        assert_eq!(inside("/d", "a/../../x"), None);
        assert_eq!(inside("/d", ".."), None);
    }
}
