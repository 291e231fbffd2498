//! The interfaces of the component called one by one, as a host would.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use wasmsh_test_vfs_component::bindings::exports::wasi::filesystem::types as filesystem;
use wasmsh_test_vfs_component::bindings::exports::wasi::io::streams::StreamError;
use wasmsh_test_vfs_component::bindings::exports::wasmsh::fs::quotas::Quota;
use wasmsh_test_vfs_component::bindings::exports::wasmsh::fs::snapshots::SnapshotError;
use wasmsh_test_vfs_component::bindings::exports::wasmsh::fs::types::ErrorCode;
use wasmsh_test_vfs_component::remote::{Instance, instantiate};
use wasmtime::component::ResourceAny;

use filesystem::{DescriptorFlags, OpenFlags, PathFlags};

/// The preopened root.
fn root(instance: &mut Instance) -> ResourceAny {
    let Instance { store, world } = instance;
    let mut list = world.wasi_filesystem_preopens().call_get_directories(store).unwrap();
    assert_eq!(list.len(), 1);
    let (descriptor, path) = list.remove(0);
    assert_eq!(path, "/");
    descriptor
}

/// Opens a file below the root.
fn open(instance: &mut Instance, path: &str, how: OpenFlags, flags: DescriptorFlags) -> ResourceAny {
    let root = root(instance);
    let Instance { store, world } = instance;
    let types = world.wasi_filesystem_types();
    types
        .descriptor()
        .call_open_at(store, root, PathFlags::SYMLINK_FOLLOW, path, how, flags)
        .unwrap()
        .unwrap()
}

fn rw() -> DescriptorFlags {
    DescriptorFlags::READ | DescriptorFlags::WRITE
}

#[test]
fn a_mixed_poll_returns_what_is_ready() {
    let mut instance = instantiate();
    let Instance { store, world } = &mut instance;
    let clock = world.wasi_clocks_monotonic_clock();
    let later = clock.call_subscribe_duration(&mut *store, 3_600_000_000_000).unwrap();
    let stdout = world.wasi_cli_stdout().call_get_stdout(&mut *store).unwrap();
    let stream = world.wasi_io_streams().output_stream().call_subscribe(&mut *store, stdout).unwrap();
    let past = clock.call_subscribe_duration(&mut *store, 0).unwrap();
    let poll = world.wasi_io_poll();
    assert_eq!(poll.call_poll(&mut *store, &[later, stream, past]).unwrap(), [1, 2]);
    assert_eq!(poll.call_poll(&mut *store, &[later, stream]).unwrap(), [1]);
    assert!(!poll.pollable().call_ready(&mut *store, later).unwrap());
    assert_eq!(store.data().waits, 0);
    let soon = clock.call_subscribe_duration(&mut *store, 20_000_000).unwrap();
    let before = std::time::Instant::now();
    assert_eq!(poll.call_poll(&mut *store, &[later, soon]).unwrap(), [1]);
    assert!(before.elapsed().as_millis() >= 10);
    assert_eq!(store.data().waits, 1);
    // For which WASI asks a trap: not in a filesystem that others use.
    assert_eq!(poll.call_poll(&mut *store, &[]).unwrap(), [0u32; 0]);
}

#[test]
fn streams_have_positions_of_their_own() {
    let mut instance = instantiate();
    let file = open(&mut instance, "workspace/f", OpenFlags::CREATE, rw());
    let Instance { store, world } = &mut instance;
    let types = world.wasi_filesystem_types();
    let streams = world.wasi_io_streams();
    let (input, output) = (streams.input_stream(), streams.output_stream());
    let out = types.descriptor().call_write_via_stream(&mut *store, file, 2).unwrap().unwrap();
    assert!(output.call_check_write(&mut *store, out).unwrap().unwrap() >= 4096);
    output.call_write(&mut *store, out, b"one").unwrap().unwrap();
    output.call_blocking_write_and_flush(&mut *store, out, b"two").unwrap().unwrap();
    output.call_write_zeroes(&mut *store, out, 2).unwrap().unwrap();
    let end = types.descriptor().call_append_via_stream(&mut *store, file).unwrap().unwrap();
    output.call_write(&mut *store, end, b"end").unwrap().unwrap();
    output.call_write(&mut *store, out, b"!").unwrap().unwrap();
    let (all, ended) = types.descriptor().call_read(&mut *store, file, 100, 0).unwrap().unwrap();
    assert_eq!((all.as_slice(), ended), (&b"\0\0onetwo\0\0!nd"[..], true));
    let from = types.descriptor().call_read_via_stream(&mut *store, file, 2).unwrap().unwrap();
    assert_eq!(input.call_read(&mut *store, from, 3).unwrap().unwrap(), b"one");
    assert_eq!(input.call_skip(&mut *store, from, 3).unwrap().unwrap(), 3);
    assert_eq!(input.call_blocking_read(&mut *store, from, 0).unwrap().unwrap(), b"");
    let to = types.descriptor().call_append_via_stream(&mut *store, file).unwrap().unwrap();
    assert_eq!(output.call_splice(&mut *store, to, from, 2).unwrap().unwrap(), 2);
    assert_eq!(input.call_skip(&mut *store, from, 1000).unwrap().unwrap(), 5);
    assert!(matches!(input.call_read(&mut *store, from, 1).unwrap(), Err(StreamError::Closed)));
    assert!(matches!(input.call_skip(&mut *store, from, 1).unwrap(), Err(StreamError::Closed)));
    let (all, _) = types.descriptor().call_read(&mut *store, file, 100, 0).unwrap().unwrap();
    assert_eq!(all, b"\0\0onetwo\0\0!nd\0\0");
}

#[test]
fn a_failed_write_tells_why_and_closes_the_stream() {
    let mut instance = instantiate();
    let file = open(&mut instance, "workspace/f", OpenFlags::CREATE, rw());
    let Instance { store, world } = &mut instance;
    let used = world.wasmsh_fs_quotas().call_get_usage(&mut *store).unwrap();
    let quota = Quota { bytes: used.bytes + 5, inodes: 1000, file_size: 1000, open_files: 10 };
    world.wasmsh_fs_quotas().call_set_quota(&mut *store, quota).unwrap();
    let types = world.wasi_filesystem_types();
    let output = world.wasi_io_streams().output_stream();
    let out = types.descriptor().call_write_via_stream(&mut *store, file, 0).unwrap().unwrap();
    output.call_write(&mut *store, out, b"12345").unwrap().unwrap();
    let Err(StreamError::LastOperationFailed(error)) = output.call_write(&mut *store, out, b"6").unwrap()
    else {
        panic!("it was written");
    };
    let text = world.wasi_io_error().error().call_to_debug_string(&mut *store, error).unwrap();
    assert_eq!(text, "Disk quota exceeded (EDQUOT)");
    let code = types.call_filesystem_error_code(&mut *store, error).unwrap();
    assert_eq!(code, Some(filesystem::ErrorCode::Quota));
    assert!(matches!(output.call_check_write(&mut *store, out).unwrap(), Err(StreamError::Closed)));
    let hole = world.wasmsh_fs_files().call_set_size_at(&mut *store, "/workspace/f", 2000).unwrap();
    assert_eq!(hole, Err(ErrorCode::FileTooLarge));
}

#[test]
fn descriptors_follow_their_directory() {
    let mut instance = instantiate();
    let root = root(&mut instance);
    let types = instance.world.wasi_filesystem_types().clone();
    let descriptor = types.descriptor();
    let Instance { store, .. } = &mut instance;
    let follow = PathFlags::SYMLINK_FOLLOW;
    descriptor.call_create_directory_at(&mut *store, root, "workspace/d").unwrap().unwrap();
    let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    let directory = OpenFlags::DIRECTORY;
    let d =
        descriptor.call_open_at(&mut *store, root, follow, "workspace/d", directory, flags).unwrap().unwrap();
    descriptor.call_rename_at(&mut *store, root, "workspace/d", root, "workspace/e").unwrap().unwrap();
    let f = descriptor
        .call_open_at(&mut *store, d, follow, "f", OpenFlags::CREATE | OpenFlags::EXCLUSIVE, rw())
        .unwrap()
        .unwrap();
    descriptor.call_write(&mut *store, f, b"text", 0).unwrap().unwrap();
    let stat = descriptor.call_stat_at(&mut *store, root, follow, "workspace/e/f").unwrap().unwrap();
    assert_eq!((stat.size, stat.link_count), (4, 1));
    descriptor.call_link_at(&mut *store, d, follow, "f", root, "workspace/g").unwrap().unwrap();
    let g = descriptor
        .call_open_at(&mut *store, root, follow, "workspace/g", OpenFlags::empty(), rw())
        .unwrap()
        .unwrap();
    assert!(descriptor.call_is_same_object(&mut *store, f, g).unwrap());
    assert!(!descriptor.call_is_same_object(&mut *store, f, d).unwrap());
    let before = descriptor.call_metadata_hash(&mut *store, f).unwrap().unwrap();
    let at = descriptor.call_metadata_hash_at(&mut *store, d, follow, "f").unwrap().unwrap();
    assert_eq!((before.lower, before.upper), (at.lower, at.upper));
    descriptor.call_set_size(&mut *store, f, 2).unwrap().unwrap();
    let after = descriptor.call_metadata_hash(&mut *store, g).unwrap().unwrap();
    assert_ne!((before.lower, before.upper), (after.lower, after.upper));
    descriptor.call_symlink_at(&mut *store, d, "f", "l").unwrap().unwrap();
    assert_eq!(descriptor.call_readlink_at(&mut *store, d, "l").unwrap().unwrap(), "f");
    let entries = descriptor.call_read_directory(&mut *store, d).unwrap().unwrap();
    let mut names = Vec::new();
    while let Some(entry) =
        types.directory_entry_stream().call_read_directory_entry(&mut *store, entries).unwrap().unwrap()
    {
        names.push((entry.name, entry.type_));
    }
    let expected = [
        ("f".to_owned(), filesystem::DescriptorType::RegularFile),
        ("l".to_owned(), filesystem::DescriptorType::SymbolicLink),
    ];
    assert_eq!(names, expected);
    let refused = descriptor.call_stat_at(&mut *store, root, follow, "/workspace").unwrap();
    assert!(matches!(refused, Err(filesystem::ErrorCode::NotPermitted)));
    // A removed directory is empty, and nothing can be made in it.
    let flags = DescriptorFlags::READ;
    let gone = descriptor.call_open_at(&mut *store, root, follow, "tmp", directory, flags).unwrap().unwrap();
    descriptor.call_create_directory_at(&mut *store, root, "tmp/x").unwrap().unwrap();
    let x = descriptor
        .call_open_at(&mut *store, gone, follow, "x", directory, DescriptorFlags::READ)
        .unwrap()
        .unwrap();
    let y = descriptor.call_open_at(&mut *store, root, follow, "tmp/x", directory, flags).unwrap().unwrap();
    descriptor.call_remove_directory_at(&mut *store, root, "tmp/x").unwrap().unwrap();
    let refused = descriptor.call_create_directory_at(&mut *store, y, "z").unwrap();
    assert!(matches!(refused, Err(filesystem::ErrorCode::NoEntry)));
    assert_eq!(descriptor.call_stat(&mut *store, x).unwrap().unwrap().link_count, 0);
}

#[test]
fn a_snapshot_moves_to_another_instance() {
    let mut one = instantiate();
    let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i / 3) as u8).collect();
    let Instance { store, world } = &mut one;
    let files = world.wasmsh_fs_files();
    files.call_write_file(&mut *store, "/workspace/f", &bytes, 0o640).unwrap().unwrap();
    let snapshots = world.wasmsh_fs_snapshots();
    let reader = snapshots.call_take(&mut *store).unwrap();
    files.call_write_file(&mut *store, "/workspace/f", b"later", 0o640).unwrap().unwrap();
    let mut whole = Vec::new();
    loop {
        let piece = snapshots.reader().call_next(&mut *store, reader, 10_000).unwrap();
        if piece.is_empty() {
            break;
        }
        whole.extend_from_slice(&piece);
    }
    let mut two = instantiate();
    let Instance { store, world } = &mut two;
    let snapshots = world.wasmsh_fs_snapshots();
    let writer = snapshots.call_restore(&mut *store).unwrap();
    for piece in whole.chunks(77_777) {
        snapshots.writer().call_push(&mut *store, writer, piece).unwrap().unwrap();
    }
    snapshots.writer().call_finish(&mut *store, writer).unwrap().unwrap();
    let again = snapshots.writer().call_finish(&mut *store, writer).unwrap();
    assert!(matches!(again, Err(SnapshotError::Finished)));
    let files = world.wasmsh_fs_files();
    assert_eq!(files.call_read_file(&mut *store, "/workspace/f").unwrap().unwrap(), bytes);
    assert_eq!(files.call_stat_at(&mut *store, "/workspace/f", true).unwrap().unwrap().mode, 0o640);
    let writer = snapshots.call_restore(&mut *store).unwrap();
    snapshots.writer().call_push(&mut *store, writer, &whole[..whole.len() - 1]).unwrap().unwrap();
    let cut = snapshots.writer().call_finish(&mut *store, writer).unwrap();
    assert!(matches!(cut, Err(SnapshotError::Truncated)));
}
