//! A server's way: sessions in tasks of tokio, on two threads, each with limits.
//!
//! `cargo run --release --example tasks`

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;
use std::time::Duration;

use wasmsh::{Limits, Sandbox};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let builder = Sandbox::builder().limits(Limits::untrusted());
    let scripts = [
        "seq 1000 | paste -sd+ | bc",
        "while :; do :; done",
        "sleep 0.1; echo slept",
        "echo oops >&2; exit 3",
    ];
    let tasks: Vec<_> = scripts
        .into_iter()
        .map(|script| {
            let builder = builder.clone();
            tokio::spawn(async move {
                let mut session = builder.build().map_err(|error| error.to_string())?;
                let run = session.run(script).timeout(Duration::from_millis(500));
                run.await.map_err(|error| error.to_string())
            })
        })
        .collect();
    for (script, task) in scripts.into_iter().zip(tasks) {
        let output = task.await??;
        println!("{script}\n  {:?} {:?} {:?}", output.exit, output.stdout_text(), output.stderr_text());
    }
    Ok(())
}
