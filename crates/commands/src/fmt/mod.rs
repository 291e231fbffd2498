//! `fmt`: refills paragraphs. How a paragraph is broken is in `layout.rs`.

mod layout;

use bstr::{BString, ByteSlice};

use crate::lines::or_stdin;
use crate::{Command, Done, Fail, Opt, Tool, start};
use layout::{Measure, Word};

pub(crate) static COMMAND: Command = Command {
    name: "fmt",
    usage: &["[-WIDTH] [OPTION]... [FILE]..."],
    about: "Reformat each paragraph in the FILE(s), writing to standard output.\n\
            The option -WIDTH is an abbreviated form of --width=DIGITS.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("c,crown-margin", "preserve indentation of first two lines"),
        Opt::value(
            "p,prefix",
            "STRING",
            "reformat only lines beginning with STRING,\nreattaching the prefix to reformatted lines",
        ),
        Opt::flag("s,split-only", "split long lines, but do not refill"),
        Opt::flag("t,tagged-paragraph", "indentation of first line different from second"),
        Opt::flag("u,uniform-spacing", "one space between words, two after sentences"),
        Opt::value("w,width", "WIDTH", "maximum line width (default of 75 columns)"),
        Opt::value("g,goal", "WIDTH", "goal width (default of 93% of width)"),
        Opt::value("#", "WIDTH", ""),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// The width without `-w` and `-g`.
const WIDTH: usize = 75;
/// The largest width.
const MOST: usize = 2500;
/// How much wider than the goal a line may be when only the goal is given.
const LEEWAY: usize = 10;

/// Which lines make a paragraph; of several that are asked for, the last of these is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Style {
    /// Those with the same indentation.
    Plain,
    /// The second line may have another one, which the rest has, too.
    Crown,
    /// As that, and the second line must have another one.
    Tagged,
    /// Each line is one.
    Split,
}

struct Plan {
    style: Style,
    uniform: bool,
    /// Without the blanks around it.
    prefix: BString,
    /// Columns that must stand before it at least.
    lead: usize,
    measure: Measure,
}

/// A paragraph that is being gathered, and what outlives it.
struct Filler<'a> {
    plan: &'a Plan,
    text: Vec<u8>,
    words: Vec<Word>,
    lines: usize,
    /// Columns before the prefix.
    margin: usize,
    first: usize,
    other: usize,
    /// The length of the line before, if the paragraph goes on after some lines of it were written.
    before: usize,
    /// The input has had a tabulator: blanks are written as tabulators where they reach a stop.
    tabs: bool,
}

/// What a line is.
enum Kind {
    /// To be filled: the columns before its prefix and before its text, and where the text begins.
    Text { margin: usize, indent: usize, at: usize },
    /// To be written as it is from there on, after so many columns and perhaps the prefix.
    Other { margin: usize, prefix: bool, at: usize },
}

async fn run(t: &mut Tool) -> Done {
    let plan = plan(t)?;
    let (plan, files) = plan;
    let mut filler = Filler {
        plan: &plan,
        text: Vec::new(),
        words: Vec::new(),
        lines: 0,
        margin: 0,
        first: 0,
        other: 0,
        before: 0,
        tabs: false,
    };
    for file in or_stdin(files) {
        let mut input = match t.open(&file).await {
            Ok(input) => input,
            Err(error) => {
                let name = crate::quote::quote_always(&file);
                t.error(format!("cannot open {name} for reading: {}", error.strerror())).await?;
                continue;
            }
        };
        loop {
            match input.line(b'\n').await {
                Ok(Some(line)) => filler.line(t, line).await?,
                Ok(None) => break,
                Err(_) => {
                    t.error("read error").await?;
                    break;
                }
            }
        }
        filler.end(t).await?;
    }
    Ok(())
}

fn plan(t: &Tool) -> Result<(Plan, Vec<BString>), Fail> {
    let mut arguments = t.arguments();
    let (mut width, mut goal) = (None, None);
    // `-WIDTH` is one only as the first argument, and whole.
    if let Some(first) = arguments.first()
        && first.first() == Some(&b'-')
        && first.get(1).is_some_and(u8::is_ascii_digit)
    {
        width = first.get(1..).map(BString::from);
        arguments.remove(0);
    }
    let (mut style, mut uniform, mut prefix) = (Style::Plain, false, BString::default());
    let mut options = t.options_of(arguments);
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "c" => style = style.max(Style::Crown),
            "s" => style = style.max(Style::Split),
            "t" => style = style.max(Style::Tagged),
            "u" => uniform = true,
            "w" => width = Some(value),
            "g" => goal = Some(value),
            "p" => prefix = value,
            _ => {
                let letter = value.first().copied().unwrap_or_default() as char;
                return Err(Fail::Usage(format!(
                    "invalid option -- {letter}; -WIDTH is recognized only when it is the first\n\
                     option; use -w N instead"
                )));
            }
        }
    }
    let width = width.map(|text| columns(t, &text, MOST)).transpose()?;
    let goal = goal.map(|text| columns(t, &text, width.unwrap_or(WIDTH))).transpose()?;
    let (width, goal) = match (width, goal) {
        (width, Some(goal)) => (width.unwrap_or(goal + LEEWAY), goal),
        (width, None) => {
            let width = width.unwrap_or(WIDTH);
            // Seven per cent below it, and the half of one.
            (width, width * 187 / 200)
        }
    };
    let lead = prefix.iter().take_while(|byte| **byte == b' ').count();
    let prefix =
        BString::from(prefix.trim_start_with(|letter| letter == ' ').trim_end_with(|letter| letter == ' '));
    Ok((Plan { style, uniform, prefix, lead, measure: Measure { width, goal } }, options.operands()))
}

fn columns(t: &Tool, text: &[u8], most: usize) -> Result<usize, Fail> {
    let wrong = format!("invalid width: {}", t.quote(text));
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(Fail::Message(wrong, 1));
    }
    match text.to_str().ok().and_then(|text| text.parse::<u64>().ok()) {
        None => Err(Fail::Message(format!("{wrong}: Value too large for defined data type"), 1)),
        Some(value) => match usize::try_from(value) {
            Ok(value) if value <= most => Ok(value),
            _ => Err(Fail::Message(format!("{wrong}: Numerical result out of range"), 1)),
        },
    }
}

impl Filler<'_> {
    /// Takes the next line, with its newline if it has one.
    async fn line(&mut self, t: &mut Tool, line: &[u8]) -> Done {
        let (text, newline) = match line.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (line, false),
        };
        match self.kind(text) {
            Kind::Text { margin, indent, at } => {
                if self.lines > 0 && !self.continues(margin, indent) {
                    self.end(t).await?;
                }
                match self.lines {
                    0 => (self.margin, self.first) = (margin, indent),
                    1 => self.other = indent,
                    _ => {}
                }
                self.lines += 1;
                self.take_words(t, text, at, indent).await?;
                if self.plan.style == Style::Split {
                    self.end(t).await?;
                }
            }
            Kind::Other { margin, prefix, at } => {
                self.end(t).await?;
                let rest = text.get(at..).unwrap_or_default();
                if prefix || !rest.is_empty() {
                    put_gap(t, 0, margin, self.tabs);
                }
                if prefix {
                    t.out.put(&self.plan.prefix);
                }
                t.out.put(rest);
                if newline || rest.is_empty() {
                    t.out.put(b"\n");
                }
            }
        }
        t.out.drain().await?;
        Ok(())
    }

    fn kind(&mut self, text: &[u8]) -> Kind {
        let (mut at, margin) = self.blanks(text, 0, 0);
        let prefix = &self.plan.prefix;
        if prefix.is_empty() {
            return if at == text.len() {
                Kind::Other { margin: 0, prefix: false, at }
            } else {
                Kind::Text { margin: 0, indent: margin, at }
            };
        }
        if margin < self.plan.lead || !text.get(at..).unwrap_or_default().starts_with(prefix) {
            return Kind::Other { margin, prefix: false, at };
        }
        at += prefix.len();
        let (end, indent) = self.blanks(text, at, margin + prefix.len());
        if end == text.len() {
            return Kind::Other { margin, prefix: true, at: end };
        }
        Kind::Text { margin, indent, at: end }
    }

    /// Skips blanks; where they end, and in which column.
    fn blanks(&mut self, text: &[u8], mut at: usize, mut column: usize) -> (usize, usize) {
        loop {
            match text.get(at) {
                Some(b' ') => column += 1,
                Some(b'\t') => {
                    self.tabs = true;
                    column = column / 8 * 8 + 8;
                }
                _ => return (at, column),
            }
            at += 1;
        }
    }

    /// Whether a line belongs to the paragraph begun.
    fn continues(&self, margin: usize, indent: usize) -> bool {
        if margin != self.margin {
            return false;
        }
        match self.plan.style {
            Style::Split => false,
            Style::Plain => indent == self.first,
            Style::Crown if self.lines == 1 => true,
            Style::Tagged if self.lines == 1 => indent != self.first,
            Style::Crown | Style::Tagged => indent == self.other,
        }
    }

    async fn take_words(&mut self, t: &mut Tool, text: &[u8], mut at: usize, mut column: usize) -> Done {
        while at < text.len() {
            // A word has at least one letter, even if that is a form feed.
            let rest = text.get(at + 1..).unwrap_or_default();
            let is_space = |byte: &u8| matches!(byte, b' ' | 9..=13);
            let length = 1 + rest.iter().position(is_space).unwrap_or(rest.len());
            let word = text.get(at..at + length).unwrap_or_default();
            at += length;
            column += length;
            let (end, next) = self.blanks(text, at, column);
            let last = end == text.len();
            let mut found = Word::new(word, next - column, last);
            if last || self.plan.uniform {
                found.gap = if found.ends_sentence { 2 } else { 1 };
            }
            self.text.extend_from_slice(word);
            self.words.push(found);
            (at, column) = (end, next);
            if self.words.len() >= layout::MOST_WORDS || self.text.len() >= layout::MOST_BYTES {
                self.write_some(t).await?;
            }
        }
        Ok(())
    }

    /// The paragraph is over.
    async fn end(&mut self, t: &mut Tool) -> Done {
        if self.words.is_empty() {
            self.lines = 0;
            return Ok(());
        }
        self.settle();
        if let Some(last) = self.words.last_mut() {
            last.ends_sentence = true;
        }
        let plan = layout::plan(&self.words, self.plan.measure, (self.first, self.other), self.before);
        let all = self.words.len();
        self.write(t, &plan, all).await?;
        self.text.clear();
        self.words.clear();
        (self.lines, self.before) = (0, 0);
        Ok(())
    }

    /// The indentation of the lines after the first, where no second line has told it.
    fn settle(&mut self) {
        match self.plan.style {
            Style::Plain | Style::Split => self.other = self.first,
            Style::Crown if self.lines == 1 => self.other = self.first,
            Style::Tagged if self.lines == 1 && self.other == self.first => {
                self.other = if self.first == 0 { 3 } else { 0 };
            }
            Style::Crown | Style::Tagged => {}
        }
    }

    /// Writes the first lines of a paragraph that is longer than what is laid out at once.
    async fn write_some(&mut self, t: &mut Tool) -> Done {
        self.settle();
        let plan = layout::plan(&self.words, self.plan.measure, (self.first, self.other), self.before);
        let upto = layout::cut(&plan);
        self.before = self.write(t, &plan, upto).await?;
        let bytes: usize = self.words.iter().take(upto).map(|word| word.length).sum();
        self.text.drain(..bytes);
        self.words.drain(..upto);
        self.first = self.other;
        Ok(())
    }

    /// Writes the lines that end at or before the word with this index, and tells the length of the last.
    async fn write(&mut self, t: &mut Tool, plan: &layout::Plan, upto: usize) -> Result<usize, Fail> {
        let (mut start, mut at, mut indent, mut length) = (0, 0, self.first, 0);
        while start < upto {
            let end = plan.next(start).min(self.words.len());
            let mut column = 0;
            if !self.plan.prefix.is_empty() {
                put_gap(t, 0, self.margin, self.tabs);
                t.out.put(&self.plan.prefix);
                column = self.margin + self.plan.prefix.len();
            }
            put_gap(t, column, indent.max(column), self.tabs);
            column = indent.max(column);
            let line = self.words.get(start..end).unwrap_or_default();
            for (index, word) in line.iter().enumerate() {
                t.out.put(self.text.get(at..at + word.length).unwrap_or_default());
                at += word.length;
                column += word.length;
                if index + 1 < line.len() {
                    put_gap(t, column, column + word.gap, self.tabs);
                    column += word.gap;
                }
            }
            length = column;
            t.out.put(b"\n");
            t.out.drain().await?;
            (start, indent) = (end, self.other);
        }
        Ok(length)
    }
}

/// Blanks from one column to another.
fn put_gap(t: &mut Tool, mut from: usize, to: usize, tabs: bool) {
    // A tabulator that would stand for one blank alone is not worth it.
    let stop = to / 8 * 8;
    if tabs && from + 1 < stop {
        while from < stop {
            t.out.put(b"\t");
            from = from / 8 * 8 + 8;
        }
    }
    t.blanks(to - from);
}
