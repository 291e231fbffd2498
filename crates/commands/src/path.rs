//! Paths as bytes: their parts, and words for what is there.

use bstr::{BString, ByteSlice};
use wasmsh_os::{FileType, Stat};

/// The last part of a path, without trailing slashes; `/` of the root.
pub(crate) fn base_name(path: &[u8]) -> &[u8] {
    let trimmed = path.trim_end_with(|letter| letter == '/');
    if trimmed.is_empty() {
        return path.get(..1).unwrap_or_default();
    }
    match trimmed.rfind_byte(b'/') {
        Some(slash) => trimmed.get(slash + 1..).unwrap_or_default(),
        None => trimmed,
    }
}

/// What stands before the last part of a path, as `dirname` prints it.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    let trimmed = path.trim_end_with(|letter| letter == '/');
    let root: &[u8] = if path.starts_with(b"/") { b"/" } else { b"." };
    match trimmed.rfind_byte(b'/') {
        Some(slash) => {
            let before = trimmed.get(..slash).unwrap_or_default().trim_end_with(|letter| letter == '/');
            if before.is_empty() { b"/" } else { before }
        }
        None => root,
    }
}

/// `directory/name`, with one slash between.
pub(crate) fn join(directory: &[u8], name: &[u8]) -> BString {
    let mut path = BString::from(directory);
    if !path.ends_with(b"/") && !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// `directory` and the last part of `path`.
pub(crate) fn join_base(directory: &[u8], path: &[u8]) -> BString {
    join(directory, base_name(path))
}

/// What a file is, in words (gnulib's `file_type`).
pub(crate) fn describe(stat: &Stat) -> &'static str {
    match stat.kind {
        FileType::Regular if stat.size == 0 => "regular empty file",
        FileType::Regular => "regular file",
        FileType::Directory => "directory",
        FileType::SymbolicLink => "symbolic link",
        FileType::CharacterDevice => "character special file",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::Unknown => "weird file",
    }
}

/// Whether two stats are of the same file.
pub(crate) fn same_file(a: &Stat, b: &Stat) -> bool {
    (a.device, a.inode) == (b.device, b.inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        for (path, directory, name) in [
            ("a/b", "a", "b"),
            ("a/b/", "a", "b"),
            ("/a", "/", "a"),
            ("a", ".", "a"),
            ("/", "/", "/"),
            ("//", "/", "/"),
            ("a//b", "a", "b"),
            ("", ".", ""),
        ] {
            assert_eq!(parent(path.as_bytes()), directory.as_bytes(), "{path}");
            assert_eq!(base_name(path.as_bytes()), name.as_bytes(), "{path}");
        }
    }
}
