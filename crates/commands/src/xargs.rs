//! `xargs`: builds and executes command lines from its input.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Child, Errno, Exit, Input, OpenFlags, Pid, Spawn};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "xargs",
    usage: &["[OPTION]... COMMAND [INITIAL-ARGS]..."],
    about: "Run COMMAND with arguments INITIAL-ARGS and more arguments read from input.",
    options: &[
        Opt::flag(
            "0,null",
            "items are separated by a null, not whitespace;\ndisables quote and backslash processing and\nlogical EOF processing",
        ),
        Opt::value("a,arg-file", "FILE", "read arguments from FILE, not standard input"),
        Opt::value(
            "d,delimiter",
            "CHARACTER",
            "items in input stream are separated by CHARACTER,\nnot by whitespace; disables quote and backslash\nprocessing and logical EOF processing",
        ),
        Opt::value(
            "E",
            "END",
            "set logical EOF string; if END occurs as a line\nof input, the rest of the input is ignored",
        ),
        Opt::optional(
            "e,eof",
            "END",
            "equivalent to -E END if END is specified;\notherwise, there is no end-of-file string",
        ),
        Opt::value("I", "R", "same as --replace=R"),
        Opt::optional(
            "i,replace",
            "R",
            "replace R in INITIAL-ARGS with names read\nfrom standard input, split at newlines;\nif R is unspecified, assume {}",
        ),
        Opt::value("L", "MAX-LINES", "use at most MAX-LINES non-blank input lines per\ncommand line"),
        Opt::optional(
            "l,max-lines",
            "MAX-LINES",
            "similar to -L but defaults to at most one non-\nblank input line if MAX-LINES is not specified",
        ),
        Opt::value("n,max-args", "MAX-ARGS", "use at most MAX-ARGS arguments per command line"),
        Opt::flag("o,open-tty", "Reopen stdin as /dev/tty in the child process"),
        Opt::value("P,max-procs", "MAX-PROCS", "run at most MAX-PROCS processes at a time"),
        Opt::flag("p,interactive", "prompt before running commands"),
        Opt::value("process-slot-var", "VAR", "set environment variable VAR in child processes"),
        Opt::flag(
            "r,no-run-if-empty",
            "if there are no arguments, then do not run COMMAND;\nif this option is not given, COMMAND will be run\nat least once",
        ),
        Opt::value("s,max-chars", "MAX-CHARS", "limit length of command line to MAX-CHARS"),
        Opt::flag("show-limits", "show limits on command-line length"),
        Opt::flag("t,verbose", "print commands before executing them"),
        Opt::flag("x,exit", "exit if the size (see -s) is exceeded"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Characters of a command line, as GNU's default.
const MOST_CHARACTERS: usize = 131_072;

struct Plan {
    separator: Option<u8>,
    end: Option<BString>,
    replace: Option<BString>,
    most_lines: Option<usize>,
    most_arguments: Option<usize>,
    most_processes: usize,
    ask: bool,
    verbose: bool,
    exit_if_long: bool,
    most_characters: usize,
    slot: Option<BString>,
    /// The children read from the terminal.
    terminal: bool,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        separator: None,
        end: None,
        replace: None,
        most_lines: None,
        most_arguments: None,
        most_processes: 1,
        ask: false,
        verbose: false,
        exit_if_long: false,
        most_characters: MOST_CHARACTERS,
        slot: None,
        terminal: false,
    };
    let (mut file, mut not_empty, mut limits) = (None, false, false);
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        let text = value.clone().unwrap_or_default();
        match name {
            "0" => plan.separator = Some(0),
            "a" => file = value,
            "d" => plan.separator = Some(delimiter(&text)?),
            "E" => plan.end = value,
            "e" => plan.end = value,
            "I" | "i" => {
                plan.forget(t, "--replace/-I/-i", true, true, false).await?;
                plan.replace = Some(value.unwrap_or_else(|| "{}".into()));
            }
            "L" => {
                let lines = number(&text, 'L', 1)?;
                plan.forget(t, "-L", false, true, true).await?;
                plan.most_lines = Some(lines);
            }
            "l" => {
                let lines = if value.is_some() { number(&text, 'l', 1)? } else { 1 };
                plan.forget(t, "--max-lines/-l", false, true, true).await?;
                plan.most_lines = Some(lines);
            }
            "n" => {
                let most = number(&text, 'n', 1)?;
                // One argument at a time goes together with a replacement.
                plan.forget(t, "--max-args/-n", true, false, most != 1).await?;
                plan.most_arguments = Some(most);
            }
            "P" => plan.most_processes = number(&text, 'P', 0)?,
            "p" => (plan.ask, plan.verbose) = (true, true),
            "process-slot-var" => plan.slot = value,
            "r" => not_empty = true,
            "s" => plan.most_characters = number(&text, 's', 1)?.min(MOST_CHARACTERS),
            "o" => plan.terminal = true,
            "show-limits" => limits = true,
            "t" => plan.verbose = true,
            "x" => plan.exit_if_long = true,
            _ => {}
        }
    }
    if plan.replace.is_some() {
        plan.exit_if_long = true;
    }
    if limits {
        show_limits(t, &plan).await;
    }
    let mut command = options.operands();
    if command.is_empty() {
        command.push("echo".into());
    }
    let input = match &file {
        None => t.ctx.stdin(),
        Some(file) => t.ctx.open_input(file).await,
    };
    let input = input.map_err(|error| {
        let name = file.unwrap_or_default();
        Fail::Message(format!("Cannot open input file {}: {}", t.quote(&name), error.strerror()), 1)
    })?;
    let mut runner = Runner::new(plan, command);
    let mut reader = Reader { input, line: 0, over: false, zero: false };
    let result = runner.feed(t, &mut reader, not_empty).await;
    runner.wait_all(t).await?;
    result?;
    t.status = runner.status;
    Ok(())
}

/// `--show-limits`.
async fn show_limits(t: &mut Tool, plan: &Plan) {
    let environment: usize =
        t.ctx.environment().iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let upper = 2_097_152usize.saturating_sub(2048 + environment);
    let text = format!(
        "Your environment variables take up {environment} bytes\n\
         POSIX upper limit on argument length (this system): {upper}\n\
         POSIX smallest allowable upper limit on argument length (all systems): 4096\n\
         Maximum length of command we could actually use: {}\n\
         Size of command buffer we are actually using: {}\n\
         Maximum parallelism (--max-procs must be no greater): 2147483647\n",
        upper.saturating_sub(environment),
        plan.most_characters
    );
    t.err.put(text.as_bytes());
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
}

impl Plan {
    /// Of options that exclude each other the last one counts.
    async fn forget(
        &mut self,
        t: &mut Tool,
        name: &str,
        lines: bool,
        arguments: bool,
        replace: bool,
    ) -> Result<(), Fail> {
        let mut gone = Vec::new();
        if lines && self.most_lines.take().is_some() {
            gone.push("--max-lines");
        }
        if arguments && self.most_arguments.take().is_some() {
            gone.push("--max-args");
        }
        if replace && self.replace.take().is_some() {
            gone.push("--replace");
        }
        for old in gone {
            t.warn(format!(
                "warning: options {old} and {name} are mutually exclusive, ignoring previous {old} value"
            ))
            .await?;
        }
        Ok(())
    }
}

fn delimiter(text: &[u8]) -> Result<u8, Fail> {
    let value = match text {
        [byte] => Some(*byte),
        [b'\\', rest @ ..] => {
            let mut bytes = Vec::new();
            let (used, _) = crate::escape::escape(rest, crate::escape::Octal::Both, &mut bytes);
            match (&bytes[..], used == rest.len()) {
                ([byte], true) => Some(*byte),
                _ => None,
            }
        }
        _ => None,
    };
    value.ok_or_else(|| {
        Fail::Message(
            format!(
                "Invalid input delimiter specification {}: the delimiter must be either a single character or an escape sequence starting with \\.",
                text.as_bstr()
            ),
            1,
        )
    })
}

fn number(text: &[u8], option: char, least: usize) -> Result<usize, Fail> {
    let value: Option<i64> = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    match value {
        None => Err(Fail::Usage(format!("invalid number \"{}\" for -{option} option", text.as_bstr()))),
        Some(value) => match usize::try_from(value).ok().filter(|value| *value >= least) {
            Some(value) => Ok(value),
            None => Err(Fail::Usage(format!(
                "value {} for -{option} option should be >= {least}",
                text.as_bstr()
            ))),
        },
    }
}

/// An item, and whether its line ends behind it.
struct Item {
    text: Vec<u8>,
    line: u64,
}

struct Reader {
    input: Input,
    line: u64,
    over: bool,
    /// A zero byte was among the items.
    zero: bool,
}

impl Reader {
    async fn byte(&mut self) -> Result<Option<u8>, Errno> {
        if self.input.buffered().is_empty() {
            self.input.fill().await?;
        }
        let byte = self.input.buffered().first().copied();
        self.input.consume(1);
        Ok(byte)
    }

    /// The next item, by a separator of one byte.
    async fn separated(&mut self, separator: u8) -> Result<Option<Item>, Errno> {
        let line = self.input.line(separator).await?;
        self.line += 1;
        let number = self.line;
        Ok(line.map(|line| Item {
            text: line.strip_suffix(&[separator]).unwrap_or(line).to_vec(),
            line: number,
        }))
    }

    /// The next line, for a replacement: leading blanks are left out, quotes and backslashes count.
    async fn words(&mut self, plan: &Plan, whole_line: bool) -> Result<Result<Option<Item>, String>, Errno> {
        let mut text = Vec::new();
        let mut any = false;
        let mut quote: Option<u8> = None;
        // A zero byte ends the text, not the item.
        let mut cut = false;
        loop {
            let Some(byte) = self.byte().await? else {
                self.over = true;
                if let Some(quote) = quote {
                    let kind = if quote == b'"' { "double" } else { "single" };
                    return Ok(Err(format!(
                        "unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"
                    )));
                }
                break;
            };
            match (byte, quote) {
                (b'\n', Some(open)) => {
                    let kind = if open == b'"' { "double" } else { "single" };
                    return Ok(Err(format!(
                        "unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"
                    )));
                }
                (_, Some(open)) if byte == open => quote = None,
                (0, _) => (cut, self.zero) = (true, true),
                (_, _) if cut && !matches!(byte, b' ' | b'\t' | b'\n') => any = true,
                (_, Some(_)) => text.push(byte),
                (b'\'' | b'"', None) => {
                    quote = Some(byte);
                    any = true;
                }
                (b'\\', None) => {
                    any = true;
                    match self.byte().await? {
                        Some(next) => text.push(next),
                        None => text.push(b'\\'),
                    }
                }
                (b'\n', None) => {
                    if !any {
                        self.line += 1;
                        continue;
                    }
                    let item = Item { text, line: self.line };
                    self.line += 1;
                    return Ok(Ok(self.checked(plan, item)));
                }
                (b' ' | b'\t' | 11 | 12 | b'\r', None) if !any => {}
                (b' ' | b'\t', None) if !whole_line => {
                    // With -L a line that ends in a blank goes on in the next one.
                    let line = self.line;
                    if plan.most_lines.is_some() {
                        let rest = self
                            .input
                            .buffered()
                            .iter()
                            .take_while(|byte| matches!(byte, b' ' | b'\t'))
                            .count();
                        if self.input.buffered().get(rest) == Some(&b'\n') {
                            self.input.consume(rest + 1);
                        }
                    }
                    return Ok(Ok(self.checked(plan, Item { text, line })));
                }
                _ => {
                    any = true;
                    text.push(byte);
                }
            }
        }
        if !any {
            return Ok(Ok(None));
        }
        let item = Item { text, line: self.line };
        Ok(Ok(self.checked(plan, item)))
    }

    fn checked(&mut self, plan: &Plan, item: Item) -> Option<Item> {
        if plan.end.as_ref().is_some_and(|end| *end == item.text) {
            self.over = true;
            return None;
        }
        Some(item)
    }

    async fn next(&mut self, plan: &Plan) -> Result<Result<Option<Item>, String>, Errno> {
        if self.over {
            return Ok(Ok(None));
        }
        match plan.separator {
            Some(separator) => Ok(Ok(self.separated(separator).await?)),
            None => self.words(plan, plan.replace.is_some()).await,
        }
    }
}

struct Runner {
    plan: Plan,
    command: Vec<BString>,
    arguments: Vec<BString>,
    characters: usize,
    lines: u64,
    last_line: Option<u64>,
    running: Vec<(Pid, usize)>,
    status: u8,
    ran: bool,
}

impl Runner {
    fn new(plan: Plan, command: Vec<BString>) -> Runner {
        let mut runner = Runner {
            plan,
            command,
            arguments: Vec::new(),
            characters: 0,
            lines: 0,
            last_line: None,
            running: Vec::new(),
            status: 0,
            ran: false,
        };
        runner.characters = runner.initial();
        runner
    }

    fn initial(&self) -> usize {
        self.command.iter().map(|word| word.len() + 1).sum()
    }

    async fn feed(&mut self, t: &mut Tool, reader: &mut Reader, not_empty: bool) -> Done {
        let mut told = false;
        loop {
            let next = reader.next(&self.plan).await;
            if reader.zero && !std::mem::replace(&mut told, true) {
                let text = "WARNING: a NUL character occurred in the input.  It cannot be passed through in the \
                            argument list.  Did you mean to use the --null option?";
                t.warn(text).await?;
            }
            let item = match next {
                Ok(Ok(Some(item))) => item,
                Ok(Ok(None)) => break,
                Ok(Err(message)) => {
                    t.warn(message).await?;
                    self.flush(t).await?;
                    return Err(Fail::Status(1));
                }
                Err(error) => return Err(Fail::Message(format!("read error: {}", error.strerror()), 1)),
            };
            if let Some(mark) = self.plan.replace.clone() {
                let words: Vec<BString> =
                    self.command.iter().map(|word| word.replace(&mark, &item.text).into()).collect();
                if words.iter().map(|word| word.len() + 1).sum::<usize>() > self.plan.most_characters {
                    return Err(Fail::Message("argument line too long".into(), 1));
                }
                self.execute(t, words).await?;
                continue;
            }
            let length = item.text.len() + 1;
            if self.initial() + length > self.plan.most_characters {
                self.flush(t).await?;
                return Err(Fail::Message("argument line too long".into(), 1));
            }
            if self.last_line != Some(item.line) {
                let full = self.plan.most_lines.is_some_and(|most| self.lines as usize >= most);
                if full {
                    self.flush(t).await?;
                }
                self.lines += 1;
                self.last_line = Some(item.line);
            }
            let full = self.plan.most_arguments.is_some_and(|most| self.arguments.len() >= most);
            let long = self.characters + length > self.plan.most_characters;
            if long
                && self.plan.exit_if_long
                && (self.plan.most_arguments.is_some() || self.plan.most_lines.is_some())
            {
                return Err(Fail::Message("argument list too long".into(), 1));
            }
            if full || long {
                self.flush(t).await?;
            }
            self.characters += length;
            self.arguments.push(item.text.into());
        }
        if !self.arguments.is_empty() || (!self.ran && !not_empty && self.plan.replace.is_none()) {
            self.run_now(t).await?;
        }
        Ok(())
    }

    async fn flush(&mut self, t: &mut Tool) -> Done {
        if self.arguments.is_empty() { Ok(()) } else { self.run_now(t).await }
    }

    async fn run_now(&mut self, t: &mut Tool) -> Done {
        let mut words = self.command.clone();
        words.append(&mut self.arguments);
        self.characters = self.initial();
        self.lines = 0;
        self.last_line = None;
        self.execute(t, words).await
    }

    async fn execute(&mut self, t: &mut Tool, words: Vec<BString>) -> Done {
        self.ran = true;
        if self.plan.verbose {
            let line: Vec<String> =
                words.iter().map(|word| crate::quote::shell_escape(word, false, false)).collect();
            t.out.flush().await?;
            t.err.put(line.join(" ").as_bytes());
            if !self.plan.ask {
                t.err.put(b"\n");
            }
            // Nobody is left to tell when this fails.
            let _ = t.err.flush().await;
        }
        if self.plan.ask && !self.confirmed(t).await? {
            return Ok(());
        }
        while self.plan.most_processes > 0 && self.running.len() >= self.plan.most_processes {
            self.wait_one(t).await?;
        }
        // The children do not eat the list.
        let stdin: &[u8] = if self.plan.terminal { b"/dev/tty" } else { b"/dev/null" };
        let null = match t.ctx.open_description(stdin, OpenFlags::READ, 0).await {
            Ok(null) => Some(null),
            Err(error) if self.plan.terminal => {
                let text = format!("{}: {}", t.quote(stdin), error.strerror());
                return Err(Fail::Message(text, 125));
            }
            Err(_) => None,
        };
        let slot = (0..).find(|slot| !self.running.iter().any(|(_, other)| other == slot)).unwrap_or(0);
        let environment = self.plan.slot.as_ref().map(|name| {
            let mut environment = t.ctx.environment();
            environment.set(name, slot.to_string().as_bytes());
            environment
        });
        let program = words.first().cloned().unwrap_or_default();
        let spawn = Spawn {
            program: program.clone(),
            arguments: words,
            environment,
            inherit: true,
            descriptors: vec![(0, null)],
            ..Spawn::default()
        };
        t.out.flush().await?;
        match t.ctx.spawn(spawn) {
            Ok(pid) => {
                self.running.push((pid, slot));
                if self.plan.most_processes == 1 {
                    self.wait_one(t).await?;
                }
                Ok(())
            }
            Err(error) => {
                let status = if error == Errno::NoEntry { 127 } else { 126 };
                Err(Fail::Message(format!("{program}: {}", error.strerror()), status))
            }
        }
    }

    async fn confirmed(&self, t: &mut Tool) -> Result<bool, Fail> {
        let mut input = t.ctx.open_input(b"/dev/tty").await.map_err(|error| {
            Fail::Message(format!("failed to open /dev/tty for reading: {}", error.strerror()), 1)
        })?;
        t.err.put(b" ?...");
        // Nobody is left to tell when this fails.
        let _ = t.err.flush().await;
        Ok(matches!(input.line(b'\n').await, Ok(Some([b'y' | b'Y', ..]))))
    }

    async fn wait_one(&mut self, t: &mut Tool) -> Done {
        let Ok((pid, exit)) = t.ctx.wait(Child::Any).await else {
            self.running.clear();
            return Ok(());
        };
        self.running.retain(|(other, _)| *other != pid);
        let name = self.command.first().cloned().unwrap_or_default();
        match exit {
            Exit::Code(0) => Ok(()),
            Exit::Code(255) => Err(Fail::Message(format!("{name}: exited with status 255; aborting"), 124)),
            Exit::Code(_) => {
                self.status = 123;
                Ok(())
            }
            Exit::Signalled(signal) => {
                Err(Fail::Message(format!("{name}: terminated by signal {}", signal.number()), 125))
            }
        }
    }

    async fn wait_all(&mut self, t: &mut Tool) -> Done {
        while !self.running.is_empty() {
            self.wait_one(t).await?;
        }
        Ok(())
    }
}
