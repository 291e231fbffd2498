//! `wc`: counts lines, words, characters and bytes.

use bstr::BString;
use unicode_width::UnicodeWidthChar;
use wasmsh_os::{Description, Errno, Input, Position};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "wc",
    usage: &["[OPTION]... [FILE]...", "[OPTION]... --files0-from=F"],
    about: "Print newline, word, and byte counts for each FILE, and a total line if\n\
            more than one FILE is specified.  A word is a non-zero-length sequence of\n\
            printable characters delimited by white space.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("c,bytes", "print the byte counts"),
        Opt::flag("m,chars", "print the character counts"),
        Opt::flag("l,lines", "print the newline counts"),
        Opt::value(
            "files0-from",
            "F",
            "read input from the files specified by\nNUL-terminated names in file F;\nIf F is - then read names from standard input",
        ),
        Opt::flag("L,max-line-length", "print the maximum display width"),
        Opt::flag("w,words", "print the word counts"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Default, Clone, Copy)]
struct Wanted {
    lines: bool,
    words: bool,
    characters: bool,
    bytes: bool,
    width: bool,
}

#[derive(Default, Clone, Copy)]
struct Counts {
    lines: u64,
    words: u64,
    characters: u64,
    bytes: u64,
    width: u64,
}

async fn run(t: &mut Tool) -> Done {
    let mut wanted = Wanted::default();
    let mut list: Option<BString> = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "c" => wanted.bytes = true,
            "m" => wanted.characters = true,
            "l" => wanted.lines = true,
            "L" => wanted.width = true,
            "w" => wanted.words = true,
            _ => list = value,
        }
    }
    if !(wanted.lines || wanted.words || wanted.characters || wanted.bytes || wanted.width) {
        (wanted.lines, wanted.words, wanted.bytes) = (true, true, true);
    }
    let kinds = [wanted.lines, wanted.words, wanted.characters, wanted.bytes, wanted.width];
    let only_one = kinds.into_iter().filter(|kind| *kind).count() == 1;
    let mut files = options.operands();
    let mut width = 1;
    let standard = files.is_empty() && list.is_none();
    if let Some(list) = &list {
        if let Some(extra) = files.first() {
            let message = format!(
                "extra operand {}\nfile operands cannot be combined with --files0-from",
                crate::quote::quote_always(extra)
            );
            return Err(Fail::Usage(message));
        }
        files = names_from(t, list).await?;
        if list != "-" {
            width = number_width(t, &files, only_one);
        }
    } else {
        if standard {
            files.push("-".into());
        }
        width = number_width(t, &files, only_one);
    }
    let mut total = Counts::default();
    for (index, file) in files.iter().enumerate() {
        if file.is_empty() {
            let name = list
                .as_ref()
                .map_or(String::new(), |list| format!("{}:{}: ", crate::quote::quote_name(list), index + 1));
            t.error(format!("{name}invalid zero-length file name")).await?;
            continue;
        }
        if file == "-" && list.as_ref().is_some_and(|list| list == "-") {
            t.error("when reading file names from stdin, no file name of '-' allowed").await?;
            continue;
        }
        let mut input = match t.open(file).await {
            Ok(input) => input,
            Err(error) => {
                t.file_error(file, error).await?;
                continue;
            }
        };
        let (counts, result) = count(t, wanted, &mut input).await;
        if let Err(error) = result {
            t.file_error(file, error).await?;
        }
        show(t, wanted, &counts, width, if standard { None } else { Some(file) });
        total.lines += counts.lines;
        total.words += counts.words;
        total.characters += counts.characters;
        total.bytes += counts.bytes;
        total.width = total.width.max(counts.width);
    }
    if files.len() > 1 {
        show(t, wanted, &total, width, Some(b"total"));
    }
    Ok(())
}

async fn names_from(t: &mut Tool, list: &[u8]) -> Result<Vec<BString>, Fail> {
    let mut names = Vec::new();
    let fail = |error: Errno| {
        let message =
            format!("cannot open {} for reading: {}", crate::quote::quote_always(list), error.strerror());
        Err(Fail::Message(message, 1))
    };
    let mut input = match t.open(list).await {
        Ok(input) => input,
        Err(error) => return fail(error),
    };
    loop {
        match input.line(0).await {
            Ok(None) => return Ok(names),
            Ok(Some(name)) => names.push(name.strip_suffix(b"\0").unwrap_or(name).into()),
            Err(error) => return fail(error),
        }
    }
}

/// As wide as the largest count can become; what has no size counts as seven digits.
fn number_width(t: &Tool, files: &[BString], only_one: bool) -> usize {
    if files.len() == 1 && only_one {
        return 1;
    }
    let mut least = 1;
    let mut total = 0_u64;
    for file in files {
        let stat = if file == "-" { t.ctx.stat_descriptor(0) } else { t.ctx.stat(file, true) };
        match stat {
            Ok(stat) if stat.is_regular() => total += stat.size,
            Ok(_) => least = 7,
            Err(_) => {}
        }
    }
    total.to_string().len().max(least)
}

fn show(t: &mut Tool, wanted: Wanted, counts: &Counts, width: usize, name: Option<&[u8]>) {
    let mut lead = "";
    for (wanted, count) in [
        (wanted.lines, counts.lines),
        (wanted.words, counts.words),
        (wanted.characters, counts.characters),
        (wanted.bytes, counts.bytes),
        (wanted.width, counts.width),
    ] {
        if wanted {
            t.out.put(format!("{lead}{count:width$}").as_bytes());
            lead = " ";
        }
    }
    if let Some(name) = name {
        t.out.put_byte(b' ');
        if name.contains(&b'\n') {
            t.out.put(crate::quote::quote_name(name).as_bytes());
        } else {
            t.out.put(name);
        }
    }
    t.out.put_byte(b'\n');
}

async fn count(t: &Tool, wanted: Wanted, input: &mut Input) -> (Counts, Result<(), Errno>) {
    let mut counter = Counter { wanted, utf8: t.utf8, ..Counter::default() };
    // Of a regular file the size is known.
    if wanted.bytes
        && !(wanted.lines || wanted.words || wanted.characters || wanted.width)
        && let Description::File(file) = &**input.description()
        && let (Ok(stat), Ok(here)) = (file.stat(), file.seek(Position::Current(0)))
        && stat.is_regular()
        && stat.size > 0
    {
        let bytes = stat.size.saturating_sub(here);
        let result = file.seek(Position::End(0)).map(|_| ());
        return (Counts { bytes, ..Counts::default() }, result);
    }
    loop {
        let block = match input.fill().await {
            Ok([]) => break,
            Ok(block) => block,
            Err(error) => {
                counter.finish();
                return (counter.counts, Err(error));
            }
        };
        counter.add(block);
        let count = block.len();
        input.consume(count);
    }
    counter.finish();
    (counter.counts, Ok(()))
}

#[derive(Default)]
struct Counter {
    wanted: Wanted,
    utf8: bool,
    counts: Counts,
    in_word: bool,
    column: u64,
    /// The beginning of a character that goes on in the next block.
    partial: Vec<u8>,
}

/// What a byte below 128 is to the counting of words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Print,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 32;
    while byte < 127 {
        classes[byte] = Class::Print;
        byte += 1;
    }
    classes[b' ' as usize] = Class::Space;
    let mut byte = 9;
    while byte < 14 {
        classes[byte] = Class::Space;
        byte += 1;
    }
    classes
};

impl Counter {
    fn add(&mut self, block: &[u8]) {
        self.counts.bytes += block.len() as u64;
        if !(self.wanted.words || self.wanted.width) {
            if self.wanted.lines {
                self.counts.lines += memchr::memchr_iter(b'\n', block).count() as u64;
            }
            if !self.wanted.characters {
                return;
            }
            if !self.utf8 {
                self.counts.characters += block.len() as u64;
                return;
            }
            if self.partial.is_empty()
                && let Ok(text) = std::str::from_utf8(block)
            {
                self.counts.characters += text.chars().count() as u64;
                return;
            }
            let lines = self.counts.lines;
            self.text(block);
            self.counts.lines = lines;
            return;
        }
        self.text(block);
    }

    fn finish(&mut self) {
        self.partial.clear();
        self.counts.words += u64::from(std::mem::take(&mut self.in_word));
        self.counts.width = self.counts.width.max(self.column);
    }

    fn text(&mut self, block: &[u8]) {
        let mut rest = block;
        if !self.partial.is_empty() {
            let mut joined = std::mem::take(&mut self.partial);
            // A character has at most four bytes.
            let (head, tail) = rest.split_at(rest.len().min(4));
            let had = joined.len();
            joined.extend_from_slice(head);
            let (character, size) = bstr::decode_utf8(&joined);
            if character.is_none() && could_go_on(&joined) && tail.is_empty() {
                self.partial = joined;
                return;
            }
            let used = if character.is_some() { size } else { had };
            if let Some(character) = character {
                self.wide(character);
            }
            rest = rest.get(used.max(had) - had..).unwrap_or_default();
        }
        while let Some(&byte) = rest.first() {
            if byte < 128 || !self.utf8 {
                self.byte(byte);
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let (character, size) = bstr::decode_utf8(rest);
            match character {
                Some(character) => self.wide(character),
                None if rest.len() < 4 && could_go_on(rest) => {
                    self.partial = rest.to_vec();
                    return;
                }
                // No character: counts as a byte, and as nothing else.
                None => {
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
            }
            rest = rest.get(size..).unwrap_or_default();
        }
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.counts.characters += 1;
        match CLASSES.get(usize::from(byte)).copied().unwrap_or(Class::Other) {
            Class::Print => {
                self.in_word = true;
                self.column += 1;
            }
            Class::Space => {
                self.counts.words += u64::from(std::mem::take(&mut self.in_word));
                match byte {
                    b'\n' | b'\r' | 12 => {
                        self.counts.lines += u64::from(byte == b'\n');
                        self.counts.width = self.counts.width.max(self.column);
                        self.column = 0;
                    }
                    b'\t' => self.column += 8 - self.column % 8,
                    b' ' => self.column += 1,
                    _ => {}
                }
            }
            Class::Other => {}
        }
    }

    fn wide(&mut self, character: char) {
        if character.is_ascii() {
            return self.byte(character as u8);
        }
        self.counts.characters += 1;
        if character.is_control() {
            return;
        }
        self.column += character.width().unwrap_or(0) as u64;
        // As GNU, unless POSIXLY_CORRECT: no-break spaces separate words too.
        if character.is_whitespace() || character == '\u{2060}' {
            self.counts.words += u64::from(std::mem::take(&mut self.in_word));
        } else {
            self.in_word = true;
        }
    }
}

/// Whether more bytes could make a character of this.
fn could_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}
