//! `shred`: overwrites files so that their contents cannot be read any more, and removes them.

use bstr::BString;
use wasmsh_os::{Description, OpenFile, OpenFlags};

use crate::number::parse_size;
use crate::path::{base_name, join, parent};
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "shred",
    usage: &["[OPTION]... FILE..."],
    about: "Overwrite the specified FILE(s) repeatedly, in order to make it harder\n\
            for even very expensive hardware probing to recover the data.\n\n\
            If FILE is -, shred standard output.",
    options: &[
        Opt::flag("f,force", "change permissions to allow writing if necessary"),
        Opt::value("n,iterations", "N", "overwrite N times instead of the default (3)"),
        Opt::value("random-source", "FILE", "get random bytes from FILE"),
        Opt::value("s,size", "N", "shred this many bytes (suffixes like K, M, G accepted)"),
        Opt::flag("u", "deallocate and remove file after overwriting"),
        Opt::optional("remove", "HOW", "like -u but give control on HOW to delete;  See below"),
        Opt::flag("v,verbose", "show progress"),
        Opt::flag(
            "x,exact",
            "do not round file sizes up to the next full block;\nthis is the default for non-regular files",
        ),
        Opt::flag("z,zero", "add a final overwrite with zeros to hide shredding"),
    ],
    more: "Delete FILE(s) if --remove (-u) is specified.  The default is not to remove\n\
           the files because it is common to operate on device files like /dev/hda,\n\
           and those files usually should not be removed.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Remove {
    No,
    Unlink,
    Wipe,
}

struct Plan {
    force: bool,
    passes: u64,
    source: Option<BString>,
    size: Option<u64>,
    remove: Remove,
    verbose: bool,
    exact: bool,
    zero: bool,
}

/// A file is filled to the end of its last block.
const BLOCK: u64 = 4096;
/// Bytes of one write.
const CHUNK: usize = 64 * 1024;
/// Passes that are told by their pattern, between those that are random (Gutmann 1996).
const PATTERNS: [u32; 29] = [
    0x555, 0xAAA, 0x924, 0x492, 0x249, 0x000, 0x111, 0x222, 0x333, 0x444, 0x666, 0x777, 0x888, 0x999, 0xBBB,
    0xCCC, 0xDDD, 0xEEE, 0xFFF, 0x924, 0x492, 0x249, 0x6DB, 0xB6D, 0xDB6, 0x555, 0xAAA, 0x000, 0xFFF,
];

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        force: false,
        passes: 3,
        source: None,
        size: None,
        remove: Remove::No,
        verbose: false,
        exact: false,
        zero: false,
    };
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.clone().unwrap_or_default();
        match name {
            "f" => plan.force = true,
            "n" => {
                plan.passes =
                    parse_size(&text, b"").ok().filter(|number| *number <= 1 << 32).ok_or_else(|| {
                        Fail::Message(format!("invalid number of passes: {}", t.quote(&text)), 1)
                    })?;
            }
            "random-source" => {
                if plan.source.as_ref().is_some_and(|other| *other != text) {
                    return Err(Fail::Message("multiple random sources specified".into(), 1));
                }
                plan.source = value;
            }
            "s" => {
                let size = parse_size(&text, b"cbBkKMGTPEZY0").ok();
                plan.size = Some(
                    size.filter(|size| i64::try_from(*size).is_ok())
                        .ok_or_else(|| Fail::Message(format!("invalid file size: {}", t.quote(&text)), 1))?,
                );
            }
            "u" => plan.remove = Remove::Wipe,
            "remove" => {
                plan.remove = match &value {
                    None => Remove::Wipe,
                    Some(how) => {
                        let words = &[("unlink", "unlink"), ("wipe", "wipe"), ("wipesync", "wipe")];
                        match crate::choice::choose(t, "--remove", how, words)? {
                            "unlink" => Remove::Unlink,
                            _ => Remove::Wipe,
                        }
                    }
                };
            }
            "v" => plan.verbose = true,
            "x" => plan.exact = true,
            _ => plan.zero = true,
        }
    }
    let files = options.operands();
    if files.is_empty() {
        return Err(Fail::Usage("missing file operand".into()));
    }
    let mut noise = Vec::new();
    if let Some(source) = &plan.source {
        let text = t.ctx.read_file(source).await;
        noise =
            text.map_err(|error| Fail::Message(format!("{}: {}", quote_name(source), error.strerror()), 1))?;
    }
    for file in &files {
        shred(t, &plan, file, &noise).await?;
    }
    Ok(())
}

async fn shred(t: &mut Tool, plan: &Plan, file: &BString, noise: &[u8]) -> Done {
    let shown = quote_name(file);
    let mut opened = if file == "-" {
        t.ctx.description(1)
    } else {
        t.ctx.open_description(file, OpenFlags::WRITE, 0).await
    };
    if matches!(opened, Err(wasmsh_os::Errno::Access))
        && plan.force
        && t.ctx.set_mode(file, 0o200, true).is_ok()
    {
        opened = t.ctx.open_description(file, OpenFlags::WRITE, 0).await;
    }
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            return t.error(format!("{shown}: failed to open for writing: {}", error.strerror())).await;
        }
    };
    let Description::File(handle) = &*opened else {
        return t.error(format!("{shown}: invalid file type")).await;
    };
    let stat = match handle.stat() {
        Ok(stat) => stat,
        Err(error) => return t.error(format!("{shown}: fstat failed: {}", error.strerror())).await,
    };
    let size = match plan.size {
        Some(size) => size,
        None if plan.exact || !stat.is_regular() => stat.size,
        None => stat.size.next_multiple_of(BLOCK),
    };
    let total = plan.passes + u64::from(plan.zero);
    for pass in 0..total {
        let pattern = if pass >= plan.passes { Some(0) } else { pattern(pass, plan.passes) };
        if plan.verbose {
            let name = match pattern {
                None => "random".to_owned(),
                Some(bits) => {
                    let bytes = fill(bits);
                    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
                }
            };
            t.warn(format!("{shown}: pass {}/{total} ({name})...", pass + 1)).await?;
        }
        if let Err(error) = overwrite(t, &**handle, size, pattern, noise).await {
            let message = format!("{shown}: error writing at offset 0: {}", error.strerror());
            return t.error(message).await;
        }
    }
    if plan.remove != Remove::No && file != "-" {
        let _ = handle.set_size(0);
        remove(t, plan, file).await?;
    }
    Ok(())
}

/// Random passes stand at the beginning, in the middle and at the end.
fn pattern(pass: u64, passes: u64) -> Option<u32> {
    if passes <= 3 || pass == 0 || pass + 1 == passes || pass == passes / 2 {
        return None;
    }
    let index = usize::try_from(pass % PATTERNS.len() as u64).unwrap_or_default();
    PATTERNS.get(index).copied()
}

/// Twelve bits, repeated over three bytes.
fn fill(bits: u32) -> [u8; 3] {
    let wide = bits << 12 | bits;
    [(wide >> 4) as u8, (wide >> 8) as u8, wide as u8]
}

async fn overwrite(
    t: &Tool,
    file: &dyn OpenFile,
    size: u64,
    pattern: Option<u32>,
    noise: &[u8],
) -> Result<(), wasmsh_os::Errno> {
    let mut chunk: Vec<u8> = vec![0; CHUNK / 3 * 3];
    if let Some(bits) = pattern {
        let bytes = fill(bits);
        for part in chunk.chunks_exact_mut(3) {
            part.copy_from_slice(&bytes);
        }
    }
    let mut at = 0;
    while at < size {
        t.ctx.tick().await;
        if pattern.is_none() {
            if noise.is_empty() {
                t.ctx.random(&mut chunk);
            } else {
                for (byte, from) in chunk.iter_mut().zip(noise.iter().cycle()) {
                    *byte = *from;
                }
            }
        }
        let length = (size - at).min(chunk.len() as u64);
        let part = chunk.get(..usize::try_from(length).unwrap_or_default()).unwrap_or_default();
        file.write_at(at, part)?;
        at += length;
    }
    Ok(())
}

/// Removes the name; with `Wipe` it is first renamed to ever shorter ones.
async fn remove(t: &mut Tool, plan: &Plan, file: &BString) -> Done {
    let shown = quote_name(file);
    if plan.verbose {
        t.warn(format!("{shown}: removing")).await?;
    }
    let mut name = file.clone();
    if plan.remove == Remove::Wipe {
        let directory = parent(file);
        for length in (1..=base_name(file).len()).rev() {
            let zeros = BString::from(vec![b'0'; length]);
            let next = if file.contains(&b'/') { join(directory, &zeros) } else { zeros };
            if t.ctx.stat(&next, false).is_err() && t.ctx.rename(&name, &next).is_ok() {
                if plan.verbose {
                    t.warn(format!("{}: renamed to {}", quote_name(&name), quote_name(&next))).await?;
                }
                name = next;
            }
        }
    }
    match t.ctx.remove_file(&name) {
        Ok(()) if plan.verbose => t.warn(format!("{shown}: removed")).await,
        Ok(()) => Ok(()),
        Err(error) => t.error(format!("{shown}: failed to remove: {}", error.strerror())).await,
    }
}
