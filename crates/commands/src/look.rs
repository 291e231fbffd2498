//! `look`: the lines of a sorted file that begin with a text, found by bisection.

use std::cmp::Ordering;

use wasmsh_os::{Errno, Input};
use wasmsh_os::{FileType, OpenFlags, Position};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "look",
    usage: &["[options] <string> [<file>]"],
    about: "Display lines beginning with a specified string.",
    options: &[
        Opt::flag("a,alternative", "use the alternative dictionary"),
        Opt::flag("d,alphanum", "compare only blanks and alphanumeric characters"),
        Opt::flag("f,ignore-case", "ignore case differences when comparing"),
        Opt::value("t,terminate", "CHAR", "define the string-termination character"),
        Opt::flag("V", ""),
        Opt::flag("h", ""),
    ],
    more: "The lines must be sorted as sort(1) does with the same options -d and -f. Without a\n\
           file, $WORDLIST or /usr/share/dict/words is searched, with -df.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

const WORDS: &str = "/usr/share/dict/words";
const ALTERNATIVE: &str = "/usr/share/dict/web2";

/// What of a line is compared.
struct Key {
    letters: bool,
    fold: bool,
    text: Vec<u8>,
}

async fn run(t: &mut Tool) -> Done {
    let mut key = Key { letters: false, fold: false, text: Vec::new() };
    let (mut alternative, mut end) = (false, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "a" => alternative = true,
            "d" => key.letters = true,
            "f" => key.fold = true,
            "t" => end = value.and_then(|value| value.first().copied()),
            "V" => return Err(Fail::Version),
            _ => return Err(Fail::Help),
        }
    }
    let operands = options.operands();
    let (text, file) = match &operands[..] {
        [text] => {
            (key.letters, key.fold) = (true, true);
            let usual = if alternative { ALTERNATIVE } else { WORDS };
            let list = t.ctx.env("WORDLIST").filter(|list| !list.is_empty() && !alternative);
            (text, list.unwrap_or_else(|| usual.into()))
        }
        [text, file] => (text, file.clone()),
        _ => return Err(Fail::Usage("bad usage".into())),
    };
    let text = match end.and_then(|end| text.iter().position(|byte| *byte == end)) {
        Some(at) => text.get(..=at).unwrap_or_default(),
        None => text,
    };
    key.text = key.kept(text).collect();
    match search(t, &file, &key).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fail::Status(1)),
        Err(Trouble::Read(error)) => Err(Fail::Message(format!("{file}: {}", error.strerror()), 1)),
        Err(Trouble::Fail(fail)) => Err(fail),
    }
}

enum Trouble {
    Read(Errno),
    Fail(Fail),
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Trouble {
        Trouble::Read(error)
    }
}

impl Key {
    /// The bytes of a text that count.
    fn kept<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
        let counts =
            |byte: &u8| !self.letters || byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'\t');
        let shown = |byte: &u8| if self.fold { byte.to_ascii_uppercase() } else { *byte };
        text.iter().filter(move |byte| counts(byte)).map(shown)
    }

    /// Where a line stands: equal to the key if it begins with it.
    fn compare(&self, line: &[u8]) -> Ordering {
        let mut line = self.kept(line);
        for wanted in &self.text {
            match line.next() {
                None => return Ordering::Less,
                Some(byte) if byte != *wanted => return byte.cmp(wanted),
                Some(_) => {}
            }
        }
        Ordering::Equal
    }
}

/// A piece in which lines are looked at one by one.
const NEAR: u64 = 8192;

async fn search(t: &mut Tool, file: &[u8], key: &Key) -> Result<bool, Trouble> {
    let descriptor = t.ctx.open(file, OpenFlags::READ, 0).await?;
    let stat = t.ctx.stat_descriptor(descriptor)?;
    if stat.kind == FileType::Directory {
        return Err(Errno::NoDevice.into());
    }
    if stat.size == 0 {
        return Err(Errno::Invalid.into());
    }
    let description = t.ctx.description(descriptor)?;
    let at = |t: &Tool, offset: u64| -> Result<Input, Errno> {
        t.ctx.seek(descriptor, Position::Start(offset))?;
        Ok(Input::new(t.ctx.clone(), description.clone()))
    };
    // Every line that begins before `low` is smaller; the first that is not begins at or before `high`.
    let (mut low, mut high) = (0, stat.size);
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        let mut input = at(t, middle)?;
        let begun = input.line(b'\n').await?.map_or(0, <[u8]>::len) as u64;
        match input.line(b'\n').await? {
            Some(line) if middle + begun < high && key.compare(line).is_lt() => low = middle + begun,
            _ => high = middle,
        }
    }
    let mut input = at(t, low)?;
    let mut found = false;
    while let Some(line) = input.line(b'\n').await? {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        match key.compare(text) {
            Ordering::Less if !found => {}
            Ordering::Equal => {
                found = true;
                t.out.put(line);
                t.out.drain().await.map_err(|error| Trouble::Fail(error.into()))?;
            }
            _ => break,
        }
    }
    Ok(found)
}
