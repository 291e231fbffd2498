//! What `set -x` shows.

use wasmsh_syntax::ast::CondBinary;

use crate::options::Opt;
use crate::symbol::{Sym, known};
use crate::text::Str;
use crate::vm::code::Op;
use crate::vm::{CallKind, Vm};

impl Vm {
    /// `+ ` and the text, on standard error.
    pub(crate) fn trace(&mut self, text: &[u8]) {
        let level =
            self.calls.iter().filter(|call| matches!(call.kind, CallKind::Eval | CallKind::Trap)).count()
                + self.shell.subshell_trace as usize;
        let prompt = self.shell.vars.get(known::PS4).value.scalar().unwrap_or_else(|| Str::from("+ "));
        // A prompt that runs commands is shown as it is: nothing can wait here. What it expands is not traced.
        self.shell.options.set_opt(Opt::XTrace, false);
        let prompt = self.prompt(&prompt).unwrap_or(prompt);
        self.shell.options.set_opt(Opt::XTrace, true);
        let mut line = Vec::new();
        let first = crate::expand::pattern::char_len(&prompt);
        for _ in 0..level {
            line.extend_from_slice(prompt.get(..first).unwrap_or_default());
        }
        line.extend_from_slice(&prompt);
        line.extend_from_slice(text);
        line.push(b'\n');
        let descriptor = self.shell.vars.get(known::BASH_XTRACEFD).value.int().unwrap_or(2) as u32;
        self.put(descriptor, &line);
        self.flush_now();
    }

    pub(super) fn trace_words(&mut self, words: &[Str]) {
        let mut text = Vec::new();
        for (i, word) in words.iter().enumerate() {
            if i > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(&trace_quote(word));
        }
        self.trace(&text);
    }

    pub(crate) fn trace_assign(&mut self, name: Sym, value: &[u8]) {
        let mut text = self.name_of(name).to_vec();
        text.push(b'=');
        if !value.is_empty() {
            text.extend_from_slice(&trace_quote(value));
        }
        self.trace(&text);
    }

    /// `name=( … )`
    pub(super) fn trace_array(&mut self, span: wasmsh_syntax::ast::Span) {
        let code = self.code.clone();
        self.trace(code.source_text(span));
    }

    /// The head of a loop whose next pass begins, or of a `case`.
    pub(super) fn trace_head(&mut self) {
        // The DEBUG trap that follows knows where the command stands.
        let ahead = self.code.ops.get(self.pc.saturating_sub(1)..).unwrap_or_default().iter().take(4);
        let span = ahead.into_iter().find_map(|op| match op {
            Op::Debug(span, _) => Some(*span),
            _ => None,
        });
        if let Some(span) = span {
            let code = self.code.clone();
            let head = wasmsh_syntax::print::trapped(&code.ast, span);
            self.trace(&head);
        }
    }

    /// `((…))`
    pub(super) fn trace_arith(&mut self, text: &[u8]) {
        self.trace(&[b"(( ", text, b" ))"].concat());
    }

    /// A unary test of `[[`.
    pub(super) fn trace_unary(&mut self, letter: u8, operand: &[u8]) {
        let operand = if operand.is_empty() { b"''" } else { operand };
        self.trace(&[b"[[ -", &[letter][..], b" ", operand, b" ]]"].concat());
    }

    /// A word alone in `[[`.
    pub(super) fn trace_word(&mut self, word: &[u8]) {
        self.trace_unary(b'n', word);
    }

    /// A binary test of `[[`.
    pub(super) fn trace_binary(&mut self, op: CondBinary, left: &[u8], right: &[u8]) {
        let shown = |text: &[u8]| if text.is_empty() { b"''".to_vec() } else { text.to_vec() };
        self.trace(
            &[b"[[ ", &*shown(left), b" ", op.as_str().as_bytes(), b" ", &*shown(right), b" ]]"].concat(),
        );
    }
}

/// How `set -x` quotes a word.
pub(crate) fn trace_quote(word: &[u8]) -> Vec<u8> {
    if word.is_empty() {
        return b"''".to_vec();
    }
    let meta = word.iter().enumerate().any(|(at, b)| match b {
        b' ' | b'\t' | b'\n' | b'\'' | b'"' | b'\\' | b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>'
        | b'!' | b'{' | b'}' | b'*' | b'[' | b'?' | b']' | b'^' | b'$' | b'`' => true,
        b'~' => at == 0 || matches!(word.get(at - 1), Some(b'=' | b':')),
        b'#' => at == 0,
        _ => false,
    });
    if meta {
        wasmsh_syntax::quote::single(word)
    } else if wasmsh_syntax::quote::needs_ansi_c(word) {
        wasmsh_syntax::quote::ansi_c(word)
    } else {
        word.to_vec()
    }
}
