//! A script that goes on by itself while its streams are read and written: a small conversation.
//!
//! `cargo run --release --example streams`

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wasmsh::Sandbox;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut session = Sandbox::builder().build()?;
    let script = "while read -r question; do echo \"$((question))\"; done";
    let mut child = session.run(script).spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let mut answers = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
    for question in ["6 * 7", "2 ** 10", "0x1f"] {
        stdin.write_all(format!("{question}\n").as_bytes()).await?;
        println!("{question} = {}", answers.next_line().await?.unwrap_or_default());
    }
    stdin.shutdown().await?;
    println!("{:?}", child.ended().await?.exit);
    Ok(())
}
