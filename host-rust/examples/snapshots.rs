//! A session that is forked to try two things, and kept in a file.
//!
//! `cargo run --release --example snapshots`

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;

use wasmsh::{Sandbox, Snapshot};

fn main() -> Result<(), Box<dyn Error>> {
    let mut session = Sandbox::builder().build()?;
    session
        .run("mkdir project; cd project; seq 5 > numbers; total() { paste -sd+ numbers | bc; }")
        .output()?;

    let mut attempt = session.fork()?;
    attempt.run("sed -i s/5/50/ numbers").output()?;
    for (name, session) in [("kept", &mut session), ("attempt", &mut attempt)] {
        println!("{name}: {}", session.run("total").output()?.stdout_text().trim());
    }

    let file = std::env::temp_dir().join(format!("wasmsh-example-{}", std::process::id()));
    std::fs::write(&file, session.snapshot()?)?;
    let mut later = Sandbox::builder().build()?;
    later.restore(&Snapshot::from_bytes(std::fs::read(&file)?)?)?;
    println!("later: {}", later.run("pwd; total").output()?.stdout_text().trim());
    std::fs::remove_file(file)?;
    Ok(())
}
