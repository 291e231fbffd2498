//! Commands of the host's in the shell: one that blocks and one that is asynchronous, both parts of a pipeline.
//!
//! `cargo run --release --example commands`

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;
use std::io::Write;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmsh::Sandbox;

fn main() -> Result<(), Box<dyn Error>> {
    let mut session = Sandbox::builder()
        .command("inventory", |process| {
            let kinds =
                process.arguments().iter().skip(1).map(|kind| String::from_utf8_lossy(kind).into_owned());
            for (count, kind) in kinds.enumerate() {
                // Nobody reads any more: `| head` has seen enough.
                if Write::write_all(&mut process.stdout(), format!("{kind}\t{count}\n").as_bytes()).is_err() {
                    return 1;
                }
            }
            0
        })
        .command_async("total", |process| async move {
            let mut text = String::new();
            if AsyncReadExt::read_to_string(&mut process.stdin(), &mut text).await.is_err() {
                return 1;
            }
            let numbers = text.lines().filter_map(|line| line.rsplit('\t').next()?.parse::<u64>().ok());
            let line = format!("{}\n", numbers.sum::<u64>());
            u8::from(AsyncWriteExt::write_all(&mut process.stdout(), line.as_bytes()).await.is_err())
        })
        .build()?;
    let output = session.run("inventory apples pears plums | tee list | total; wc -l < list").output()?;
    print!("{}", output.stdout_text());
    Ok(())
}
