//! A tree that a program has in memory, or in an archive, and mounts.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::SystemTime;

use tar::{Archive, EntryType};

use super::{Identity, Seen, SeenKind};
use crate::blobs::Lender;
use crate::files::FileError;
use crate::tree::{ArchiveError, Member, contents, name};
use crate::types::Errno;

/// Bytes that all sparse files of one archive may have: those of a few bytes can claim to be any length.
const SPARSE_BYTES: u64 = 1 << 30;

/// Permission bits of files and directories for which nothing else is said.
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// Files and directories in memory, to be mounted by [`SessionBuilder::mount_tree`](crate::SessionBuilder::mount_tree).
///
/// Paths count from the tree's root, and none leads above it. Directories on the way to a name are made; what is added
/// later takes the place of what has its name. Sessions share the contents, which count against no quota.
///
/// ```
/// use wasmsh::{MountMode, Sandbox, Tree};
///
/// let tree = Tree::new().file("bin/tool", "echo \"from $0\"\n").symlink("t", "bin/tool");
/// let mut session = Sandbox::builder().mount_tree(tree, "/data", MountMode::ReadOnly).build()?;
/// assert_eq!(session.run("cd /data; bash t; rm t").output()?.stdout, b"from t\n");
/// assert!(session.exists("/data/bin/tool")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    mode: u32,
    modified: SystemTime,
}

#[derive(Clone, Debug)]
enum Kind {
    Directory,
    File(Arc<Vec<u8>>),
    Link(String),
}

impl Tree {
    /// An empty tree.
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox, Tree};
    ///
    /// let mut session = Sandbox::builder().mount_tree(Tree::new(), "/scratch", MountMode::Overlay).build()?;
    /// assert!(session.run("echo text > /scratch/file").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file that everybody may read.
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox, Tree};
    ///
    /// let tree = Tree::new().file("a/b", "text\n");
    /// let mut session = Sandbox::builder().mount_tree(tree, "/data", MountMode::ReadOnly).build()?;
    /// assert_eq!(session.read_file("/data/a/b")?, b"text\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn file(self, path: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.file_with_mode(path, contents, FILE_MODE)
    }

    /// Adds a file with these permission bits.
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox, Tree};
    ///
    /// let tree = Tree::new().file_with_mode("tool", "#!/bin/sh\necho done\n", 0o755);
    /// let mut session = Sandbox::builder().mount_tree(tree, "/data", MountMode::ReadOnly).build()?;
    /// assert_eq!(session.run("/data/tool").output()?.stdout, b"done\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn file_with_mode(mut self, path: &str, contents: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.add(path, Kind::File(Arc::new(contents.into())), mode, SystemTime::now());
        self
    }

    /// Adds a directory.
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox, Tree};
    ///
    /// let tree = Tree::new().directory("empty");
    /// let mut session = Sandbox::builder().mount_tree(tree, "/data", MountMode::ReadOnly).build()?;
    /// assert!(session.list_dir("/data/empty")?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn directory(mut self, path: &str) -> Self {
        self.add(path, Kind::Directory, DIRECTORY_MODE, SystemTime::now());
        self
    }

    /// Adds a symbolic link. It may lead anywhere: it is followed by the session, in the session's files.
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox, Tree};
    ///
    /// let tree = Tree::new().symlink("link", "/etc/passwd");
    /// let mut session = Sandbox::builder().mount_tree(tree, "/data", MountMode::ReadOnly).build()?;
    /// assert_eq!(session.read_link("/data/link")?, "/etc/passwd");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        self.add(path, Kind::Link(target.to_owned()), 0o777, SystemTime::now());
        self
    }

    /// What is in an archive of tar, with modes and times. Names that are hard links are files with the same contents;
    /// devices and the like are left out.
    ///
    /// ```
    /// use wasmsh::{MountMode, Sandbox, Tree};
    ///
    /// # let mut one = Sandbox::builder().build()?;
    /// # one.write_file("dir/file", "text")?;
    /// # let mut archive = Vec::new();
    /// # one.export_tar("dir", &mut archive)?;
    /// let tree = Tree::from_tar(archive.as_slice())?;
    /// let mut session = Sandbox::builder().mount_tree(tree, "/data", MountMode::Overlay).build()?;
    /// assert_eq!(session.read_file("/data/file")?, b"text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ArchiveError`]: it is no archive, or ends too early, or a member would be above the root.
    pub fn from_tar(from: impl Read) -> Result<Self, ArchiveError> {
        let mut tree = Self::new();
        let mut sparse = SPARSE_BYTES;
        let mut archive = Archive::new(from);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = name(&entry);
            if name.split('/').any(|part| part == "..") {
                return Err(ArchiveError::Outside(name));
            }
            let Member { kind, mode, modified, link } = Member::of(&entry)?;
            let kind = match (kind, link) {
                (EntryType::Directory, _) => Kind::Directory,
                (EntryType::Symlink, Some(target)) => Kind::Link(target),
                (EntryType::Link, Some(target)) => match tree.nodes.get(&clean(&target)) {
                    Some(Node { kind, .. }) => kind.clone(),
                    None => return Err(ArchiveError::Outside(target)),
                },
                (kind @ (EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse), _) => {
                    if kind == EntryType::GNUSparse {
                        sparse = sparse
                            .checked_sub(entry.size())
                            .ok_or(FileError::Errno { path: name.clone(), errno: Errno::FileTooLarge })?;
                    }
                    Kind::File(Arc::new(contents(&mut entry)?))
                }
                _ => continue,
            };
            tree.add(&name, kind, mode, modified);
        }
        Ok(tree)
    }

    fn add(&mut self, path: &str, kind: Kind, mode: u32, modified: SystemTime) {
        let path = clean(path);
        if path.is_empty() {
            return;
        }
        for (end, _) in path.match_indices('/') {
            let above = path.get(..end).unwrap_or_default();
            if !matches!(self.nodes.get(above), Some(Node { kind: Kind::Directory, .. })) {
                let made = Node { kind: Kind::Directory, mode: DIRECTORY_MODE, modified };
                self.nodes.insert(above.to_owned(), made);
            }
        }
        if !matches!(kind, Kind::Directory) {
            let below = format!("{path}/");
            self.nodes.retain(|name, _| !name.starts_with(&below));
        }
        self.nodes.insert(path, Node { kind, mode: mode & 0o7777, modified });
    }
}

/// A path from the root, without `.`, `..` and empty parts: above the root is the root.
fn clean(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A tree as sessions mount it.
pub(crate) struct Planted {
    seen: BTreeMap<String, Seen>,
    files: BTreeMap<String, Arc<TreeFile>>,
}

/// A file of it.
pub(super) struct TreeFile(Arc<Vec<u8>>);

impl Planted {
    /// What is there, by path; what comes above another path comes before it.
    pub(super) fn seen(&self) -> BTreeMap<String, Seen> {
        self.seen.clone()
    }

    pub(super) fn file(&self, path: &str) -> Option<Arc<TreeFile>> {
        self.files.get(path).cloned()
    }
}

impl From<Tree> for Planted {
    fn from(tree: Tree) -> Self {
        let (mut seen, mut files) = (BTreeMap::new(), BTreeMap::new());
        for (number, (path, Node { kind, mode, modified })) in (0..).zip(tree.nodes) {
            let kind = match kind {
                Kind::Directory => SeenKind::Directory,
                Kind::Link(target) => SeenKind::Link(target),
                Kind::File(contents) => {
                    let identity = Identity { size: contents.len() as u64, modified, inode: number };
                    files.insert(path.clone(), Arc::new(TreeFile(contents)));
                    SeenKind::File(identity)
                }
            };
            seen.insert(path, Seen { kind, mode });
        }
        Self { seen, files }
    }
}

impl Lender for TreeFile {
    fn read(&self, offset: u64, length: usize) -> Option<Vec<u8>> {
        let start = usize::try_from(offset).ok()?;
        Some(self.0.get(start..start.checked_add(length)?)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tree: &Tree) -> Vec<&str> {
        tree.nodes.keys().map(String::as_str).collect()
    }

    #[test]
    fn nothing_is_above_the_root() {
        let tree = Tree::new().file("/../../a//./b/../c", "").file("..", "").file("", "");
        assert_eq!(names(&tree), ["a", "a/c"]);
    }

    #[test]
    fn what_comes_later_takes_the_place() {
        let tree = Tree::new().file("a", "1").file("a/b", "2").symlink("a/l", "/etc").file("a/l/x", "3");
        assert_eq!(names(&tree), ["a", "a/b", "a/l", "a/l/x"]);
        let tree = tree.file("a.txt", "").file("a", "4");
        assert_eq!(names(&tree), ["a", "a.txt"]);
    }

    #[test]
    fn a_part_of_a_file_is_read() {
        let planted = Planted::from(Tree::new().file("f", "0123456789"));
        let file = planted.file("f").unwrap();
        assert_eq!(file.read(3, 4).as_deref(), Some(&b"3456"[..]));
        assert_eq!((file.read(8, 3), file.read(u64::MAX, 1)), (None, None));
    }
}
