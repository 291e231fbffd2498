//! `crc32`: prints the CRC-32 of files, on crc32fast.

use bstr::BString;

use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "crc32",
    usage: &["FILE [FILE]..."],
    about: "Print the CRC-32 checksum of each FILE.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    // It has no options: what begins with a hyphen is a file.
    let files: Vec<BString> = t.arguments();
    match files.as_slice() {
        [only] if only == "--help" => return Err(Fail::Help),
        [only] if only == "--version" => return Err(Fail::Version),
        _ => {}
    }
    for file in &files {
        let mut input = match t.ctx.open_input(file).await {
            Ok(input) => input,
            Err(error) => {
                // As the tool does, which ends with 0 all the same.
                t.warn(format!("Cannot open {file}: {}", error.strerror())).await?;
                continue;
            }
        };
        let mut sum = crc32fast::Hasher::new();
        let result = loop {
            match input.fill().await {
                Ok([]) => break Ok(()),
                Ok(bytes) => {
                    sum.update(bytes);
                    let count = bytes.len();
                    input.consume(count);
                }
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = result {
            t.warn(format!("{file}: {}", error.strerror())).await?;
            continue;
        }
        t.out.put(format!("{:08x}", sum.finalize()).as_bytes());
        if files.len() > 1 {
            t.out.put(b"\t");
            t.out.put(file);
        }
        t.out.put(b"\n");
    }
    Ok(())
}
