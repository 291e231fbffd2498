//! What a session holds in memory after many Pythons. A process of its own, since that is what is measured.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::fs;

use wasmsh::Sandbox;

/// Megabytes of this process that are in memory.
fn resident() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / 1e6
}

#[test]
fn many_pythons_take_no_more_than_a_few() {
    let mut session = Sandbox::builder().build().unwrap();
    let mut pythons = |count: u32| {
        let script = format!(
            "for ((i = 0; i < {count}; i++)); do python3 -c 'x = [0] * 100000; import json, sqlite3'; done"
        );
        assert!(session.run(script.as_str()).output().unwrap().exit.success());
        resident()
    };
    let few = pythons(50);
    let many = pythons(300);
    println!("{few:.1} MB after 50, {many:.1} MB after 350");
    assert!(many < few + 8.0, "{few:.1} MB after 50, {many:.1} MB after 350");
}
