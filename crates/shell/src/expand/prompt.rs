//! Prompt strings (bash manual "Controlling the Prompt").

use wasmsh_syntax::parser::Whole;

use crate::options::{Opt, Shopt};
use crate::text::Str;
use crate::vm::{Unwind, Vm};

impl Vm {
    /// A prompt string as it is shown: escapes, then expansions.
    pub(crate) fn prompt(&mut self, text: &[u8]) -> Result<Str, Unwind> {
        let expands = self.shopt(Shopt::PromptVars) || self.opt(Opt::Posix);
        let decoded = self.decode_prompt(text, expands);
        if expands { self.expand_text(&decoded, Whole::DoubleQuotes) } else { Ok(decoded.into()) }
    }

    /// The backslash escapes of a prompt string. What they insert is quoted if expansions follow.
    fn decode_prompt(&self, text: &[u8], expands: bool) -> Vec<u8> {
        let quote = |text: &[u8]| -> Vec<u8> {
            if !expands {
                return text.to_vec();
            }
            text.iter().flat_map(|b| if b"$`\"\\".contains(b) { vec![b'\\', *b] } else { vec![*b] }).collect()
        };
        let mut out = Vec::new();
        let mut bytes = text.iter().copied().peekable();
        while let Some(b) = bytes.next() {
            if b != b'\\' {
                out.push(b);
                continue;
            }
            let Some(letter) = bytes.next() else {
                out.push(b'\\');
                break;
            };
            match letter {
                b'a' => out.push(7),
                b'e' => out.push(27),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                // The expansions that follow see a backslash as any other.
                b'\\' => out.push(b'\\'),
                b'[' | b']' => {}
                b'$' => match self.ctx.user().0 {
                    0 => out.push(b'#'),
                    _ => out.extend_from_slice(&quote(b"$")),
                },
                b's' => out.extend_from_slice(&quote(
                    self.shell.name.rsplit(|b| *b == b'/').next().unwrap_or_default(),
                )),
                b'D' if bytes.peek() == Some(&b'{') => {
                    bytes.next();
                    let format: Vec<u8> = bytes.by_ref().take_while(|b| *b != b'}').collect();
                    let format = if format.is_empty() { b"%X".to_vec() } else { format };
                    out.extend_from_slice(&quote(&self.strftime(&format, self.ctx.now().seconds)));
                }
                b'u' => out.extend_from_slice(&self.user_name()),
                b'h' | b'H' => out.extend_from_slice(&self.plain_value(crate::symbol::known::HOSTNAME)),
                b'v' => out.extend_from_slice(b"5.2"),
                b'V' => out.extend_from_slice(b"5.2.15"),
                b'w' | b'W' => {
                    let cwd = self.ctx.cwd();
                    let mut path = crate::builtins::dirs::short(self, cwd.as_bytes());
                    if letter == b'W' && path.len() > 1 {
                        path = path.rsplit(|b| *b == b'/').next().unwrap_or_default().to_vec();
                    }
                    out.extend_from_slice(&quote(&path));
                }
                b'j' => out.extend_from_slice(self.shell.jobs.jobs.len().to_string().as_bytes()),
                b'l' => out.extend_from_slice(b"tty"),
                b'!' | b'#' => {
                    // The command that runs has been taken into the history already, if there is one.
                    let number = self.shell.history.dropped
                        + self.shell.history.entries.len()
                        + usize::from(!self.shell.history.has_current);
                    // What asks here is part of a command, which has a number already.
                    let number = number.max(1) - usize::from(letter == b'#');
                    out.extend_from_slice(number.to_string().as_bytes());
                }
                b'd' => out.extend_from_slice(&self.format_time("%a %b %d")),
                b't' => out.extend_from_slice(&self.format_time("%H:%M:%S")),
                b'T' => out.extend_from_slice(&self.format_time("%I:%M:%S")),
                b'@' => out.extend_from_slice(&self.format_time("%I:%M %p")),
                b'A' => out.extend_from_slice(&self.format_time("%H:%M")),
                b'0'..=b'7' => {
                    let mut value = u32::from(letter - b'0');
                    for _ in 0..2 {
                        match bytes.peek() {
                            Some(digit @ b'0'..=b'7') => {
                                value = value * 8 + u32::from(digit - b'0');
                                bytes.next();
                            }
                            _ => break,
                        }
                    }
                    out.push(value as u8);
                }
                other => {
                    out.push(b'\\');
                    out.push(other);
                }
            }
        }
        out
    }

    fn plain_value(&self, symbol: crate::symbol::Sym) -> Vec<u8> {
        self.shell.vars.get(symbol).value.scalar().unwrap_or_default().to_vec()
    }

    fn format_time(&self, format: &str) -> Vec<u8> {
        self.strftime(format.as_bytes(), self.ctx.now().seconds)
    }

    /// The name of the user of the process, as `/etc/passwd` has it.
    fn user_name(&self) -> Vec<u8> {
        let uid = self.ctx.user().0.to_string();
        let accounts = self.ctx.kernel().fs().read_file("/etc/passwd").unwrap_or_default();
        let of = |line: &[u8]| {
            let mut fields = line.split(|b| *b == b':');
            let name = fields.next()?.to_vec();
            (fields.nth(1)? == uid.as_bytes()).then_some(name)
        };
        // Bash's words for it.
        accounts.split(|b| *b == b'\n').find_map(of).unwrap_or_else(|| b"I have no name!".to_vec())
    }
}
