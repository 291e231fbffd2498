//! Contents that are kept elsewhere: trees that share them, and files that are lent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use wasmsh_vfs::{AccessMode, Entropy, Errno, FileSystem, Keeper, OpenFlags, SnapshotError, Timestamp, Vfs};

struct Zeroes;

impl Entropy for Zeroes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A keeper, which can be copied: each filesystem has its own, and they share the bytes.
#[derive(Clone, Default)]
struct Shelf(RefCell<BTreeMap<u64, Rc<[u8]>>>);

impl Keeper for Shelf {
    fn keep(&self, bytes: &[u8]) -> Option<u64> {
        let mut shelf = self.0.borrow_mut();
        let number = (0..).find(|number| !shelf.contains_key(number))?;
        shelf.insert(number, bytes.into());
        Some(number)
    }

    fn read(&self, number: u64, offset: u64, length: usize, buffer: &mut Vec<u8>) -> Result<(), Errno> {
        let start = usize::try_from(offset).unwrap();
        let shelf = self.0.borrow();
        let bytes = shelf.get(&number).and_then(|bytes| bytes.get(start..start + length));
        buffer.extend_from_slice(bytes.ok_or(Errno::Io)?);
        Ok(())
    }

    fn release(&self, number: u64) {
        assert!(self.0.borrow_mut().remove(&number).is_some(), "{number} was released twice");
    }
}

fn filesystem(shelf: &Rc<Shelf>) -> Vfs {
    let vfs = Vfs::new(Rc::new(Timestamp::default), Rc::new(Zeroes)).unwrap();
    vfs.keep_with(shelf.clone());
    vfs
}

fn taken(vfs: &Vfs) -> Vec<u8> {
    let mut reader = vfs.take_shared().unwrap();
    let bytes = reader.next(usize::MAX);
    assert_eq!(reader.failure(), None);
    bytes
}

fn fork(vfs: &Vfs, shelf: &Rc<Shelf>) -> (Vfs, Rc<Shelf>) {
    let bytes = taken(vfs);
    let shelf = Rc::new((**shelf).clone());
    let other = filesystem(&shelf);
    let mut writer = other.restore_shared();
    for piece in bytes.chunks(1000) {
        writer.push(piece).unwrap();
    }
    writer.finish().unwrap();
    (other, shelf)
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 253) as u8).collect()
}

#[test]
fn a_fork_takes_no_contents_along_and_goes_its_own_way() {
    let shelf = Rc::new(Shelf::default());
    let one = filesystem(&shelf);
    let big = text(1_000_000);
    one.write_file("/workspace/big", &big, 0o644).unwrap();
    one.write_file("/workspace/small", b"small", 0o600).unwrap();
    one.copy_file("/workspace/big", "/workspace/copy", 0o644).unwrap();
    one.link("/workspace/big", "/workspace/link", true).unwrap();
    let bytes = taken(&one);
    assert!(bytes.len() < 10_000, "{} bytes", bytes.len());

    let (two, twos) = fork(&one, &shelf);
    assert_eq!(two.usage(), one.usage());
    let file = two.open("/workspace/big", OpenFlags::WRITE, 0).unwrap();
    file.write_at(70_000, b"changed").unwrap();
    two.remove_file("/workspace/copy").unwrap();
    one.append_file("/workspace/small", b" and more", 0).unwrap();
    assert!(one.read_file("/workspace/big").unwrap() == big);
    assert!(one.read_file("/workspace/copy").unwrap() == big);
    assert_eq!(&two.read_file("/workspace/link").unwrap()[70_000..70_007], b"changed");
    assert_eq!(two.read_file("/workspace/small").unwrap(), b"small");

    let (three, _) = fork(&two, &twos);
    drop((one, file, two));
    assert!(shelf.0.borrow().is_empty() && twos.0.borrow().is_empty());
    let mut expected = big;
    expected[70_000..70_007].copy_from_slice(b"changed");
    assert!(three.read_file("/workspace/big").unwrap() == expected);
    assert_eq!(three.stat_at("/workspace/big", true).unwrap().links, 2);
}

#[test]
fn what_lies_together_at_the_keeper_takes_one_record() {
    const CHUNK: usize = 1 << 16;
    let shelf = Rc::new(Shelf::default());
    let vfs = filesystem(&shelf);
    let empty = taken(&vfs).len();
    let big = text(20 * CHUNK + 100);
    vfs.write_file("/workspace/big", &big, 0o644).unwrap();
    // The bytes at the end are too few to be kept.
    let one = taken(&vfs).len();
    assert!(one - empty < 300, "{one} bytes, {empty} without the file");

    // Numbers go their own way here: chunks that were written anew, a hole, a piece that is short, chunks that two share.
    let file = vfs.open("/workspace/big", OpenFlags::READ | OpenFlags::WRITE, 0).unwrap();
    for piece in [3usize, 9, 10] {
        file.write_at((piece * CHUNK) as u64, &[7; CHUNK]).unwrap();
    }
    file.set_size(15 * CHUNK as u64 + 1000).unwrap();
    file.set_size(18 * CHUNK as u64).unwrap();
    file.write_at(17 * CHUNK as u64 + 5, &big[..CHUNK - 5]).unwrap();
    vfs.copy_file("/workspace/big", "/workspace/copy", 0o644).unwrap();
    vfs.open("/workspace/copy", OpenFlags::WRITE, 0).unwrap().write_at(CHUNK as u64, &[1; CHUNK]).unwrap();
    let number = shelf.keep(&text(5 * CHUNK + 77)).unwrap();
    vfs.lend_file("/workspace/lent", 0o666, number, (5 * CHUNK + 77) as u64).unwrap();
    drop(file);
    let (other, others) = fork(&vfs, &shelf);
    assert!(taken(&other).len() < one + 1000);
    assert_eq!(other.usage(), vfs.usage());
    for name in ["big", "copy", "lent"] {
        let path = format!("/workspace/{name}");
        assert!(vfs.read_file(&path).unwrap() == other.read_file(&path).unwrap(), "{name}");
        assert_eq!(
            vfs.stat_at(&path, true).unwrap().blocks,
            other.stat_at(&path, true).unwrap().blocks,
            "{name}"
        );
    }
    assert_eq!(&other.read_file("/workspace/copy").unwrap()[CHUNK..CHUNK + 3], b"\x01\x01\x01");
    drop((vfs, other));
    assert!(shelf.0.borrow().is_empty() && others.0.borrow().is_empty());
}

#[test]
fn the_two_forms_are_not_taken_for_one_another() {
    let shelf = Rc::new(Shelf::default());
    let vfs = filesystem(&shelf);
    vfs.write_file("/workspace/big", &text(200_000), 0o644).unwrap();
    let shared = taken(&vfs);
    let mut writer = vfs.restore_snapshot();
    assert!(matches!(writer.push(&shared), Err(SnapshotError::NewerVersion(_))));
    let portable = vfs.take_snapshot().unwrap().next(usize::MAX);
    assert!(portable.len() > 200_000);
    let mut writer = filesystem(&Rc::default()).restore_shared();
    assert!(matches!(writer.push(&portable), Err(SnapshotError::Damaged(_))));

    // And the portable one is the same, wherever the contents are.
    let plain = Vfs::new(Rc::new(Timestamp::default), Rc::new(Zeroes)).unwrap();
    plain.write_file("/workspace/big", &text(200_000), 0o644).unwrap();
    assert!(plain.take_snapshot().unwrap().next(usize::MAX) == portable);
}

#[test]
fn what_cannot_be_read_ends_a_snapshot_and_says_so() {
    let shelf = Rc::new(Shelf::default());
    let vfs = filesystem(&shelf);
    vfs.write_file("/workspace/big", &text(200_000), 0o644).unwrap();
    for bytes in shelf.0.borrow_mut().values_mut() {
        *bytes = Rc::from([]);
    }
    assert_eq!(vfs.read_file("/workspace/big"), Err(Errno::Io));
    let mut reader = vfs.take_snapshot().unwrap();
    assert_eq!(reader.failure(), None);
    while !reader.next(100).is_empty() {}
    assert_eq!(reader.failure(), Some(Errno::Io));
}

#[test]
fn a_mount_is_a_filesystem_of_its_own() {
    let shelf = Rc::new(Shelf::default());
    let vfs = filesystem(&shelf);
    for path in ["/mnt", "/mnt/data", "/mnt/data/in"] {
        vfs.set_user(0, 0);
        vfs.make_directory(path, 0o777).unwrap();
    }
    vfs.write_file("/mnt/data/file", b"text", 0o666).unwrap();
    let number = shelf.keep(&text(100_000)).unwrap();
    vfs.lend_file("/mnt/data/lent", 0o666, number, 100_000).unwrap();
    let before = vfs.usage().bytes;
    vfs.mount("/mnt/data", false).unwrap();
    let device = |vfs: &Vfs, path: &str| vfs.stat_at(path, true).unwrap().device;
    assert_ne!(device(&vfs, "/mnt/data"), device(&vfs, "/mnt"));
    assert_eq!(device(&vfs, "/mnt/data"), device(&vfs, "/mnt/data/in"));
    assert_eq!(vfs.rename("/mnt/data/file", "/mnt/file"), Err(Errno::CrossDevice));
    assert_eq!(vfs.link("/mnt/data/file", "/mnt/file", true), Err(Errno::CrossDevice));
    assert_eq!(vfs.rename("/mnt/data", "/mnt/other"), Err(Errno::Busy));
    assert_eq!(vfs.remove_directory("/mnt/data"), Err(Errno::Busy));
    assert_eq!(vfs.mount("/", false), Err(Errno::Busy));
    vfs.write_file("/mnt/data/in/new", b"new", 0o644).unwrap();
    assert_eq!(device(&vfs, "/mnt/data"), device(&vfs, "/mnt/data/in/new"));

    vfs.mount("/mnt/data", true).unwrap();
    for (forked, vfs) in [(false, vfs.clone()), (true, fork(&vfs, &shelf).0)] {
        for user in [0, 1000] {
            vfs.set_user(user, user);
            let refused = |result: Result<(), Errno>, what: &str| {
                assert_eq!(result, Err(Errno::ReadOnly), "{what} as {user}, forked: {forked}");
            };
            refused(vfs.write_file("/mnt/data/file", b"x", 0o644), "write");
            refused(vfs.write_file("/mnt/data/in/other", b"x", 0o644), "create");
            refused(vfs.open("/mnt/data/file", OpenFlags::WRITE, 0).map(drop), "open");
            refused(vfs.remove_file("/mnt/data/file"), "remove");
            refused(vfs.remove_directory("/mnt/data/in"), "rmdir");
            refused(vfs.make_directory("/mnt/data/d", 0o755), "mkdir");
            refused(vfs.symlink("x", "/mnt/data/l"), "symlink");
            refused(vfs.rename("/mnt/data/file", "/mnt/data/f"), "rename");
            refused(vfs.set_mode_at("/mnt/data/file", 0o600, true), "chmod");
            refused(vfs.set_owner_at("/mnt/data/file", Some(0), None, true), "chown");
            refused(vfs.set_size_at("/mnt/data/file", 0), "truncate");
            refused(vfs.access("/mnt/data/file", AccessMode::WRITE), "access");
            let now = wasmsh_vfs::NewTime::Now;
            refused(vfs.set_times_at("/mnt/data/file", now, now, true), "touch");
        }
        assert_eq!(vfs.read_file("/mnt/data/file").unwrap(), b"text");
        assert!(vfs.read_file("/mnt/data/lent").unwrap() == text(100_000));
        assert_eq!(vfs.stat_at("/mnt/data/lent", true).unwrap().blocks, 200);
        assert_eq!(vfs.usage().bytes, before + 3);
    }
}

#[test]
fn a_file_that_is_lent_is_copied_when_it_is_changed_or_copied() {
    let shelf = Rc::new(Shelf::default());
    let vfs = filesystem(&shelf);
    let number = shelf.keep(&text(100_000)).unwrap();
    vfs.lend_file("/workspace/lent", 0o666, number, 100_000).unwrap();
    let free = vfs.usage().bytes;
    vfs.copy_file("/workspace/lent", "/workspace/copy", 0o644).unwrap();
    assert_eq!(vfs.usage().bytes, free + 100_000);
    vfs.append_file("/workspace/lent", b"more", 0).unwrap();
    assert_eq!(vfs.usage().bytes, free + 200_004);
    // Nothing refers to what was lent any more.
    assert!(!shelf.0.borrow().contains_key(&number));
    assert!(vfs.read_file("/workspace/copy").unwrap() == text(100_000));
    assert!(vfs.read_file("/workspace/lent").unwrap()[..100_000] == text(100_000));

    let number = shelf.keep(&text(100_000)).unwrap();
    vfs.lend_file("/workspace/lent", 0o666, number, 100_000).unwrap();
    let file = vfs.open("/workspace/lent", OpenFlags::WRITE, 0).unwrap();
    file.set_size(70_000).unwrap();
    assert_eq!(vfs.usage().bytes, free + 170_000);
    assert!(vfs.read_file("/workspace/lent").unwrap() == text(70_000));
    let quota = vfs.quota();
    let number = shelf.keep(&text(100_000)).unwrap();
    vfs.lend_file("/workspace/lent", 0o666, number, 100_000).unwrap();
    vfs.set_quota(wasmsh_vfs::Quota { bytes: vfs.usage().bytes + 99_999, ..quota });
    assert_eq!(vfs.append_file("/workspace/lent", b"x", 0), Err(Errno::OverQuota));
    assert!(vfs.read_file("/workspace/lent").unwrap() == text(100_000));
}

#[test]
fn what_cannot_be_lent_is_released() {
    let shelf = Rc::new(Shelf::default());
    let vfs = filesystem(&shelf);
    vfs.set_quota(wasmsh_vfs::Quota { file_size: 1 << 20, ..vfs.quota() });
    for (path, size, error) in [
        ("/none/lent", 10, Errno::NoEntry),
        ("/workspace", 10, Errno::IsDirectory),
        ("/workspace/lent", u64::MAX, Errno::FileTooLarge),
    ] {
        let number = shelf.keep(b"0123456789").unwrap();
        assert_eq!(vfs.lend_file(path, 0o644, number, size), Err(error), "{path}");
        assert!(!shelf.0.borrow().contains_key(&number), "{path}");
    }
}
