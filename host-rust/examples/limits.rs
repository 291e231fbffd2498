//! What a script meets when it wants too much, and how the host is told.
//!
//! `cargo run --release --example limits`

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;

use wasmsh::{Ceilings, Limits, Quota, Sandbox};

fn main() -> Result<(), Box<dyn Error>> {
    let mut session = Sandbox::builder()
        .limits(Limits { steps: Some(1_000_000), output_bytes: Some(1 << 20), ..Limits::untrusted() })
        .ceilings(Ceilings { processes: 32, ..Ceilings::default() })
        .quota(Quota { bytes: 1 << 20, ..Quota::default() })
        .memory_limit(64 << 20)
        .build()?;
    for script in [
        "while :; do :; done",
        "yes",
        "bomb() { bomb | bomb & }; bomb; sleep 1",
        "head -c 10M /dev/zero > file",
        "s=0123456789abcdef; while :; do s=$s$s; a+=(\"$s\"); done",
        "echo still here",
    ] {
        let output = session.run(script).output()?;
        let names: Vec<String> = output.exceeded.iter().map(ToString::to_string).collect();
        println!("{script}\n  status {}: {}", output.status(), names.join(", "));
    }
    Ok(())
}
