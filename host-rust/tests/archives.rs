//! Archives of tar that somebody made who means ill. Needs the components of `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::UNIX_EPOCH;

use tar::{Builder, EntryType, Header};
use wasmsh::{ArchiveError, Errno, FileError, Sandbox};

/// An archive of one member.
fn archive(header: &mut Header, data: &[u8]) -> Vec<u8> {
    header.set_path("file").unwrap();
    header.set_mode(0o644);
    header.set_cksum();
    let mut archive = Builder::new(Vec::new());
    archive.append(header, data).unwrap();
    archive.into_inner().unwrap()
}

#[test]
fn a_time_that_no_clock_shows_is_none() {
    let mut session = Sandbox::builder().build().unwrap();
    let mut header = Header::new_gnu();
    header.set_size(4);
    header.set_mtime(u64::MAX);
    session.import_tar(".", archive(&mut header, b"text").as_slice()).unwrap();
    assert_eq!(session.read_file("file").unwrap(), b"text");
    assert_eq!(session.stat("file").unwrap().modified, UNIX_EPOCH);
}

#[test]
fn a_file_that_is_nearly_all_hole_may_be_as_long_as_others() {
    let mut session = Sandbox::builder().filesystem_limit(1 << 20).build().unwrap();
    for (length, fits) in [(1000, true), (1 << 32, false)] {
        let mut header = Header::new_gnu();
        header.set_size(0);
        header.set_entry_type(EntryType::GNUSparse);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(length);
        // Octal digits, as many as there is room for.
        let octal = |field: &mut [u8; 12], number: u64| {
            let text = format!("{number:011o}");
            let digits = text.as_bytes();
            field[..digits.len()].copy_from_slice(digits);
        };
        octal(&mut gnu.sparse[0].offset, length);
        octal(&mut gnu.sparse[0].numbytes, 0);
        let imported = session.import_tar(".", archive(&mut header, b"").as_slice());
        match imported {
            Ok(()) => assert!(fits && session.stat("file").unwrap().size == length),
            Err(ArchiveError::File(FileError::Errno { errno, .. })) => {
                assert!(!fits && errno == Errno::FileTooLarge, "{errno}");
            }
            Err(error) => panic!("{length}: {error:?}"),
        }
    }
}

#[test]
fn an_archive_that_ends_too_early_is_refused() {
    let mut session = Sandbox::builder().build().unwrap();
    let mut header = Header::new_gnu();
    header.set_size(4000);
    let bytes = archive(&mut header, &[b'x'; 4000]);
    let cut = session.import_tar(".", bytes.get(..2000).unwrap());
    assert!(matches!(cut, Err(ArchiveError::Archive(_))), "{cut:?}");
}
