//! Runs a script over the lines of the input.

use std::rc::Rc;

use wasmsh_os::{Errno, Input};
use wasmsh_regex::{Exhausted, Regex};

use super::replace::{Trouble, first_line, list, substitute, translate};
use super::script::{Action, Address, Command, End, RegexId, Script};
use super::stream::{Sink, Source};
use crate::number::decimal;
use crate::{Done, Fail, Tool};

/// Where a command writes.
#[derive(Clone, Copy)]
enum Target {
    /// Where the pattern space goes.
    Main,
    Stdout,
    Stderr,
    File(usize),
}

/// What the end of a cycle writes, beside the pattern space.
enum Queued {
    /// The text of an `a`, by the command's index.
    Text(usize),
    /// A file, by the index of the `r`.
    File(usize),
    Line(Vec<u8>),
}

/// How a cycle ends.
enum Flow {
    /// The end of the script was reached.
    End,
    /// Nothing more is printed.
    Delete,
    /// The script begins anew with what is left.
    Again,
    Quit {
        status: u8,
        print: bool,
    },
}

/// The state of a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Range {
    Outside,
    /// It is over, and cannot begin again: it began at a line with a number.
    Closed,
    /// Up to a line whose number is known.
    UpTo(u64),
    /// Until the second address matches.
    Until,
}

/// The ranges before the first line.
fn first_ranges(script: &Script) -> Vec<Range> {
    let first = |command: &Command| match command.from {
        Some(Address::Zero) => Range::Until,
        _ => Range::Outside,
    };
    script.commands.iter().map(first).collect()
}

/// Options that matter while it runs.
pub(super) struct Settings {
    pub(super) quiet: bool,
    pub(super) unbuffered: bool,
    pub(super) posix: bool,
    pub(super) width: usize,
    pub(super) delimiter: u8,
}

/// A script that runs.
pub(super) struct Machine<'a> {
    t: &'a mut Tool,
    script: Rc<Script>,
    settings: Settings,
    pub(super) source: Source,
    stdout: Sink,
    stderr: Sink,
    files: Vec<Sink>,
    targets: Vec<Target>,
    readers: Vec<Option<Input>>,
    space: Vec<u8>,
    hold: Vec<u8>,
    spare: Vec<u8>,
    /// The line that was read had its delimiter.
    ended: bool,
    /// That of the hold space.
    hold_ended: bool,
    number: u64,
    replaced: bool,
    last_regex: Option<usize>,
    ranges: Vec<Range>,
    queue: Vec<Queued>,
    /// How many lines the prefilter pauses for, and how many are left of the pause.
    pause: (u32, u32),
}

impl<'a> Machine<'a> {
    /// Opens the files that the script writes and reads.
    pub(super) async fn new(
        t: &'a mut Tool,
        script: Script,
        settings: Settings,
        source: Source,
    ) -> Result<Machine<'a>, Fail> {
        let mut files = Vec::new();
        let mut targets = Vec::new();
        for name in &script.outputs {
            targets.push(match &name[..] {
                b"/dev/stdout" => Target::Stdout,
                b"/dev/stderr" => Target::Stderr,
                name => {
                    let output = t
                        .ctx
                        .create_output(name, false)
                        .await
                        .map_err(|error| could_not_open(name, error))?;
                    files.push(Sink::new(output));
                    Target::File(files.len() - 1)
                }
            });
        }
        let mut readers = Vec::new();
        for name in &script.inputs {
            let opened = if name == b"/dev/stdin" { t.ctx.stdin() } else { t.ctx.open_input(name).await };
            readers.push(opened.ok());
        }
        let ranges = first_ranges(&script);
        let (stdout, stderr) = (Sink::new(t.ctx.stdout()), Sink::new(t.ctx.stderr()));
        Ok(Machine {
            t,
            script: Rc::new(script),
            settings,
            source,
            stdout,
            stderr,
            files,
            targets,
            readers,
            space: Vec::new(),
            hold: Vec::new(),
            spare: Vec::new(),
            ended: true,
            hold_ended: true,
            number: 0,
            replaced: false,
            last_regex: None,
            ranges,
            queue: Vec::new(),
            pause: (0, 0),
        })
    }

    /// Runs to the end.
    pub(super) async fn run(&mut self) -> Done {
        let result = self.cycles().await;
        if result.is_err() {
            self.source.abandon_edit();
        }
        let flushed = self.flush().await;
        result.and(flushed)
    }

    async fn flush(&mut self) -> Done {
        for (name, target) in self.script.outputs.iter().zip(&self.targets) {
            if let Target::File(file) = target
                && let Some(sink) = self.files.get_mut(*file)
            {
                sink.output.flush().await.map_err(|error| could_not_write(name, error))?;
            }
        }
        // Nobody is left to tell when this fails.
        let _ = self.stderr.output.flush().await;
        self.stdout.output.flush().await.map_err(|error| could_not_write(b"stdout", error))
    }

    async fn cycles(&mut self) -> Done {
        let script = self.script.clone();
        let mut again = false;
        loop {
            self.t.ctx.tick().await;
            if !again {
                if let Some(prefilter) = &script.prefilter {
                    self.skip(prefilter).await?;
                }
                self.space.clear();
                if !self.read().await? {
                    break;
                }
            }
            again = false;
            let flow = self.execute(&script).await?;
            match flow {
                Flow::End | Flow::Quit { print: true, .. } if !self.settings.quiet => {
                    self.print(Target::Main).await?;
                }
                Flow::Again => again = true,
                _ => {}
            }
            if !self.queue.is_empty() && !matches!(flow, Flow::Quit { print: false, .. }) {
                self.dump_queue().await?;
            }
            if let Flow::Quit { status, .. } = flow {
                self.t.status = if status == 0 { self.t.status } else { status };
                self.source.give_back();
                break;
            }
        }
        self.source.finish_edit().await
    }

    /// Passes over the lines that the script only prints.
    async fn skip(&mut self, prefilter: &Regex) -> Done {
        if self.pause.1 > 0 {
            self.pause.1 -= 1;
            return Ok(());
        }
        if !self.source.fill(self.t, &mut self.number).await? {
            return Ok(());
        }
        loop {
            let delimiter = self.settings.delimiter;
            let block = self.source.buffered();
            if delimiter != b'\n' {
                return Ok(());
            }
            let Some(last) = memchr::memrchr(b'\n', block) else { return Ok(()) };
            let lines = block.get(..last).unwrap_or_default();
            let found = prefilter.find_at(lines, 0).map_err(exhausted)?;
            let whole = found.is_none();
            let skipped = match found {
                Some(found) => memchr::memrchr(b'\n', lines.get(..found.start).unwrap_or_default())
                    .map_or(0, |at| at + 1),
                None => last + 1,
            };
            if skipped == 0 {
                // A script that changes most lines is not worth the second search.
                self.pause.0 = (self.pause.0 * 2).clamp(4, 1024);
                self.pause.1 = self.pause.0;
                return Ok(());
            }
            self.pause.0 = 0;
            let text = block.get(..skipped).unwrap_or_default();
            self.number += memchr::memchr_iter(b'\n', text).count() as u64;
            if !self.settings.quiet {
                let (block, edit) = self.source.buffered_and_edit();
                let sink = edit.unwrap_or(&mut self.stdout);
                sink.close_line(delimiter);
                let text = block.get(..skipped).unwrap_or_default();
                sink.output.write(text).await.map_err(|error| could_not_write(b"stdout", error))?;
                if self.settings.unbuffered {
                    sink.output.flush().await.map_err(|error| could_not_write(b"stdout", error))?;
                }
            }
            self.t.ctx.ticks((skipped / 1024) as u32 + 1).await;
            self.source.consume(skipped);
            if !whole || !self.source.fill(self.t, &mut self.number).await? {
                return Ok(());
            }
        }
    }

    /// Appends the next line to the pattern space.
    async fn read(&mut self) -> Result<bool, Fail> {
        if self.settings.unbuffered {
            self.stdout.output.flush().await.map_err(|error| could_not_write(b"stdout", error))?;
        }
        match self.source.line(self.t, &mut self.number, &mut self.space).await? {
            None => Ok(false),
            Some(ended) => {
                self.ended = ended;
                self.number += 1;
                if self.number == 1 {
                    // Another file whose lines count for themselves.
                    self.ranges = first_ranges(&self.script);
                }
                self.replaced = false;
                Ok(true)
            }
        }
    }

    fn sink(&mut self, target: Target) -> &mut Sink {
        match target {
            Target::Main => match &mut self.source.edit {
                Some(edit) => &mut edit.sink,
                None => &mut self.stdout,
            },
            Target::Stdout => &mut self.stdout,
            Target::Stderr => &mut self.stderr,
            Target::File(file) => match self.files.get_mut(file) {
                Some(sink) => sink,
                None => &mut self.stdout,
            },
        }
    }

    /// Writes out what a sink holds if it is much, or if somebody may look at it at once.
    async fn drain(&mut self, target: Target) -> Done {
        let at_once = matches!(target, Target::Stderr) || self.settings.unbuffered;
        let sink = self.sink(target);
        if at_once || sink.output.is_full() {
            sink.output.flush().await.map_err(|error| could_not_write(b"stdout", error))?;
        }
        Ok(())
    }

    /// Prints the pattern space.
    async fn print(&mut self, target: Target) -> Done {
        let (space, ended, delimiter) =
            (std::mem::take(&mut self.space), self.ended, self.settings.delimiter);
        self.sink(target).line(&space, ended, delimiter);
        self.space = space;
        self.drain(target).await
    }

    async fn put(&mut self, target: Target, text: &[u8]) -> Done {
        let delimiter = self.settings.delimiter;
        self.sink(target).raw(text, delimiter);
        self.drain(target).await
    }

    async fn dump_queue(&mut self) -> Done {
        let script = self.script.clone();
        for queued in std::mem::take(&mut self.queue) {
            match queued {
                Queued::Text(index) => {
                    if let Some(Command { action: Action::Append(text), .. }) = script.commands.get(index) {
                        self.put(Target::Main, text).await?;
                    }
                }
                Queued::Line(line) => self.put(Target::Main, &line).await?,
                Queued::File(index) => {
                    if let Some(Command { action: Action::ReadFile(name), .. }) = script.commands.get(index) {
                        self.copy_file(name).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// `r`: a file that cannot be read is empty.
    async fn copy_file(&mut self, name: &[u8]) -> Done {
        let opened =
            if name == b"/dev/stdin" { self.t.ctx.stdin() } else { self.t.ctx.open_input(name).await };
        let Ok(mut input) = opened else { return Ok(()) };
        self.put(Target::Main, b"").await?;
        loop {
            let count = match input.fill().await {
                Ok([]) | Err(_) => return Ok(()),
                Ok(block) => {
                    let sink = match &mut self.source.edit {
                        Some(edit) => &mut edit.sink,
                        None => &mut self.stdout,
                    };
                    sink.raw(block, self.settings.delimiter);
                    block.len()
                }
            };
            self.drain(Target::Main).await?;
            input.consume(count);
        }
    }

    fn regex<'s>(&mut self, script: &'s Script, id: RegexId) -> Result<&'s Regex, Fail> {
        let id = id.or(self.last_regex);
        self.last_regex = id;
        id.and_then(|id| script.regexes.get(id)).ok_or_else(|| {
            Fail::Message("-e expression #1, char 0: no previous regular expression".into(), 1)
        })
    }

    fn matches_regex(&mut self, script: &Script, id: RegexId) -> Result<bool, Fail> {
        self.regex(script, id)?.is_match(&self.space).map_err(exhausted)
    }

    async fn matches(&mut self, script: &Script, address: Address) -> Result<bool, Fail> {
        match address {
            Address::Line(number) => Ok(self.number == number),
            Address::Step { first, step } => Ok(if step == 0 {
                self.number == first
            } else {
                self.number >= first && (self.number - first).is_multiple_of(step)
            }),
            Address::Last => self.source.at_end(self.t, false).await,
            Address::Regex(id) => self.matches_regex(script, id),
            Address::Zero => Ok(false),
        }
    }

    /// Whether the line is selected by the addresses, `!` left out.
    async fn selected(&mut self, script: &Script, index: usize, command: &Command) -> Result<bool, Fail> {
        let Some(from) = command.from else { return Ok(true) };
        let Some(to) = command.to else { return self.matches(script, from).await };
        let range = self.ranges.get(index).copied().unwrap_or(Range::Outside);
        let (selected, next) = match range {
            Range::Closed => return Ok(false),
            Range::Outside => {
                match (from, to) {
                    // A range whose first line was passed over begins late, if its end was not passed over too.
                    (Address::Line(first), End::Line(last)) if self.number > first && self.number > last => {
                        if let Some(range) = self.ranges.get_mut(index) {
                            *range = Range::Closed;
                        }
                        return Ok(false);
                    }
                    (Address::Line(first), _) => {
                        if self.number < first {
                            return Ok(false);
                        }
                    }
                    _ => {
                        if !self.matches(script, from).await? {
                            return Ok(false);
                        }
                    }
                }
                let next = match to {
                    End::Line(number) => Range::UpTo(number),
                    End::Plus(count) => Range::UpTo(self.number.saturating_add(count)),
                    End::Multiple(0) => Range::Outside,
                    // Beyond the first line, also where that is a multiple itself.
                    End::Multiple(step) => Range::UpTo((self.number / step + 1).saturating_mul(step)),
                    // The last line begins no range that could end.
                    End::Last if self.source.at_end(self.t, false).await? => Range::Outside,
                    End::Last | End::Regex(_) => Range::Until,
                };
                (
                    true,
                    if matches!(next, Range::UpTo(end) if end <= self.number) {
                        Range::Outside
                    } else {
                        next
                    },
                )
            }
            Range::UpTo(end) => {
                let next = if self.number >= end { Range::Outside } else { range };
                (self.number <= end || self.matches(script, from).await?, next)
            }
            Range::Until => {
                let over = match to {
                    End::Last => self.source.at_end(self.t, false).await?,
                    End::Regex(id) => self.matches_regex(script, id)?,
                    _ => true,
                };
                (true, if over { Range::Outside } else { range })
            }
        };
        let next = match (next, from) {
            (Range::Outside, Address::Line(_)) => Range::Closed,
            _ => next,
        };
        if let Some(range) = self.ranges.get_mut(index) {
            *range = next;
        }
        Ok(selected)
    }

    async fn execute(&mut self, script: &Script) -> Result<Flow, Fail> {
        let delimiter = self.settings.delimiter;
        let mut index = 0;
        while let Some(command) = script.commands.get(index) {
            let selected = match (command.from, command.to) {
                (None, _) => true,
                (Some(Address::Regex(id)), None) => self.matches_regex(script, id)?,
                (Some(Address::Line(number)), None) => self.number == number,
                _ => self.selected(script, index, command).await?,
            };
            let current = index;
            index += 1;
            if selected == command.negated {
                if let Action::Block(end) = command.action {
                    index = end;
                }
                continue;
            }
            let target = match &command.action {
                Action::Block(_) => continue,
                Action::Substitute(substitution) => {
                    let regex = self.regex(script, substitution.regex)?;
                    let (utf8, most) = (self.t.utf8, self.largest());
                    let done = substitute(substitution, regex, &self.space, &mut self.spare, utf8, most);
                    if !done.map_err(|trouble| match trouble {
                        Trouble::Regex(error) => exhausted(error),
                        Trouble::Memory => full(),
                    })? {
                        continue;
                    }
                    std::mem::swap(&mut self.space, &mut self.spare);
                    self.replaced = true;
                    if substitution.print {
                        self.print(Target::Main).await?;
                    }
                    if let Some(output) = substitution.output {
                        let target = self.targets.get(output).copied().unwrap_or(Target::Stdout);
                        self.print(target).await?;
                    }
                    continue;
                }
                Action::Branch(target) => *target,
                Action::BranchIf(target) => {
                    if !std::mem::take(&mut self.replaced) {
                        continue;
                    }
                    *target
                }
                Action::BranchUnless(target) => {
                    if std::mem::take(&mut self.replaced) {
                        continue;
                    }
                    *target
                }
                Action::Delete => return Ok(Flow::Delete),
                Action::DeleteFirst => match first_line(&self.space, delimiter) {
                    None => return Ok(Flow::Delete),
                    Some(end) => {
                        self.space.drain(..=end);
                        return Ok(Flow::Again);
                    }
                },
                Action::Get => {
                    self.space.clear();
                    self.space.extend_from_slice(&self.hold);
                    self.ended = self.hold_ended;
                    continue;
                }
                Action::GetAppend => {
                    self.space.push(delimiter);
                    self.space.extend_from_slice(&self.hold);
                    self.ended = self.hold_ended;
                    self.check_size(self.space.len())?;
                    continue;
                }
                Action::Hold => {
                    self.hold.clear();
                    self.hold.extend_from_slice(&self.space);
                    self.hold_ended = self.ended;
                    continue;
                }
                Action::HoldAppend => {
                    self.hold.push(delimiter);
                    self.hold.extend_from_slice(&self.space);
                    self.hold_ended = self.ended;
                    self.check_size(self.hold.len())?;
                    continue;
                }
                Action::Exchange => {
                    std::mem::swap(&mut self.space, &mut self.hold);
                    std::mem::swap(&mut self.ended, &mut self.hold_ended);
                    continue;
                }
                Action::Translate(translation) => {
                    translate(translation, &mut self.space, &mut self.spare);
                    continue;
                }
                Action::Zap => {
                    self.space.clear();
                    continue;
                }
                Action::Print => {
                    self.print(Target::Main).await?;
                    continue;
                }
                Action::Quit(status) => return Ok(Flow::Quit { status: *status, print: true }),
                Action::QuitSilently(status) => return Ok(Flow::Quit { status: *status, print: false }),
                Action::Next => {
                    if self.source.at_end(self.t, true).await? {
                        return Ok(if self.settings.posix {
                            Flow::Quit { status: 0, print: false }
                        } else {
                            Flow::End
                        });
                    }
                    if !self.settings.quiet {
                        self.print(Target::Main).await?;
                    }
                    self.dump_queue().await?;
                    self.space.clear();
                    self.t.ctx.tick().await;
                    if !self.read().await? {
                        return Ok(Flow::Delete);
                    }
                    continue;
                }
                Action::NextAppend => {
                    if self.source.at_end(self.t, true).await? {
                        return Ok(if self.settings.posix { Flow::Delete } else { Flow::End });
                    }
                    self.dump_queue().await?;
                    self.space.push(delimiter);
                    self.check_size(self.space.len())?;
                    self.t.ctx.tick().await;
                    if !self.read().await? {
                        return Ok(Flow::End);
                    }
                    continue;
                }
                Action::Append(_) => {
                    self.queue.push(Queued::Text(current));
                    continue;
                }
                Action::ReadFile(_) => {
                    self.queue.push(Queued::File(current));
                    continue;
                }
                other => {
                    if self.less_common(other, current, command).await? {
                        return Ok(Flow::Delete);
                    }
                    continue;
                }
            };
            // A loop that reads nothing must not hold up the others.
            if target <= current {
                self.t.ctx.tick().await;
            }
            index = target;
        }
        Ok(Flow::End)
    }

    /// Commands that only write. True: the cycle is over.
    async fn less_common(&mut self, action: &Action, index: usize, command: &Command) -> Result<bool, Fail> {
        let delimiter = self.settings.delimiter;
        match action {
            Action::Insert(text) => self.put(Target::Main, text).await?,
            Action::Change(text) => {
                let inside = command.to.is_some()
                    && !matches!(self.ranges.get(index), Some(Range::Outside | Range::Closed));
                if !inside || command.negated {
                    self.put(Target::Main, text).await?;
                }
                return Ok(true);
            }
            Action::FileName => {
                let mut name = self.source.name().to_vec();
                name.push(b'\n');
                self.put(Target::Main, &name).await?;
            }
            Action::LineNumber => {
                let mut buffer = [0; 20];
                let mut text = decimal(self.number, &mut buffer).to_vec();
                text.push(b'\n');
                self.put(Target::Main, &text).await?;
            }
            Action::List(width) => {
                let mut text = Vec::new();
                list(&self.space, width.unwrap_or(self.settings.width), &mut text);
                self.put(Target::Main, &text).await?;
            }
            Action::PrintFirst => match first_line(&self.space, delimiter) {
                None => self.print(Target::Main).await?,
                Some(end) => self.print_first(Target::Main, end).await?,
            },
            Action::Write(output) => {
                let target = self.targets.get(*output).copied().unwrap_or(Target::Stdout);
                self.print(target).await?;
            }
            Action::WriteFirst(output) => {
                let target = self.targets.get(*output).copied().unwrap_or(Target::Stdout);
                match first_line(&self.space, delimiter) {
                    None => self.print(target).await?,
                    Some(end) => self.print_first(target, end).await?,
                }
            }
            Action::ReadLine(reader) => {
                if let Some(Some(input)) = self.readers.get_mut(*reader)
                    && let Ok(Some(line)) = input.line(delimiter).await
                {
                    let mut line = line.to_vec();
                    if line.last() != Some(&delimiter) {
                        line.push(delimiter);
                    }
                    self.queue.push(Queued::Line(line));
                }
            }
            _ => {}
        }
        Ok(false)
    }

    async fn print_first(&mut self, target: Target, end: usize) -> Done {
        let space = std::mem::take(&mut self.space);
        let delimiter = self.settings.delimiter;
        self.sink(target).line(space.get(..end).unwrap_or_default(), true, delimiter);
        self.space = space;
        self.drain(target).await
    }

    /// Spaces can double with every command: they end where the memory of an expansion ends.
    fn check_size(&self, size: usize) -> Done {
        if size > self.largest() { Err(full()) } else { Ok(()) }
    }

    /// The size of the largest space.
    fn largest(&self) -> usize {
        usize::try_from(self.t.ctx.kernel().ceilings().expansion_bytes).unwrap_or(usize::MAX)
    }
}

fn full() -> Fail {
    Fail::Message("memory exhausted".into(), 4)
}

fn exhausted(error: Exhausted) -> Fail {
    Fail::Message(error.to_string(), 4)
}

fn could_not_open(name: &[u8], error: Errno) -> Fail {
    Fail::Message(format!("couldn't open file {}: {}", bstr::BStr::new(name), error.strerror()), 4)
}

fn could_not_write(name: &[u8], error: Errno) -> Fail {
    Fail::Message(format!("couldn't write to {}: {}", bstr::BStr::new(name), error.strerror()), 4)
}
