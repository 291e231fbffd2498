//! `read`

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use wasmsh_os::{Ceiling, Ctx, Description, Errno, Position};

use super::Builtin;
use super::options::integer;
use crate::symbol::known;
use crate::text::Str;
use crate::vars::Value;
use crate::vm::variables::split_reference;
use crate::vm::word::Ifs;
use crate::vm::{After, Outcome, Pending, Unwind, Vm};

pub(crate) const READ: Builtin = Builtin::new(
    "read",
    "read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]",
    "Reads a line and splits it into fields, one for each name; the last name gets the rest.\nWithout names the line becomes REPLY.\n\n-a array    the fields become the elements of an array\n-d delim    the line ends at this character\n-n nchars   at most so many characters\n-N nchars   so many characters, whatever they are\n-p prompt   shown first, on a terminal\n-r          backslashes are ordinary\n-s          without echo\n-t timeout  at most so many seconds; 0 asks whether there is input\n-u fd       from this descriptor\n\nStatus: 0; 1 at the end of the input; more than 128 after the time; 2 if something is wrong.",
    run,
);

/// How a line is read.
#[derive(Clone, Copy)]
struct How {
    delimiter: u8,
    raw: bool,
    /// Characters at most.
    limit: Option<usize>,
    /// Delimiters are ordinary (`-N`).
    exact: bool,
}

/// What came.
struct Line {
    /// The text, and which bytes were quoted by a backslash.
    bytes: Vec<u8>,
    quoted: Vec<bool>,
    status: u8,
    /// It is longer than a line may be.
    over: bool,
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"ersa:d:i:n:N:p:t:u:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let names: Vec<Str> = argv.get(given.operands..).unwrap_or_default().to_vec();
    for name in &names {
        if split_reference(name).is_none() {
            let what = [b"`", &**name, b"'"].concat();
            return vm.complain(&what, "not a valid identifier");
        }
    }
    let mut how = How { delimiter: b'\n', raw: given.has(b'r'), limit: None, exact: false };
    if let Some(delimiter) = given.value(b'd') {
        how.delimiter = delimiter.first().copied().unwrap_or(0);
    }
    for letter in [b'n', b'N'] {
        if let Some(value) = given.value(letter) {
            match integer(value).and_then(|value| usize::try_from(value).ok()) {
                Some(count) => {
                    how.limit = Some(count);
                    how.exact = letter == b'N';
                }
                None => {
                    let value = value.clone();
                    return vm.complain(&value, "invalid number");
                }
            }
        }
    }
    let timeout = match given.value(b't') {
        None => None,
        Some(text) => match std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|t| *t >= 0.0)
        {
            Some(seconds) => Some((seconds * 1e9).min(1e18) as u64),
            None => {
                let text = text.clone();
                return vm.complain(&text, "invalid timeout specification");
            }
        },
    };
    let descriptor = match given.value(b'u') {
        None => 0,
        Some(text) => match integer(text).and_then(|value| u32::try_from(value).ok()) {
            Some(number) => number,
            None => {
                let text = text.clone();
                return vm.complain(&text, "invalid file descriptor specification");
            }
        },
    };
    let description = match vm.ctx.description(descriptor) {
        Ok(description) => description,
        Err(error) => {
            if given.has(b'u') {
                let text = Str::from_int(i64::from(descriptor));
                return vm.complain(&text, &format!("invalid file descriptor: {}", error.strerror()));
            }
            return vm.complain(b"read error: 0", error.strerror());
        }
    };
    if let Some(prompt) = given.value(b'p')
        && vm.ctx.is_terminal(descriptor)
    {
        let prompt = prompt.clone();
        vm.put(2, &prompt);
        vm.flush_now();
    }
    if timeout == Some(0) {
        let ready = vm.ctx.readiness(wasmsh_os::Interest { descriptor, read: true, write: false });
        return Outcome::Status(u8::from(ready.is_empty()));
    }
    let array = given.value(b'a').cloned();
    if let Some(name) = array.as_ref().filter(|name| !crate::vm::variables::is_name(name)) {
        return vm.complain(&[b"`", &**name, b"'"].concat(), "not a valid identifier");
    }
    // A signal with a trap ends it only in POSIX mode; otherwise the trap runs after it.
    let posix = vm.opt(crate::options::Opt::Posix);
    // Most lines are there already.
    if timeout.is_none() {
        let mut reader = Reader::new(description.clone(), how);
        match reader.advance(&vm.ctx) {
            Some(line) => return finish(vm, line, &names, array, how),
            None => {
                let ctx = vm.ctx.clone();
                let future: Pin<Box<dyn Future<Output = After>>> = Box::pin(async move {
                    let line = reader.read(&ctx).await;
                    let after: After = Box::new(move |vm: &mut Vm| finish(vm, line, &names, array, how));
                    after
                });
                return Outcome::Wait(Pending::Future { future, interruptible: posix });
            }
        }
    }
    let ctx = vm.ctx.clone();
    let nanoseconds = timeout.unwrap_or(0);
    let future: Pin<Box<dyn Future<Output = After>>> = Box::pin(async move {
        let mut reader = Reader::new(description, how);
        let mut sleep = ctx.sleep(nanoseconds);
        let line = std::future::poll_fn(|_| {
            if let std::task::Poll::Ready(line) = reader.poll(&ctx) {
                return std::task::Poll::Ready(line);
            }
            match sleep.poll_elapsed() {
                std::task::Poll::Ready(()) => std::task::Poll::Ready(reader.take(142)),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        })
        .await;
        let after: After = Box::new(move |vm: &mut Vm| finish(vm, line, &names, array, how));
        after
    });
    Outcome::Wait(Pending::Future { future, interruptible: posix })
}

/// A line of a script, with its newline; `None` at the end. What follows it stays where it is.
pub(crate) async fn script_line(ctx: &Ctx) -> Option<Vec<u8>> {
    let from = ctx.description(0).ok()?;
    let how = How { delimiter: b'\n', raw: true, limit: None, exact: false };
    let Line { mut bytes, status, .. } = Reader::new(from, how).read(ctx).await;
    if status == 0 {
        bytes.push(b'\n');
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// A line under way. Never reads past its end, so that others read on behind it.
struct Reader {
    from: Rc<Description>,
    how: How,
    bytes: Vec<u8>,
    quoted: Vec<bool>,
    characters: usize,
    escaped: bool,
    buffer: Vec<u8>,
    over: bool,
}

impl Reader {
    fn new(from: Rc<Description>, how: How) -> Reader {
        Reader {
            from,
            how,
            bytes: Vec::new(),
            quoted: Vec::new(),
            characters: 0,
            escaped: false,
            buffer: Vec::new(),
            over: false,
        }
    }

    fn take(&mut self, status: u8) -> Line {
        Line {
            bytes: std::mem::take(&mut self.bytes),
            quoted: std::mem::take(&mut self.quoted),
            status,
            over: self.over,
        }
    }

    async fn read(&mut self, ctx: &Ctx) -> Line {
        std::future::poll_fn(|_| self.poll(ctx)).await
    }

    fn poll(&mut self, ctx: &Ctx) -> std::task::Poll<Line> {
        use std::task::Poll;
        loop {
            match self.advance(ctx) {
                Some(line) => return Poll::Ready(line),
                // An endless file has always more.
                None if ctx.poll_tick(0).is_pending() => return Poll::Pending,
                None => {}
            }
            // Registers for a wakeup; what comes with it is taken.
            let mut one = Vec::new();
            match ctx.poll_read_from(&self.from, &mut one, 1) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(self.take(1)),
                Poll::Ready(Ok(_)) => {
                    for b in one {
                        if self.byte(b) {
                            return Poll::Ready(self.take(0));
                        }
                    }
                }
                Poll::Ready(Err(_)) => return Poll::Ready(self.take(1)),
            }
        }
    }

    /// Takes what is there. `None`: it has to wait.
    fn advance(&mut self, ctx: &Ctx) -> Option<Line> {
        if self.how.limit == Some(0) {
            return Some(self.take(0));
        }
        loop {
            self.buffer.clear();
            // A pipe gives up to the delimiter; of a file a piece is read, and the rest given back.
            let read = match &*self.from {
                Description::PipeReader(reader) | Description::Fifo(reader, _) => {
                    let mut max = 4096;
                    if let Some(limit) = self.how.limit {
                        max = (limit - self.characters).max(1);
                    }
                    match reader.pipe().find(self.how.delimiter) {
                        _ if self.how.exact => {}
                        Some(at) => max = max.min(at + 1),
                        None => {}
                    }
                    ctx.try_read_from(&self.from, &mut self.buffer, max)
                }
                Description::File(_) => {
                    let max = match self.how.limit {
                        Some(limit) => (limit - self.characters).clamp(1, 4096),
                        None => 512,
                    };
                    ctx.try_read_from(&self.from, &mut self.buffer, max)
                }
                _ => ctx.try_read_from(&self.from, &mut self.buffer, 1),
            };
            let count = match read {
                Ok(0) => return Some(self.take(1)),
                Ok(count) => count,
                Err(Errno::Again) => return None,
                Err(_) => return Some(self.take(1)),
            };
            if self.bytes.len() as u64 > ctx.kernel().ceilings().expansion_bytes {
                ctx.kernel().meet(Ceiling::ExpansionBytes);
                self.over = true;
                return Some(self.take(1));
            }
            let buffer = std::mem::take(&mut self.buffer);
            for (i, b) in buffer.iter().enumerate() {
                if self.byte(*b) {
                    let rest = count - i - 1;
                    if rest > 0
                        && let Description::File(file) = &*self.from
                    {
                        // A file that has no position gave what it had.
                        let _ = file.seek(Position::Current(-(rest as i64)));
                    }
                    self.buffer = buffer;
                    return Some(self.take(0));
                }
            }
            self.buffer = buffer;
            if !ctx.kernel().consume(1 + (count / 64) as u32) {
                return None;
            }
        }
    }

    /// Takes a byte. True: the line is complete.
    fn byte(&mut self, b: u8) -> bool {
        if self.escaped {
            self.escaped = false;
            if b == b'\n' {
                return false;
            }
            self.push(b, true);
        } else if b == self.how.delimiter && !self.how.exact {
            return true;
        } else if b == b'\\' && !self.how.raw {
            self.escaped = true;
            return false;
        } else if b == 0 {
            return false;
        } else {
            self.push(b, false);
        }
        match self.how.limit {
            // A character is complete when no further byte belongs to it.
            Some(limit) => self.characters >= limit && self.complete(),
            None => false,
        }
    }

    fn push(&mut self, b: u8, quoted: bool) {
        if !(0x80..0xc0).contains(&b) || wasmsh_syntax::locale::is_bytes() || self.complete() {
            self.characters += 1;
        }
        self.bytes.push(b);
        self.quoted.push(quoted);
    }

    /// Whether the last character has all its bytes.
    fn complete(&self) -> bool {
        let tail = self.bytes.len().saturating_sub(4);
        let last = self.bytes.get(tail..).unwrap_or_default();
        match last.iter().rposition(|b| !(0x80..0xc0).contains(b)) {
            Some(at) => {
                let have = last.len() - at;
                let need = match last.get(at) {
                    Some(0xc2..=0xdf) => 2,
                    Some(0xe0..=0xef) => 3,
                    Some(0xf0..=0xf4) => 4,
                    _ => 1,
                };
                have >= need
            }
            None => true,
        }
    }
}

fn finish(vm: &mut Vm, line: Line, names: &[Str], array: Option<Str>, how: How) -> Outcome {
    if line.over {
        return Outcome::Unwind(vm.too_large());
    }
    let status = line.status;
    match assign(vm, &line, names, array, how) {
        Ok(()) => Outcome::Status(status),
        Err(Unwind::Fail(status)) => Outcome::Status(status),
        Err(Unwind::Discard(_)) => Outcome::Status(1),
        Err(unwind) => Outcome::Unwind(unwind),
    }
}

fn assign(vm: &mut Vm, line: &Line, names: &[Str], array: Option<Str>, how: How) -> Result<(), Unwind> {
    if let Some(name) = array {
        let ifs = if how.exact { Ifs::new(b"") } else { vm.shell.ifs.clone() };
        let mut values = Vec::new();
        let mut at = skip_white(&ifs, line, 0);
        while at < line.bytes.len() {
            let (value, next) = take_field(&ifs, line, at);
            values.push(value);
            at = next;
        }
        let symbol = vm.symbol(&name);
        if vm.shell.vars.get(symbol).value.is_assoc() {
            let what = name.clone();
            let _ = vm.complain(&what, "cannot convert associative to indexed array");
            return Err(Unwind::Fail(1));
        }
        return vm.assign_array(symbol, values);
    }
    if names.is_empty() {
        return vm.assign(known::REPLY, Value::Str(Str::new(&line.bytes)));
    }
    if how.exact {
        for (i, name) in names.iter().enumerate() {
            let value = if i == 0 { Str::new(&line.bytes) } else { Str::EMPTY };
            vm.assign_place(name, value)?;
        }
        return Ok(());
    }
    let ifs = vm.shell.ifs.clone();
    let mut at = skip_white(&ifs, line, 0);
    let Some((last, first)) = names.split_last() else { return Ok(()) };
    for name in first {
        let value = if at < line.bytes.len() {
            let (value, next) = take_field(&ifs, line, at);
            at = next;
            value
        } else {
            Str::EMPTY
        };
        vm.assign_place(name, value)?;
    }
    // The rest, without whitespace at its end; and without the separator if it is one field.
    let (field, next) = take_field(&ifs, line, at);
    let value = if next >= line.bytes.len() {
        field
    } else {
        let mut end = line.bytes.len();
        while end > at && is_white(&ifs, line, end - 1) {
            end -= 1;
        }
        Str::new(line.bytes.get(at..end).unwrap_or_default())
    };
    vm.assign_place(last, value)
}

fn is_white(ifs: &Ifs, line: &Line, at: usize) -> bool {
    line.bytes.get(at).is_some_and(|b| ifs.is_white(*b)) && !line.quoted.get(at).copied().unwrap_or(false)
}

fn is_separator(ifs: &Ifs, line: &Line, at: usize) -> bool {
    line.bytes.get(at).is_some_and(|b| ifs.contains(*b)) && !line.quoted.get(at).copied().unwrap_or(false)
}

fn skip_white(ifs: &Ifs, line: &Line, mut at: usize) -> usize {
    while is_white(ifs, line, at) {
        at += 1;
    }
    at
}

/// The field that begins at `at`, and where the next one begins.
fn take_field(ifs: &Ifs, line: &Line, at: usize) -> (Str, usize) {
    let mut end = at;
    while end < line.bytes.len() && !is_separator(ifs, line, end) {
        end += 1;
    }
    let value = Str::new(line.bytes.get(at..end).unwrap_or_default());
    let mut next = skip_white(ifs, line, end);
    if is_separator(ifs, line, next) && !is_white(ifs, line, next) {
        next = skip_white(ifs, line, next + 1);
    }
    (value, next)
}
