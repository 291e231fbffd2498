//! The smallest program: one session, two runs, and a file that the host reads.
//!
//! `cargo run --release --example hello`

use std::error::Error;
use std::io::Write;

use wasmsh::Sandbox;

fn main() -> Result<(), Box<dyn Error>> {
    let mut session = Sandbox::builder().env("GREETING", "hello").build()?;

    session.write_file("names", "world\nmoon\n")?;
    let output =
        session.run("while read name; do echo \"$GREETING $name\"; done < names > greetings").output()?;
    assert!(output.success(), "{}", output.stderr_text());

    std::io::stdout().write_all(&session.read_file("greetings")?)?;
    Ok(())
}
