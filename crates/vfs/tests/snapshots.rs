//! Snapshots: what they keep, and what they refuse.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

#[path = "suite/memory.rs"]
mod memory;

use memory::fresh;
use wasmsh_vfs::{Entry, FileSystem, NewTime, OpenFlags, Quota, SnapshotError, Stat, Timestamp, Vfs};

fn take(fs: &Vfs) -> Vec<u8> {
    let mut reader = fs.take_snapshot().unwrap();
    let mut all = Vec::new();
    loop {
        let bytes = reader.next(1000);
        all.extend_from_slice(&bytes);
        if bytes.is_empty() {
            return all;
        }
    }
}

fn restore(fs: &Vfs, bytes: &[u8], step: usize) -> Result<(), SnapshotError> {
    let mut writer = fs.restore_snapshot();
    for piece in bytes.chunks(step) {
        writer.push(piece)?;
    }
    writer.finish()
}

/// Everything but what a restored tree has of its own.
fn all(fs: &Vfs) -> Vec<(String, Stat, Vec<u8>)> {
    let user = fs.get_user();
    fs.set_user(0, 0);
    let mut found = Vec::new();
    let mut todo = vec![String::new()];
    while let Some(directory) = todo.pop() {
        let path = if directory.is_empty() { "/" } else { &directory };
        for Entry { name, stat } in fs.read_directory(path).unwrap() {
            let path = format!("{directory}/{name}");
            let contents = match () {
                () if stat.is_regular() => fs.read_file(&path).unwrap(),
                () if stat.is_symbolic_link() => fs.read_link(&path).unwrap().into_bytes(),
                () if stat.is_directory() => {
                    todo.push(path.clone());
                    Vec::new()
                }
                () => Vec::new(),
            };
            // Reading may have stamped the access time.
            let stat = Stat { inode: 0, accessed: Timestamp::default(), ..stat };
            found.push((path, stat, contents));
        }
    }
    fs.set_user(user.0, user.1);
    found
}

fn sample() -> Vfs {
    let fs = fresh();
    fs.make_directory("/workspace/d", 0o2750).unwrap();
    fs.write_file("/workspace/d/f", b"text", 0o600).unwrap();
    fs.link("/workspace/d/f", "/workspace/a-link", true).unwrap();
    fs.link("/workspace/d/f", "/workspace/z-link", true).unwrap();
    fs.symlink("nowhere/ä", "/workspace/l").unwrap();
    fs.link("/workspace/l", "/workspace/l2", false).unwrap();
    fs.make_fifo("/workspace/p", 0o622).unwrap();
    fs.write_file("/workspace/empty", b"", 0).unwrap();
    let sparse = fs.open("/workspace/sparse", OpenFlags::WRITE | OpenFlags::CREATE, 0o644).unwrap();
    sparse.write_at(10_000_000, &[7; 100_000]).unwrap();
    sparse.set_size(20_000_000).unwrap();
    let old = NewTime::At(Timestamp { seconds: -1, nanoseconds: 999_999_999 });
    fs.set_times_at("/workspace/d", old, old, true).unwrap();
    fs.set_user(0, 0);
    fs.set_owner_at("/workspace/d/f", Some(5), Some(6), true).unwrap();
    fs.set_mode_at("/workspace/d/f", 0o4711, true).unwrap();
    fs.set_user(1000, 1000);
    fs
}

#[test]
fn everything_comes_back() {
    let fs = sample();
    let bytes = take(&fs);
    assert_eq!(&bytes[..8], b"wasmshFS");
    assert!(bytes.len() < 200_000, "holes take no room: {}", bytes.len());
    assert_eq!(take(&fs), bytes);
    let expected = all(&fs);
    for step in [1, 13, 4096, usize::MAX] {
        let other = fresh();
        restore(&other, &bytes, step).unwrap();
        assert_eq!(all(&other), expected);
        assert_eq!(other.usage(), fs.usage());
        assert_eq!(take(&other).len(), bytes.len());
        let one = other.stat_at("/workspace/a-link", true).unwrap();
        assert_eq!((one.links, one.mode, one.uid), (3, 0o4711, 5));
        assert_eq!(one.inode, other.stat_at("/workspace/d/f", true).unwrap().inode);
        other.write_file("/workspace/new", b"goes on", 0o644).unwrap();
    }
}

#[test]
fn a_snapshot_shows_the_tree_as_it_was() {
    let fs = sample();
    let expected = take(&fs);
    let mut reader = fs.take_snapshot().unwrap();
    let mut bytes = reader.next(100);
    fs.write_file("/workspace/a-new", b"no longer", 0).unwrap();
    fs.set_size_at("/workspace/sparse", 0).unwrap();
    fs.remove_file("/workspace/p").unwrap();
    fs.make_directory("/workspace/new", 0o755).unwrap();
    loop {
        let more = reader.next(100);
        if more.is_empty() {
            break;
        }
        bytes.extend_from_slice(&more);
    }
    assert_eq!(bytes, expected);
}

#[test]
fn open_files_outlive_the_old_tree() {
    let fs = sample();
    let bytes = take(&fs);
    fs.write_file("/workspace/mine", b"before", 0o644).unwrap();
    let before = fs.usage().inodes;
    let file = fs.open("/workspace/mine", OpenFlags::READ | OpenFlags::WRITE, 0).unwrap();
    let directory = fs.open_handle("/workspace", OpenFlags::READ, 0).unwrap();
    restore(&fs, &bytes, 4096).unwrap();
    assert_eq!(fs.stat_at("/workspace/mine", true).map(drop), Err(wasmsh_vfs::Errno::NoEntry));
    assert_eq!(file.read(100).unwrap(), b"before");
    file.write(b" and after").unwrap();
    assert_eq!(file.stat().unwrap().links, 0);
    assert_eq!(directory.read_directory().unwrap(), []);
    assert_eq!(fs.at(&directory).unwrap().stat_at("..", true).unwrap().links, 0);
    drop((file, directory));
    assert_eq!(fs.usage().inodes, before - 1);
    assert_eq!(fs.usage().open_files, 0);
}

#[test]
fn nothing_damaged_is_taken() {
    let bytes = take(&sample());
    let fs = fresh();
    let untouched = all(&fs);
    for end in (0..bytes.len()).step_by(499).chain([bytes.len() - 1]) {
        let error = restore(&fs, &bytes[..end], 1 << 20).unwrap_err();
        assert_eq!(error, SnapshotError::Truncated, "cut at {end}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(restore(&fs, &longer, 1 << 20), Err(SnapshotError::Damaged(_))));
    for at in (0..bytes.len()).step_by(997).chain(0..400) {
        for bit in [0, 5] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let error = restore(&fs, &damaged, 1 << 20).unwrap_err();
            assert_ne!(error, SnapshotError::Finished, "damaged at {at}");
        }
    }
    assert_eq!(
        restore(&fs, b"not a snapshot", 5).unwrap_err().to_string(),
        "the snapshot is damaged: this is no snapshot, at byte 0"
    );
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert_eq!(restore(&fs, &newer, 1), Err(SnapshotError::NewerVersion(2)));
    assert_eq!(all(&fs), untouched);
}

/// A snapshot made by hand, with a right checksum: its structure alone is wrong.
struct Forgery(Vec<u8>, u64);

impl Forgery {
    fn new() -> Forgery {
        Forgery([&b"wasmshFS"[..], &1u32.to_le_bytes()].concat(), 0)
    }

    fn record(mut self, kind: u8, depth: u32, name: &[u8], rest: &[u8]) -> Forgery {
        self.0.push(kind);
        self.0.extend_from_slice(&depth.to_le_bytes());
        self.0.extend_from_slice(&(name.len() as u16).to_le_bytes());
        self.0.extend_from_slice(name);
        if kind != 6 {
            self.0.extend_from_slice(&[0; 12 + 36]);
        }
        self.0.extend_from_slice(rest);
        self.1 += 1;
        self
    }

    fn check(mut self) -> Result<(), SnapshotError> {
        self.0.push(0);
        self.0.extend_from_slice(&self.1.to_le_bytes());
        let sum = xxhash_rust::xxh3::xxh3_64(&self.0);
        self.0.extend_from_slice(&sum.to_le_bytes());
        restore(&fresh(), &self.0, 1 << 20)
    }
}

#[test]
fn forged_structures_are_refused() {
    let root = || Forgery::new().record(1, 0, b"", b"");
    root().check().unwrap();
    root().record(1, 1, b"a", b"").record(4, 2, b"p", b"").record(4, 1, b"b", b"").check().unwrap();
    let zero = 0u64.to_le_bytes();
    let one = 1u64.to_le_bytes();
    let forged = [
        ("no root", Forgery::new()),
        ("the root is a file", Forgery::new().record(2, 0, b"", &[0; 12])),
        ("two roots", root().record(1, 0, b"", b"")),
        ("deeper than its directory", root().record(4, 2, b"p", b"")),
        ("in a file", root().record(4, 1, b"p", b"").record(4, 2, b"q", b"")),
        ("no name", root().record(4, 1, b"", b"")),
        (".", root().record(4, 1, b".", b"")),
        ("..", root().record(4, 1, b"..", b"")),
        ("a slash", root().record(4, 1, b"a/b", b"")),
        ("NUL", root().record(4, 1, b"a\0", b"")),
        ("not UTF-8", root().record(4, 1, b"\xff", b"")),
        ("too long", root().record(4, 1, &[b'n'; 256], b"")),
        ("twice", root().record(4, 1, b"p", b"").record(4, 1, b"p", b"")),
        ("out of order", root().record(4, 1, b"q", b"").record(4, 1, b"p", b"")),
        ("a link to a directory", root().record(6, 1, b"l", &zero)),
        ("a link to itself", root().record(6, 1, b"l", &one)),
        (
            "a link to a link",
            root().record(4, 1, b"a", b"").record(6, 1, b"b", &one).record(6, 1, b"c", &2u64.to_le_bytes()),
        ),
        ("an empty target", root().record(3, 1, b"l", &[0, 0])),
        ("an unknown kind", root().record(9, 1, b"x", b"")),
        (
            "an extent outside",
            root().record(2, 1, b"f", &[&one[..], &[2, 0, 0, 0], &zero, b"xx", &[0; 4]].concat()),
        ),
    ];
    for (what, forgery) in forged {
        match forgery.check() {
            Err(SnapshotError::Damaged(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn a_snapshot_must_fit_the_quota() {
    let bytes = take(&sample());
    let fs = fresh();
    let untouched = all(&fs);
    let quota = fs.quota();
    for small in [
        Quota { bytes: 100_000, ..quota },
        Quota { inodes: 20, ..quota },
        Quota { file_size: 1_000_000, ..quota },
    ] {
        fs.set_quota(small);
        assert_eq!(restore(&fs, &bytes, 1000), Err(SnapshotError::OverQuota));
    }
    assert_eq!(all(&fs), untouched);
    fs.set_quota(quota);
    let mut writer = fs.restore_snapshot();
    writer.push(&bytes).unwrap();
    writer.finish().unwrap();
    assert_eq!(writer.finish(), Err(SnapshotError::Finished));
    assert_eq!(writer.push(b"x"), Err(SnapshotError::Finished));
}
