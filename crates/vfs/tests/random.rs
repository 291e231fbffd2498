//! Random sequences of operations, done here and on a real Linux filesystem:
//! every result, error and the tree at the end must be the same.
//!
//! `WASMSH_VFS_SEEDS=1000` tries more; a failure prints its seed and its
//! operations. Run as root it switches between users, too.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "test code")]

#[path = "suite/linux.rs"]
mod linux;

use std::fmt::Debug;
use std::rc::Rc;

use linux::Linux;
use wasmsh_vfs::{
    AccessMode, Clock, Entropy, Errno, FileSystem, FileType, NewTime, OpenFile, OpenFlags, Position, Stat,
    Timestamp, Vfs,
};

struct NoEntropy;
impl Entropy for NoEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn fresh() -> Vfs {
    let clock: Rc<dyn Clock> = Rc::new(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_nanos(now.as_nanos() as i128)
    });
    Vfs::new(clock, Rc::new(NoEntropy)).unwrap()
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Few names, so that they meet.
    fn path(&mut self) -> String {
        let mut path = String::new();
        for _ in 0..self.pick(&[1, 1, 1, 2, 2, 2, 3, 4]) {
            path.push('/');
            if self.chance(4) {
                path.push('/');
            }
            path.push_str(self.pick(&["a", "a", "b", "b", "c", "d", "e", ".", ".."]));
        }
        if self.chance(10) {
            path.push('/');
        }
        if self.chance(1) {
            path.push_str(&format!("/{}", "n".repeat(self.pick(&[255, 256]))));
        }
        if self.chance(1) {
            path = path.replace('/', &"/".repeat(500));
        }
        path
    }

    fn target(&mut self) -> String {
        let target = self.path();
        if self.chance(70) { target.trim_start_matches('/').to_owned() } else { target }
    }

    fn mode(&mut self) -> u32 {
        self.pick(&[
            0o777, 0o755, 0o777, 0o755, 0o700, 0o644, 0o666, 0o600, 0o555, 0o444, 0o000, 0o1777, 0o2755,
            0o2770, 0o4755, 0o311, 0o070, 0o007,
        ])
    }

    fn flags(&mut self) -> OpenFlags {
        let mut flags =
            self.pick(&[OpenFlags::READ, OpenFlags::WRITE, OpenFlags::READ.union(OpenFlags::WRITE)]);
        for (flag, percent) in [
            (OpenFlags::APPEND, 20),
            (OpenFlags::CREATE, 50),
            (OpenFlags::EXCLUSIVE, 15),
            (OpenFlags::TRUNCATE, 20),
            (OpenFlags::DIRECTORY, 8),
            (OpenFlags::NO_FOLLOW, 10),
        ] {
            if self.chance(percent) {
                flags |= flag;
            }
        }
        if !flags.contains(OpenFlags::CREATE) {
            flags.remove(OpenFlags::EXCLUSIVE); // undefined by POSIX
        }
        flags
    }

    fn offset(&mut self) -> u64 {
        self.pick(&[0, 0, 1, 5, 100, 4095, 65535, 65536, 65537, 131_072, 200_000, 5_000_000])
    }

    fn bytes(&mut self) -> Vec<u8> {
        let n = self.pick(&[0, 1, 3, 10, 100, 4096, 65536, 70_000]);
        let first = self.next() as u8;
        (0..n).map(|i| first.wrapping_add(i as u8)).collect()
    }
}

/// What of `stat` is the same on all filesystems.
fn common(stat: &Stat) -> (FileType, u32, u32, u32, u32, u64) {
    let size = if stat.is_directory() { 0 } else { stat.size };
    (stat.kind, stat.mode, stat.links, stat.uid, stat.gid, size)
}

struct Pair {
    log: Vec<String>,
    seed: u64,
}

impl Pair {
    fn same<T: PartialEq + Debug>(&mut self, what: String, ours: T, real: T) {
        self.log.push(format!("{what} -> {}", short(&real)));
        assert!(
            ours == real,
            "seed {}: here {}, on Linux {}, after\n  {}",
            self.seed,
            short(&ours),
            short(&real),
            self.log.join("\n  ")
        );
    }
}

fn short(value: &impl Debug) -> String {
    let mut text = format!("{value:?}");
    if text.len() > 300 {
        text.truncate(300);
        text.push('…');
    }
    text
}

fn listing(fs: &dyn FileSystem, path: &str) -> Result<Vec<(String, FileType)>, Errno> {
    // As root on both sides: all that can be seen.
    Ok(fs.read_directory(path)?.into_iter().map(|entry| (entry.name, entry.stat.kind)).collect())
}

type Everything = Vec<(String, (FileType, u32, u32, u32, u32, u64), Vec<u8>)>;

fn everything(fs: &dyn FileSystem) -> Everything {
    let mut found = Vec::new();
    let mut todo = vec![String::new()];
    while let Some(directory) = todo.pop() {
        let path = if directory.is_empty() { "/" } else { &directory };
        for entry in fs.read_directory(path).unwrap() {
            let path = format!("{directory}/{}", entry.name);
            let contents = match entry.stat.kind {
                FileType::Regular => fs.read_file(&path).unwrap(),
                FileType::SymbolicLink => fs.read_link(&path).unwrap().into_bytes(),
                _ => Vec::new(),
            };
            let mut facts = common(&entry.stat);
            if entry.stat.is_symbolic_link() {
                facts.5 = contents.len() as u64; // absolute targets are longer by the prefix
            }
            if entry.stat.is_directory() {
                todo.push(path.clone());
            }
            found.push((path, facts, contents));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

const USERS: [(u32, u32); 5] = [(1000, 1000), (1000, 1000), (1001, 1001), (1001, 1000), (0, 0)];

fn run(seed: u64, steps: usize, as_root: bool) {
    let real = Linux::new(&format!("random-{seed}"));
    let own = real.get_user();
    let vfs = fresh();
    // Both begin with an empty directory that belongs to the first user, as deep
    // below the root here as there.
    vfs.set_user(0, 0);
    let first = if as_root { USERS[0] } else { own };
    let ours = Sub::new(vfs.clone(), own);
    if as_root {
        real.set_owner_at("/", Some(first.0), Some(first.1), true).unwrap();
    }
    ours.set_owner_at("/", Some(first.0), Some(first.1), true).unwrap();
    let may_link = std::fs::read_to_string("/proc/sys/fs/protected_hardlinks").is_ok_and(|t| t.trim() == "1");
    real.set_user(first.0, first.1);
    ours.set_user(first.0, first.1);

    let mut random = Random(seed);
    let mut pair = Pair { log: Vec::new(), seed };
    let mut open: Vec<(Rc<dyn OpenFile>, Rc<dyn OpenFile>)> = Vec::new();
    for _ in 0..steps {
        let path = random.path();
        match random.below(26) {
            0..=2 => {
                let mode = random.mode();
                let results = (ours.make_directory(&path, mode), real.make_directory(&path, mode));
                pair.same(format!("mkdir {path} {mode:o}"), results.0, results.1);
            }
            3 => {
                let results = (ours.remove_directory(&path), real.remove_directory(&path));
                pair.same(format!("rmdir {path}"), results.0, results.1);
            }
            4 | 5 => {
                let results = (ours.remove_file(&path), real.remove_file(&path));
                pair.same(format!("unlink {path}"), results.0, results.1);
            }
            6..=8 => {
                let to = random.path();
                let results = (ours.rename(&path, &to), real.rename(&path, &to));
                pair.same(format!("rename {path} {to}"), results.0, results.1);
            }
            9 if may_link || !as_root => {
                let to = random.path();
                let follow = random.chance(50);
                let results = (ours.link(&path, &to, follow), real.link(&path, &to, follow));
                pair.same(format!("link {path} {to} {follow}"), results.0, results.1);
            }
            10 | 11 => {
                let target = random.target();
                let results = (ours.symlink(&target, &path), real.symlink(&target, &path));
                pair.same(format!("symlink {target} {path}"), results.0, results.1);
            }
            12 => {
                let mode = random.mode();
                let results = (ours.make_fifo(&path, mode), real.make_fifo(&path, mode));
                pair.same(format!("mkfifo {path} {mode:o}"), results.0, results.1);
            }
            13 | 14 => {
                let follow = random.chance(70);
                let strip = |r: Result<Stat, Errno>| {
                    r.map(|stat| {
                        let mut facts = common(&stat);
                        if stat.is_symbolic_link() {
                            facts.5 = 0;
                        }
                        facts
                    })
                };
                let results = (strip(ours.stat_at(&path, follow)), strip(real.stat_at(&path, follow)));
                pair.same(format!("stat {path} {follow}"), results.0, results.1);
            }
            15 => {
                let mode = random.mode();
                let results = (ours.set_mode_at(&path, mode, true), real.set_mode_at(&path, mode, true));
                pair.same(format!("chmod {path} {mode:o}"), results.0, results.1);
            }
            16 => {
                let size = random.offset();
                let results = (ours.set_size_at(&path, size), real.set_size_at(&path, size));
                pair.same(format!("truncate {path} {size}"), results.0, results.1);
            }
            17 => {
                let results = (listing(&ours, &path), listing(&real, &path));
                // Without search permission the types cannot be told there.
                let names = |r: Result<Vec<(String, FileType)>, Errno>| {
                    r.map(|list| list.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
                };
                pair.same(format!("readdir {path}"), names(results.0), names(results.1));
            }
            18 => {
                let results = (ours.read_link(&path), real.read_link(&path));
                pair.same(format!("readlink {path}"), results.0, results.1);
                // glibc's realpath does not ask whether it may search what `..` leaves.
                if real.stat_at(&path, true).is_ok() {
                    let results = (ours.canonicalize(&path), real.canonicalize(&path));
                    pair.same(format!("realpath {path}"), results.0, results.1);
                }
            }
            19 => {
                let mode = AccessMode::from_bits_truncate(random.next() as u8);
                let results = (ours.access(&path, mode), real.access(&path, mode));
                pair.same(format!("access {path} {mode:?}"), results.0, results.1);
            }
            20 | 21 => {
                let how = random.flags();
                let mode = random.mode();
                if ours.stat_at(&path, true).is_ok_and(|stat| stat.kind == FileType::Fifo) {
                    continue; // what happens then is the kernel's
                }
                let (a, b) = (ours.open(&path, how, mode), real.open(&path, how, mode));
                let kinds = (a.as_ref().map(drop).map_err(|e| *e), b.as_ref().map(drop).map_err(|e| *e));
                pair.same(format!("open {path} {how:?} {mode:o}"), kinds.0, kinds.1);
                if let (Ok(a), Ok(b)) = (a, b) {
                    open.push((a, b));
                    if open.len() > 6 {
                        open.remove(0);
                    }
                }
            }
            22 => {
                let bytes = random.bytes();
                let mode = random.mode();
                if ours.stat_at(&path, true).is_ok_and(|stat| stat.kind == FileType::Fifo) {
                    continue;
                }
                if random.chance(50) {
                    let r = (ours.write_file(&path, &bytes, mode), real.write_file(&path, &bytes, mode));
                    pair.same(format!("write {path} {} bytes {mode:o}", bytes.len()), r.0, r.1);
                } else {
                    let r = (ours.append_file(&path, &bytes, mode), real.append_file(&path, &bytes, mode));
                    pair.same(format!("append {path} {} bytes {mode:o}", bytes.len()), r.0, r.1);
                }
            }
            23 => {
                if ours.stat_at(&path, true).is_ok_and(|stat| stat.kind == FileType::Fifo) {
                    continue;
                }
                let results = (ours.read_file(&path), real.read_file(&path));
                pair.same(format!("read {path}"), results.0, results.1);
            }
            24 => {
                let (uid, gid) = random.pick(&USERS);
                let (uid, gid) = (random.chance(60).then_some(uid), random.chance(60).then_some(gid));
                if as_root {
                    let r = (
                        ours.set_owner_at(&path, uid, gid, false),
                        real.set_owner_at(&path, uid, gid, false),
                    );
                    pair.same(format!("chown {path} {uid:?} {gid:?}"), r.0, r.1);
                }
                let at = NewTime::At(Timestamp { seconds: 1_000_000_000, nanoseconds: 5 });
                let new = (
                    random.pick(&[NewTime::Now, NewTime::Keep, at]),
                    random.pick(&[NewTime::Now, NewTime::Keep, at]),
                );
                let r = (
                    ours.set_times_at(&path, new.0, new.1, true),
                    real.set_times_at(&path, new.0, new.1, true),
                );
                pair.same(format!("utimens {path} {new:?}"), r.0, r.1);
                if new.1 == at && r.0.is_ok() {
                    let r = (
                        ours.stat_at(&path, true).map(|s| s.modified),
                        real.stat_at(&path, true).map(|s| s.modified),
                    );
                    pair.same(format!("mtime {path}"), r.0, r.1);
                }
            }
            _ => {
                if as_root && random.chance(30) {
                    let (uid, gid) = random.pick(&USERS);
                    ours.set_user(uid, gid);
                    real.set_user(uid, gid);
                    pair.log.push(format!("user {uid} {gid}"));
                }
            }
        }
        if let Some((a, b)) = (!open.is_empty()).then(|| open[random.below(open.len())].clone()) {
            handle(&mut random, &mut pair, &*a, &*b);
        }
    }
    if as_root {
        real.set_user(0, 0);
        ours.set_user(0, 0);
        let results = (everything(&ours), everything(&real));
        for (a, b) in results.0.iter().zip(&results.1) {
            pair.same("the tree at the end".to_owned(), a, b);
        }
        pair.same("names at the end".to_owned(), results.0.len(), results.1.len());
        // And through a snapshot.
        let before = everything(&ours);
        let mut reader = vfs.take_snapshot().unwrap();
        let other = fresh();
        other.set_user(0, 0);
        let mut writer = other.restore_snapshot();
        loop {
            let bytes = reader.next(1 + random.below(100_000));
            if bytes.is_empty() {
                break;
            }
            writer.push(&bytes).unwrap();
        }
        writer.finish().unwrap();
        let restored = Sub { vfs: other.clone(), prefix: ours.prefix.clone() };
        pair.same("restored".to_owned(), everything(&restored), before);
        drop(open);
        let stored: u64 = usage_by_hand(&other);
        assert_eq!(other.usage().bytes, stored);
        assert_eq!(vfs.usage(), other.usage(), "seed {seed}: what was booked is what is there");
    }
}

/// Every inode once, plus further links: what the account must say.
fn usage_by_hand(fs: &Vfs) -> u64 {
    let mut blocks = std::collections::BTreeMap::new();
    let mut todo = vec![String::new()];
    let mut names = 1;
    while let Some(directory) = todo.pop() {
        for entry in fs.read_directory(if directory.is_empty() { "/" } else { &directory }).unwrap() {
            names += 1;
            if entry.stat.is_directory() {
                todo.push(format!("{directory}/{}", entry.name));
            }
            blocks.insert(entry.stat.inode, entry.stat.blocks);
        }
    }
    assert_eq!(fs.usage().inodes, names);
    // Bytes are bounded by the pages that hold them.
    let pages: u64 = blocks.values().sum();
    assert!(fs.usage().bytes <= pages * 512);
    fs.usage().bytes
}

fn handle(random: &mut Random, pair: &mut Pair, ours: &dyn OpenFile, real: &dyn OpenFile) {
    match random.below(9) {
        0 | 1 => {
            let bytes = random.bytes();
            let results = (ours.write(&bytes), real.write(&bytes));
            pair.same(format!("  write {} bytes", bytes.len()), results.0, results.1);
        }
        2 | 3 => {
            let n = random.pick(&[1, 10, 5000, 70_000, 200_000]);
            let results = (ours.read(n), real.read(n));
            pair.same(format!("  read {n}"), results.0, results.1);
        }
        4 => {
            let directory = real.stat().unwrap().is_directory();
            let by = random.pick(&[-5i64, 0, 3, 1000, 1 << 22, i64::MIN]);
            let to = match random.below(3) {
                0 => Position::Start(random.offset()),
                1 if !directory => Position::Current(by),
                2 if !directory => Position::End(by),
                _ => Position::Start(0),
            };
            let fold = |r: Result<u64, Errno>| r;
            let results = (fold(ours.seek(to)), fold(real.seek(to)));
            pair.same(format!("  seek {to:?}"), results.0, results.1);
        }
        5 => {
            let (offset, bytes) = (random.offset(), random.bytes());
            let results = (ours.write_at(offset, &bytes), real.write_at(offset, &bytes));
            pair.same(format!("  pwrite {offset} {} bytes", bytes.len()), results.0, results.1);
        }
        6 => {
            let (offset, n) = (random.offset(), random.pick(&[1, 10, 70_000]));
            let results = (ours.read_at(offset, n), real.read_at(offset, n));
            pair.same(format!("  pread {offset} {n}"), results.0, results.1);
        }
        7 => {
            let size = random.offset();
            let results = (ours.set_size(size), real.set_size(size));
            pair.same(format!("  ftruncate {size}"), results.0, results.1);
        }
        _ => {
            let results = (ours.stat().map(|s| common(&s)), real.stat().map(|s| common(&s)));
            pair.same("  fstat".to_owned(), results.0, results.1);
        }
    }
}

/// A deep directory as if it were the root: the same names on both sides.
struct Sub {
    vfs: Vfs,
    prefix: String,
}

impl Sub {
    fn new(vfs: Vfs, owner: (u32, u32)) -> Sub {
        let mut prefix = String::new();
        for _ in 0..linux::DEPTH {
            prefix.push_str("/z");
            vfs.make_directory(&prefix, 0o755).unwrap();
            vfs.set_owner_at(&prefix, Some(owner.0), Some(owner.1), true).unwrap();
        }
        Sub { vfs, prefix }
    }

    fn path(&self, path: &str) -> String {
        if path.is_empty() { String::new() } else { format!("{}{path}", self.prefix) }
    }
}

impl FileSystem for Sub {
    fn open(&self, path: &str, how: OpenFlags, mode: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        self.vfs.open(&self.path(path), how, mode)
    }
    fn read_file(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.vfs.read_file(&self.path(path))
    }
    fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        self.vfs.write_file(&self.path(path), bytes, mode)
    }
    fn append_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Errno> {
        self.vfs.append_file(&self.path(path), bytes, mode)
    }
    fn copy_file(&self, source: &str, target: &str, mode: u32) -> Result<(), Errno> {
        self.vfs.copy_file(&self.path(source), &self.path(target), mode)
    }
    fn stat_at(&self, path: &str, follow: bool) -> Result<Stat, Errno> {
        self.vfs.stat_at(&self.path(path), follow)
    }
    fn access(&self, path: &str, mode: AccessMode) -> Result<(), Errno> {
        self.vfs.access(&self.path(path), mode)
    }
    fn read_directory(&self, path: &str) -> Result<Vec<wasmsh_vfs::Entry>, Errno> {
        self.vfs.read_directory(&self.path(path))
    }
    fn canonicalize(&self, path: &str) -> Result<String, Errno> {
        let real = self.vfs.canonicalize(&self.path(path))?;
        let inside = real.strip_prefix(&self.prefix).unwrap_or(&real);
        Ok(if inside.is_empty() { "/".to_owned() } else { inside.to_owned() })
    }
    fn read_link(&self, path: &str) -> Result<String, Errno> {
        let target = self.vfs.read_link(&self.path(path))?;
        Ok(target.strip_prefix(&self.prefix).unwrap_or(&target).to_owned())
    }
    fn make_directory(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.vfs.make_directory(&self.path(path), mode)
    }
    fn make_fifo(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.vfs.make_fifo(&self.path(path), mode)
    }
    fn link(&self, existing: &str, new: &str, follow: bool) -> Result<(), Errno> {
        self.vfs.link(&self.path(existing), &self.path(new), follow)
    }
    fn symlink(&self, target: &str, new: &str) -> Result<(), Errno> {
        let target = if target.starts_with('/') { self.path(target) } else { target.to_owned() };
        self.vfs.symlink(&target, &self.path(new))
    }
    fn rename(&self, old: &str, new: &str) -> Result<(), Errno> {
        self.vfs.rename(&self.path(old), &self.path(new))
    }
    fn remove_file(&self, path: &str) -> Result<(), Errno> {
        self.vfs.remove_file(&self.path(path))
    }
    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        self.vfs.remove_directory(&self.path(path))
    }
    fn set_size_at(&self, path: &str, size: u64) -> Result<(), Errno> {
        self.vfs.set_size_at(&self.path(path), size)
    }
    fn set_mode_at(&self, path: &str, mode: u32, follow: bool) -> Result<(), Errno> {
        self.vfs.set_mode_at(&self.path(path), mode, follow)
    }
    fn set_owner_at(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), Errno> {
        self.vfs.set_owner_at(&self.path(path), uid, gid, follow)
    }
    fn set_times_at(&self, path: &str, a: NewTime, m: NewTime, follow: bool) -> Result<(), Errno> {
        self.vfs.set_times_at(&self.path(path), a, m, follow)
    }
    fn space(&self) -> wasmsh_vfs::Space {
        self.vfs.space()
    }
    fn set_user(&self, uid: u32, gid: u32) {
        self.vfs.set_user(uid, gid);
    }
    fn get_user(&self) -> (u32, u32) {
        self.vfs.get_user()
    }
}

#[test]
fn random_operations_end_as_on_linux() {
    // SAFETY: no preconditions.
    let as_root = unsafe { libc::geteuid() } == 0;
    let seeds = std::env::var("WASMSH_VFS_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let first = std::env::var("WASMSH_VFS_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for seed in first..first + seeds {
        run(seed, 400, as_root);
    }
}
