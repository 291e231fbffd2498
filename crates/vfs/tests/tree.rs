//! The tree that a session begins with: devices, directories, owners; and what
//! only the in-memory tree has: handles to directories, its clock.

#![allow(clippy::unwrap_used, reason = "test code")]

#[path = "suite/memory.rs"]
mod memory;

use memory::fresh;
use wasmsh_vfs::{Errno, FileSystem, FileType, OpenFile, OpenFlags, Position};

const R: OpenFlags = OpenFlags::READ;
const W: OpenFlags = OpenFlags::WRITE;

#[test]
fn devices() {
    let fs = fresh();
    let open = |name: &str| fs.open(&format!("/dev/{name}"), R | W, 0).unwrap();
    assert_eq!(open("null").read(10).unwrap(), b"");
    assert_eq!(open("zero").read(3).unwrap(), [0; 3]);
    assert_eq!(open("full").read(3).unwrap(), [0; 3]);
    assert_eq!(open("random").read(3).unwrap(), [1, 2, 3]);
    assert_eq!(open("urandom").read_at(77, 3).unwrap(), [1, 2, 3]);
    for name in ["null", "zero", "random", "urandom"] {
        open(name).write(b"gone").unwrap();
    }
    assert_eq!(open("full").write(b"x"), Err(Errno::NoSpace));
    open("full").write(b"").unwrap();
    assert_eq!(open("null").seek(Position::End(5)).unwrap(), 0);
    assert_eq!(fs.open("/dev/tty", R, 0).map(drop), Err(Errno::NoSuchDevice));
    fs.write_file("/dev/null", b"x", 0o644).unwrap();
    assert_eq!(fs.write_file("/dev/full", b"x", 0o644), Err(Errno::NoSpace));
    assert_eq!(fs.read_file("/dev/null").unwrap(), b"");
    assert_eq!(fs.read_file("/dev/zero").map(drop), Err(Errno::FileTooLarge));
    let stat = fs.stat_at("/dev/null", true).unwrap();
    assert_eq!((stat.kind, stat.mode, stat.device_number), (FileType::CharacterDevice, 0o666, 0x103));
    assert_eq!(fs.read_link("/dev/stdin").unwrap(), "/proc/self/fd/0");
    assert_eq!(fs.set_size_at("/dev/null", 0), Err(Errno::Invalid));
    assert_eq!(fs.remove_file("/dev/null"), Err(Errno::Access));
    assert_eq!(fs.usage().open_files, 0);
}

#[test]
fn layout() {
    let fs = fresh();
    assert_eq!(fs.get_user(), (1000, 1000));
    fs.write_file("/workspace/f", b"", 0o644).unwrap();
    fs.write_file("/home/user/f", b"", 0o644).unwrap();
    fs.write_file("/tmp/f", b"", 0o644).unwrap();
    assert_eq!(fs.stat_at("/tmp", true).unwrap().mode, 0o1777);
    fs.write_file("/f", b"", 0o644).unwrap();
    fs.remove_file("/f").unwrap();
    assert_eq!(fs.rename("/usr", "/away"), Err(Errno::NotPermitted));
    for path in ["/etc/f", "/usr/bin/f", "/bin/f"] {
        assert_eq!(fs.write_file(path, b"", 0o644), Err(Errno::Access), "{path}");
    }
    assert_eq!(fs.canonicalize("/bin").unwrap(), "/usr/bin");
    assert!(fs.read_file("/etc/passwd").unwrap().starts_with(b"root:x:0:0:"));
    assert_eq!(fs.read_directory("/root").map(drop), Err(Errno::Access));
    assert_eq!(fs.canonicalize("/../..").unwrap(), "/");
    let stat = fs.stat_at("/", true).unwrap();
    assert_eq!((stat.inode, stat.uid, stat.mode), (1, 0, 0o1777));
    assert_eq!(fs.remove_directory("/"), Err(Errno::Busy));
    assert_eq!(fs.rename("/", "/tmp/x"), Err(Errno::Busy));
}

#[test]
fn fifos_are_only_names_here() {
    let fs = fresh();
    fs.make_fifo("/workspace/p", 0o600).unwrap();
    let file = fs.open("/workspace/p", R | W, 0).unwrap();
    assert_eq!(file.stat().unwrap().kind, FileType::Fifo);
    assert_eq!(file.read(1).map(drop), Err(Errno::NotSupported));
    assert_eq!(file.write(b"x"), Err(Errno::NotSupported));
    assert_eq!(file.seek(Position::Start(0)), Err(Errno::IllegalSeek));
    assert_eq!(fs.read_file("/workspace/p").map(drop), Err(Errno::NotSupported));
}

#[test]
fn a_handle_of_a_directory_is_a_base() {
    let fs = fresh();
    fs.make_directory("/workspace/d", 0o755).unwrap();
    let directory = fs.open_handle("/workspace/d", R | OpenFlags::DIRECTORY, 0).unwrap();
    let at = fs.at(&directory).unwrap();
    at.write_file("f", b"text", 0o644).unwrap();
    fs.rename("/workspace/d", "/workspace/e").unwrap();
    assert_eq!(at.read_file("f").unwrap(), b"text");
    assert_eq!(at.canonicalize(".").unwrap(), "/workspace/e");
    assert_eq!(at.read_file("../e/f").unwrap(), b"text");
    at.rename_to("f", &fs, "/workspace/g").unwrap();
    at.remove_file("../g").unwrap();
    fs.remove_directory("/workspace/e").unwrap();
    assert_eq!(at.write_file("f", b"", 0o644), Err(Errno::NoEntry));
    assert_eq!(at.make_directory("x", 0o755), Err(Errno::NoEntry));
    assert_eq!(at.canonicalize("."), Err(Errno::NoEntry));
    assert_eq!(directory.read_directory().unwrap(), []);
    let file = fs.open_handle("/etc/passwd", R, 0).unwrap();
    assert_eq!(fs.at(&file).map(drop), Err(Errno::NotDirectory));
    assert_eq!(fresh().at(&directory).map(drop), Err(Errno::CrossDevice));
}

#[test]
fn inode_numbers_are_not_used_twice() {
    let fs = fresh();
    let mut last = 0;
    for _ in 0..10 {
        fs.write_file("/tmp/f", b"", 0o644).unwrap();
        let inode = fs.stat_at("/tmp/f", true).unwrap().inode;
        assert!(inode > last);
        last = inode;
        fs.remove_file("/tmp/f").unwrap();
    }
}

#[test]
fn reading_stamps_the_access_time_once_for_each_change() {
    let fs = fresh();
    let accessed = || fs.stat_at("/workspace/f", true).unwrap().accessed;
    fs.write_file("/workspace/f", b"text", 0o644).unwrap();
    let file = fs.open("/workspace/f", R | W, 0).unwrap();
    let written = accessed();
    file.read(1).unwrap();
    let first = accessed();
    assert!(first > written);
    file.read(1).unwrap();
    assert_eq!(accessed(), first);
    file.write(b"x").unwrap();
    file.read(1).unwrap();
    assert!(accessed() > first);
}

/// Deeper than any path can say: nothing here may recurse.
#[test]
fn very_deep_trees() {
    let fs = fresh();
    fs.make_directory("/workspace/d", 0o755).unwrap();
    let mut directory = fs.open_handle("/workspace/d", R, 0).unwrap();
    for _ in 0..100_000 {
        let at = fs.at(&directory).unwrap();
        at.make_directory("d", 0o755).unwrap();
        directory = at.open_handle("d", R, 0).unwrap();
    }
    assert_eq!(directory.path().unwrap().len(), "/workspace/d".len() + 2 * 100_000);
    let mut reader = fs.take_snapshot().unwrap();
    let other = fresh();
    let mut writer = other.restore_snapshot();
    loop {
        let bytes = reader.next(1 << 20);
        if bytes.is_empty() {
            break;
        }
        writer.push(&bytes).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(other.usage().inodes, fs.usage().inodes);
}
