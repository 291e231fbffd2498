//! The tree that a session begins with.

use std::rc::Rc;

use crate::device::Device;
use crate::node::Caller;
use crate::tree::{New, Tree};
use crate::{Errno, Timestamp};

/// The user of a session: owns `/workspace`, `/home/user` and `/usr/local`.
pub const USER: u32 = 1000;
/// The group of a session.
pub const GROUP: u32 = 1000;

/// Directories that belong to root: path, mode. As many as a small container has: nothing is mounted, served or running.
const DIRECTORIES: [(&str, u32); 20] = [
    ("/dev", 0o755),
    ("/etc", 0o755),
    ("/home", 0o755),
    ("/opt", 0o755),
    ("/proc", 0o555),
    // Whoever has processes says what is in it.
    ("/proc/self", 0o555),
    ("/proc/self/fd", 0o555),
    ("/root", 0o700),
    ("/tmp", 0o1777),
    ("/usr", 0o755),
    ("/usr/bin", 0o755),
    ("/usr/lib", 0o755),
    ("/usr/lib64", 0o755),
    ("/usr/sbin", 0o755),
    ("/usr/share", 0o755),
    ("/var", 0o755),
    ("/var/lib", 0o755),
    ("/var/log", 0o755),
    ("/var/run", 0o755),
    ("/var/tmp", 0o1777),
];

/// Directories that belong to the user, who installs what is not part of the system: path, mode.
const HOMES: [(&str, u32); 5] = [
    ("/home/user", 0o755),
    ("/workspace", 0o755),
    ("/usr/local", 0o755),
    ("/usr/local/bin", 0o755),
    ("/usr/local/lib", 0o755),
];

/// Links: target, path. Those of `/dev` lead to descriptors, which whoever has
/// processes resolves.
const LINKS: [(&str, &str); 8] = [
    ("usr/bin", "/bin"),
    ("usr/lib", "/lib"),
    ("usr/lib64", "/lib64"),
    ("usr/sbin", "/sbin"),
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
];

/// Files of `/etc`, all 0644 and root's: path, text.
const FILES: [(&str, &str); 6] = [
    ("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:user:/home/user:/bin/bash\n"),
    ("/etc/group", "root:x:0:\nuser:x:1000:\n"),
    ("/etc/hostname", "wasmsh\n"),
    ("/etc/hosts", "127.0.0.1\tlocalhost wasmsh\n::1\tlocalhost ip6-localhost ip6-loopback\n"),
    ("/etc/shells", "/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n"),
    ("/etc/os-release", "PRETTY_NAME=\"wasmsh\"\nNAME=\"wasmsh\"\nID=wasmsh\nVERSION_ID=\"0.1\"\n"),
];

/// Fills an empty tree.
pub(crate) fn build(tree: &mut Tree, now: Timestamp) -> Result<(), Errno> {
    let root = Caller { uid: 0, gid: 0, now };
    let user = Caller { uid: USER, gid: GROUP, now };
    let base = tree.root;
    // As in a container of their own, scripts may write to the root; what the system has there stays.
    tree.set_mode(&root, base, 0o1777)?;
    for (path, mode) in DIRECTORIES {
        tree.make(&root, base, path, mode, New::Directory)?;
    }
    for (path, mode) in HOMES {
        let id = tree.make(&root, base, path, mode, New::Directory)?;
        tree.set_owner(&root, id, Some(user.uid), Some(user.gid))?;
    }
    for (target, path) in LINKS {
        tree.make(&root, base, path, 0, New::Symlink(Rc::from(target)))?;
    }
    for (path, text) in FILES {
        let id = tree.make(&root, base, path, 0o644, New::File)?;
        tree.write(&root, id, None, text.as_bytes())?;
    }
    for (name, number) in Device::NODES {
        tree.make(&root, base, &format!("/dev/{name}"), 0o666, New::Device(number))?;
    }
    Ok(())
}
