//! Tells the crate which components it carries, as its package does. In the repository the files are links to what the build
//! has made, and components are loaded from there.

use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["core", "git"] {
        println!("cargo::rustc-check-cfg=cfg(carries_{name})");
        let path = format!("components/{name}.wasm");
        if fs::symlink_metadata(Path::new(&path)).is_ok_and(|data| data.is_file()) {
            println!("cargo::rerun-if-changed={path}");
            println!("cargo::rustc-cfg=carries_{name}");
        }
    }
}
