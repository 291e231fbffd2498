//! `test`, `[`, and the operators of `[[`

use wasmsh_os::{AccessMode, FileType};
use wasmsh_syntax::ast::CondBinary;

use super::Builtin;
use super::options::integer;
use crate::options::{Opt, Shopt};
use crate::text::Str;
use crate::vars::Attrs;
use crate::vm::variables::split_reference;
use crate::vm::{Outcome, Unwind, Vm};

const HELP: &str = "Evaluates a conditional expression.\n\nFiles: -a -b -c -d -e -f -g -G -h -k -L -N -O -p -r -s -S -t -u -w -x FILE,\nFILE -nt FILE, FILE -ot FILE, FILE -ef FILE.\nStrings: -z S, -n S, S, S = S, S == S, S != S, S < S, S > S.\nOthers: -o OPTION, -v NAME, -R NAME, N -eq -ne -lt -le -gt -ge N, ! E, E -a E, E -o E, ( E ).\n\nStatus: 0 if it holds, 1 if not, 2 if it is wrong.";
pub(crate) const TEST: Builtin =
    Builtin::new("test", "test [expr]", HELP, |vm, argv| run(vm, argv.get(1..).unwrap_or_default()));
pub(crate) const BRACKET: Builtin =
    Builtin::new("[", "[ arg... ]", HELP, |vm, argv| match argv.split_last() {
        Some((last, rest)) if last == b"]" => run(vm, rest.get(1..).unwrap_or_default()),
        _ => {
            vm.builtin_error("missing `]'");
            Outcome::Status(2)
        }
    });

/// Why an expression has no value.
enum Stop {
    /// An error has been reported.
    Wrong,
    Unwind(Unwind),
}

struct Test<'a> {
    vm: &'a mut Vm,
    words: &'a [Str],
    at: usize,
}

fn run(vm: &mut Vm, words: &[Str]) -> Outcome {
    let mut test = Test { vm, words, at: 0 };
    let result = match words.len() {
        0 => Ok(false),
        count @ 1..=4 => test.by_count(words, count),
        _ => test.expression(),
    };
    match result {
        Ok(holds) => Outcome::Status(u8::from(!holds)),
        Err(Stop::Unwind(Unwind::Discard(_)) | Stop::Wrong) => Outcome::Status(2),
        Err(Stop::Unwind(unwind)) => Outcome::Unwind(unwind),
    }
}

fn is_unary(word: &[u8]) -> Option<u8> {
    match word {
        [b'-', letter] if b"abcdefghknoprstuvwxzGLNORS".contains(letter) => Some(*letter),
        _ => None,
    }
}

fn is_binary(word: &[u8]) -> bool {
    matches!(
        word,
        b"=" | b"=="
            | b"!="
            | b"<"
            | b">"
            | b"-eq"
            | b"-ne"
            | b"-lt"
            | b"-le"
            | b"-gt"
            | b"-ge"
            | b"-nt"
            | b"-ot"
            | b"-ef"
    )
}

impl Test<'_> {
    fn wrong<T>(&mut self, message: impl AsRef<[u8]>) -> Result<T, Stop> {
        self.vm.builtin_error(message);
        Err(Stop::Wrong)
    }

    /// The rules of POSIX by the number of arguments.
    fn by_count(&mut self, words: &[Str], count: usize) -> Result<bool, Stop> {
        match (count, words) {
            (1, [word]) => Ok(!word.is_empty()),
            (2, [not, word]) if not == b"!" => Ok(word.is_empty()),
            (2, [op, word]) => match is_unary(op) {
                Some(letter) => self.unary(letter, word),
                None => {
                    let op = op.clone();
                    self.wrong([&*op, b": unary operator expected"].concat())
                }
            },
            (3, [left, op, right]) => {
                if is_binary(op) {
                    self.binary(op, left, right)
                } else if op == b"-a" {
                    Ok(!left.is_empty() && !right.is_empty())
                } else if op == b"-o" {
                    Ok(!left.is_empty() || !right.is_empty())
                } else if left == b"!" {
                    let rest = words.get(1..).unwrap_or_default();
                    Ok(!self.by_count(rest, 2)?)
                } else if left == b"(" && right == b")" {
                    Ok(!op.is_empty())
                } else {
                    let op = op.clone();
                    self.wrong([&*op, b": binary operator expected"].concat())
                }
            }
            (4, [not, ..]) if not == b"!" => Ok(!self.by_count(words.get(1..).unwrap_or_default(), 3)?),
            (4, [open, a, b, close]) if open == b"(" && close == b")" => {
                self.by_count(&[a.clone(), b.clone()], 2)
            }
            _ => self.expression(),
        }
    }

    fn expression(&mut self) -> Result<bool, Stop> {
        let value = self.or()?;
        if self.at < self.words.len() {
            return self.wrong("too many arguments");
        }
        Ok(value)
    }

    fn peek(&self) -> Option<&Str> {
        self.words.get(self.at)
    }

    fn or(&mut self) -> Result<bool, Stop> {
        let mut value = self.and()?;
        while self.peek().is_some_and(|word| word == b"-o") {
            self.at += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, Stop> {
        let mut value = self.term()?;
        while self.peek().is_some_and(|word| word == b"-a") {
            self.at += 1;
            value &= self.term()?;
        }
        Ok(value)
    }

    fn term(&mut self) -> Result<bool, Stop> {
        // `!` and `(` nest no deeper than there are arguments; bash recurses here too, so there is a bound.
        let mut negated = false;
        while self.peek().is_some_and(|word| word == b"!") {
            self.at += 1;
            negated = !negated;
        }
        let Some(word) = self.peek().cloned() else { return self.wrong("argument expected") };
        let next = self.words.get(self.at + 1).cloned();
        let value = if word == b"(" {
            self.depth_check()?;
            self.at += 1;
            let value = self.or()?;
            if self.peek().is_none_or(|word| word != b")") {
                return self.wrong("`)' expected");
            }
            self.at += 1;
            value
        } else if next.as_ref().is_some_and(|op| is_binary(op)) && self.words.get(self.at + 2).is_some() {
            let right = self.words.get(self.at + 2).cloned().unwrap_or_default();
            self.at += 3;
            self.binary(&next.unwrap_or_default(), &word, &right)?
        } else if let (Some(letter), Some(operand)) = (is_unary(&word), next) {
            self.at += 2;
            self.unary(letter, &operand)?
        } else {
            self.at += 1;
            !word.is_empty()
        };
        Ok(value != negated)
    }

    fn depth_check(&mut self) -> Result<(), Stop> {
        let open = self.words.get(..self.at).unwrap_or_default().iter().filter(|word| *word == b"(").count();
        if open > 500 { self.wrong("too many nested parentheses") } else { Ok(()) }
    }

    fn unary(&mut self, letter: u8, operand: &Str) -> Result<bool, Stop> {
        self.vm.cond_unary(letter, operand).map_err(Stop::Unwind)
    }

    fn binary(&mut self, op: &[u8], left: &Str, right: &Str) -> Result<bool, Stop> {
        let compare = |this: &mut Self, holds: fn(i64, i64) -> bool| {
            let mut numbers = [0; 2];
            for (place, text) in numbers.iter_mut().zip([left, right]) {
                match integer(text) {
                    Some(value) => *place = value,
                    None => return this.wrong([&**text, b": integer expression expected"].concat()),
                }
            }
            Ok(holds(numbers[0], numbers[1]))
        };
        match op {
            b"=" | b"==" => Ok(left == right),
            b"!=" => Ok(left != right),
            b"<" => Ok(left < right),
            b">" => Ok(left > right),
            b"-eq" => compare(self, |a, b| a == b),
            b"-ne" => compare(self, |a, b| a != b),
            b"-lt" => compare(self, |a, b| a < b),
            b"-le" => compare(self, |a, b| a <= b),
            b"-gt" => compare(self, |a, b| a > b),
            b"-ge" => compare(self, |a, b| a >= b),
            b"-nt" => Ok(self.vm.newer(left, right)),
            b"-ot" => Ok(self.vm.newer(right, left)),
            _ => Ok(self.vm.same_file(left, right)),
        }
    }
}

impl Vm {
    /// A unary operator of `[[` or `test` by its letter.
    pub(crate) fn cond_unary(&mut self, letter: u8, operand: &Str) -> Result<bool, Unwind> {
        let ctx = self.ctx.clone();
        let kind = |kind: FileType| ctx.stat(operand, true).is_ok_and(|stat| stat.kind == kind);
        let mode = |bit: u32| ctx.stat(operand, true).is_ok_and(|stat| stat.mode & bit != 0);
        Ok(match letter {
            b'z' => operand.is_empty(),
            b'n' => !operand.is_empty(),
            b'a' | b'e' => ctx.stat(operand, true).is_ok(),
            b'f' => kind(FileType::Regular),
            b'd' => kind(FileType::Directory),
            b'c' => kind(FileType::CharacterDevice),
            b'b' => false,
            b'p' => kind(FileType::Fifo),
            b'S' => kind(FileType::Socket),
            b'h' | b'L' => ctx.stat(operand, false).is_ok_and(|stat| stat.is_symbolic_link()),
            b's' => ctx.stat(operand, true).is_ok_and(|stat| stat.size > 0),
            b'g' => mode(0o2000),
            b'u' => mode(0o4000),
            b'k' => mode(0o1000),
            b'r' => ctx.access(operand, AccessMode::READ).is_ok(),
            b'w' => ctx.access(operand, AccessMode::WRITE).is_ok(),
            b'x' => ctx.access(operand, AccessMode::EXECUTE).is_ok(),
            b'O' => ctx.stat(operand, true).is_ok_and(|stat| stat.uid == ctx.user().0),
            b'G' => ctx.stat(operand, true).is_ok_and(|stat| stat.gid == ctx.user().1),
            b'N' => ctx.stat(operand, true).is_ok_and(|stat| stat.modified > stat.accessed),
            b't' => integer(operand).is_some_and(|fd| u32::try_from(fd).is_ok_and(|fd| ctx.is_terminal(fd))),
            b'o' => Opt::from_name(operand).is_some_and(|option| self.opt(option)),
            b'v' => self.is_set_place(operand)?,
            b'R' => {
                let symbol = self.symbol(operand);
                let var = self.shell.vars.get(symbol);
                var.attrs.contains(Attrs::NAMEREF) && var.is_set()
            }
            _ => false,
        })
    }

    /// `-v`: whether `name`, `name[subscript]`, or a positional parameter is set.
    fn is_set_place(&mut self, text: &Str) -> Result<bool, Unwind> {
        if !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
            let number = text.to_text().parse().unwrap_or(u32::MAX);
            return Ok(self.positional(number).is_some());
        }
        // `[[` has expanded the key of an associative array, unless it was quoted.
        if self.builtin.is_empty()
            && let Some(text) = text.strip_suffix(b"]")
            && let Some(open) = text.iter().position(|b| *b == b'[')
            && let (name, key) = text.split_at(open)
            && let symbol = self.symbol(name)
            && let target = self.resolve(symbol)?.0
            && self.shell.vars.get(target).value.is_assoc()
            && self.element(symbol, key.get(1..).unwrap_or_default())?.is_some()
        {
            return Ok(true);
        }
        match split_reference(text) {
            Some((name, None)) => {
                let symbol = self.symbol(name);
                // A reference to an element: bash looks for a variable of that whole name.
                if self.refers_to_element(symbol)? {
                    return Ok(false);
                }
                Ok(self.scalar(symbol)?.is_some())
            }
            Some((name, Some(subscript))) => {
                let symbol = self.symbol(name);
                let target = self.resolve(symbol)?.0;
                if matches!(subscript, b"@" | b"*") && !self.shell.vars.get(target).value.is_assoc() {
                    return Ok(!self.values(symbol)?.is_empty());
                }
                let key = self.key_from_source(symbol, subscript)?;
                Ok(self.element(symbol, &key)?.is_some())
            }
            None => Ok(false),
        }
    }

    fn newer(&self, left: &[u8], right: &[u8]) -> bool {
        match (self.ctx.stat(left, true), self.ctx.stat(right, true)) {
            (Ok(left), Ok(right)) => left.modified > right.modified,
            (Ok(_), Err(_)) => true,
            _ => false,
        }
    }

    fn same_file(&self, left: &[u8], right: &[u8]) -> bool {
        match (self.ctx.stat(left, true), self.ctx.stat(right, true)) {
            (Ok(left), Ok(right)) => (left.device, left.inode) == (right.device, right.inode),
            _ => false,
        }
    }

    /// A binary operator of `[[`: the status.
    pub(crate) fn cond_binary(&mut self, op: CondBinary, left: &Str, right: &Str) -> Result<u8, Unwind> {
        let holds = match op {
            CondBinary::Match | CondBinary::MatchSingle => {
                self.pattern_with(right, true, self.shopt(Shopt::NoCaseMatch)).is_match(left)
            }
            CondBinary::NotMatch => {
                !self.pattern_with(right, true, self.shopt(Shopt::NoCaseMatch)).is_match(left)
            }
            CondBinary::Regex => return self.cond_regex(left, right),
            CondBinary::Before => left < right,
            CondBinary::After => left > right,
            CondBinary::Newer => self.newer(left, right),
            CondBinary::Older => self.newer(right, left),
            CondBinary::SameFile => self.same_file(left, right),
            CondBinary::Eq
            | CondBinary::Ne
            | CondBinary::Lt
            | CondBinary::Le
            | CondBinary::Gt
            | CondBinary::Ge => {
                self.arith_prefix = Some(b"[[");
                let numbers = self.arith_text(left).and_then(|left| Ok((left, self.arith_text(right)?)));
                self.arith_prefix = None;
                let (left, right) = match numbers {
                    Ok(numbers) => numbers,
                    Err(Unwind::Discard(_)) => return Ok(1),
                    Err(unwind) => return Err(unwind),
                };
                match op {
                    CondBinary::Eq => left == right,
                    CondBinary::Ne => left != right,
                    CondBinary::Lt => left < right,
                    CondBinary::Le => left <= right,
                    CondBinary::Gt => left > right,
                    _ => left >= right,
                }
            }
        };
        Ok(u8::from(!holds))
    }
}
