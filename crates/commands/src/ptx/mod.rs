//! `ptx`: permuted indexes, with each keyword in its context.

mod layout;
mod text;

use bstr::{BString, ByteSlice};
use wasmsh_regex::{Regex, Syntax};

use layout::{Format, Layout};
use text::{Source, Words};

use crate::escape::{Escape, Octal, escape};
use crate::lines::or_stdin;
use crate::number::parse_size;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "ptx",
    usage: &["[OPTION]... [INPUT]...   (without -G)", "-G [OPTION]... [INPUT [OUTPUT]]"],
    about: "Output a permuted index, including context, of the words in the input files.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("A,auto-reference", "output automatically generated references"),
        Opt::flag("G,traditional", "behave more like System V 'ptx'"),
        Opt::value(
            "F,flag-truncation",
            "STRING",
            "use STRING for flagging line truncations;\nthe default is '/'",
        ),
        Opt::value("M,macro-name", "STRING", "macro name to use instead of 'xx'"),
        Opt::flag("O", "generate output as roff directives"),
        Opt::flag("R,right-side-refs", "put references at right, not counted in -w"),
        Opt::value("S,sentence-regexp", "REGEXP", "for end of lines or end of sentences"),
        Opt::flag("T", "generate output as TeX directives"),
        Opt::value("W,word-regexp", "REGEXP", "use REGEXP to match each keyword"),
        Opt::value("b,break-file", "FILE", "word break characters in this FILE"),
        Opt::flag("f,ignore-case", "fold lower case to upper case for sorting"),
        Opt::value("g,gap-size", "NUMBER", "gap size in columns between output fields"),
        Opt::value("i,ignore-file", "FILE", "read ignore word list from FILE"),
        Opt::value("o,only-file", "FILE", "read only word list from this FILE"),
        Opt::flag("r,references", "first field of each line is a reference"),
        Opt::flag("t,typeset-mode", "- not implemented -"),
        Opt::value("w,width", "NUMBER", "output width in columns, reference excluded"),
        Opt::value("format", "roff|tex", ""),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// The end of a sentence, as the manual has it, for messages and in the syntax of [`Regex`].
const SENTENCE: &str = "[.?!][]\"')}]*\\\\($\\\\|\\t\\\\|  \\\\)[ \\t\\n]*";

/// A pattern, and how messages show it.
pub(super) struct Pattern {
    regex: Regex,
    shown: String,
}

impl Pattern {
    /// Of Emacs' syntax, with the escapes of C.
    fn new(t: &Tool, text: &[u8], fold: bool) -> Result<Pattern, Fail> {
        let syntax = Syntax { multiline: true, ignore_case: fold, ..Syntax::BASIC };
        let regex = Regex::new(&crate::tac::basic(text), &syntax).map_err(|_| {
            let said = t.quote(text);
            Fail::Message(format!("Invalid regular expression (for regexp {said})"), 1)
        })?;
        Ok(Pattern { regex, shown: t.quote(text) })
    }

    /// What is matched from `at` on, as if the text began there.
    fn find(&self, text: &[u8], at: usize) -> Result<Option<(usize, usize)>, Fail> {
        let rest = text.get(at..).unwrap_or_default();
        let found = self.regex.find_at(rest, 0).map_err(|error| Fail::Message(error.to_string(), 1))?;
        Ok(found.map(|span| (at + span.start, at + span.end)))
    }

    fn empty(&self) -> Fail {
        let message = format!("error: regular expression has a match of length zero: {}", self.shown);
        Fail::Message(message, 1)
    }
}

fn unescaped(text: &[u8]) -> BString {
    let mut result = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, behind) = rest.split_at(at);
        result.extend_from_slice(plain);
        rest = behind.get(1..).unwrap_or_default();
        let (count, what) = escape(rest, Octal::Zero, &mut result);
        rest = rest.get(count..).unwrap_or_default();
        if matches!(what, Escape::Stop) {
            return result.into();
        }
    }
    result.extend_from_slice(rest);
    result.into()
}

async fn contents(t: &Tool, file: &[u8]) -> Result<Vec<u8>, Fail> {
    let mut bytes = Vec::new();
    let result = match t.open(file).await {
        Ok(mut input) => input.read_to_end(&mut bytes).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Fail::Message(format!("{}: {}", quote_name(file), error.strerror()), 1)),
    }
}

/// A list of words, one a line, ready to be searched.
async fn word_list(t: &Tool, file: Option<BString>, fold: bool) -> Result<Option<Vec<BString>>, Fail> {
    let Some(file) = file else { return Ok(None) };
    let bytes = contents(t, &file).await?;
    let mut words: Vec<BString> = bytes
        .lines_with_terminator()
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        .filter(|word| !word.is_empty())
        .map(|word| folded(word, fold))
        .collect();
    words.sort_unstable();
    Ok(Some(words))
}

fn folded(word: &[u8], fold: bool) -> BString {
    if fold { word.to_ascii_uppercase().into() } else { word.into() }
}

/// A line is made in memory: it is at most this wide.
const WIDEST: i64 = 1 << 24;

fn positive(t: &Tool, text: &[u8], what: &str) -> Result<i64, Fail> {
    let value = parse_size(text, b"").ok().and_then(|value| i64::try_from(value).ok());
    let wrong = || Fail::Message(format!("invalid {what}: {}", t.quote(text)), 1);
    value.filter(|value| (1..=i64::MAX / 4).contains(value)).ok_or_else(wrong)
}

async fn run(t: &mut Tool) -> Done {
    let mut layout = Layout {
        format: Format::Plain,
        width: 72,
        gap: 3,
        flag: "/".into(),
        name: "xx".into(),
        automatic: false,
        references: false,
        right: false,
        traditional: false,
        reference_width: 0,
        longest: 0,
    };
    let (mut fold, mut sentence, mut word) = (false, None, None);
    let (mut breaks, mut ignore, mut only) = (None, None, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.unwrap_or_default();
        match name {
            "A" => layout.automatic = true,
            "G" => layout.traditional = true,
            "F" => layout.flag = unescaped(&text),
            "M" => layout.name = text,
            "O" => layout.format = Format::Roff,
            "R" => layout.right = true,
            "S" => sentence = Some(unescaped(&text)),
            "T" => layout.format = Format::Tex,
            "W" => word = Some(unescaped(&text)).filter(|text| !text.is_empty()),
            "b" => breaks = Some(text),
            "f" => fold = true,
            "g" => layout.gap = positive(t, &text, "gap width")?,
            "i" => ignore = Some(text),
            "o" => only = Some(text),
            "r" => layout.references = true,
            "w" => layout.width = positive(t, &text, "line width")?,
            "format" => {
                let words = [("roff", "roff"), ("tex", "tex")];
                let roff = crate::choice::choose(t, "--format", &text, &words)? == "roff";
                layout.format = if roff { Format::Roff } else { Format::Tex };
            }
            _ => {}
        }
    }
    if layout.gap.max(layout.width) > WIDEST {
        return Err(Fail::Message("memory exhausted".into(), 1));
    }
    let mut files = options.operands();
    if layout.traditional {
        if let Some(extra) = files.get(2) {
            return Err(t.extra_operand(extra.as_bstr()));
        }
        if files.len() == 2
            && let Some(output) = files.pop()
        {
            let file = t.ctx.create_output(&output, false).await;
            t.out = file.map_err(|error| {
                Fail::Message(format!("{}: {}", quote_name(&output), error.strerror()), 1)
            })?;
        }
        if layout.format == Format::Plain {
            layout.format = Format::Roff;
        }
    }
    let sentence = match sentence {
        Some(text) if text.is_empty() => None,
        Some(text) => Some(Pattern::new(t, &text, fold)?),
        None if layout.traditional || layout.references => Some(Pattern::new(t, b"\n", false)?),
        None => {
            let mut pattern = Pattern::new(t, b"[.?!][]\"')}]*\\($\\|\t\\|  \\)[ \t\n]*", false)?;
            pattern.shown = format!("‘{SENTENCE}’");
            Some(pattern)
        }
    };
    let words = match (word, breaks) {
        (Some(text), _) => Words::Pattern(Pattern::new(t, &text, fold)?),
        (None, Some(file)) => {
            let mut set = [true; 256];
            let listed = contents(t, &file).await?;
            let more: &[u8] = if layout.traditional { b" \t\n" } else { b"" };
            for &byte in listed.iter().chain(more) {
                if let Some(place) = set.get_mut(usize::from(byte)) {
                    *place = false;
                }
            }
            Words::Set(Box::new(set))
        }
        (None, None) => {
            let traditional = layout.traditional;
            let part =
                |byte: u8| if traditional { !b" \t\n".contains(&byte) } else { byte.is_ascii_alphabetic() };
            Words::Set(Box::new(std::array::from_fn(|byte| part(byte as u8))))
        }
    };
    let ignore = word_list(t, ignore, fold).await?;
    let only = word_list(t, only, fold).await?;
    let mut sources = Vec::new();
    for file in or_stdin(files) {
        let bytes = contents(t, &file).await?;
        sources.push(Source::new(if file == "-" { BString::default() } else { file }, bytes));
    }
    let keep = |word: &[u8]| {
        let word = folded(word, fold);
        let listed = |list: &Vec<BString>| list.binary_search(&word).is_ok();
        !ignore.as_ref().is_some_and(listed) && only.as_ref().is_none_or(listed)
    };
    for source in &mut sources {
        source.find(t, sentence.as_ref(), &words, layout.references, &keep).await?;
        layout.measure(source);
    }
    let mut order: Vec<(&Source, usize)> = Vec::new();
    for source in &sources {
        order.extend((0..source.keywords.len()).map(|index| (source, index)));
    }
    // Equal words stay in the order of the text.
    if fold {
        order.sort_by_cached_key(|(source, index)| source.keyword(*index).to_ascii_uppercase());
    } else {
        order.sort_by(|a, b| a.0.keyword(a.1).cmp(b.0.keyword(b.1)));
    }
    for (source, index) in order {
        layout.write(source, index, t.out.buffer());
        t.out.drain().await?;
        t.ctx.tick().await;
    }
    Ok(())
}
