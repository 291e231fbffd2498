//! Tells the crate whether it carries the core, as its package does. In the repository the file is a link to what the
//! build has made, and the core is loaded from there.

use std::fs;
use std::path::Path;

fn main() {
    let core = "components/core.wasm";
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(carries_core)");
    if fs::symlink_metadata(Path::new(core)).is_ok_and(|data| data.is_file()) {
        println!("cargo::rerun-if-changed={core}");
        println!("cargo::rustc-cfg=carries_core");
    }
}
