//! What happens when a bound is met: an error, all or nothing, and exact accounts.

#![allow(clippy::unwrap_used, reason = "test code")]

#[path = "suite/memory.rs"]
mod memory;

use memory::fresh;
use wasmsh_vfs::{Errno, FileSystem, OpenFlags, Quota, Vfs};

const RWC: OpenFlags = OpenFlags::READ.union(OpenFlags::WRITE).union(OpenFlags::CREATE);

/// So many bytes and inodes more than the first tree has.
fn bounded(bytes: u64, inodes: u64) -> Vfs {
    let fs = fresh();
    let used = fs.usage();
    fs.set_quota(Quota {
        bytes: used.bytes + bytes,
        inodes: used.inodes + inodes,
        file_size: 1_000_000,
        open_files: 3,
    });
    fs
}

#[test]
fn bytes_are_bounded() {
    let fs = bounded(100, 10);
    fs.write_file("/workspace/a", &[1; 60], 0o644).unwrap();
    assert_eq!(fs.append_file("/workspace/a", &[1; 41], 0), Err(Errno::OverQuota));
    assert_eq!(fs.read_file("/workspace/a").unwrap().len(), 60);
    assert_eq!(fs.write_file("/workspace/b", &[1; 41], 0o644), Err(Errno::OverQuota));
    assert_eq!(fs.stat_at("/workspace/b", true).map(drop), Err(Errno::NoEntry));
    fs.write_file("/workspace/a", &[2; 100], 0).unwrap();
    assert_eq!(fs.copy_file("/workspace/a", "/workspace/b", 0o644), Err(Errno::OverQuota));
    assert_eq!(fs.write_file("/workspace/a", &[3; 101], 0), Err(Errno::OverQuota));
    assert_eq!(fs.read_file("/workspace/a").unwrap(), [2; 100]);
    // Holes are free; a file without a name is not, until it is closed.
    fs.set_size_at("/workspace/a", 1_000_000).unwrap();
    let file = fs.open("/workspace/a", RWC, 0).unwrap();
    fs.remove_file("/workspace/a").unwrap();
    assert_eq!(fs.append_file("/workspace/c", b"x", 0o644), Err(Errno::OverQuota));
    drop(file);
    fs.write_file("/workspace/c", &[4; 100], 0o644).unwrap();
    // Overwriting needs no more than there is.
    let file = fs.open("/workspace/c", RWC, 0).unwrap();
    file.write_at(0, &[5; 100]).unwrap();
    assert_eq!(file.write_at(1, &[5; 100]), Err(Errno::OverQuota));
    file.set_size(0).unwrap();
    assert_eq!(fs.usage().bytes, fresh().usage().bytes);
}

#[test]
fn inodes_are_bounded() {
    let fs = bounded(100, 4);
    fs.write_file("/workspace/a", b"", 0o644).unwrap();
    fs.make_directory("/workspace/d", 0o755).unwrap();
    fs.symlink("a", "/workspace/l").unwrap();
    fs.link("/workspace/a", "/workspace/d/a", true).unwrap();
    assert_eq!(fs.link("/workspace/a", "/workspace/b", true), Err(Errno::NoSpace));
    assert_eq!(fs.write_file("/workspace/b", b"", 0o644), Err(Errno::NoSpace));
    assert_eq!(fs.make_directory("/workspace/b", 0o755), Err(Errno::NoSpace));
    assert_eq!(fs.make_fifo("/workspace/b", 0o644), Err(Errno::NoSpace));
    fs.rename("/workspace/d/a", "/workspace/b").unwrap();
    fs.remove_file("/workspace/a").unwrap();
    fs.symlink("x", "/workspace/a").unwrap();
    assert_eq!(fs.usage().inodes, fs.quota().inodes);
    for name in ["a", "b", "l"] {
        fs.remove_file(&format!("/workspace/{name}")).unwrap();
    }
    fs.remove_directory("/workspace/d").unwrap();
    assert_eq!(fs.usage(), fresh().usage());
}

#[test]
fn sizes_are_bounded() {
    let fs = bounded(10_000_000, 10);
    assert_eq!(fs.write_file("/workspace/a", &vec![0; 1_000_001], 0o644), Err(Errno::FileTooLarge));
    let file = fs.open("/workspace/a", RWC, 0o644).unwrap();
    assert_eq!(file.write_at(999_999, b"12"), Err(Errno::FileTooLarge));
    assert_eq!(file.write_at(u64::MAX, b"12"), Err(Errno::FileTooLarge));
    assert_eq!(file.set_size(1_000_001), Err(Errno::FileTooLarge));
    file.write_at(999_999, b"1").unwrap();
    fs.set_quota(Quota { file_size: 10, ..fs.quota() });
    file.set_size(20).unwrap(); // smaller than it was
    assert_eq!(file.set_size(21), Err(Errno::FileTooLarge));
}

#[test]
fn no_size_is_too_large_to_be_refused() {
    let fs = fresh();
    fs.set_quota(Quota { file_size: u64::MAX, bytes: u64::MAX, ..fs.quota() });
    let file = fs.open("/workspace/a", RWC, 0o644).unwrap();
    assert_eq!(file.set_size(u64::MAX), Err(Errno::FileTooLarge));
    file.set_size(i64::MAX as u64).unwrap();
    assert_eq!(file.read_at(i64::MAX as u64 - 1, 10).unwrap(), [0]);
    assert_eq!(fs.read_file("/workspace/a").map(drop), Err(Errno::NoMemory));
    assert_eq!(file.write_at(i64::MAX as u64, b"x"), Err(Errno::FileTooLarge));
    file.write_at(i64::MAX as u64 - 1, b"x").unwrap();
    assert_eq!(file.stat().unwrap().blocks, 8 * 16);
}

#[test]
fn open_files_are_bounded() {
    let fs = bounded(100, 10);
    let files: Vec<_> = (0..3).map(|_| fs.open("/tmp", OpenFlags::READ, 0).unwrap()).collect();
    assert_eq!(fs.open("/workspace/new", RWC, 0o644).map(drop), Err(Errno::TooManyOpenFiles));
    assert_eq!(fs.stat_at("/workspace/new", true).map(drop), Err(Errno::NoEntry));
    let copy = files[0].clone().duplicate().unwrap(); // the same description
    drop(files);
    assert_eq!(fs.usage().open_files, 1);
    drop(copy);
    assert_eq!(fs.usage().open_files, 0);
}
