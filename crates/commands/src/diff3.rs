//! `diff3`: what three files have of each other's changes, as a listing, an ed script or a merged file. It stands on the
//! comparison of `diff`.

use std::ops::Range;

use bstr::{BString, ByteSlice};

use crate::diff::compare::{Change, changes};
use crate::diff::text::{Ends, Sameness, Text, classes, is_binary};
use crate::diff::{hinted, missing_operand};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "diff3",
    usage: &["[OPTION]... MYFILE OLDFILE YOURFILE"],
    about: "Compare three files line by line.",
    options: &[
        Opt::flag("A,show-all", "output all changes, bracketing conflicts"),
        Opt::flag("e,ed", "output ed script incorporating changes\nfrom OLDFILE to YOURFILE into MYFILE"),
        Opt::flag("E,show-overlap", "like -e, but bracket conflicts"),
        Opt::flag("3,easy-only", "like -e, but incorporate only nonoverlapping changes"),
        Opt::flag("x,overlap-only", "like -e, but incorporate only overlapping changes"),
        Opt::flag("X", "like -x, but bracket conflicts"),
        Opt::flag("i", "append 'w' and 'q' commands to ed scripts"),
        Opt::flag("m,merge", "output actual merged file, according to\n-A if no other options are given"),
        Opt::flag("a,text", "treat all files as text"),
        Opt::flag("strip-trailing-cr", "strip trailing carriage return on input"),
        Opt::flag("T,initial-tab", "make tabs line up by prepending a tab"),
        Opt::value("diff-program", "PROGRAM", ""),
        Opt::value("L,label", "LABEL", "use LABEL instead of file name\n(can be repeated up to three times)"),
        Opt::flag("v", ""),
    ],
    more: "The default output format is a somewhat human-readable representation of\n\
           the changes.\n\n\
           The -e, -E, -x, -X (and corresponding long) options cause an ed script\n\
           to be output instead of the default.\n\n\
           Finally, the -m (--merge) option causes diff3 to do the merge internally\n\
           and output the actual merged file.  For unusual input, this is more\n\
           robust than using ed.\n\n\
           If a FILE is '-', read standard input.\n\
           Exit status is 0 if successful, 1 if conflicts, 2 if trouble.",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Common lines at the ends that the comparison looks at all the same.
const HORIZON: usize = 100;

/// Mine, old, yours.
const MINE: usize = 0;
const OLD: usize = 1;
const YOURS: usize = 2;

/// Who differs in a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// One of the files; the two others have the same.
    Only(usize),
    All,
}

/// Lines of the three files that correspond, and are not the same in all of them.
struct Block {
    who: Who,
    lines: [Range<usize>; 3],
}

/// Which blocks are edited, and whether conflicts are bracketed.
#[derive(Clone, Copy)]
struct Style {
    /// Changes of yours alone.
    easy: bool,
    /// Changes of both.
    overlapping: bool,
    brackets: bool,
    /// Changes that both have made alike are shown, and what the old file had.
    all: bool,
}

fn style(name: &str) -> Style {
    let all = name == "A";
    Style {
        easy: !matches!(name, "x" | "X"),
        overlapping: name != "3",
        brackets: matches!(name, "A" | "E"),
        all,
    }
}

async fn run(t: &mut Tool) -> Done {
    let done = compare(t).await;
    done.map_err(|fail| hinted(t, fail))
}

async fn compare(t: &mut Tool) -> Done {
    let incompatible = || Fail::Usage("incompatible options".into());
    let mut chosen = None;
    let (mut merge, mut finish, mut initial_tab, mut as_text, mut strip) =
        (false, false, false, false, false);
    let mut labels: Vec<BString> = Vec::new();
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "A" | "e" | "E" | "3" | "x" | "X" => {
                if chosen.is_some_and(|old| old != name) {
                    return Err(incompatible());
                }
                chosen = Some(name);
            }
            "i" => finish = true,
            "m" => merge = true,
            "a" => as_text = true,
            "strip-trailing-cr" => strip = true,
            "T" => initial_tab = true,
            "L" => {
                if labels.len() == 3 {
                    return Err(Fail::Usage("too many file label options".into()));
                }
                labels.push(value.unwrap_or_default());
            }
            "v" => return Err(Fail::Version),
            "diff-program" => {
                let program = value.unwrap_or_default();
                if program != "diff" {
                    return Err(Fail::Message(format!("subsidiary program '{program}' not found"), 2));
                }
            }
            _ => {}
        }
    }
    if merge && chosen.is_none() {
        chosen = Some("A");
    }
    let style = chosen.map(style);
    if (finish && merge) || (!labels.is_empty() && !style.is_some_and(|style| style.brackets)) {
        return Err(incompatible());
    }
    let operands = options.operands();
    if let Some(extra) = operands.get(3) {
        return Err(Fail::Usage(format!("extra operand '{extra}'")));
    }
    let Ok([mine, old, yours]) = <[BString; 3]>::try_from(operands) else { return Err(missing_operand(t)) };
    let names = [mine, old, yours];
    if names.iter().filter(|name| *name == "-").count() > 1 {
        return Err(Fail::Message("'-' specified for more than one input file".into(), 2));
    }
    let trouble =
        |name: &BString, error: wasmsh_os::Errno| Fail::Message(format!("{name}: {}", error.strerror()), 2);
    for name in names.iter().filter(|name| *name != "-") {
        match t.ctx.stat(name, true) {
            Ok(stat) if stat.is_directory() => return Err(trouble(name, wasmsh_os::Errno::IsDirectory)),
            Ok(_) => {}
            Err(error) => return Err(trouble(name, error)),
        }
    }
    let mut contents = [const { Vec::new() }; 3];
    for (name, bytes) in names.iter().zip(&mut contents) {
        let result = match t.open(name).await {
            Ok(mut input) => input.read_to_end(bytes).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| trouble(name, error))?;
    }
    // The pairs are compared in this order, each with the file that the blocks are told by.
    let common = if style.is_some() { OLD } else { YOURS };
    for side in if style.is_some() { [YOURS, MINE] } else { [OLD, MINE] } {
        let [a, b] = [side, common].map(|file| contents.get(file).map(Vec::as_slice).unwrap_or_default());
        if !as_text && (is_binary(a) || is_binary(b)) && a != b {
            let [a, b] = [side, common].map(|file| names.get(file).cloned().unwrap_or_default());
            return Err(Fail::Message(format!("diff failed: Binary files {a} and {b} differ"), 2));
        }
    }
    let mut raw = None;
    if strip {
        let stripped = contents.each_ref().map(|contents| Text::without_carriage_returns(contents));
        let [mine, ..] = std::mem::replace(&mut contents, stripped);
        raw = Some(Text::new(mine));
    }
    let texts = contents.map(Text::new);
    let (blocks, incomplete) = blocks(t, &texts, common, style.is_some() && !merge).await;
    let mut labels = labels.into_iter();
    let names = names.map(|name| labels.next().unwrap_or(name));
    let Some(style) = style else {
        listing(t, &texts, &blocks, initial_tab).await?;
        return Ok(());
    };
    let script = Script { texts: &texts, names: &names, style };
    if merge {
        if names.first().is_some_and(|name| name == "-") {
            let (quoted, mode) = (t.quote(b"-"), t.quote(b"r"));
            let text = format!("failed to reopen {quoted} with mode {mode}: No such file or directory");
            return Err(Fail::Message(text, 2));
        }
        let [mine, ..] = &texts;
        return script.merge(t, &blocks, raw.as_ref().unwrap_or(mine)).await;
    }
    for _ in 0..incomplete {
        t.warn("No newline at end of file").await?;
    }
    script.ed(t, &blocks).await?;
    if finish {
        t.out.put(b"w\nq\n");
    }
    Ok(())
}

/// The blocks of three files, by the differences that two of them have from the `common` one; and how many times these
/// differences show a line that lacks its newline. `ed`: which scripts for `ed` have no way to say.
async fn blocks(t: &Tool, texts: &[Text; 3], common: usize, ed: bool) -> (Vec<Block>, usize) {
    let [a, b, c] = texts;
    let sameness = Sameness { newline_counts: true, tab_size: 8, ..Sameness::default() };
    let all = classes(&t.ctx, [a, b, c].map(|text| (text, 0..text.len())), &sameness).await;
    let class = |file: usize| all.get(file).map(Vec::as_slice).unwrap_or_default();
    let others = [MINE, if common == OLD { YOURS } else { OLD }];
    let mut found = [const { Vec::new() }; 2];
    for (file, found) in others.into_iter().zip(&mut found) {
        let (Some(text), Some(base)) = (texts.get(file), texts.get(common)) else { continue };
        let ends = Ends::find(text, base, HORIZON, true);
        let [x, y] = [(file, text), (common, base)]
            .map(|(file, text)| class(file).get(ends.between(text)).unwrap_or_default());
        *found = changes(&t.ctx, x, y, ends.prefix, false).await;
    }
    let lacks = |file: usize, end: usize| {
        texts.get(file).is_some_and(|text| text.lacks_newline() && end == text.len())
    };
    let mut incomplete = 0;
    for (file, changes) in others.into_iter().zip(&found) {
        if let Some(Change { old, new }) = changes.last() {
            incomplete += usize::from(!old.is_empty() && lacks(file, old.end));
            incomplete += usize::from(!new.is_empty() && lacks(common, new.end));
        }
    }
    let mut blocks = Vec::new();
    let mut at = [0, 0];
    // By how much lines of the others are behind those of the common file.
    let mut shift = [0_isize, 0];
    loop {
        let next = |side: usize, at: &[usize; 2]| -> Option<&Change> {
            found.get(side).and_then(|all| all.get(at.get(side).copied().unwrap_or(0)))
        };
        let first = [next(0, &at), next(1, &at)].into_iter().flatten().map(|change| change.new.start).min();
        let Some(low) = first else { return (blocks, incomplete) };
        let (mut high, mut low_shift, mut involved) = (low, shift, [false, false]);
        loop {
            let mut grown = false;
            for side in [0, 1] {
                let Some(change) = next(side, &at) else { continue };
                // Changes that touch belong together.
                if change.new.start > high {
                    continue;
                }
                high = high.max(change.new.end);
                if let (Some(at), Some(shift), Some(involved)) =
                    (at.get_mut(side), shift.get_mut(side), involved.get_mut(side))
                {
                    *at += 1;
                    *shift = change.old.end as isize - change.new.end as isize;
                    *involved = true;
                }
                grown = true;
            }
            if !grown {
                break;
            }
        }
        let mut lines = [low..high, low..high, low..high];
        for (side, file) in others.into_iter().enumerate() {
            if let (Some(range), Some(before), Some(after)) =
                (lines.get_mut(file), low_shift.get_mut(side), shift.get(side))
            {
                *range = low.saturating_add_signed(*before)..high.saturating_add_signed(*after);
            }
        }
        let [first, second] = others;
        let of = |file: usize| {
            let text = texts.get(file).zip(lines.get(file)).map(|(text, range)| text.lines(range.clone()));
            let text = text.unwrap_or_default();
            if ed { text.strip_suffix(b"\n").unwrap_or(text) } else { text }
        };
        let who = match involved {
            [true, false] => Who::Only(first),
            [false, _] => Who::Only(second),
            _ if lines.get(first).map(Range::len) == lines.get(second).map(Range::len)
                && of(first) == of(second) =>
            {
                Who::Only(common)
            }
            _ => Who::All,
        };
        blocks.push(Block { who, lines });
    }
}

const MISSING: &[u8] = b"\n\\ No newline at end of file\n";

/// The listing that is meant to be read.
async fn listing(t: &mut Tool, texts: &[Text; 3], blocks: &[Block], initial_tab: bool) -> Done {
    let lead: &[u8] = if initial_tab { b"\t" } else { b"  " };
    for block in blocks {
        let (mark, order, silent) = match block.who {
            Who::All => ("", [0, 1, 2], None),
            Who::Only(0) => ("1", [0, 1, 2], Some(1)),
            // What is the same in two files is shown once, behind the second.
            Who::Only(1) => ("2", [0, 2, 1], Some(0)),
            Who::Only(_) => ("3", [0, 1, 2], Some(0)),
        };
        t.out.put(format!("===={mark}\n").as_bytes());
        for file in order {
            let (Some(text), Some(range)) = (texts.get(file), block.lines.get(file)) else { continue };
            let place = match range.len() {
                0 => format!("{}a", range.start),
                1 => format!("{}c", range.end),
                _ => format!("{},{}c", range.start + 1, range.end),
            };
            t.out.put(format!("{}:{place}\n", file + 1).as_bytes());
            if silent == Some(file) {
                continue;
            }
            for index in range.clone() {
                let line = text.line(index);
                t.out.put(lead);
                t.out.put(line);
                if !line.ends_with(b"\n") {
                    t.out.put(MISSING);
                }
                t.out.drain().await?;
            }
        }
    }
    Ok(())
}

/// What edits my file.
struct Script<'a> {
    texts: &'a [Text; 3],
    names: &'a [BString; 3],
    style: Style,
}

impl Script<'_> {
    fn takes(&self, block: &Block) -> bool {
        match block.who {
            Who::Only(YOURS) => self.style.easy,
            Who::Only(OLD) => self.style.all,
            Who::Only(_) => false,
            Who::All => self.style.overlapping,
        }
    }

    fn is_bracketed(&self, block: &Block) -> bool {
        self.style.brackets && block.who != Who::Only(YOURS)
    }

    fn mark(&self, t: &mut Tool, mark: &str, file: usize) {
        t.out.put(format!("{mark} ").as_bytes());
        t.out.put(self.names.get(file).map(|name| name.as_bytes()).unwrap_or_default());
        t.out.put(b"\n");
    }

    /// Lines of a file as ed takes them; whether one of them needs a dot taken off.
    async fn insert(&self, t: &mut Tool, block: &Block, file: usize) -> Result<bool, Fail> {
        let mut dots = false;
        let (Some(text), Some(range)) = (self.texts.get(file), block.lines.get(file)) else {
            return Ok(false);
        };
        for index in range.clone() {
            let line = text.line(index);
            if line.starts_with(b".") {
                t.out.put(b".");
                dots = true;
            }
            t.out.put(line);
            if !line.ends_with(b"\n") {
                t.out.put(b"\n");
            }
            t.out.drain().await?;
        }
        Ok(dots)
    }

    async fn ed(&self, t: &mut Tool, blocks: &[Block]) -> Done {
        for block in blocks.iter().rev().filter(|block| self.takes(block)) {
            let [mine, old, yours] = &block.lines;
            let undot = |first: usize, count: usize| match count {
                1 => format!("{first}s/^\\.//\n"),
                _ => format!("{first},{}s/^\\.//\n", first + count - 1),
            };
            if !self.is_bracketed(block) {
                let place = match mine.len() {
                    0 => format!("{}a\n", mine.end),
                    _ if yours.is_empty() && mine.len() == 1 => format!("{}d\n", mine.end),
                    _ if yours.is_empty() => format!("{},{}d\n", mine.start + 1, mine.end),
                    1 => format!("{}c\n", mine.end),
                    _ => format!("{},{}c\n", mine.start + 1, mine.end),
                };
                t.out.put(place.as_bytes());
                if yours.is_empty() {
                    continue;
                }
                let dots = self.insert(t, block, YOURS).await?;
                t.out.put(b".\n");
                if dots {
                    t.out.put(undot(mine.start + 1, yours.len()).as_bytes());
                }
                continue;
            }
            t.status = 1;
            t.out.put(format!("{}a\n", mine.end).as_bytes());
            let overlap = block.who == Who::All;
            if overlap {
                let mut dots = false;
                if self.style.all {
                    self.mark(t, "|||||||", OLD);
                    dots = self.insert(t, block, OLD).await?;
                }
                t.out.put(b"=======\n");
                dots |= self.insert(t, block, YOURS).await?;
                self.mark(t, ">>>>>>>", YOURS);
                t.out.put(b".\n");
                if dots {
                    t.out.put(undot(mine.end + 2, old.len() + yours.len() + 1).as_bytes());
                }
            } else {
                self.mark(t, ">>>>>>>", YOURS);
                t.out.put(b".\n");
            }
            t.out.put(format!("{}a\n", mine.start).as_bytes());
            self.mark(t, "<<<<<<<", if overlap { MINE } else { OLD });
            let mut dots = false;
            if !overlap {
                dots = self.insert(t, block, OLD).await?;
                t.out.put(b"=======\n");
            }
            t.out.put(b".\n");
            if dots {
                t.out.put(undot(mine.start + 2, old.len()).as_bytes());
            }
        }
        Ok(())
    }

    /// Lines of a file as they are.
    async fn copy(&self, t: &mut Tool, text: &Text, lines: Range<usize>) -> Done {
        Ok(t.out.write(text.lines(lines)).await?)
    }

    async fn merge(&self, t: &mut Tool, blocks: &[Block], raw: &Text) -> Done {
        let [mine, old, yours] = self.texts;
        let mut at = 0;
        for block in blocks.iter().filter(|block| self.takes(block)) {
            let [in_mine, in_old, in_yours] = block.lines.clone();
            self.copy(t, raw, at..in_mine.start).await?;
            at = in_mine.end;
            if !self.is_bracketed(block) {
                self.copy(t, yours, in_yours).await?;
                continue;
            }
            t.status = 1;
            if block.who == Who::All {
                self.mark(t, "<<<<<<<", MINE);
                self.copy(t, mine, in_mine).await?;
                if self.style.all {
                    self.mark(t, "|||||||", OLD);
                    self.copy(t, old, in_old).await?;
                }
            } else {
                self.mark(t, "<<<<<<<", OLD);
                self.copy(t, old, in_old).await?;
            }
            t.out.put(b"=======\n");
            self.copy(t, yours, in_yours).await?;
            self.mark(t, ">>>>>>>", YOURS);
        }
        self.copy(t, raw, at..raw.len()).await
    }
}
