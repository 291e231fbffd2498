//! What a command works with: the repository, where in it the user stands, and the output.

use std::cell::{Cell, RefCell, RefMut};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice, ByteVec};
use gix::objs::{Kind, Write as _};
use gix::prelude::ObjectIdExt;

use crate::error::{Error, Result, fatal};
use crate::index::Index;

/// The standard output, gathered.
pub struct Out(RefCell<Vec<u8>>, Cell<bool>);

impl Out {
    /// An empty one.
    pub fn new() -> Self {
        Out(RefCell::new(Vec::new()), Cell::new(false))
    }

    /// Adds bytes.
    pub fn bytes(&self, bytes: impl AsRef<[u8]>) -> Result {
        let mut buffer = self.0.borrow_mut();
        buffer.extend_from_slice(bytes.as_ref());
        if buffer.len() > 64 * 1024 && !self.1.get() { drain(buffer) } else { Ok(()) }
    }

    /// Adds a line.
    pub fn line(&self, text: impl AsRef<[u8]>) -> Result {
        self.bytes(text)?;
        self.bytes(b"\n")
    }

    /// What `work` writes, taken back.
    pub fn catch(&self, work: impl FnOnce() -> Result) -> Result<BString> {
        let before = std::mem::take(&mut *self.0.borrow_mut());
        self.1.set(true);
        let done = work();
        self.1.set(false);
        let caught = std::mem::replace(&mut *self.0.borrow_mut(), before);
        done.map(|()| caught.into())
    }

    /// Hands everything over.
    pub fn flush(&self) -> Result {
        drain(self.0.borrow_mut())
    }
}

fn drain(mut buffer: RefMut<'_, Vec<u8>>) -> Result {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&buffer).and_then(|()| stdout.flush());
    buffer.clear();
    Ok(written?)
}

/// Everything that was told before the command's name, and the output.
pub struct Globals {
    /// `-c key=value`.
    pub overrides: Vec<BString>,
    /// `--git-dir`.
    pub git_dir: Option<PathBuf>,
    /// `--work-tree`.
    pub work_tree: Option<PathBuf>,
    /// The standard output.
    pub out: Out,
}

impl Globals {
    /// Writes to the error stream, after what the output has.
    pub fn say(&self, text: impl AsRef<[u8]>) -> Result {
        self.out.flush()?;
        let mut stderr = io::stderr().lock();
        Ok(stderr.write_all(text.as_ref())?)
    }

    fn options(&self) -> gix::open::Options {
        let options = gix::open::Options::default().strict_config(false);
        let mut permissions = gix::open::Permissions::all();
        // The installation's configuration would be asked from a `git` program.
        permissions.config.git_binary = false;
        options.permissions(permissions).cli_overrides(self.overrides.iter().cloned())
    }

    /// Opens the repository at exactly this place.
    pub fn open_at(&self, path: &Path) -> Result<gix::Repository> {
        Ok(self.options().open(path).map_err(crate::error::library)?.to_thread_local())
    }

    /// Finds the repository from the current directory on, or none.
    pub fn discover(&self) -> Result<Option<Session<'_>>> {
        let given = self.git_dir.clone().or_else(|| std::env::var_os("GIT_DIR").map(PathBuf::from));
        let mut repo = match given {
            Some(path) => match self.options().open(&path) {
                Ok(repo) => repo.to_thread_local(),
                Err(_) => {
                    return Err(fatal!("not a git repository: '{}'", path.display()));
                }
            },
            None => {
                let find = |from: &Path| {
                    let mut options = gix::sec::trust::Mapping::<gix::open::Options>::default();
                    options.full = self.options();
                    options.reduced = self.options();
                    gix::ThreadSafeRepository::discover_opts(from, Default::default(), options)
                };
                // From inside of a repository's own folder only the whole path tells what it is.
                let found =
                    find(Path::new(".")).or_else(|_| find(&std::env::current_dir().unwrap_or_default()));
                match found {
                    Ok(repo) => repo.to_thread_local(),
                    Err(_) => return Ok(None),
                }
            }
        };
        let work_tree =
            self.work_tree.clone().or_else(|| std::env::var_os("GIT_WORK_TREE").map(PathBuf::from));
        if let Some(work_tree) = work_tree {
            repo.set_workdir(std::fs::canonicalize(work_tree)?).map_err(crate::error::library)?;
        }
        repo.object_cache_size_if_unset(4 * 1024 * 1024);
        let quoted = repo.config_snapshot().boolean("core.quotePath").unwrap_or(true);
        QUOTE_PATH.store(quoted, Ordering::Relaxed);
        let prefix = prefix_of(&repo)?;
        Ok(Some(Session { globals: self, repo, prefix }))
    }

    /// Finds the repository, or ends.
    pub fn session(&self) -> Result<Session<'_>> {
        self.discover()?
            .ok_or_else(|| fatal!("not a git repository (or any of the parent directories): .git"))
    }
}

fn prefix_of(repo: &gix::Repository) -> Result<BString> {
    let Some(root) = repo.workdir() else { return Ok(BString::default()) };
    let here = std::env::current_dir()?;
    let root = if root.as_os_str().is_empty() { here.clone() } else { here.join(root) };
    let (here, root) = (normal(&here), normal(&root));
    let Ok(inside) = here.strip_prefix(&root) else { return Ok(BString::default()) };
    let mut prefix = to_bytes(inside);
    if !prefix.is_empty() {
        prefix.push_byte(b'/');
    }
    Ok(prefix)
}

/// The system's form of a path.
pub fn to_path(path: &BStr) -> PathBuf {
    match gix::path::from_bstr(path) {
        Ok(path) => path.into_owned(),
        Err(_) => PathBuf::from(path.to_str_lossy().into_owned()),
    }
}

/// The bytes of a path.
pub fn to_bytes(path: impl AsRef<Path>) -> BString {
    let path = path.as_ref();
    gix::path::into_bstr(path)
        .map_or_else(|_| path.to_string_lossy().into_owned().into(), std::borrow::Cow::into_owned)
}

/// A path without `.`, `..` and links, as far as it exists.
pub fn normal(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                result.pop();
            }
            part => result.push(part),
        }
    }
    result
}

/// A command's view of its repository.
pub struct Session<'g> {
    /// What was told before the command's name.
    pub globals: &'g Globals,
    /// The repository.
    pub repo: gix::Repository,
    /// The current directory inside the working tree: empty, or ended by a slash.
    pub prefix: BString,
}

impl Session<'_> {
    /// The standard output.
    pub fn out(&self) -> &Out {
        &self.globals.out
    }

    /// Writes to the error stream.
    pub fn say(&self, text: impl AsRef<[u8]>) -> Result {
        self.globals.say(text)
    }

    /// The root of the working tree.
    pub fn root(&self) -> Result<PathBuf> {
        match self.repo.workdir() {
            Some(root) if root.as_os_str().is_empty() => Ok(PathBuf::from(".")),
            Some(root) => Ok(root.to_owned()),
            None => Err(fatal!("this operation must be run in a work tree")),
        }
    }

    /// A file of the working tree.
    pub fn file(&self, path: &BStr) -> Result<PathBuf> {
        Ok(self.root()?.join(to_path(path)))
    }

    /// A file in the repository's own folder.
    pub fn own(&self, name: &str) -> PathBuf {
        self.repo.git_dir().join(name)
    }

    /// Reads a small file of the repository's own folder.
    pub fn read_own(&self, name: &str) -> Option<BString> {
        std::fs::read(self.own(name)).ok().map(BString::from)
    }

    /// A value of the configuration.
    pub fn config(&self, key: &str) -> Option<BString> {
        self.repo.config_snapshot().string(key)
    }

    /// A truth value of the configuration.
    pub fn config_bool(&self, key: &str, default: bool) -> bool {
        self.repo.config_snapshot().boolean(key).unwrap_or(default)
    }

    /// The index.
    pub fn index(&self) -> Result<Index> {
        Index::read(&self.repo)
    }

    /// The shortest unambiguous form of an object's name.
    pub fn short(&self, id: ObjectId) -> String {
        let wanted = self.repo.config_snapshot().string("core.abbrev");
        if wanted.is_none() && !self.repo.has_object(id) {
            return id.to_hex_with_len(7).to_string();
        }
        id.attach(&self.repo).shorten_or_id().to_string()
    }

    /// The shortest unambiguous form with at least so many digits.
    pub fn short_at_least(&self, id: ObjectId, digits: usize) -> String {
        let full = id.to_string();
        let mut length = digits.clamp(4, full.len());
        while length < full.len() {
            let prefix = gix::hash::Prefix::new(&id, length);
            match prefix.map(|prefix| self.repo.objects.lookup_prefix(prefix, None)) {
                Ok(Ok(Some(Err(())))) => length += 1,
                _ => break,
            }
        }
        full.get(..length).unwrap_or(&full).to_owned()
    }

    /// Stores an object.
    pub fn write(&self, kind: Kind, bytes: &[u8]) -> Result<ObjectId> {
        self.repo.write_buf(kind, bytes).map_err(crate::error::library)
    }

    /// An object's content.
    pub fn read(&self, id: ObjectId) -> Result<(Kind, Vec<u8>)> {
        let object = self.repo.find_object(id).map_err(|_| fatal!("unable to read {id}"))?;
        let mut object = object.detach();
        Ok((object.kind, std::mem::take(&mut object.data)))
    }

    /// A blob's content.
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        if id == ObjectId::empty_blob(self.repo.object_hash()) {
            return Ok(Vec::new());
        }
        Ok(self.read(id)?.1)
    }

    /// The commit that `HEAD` names, whether its object is readable or not: a damaged history is no empty one.
    pub fn head(&self) -> Option<ObjectId> {
        let head = self.repo.head().ok()?;
        head.id().map(gix::Id::detach)
    }

    /// The branch that `HEAD` names, `refs/heads/…`.
    pub fn head_ref(&self) -> Option<BString> {
        let head = self.repo.head().ok()?;
        head.referent_name().map(|name| name.as_bstr().to_owned())
    }

    /// The tree of a commit.
    pub fn tree_of(&self, commit: ObjectId) -> Result<ObjectId> {
        let commit = self.repo.find_commit(commit).map_err(|_| fatal!("bad object {commit}"))?;
        Ok(commit.tree_id().map_err(crate::error::library)?.detach())
    }

    /// The tree at `HEAD`.
    pub fn head_tree(&self) -> Result<Option<ObjectId>> {
        self.head().map(|head| self.tree_of(head)).transpose()
    }

    /// One commit by a revision's name, or none.
    pub fn try_commit(&self, name: &BStr) -> Option<ObjectId> {
        let id = self.try_object(name)?;
        let object = self.repo.find_object(id).ok()?;
        let commit = object.peel_to_kind(Kind::Commit).ok()?;
        Some(commit.id)
    }

    /// One commit by a revision's name.
    pub fn commit(&self, name: &BStr) -> Result<ObjectId> {
        self.try_commit(name).ok_or_else(|| {
            if let Some(error) = self.missing_path(name) {
                return error;
            }
            fatal!(
                "ambiguous argument '{name}': unknown revision or path not in the working tree.\n\
                 Use '--' to separate paths from revisions, like this:\n\
                 'git <command> [<revision>...] -- [<file>...]'"
            )
        })
    }

    /// The words for `revision:path` where one of the two is not there.
    pub fn missing_path(&self, name: &BStr) -> Option<Error> {
        let at = name.find_byte(b':').filter(|at| *at > 0)?;
        let (revision, path) = (name[..at].as_bstr(), name[at + 1..].as_bstr());
        if self.try_object(revision).is_none() {
            return Some(fatal!("invalid object name '{revision}'."));
        }
        let exists = self.file(path).is_ok_and(|file| file.exists());
        Some(if exists {
            fatal!("path '{path}' exists on disk, but not in '{revision}'")
        } else {
            fatal!("path '{path}' does not exist in '{revision}'")
        })
    }

    /// An object by a revision's name, or none.
    pub fn try_object(&self, name: &BStr) -> Option<ObjectId> {
        if name.is_empty() {
            return None;
        }
        let name: BString = if name == "@" {
            "HEAD".into()
        } else if let Some(rest) = name.strip_prefix(b"@^").or_else(|| name.strip_prefix(b"@~")) {
            let mut full = BString::from("HEAD");
            full.push_byte(name[1]);
            full.push_str(rest);
            full
        } else if name == "-" {
            "@{-1}".into()
        } else if let Some(path) = name.find(b":./").or_else(|| name.find(b":../")) {
            // A path from the current directory on.
            let mut full = BString::from(&name[..=path]);
            full.push_str(self.inside(name[path + 1..].as_bstr()).ok()?);
            full
        } else {
            name.to_owned()
        };
        if name == "@{-1}" {
            let branch = self.previous_branch()?;
            return self.try_object(branch.as_bstr());
        }
        Some(self.repo.rev_parse_single(name.as_bstr()).ok()?.detach())
    }

    /// The branch or commit that was left by the last checkout.
    pub fn previous_branch(&self) -> Option<BString> {
        let log = self.read_own("logs/HEAD")?;
        let mut found = None;
        for line in log.lines() {
            if let Some(at) = line.find(b"\tcheckout: moving from ") {
                let rest = &line[at + b"\tcheckout: moving from ".len()..];
                if let Some(end) = rest.find(b" to ") {
                    found = Some(BString::from(&rest[..end]));
                }
            }
        }
        found
    }

    /// A path as the user wrote it, from the root of the working tree on.
    pub fn inside(&self, path: &BStr) -> Result<BString> {
        let outside = || {
            let root = self.root().map(|root| normal(&root).display().to_string()).unwrap_or_default();
            fatal!("{path}: '{path}' is outside repository at '{root}'")
        };
        let mut full: BString;
        if path.starts_with(b"/") {
            let root = normal(&self.root()?);
            let wanted = normal(&to_path(path));
            let inside = wanted.strip_prefix(&root).map_err(|_| outside())?;
            full = to_bytes(inside);
        } else {
            full = self.prefix.clone();
            full.push_str(path);
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in full.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop().ok_or_else(outside)?;
                }
                part => parts.push(part),
            }
        }
        full = BString::from(parts.join(&b'/'));
        Ok(full)
    }

    /// A path of the repository as seen from the current directory.
    pub fn relative(&self, path: &BStr) -> BString {
        relative(path, self.prefix.as_bstr())
    }
}

/// `path` as seen from the folder `prefix`.
pub fn relative(path: &BStr, prefix: &BStr) -> BString {
    if prefix.is_empty() {
        return path.to_owned();
    }
    let mut common = 0;
    for (at, byte) in prefix.iter().enumerate() {
        if path.get(at) != Some(byte) {
            break;
        }
        if *byte == b'/' {
            common = at + 1;
        }
    }
    let ups = prefix[common..].iter().filter(|byte| **byte == b'/').count();
    let mut result = BString::from("../".repeat(ups));
    result.push_str(&path[common..]);
    if result.is_empty() {
        result.push_str("./");
    }
    result
}

/// A path as git prints it: quoted where it holds anything unusual.
pub fn quote(path: &BStr) -> BString {
    quote_if(path, false)
}

/// Whether bytes above 127 are unusual too: `core.quotePath`.
pub static QUOTE_PATH: AtomicBool = AtomicBool::new(true);

/// Like [`quote`]; with `spaces`, a space is unusual too.
pub fn quote_if(path: &BStr, spaces: bool) -> BString {
    let high = QUOTE_PATH.load(Ordering::Relaxed);
    let unusual = |byte: &u8| {
        *byte < 0x20
            || *byte == 0x7f
            || (high && *byte > 0x7f)
            || *byte == b'"'
            || *byte == b'\\'
            || (spaces && *byte == b' ')
    };
    if !path.iter().any(unusual) {
        return path.to_owned();
    }
    let mut result = BString::from("\"");
    for &byte in path.iter() {
        match byte {
            b'"' | b'\\' => {
                result.push_byte(b'\\');
                result.push_byte(byte);
            }
            7 => result.push_str("\\a"),
            8 => result.push_str("\\b"),
            9 => result.push_str("\\t"),
            10 => result.push_str("\\n"),
            11 => result.push_str("\\v"),
            12 => result.push_str("\\f"),
            13 => result.push_str("\\r"),
            byte if byte < 0x20 || byte == 0x7f || (high && byte > 0x7f) => {
                result.push_str(format!("\\{byte:03o}"))
            }
            byte => result.push_byte(byte),
        }
    }
    result.push_byte(b'"');
    result
}
