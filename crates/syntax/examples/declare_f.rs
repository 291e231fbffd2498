//! Prints the functions that a script on standard input defines, as `declare -f` would.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "not part of the product"
)]

use std::io::{Read, Write};

use wasmsh_syntax::ast::CommandKind;
use wasmsh_syntax::parser::{NoAliases, Parser, ParserOptions};
use wasmsh_syntax::print;

fn main() -> std::io::Result<()> {
    let mut source = Vec::new();
    std::io::stdin().read_to_end(&mut source)?;
    let mut parser = Parser::new(source, ParserOptions::default());
    let mut out = std::io::stdout();
    loop {
        match parser.next(&NoAliases) {
            Ok(Some(ast)) => {
                for item in &ast[ast.root.items] {
                    let pipeline = ast[item.pipelines][0].pipeline;
                    let command = ast[ast[pipeline.stages][0].command];
                    if let CommandKind::Function { name, body } = command.kind {
                        out.write_all(&print::function(&ast, &ast[name], body))?;
                        out.write_all(b"\n")?;
                    }
                }
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                out.write_all(&error.render(b"bash"))?;
                return Ok(());
            }
        }
    }
}
