//! `iconv`: texts from one encoding to another: Unicode's forms, ASCII, and those of one byte a character.

mod charset;
mod tables;
mod translit;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Input, Output};

use crate::lines::or_stdin;
use crate::{Command, Done, Fail, Opt, Tool, start};
use charset::{Charset, Decoder, Encoder, Read};

pub(crate) static COMMAND: Command = Command {
    name: "iconv",
    usage: &["[OPTION...] [FILE...]"],
    about: "Convert encoding of given files from one encoding to another.",
    options: &[
        Opt::value("f,from-code", "NAME", "encoding of original text"),
        Opt::value("t,to-code", "NAME", "encoding for output"),
        Opt::flag("l,list", "list all known coded character sets"),
        Opt::flag("c", "omit invalid characters from output"),
        Opt::value("o,output", "FILE", "output file"),
        Opt::flag("s,silent", "suppress warnings"),
        Opt::flag("verbose", "print progress information"),
        Opt::flag("V", ""),
        Opt::flag("?", ""),
    ],
    more: "A NAME may end in //TRANSLIT, which writes something similar for a character that\n\
           the encoding has not, or in //IGNORE, which leaves such out.\n\
           There are Unicode's encodings, ASCII, ISO 8859, KOI8 and the code pages that\n\
           --list tells. EUC, ISO 2022, Shift JIS, Big5, GB 18030, EBCDIC, UTF-7, CP1255\n\
           and CP1258 are not there.",
    usage_status: 64,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What is done with a character that cannot be written.
#[derive(Clone, Copy, Default)]
struct Manner {
    transliterate: bool,
    ignore: bool,
}

/// A conversion at work.
struct Converter {
    decoder: Decoder,
    encoder: Encoder,
    manner: Manner,
    /// `-c`: what is left out is not told.
    silent: bool,
    /// Something was left out.
    skipped: bool,
}

/// Where the result goes.
enum Target {
    Stdout,
    /// Opened when there is something to write, so that its own file can be read before.
    File(BString, Option<Output>),
    /// It is one of the inputs: it is written when all is read.
    Later(BString, Vec<u8>),
}

async fn run(t: &mut Tool) -> Done {
    let (mut from, mut to) = (BString::default(), BString::default());
    let (mut silent, mut list, mut verbose, mut output) = (false, false, false, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next().map_err(|fail| hint(t, fail))? {
        let value = value.unwrap_or_default();
        match name {
            "f" => from = value,
            "t" => to = value,
            "l" => list = true,
            "c" => silent = true,
            "o" => output = Some(value),
            "verbose" => verbose = true,
            "V" => return Err(Fail::Version),
            "?" => return Err(Fail::Help),
            // Warnings there are none.
            _ => {}
        }
    }
    let files = options.operands();
    if list {
        for name in charset::names() {
            t.out.put(name.as_bytes());
            t.out.put(b"//\n");
        }
        return Ok(());
    }
    let unknown =
        || Fail::Message("failed to start conversion processing: No such file or directory".into(), 1);
    let (from, _) = charset(t, &from).ok_or_else(unknown)?;
    let (to, manner) = charset(t, &to).ok_or_else(unknown)?;
    let mut converter = Converter {
        decoder: Decoder::new(from),
        encoder: Encoder::new(to),
        manner: Manner { ignore: manner.ignore || silent, ..manner },
        silent,
        skipped: false,
    };
    let files = or_stdin(files);
    let mut target = match output {
        None => Target::Stdout,
        Some(name) if files.iter().any(|file| is_same(t, file, &name)) => Target::Later(name, Vec::new()),
        Some(name) => Target::File(name, None),
    };
    for file in files {
        if verbose {
            t.out.flush().await?;
            t.err.put(&file);
            t.err.put(b":\n");
            let _ = t.err.flush().await;
        }
        let mut input = match t.open(&file).await {
            Ok(input) => input,
            Err(error) => {
                t.error(format!("cannot open input file `{file}': {}", error.strerror())).await?;
                continue;
            }
        };
        converter.decoder = Decoder::new(from);
        convert(t, &mut converter, &mut input, &mut target).await?;
    }
    match target {
        Target::Later(name, bytes) => {
            let mut out = create(t, &name).await?;
            out.write(&bytes).await?;
            out.flush().await?;
        }
        Target::File(_, Some(mut out)) => out.flush().await?,
        _ => {}
    }
    Ok(())
}

/// The hint to the help as this tool has it.
fn hint(t: &Tool, fail: Fail) -> Fail {
    match fail {
        Fail::Usage(message) => Fail::Message(
            format!("{message}\nTry `{0} --help' or `{0} --usage' for more information.", t.name),
            COMMAND.usage_status,
        ),
        other => other,
    }
}

fn is_same(t: &Tool, file: &[u8], output: &[u8]) -> bool {
    match (t.ctx.stat(file, true), t.ctx.stat(output, true)) {
        (Ok(a), Ok(b)) => crate::path::same_file(&a, &b),
        _ => false,
    }
}

async fn create(t: &Tool, name: &[u8]) -> Result<Output, Fail> {
    t.ctx
        .create_output(name, false)
        .await
        .map_err(|error| Fail::Message(format!("cannot open output file: {}", error.strerror()), 1))
}

/// An encoding by its name and what is appended to that; without a name that of the locale.
fn charset(t: &Tool, text: &[u8]) -> Option<(Charset, Manner)> {
    let text = text.to_str().ok()?.to_ascii_uppercase();
    let (name, suffixes) = text.split_once("//").unwrap_or((&text, ""));
    let mut manner = Manner::default();
    for suffix in suffixes.split(['/', ',']) {
        match suffix {
            "TRANSLIT" => manner.transliterate = true,
            "IGNORE" => manner.ignore = true,
            _ => {}
        }
    }
    let name = match name {
        "" if t.utf8 => "UTF-8",
        "" => "ASCII",
        name => name.strip_suffix('/').unwrap_or(name),
    };
    Some((Charset::find(name)?, manner))
}

async fn convert(t: &mut Tool, converter: &mut Converter, input: &mut Input, target: &mut Target) -> Done {
    let (mut position, mut out, mut ended) = (0_u64, Vec::new(), false);
    loop {
        if !ended {
            match input.extend().await {
                Ok(more) => ended = !more,
                Err(error) => {
                    let message = format!("error while reading the input: {}", error.strerror());
                    return Err(Fail::Message(message, 1));
                }
            }
        }
        let (taken, stop) = piece(converter, input.buffered(), &mut out);
        input.consume(taken);
        position += taken as u64;
        write(t, target, &mut out).await?;
        match stop {
            Stop::Illegal => {
                return Err(illegal(position));
            }
            Stop::Partial if ended && !input.buffered().is_empty() => {
                return Err(Fail::Message(
                    "incomplete character or shift sequence at end of buffer".into(),
                    1,
                ));
            }
            _ => {}
        }
        if ended {
            break;
        }
    }
    if converter.skipped && !converter.silent {
        return Err(illegal(position));
    }
    Ok(())
}

fn illegal(position: u64) -> Fail {
    Fail::Message(format!("illegal input sequence at position {position}"), 1)
}

/// Why a piece ends.
enum Stop {
    Illegal,
    Partial,
}

/// Converts what is whole of `bytes`, and tells how much that was.
fn piece(converter: &mut Converter, bytes: &[u8], out: &mut Vec<u8>) -> (usize, Stop) {
    let mut at = 0;
    let mut similar = Vec::new();
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match converter.decoder.read(rest) {
            Read::Char(letter, length) => {
                converter.encoder.begin(out);
                let mut written = converter.encoder.push(letter, out);
                if !written && converter.manner.transliterate {
                    similar.clear();
                    let length = out.len();
                    written = translit::push(letter, &mut similar)
                        && similar.iter().all(|letter| converter.encoder.push(*letter, out));
                    if !written {
                        out.truncate(length);
                        written = converter.encoder.push('?', out);
                    }
                }
                if !written && !converter.manner.ignore {
                    return (at, Stop::Illegal);
                }
                converter.skipped |= !written;
                at += length;
            }
            Read::Mark(length) => at += length,
            Read::Illegal(length) if converter.manner.ignore => {
                converter.skipped = true;
                at += length;
            }
            Read::Illegal(_) => return (at, Stop::Illegal),
            Read::Partial => break,
        }
    }
    (at, Stop::Partial)
}

async fn write(t: &mut Tool, target: &mut Target, bytes: &mut Vec<u8>) -> Done {
    match target {
        Target::Stdout => {
            t.out.put(bytes);
            t.out.drain().await?;
        }
        Target::Later(_, all) => all.append(bytes),
        Target::File(name, out) => {
            if out.is_none() {
                *out = Some(create(t, name).await?);
            }
            if let Some(out) = out {
                out.write(bytes).await?;
            }
        }
    }
    bytes.clear();
    Ok(())
}
