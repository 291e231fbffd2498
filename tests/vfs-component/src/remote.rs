//! The component as a [`FileSystem`].

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::OnceLock;

use wasmsh_vfs::{
    AccessMode, Entry, Errno, FileSystem, FileType, NewTime, OpenFile, OpenFlags, Position, Stat, Timestamp,
};
use wasmtime::component::{Component, HasSelf, Linker, ResourceAny};
use wasmtime::{Engine, Store};

use crate::bindings::Vfs;
use crate::bindings::exports::wasmsh::fs::files::Guest as Files;
use crate::bindings::exports::wasmsh::fs::types;
use crate::host::Host;

/// A store with the component in it.
pub struct Instance {
    /// The store.
    pub store: Store<Host>,
    /// The exports.
    pub world: Vfs,
}

/// The component's file: as built by `cargo xtask build`, or `WASMSH_VFS_WASM`.
pub fn component_path() -> PathBuf {
    if let Some(path) = std::env::var_os("WASMSH_VFS_WASM") {
        return PathBuf::from(path);
    }
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/wasmsh/parts/vfs.wasm"))
}

/// A fresh instance of the component, which is compiled once a test program.
pub fn instantiate() -> Instance {
    static COMPILED: OnceLock<(Engine, Component)> = OnceLock::new();
    let (engine, component) = COMPILED.get_or_init(|| {
        let engine = Engine::default();
        let path = component_path();
        let component = Component::from_file(&engine, &path)
            .unwrap_or_else(|error| panic!("{}: {error:?} (`cargo xtask build` makes it)", path.display()));
        (engine, component)
    });
    let mut linker = Linker::new(engine);
    Vfs::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host).unwrap();
    let mut store = Store::new(engine, Host::default());
    let world = Vfs::instantiate(&mut store, component, &linker).unwrap();
    Instance { store, world }
}

/// The component's `wasmsh:fs/files`, as a filesystem.
#[derive(Clone)]
pub struct Remote(pub Rc<RefCell<Instance>>);

struct RemoteFile {
    remote: Remote,
    resource: ResourceAny,
}

/// `error-code` and `Errno` have the same variants in the same order.
fn errno(code: types::ErrorCode) -> Errno {
    Errno::ALL[code as usize]
}

fn timestamp(time: types::Timestamp) -> Timestamp {
    Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

fn stat(stat: types::Stat) -> Stat {
    Stat {
        device: stat.device,
        inode: stat.inode,
        kind: match stat.kind {
            types::FileType::Regular => FileType::Regular,
            types::FileType::Directory => FileType::Directory,
            types::FileType::SymbolicLink => FileType::SymbolicLink,
            types::FileType::CharacterDevice => FileType::CharacterDevice,
            types::FileType::Fifo => FileType::Fifo,
            types::FileType::Socket => FileType::Socket,
            types::FileType::Unknown => FileType::Unknown,
        },
        mode: stat.mode,
        links: stat.links,
        uid: stat.uid,
        gid: stat.gid,
        device_number: stat.device_number,
        size: stat.size,
        blocks: stat.blocks,
        accessed: timestamp(stat.accessed),
        modified: timestamp(stat.modified),
        changed: timestamp(stat.changed),
    }
}

fn new_time(time: NewTime) -> types::NewTime {
    match time {
        NewTime::Keep => types::NewTime::Keep,
        NewTime::Now => types::NewTime::Now,
        NewTime::At(Timestamp { seconds, nanoseconds }) => {
            types::NewTime::At(types::Timestamp { seconds, nanoseconds })
        }
    }
}

fn flags_out(flags: OpenFlags) -> types::OpenFlags {
    let mut out = types::OpenFlags::empty();
    for (own, theirs) in [
        (OpenFlags::READ, types::OpenFlags::READ),
        (OpenFlags::WRITE, types::OpenFlags::WRITE),
        (OpenFlags::APPEND, types::OpenFlags::APPEND),
        (OpenFlags::CREATE, types::OpenFlags::CREATE),
        (OpenFlags::EXCLUSIVE, types::OpenFlags::EXCLUSIVE),
        (OpenFlags::TRUNCATE, types::OpenFlags::TRUNCATE),
        (OpenFlags::DIRECTORY, types::OpenFlags::DIRECTORY),
        (OpenFlags::NO_FOLLOW, types::OpenFlags::NO_FOLLOW),
    ] {
        if flags.contains(own) {
            out |= theirs;
        }
    }
    out
}

fn flags_in(flags: types::OpenFlags) -> OpenFlags {
    OpenFlags::all().iter().filter(|flag| flags.contains(flags_out(*flag))).collect()
}

impl Remote {
    /// A fresh instance.
    #[expect(clippy::new_without_default, reason = "it compiles and instantiates a component")]
    pub fn new() -> Remote {
        Remote(Rc::new(RefCell::new(instantiate())))
    }

    /// Calls an export. A trap fails the test.
    pub fn call<T>(
        &self,
        call: impl FnOnce(&Files, &mut Store<Host>) -> wasmtime::Result<Result<T, types::ErrorCode>>,
    ) -> Result<T, Errno> {
        self.plain(call).map_err(errno)
    }

    /// As `call`, of what has no error.
    pub fn plain<T>(&self, call: impl FnOnce(&Files, &mut Store<Host>) -> wasmtime::Result<T>) -> T {
        let mut instance = self.0.borrow_mut();
        let Instance { store, world } = &mut *instance;
        call(world.wasmsh_fs_files(), store).expect("the component trapped")
    }

    fn file(&self, resource: ResourceAny) -> Rc<dyn OpenFile> {
        Rc::new(RemoteFile { remote: self.clone(), resource })
    }
}

impl FileSystem for Remote {
    fn open(&self, path: &str, how: OpenFlags, mode: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        Ok(self.file(self.call(|files, store| files.call_open(store, path, flags_out(how), mode))?))
    }
    fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.call(|files, store| files.call_read_file(store, path))
    }
    fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        self.call(|files, store| files.call_write_file(store, path, bytes, mode))
    }
    fn append_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        self.call(|files, store| files.call_append_file(store, path, bytes, mode))
    }
    fn copy_file(&self, source: &str, target: &str, mode: u32) -> Result<(), Errno> {
        self.call(|files, store| files.call_copy_file(store, source, target, mode))
    }
    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat, Errno> {
        self.call(|files, store| files.call_stat_at(store, path, follow)).map(stat)
    }
    fn access(&self, path: &str, mode: AccessMode) -> Result<(), Errno> {
        let mut bits = types::AccessMode::empty();
        for (own, theirs) in [
            (AccessMode::READ, types::AccessMode::READ),
            (AccessMode::WRITE, types::AccessMode::WRITE),
            (AccessMode::EXECUTE, types::AccessMode::EXECUTE),
        ] {
            if mode.contains(own) {
                bits |= theirs;
            }
        }
        self.call(|files, store| files.call_access(store, path, bits))
    }
    fn read_directory(&self, path: &str) -> Result<Vec<Entry>, Errno> {
        let entries = self.call(|files, store| files.call_read_directory(store, path))?;
        Ok(entries.into_iter().map(|entry| Entry { name: entry.name, stat: stat(entry.stat) }).collect())
    }
    fn canonicalize(&self, path: &str) -> Result<String, Errno> {
        self.call(|files, store| files.call_canonicalize(store, path))
    }
    fn read_link(&self, path: &str) -> Result<String, Errno> {
        self.call(|files, store| files.call_read_link(store, path))
    }
    fn make_directory(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.call(|files, store| files.call_make_directory(store, path, mode))
    }
    fn make_fifo(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.call(|files, store| files.call_make_fifo(store, path, mode))
    }
    fn link(&self, existing: &str, new: &str, follow: bool) -> Result<(), Errno> {
        self.call(|files, store| files.call_link(store, existing, new, follow))
    }
    fn symlink(&self, target: &str, new: &str) -> Result<(), Errno> {
        self.call(|files, store| files.call_symlink(store, target, new))
    }
    fn rename(&self, old: &str, new: &str) -> Result<(), Errno> {
        self.call(|files, store| files.call_rename(store, old, new))
    }
    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        self.call(|files, store| files.call_remove_file(store, path))
    }
    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        self.call(|files, store| files.call_remove_directory(store, path))
    }
    fn set_size_at(&self, path: &str, size: u64) -> Result<(), Errno> {
        self.call(|files, store| files.call_set_size_at(store, path, size))
    }
    fn set_mode_at(&self, path: &str, mode: u32, follow: bool) -> Result<(), Errno> {
        self.call(|files, store| files.call_set_mode_at(store, path, mode, follow))
    }
    fn set_owner_at(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), Errno> {
        self.call(|files, store| files.call_set_owner_at(store, path, uid, gid, follow))
    }
    fn set_times_at(&self, path: &str, a: NewTime, m: NewTime, follow: bool) -> Result<(), Errno> {
        self.call(|files, store| files.call_set_times_at(store, path, new_time(a), new_time(m), follow))
    }
    fn space(&self) -> wasmsh_vfs::Space {
        let mut instance = self.0.borrow_mut();
        let Instance { store, world } = &mut *instance;
        let quotas = world.wasmsh_fs_quotas();
        let quota = quotas.call_get_quota(&mut *store).unwrap();
        let used = quotas.call_get_usage(&mut *store).unwrap();
        wasmsh_vfs::Space {
            bytes: quota.bytes,
            bytes_used: used.bytes,
            inodes: quota.inodes,
            inodes_used: used.inodes,
        }
    }
    fn set_user(&self, uid: u32, gid: u32) {
        self.plain(|files, store| files.call_set_user(store, uid, gid));
    }
    fn get_user(&self) -> (u32, u32) {
        self.plain(|files, store| files.call_get_user(store))
    }
}

impl Drop for RemoteFile {
    fn drop(&mut self) {
        let mut instance = self.remote.0.borrow_mut();
        self.resource.resource_drop(&mut instance.store).expect("the component trapped");
    }
}

impl OpenFile for RemoteFile {
    fn read_into(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        let bytes = self.remote.call(|files, store| files.file().call_read(store, self.resource, max))?;
        buffer.extend_from_slice(&bytes);
        Ok(bytes.len())
    }
    fn write(&self, bytes: &[u8]) -> Result<(), Errno> {
        self.remote.call(|files, store| files.file().call_write(store, self.resource, bytes))
    }
    fn read_at_into(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        let bytes =
            self.remote.call(|files, store| files.file().call_read_at(store, self.resource, offset, max))?;
        buffer.extend_from_slice(&bytes);
        Ok(bytes.len())
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.remote.call(|files, store| files.file().call_write_at(store, self.resource, offset, bytes))
    }
    fn seek(&self, to: Position) -> Result<u64, Errno> {
        let to = match to {
            Position::Start(offset) => types::Position::Start(offset),
            Position::Current(by) => types::Position::Current(by),
            Position::End(by) => types::Position::End(by),
        };
        self.remote.call(|files, store| files.file().call_seek(store, self.resource, to))
    }
    fn stat(&self) -> Result<Stat, Errno> {
        self.remote.call(|files, store| files.file().call_stat(store, self.resource)).map(stat)
    }
    fn set_size(&self, size: u64) -> Result<(), Errno> {
        self.remote.call(|files, store| files.file().call_set_size(store, self.resource, size))
    }
    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        self.remote.call(|files, store| files.file().call_set_mode(store, self.resource, mode))
    }
    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno> {
        self.remote.call(|files, store| files.file().call_set_owner(store, self.resource, uid, gid))
    }
    fn set_times(&self, a: NewTime, m: NewTime) -> Result<(), Errno> {
        let (a, m) = (new_time(a), new_time(m));
        self.remote.call(|files, store| files.file().call_set_times(store, self.resource, a, m))
    }
    fn flags(&self) -> OpenFlags {
        flags_in(self.remote.plain(|files, store| files.file().call_get_flags(store, self.resource)))
    }
    fn set_append(&self, append: bool) {
        self.remote.plain(|files, store| files.file().call_set_append(store, self.resource, append));
    }
    fn duplicate(self: Rc<Self>) -> Result<Rc<dyn OpenFile>, Errno> {
        let copy = self.remote.plain(|files, store| files.file().call_duplicate(store, self.resource));
        Ok(self.remote.file(copy))
    }
    fn path(&self) -> Option<String> {
        self.remote.plain(|files, store| files.file().call_path(store, self.resource))
    }
}
