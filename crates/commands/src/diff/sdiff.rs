//! `sdiff`: two files side by side, or merged by the answers to questions.

use std::ops::Range;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Child, Errno, Input, OpenFlags, Output, Spawn};

use super::side::Sides;
use super::text::Text;
use super::{hinted, missing_operand};
use crate::path::{base_name, join};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static SDIFF: Command = Command {
    name: "sdiff",
    usage: &["[OPTION]... FILE1 FILE2"],
    about: "Side-by-side merge of differences between FILE1 and FILE2.",
    options: &[
        Opt::value("o,output", "FILE", "operate interactively, sending output to FILE"),
        Opt::flag("i,ignore-case", "consider upper- and lower-case to be the same"),
        Opt::flag("E,ignore-tab-expansion", "ignore changes due to tab expansion"),
        Opt::flag("Z,ignore-trailing-space", "ignore white space at line end"),
        Opt::flag("b,ignore-space-change", "ignore changes in the amount of white space"),
        Opt::flag("W,ignore-all-space", "ignore all white space"),
        Opt::flag("B,ignore-blank-lines", "ignore changes whose lines are all blank"),
        Opt::value("I,ignore-matching-lines", "RE", "ignore changes all whose lines match RE"),
        Opt::flag("strip-trailing-cr", "strip trailing carriage return on input"),
        Opt::flag("a,text", "treat all files as text"),
        Opt::value("w,width", "NUM", "output at most NUM (default 130) print columns"),
        Opt::flag("l,left-column", "output only the left column of common lines"),
        Opt::flag("s,suppress-common-lines", "do not output common lines"),
        Opt::flag("t,expand-tabs", "expand tabs to spaces in output"),
        Opt::value("tabsize", "NUM", "tab stops at every NUM (default 8) print columns"),
        Opt::flag("d,minimal", "try hard to find a smaller set of changes"),
        Opt::flag("H,speed-large-files", "assume large files, many scattered small changes"),
        Opt::value("diff-program", "PROGRAM", ""),
        Opt::flag("v", ""),
    ],
    more: "If a FILE is '-', read standard input.\n\
           Exit status is 0 if inputs are the same, 1 if different, 2 if trouble.",
    usage_status: 2,
    main: |ctx| start(&SDIFF, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut output = None;
    let mut given: Vec<BString> = vec!["diff".into(), "-y".into()];
    let mut silent = false;
    let mut options = t.options();
    while let Some((name, value)) = options.next().map_err(|fail| hinted(t, fail))? {
        match (name, value) {
            ("o", value) => output = value,
            ("v", _) => return Err(Fail::Version),
            ("diff-program", Some(value)) if value == "diff" => {}
            ("diff-program", Some(value)) => {
                return Err(Fail::Message(format!("{value}: only diff itself is available here"), 2));
            }
            ("W", _) => given.push("-w".into()),
            ("w", Some(value)) => given.extend(["-W".into(), value]),
            ("l", _) => given.push("--left-column".into()),
            ("s", _) => silent = true,
            (name, Some(value)) if name.len() > 1 => given.push(format!("--{name}={value}").into()),
            (name, Some(value)) => given.extend([format!("-{name}").into(), value]),
            (name, None) if name.len() > 1 => given.push(format!("--{name}").into()),
            (name, None) => given.push(format!("-{name}").into()),
        }
    }
    let operands = options.operands();
    if let Some(extra) = operands.get(2) {
        return Err(hinted(t, Fail::Usage(format!("extra operand '{extra}'"))));
    }
    let Ok([left, right]) = <[BString; 2]>::try_from(operands) else { return Err(missing_operand(t)) };
    let Some(output) = output else {
        // The rest is done by another program, which speaks under its own name.
        if silent {
            given.push("--suppress-common-lines".into());
        }
        given.extend(["--".into(), left, right]);
        t.ctx.set_arguments(given);
        (t.name, t.command) = ("diff".into(), &super::COMMAND);
        return super::run(t).await;
    };
    let files = operands_of(t, left, right)?;
    let [left, right] = files.clone();
    given.extend(["--".into(), left, right]);
    t.ctx.set_arguments(given);
    t.command = &super::COMMAND;
    merge(t, output, files, silent).await
}

fn trouble(name: &[u8], error: Errno) -> Fail {
    Fail::Message(format!("{}: {}", name.as_bstr(), error.strerror()), 2)
}

/// The two files; of a directory, the one in it that is called like the other.
fn operands_of(t: &Tool, left: BString, right: BString) -> Result<[BString; 2], Fail> {
    if left == "-" || right == "-" {
        return Err(Fail::Message("cannot interactively merge standard input".into(), 2));
    }
    let is_directory = |name: &BString| t.ctx.stat(name, true).is_ok_and(|stat| stat.is_directory());
    match (is_directory(&left), is_directory(&right)) {
        (true, true) => Err(Fail::Message("both files to be compared are directories".into(), 2)),
        (true, false) => Ok([join(&left, base_name(&right)), right]),
        (false, true) => Ok([left.clone(), join(&right, base_name(&left))]),
        (false, false) => Ok([left, right]),
    }
}

/// What the answers do, and where.
struct Merge {
    answers: Input,
    out: Output,
    output: BString,
    names: [BString; 2],
    texts: [Text; 2],
    silent: bool,
}

/// The end of the answers, or the wish to end.
const GIVEN_UP: Fail = Fail::Status(2);

const HELP: &str = "ed:\tEdit then use both versions, each decorated with a header.\n\
    eb:\tEdit then use both versions.\n\
    el or e1:\tEdit then use the left version.\n\
    er or e2:\tEdit then use the right version.\n\
    e:\tDiscard both versions then edit a new one.\n\
    l or 1:\tUse the left version.\n\
    r or 2:\tUse the right version.\n\
    s:\tSilently include common lines.\n\
    v:\tVerbosely include common lines.\n\
    q:\tQuit.\n";

async fn merge(t: &mut Tool, output: BString, names: [BString; 2], silent: bool) -> Done {
    let (plan, _) = super::parse(t).await?;
    let mut contents = [const { Vec::new() }; 2];
    for (name, bytes) in names.iter().zip(&mut contents) {
        let result = match t.open(name).await {
            Ok(mut input) => input.read_to_end(bytes).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| trouble(name, error))?;
    }
    let out = t.ctx.create_output(&output, false).await.map_err(|error| trouble(&output, error))?;
    let [a, b] = contents;
    let (a, b, hunks) = super::compare(t, &plan, a, b).await;
    let answers = t.ctx.stdin()?;
    let mut merge = Merge { answers, out, output, names, texts: [a, b], silent };
    // The columns need the texts for themselves.
    let [a, b] = merge.texts.each_ref().map(|text| Text::new(text.bytes.clone()));
    let mut sides = Sides::new(&plan.look, &a, &b);
    let mut at = 0;
    for hunk in hunks.iter().filter(|hunk| !hunk.ignored) {
        let change = &hunk.change;
        sides.common(t.out.buffer(), (change.old.start, change.new.start), merge.silent);
        merge.copy(0, at..change.old.start).await?;
        at = change.old.end;
        sides.change(t.out.buffer(), change);
        t.status = 1;
        let result = merge.ask(t, &change.old, &change.new).await;
        if result.is_err() {
            merge.flush().await?;
            return result;
        }
    }
    sides.common(t.out.buffer(), (a.len(), b.len()), merge.silent);
    merge.copy(0, at..a.len()).await?;
    merge.flush().await
}

impl Merge {
    async fn flush(&mut self) -> Done {
        self.out.flush().await.map_err(|error| trouble(&self.output, error))
    }

    async fn copy(&mut self, side: usize, lines: Range<usize>) -> Done {
        let Some(text) = self.texts.get(side) else { return Ok(()) };
        self.out.write(text.lines(lines)).await.map_err(|error| trouble(&self.output, error))
    }

    /// Asks until lines were chosen.
    async fn ask(&mut self, t: &mut Tool, old: &Range<usize>, new: &Range<usize>) -> Done {
        loop {
            t.out.put(b"%");
            t.out.flush().await?;
            let line = self.answers.line(b'\n').await.map_err(|error| trouble(b"-", error))?;
            let Some(line) = line.map(|line| line.trim_ascii().to_vec()) else { return Err(GIVEN_UP) };
            match &line[..] {
                b"l" | b"1" => return self.copy(0, old.clone()).await,
                b"r" | b"2" => return self.copy(1, new.clone()).await,
                b"s" => self.silent = true,
                b"v" => self.silent = false,
                b"q" => return Err(GIVEN_UP),
                b"e" | b"ed" | b"eb" | b"el" | b"e1" | b"er" | b"e2" => {
                    return self.edit(t, line.get(1).copied(), old, new).await;
                }
                _ => {
                    t.err.put(HELP.as_bytes());
                    // Nobody is left to tell when this fails.
                    let _ = t.err.flush().await;
                }
            }
        }
    }

    /// Lets an editor change what was chosen, in a file of its own.
    async fn edit(
        &mut self,
        t: &mut Tool,
        which: Option<u8>,
        old: &Range<usize>,
        new: &Range<usize>,
    ) -> Done {
        let mut text = Vec::new();
        let chosen: &[(usize, &Range<usize>)] = match which {
            Some(b'd' | b'b') => &[(0, old), (1, new)],
            Some(b'l' | b'1') => &[(0, old)],
            Some(_) => &[(1, new)],
            None => &[],
        };
        for (side, lines) in chosen {
            if which == Some(b'd') && !lines.is_empty() {
                let (mark, name) = (if *side == 0 { "---" } else { "+++" }, self.names.get(*side));
                let place = match lines.len() {
                    1 => lines.end.to_string(),
                    _ => format!("{},{}", lines.start + 1, lines.end),
                };
                text.extend_from_slice(mark.as_bytes());
                text.push(b' ');
                text.extend_from_slice(name.map(|name| name.as_bytes()).unwrap_or_default());
                text.extend_from_slice(format!(" {place}\n").as_bytes());
            }
            text.extend_from_slice(
                self.texts.get(*side).map(|text| text.lines((*lines).clone())).unwrap_or_default(),
            );
        }
        let directory = t.ctx.env("TMPDIR").unwrap_or_else(|| "/tmp".into());
        let path = loop {
            let mut number = [0; 4];
            t.ctx.random(&mut number);
            let path = join(&directory, format!("sdiff{:08x}", u32::from_le_bytes(number)).as_bytes());
            let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            match t.ctx.open_description(&path, how, 0o600).await {
                Ok(file) => {
                    let mut file = Output::new(t.ctx.clone(), Some(file));
                    let written = file.write(&text).await;
                    written.and(file.flush().await).map_err(|error| trouble(&path, error))?;
                    break path;
                }
                Err(Errno::Exist) => {}
                Err(error) => return Err(trouble(&path, error)),
            }
        };
        let editor = t.ctx.env("EDITOR").unwrap_or_else(|| "ed".into());
        let arguments = vec![editor.clone(), path.clone()];
        let spawn = Spawn { program: editor.clone(), arguments, inherit: true, ..Spawn::default() };
        let status = match t.ctx.spawn(spawn) {
            Ok(pid) => t.ctx.wait(Child::Process(pid)).await.map_or(126, |(_, exit)| exit.status()),
            Err(Errno::NoEntry) => 127,
            Err(_) => 126,
        };
        let result = t.ctx.read_file(&path).await;
        // It is of no use to anybody else.
        let _ = t.ctx.remove_file(&path);
        let what = match status {
            0 => None,
            127 => Some("not found".to_owned()),
            126 => Some("could not be invoked".to_owned()),
            status => Some(format!("failed (exit status {status})")),
        };
        if let Some(what) = what {
            return Err(Fail::Message(format!("subsidiary program '{editor}' {what}"), 2));
        }
        let bytes = result.map_err(|error| trouble(&path, error))?;
        self.out.write(&bytes).await.map_err(|error| trouble(&self.output, error))
    }
}
