//! What any filesystem behind [`FileSystem`] must do, as POSIX and Linux have it:
//! one list of tests for the crate, the component and the real thing.
//!
//! A test begins as user 1000 (or whoever runs it) with an empty `/workspace`
//! that belongs to it.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code, of which each program uses a part"
)]

use wasmsh_vfs::{
    AccessMode, Errno, FileSystem, FileType, NAME_MAX, NewTime, OpenFlags, PATH_MAX, Position, Timestamp,
};

const R: OpenFlags = OpenFlags::READ;
const W: OpenFlags = OpenFlags::WRITE;
const C: OpenFlags = OpenFlags::CREATE;

/// A test: its name, and whether it changes users (and so needs root on a real system).
pub struct Test {
    pub name: &'static str,
    pub run: fn(&dyn FileSystem),
    pub needs_root: bool,
}

macro_rules! tests {
    ($($(#[$root:ident])? fn $name:ident($fs:ident) $body:block)*) => {
        $(fn $name($fs: &dyn FileSystem) $body)*
        pub const TESTS: &[Test] = &[$(Test {
            name: stringify!($name),
            run: $name,
            needs_root: [$(stringify!($root).len() > 0,)? false][0],
        }),*];
    };
}

fn w(name: &str) -> String {
    format!("/workspace/{name}")
}

fn names(fs: &dyn FileSystem, path: &str) -> Vec<String> {
    fs.read_directory(path).unwrap().into_iter().map(|entry| entry.name).collect()
}

fn error<T>(result: Result<T, Errno>) -> Errno {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(errno) => errno,
    }
}

tests! {
    fn a_file_holds_what_was_written(fs) {
        let bytes: Vec<u8> = (0..=255).cycle().take(200_001).collect();
        fs.write_file(&w("f"), &bytes, 0o644).unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), bytes);
        fs.write_file(&w("f"), b"short", 0o600).unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), b"short");
        let stat = fs.stat_at(&w("f"), true).unwrap();
        assert_eq!((stat.kind, stat.size, stat.mode, stat.links), (FileType::Regular, 5, 0o644, 1));
        fs.append_file(&w("f"), b" and long", 0o644).unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), b"short and long");
        fs.append_file(&w("g"), b"new", 0o640).unwrap();
        assert_eq!(fs.stat_at(&w("g"), true).unwrap().mode, 0o640);
    }

    fn names_may_be_any_utf8(fs) {
        for name in ["ä", "日本", "a b", "-", "\u{1}", "\n", "🦀", "..."] {
            fs.write_file(&w(name), name.as_bytes(), 0o644).unwrap();
            assert_eq!(fs.read_file(&w(name)).unwrap(), name.as_bytes());
        }
        let mut sorted = names(fs, "/workspace");
        sorted.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        assert_eq!(names(fs, "/workspace"), sorted);
        assert_eq!(sorted.len(), 8);
    }

    fn lengths_of_names_and_paths_are_bounded(fs) {
        let longest = "n".repeat(NAME_MAX);
        fs.write_file(&w(&longest), b"", 0o644).unwrap();
        assert_eq!(error(fs.write_file(&w(&format!("{longest}n")), b"", 0o644)), Errno::NameTooLong);
        assert_eq!(error(fs.stat_at(&format!("/workspace/{}", "a/".repeat(PATH_MAX)), true)), Errno::NameTooLong);
        assert_eq!(error(fs.stat_at("", true)), Errno::NoEntry);
        assert_eq!(error(fs.symlink("", &w("l"))), Errno::NoEntry);
        assert_eq!(error(fs.symlink(&"x".repeat(PATH_MAX), &w("l"))), Errno::NameTooLong);
    }

    fn open_creates_or_does_not(fs) {
        assert_eq!(error(fs.open(&w("f"), R, 0)), Errno::NoEntry);
        fs.open(&w("f"), W | C, 0o640).unwrap();
        assert_eq!(fs.stat_at(&w("f"), true).unwrap().mode, 0o640);
        assert_eq!(error(fs.open(&w("f"), W | C | OpenFlags::EXCLUSIVE, 0o644)), Errno::Exist);
        fs.symlink("nowhere", &w("l")).unwrap();
        assert_eq!(error(fs.open(&w("l"), W | C | OpenFlags::EXCLUSIVE, 0o644)), Errno::Exist);
        fs.open(&w("l"), W | C, 0o644).unwrap();
        assert_eq!(names(fs, "/workspace"), ["f", "l", "nowhere"]);
        assert_eq!(error(fs.open(&w("l"), R | OpenFlags::NO_FOLLOW, 0)), Errno::Loop);
        assert_eq!(error(fs.open(&w("f"), R | OpenFlags::DIRECTORY, 0)), Errno::NotDirectory);
        assert_eq!(error(fs.open("/workspace", W, 0)), Errno::IsDirectory);
        assert_eq!(error(fs.open(&w("x/"), W | C, 0o644)), Errno::IsDirectory);
        assert_eq!(error(fs.open(&w("f/"), R, 0)), Errno::NotDirectory);
        assert_eq!(error(fs.open(&w("f/x"), R, 0)), Errno::NotDirectory);
        assert_eq!(error(fs.open(&w("x/y"), W | C, 0o644)), Errno::NoEntry);
        fs.write_file(&w("f"), b"contents", 0).unwrap();
        fs.open(&w("f"), W | OpenFlags::TRUNCATE, 0).unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), b"");
    }

    fn a_mode_of_a_new_file_does_not_bind_its_maker(fs) {
        let file = fs.open(&w("f"), R | W | C, 0).unwrap();
        file.write(b"x").unwrap();
        assert_eq!(file.read_at(0, 5).unwrap(), b"x");
    }

    fn a_description_has_one_position(fs) {
        let file = fs.open(&w("f"), R | W | C, 0o644).unwrap();
        file.write(b"0123456789").unwrap();
        assert_eq!(file.seek(Position::Start(2)).unwrap(), 2);
        let copy = file.clone().duplicate().unwrap();
        assert_eq!(copy.read(3).unwrap(), b"234");
        assert_eq!(file.read(3).unwrap(), b"567");
        assert_eq!(copy.seek(Position::Current(-1)).unwrap(), 7);
        assert_eq!(file.seek(Position::Current(0)).unwrap(), 7);
        assert_eq!(file.seek(Position::End(-1)).unwrap(), 9);
        assert_eq!(copy.read(5).unwrap(), b"9");
        assert_eq!(copy.read(5).unwrap(), b"");
        assert_eq!(error(file.seek(Position::Current(-11))), Errno::Invalid);
        assert_eq!(file.seek(Position::Current(0)).unwrap(), 10);
        let other = fs.open(&w("f"), R, 0).unwrap();
        assert_eq!(other.read(2).unwrap(), b"01");
        drop(file);
        copy.write(b"!").unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), b"0123456789!");
    }

    fn appending_goes_to_the_end(fs) {
        fs.write_file(&w("f"), b"one", 0o644).unwrap();
        let file = fs.open(&w("f"), R | W | OpenFlags::APPEND, 0).unwrap();
        assert!(file.flags().contains(OpenFlags::APPEND));
        fs.append_file(&w("f"), b"two", 0o644).unwrap();
        file.write(b"three").unwrap();
        assert_eq!(file.seek(Position::Current(0)).unwrap(), 11);
        file.seek(Position::Start(0)).unwrap();
        file.set_append(false);
        assert!(!file.flags().contains(OpenFlags::APPEND));
        file.write(b"ONE").unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), b"ONEtwothree");
        file.set_append(true);
        file.write_at(0, b"!").unwrap(); // Linux: to the end all the same
        assert_eq!(fs.read_file(&w("f")).unwrap(), b"ONEtwothree!");
    }

    fn a_description_allows_what_it_was_opened_for(fs) {
        fs.write_file(&w("f"), b"text", 0o644).unwrap();
        let reads = fs.open(&w("f"), R, 0).unwrap();
        assert_eq!(error(reads.write(b"x")), Errno::BadDescriptor);
        assert_eq!(error(reads.set_size(0)), Errno::Invalid);
        let writes = fs.open(&w("f"), W, 0).unwrap();
        assert_eq!(error(writes.read(1)), Errno::BadDescriptor);
        let directory = fs.open("/workspace", R, 0).unwrap();
        assert_eq!(error(directory.read(1)), Errno::IsDirectory);
        assert_eq!(error(directory.write(b"x")), Errno::BadDescriptor);
    }

    fn holes_read_as_nul(fs) {
        let file = fs.open(&w("f"), R | W | C, 0o644).unwrap();
        file.write_at(1_000_000, b"end").unwrap();
        let stat = file.stat().unwrap();
        assert_eq!(stat.size, 1_000_003);
        assert!(stat.blocks * 512 < 100_000, "{} blocks", stat.blocks);
        let bytes = fs.read_file(&w("f")).unwrap();
        assert!(bytes[..1_000_000].iter().all(|byte| *byte == 0));
        assert_eq!(&bytes[1_000_000..], b"end");
        file.set_size(1 << 33).unwrap();
        assert_eq!(file.stat().unwrap().size, 1 << 33);
        assert_eq!(file.read_at((1 << 33) - 2, 10).unwrap(), [0, 0]);
        file.set_size(3).unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), [0, 0, 0]);
        file.seek(Position::Start(5)).unwrap();
        file.write(b"x").unwrap();
        assert_eq!(fs.read_file(&w("f")).unwrap(), [0, 0, 0, 0, 0, b'x']);
    }

    fn what_was_cut_off_does_not_come_back(fs) {
        fs.write_file(&w("f"), &vec![7; 200_000], 0o644).unwrap();
        fs.set_size_at(&w("f"), 70_000).unwrap();
        fs.set_size_at(&w("f"), 200_000).unwrap();
        let bytes = fs.read_file(&w("f")).unwrap();
        assert!(bytes[..70_000].iter().all(|byte| *byte == 7));
        assert!(bytes[70_000..].iter().all(|byte| *byte == 0));
        assert_eq!(error(fs.set_size_at("/workspace", 0)), Errno::IsDirectory);
        assert_eq!(error(fs.set_size_at(&w("none"), 0)), Errno::NoEntry);
    }

    fn a_file_outlives_its_name(fs) {
        let file = fs.open(&w("f"), R | W | C, 0o644).unwrap();
        assert_eq!(file.path().as_deref(), Some("/workspace/f"));
        file.write(b"still here").unwrap();
        fs.remove_file(&w("f")).unwrap();
        assert_eq!(file.path(), None);
        assert_eq!(file.stat().unwrap().links, 0);
        fs.write_file(&w("f"), b"another", 0o644).unwrap();
        assert_eq!(file.read_at(0, 100).unwrap(), b"still here");
        assert_ne!(file.stat().unwrap().inode, fs.stat_at(&w("f"), true).unwrap().inode);
    }

    fn hard_links_are_one_file(fs) {
        fs.write_file(&w("a"), b"1", 0o644).unwrap();
        fs.link(&w("a"), &w("b"), true).unwrap();
        fs.append_file(&w("b"), b"2", 0o644).unwrap();
        assert_eq!(fs.read_file(&w("a")).unwrap(), b"12");
        let (a, b) = (fs.stat_at(&w("a"), true).unwrap(), fs.stat_at(&w("b"), true).unwrap());
        assert_eq!((a.inode, a.links), (b.inode, 2));
        assert_eq!(error(fs.link(&w("a"), &w("b"), true)), Errno::Exist);
        assert_eq!(error(fs.link("/workspace", &w("c"), true)), Errno::NotPermitted);
        fs.rename(&w("a"), &w("b")).unwrap(); // the same file: nothing happens
        assert_eq!(names(fs, "/workspace"), ["a", "b"]);
        fs.remove_file(&w("a")).unwrap();
        assert_eq!(fs.stat_at(&w("b"), true).unwrap().links, 1);
        fs.symlink("b", &w("l")).unwrap();
        fs.link(&w("l"), &w("l2"), false).unwrap();
        assert!(fs.stat_at(&w("l2"), false).unwrap().is_symbolic_link());
        fs.link(&w("l"), &w("b2"), true).unwrap();
        assert!(fs.stat_at(&w("b2"), false).unwrap().is_regular());
    }

    fn many_links_are_made_at_once(fs) {
        fs.write_file(&w("a"), b"1", 0o644).unwrap();
        fs.write_file(&w("there"), b"2", 0o644).unwrap();
        fs.link_all(&w("a"), "/workspace", &["c", "there", "b"]).unwrap();
        assert_eq!(names(fs, "/workspace"), ["a", "b", "c", "there"]);
        assert_eq!(fs.read_file(&w("there")).unwrap(), b"2");
        let inode = |name: &str| fs.stat_at(&w(name), true).unwrap().inode;
        assert_eq!((inode("b"), inode("c")), (inode("a"), inode("a")));
        assert_eq!(fs.stat_at(&w("a"), true).unwrap().links, 3);
        assert_eq!(error(fs.link_all(&w("none"), "/workspace", &["d"])), Errno::NoEntry);
        assert_eq!(error(fs.link_all(&w("a"), &w("none"), &["d"])), Errno::NoEntry);
        assert_eq!(error(fs.link_all(&w("a"), "/workspace", &["d", "none/e", "f"])), Errno::NoEntry);
        assert_eq!(names(fs, "/workspace"), ["a", "b", "c", "d", "there"]);
    }

    fn directories_count_links(fs) {
        assert_eq!(fs.stat_at("/workspace", true).unwrap().links, 2);
        fs.make_directory(&w("a"), 0o755).unwrap();
        fs.make_directory(&w("a/b"), 0o700).unwrap();
        assert_eq!(fs.stat_at("/workspace", true).unwrap().links, 3);
        assert_eq!(fs.stat_at(&w("a"), true).unwrap().links, 3);
        fs.rename(&w("a/b"), &w("b")).unwrap();
        assert_eq!(fs.stat_at(&w("a"), true).unwrap().links, 2);
        assert_eq!(fs.stat_at("/workspace", true).unwrap().links, 4);
        fs.rename(&w("b"), &w("a")).unwrap(); // replaces the empty one
        assert_eq!(fs.stat_at("/workspace", true).unwrap().links, 3);
        assert_eq!(fs.stat_at(&w("a"), true).unwrap().mode, 0o700);
        fs.remove_directory(&w("a")).unwrap();
        assert_eq!(fs.stat_at("/workspace", true).unwrap().links, 2);
    }

    fn directories_are_made_and_removed(fs) {
        fs.make_directory(&w("d/"), 0o755).unwrap();
        assert_eq!(error(fs.make_directory(&w("d"), 0o755)), Errno::Exist);
        assert_eq!(error(fs.make_directory("/", 0o755)), Errno::Exist);
        assert_eq!(error(fs.make_directory(&w("x/y"), 0o755)), Errno::NoEntry);
        fs.write_file(&w("d/f"), b"", 0o644).unwrap();
        assert_eq!(error(fs.make_directory(&w("d/f/x"), 0o755)), Errno::NotDirectory);
        assert_eq!(error(fs.remove_directory(&w("d"))), Errno::DirectoryNotEmpty);
        assert_eq!(error(fs.remove_directory(&w("d/f"))), Errno::NotDirectory);
        assert_eq!(error(fs.remove_directory(&w("d/."))), Errno::Invalid);
        assert_eq!(error(fs.remove_directory(&w("d/.."))), Errno::DirectoryNotEmpty);
        assert_eq!(error(fs.remove_file(&w("d"))), Errno::IsDirectory);
        assert_eq!(error(fs.remove_file(&w("d/f/"))), Errno::NotDirectory);
        assert_eq!(error(fs.read_directory(&w("d/f"))), Errno::NotDirectory);
        fs.remove_file(&w("d/f")).unwrap();
        let open = fs.open(&w("d"), R | OpenFlags::DIRECTORY, 0).unwrap();
        fs.remove_directory(&w("d/")).unwrap();
        assert_eq!(open.path(), None);
        assert_eq!(open.stat().unwrap().links, 0);
        assert_eq!(error(fs.stat_at(&w("d"), true)), Errno::NoEntry);
    }

    fn rename_replaces(fs) {
        fs.write_file(&w("a"), b"a", 0o644).unwrap();
        fs.write_file(&w("b"), b"b", 0o644).unwrap();
        let open = fs.open(&w("b"), R, 0).unwrap();
        fs.rename(&w("a"), &w("b")).unwrap();
        assert_eq!(fs.read_file(&w("b")).unwrap(), b"a");
        assert_eq!(open.read(9).unwrap(), b"b");
        assert_eq!(error(fs.rename(&w("a"), &w("c"))), Errno::NoEntry);
        fs.make_directory(&w("d"), 0o755).unwrap();
        assert_eq!(error(fs.rename(&w("b"), &w("d"))), Errno::IsDirectory);
        assert_eq!(error(fs.rename(&w("d"), &w("b"))), Errno::NotDirectory);
        assert_eq!(error(fs.rename(&w("b"), &w("x/"))), Errno::NotDirectory);
        fs.rename(&w("b"), &w("d/inside")).unwrap();
        fs.make_directory(&w("e"), 0o755).unwrap();
        assert_eq!(error(fs.rename(&w("e"), &w("d"))), Errno::DirectoryNotEmpty);
        assert_eq!(error(fs.rename(&w("d"), &w("d/x"))), Errno::Invalid);
        assert_eq!(error(fs.rename(&w("d/inside"), &w("d"))), Errno::DirectoryNotEmpty);
        fs.rename(&w("d"), &w("e/")).unwrap();
        assert_eq!(fs.read_file(&w("e/inside")).unwrap(), b"a");
        assert_eq!(error(fs.rename(&w("e/."), &w("f"))), Errno::Busy);
        fs.symlink("e", &w("l")).unwrap();
        fs.rename(&w("l"), &w("m")).unwrap(); // the link itself
        assert_eq!(fs.read_link(&w("m")).unwrap(), "e");
    }

    fn an_open_file_knows_its_new_path(fs) {
        fs.make_directory(&w("d"), 0o755).unwrap();
        let file = fs.open(&w("d/f"), W | C, 0o644).unwrap();
        fs.rename(&w("d"), &w("e")).unwrap();
        assert_eq!(file.path().as_deref(), Some("/workspace/e/f"));
        fs.rename(&w("e/f"), &w("g")).unwrap();
        assert_eq!(file.path().as_deref(), Some("/workspace/g"));
    }

    fn symbolic_links_lead_on(fs) {
        fs.make_directory(&w("d"), 0o755).unwrap();
        fs.write_file(&w("d/f"), b"found", 0o644).unwrap();
        fs.symlink("d", &w("l")).unwrap();
        fs.symlink("../workspace/l/f", &w("m")).unwrap();
        fs.symlink("/workspace/d/f", &w("absolute")).unwrap();
        assert_eq!(fs.read_file(&w("l/f")).unwrap(), b"found");
        assert_eq!(fs.read_file(&w("m")).unwrap(), b"found");
        assert_eq!(fs.read_file(&w("absolute")).unwrap(), b"found");
        assert_eq!(fs.read_link(&w("m")).unwrap(), "../workspace/l/f");
        assert_eq!(fs.read_link(&w("absolute")).unwrap(), "/workspace/d/f");
        assert_eq!(error(fs.read_link(&w("d"))), Errno::Invalid);
        assert!(fs.stat_at(&w("l"), false).unwrap().is_symbolic_link());
        assert!(fs.stat_at(&w("l/"), false).unwrap().is_directory());
        assert_eq!(fs.stat_at(&w("l"), false).unwrap().size, 1);
        assert_eq!(fs.canonicalize(&w("l/../l//f")).unwrap(), "/workspace/d/f");
        // `..` is what is above the directory that the link leads to.
        fs.make_directory(&w("d/deep"), 0o755).unwrap();
        fs.symlink("d/deep", &w("k")).unwrap();
        assert_eq!(fs.canonicalize(&w("k/..")).unwrap(), "/workspace/d");
        assert_eq!(fs.read_file(&w("k/../f")).unwrap(), b"found");
        fs.remove_file(&w("l")).unwrap();
        assert_eq!(fs.read_file(&w("d/f")).unwrap(), b"found");
        assert_eq!(error(fs.canonicalize(&w("none"))), Errno::NoEntry);
    }

    fn links_end_somewhere(fs) {
        fs.symlink("b", &w("a")).unwrap();
        fs.symlink("a", &w("b")).unwrap();
        assert_eq!(error(fs.stat_at(&w("a"), true)), Errno::Loop);
        assert_eq!(error(fs.open(&w("a/x"), R, 0)), Errno::Loop);
        fs.write_file(&w("0"), b"end", 0o644).unwrap();
        for i in 0..41 {
            fs.symlink(&i.to_string(), &w(&(i + 1).to_string())).unwrap();
        }
        assert_eq!(fs.read_file(&w("40")).unwrap(), b"end");
        assert_eq!(error(fs.read_file(&w("41"))), Errno::Loop);
    }

    fn a_slash_at_the_end_asks_for_a_directory(fs) {
        fs.write_file(&w("f"), b"", 0o644).unwrap();
        fs.symlink("f", &w("l")).unwrap();
        fs.symlink("none", &w("dangling")).unwrap();
        assert_eq!(error(fs.stat_at(&w("f/"), true)), Errno::NotDirectory);
        assert_eq!(error(fs.stat_at(&w("l/"), false)), Errno::NotDirectory);
        assert_eq!(error(fs.symlink("x", &w("new/"))), Errno::NoEntry);
        assert_eq!(error(fs.make_directory(&w("dangling/"), 0o755)), Errno::Exist);
        assert_eq!(error(fs.remove_file(&w("none/"))), Errno::NoEntry);
        assert!(fs.stat_at("/workspace///", true).unwrap().is_directory());
        assert!(fs.stat_at("//workspace/./../workspace", true).unwrap().is_directory());
    }

    fn listing_shows_links_themselves(fs) {
        fs.write_file(&w("f"), b"four", 0o644).unwrap();
        fs.symlink("f", &w("l")).unwrap();
        fs.make_directory(&w("d"), 0o755).unwrap();
        fs.make_fifo(&w("p"), 0o600).unwrap();
        let entries = fs.read_directory("/workspace").unwrap();
        let facts: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.stat.kind)).collect();
        assert_eq!(facts, [
            ("d", FileType::Directory),
            ("f", FileType::Regular),
            ("l", FileType::SymbolicLink),
            ("p", FileType::Fifo),
        ]);
        assert_eq!(entries[1].stat.size, 4);
        assert_eq!(entries[1].stat.inode, fs.stat_at(&w("l"), true).unwrap().inode);
    }

    fn times_tell_what_happened(fs) {
        let long_ago = NewTime::At(Timestamp { seconds: -5, nanoseconds: 999_999_999 });
        let stamp = |path: &str| fs.set_times_at(path, long_ago, long_ago, true).unwrap();
        fs.write_file(&w("f"), b"1", 0o644).unwrap();
        stamp(&w("f"));
        let stat = fs.stat_at(&w("f"), true).unwrap();
        assert_eq!(stat.modified, Timestamp { seconds: -5, nanoseconds: 999_999_999 });
        assert_eq!(stat.accessed, stat.modified);
        assert!(stat.changed.seconds > 1_000_000_000);
        fs.append_file(&w("f"), b"2", 0o644).unwrap();
        assert!(fs.stat_at(&w("f"), true).unwrap().modified.seconds > 1_000_000_000);
        stamp(&w("f"));
        fs.set_mode_at(&w("f"), 0o600, true).unwrap();
        assert_eq!(fs.stat_at(&w("f"), true).unwrap().modified.seconds, -5);
        stamp("/workspace");
        fs.set_times_at(&w("f"), NewTime::Keep, NewTime::Now, true).unwrap();
        assert_eq!(fs.stat_at("/workspace", true).unwrap().modified.seconds, -5);
        assert_eq!(fs.stat_at(&w("f"), true).unwrap().accessed.seconds, -5);
        fs.rename(&w("f"), &w("g")).unwrap();
        assert!(fs.stat_at("/workspace", true).unwrap().modified.seconds > 1_000_000_000);
        fs.symlink("g", &w("l")).unwrap();
        fs.set_times_at(&w("l"), long_ago, long_ago, false).unwrap();
        assert_eq!(fs.stat_at(&w("l"), false).unwrap().modified.seconds, -5);
        assert!(fs.stat_at(&w("g"), false).unwrap().modified.seconds > 1_000_000_000);
        let wrong = NewTime::At(Timestamp { seconds: 0, nanoseconds: 1_000_000_000 });
        assert_eq!(error(fs.set_times_at(&w("g"), wrong, NewTime::Keep, true)), Errno::Invalid);
    }

    fn copies_are_independent(fs) {
        let bytes: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
        fs.write_file(&w("a"), &bytes, 0o644).unwrap();
        fs.copy_file(&w("a"), &w("b"), 0o751).unwrap();
        assert_eq!(fs.stat_at(&w("b"), true).unwrap().mode, 0o751);
        let b = fs.open(&w("b"), W, 0).unwrap();
        b.write_at(100_000, b"changed").unwrap();
        assert_eq!(fs.read_file(&w("a")).unwrap(), bytes);
        let mut expected = bytes;
        expected[100_000..100_007].copy_from_slice(b"changed");
        assert_eq!(fs.read_file(&w("b")).unwrap(), expected);
        fs.write_file(&w("a"), b"x", 0).unwrap();
        fs.copy_file(&w("a"), &w("b"), 0).unwrap();
        assert_eq!(fs.read_file(&w("b")).unwrap(), b"x");
        assert_eq!(error(fs.copy_file("/workspace", &w("c"), 0o644)), Errno::IsDirectory);
        assert_eq!(error(fs.copy_file(&w("none"), &w("c"), 0o644)), Errno::NoEntry);
        assert_eq!(names(fs, "/workspace"), ["a", "b"]);
    }

    fn access_asks_for_the_user(fs) {
        fs.write_file(&w("f"), b"", 0o644).unwrap();
        fs.access(&w("f"), AccessMode::empty()).unwrap();
        fs.access(&w("f"), AccessMode::READ | AccessMode::WRITE).unwrap();
        assert_eq!(error(fs.access(&w("f"), AccessMode::EXECUTE)), Errno::Access);
        fs.set_mode_at(&w("f"), 0o755, true).unwrap();
        fs.access(&w("f"), AccessMode::EXECUTE).unwrap();
        assert_eq!(error(fs.access(&w("none"), AccessMode::empty())), Errno::NoEntry);
    }

    #[root]
    fn permissions_bind_others(fs) {
        fs.make_directory(&w("private"), 0o700).unwrap();
        fs.write_file(&w("private/f"), b"", 0o666).unwrap();
        fs.write_file(&w("shared"), b"text", 0o604).unwrap();
        fs.make_directory(&w("unreadable"), 0o711).unwrap();
        fs.write_file(&w("unreadable/f"), b"text", 0o644).unwrap();
        fs.make_directory(&w("listing"), 0o744).unwrap();
        fs.write_file(&w("listing/f"), b"", 0o644).unwrap();
        fs.set_user(1001, 1001);
        assert_eq!(error(fs.stat_at(&w("private/f"), true)), Errno::Access);
        assert_eq!(fs.read_file(&w("shared")).unwrap(), b"text");
        assert_eq!(error(fs.append_file(&w("shared"), b"x", 0)), Errno::Access);
        assert_eq!(error(fs.write_file(&w("new"), b"", 0o644)), Errno::Access);
        assert_eq!(error(fs.remove_file(&w("shared"))), Errno::Access);
        assert_eq!(error(fs.rename(&w("shared"), &w("mine"))), Errno::Access);
        assert_eq!(error(fs.set_mode_at(&w("shared"), 0o777, true)), Errno::NotPermitted);
        assert_eq!(error(fs.set_times_at(&w("shared"), NewTime::Now, NewTime::Now, true)), Errno::Access);
        assert_eq!(error(fs.read_directory(&w("unreadable"))), Errno::Access);
        assert_eq!(fs.read_file(&w("unreadable/f")).unwrap(), b"text");
        assert_eq!(error(fs.stat_at(&w("listing/f"), true)), Errno::Access);
        // The group's bits count for the group, even if they give less than the others'.
        fs.set_user(1001, 1000);
        assert_eq!(error(fs.read_file(&w("shared"))), Errno::Access);
        fs.set_user(0, 0);
        assert_eq!(fs.read_file(&w("shared")).unwrap(), b"text");
        fs.write_file(&w("private/g"), b"", 0o000).unwrap();
        assert_eq!(fs.read_file(&w("private/g")).unwrap(), b"");
        assert_eq!(error(fs.access(&w("shared"), AccessMode::EXECUTE)), Errno::Access);
    }

    #[root]
    fn owners_change(fs) {
        fs.write_file(&w("f"), b"", 0o4755).unwrap();
        assert_eq!(fs.stat_at(&w("f"), true).unwrap().mode, 0o4755);
        assert_eq!(error(fs.set_owner_at(&w("f"), Some(1001), None, true)), Errno::NotPermitted);
        fs.set_owner_at(&w("f"), None, Some(1000), true).unwrap();
        assert_eq!(fs.stat_at(&w("f"), true).unwrap().mode, 0o755);
        fs.set_user(0, 0);
        fs.symlink("f", &w("l")).unwrap();
        fs.set_owner_at(&w("l"), Some(7), Some(8), false).unwrap();
        fs.set_owner_at(&w("l"), Some(9), None, true).unwrap();
        let (l, f) = (fs.stat_at(&w("l"), false).unwrap(), fs.stat_at(&w("f"), false).unwrap());
        assert_eq!((l.uid, l.gid, f.uid, f.gid), (7, 8, 9, 1000));
    }

    #[root]
    fn a_sticky_directory_protects_its_files(fs) {
        fs.make_directory(&w("t"), 0o777).unwrap();
        fs.set_mode_at(&w("t"), 0o1777, true).unwrap();
        fs.set_user(1001, 1001);
        fs.write_file(&w("t/mine"), b"", 0o666).unwrap();
        fs.set_user(1002, 1002);
        assert_eq!(error(fs.remove_file(&w("t/mine"))), Errno::NotPermitted);
        assert_eq!(error(fs.rename(&w("t/mine"), &w("t/yours"))), Errno::NotPermitted);
        fs.write_file(&w("t/other"), b"", 0o666).unwrap();
        assert_eq!(error(fs.rename(&w("t/other"), &w("t/mine"))), Errno::NotPermitted);
        fs.set_user(1000, 1000); // the directory's owner may
        fs.remove_file(&w("t/mine")).unwrap();
        fs.set_user(1002, 1002);
        fs.remove_file(&w("t/other")).unwrap();
    }

    #[root]
    fn set_id_bits_are_careful(fs) {
        fs.make_directory(&w("d"), 0o777).unwrap();
        fs.set_user(0, 0);
        fs.set_owner_at(&w("d"), None, Some(50), true).unwrap();
        fs.set_mode_at(&w("d"), 0o2777, true).unwrap();
        fs.set_user(1000, 1000);
        fs.write_file(&w("d/f"), b"", 0o644).unwrap();
        assert_eq!(fs.stat_at(&w("d/f"), true).unwrap().gid, 50);
        fs.make_directory(&w("d/e"), 0o755).unwrap();
        assert_eq!(fs.stat_at(&w("d/e"), true).unwrap().mode, 0o2755);
        // A group of others cannot be run as.
        fs.set_mode_at(&w("d/f"), 0o2755, true).unwrap();
        assert_eq!(fs.stat_at(&w("d/f"), true).unwrap().mode, 0o755);
        fs.write_file(&w("s"), b"", 0o4777).unwrap();
        fs.append_file(&w("s"), b"x", 0).unwrap();
        assert_eq!(fs.stat_at(&w("s"), true).unwrap().mode, 0o777);
    }

    fn thousands_of_files(fs) {
        for i in 0..3000 {
            fs.write_file(&w(&format!("f{i}")), i.to_string().as_bytes(), 0o644).unwrap();
        }
        assert_eq!(fs.read_directory("/workspace").unwrap().len(), 3000);
        for i in (0..3000).step_by(2) {
            fs.remove_file(&w(&format!("f{i}"))).unwrap();
        }
        assert_eq!(fs.read_directory("/workspace").unwrap().len(), 1500);
        assert_eq!(fs.read_file(&w("f2999")).unwrap(), b"2999");
    }
}
