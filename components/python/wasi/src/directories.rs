//! Reading directories: one call fetches all entries, `posix.c` hands them out one by one.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_char;

use crate::bindings::wasmsh::fs::files;
use crate::bindings::wasmsh::fs::types::FileType;
use crate::descriptors::type_bits;
use crate::errno::{Errno, done};
use crate::paths::{self, Place};
use crate::rom::{self, Kind};

/// The entries of a directory as C gets them: for each one its inode (`u64`), the type bits of its mode
/// (`u32`), the length of its name (`u32`) and the name with a NUL.
#[repr(C)]
pub(crate) struct Listing {
    start: *mut u8,
    length: usize,
}

fn push(to: &mut Vec<u8>, inode: u64, kind: FileType, name: &str) {
    to.extend_from_slice(&inode.to_le_bytes());
    to.extend_from_slice(&type_bits(kind).to_le_bytes());
    to.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
    to.extend_from_slice(name.as_bytes());
    to.push(0);
}

fn list(place: Place) -> Result<Vec<u8>, Errno> {
    let mut entries = Vec::new();
    match place {
        Place::Rom(None) => return Err(Errno::ENOENT),
        Place::Rom(Some(node)) => {
            if let Kind::File(_) = node.kind() {
                return Err(Errno::ENOTDIR);
            }
            for child in node.children() {
                let kind = match child.kind() {
                    Kind::File(_) => FileType::Regular,
                    Kind::Directory { .. } => FileType::Directory,
                };
                push(&mut entries, child.inode(), kind, child.name());
            }
        }
        Place::Files(path) => {
            let (parent, name) = rom::PARENT;
            let mut mounted = path.trim_end_matches('/') == parent;
            for entry in files::read_directory(&path)? {
                mounted &= entry.name != name;
                push(&mut entries, entry.stat.inode, entry.stat.kind, &entry.name);
            }
            if mounted {
                push(&mut entries, rom::Node::TOP.inode(), FileType::Directory, name);
            }
        }
    }
    Ok(entries)
}

fn hand_over(place: Result<Place, Errno>, to: &mut Listing) -> i32 {
    done(place.and_then(list).map(|entries| {
        let entries = Box::leak(entries.into_boxed_slice());
        *to = Listing { start: entries.as_mut_ptr(), length: entries.len() };
    }))
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_list(path: *const c_char, to: &mut Listing) -> i32 {
    // SAFETY: posix.c passes the string of opendir's caller.
    hand_over(unsafe { paths::listed_at(path) }, to)
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_list_open(number: i32, to: &mut Listing) -> i32 {
    hand_over(paths::listed(number), to)
}

#[unsafe(no_mangle)]
extern "C" fn wasmsh_list_free(listing: &mut Listing) {
    if !listing.start.is_null() {
        // SAFETY: from `hand_over`, once.
        drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(listing.start, listing.length)) });
        listing.start = core::ptr::null_mut();
    }
}
