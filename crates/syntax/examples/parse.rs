//! Parses scripts as `bash -n` would: prints bash's message for what is not well-formed.
//!
//! `parse FILE…` prints `ok FILE` or `bad FILE` for each file; without arguments the script is standard input.

#![allow(clippy::print_stdout)]

use std::io::{Read, Write};

use wasmsh_syntax::parser::{NoAliases, Parser, ParserOptions};

fn check(source: Vec<u8>, out: &mut dyn Write) -> std::io::Result<bool> {
    let mut parser = Parser::new(source, ParserOptions::default());
    loop {
        match parser.next(&NoAliases) {
            Ok(Some(ast)) => {
                for warning in &ast.warnings {
                    let (line, text) = warning.message();
                    writeln!(out, "line {line}: {}", String::from_utf8_lossy(&text))?;
                }
            }
            Ok(None) => return Ok(true),
            Err(error) => {
                out.write_all(&error.render(b"bash"))?;
                return Ok(false);
            }
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut files = std::env::args().skip(1).peekable();
    if files.peek().is_none() {
        let mut source = Vec::new();
        std::io::stdin().read_to_end(&mut source)?;
        let ok = check(source, &mut std::io::stdout())?;
        std::process::exit(if ok { 0 } else { 2 });
    }
    for file in files {
        let ok = check(std::fs::read(&file)?, &mut std::io::sink())?;
        println!("{} {file}", if ok { "ok" } else { "bad" });
    }
    Ok(())
}
