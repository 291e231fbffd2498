//! Tells the crate whether it carries the component, as its package does. In the repository the file is a link to what may
//! not have been made yet.

use std::fs;
use std::path::Path;

fn main() {
    let python = "components/python.wasm.lzma";
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(carries_python)");
    if fs::symlink_metadata(Path::new(python)).is_ok_and(|data| data.is_file()) {
        println!("cargo::rerun-if-changed={python}");
        println!("cargo::rustc-cfg=carries_python");
    }
}
