//! What a command declares of itself, and the frame it runs in: messages, statuses, help, the end of output.

use std::pin::Pin;

use bstr::{BStr, BString, ByteSlice};
use wasmsh_os::{Ctx, Errno, Exit, Input, Output, ProcessFuture};

use crate::opts::{Arg, Opt, Options};
use crate::quote::{quote, quote_name};

/// A command: the one declaration that help, version, `type`, completion and the documentation come from.
pub struct Command {
    /// The name it is called by.
    pub name: &'static str,
    /// The forms of its arguments, without the name.
    pub usage: &'static [&'static str],
    /// What it does, in a few sentences.
    pub about: &'static str,
    /// Its options, `--help` and `--version` left out.
    pub options: &'static [Opt],
    /// More for the help text, after the options.
    pub more: &'static str,
    /// The status after a wrong option.
    pub usage_status: u8,
    /// Its code; the arguments are those of the process.
    pub main: fn(Ctx) -> ProcessFuture,
}

/// Declares one of the small commands that share a file.
macro_rules! command {
    ($static:ident, $name:literal, $usage:expr, $about:literal, $options:expr, $status:literal, $run:ident) => {
        pub(crate) static $static: $crate::Command = $crate::Command {
            name: $name,
            usage: $usage,
            about: $about,
            options: $options,
            more: "",
            usage_status: $status,
            main: |ctx| $crate::start(&$static, ctx, $run),
        };
    };
}
pub(crate) use command;

impl Command {
    /// The text of `--help`, for a command called as `name`.
    pub fn help(&self, name: &str) -> String {
        let mut text = String::new();
        for (index, form) in self.usage.iter().enumerate() {
            let lead = if index == 0 { "Usage:" } else { "  or: " };
            text.push_str(&format!("{lead} {name} {form}\n"));
        }
        text.push_str(self.about);
        text.push('\n');
        let own = self.options.iter().filter(|option| !option.help.is_empty());
        let mut rows: Vec<(String, &str)> = own.map(|option| (left_column(option), option.help)).collect();
        rows.push(("      --help".into(), "display this help and exit"));
        rows.push(("      --version".into(), "output version information and exit"));
        text.push('\n');
        for (left, right) in rows {
            // As GNU: the explanation begins in column 30, on a line of its own if it must.
            if left.len() > 27 {
                text.push_str(&format!("  {left}\n{:29} ", ""));
            } else {
                text.push_str(&format!("  {left:27} "));
            }
            text.push_str(&right.replace('\n', &format!("\n{:32}", "")));
            text.push('\n');
        }
        if !self.more.is_empty() {
            text.push('\n');
            text.push_str(self.more);
            text.push('\n');
        }
        text
    }

    /// The text of `--version`.
    pub fn version(&self) -> String {
        format!("{} (wasmsh) {}\n", self.name, env!("CARGO_PKG_VERSION"))
    }
}

fn left_column(option: &Opt) -> String {
    let shorts: Vec<String> = option.shorts().map(|name| format!("-{name}")).collect();
    let longs: Vec<String> = option.longs().map(|name| format!("--{name}")).collect();
    let mut text = shorts.join(", ");
    if !longs.is_empty() {
        text.push_str(if shorts.is_empty() { "    " } else { ", " });
        text.push_str(&longs.join(", "));
    }
    match (option.arg, longs.is_empty()) {
        (Arg::No, _) => {}
        (Arg::Required(name), true) => text.push_str(&format!(" {name}")),
        (Arg::Required(name), false) => text.push_str(&format!("={name}")),
        (Arg::Optional(name), true) => text.push_str(&format!("[{name}]")),
        (Arg::Optional(name), false) => text.push_str(&format!("[={name}]")),
    }
    text
}

/// Why a command ends before its end.
#[derive(Debug)]
pub(crate) enum Fail {
    /// With this status; what there was to say is said.
    Status(u8),
    /// With a message, and this status.
    Message(String, u8),
    /// With a message that stands alone, without the command's name, and this status.
    Bare(String, u8),
    /// With a message and the hint to `--help`, and the status that the command has for this.
    Usage(String),
    /// As that, with another status.
    UsageStatus(String, u8),
    /// Standard output cannot be written.
    Write(Errno),
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

impl From<Errno> for Fail {
    /// An error of standard output; those of inputs are told with the name of the file.
    fn from(error: Errno) -> Fail {
        Fail::Write(error)
    }
}

/// What the body of a command returns.
pub(crate) type Done = Result<(), Fail>;

/// A command that runs.
pub(crate) struct Tool {
    pub(crate) ctx: Ctx,
    pub(crate) command: &'static Command,
    /// What it was called.
    pub(crate) name: String,
    pub(crate) out: Output,
    pub(crate) err: Output,
    /// The status it will end with.
    pub(crate) status: u8,
    /// Text is UTF-8, rather than bytes.
    pub(crate) utf8: bool,
}

impl Tool {
    /// Its options; operands may stand between them unless POSIXLY_CORRECT is set.
    pub(crate) fn options(&self) -> Options {
        self.options_of(self.arguments())
    }

    pub(crate) fn options_of(&self, arguments: Vec<BString>) -> Options {
        let in_order = self.ctx.environment().get(b"POSIXLY_CORRECT").is_some();
        Options::new(self.command.options, arguments, in_order)
    }

    /// Its options, which end at the first operand.
    pub(crate) fn options_in_order(&self) -> Options {
        Options::new(self.command.options, self.arguments(), true)
    }

    /// Its arguments, without its name.
    pub(crate) fn arguments(&self) -> Vec<BString> {
        self.ctx.arguments().iter().skip(1).cloned().collect()
    }

    /// Puts so many spaces into the output.
    pub(crate) fn blanks(&mut self, count: usize) {
        let buffer = self.out.buffer();
        buffer.resize(buffer.len() + count, b' ');
    }

    /// Writes so many letters, piece by piece: for a number of them that nobody bounds.
    pub(crate) async fn pad(&mut self, mut count: u64, letter: u8) -> Done {
        while count > 0 {
            let piece = count.min(1 << 16);
            let buffer = self.out.buffer();
            buffer.resize(buffer.len() + piece as usize, letter);
            self.out.drain().await?;
            count -= piece;
        }
        Ok(())
    }

    /// A text in the quotation marks of the locale.
    pub(crate) fn quote(&self, text: &[u8]) -> String {
        quote(text, self.utf8)
    }

    /// Says `NAME: MESSAGE`, after what was written to standard output before.
    pub(crate) async fn warn(&mut self, message: impl AsRef<str>) -> Done {
        self.out.flush().await?;
        self.err.put(self.name.as_bytes());
        self.err.put(b": ");
        self.err.put(message.as_ref().as_bytes());
        self.err.put(b"\n");
        // Nobody is left to tell when this fails.
        let _ = self.err.flush().await;
        Ok(())
    }

    /// As [`Tool::warn`], and the status will be 1.
    pub(crate) async fn error(&mut self, message: impl AsRef<str>) -> Done {
        self.status = self.status.max(1);
        self.warn(message).await
    }

    /// `NAME: FILE: what went wrong`.
    pub(crate) async fn file_error(&mut self, file: &[u8], error: Errno) -> Done {
        self.error(format!("{}: {}", quote_name(file), error.strerror())).await
    }

    /// Opens an operand for reading; `-` is standard input.
    pub(crate) async fn open(&self, name: &[u8]) -> Result<Input, Errno> {
        if name == b"-" { self.ctx.stdin() } else { self.ctx.open_input(name).await }
    }

    /// As [`Tool::open`]; an error is told.
    pub(crate) async fn open_or_tell(&mut self, name: &[u8]) -> Result<Option<Input>, Fail> {
        match self.open(name).await {
            Ok(input) => Ok(Some(input)),
            Err(error) => {
                self.file_error(name, error).await?;
                Ok(None)
            }
        }
    }

    /// `NAME: missing operand`.
    pub(crate) fn missing_operand(&self) -> Fail {
        Fail::Usage("missing operand".into())
    }

    /// `NAME: extra operand ‘X’`.
    pub(crate) fn extra_operand(&self, operand: &BStr) -> Fail {
        Fail::Usage(format!("extra operand {}", self.quote(operand)))
    }

    /// An option that this sandbox has no use for, or does not have: said by its name, rather than passed over.
    pub(crate) fn refused(&self, option: &str) -> Fail {
        let dashes = if option.len() == 1 { "-" } else { "--" };
        let status = self.command.usage_status.max(1);
        Fail::Message(format!("option {dashes}{option} is not available here"), status)
    }

    async fn finish(mut self, done: Done) -> u8 {
        let mut result = done;
        if !matches!(result, Err(Fail::Write(_)))
            && let Err(error) = self.out.flush().await
        {
            result = Err(Fail::Write(error));
        }
        let message = match result {
            Ok(()) => return self.status,
            Err(Fail::Status(status)) => return status,
            Err(Fail::Help) => {
                let text = self.command.help(&self.name);
                return self.last_words(text).await;
            }
            Err(Fail::Version) => {
                let text = self.command.version();
                return self.last_words(text).await;
            }
            Err(Fail::Message(message, status)) => {
                self.status = status;
                format!("{}: {message}", self.name)
            }
            Err(Fail::Bare(message, status)) => {
                self.status = status;
                message
            }
            Err(Fail::Usage(message)) => {
                self.status = self.command.usage_status;
                self.with_hint(message)
            }
            Err(Fail::UsageStatus(message, status)) => {
                self.status = status;
                self.with_hint(message)
            }
            Err(Fail::Write(error)) => {
                self.status = self.command.usage_status.max(1);
                format!("{}: write error: {}", self.name, error.strerror())
            }
        };
        // Nobody is left to tell when this fails.
        self.err.put(format!("{message}\n").as_bytes());
        let _ = self.err.flush().await;
        self.status
    }

    fn with_hint(&self, message: String) -> String {
        let hint = format!("Try '{} --help' for more information.", self.name);
        if message.is_empty() { hint } else { format!("{}: {message}\n{hint}", self.name) }
    }

    async fn last_words(&mut self, text: String) -> u8 {
        self.out.put(text.as_bytes());
        match self.out.flush().await {
            Ok(()) => 0,
            Err(error) => {
                self.err.put(format!("{}: write error: {}\n", self.name, error.strerror()).as_bytes());
                let _ = self.err.flush().await;
                self.command.usage_status.max(1)
            }
        }
    }
}

/// Whether the process's locale has UTF-8 text: the first of LC_ALL, LC_CTYPE, LANG that is set says it.
pub(crate) fn is_utf8_locale(ctx: &Ctx) -> bool {
    let environment = ctx.environment();
    [&b"LC_ALL"[..], b"LC_CTYPE", b"LANG"]
        .into_iter()
        .filter_map(|name| environment.get(name))
        .find(|value| !value.is_empty())
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.contains_str("utf-8") || value.contains_str("utf8")
        })
}

/// The process of a command.
pub(crate) fn start<F>(command: &'static Command, ctx: Ctx, body: F) -> ProcessFuture
where
    F: AsyncFnOnce(&mut Tool) -> Done + 'static,
{
    // What is the same for all commands is compiled once.
    run(command, ctx, Box::new(|tool| Box::pin(body(tool))))
}

/// The body of a command that runs with its tool.
type Body = Box<dyn for<'a> FnOnce(&'a mut Tool) -> Pin<Box<dyn Future<Output = Done> + 'a>>>;

fn run(command: &'static Command, ctx: Ctx, body: Body) -> ProcessFuture {
    Box::pin(async move {
        let name = ctx.arguments().first().map_or_else(|| command.name.to_owned(), |name| name.to_string());
        let (out, err, utf8) = (ctx.stdout(), ctx.stderr(), is_utf8_locale(&ctx));
        let mut tool = Tool { ctx, command, name, out, err, status: 0, utf8 };
        let done = body(&mut tool).await;
        Exit::Code(tool.finish(done).await)
    })
}
