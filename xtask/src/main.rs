//! `cargo xtask`: sets up, builds, runs, tests and measures wasmsh.

fn main() -> anyhow::Result<()> {
    Ok(())
}
