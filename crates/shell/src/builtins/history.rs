//! `history`, `fc`

use std::cell::RefCell;
use std::rc::Rc;

use super::Builtin;
use super::options::integer;
use crate::history::{History, expansion};
use crate::options::Opt;
use crate::symbol::known;
use crate::text::Str;
use crate::vm::script::Script;
use crate::vm::{After, Outcome, Pending, Vm, param::join};

pub(crate) const HISTORY: Builtin = Builtin::new(
    "history",
    "history [-c] [-d offset] [n] or history -anrw [filename] or history -ps arg [arg...]",
    "Shows the list of commands, or changes it.\n\n-c         empties it\n-d offset  takes an entry out, or those of start-end\n-a         appends the commands of this session to the history file\n-n         reads what is new in the file\n-r         reads the file\n-w         writes the list to the file\n-p         shows the arguments\n-s         appends the arguments as one entry\n\nStatus: 0, unless an argument is wrong.",
    run_history,
);
pub(crate) const FC: Builtin = Builtin::new(
    "fc",
    "fc [-e ename] [-lnr] [first] [last] or fc -s [pat=rep] [command]",
    "Lists commands of the history (-l, without numbers -n, newest first -r), executes one again (-s, with\npat replaced by rep), or lets an editor change some and executes them.\n\nStatus: that of the commands; 1 if there are none.",
    run_fc,
);

fn run_history(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"cd:anrwps") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let operands = argv.get(given.operands..).unwrap_or_default();
    if given.options.iter().filter(|(letter, _)| b"anrw".contains(letter)).count() > 1 {
        vm.builtin_error("cannot use more than one of -anrw");
        return Outcome::Status(1);
    }
    if given.has(b'c') {
        let history = vm.history();
        *history = History { lines_read: history.lines_read, ..History::default() };
        if !given.options.iter().any(|(letter, _)| b"anrw".contains(letter)) {
            return Outcome::Status(0);
        }
    }
    if given.has(b's') {
        if !operands.is_empty() {
            let entry = join(operands, b" ");
            let now = vm.ctx.now().seconds;
            vm.forget_current();
            vm.history().add(entry, now);
        }
        return Outcome::Status(0);
    }
    if given.has(b'p') {
        vm.forget_current();
        let mut status = 0;
        for operand in operands {
            match vm.expand_history(operand, &mut 0) {
                Ok(expanded) => {
                    let text = expanded.map_or_else(|| operand.to_vec(), |expanded| expanded.text);
                    vm.put(1, &[&*text, b"\n"].concat());
                }
                Err(failure) => {
                    if matches!(failure, expansion::Failure::TooLarge) {
                        vm.meet_expansion_limit();
                    }
                    let _ = vm.complain(operand, "history expansion failed");
                    status = 1;
                }
            }
        }
        return Outcome::Status(status);
    }
    if let Some(offset) = given.value(b'd').cloned() {
        return delete(vm, &offset);
    }
    for (letter, action) in [(b'a', File::Append), (b'n', File::New), (b'r', File::Read), (b'w', File::Write)]
    {
        if given.has(letter) {
            return file(vm, operands.first().cloned(), action);
        }
    }
    vm.stifle_history(false);
    let history = vm.shell.history.clone();
    let last = match operands {
        [] => history.entries.len(),
        [text] => match integer(text) {
            Some(count) => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
            None => {
                let text = text.clone();
                return vm.complain(&text, "numeric argument required");
            }
        },
        [first, ..] if integer(first).is_none() => {
            let text = first.clone();
            return vm.complain(&text, "numeric argument required");
        }
        _ => {
            vm.builtin_error("too many arguments");
            return Outcome::Unwind(vm.too_many_arguments());
        }
    };
    let format = vm.shell.vars.get(known::HISTTIMEFORMAT).value.scalar();
    let skipped = history.entries.len().saturating_sub(last);
    for (at, entry) in history.entries.iter().enumerate().skip(skipped) {
        vm.put(1, format!("{:5}  ", at + history.base()).as_bytes());
        if let Some(format) = &format {
            let time = vm.strftime(format, entry.time);
            vm.put(1, &time);
        }
        vm.put(1, &entry.text);
        vm.put(1, b"\n");
    }
    Outcome::Status(0)
}

/// `history -d`
fn delete(vm: &mut Vm, offset: &Str) -> Outcome {
    let history = vm.shell.history.clone();
    let (base, count) = (history.base() as i64, history.entries.len() as i64);
    let place = |text: &[u8]| {
        let at = integer(text)?;
        let at = if at < 0 { count + at } else { at - base };
        (0..count).contains(&at).then_some(at as usize)
    };
    // A minus sign after the first byte makes it a range.
    let dash = offset.iter().skip(1).position(|b| *b == b'-').map(|at| at + 1);
    let range = match dash {
        Some(at) => {
            let (first, last) = offset.split_at(at);
            place(first).zip(place(last.get(1..).unwrap_or_default())).filter(|(first, last)| first <= last)
        }
        None => place(offset).map(|at| (at, at)),
    };
    let Some((first, last)) = range else {
        return vm.complain(offset, "history position out of range");
    };
    for _ in first..=last {
        vm.history().remove(first);
    }
    Outcome::Status(0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    Append,
    New,
    Read,
    Write,
}

/// `history -a`, `-n`, `-r`, `-w`
fn file(vm: &mut Vm, name: Option<Str>, action: File) -> Outcome {
    let name = name.unwrap_or_else(|| vm.history_file());
    if name.is_empty() {
        return Outcome::Status(0);
    }
    let stamps = vm.shell.vars.get(known::HISTTIMEFORMAT).value.scalar().is_some();
    let history = vm.shell.history.clone();
    let skipped = if action == File::Append { history.entries.len() - history.fresh } else { 0 };
    let mut text = Vec::new();
    for entry in history.entries.iter().skip(skipped) {
        if stamps {
            text.extend_from_slice(format!("#{}\n", entry.time).as_bytes());
        }
        text.extend_from_slice(&entry.text);
        text.push(b'\n');
    }
    let ctx = vm.ctx.clone();
    let future = Box::pin(async move {
        let result = match action {
            File::Read | File::New => ctx.read_file(&name).await,
            File::Append | File::Write => {
                async {
                    let mut output = ctx.create_output(&name, action == File::Append).await?;
                    output.write(&text).await?;
                    output.flush().await?;
                    Ok(Vec::new())
                }
                .await
            }
        };
        let after: After = Box::new(move |vm: &mut Vm| match result {
            Err(error) => vm.complain(&name, error.strerror()),
            Ok(bytes) => {
                match action {
                    File::Read | File::New => vm.read_history(&bytes, action == File::New),
                    File::Append | File::Write => vm.history().fresh = 0,
                }
                Outcome::Status(0)
            }
        });
        after
    });
    Outcome::Wait(Pending::Future { future, interruptible: false })
}

fn run_fc(vm: &mut Vm, argv: &[Str]) -> Outcome {
    // A negative number is an operand.
    let end = argv
        .iter()
        .skip(1)
        .position(|arg| {
            arg.strip_prefix(b"-").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
        })
        .map_or(argv.len(), |at| at + 1);
    let mut given = match vm.options(argv.get(..end).unwrap_or_default(), b"e:lnrs") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    given.operands = given.operands.min(end);
    let mut operands = argv.get(given.operands..).unwrap_or_default();
    let again = given.has(b's') || given.value(b'e').is_some_and(|editor| editor == b"-");
    let history = vm.shell.history.clone();
    let range = Range { history: &history, listing: given.has(b'l') };
    if again {
        let mut changes = Vec::new();
        while let [first, rest @ ..] = operands
            && let Some(at) = first.iter().position(|b| *b == b'=')
        {
            changes.push((first.get(..at).unwrap_or_default(), first.get(at + 1..).unwrap_or_default()));
            operands = rest;
        }
        let Some(entry) = range.number(operands.first()).and_then(|at| history.entries.get(at)) else {
            vm.builtin_error("no command found");
            return Outcome::Status(1);
        };
        let mut text = entry.text.to_vec();
        for (from, to) in changes {
            text = replaced(&text, from, to);
        }
        vm.put(2, &[&*text, b"\n"].concat());
        vm.flush_now();
        if vm.shell.history.has_current {
            vm.forget_current();
            vm.remember(&text, false);
        }
        vm.call_eval(text.into());
        return Outcome::Continue;
    }
    let Some(last_command) = range.last() else {
        return Outcome::Status(0);
    };
    let found = match operands {
        [] if range.listing => Some((last_command.saturating_sub(15), last_command)),
        [] => Some((last_command, last_command)),
        [first, rest @ ..] => range.number(Some(first)).and_then(|begin| match rest {
            [] if begin + 1 == history.entries.len() => Some((begin, begin)),
            [] => Some((begin, if range.listing { last_command } else { begin })),
            [last, ..] => range.number(Some(last)).map(|end| (begin, end)),
        }),
    };
    let Some((mut begin, mut end)) = found else {
        vm.builtin_error("no command found");
        return Outcome::Status(1);
    };
    let mut reverse = given.has(b'r');
    if end < begin {
        std::mem::swap(&mut begin, &mut end);
        reverse = !reverse;
    }
    let mut lines: Vec<(usize, Str)> = (begin..=end)
        .filter_map(|at| Some((at + history.base(), history.entries.get(at)?.text.clone())))
        .collect();
    if reverse {
        lines.reverse();
    }
    if range.listing {
        for (number, text) in lines {
            let number = if given.has(b'n') { String::new() } else { number.to_string() };
            vm.put(1, format!("{number}\t ").as_bytes());
            vm.put(1, &text);
            vm.put(1, b"\n");
        }
        return Outcome::Status(0);
    }
    vm.forget_current();
    edit(vm, &lines, given.value(b'e').cloned())
}

/// Lets an editor change the commands, then executes them.
fn edit(vm: &mut Vm, lines: &[(usize, Str)], editor: Option<Str>) -> Outcome {
    let mut text = Vec::new();
    for (_, line) in lines {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let path = format!("/tmp/bash-fc.{}", vm.ctx.pid().get());
    if let Err(error) = vm.ctx.kernel().fs().write_file(&path, &text, 0o600) {
        return vm.complain(path.as_bytes(), error.strerror());
    }
    let editor = editor.unwrap_or_else(|| Str::from("${FCEDIT:-${EDITOR:-vi}}"));
    let script = [&*editor, b" ", path.as_bytes()].concat();
    vm.call_eval(script.into());
    vm.after_call(move |vm: &mut Vm| {
        let fs = vm.ctx.kernel().fs();
        let edited = fs.read_file(&path);
        let _ = fs.remove_file(&path);
        match edited {
            Ok(bytes) if vm.shell.status == 0 => {
                vm.call_edited(bytes.into(), Str::from(&*path));
                0
            }
            _ => 1,
        }
    });
    Outcome::Continue
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return text.to_vec();
    }
    let mut out = Vec::new();
    let mut at = 0;
    for found in memchr::memmem::find_iter(text, from) {
        out.extend_from_slice(text.get(at..found).unwrap_or_default());
        out.extend_from_slice(to);
        at = found + from.len();
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// How `fc` names commands.
struct Range<'a> {
    history: &'a History,
    listing: bool,
}

impl Range<'_> {
    /// The last command before `fc` itself.
    fn last(&self) -> Option<usize> {
        self.history.entries.len().checked_sub(1 + usize::from(self.history.has_current))
    }

    /// The entry that a number, an offset or the beginning of a command means.
    fn number(&self, text: Option<&Str>) -> Option<usize> {
        let last = self.last()?;
        let Some(text) = text else { return Some(last) };
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        if let Some(number) = integer(text).filter(|_| digits.first().is_some_and(u8::is_ascii_digit)) {
            if number < 0 {
                return Some((last as i64 + 1 + number).max(0) as usize);
            }
            if number == 0 {
                if !text.starts_with(b"-") {
                    return Some(last);
                }
                return self.listing.then(|| self.history.entries.len() - 1);
            }
            let at = number - self.history.base() as i64;
            return Some(if at < 0 || at as usize >= last { last } else { at as usize });
        }
        (0..=last)
            .rev()
            .find(|at| self.history.entries.get(*at).is_some_and(|entry| entry.text.starts_with(text)))
    }
}

impl Vm {
    pub(crate) fn history(&mut self) -> &mut History {
        Rc::make_mut(&mut self.shell.history)
    }

    /// Whether lines are expanded before they are parsed.
    pub(crate) fn expands_history(&self) -> bool {
        self.opt(Opt::History) && self.opt(Opt::HistExpand)
    }

    fn expand_history(
        &mut self,
        line: &[u8],
        quote: &mut u8,
    ) -> Result<Option<expansion::Expanded>, expansion::Failure> {
        let histchars = self.symbol(b"histchars");
        let style = expansion::Style {
            chars: expansion::characters(self.shell.vars.get(histchars).value.scalar().as_ref()),
            extglob: self.shopt(crate::options::Shopt::ExtGlob),
            comments: self.parser_options().comments,
            limit: self.expansion_limit,
        };
        let mut recent = std::mem::take(&mut self.history().recent);
        let result = expansion::expand(line, &self.shell.history, &mut recent, &style, quote);
        self.history().recent = recent;
        result
    }

    /// A line of the script before it is parsed; what is wrong or only shown becomes an empty one.
    pub(crate) fn history_line(&mut self, script: &RefCell<Script>, line: Vec<u8>) -> Vec<u8> {
        if !self.expands_history() || script.borrow().in_here_document() {
            return line;
        }
        let mut quote = script.borrow().quote;
        let nothing = if quote == 0 { b"\n".to_vec() } else { Vec::new() };
        let result = self.expand_history(&line, &mut quote);
        let line = match result {
            Ok(None) => line,
            Ok(Some(expanded)) => {
                self.put(2, &expanded.text);
                if !expanded.text.ends_with(b"\n") {
                    self.put(2, b"\n");
                }
                if expanded.shown_only {
                    self.remember(&expanded.text, false);
                    return nothing;
                }
                expanded.text
            }
            Err(expansion::Failure::Wrong(message)) => {
                self.error(&message);
                return nothing;
            }
            Err(expansion::Failure::TooLarge) => {
                self.meet_expansion_limit();
                return nothing;
            }
        };
        script.borrow_mut().quote = quote;
        line
    }

    fn history_file(&self) -> Str {
        self.shell.vars.get(known::HISTFILE).value.scalar().unwrap_or_default()
    }

    /// Takes the command that runs out of the list, if it is in it.
    fn forget_current(&mut self) {
        let history = self.history();
        if std::mem::take(&mut history.has_current) {
            let last = history.entries.len().saturating_sub(1);
            history.remove(last);
            history.fresh = history.fresh.saturating_sub(1);
        }
    }

    /// Entries from the text of a history file.
    fn read_history(&mut self, bytes: &[u8], only_new: bool) {
        let mut time = self.ctx.now().seconds;
        let history = self.history();
        let mut lines = 0;
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            lines += 1;
            if only_new && lines <= history.lines_read {
                continue;
            }
            let stamp = line.strip_prefix(b"#").filter(|rest| rest.first().is_some_and(u8::is_ascii_digit));
            if let Some(stamp) = stamp.and_then(integer) {
                time = stamp;
                continue;
            }
            history.add(Str::new(line), time);
            history.fresh -= 1;
        }
        history.lines_read = lines;
        self.stifle_history(true);
    }

    /// Keeps what `HISTSIZE` allows.
    fn stifle_history(&mut self, added: bool) {
        let size = self.shell.vars.get(known::HISTSIZE).value.int();
        if let Some(size) = size.and_then(|size| usize::try_from(size).ok())
            && self.shell.history.entries.len() > size
        {
            self.history().stifle(size, added);
        }
    }

    /// The list is kept from now on: what the history file holds is its beginning.
    pub(crate) fn enable_history(&mut self) {
        let name = self.history_file();
        if self.shell.history.entries.is_empty()
            && !name.is_empty()
            && let Ok(path) = self.ctx.resolve(&name)
            && let Ok(bytes) = self.ctx.kernel().fs().read_file(&path)
        {
            self.read_history(&bytes, false);
        }
    }

    /// A complete command has been read and is about to be executed.
    pub(crate) fn remember(&mut self, text: &[u8], here_document: bool) {
        let join = self.shopt(crate::options::Shopt::CmdHist);
        let control = self.shell.vars.get(known::HISTCONTROL).value.scalar().unwrap_or_default();
        let control: Vec<&[u8]> = control.split(|b| *b == b':').collect();
        let ignore = self.shell.vars.get(known::HISTIGNORE).value.scalar().unwrap_or_default();
        let space = control.iter().any(|word| matches!(*word, b"ignorespace" | b"ignoreboth"));
        let twice = control.iter().any(|word| matches!(*word, b"ignoredups" | b"ignoreboth"));
        let erase = control.contains(&&b"erasedups"[..]);
        let now = self.ctx.now().seconds;
        self.history().has_current = false;
        for entry in crate::history::entries(text, here_document, join) {
            let last = self.shell.history.entries.last().map(|entry| entry.text.clone());
            if (space && entry.starts_with(b" "))
                || (twice && last.as_deref() == Some(&entry[..]))
                || self.history_ignores(&ignore, &entry, last.as_deref().unwrap_or_default())
            {
                self.history().has_current = false;
                continue;
            }
            let history = self.history();
            if erase {
                history.entries.retain(|other| *other.text != entry[..]);
                history.fresh = history.fresh.min(history.entries.len());
            }
            self.stifle_history(false);
            let history = self.history();
            history.add(entry.into(), now);
            history.has_current = true;
            self.stifle_history(true);
        }
    }

    /// `HISTIGNORE`: `&` stands for the last command.
    fn history_ignores(&mut self, patterns: &[u8], entry: &[u8], last: &[u8]) -> bool {
        patterns.split(|b| *b == b':').filter(|pattern| !pattern.is_empty()).any(|pattern| {
            let mut text = Vec::new();
            let mut bytes = pattern.iter().copied().peekable();
            while let Some(b) = bytes.next() {
                match b {
                    b'\\' if bytes.peek() == Some(&b'&') => text.extend(bytes.next()),
                    b'&' => text.extend_from_slice(last),
                    _ => text.push(b),
                }
            }
            self.pattern(&text, false).is_match(entry)
        })
    }

    /// `HISTCMD`
    pub(crate) fn history_number(&self) -> i64 {
        let history = &self.shell.history;
        if !self.opt(crate::options::Opt::History) {
            return 0;
        }
        (history.dropped + history.entries.len() + usize::from(!history.has_current)) as i64
    }
}
