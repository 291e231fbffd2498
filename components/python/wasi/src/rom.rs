//! The standard library: a read-only tree inside the component's own data.
//!
//! `cargo xtask` lays it out (`xtask/src/cpython/rom.rs`); `rom.c` embeds it. All numbers are little-endian:
//!
//! ```text
//! header  magic "wasmshR1", u32 number of nodes, u32 offset of the names, u32 offset of the contents
//! node    u32 name offset, u16 name length, u16 kind (0 file, 1 directory), u32 first, u32 size
//! ```
//!
//! Node 0 is the root. A file's `first` and `size` are its contents; a directory's are the number of its
//! first child and how many there are, ordered by name. The tree lies outside the memory that is put back
//! after a run, and nothing ever writes to it, so all sessions of a host share its pages.

/// Where the tree is mounted.
pub(crate) const ROOT: &str = "/usr/lib/python3.13";
/// The directory that the mount point is an entry of, and its name there.
pub(crate) const PARENT: (&str, &str) = ("/usr/lib", "python3.13");

const MAGIC: &[u8] = b"wasmshR1";
const HEADER: usize = 20;
const NODE: usize = 16;

/// A file or directory, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node(u32);

/// What a node is.
pub(crate) enum Kind {
    /// A file with its contents.
    File(&'static [u8]),
    /// A directory with its children.
    Directory { first: u32, count: u32 },
}

unsafe extern "C" {
    static wasmsh_rom: u8;
    static wasmsh_rom_size: usize;
}

fn blob() -> &'static [u8] {
    // SAFETY: rom.c defines both; the bytes are never written.
    unsafe { core::slice::from_raw_parts(&raw const wasmsh_rom, wasmsh_rom_size) }
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let bytes = bytes.get(offset..offset.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

impl Node {
    pub(crate) const TOP: Node = Node(0);

    /// Looks up a path below the mount point, without a leading slash; empty: the root.
    pub(crate) fn find(path: &str) -> Option<Node> {
        let mut node = Node::TOP;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            node = node.child(part)?;
        }
        Some(node)
    }

    fn record(self) -> Option<&'static [u8]> {
        let blob = blob();
        if blob.get(..MAGIC.len())? != MAGIC || self.0 >= u32_at(blob, 8)? {
            return None;
        }
        let start = HEADER + NODE * self.0 as usize;
        blob.get(start..start + NODE)
    }

    /// The name in its directory.
    pub(crate) fn name(self) -> &'static str {
        self.name_bytes().and_then(|name| core::str::from_utf8(name).ok()).unwrap_or("")
    }

    fn name_bytes(self) -> Option<&'static [u8]> {
        let record = self.record()?;
        let start = u32_at(blob(), 12)? as usize + u32_at(record, 0)? as usize;
        blob().get(start..start + usize::from(u16_at(record, 4)?))
    }

    pub(crate) fn kind(self) -> Kind {
        self.read_kind().unwrap_or(Kind::File(&[]))
    }

    fn read_kind(self) -> Option<Kind> {
        let record = self.record()?;
        let (first, size) = (u32_at(record, 8)?, u32_at(record, 12)?);
        if u16_at(record, 6)? == 1 {
            return Some(Kind::Directory { first, count: size });
        }
        let start = u32_at(blob(), 16)? as usize + first as usize;
        Some(Kind::File(blob().get(start..start + size as usize)?))
    }

    /// The children of a directory, ordered by name; none of a file.
    pub(crate) fn children(self) -> impl Iterator<Item = Node> {
        let (first, count) = match self.kind() {
            Kind::Directory { first, count } => (first, count),
            Kind::File(_) => (0, 0),
        };
        (first..first.saturating_add(count)).map(Node)
    }

    fn child(self, name: &str) -> Option<Node> {
        let Kind::Directory { first, count } = self.kind() else {
            return None;
        };
        let (mut low, mut high) = (first, first.checked_add(count)?);
        while low < high {
            let middle = low + (high - low) / 2;
            match Node(middle).name_bytes()?.cmp(name.as_bytes()) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => return Some(Node(middle)),
            }
        }
        None
    }

    /// A number that no other node has.
    pub(crate) fn inode(self) -> u64 {
        u64::from(self.0) + 1
    }
}
