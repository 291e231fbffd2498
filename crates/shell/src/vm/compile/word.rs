//! Words: parts, parameter expansions, substitutions, arithmetic.

use std::rc::Rc;

use wasmsh_syntax::ast::*;
use wasmsh_syntax::brace::BracePiece;

use super::{Compiler, Context, Place, Task};
use crate::symbol::Sym;
use crate::vm::arith::{self, ArithCode};
use crate::vm::code::{self, Op, Quoting, SubscriptKind, WordEnd};

const UNQUOTED: Place = Place { quoted: false, operand: false };
const QUOTED: Place = Place { quoted: true, operand: false };

/// Words that braces other than a plain sequence may make: each is compiled.
const MOST_WORDS: u64 = 1 << 20;

impl Compiler<'_> {
    pub(super) fn word(&mut self, word: Word, end: WordEnd) {
        let ast = self.ast.clone();
        let parts = &ast[word.parts];
        if word.braces
            && matches!(end, WordEnd::Fields | WordEnd::Redirect)
            && self.shared.brace_expand.get()
            && let Some(braces) = wasmsh_syntax::brace::expand(&ast, word)
        {
            if end == WordEnd::Redirect {
                // A target is one word.
                self.emit(Op::Ambiguous);
                return;
            }
            if let Some(sequence) = braces.as_sequence()
                && sequence.len() > 64
            {
                self.code.sequences.push(sequence);
                self.emit(Op::PushSequence((self.code.sequences.len() - 1) as u32));
                return;
            }
            if braces.len() > MOST_WORDS {
                let message = self.text(format!("brace expansion: more than {MOST_WORDS} words").as_bytes());
                self.emit(Op::Fail(message));
                return;
            }
            for pieces in braces.words(&ast) {
                self.brace_word(&pieces, end);
            }
            return;
        }
        self.parts_word(parts, end);
    }

    /// An element `[…]=…` of an indexed array whose value has brace expansion.
    pub(super) fn braced_element(&mut self, subscript: Word, close: &[u8], value: Word) {
        let ast = self.ast.clone();
        let Some(braces) = wasmsh_syntax::brace::expand(&ast, value) else { return };
        if braces.len() > MOST_WORDS {
            let message = self.text(format!("brace expansion: more than {MOST_WORDS} words").as_bytes());
            self.emit(Op::Fail(message));
            return;
        }
        for mut pieces in braces.words(&ast) {
            let key = ast[subscript.parts].iter().map(|part| BracePiece::Part(*part));
            let open = [BracePiece::Text(b"[".to_vec())];
            pieces.splice(0..0, open.into_iter().chain(key).chain([BracePiece::Text(close.to_vec())]));
            self.brace_word(&pieces, WordEnd::Fields);
        }
    }

    /// A word made by brace expansion.
    pub(super) fn brace_word(&mut self, pieces: &[BracePiece], end: WordEnd) {
        match pieces {
            [BracePiece::Text(text)] => {
                let text = self.text(text);
                self.emit(Op::Push(text));
            }
            _ => {
                let parts: Vec<Part> = pieces
                    .iter()
                    .filter_map(|piece| match piece {
                        BracePiece::Part(part) => Some(*part),
                        BracePiece::Text(_) => None,
                    })
                    .collect();
                if let Some(text) = pieces.iter().find_map(|piece| match piece {
                    BracePiece::Text(text) if text.contains(&b'`') => Some(text),
                    _ => None,
                }) {
                    // What brace expansion makes is read once more, and there it begins a substitution.
                    let _ = text;
                    let message = self.text(b"bad substitution: no closing \"`\" in `");
                    self.emit(Op::Fail(message));
                    return;
                }
                if self.reread_braces(pieces, end) {
                    return;
                }
                if parts.len() == pieces.len() {
                    return self.parts_word(&parts, end);
                }
                self.emit(Op::BeginWord);
                for piece in pieces {
                    match piece {
                        BracePiece::Part(part) => self.part(*part, UNQUOTED),
                        BracePiece::Text(text) => {
                            let text = self.text(text);
                            self.emit(Op::Text(text, Quoting::Literal));
                        }
                    }
                }
                self.emit(Op::EndWord(end));
            }
        }
    }

    /// A word of one string without tilde prefixes.
    pub(super) fn plain_word(&mut self, word: Word) {
        let ast = self.ast.clone();
        self.emit(Op::BeginWord);
        for part in &ast[word.parts] {
            if let Part::Tilde(s) = *part {
                let text = self.text(&[b"~", &ast[s]].concat());
                self.emit(Op::Text(text, Quoting::Quoted));
            } else {
                self.part(*part, UNQUOTED);
            }
        }
        self.emit(Op::EndWord(WordEnd::Operand));
    }

    /// A word made by brace expansion whose pieces mean something else together: `~` and a name, `$v` and more
    /// of a name. False: it is none.
    fn reread_braces(&mut self, pieces: &[BracePiece], end: WordEnd) -> bool {
        let ast = self.ast.clone();
        let literal = |piece: &BracePiece| -> Option<Vec<u8>> {
            match piece {
                BracePiece::Text(text) => Some(text.clone()),
                BracePiece::Part(Part::Literal(s)) => Some(ast[*s].to_vec()),
                BracePiece::Part(_) => None,
            }
        };
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let open_variable = |piece: &BracePiece| match piece {
            BracePiece::Part(Part::Param(id)) => {
                self.plain_variable(*id).is_some() && !ast[ast[*id].span].starts_with(b"${")
            }
            _ => false,
        };
        let head: Vec<u8> = pieces.iter().map_while(&literal).flatten().collect();
        let tilde = head.starts_with(b"~");
        let joined = pieces.windows(2).any(|pair| {
            let [first, second] = pair else { return false };
            open_variable(first) && literal(second).is_some_and(|text| text.first().is_some_and(is_name))
        });
        if !tilde && !joined {
            return false;
        }
        let open: Vec<bool> = pieces.iter().map(&open_variable).collect();
        self.emit(Op::BeginWord);
        let mut at = 0;
        if tilde {
            at = pieces.iter().take_while(|piece| literal(piece).is_some()).count();
            let slash = head.iter().position(|b| *b == b'/').unwrap_or(head.len());
            let (user, rest) = head.split_at(slash);
            let user = self.text(user.get(1..).unwrap_or_default());
            self.emit(Op::Tilde(user, Quoting::Quoted));
            let rest = self.text(rest);
            self.emit(Op::Text(rest, Quoting::Literal));
        }
        while let Some(piece) = pieces.get(at) {
            at += 1;
            if open.get(at - 1) == Some(&true)
                && let BracePiece::Part(Part::Param(id)) = piece
                && let ParamName::Variable(name) = ast[*id].name
            {
                let mut name = ast[name].to_vec();
                let mut rest = Vec::new();
                while let Some(text) = pieces.get(at).and_then(literal).filter(|_| rest.is_empty()) {
                    let length = text.iter().take_while(|b| is_name(b)).count();
                    name.extend_from_slice(text.get(..length).unwrap_or_default());
                    rest.extend_from_slice(text.get(length..).unwrap_or_default());
                    at += 1;
                }
                let symbol = self.shared.names.intern(&name);
                self.emit(Op::Var(symbol, Quoting::Expanded));
                let rest = self.text(&rest);
                self.emit(Op::Text(rest, Quoting::Literal));
                continue;
            }
            match piece {
                BracePiece::Part(part) => self.part(*part, UNQUOTED),
                BracePiece::Text(text) => {
                    let text = self.text(text);
                    self.emit(Op::Text(text, Quoting::Literal));
                }
            }
        }
        self.emit(Op::EndWord(end));
        true
    }

    /// A word of these parts.
    fn parts_word(&mut self, parts: &[Part], end: WordEnd) {
        if self.fast_word(parts, end) {
            return;
        }
        self.emit(Op::BeginWord);
        for part in parts {
            self.part(*part, UNQUOTED);
        }
        // Without an unquoted part there is nothing to split and no pattern.
        let single =
            end == WordEnd::Fields && !parts.is_empty() && parts.iter().all(|part| self.is_one_string(part));
        self.emit(Op::EndWord(if single { WordEnd::Single } else { end }));
    }

    /// A word that needs no builder. False: it needs one.
    fn fast_word(&mut self, parts: &[Part], end: WordEnd) -> bool {
        let ast = self.ast.clone();
        match parts {
            [] if end != WordEnd::Fields => {
                let text = self.text(b"");
                self.emit(Op::Push(text));
                return true;
            }
            [Part::Param(id)] => {
                if let Some(symbol) = self.plain_variable(*id) {
                    match end {
                        WordEnd::Fields => self.emit(Op::PushVarSplit(symbol)),
                        WordEnd::Single | WordEnd::Operand => self.emit(Op::PushVar(symbol)),
                        _ => return false,
                    }
                    return true;
                }
            }
            [Part::DoubleQuoted(inner)] => {
                if let [Part::Param(id)] = ast[*inner] {
                    if let (Some(symbol), WordEnd::Fields | WordEnd::Single | WordEnd::Operand) =
                        (self.plain_variable(id), end)
                    {
                        self.emit(Op::PushVar(symbol));
                        return true;
                    }
                    let param = &ast[id];
                    if end == WordEnd::Fields
                        && matches!(param.name, ParamName::Special(b'@'))
                        && param.op == ParamOp::Value
                        && !param.indirect
                        && param.subscript.is_none()
                    {
                        self.emit(Op::PushArgs);
                        return true;
                    }
                }
            }
            _ => {}
        }
        let mut text = Vec::new();
        for part in parts {
            match *part {
                Part::Literal(s) => {
                    if matches!(end, WordEnd::Fields | WordEnd::Redirect)
                        && (crate::expand::pattern::has_magic(&ast[s])
                            || parts.len() > 1 && ast[s].contains(&b'['))
                    {
                        // A bracket expression may end in a later part.
                        return false;
                    }
                    text.extend_from_slice(&ast[s]);
                }
                Part::Escaped(s) | Part::SingleQuoted(s) | Part::AnsiC(s) => {
                    if matches!(end, WordEnd::Pattern | WordEnd::Regex | WordEnd::Replacement) {
                        return false;
                    }
                    text.extend_from_slice(&ast[s]);
                }
                Part::DoubleQuoted(inner) => {
                    if matches!(end, WordEnd::Pattern | WordEnd::Regex | WordEnd::Replacement) {
                        return false;
                    }
                    for part in &ast[inner] {
                        match *part {
                            Part::Literal(s) | Part::Escaped(s) => text.extend_from_slice(&ast[s]),
                            _ => return false,
                        }
                    }
                }
                _ => return false,
            }
        }
        if parts.is_empty() {
            return false;
        }
        let text = self.text(&text);
        self.emit(Op::Push(text));
        true
    }

    /// Whether a part is quoted and always one string.
    fn is_one_string(&self, part: &Part) -> bool {
        match *part {
            Part::Escaped(_) | Part::SingleQuoted(_) | Part::AnsiC(_) => true,
            Part::Literal(s) => {
                !self.ast[s].contains(&b'[') && !crate::expand::pattern::has_magic(&self.ast[s])
            }
            Part::DoubleQuoted(inner) | Part::Localized(inner) => {
                !self.ast[inner].iter().any(|part| self.may_be_many(part))
            }
            _ => false,
        }
    }

    /// Whether a part inside double quotes may be several words, or none.
    fn may_be_many(&self, part: &Part) -> bool {
        let Part::Param(id) = *part else { return false };
        let param = &self.ast[id];
        matches!(param.name, ParamName::Special(b'@'))
            || matches!(param.subscript, Some(Subscript::At))
            || matches!(param.op, ParamOp::Names { at: true })
            || param.indirect
            || match param.op {
                ParamOp::Default { word, .. }
                | ParamOp::Alternative { word, .. }
                | ParamOp::Assign { word, .. } => {
                    // One level is looked at; what lies deeper goes the general way.
                    self.ast[word.parts]
                        .iter()
                        .any(|part| matches!(part, Part::Param(_) | Part::DoubleQuoted(_)))
                }
                _ => false,
            }
    }

    fn plain_variable(&self, id: Id<Param>) -> Option<Sym> {
        let param = &self.ast[id];
        match param {
            Param {
                name: ParamName::Variable(name),
                subscript: None,
                indirect: false,
                op: ParamOp::Value,
                ..
            } => Some(self.symbol(*name)),
            _ => None,
        }
    }

    pub(super) fn whole_text(&mut self, parts: Seq<Part>, quoted: bool, end: WordEnd) {
        self.emit(Op::BeginWord);
        self.then(Task::Parts(parts, if quoted { QUOTED } else { UNQUOTED }));
        self.emit(Op::EndWord(end));
    }

    pub(super) fn parts(&mut self, parts: Seq<Part>, place: Place) {
        let ast = self.ast.clone();
        for part in &ast[parts] {
            self.part(*part, place);
        }
    }

    fn part(&mut self, part: Part, place: Place) {
        let ast = self.ast.clone();
        let quoting = if place.quoted { Quoting::Quoted } else { Quoting::Expanded };
        match part {
            Part::Literal(s) => {
                let text = self.text_of(s);
                let quoting = match place {
                    Place { quoted: true, .. } => Quoting::Quoted,
                    Place { operand: true, .. } => Quoting::Expanded,
                    _ => Quoting::Literal,
                };
                self.emit(Op::Text(text, quoting));
            }
            Part::Escaped(s) | Part::SingleQuoted(s) | Part::AnsiC(s) => {
                let text = self.text_of(s);
                self.emit(Op::Quote);
                self.emit(Op::Text(text, Quoting::Quoted));
            }
            Part::DoubleQuoted(inner) | Part::Localized(inner) => {
                if !ast[inner].iter().any(|part| self.may_be_many(part)) {
                    self.emit(Op::Quote);
                }
                self.then(Task::Parts(inner, QUOTED));
            }
            Part::Tilde(s) => {
                let text = self.text_of(s);
                self.emit(Op::Tilde(text, Quoting::Quoted));
            }
            Part::Param(id) => self.param(id, place, quoting),
            Part::Command(id) => self.substitution(id, quoting),
            Part::Process(kind, id) => {
                let end = self.label();
                let list = ast[id].list;
                self.emit(Op::ProcessSubstitute { write: kind == ProcessKind::Write, end });
                if let Some(word) = self.file_alone(list).filter(|_| kind == ProcessKind::Read) {
                    self.then(Task::Word(word, WordEnd::Redirect));
                    self.emit(Op::CopyFile);
                    self.emit(Op::SubshellEnd);
                    self.place(end);
                    return;
                }
                self.then(Task::List(list, Context { last: true, ..Context::default() }));
                self.emit(Op::SubshellEnd);
                self.place(end);
            }
            Part::Arith { text, .. } => self.arith_text(text, quoting),
            Part::Error(index) => self.error(index),
        }
    }

    fn error(&mut self, index: u32) {
        let message = match self.ast.errors.get(index as usize) {
            Some(error) => error
                .messages()
                .into_iter()
                .flat_map(|(_, line)| [line, b"\n".to_vec()])
                .collect::<Vec<_>>()
                .concat(),
            None => Vec::new(),
        };
        let text = self.text(&message);
        self.emit(Op::SyntaxError(text));
    }

    fn substitution(&mut self, id: Id<Substitution>, quoting: Quoting) {
        let ast = self.ast.clone();
        let substitution = &ast[id];
        if let Some(index) = substitution.error {
            self.error(index);
        }
        if let Some(word) = self.file_alone(substitution.list) {
            self.then(Task::Word(word, WordEnd::Redirect));
            self.emit(Op::SubstituteFile(quoting));
            return;
        }
        let end = self.label();
        self.emit(Op::Substitute(quoting, end));
        self.then(Task::List(substitution.list, Context { last: true, ..Context::default() }));
        self.emit(Op::SubshellEnd);
        self.place(end);
    }

    /// The target if a list is `< file` alone.
    fn file_alone(&self, list: List) -> Option<Word> {
        let ast = &self.ast;
        if let [and_or] = &ast[list.items]
            && !and_or.background
            && let [part] = &ast[and_or.pipelines]
            && !part.pipeline.negated
            && part.pipeline.time == Time::No
            && let [stage] = &ast[part.pipeline.stages]
            && let command = &ast[stage.command]
            && let CommandKind::Simple(simple) = command.kind
            && simple.args.is_empty()
            && simple.assignments.is_empty()
            && let [
                Redirect {
                    fd: RedirectFd::Default | RedirectFd::Number(0),
                    kind: RedirectKind::Input(word),
                    ..
                },
            ] = ast[command.redirects]
        {
            return Some(word);
        }
        None
    }

    fn param(&mut self, id: Id<Param>, place: Place, quoting: Quoting) {
        if let Some(symbol) = self.plain_variable(id) {
            self.emit(Op::Var(symbol, quoting));
            return;
        }
        let ast = self.ast.clone();
        let param = &ast[id];
        let name = match param.name {
            ParamName::Variable(name) => code::ParamName::Var(self.symbol(name)),
            ParamName::Positional(number) => code::ParamName::Positional(number),
            ParamName::Special(b) => code::ParamName::Special(b),
        };
        // The operands of a variable without a value are not expanded.
        let operands = match param.op {
            ParamOp::RemovePrefix { pattern, .. }
            | ParamOp::RemoveSuffix { pattern, .. }
            | ParamOp::Case { pattern, .. } => [pattern, Word::default()],
            ParamOp::Replace { pattern, replacement, .. } => [pattern, replacement.unwrap_or_default()],
            ParamOp::Substring { offset, length } => [offset, length.unwrap_or_default()],
            _ => Default::default(),
        };
        let substring = matches!(param.op, ParamOp::Substring { .. });
        let plain = |part: &Part| match *part {
            // An expression may assign, or be wrong.
            Part::Literal(text) => {
                let changes = |pair: &[u8]| matches!(pair, b"++" | b"--");
                !substring
                    || !ast[text].iter().any(|b| b"=/".contains(b)) && !ast[text].windows(2).any(changes)
            }
            Part::Param(id) => matches!(ast[id].op, ParamOp::Value) && !ast[id].indirect,
            Part::Escaped(_) | Part::SingleQuoted(_) | Part::AnsiC(_) => true,
            _ => false,
        };
        let subscript = match param.subscript {
            None => SubscriptKind::None,
            Some(Subscript::At) => SubscriptKind::At,
            Some(Subscript::Star) => SubscriptKind::Star,
            Some(Subscript::Index(word)) => {
                if let code::ParamName::Var(symbol) = name {
                    // The length of an element that is not there is asked for without a look at its subscript.
                    let wrong = param.op == ParamOp::Length
                        && self.static_arith(word.parts).is_some_and(|code| code.is_wrong());
                    let end = wrong.then(|| self.label());
                    if let Some(end) = end {
                        self.emit(Op::UnsetKey(symbol, end));
                    }
                    self.subscript(symbol, word);
                    if let Some(end) = end {
                        self.place(end);
                    }
                }
                SubscriptKind::Key
            }
        };
        let skip = match name {
            code::ParamName::Var(_) | code::ParamName::Positional(_)
                if !param.indirect && !operands.iter().all(|word| ast[word.parts].iter().all(plain)) =>
            {
                let skip = self.label();
                // Of `"${a[@]}"` there is not even an empty word.
                let all = param.subscript == Some(Subscript::At);
                let quoting = if all { Quoting::Expanded } else { quoting };
                self.emit(match name {
                    code::ParamName::Positional(number) => Op::SkipAbsent(number, quoting, skip),
                    code::ParamName::Var(symbol) if subscript == SubscriptKind::Key => {
                        Op::SkipElement(symbol, quoting, skip)
                    }
                    code::ParamName::Var(symbol) => Op::SkipUnset(symbol, quoting, skip),
                    code::ParamName::Special(_) => Op::Jump(skip),
                });
                Some(skip)
            }
            _ => None,
        };
        let pattern = |this: &mut Self, word: Word| this.then(Task::Word(word, WordEnd::Pattern));
        let op = match param.op {
            ParamOp::Value => code::ParamOp::Value,
            ParamOp::Length => code::ParamOp::Length,
            ParamOp::Default { colon, .. } => code::ParamOp::Default { colon },
            ParamOp::Assign { colon, .. } => code::ParamOp::Assign { colon },
            ParamOp::Error { colon, .. } => code::ParamOp::Error { colon },
            ParamOp::Alternative { colon, .. } => code::ParamOp::Alternative { colon },
            ParamOp::RemovePrefix { longest, pattern: word } => {
                pattern(self, word);
                code::ParamOp::RemovePrefix { longest }
            }
            ParamOp::RemoveSuffix { longest, pattern: word } => {
                pattern(self, word);
                code::ParamOp::RemoveSuffix { longest }
            }
            ParamOp::Replace { which, pattern: word, replacement } => {
                pattern(self, word);
                if let Some(word) = replacement {
                    self.then(Task::Word(word, WordEnd::Replacement));
                }
                code::ParamOp::Replace { which, replacement: replacement.is_some() }
            }
            ParamOp::Substring { offset, length } => {
                self.number(offset.parts);
                if let Some(length) = length {
                    self.number(length.parts);
                }
                code::ParamOp::Substring { length: length.is_some() }
            }
            ParamOp::Case { .. } if matches!(name, code::ParamName::Special(b'?' | b'-' | b'#')) => {
                code::ParamOp::Bad
            }
            ParamOp::Case { change, all, pattern: word } => {
                let any = !ast[word.parts].is_empty();
                if any {
                    pattern(self, word);
                }
                code::ParamOp::Case { change, all, pattern: any }
            }
            ParamOp::Transform(letter) => code::ParamOp::Transform(letter),
            ParamOp::Names { at } => code::ParamOp::Names { at },
            ParamOp::Keys => code::ParamOp::Keys,
            ParamOp::Bad => code::ParamOp::Bad,
        };
        self.code.params.push(code::Param {
            name,
            subscript,
            indirect: param.indirect,
            op,
            quoting,
            span: param.span,
        });
        let index = (self.code.params.len() - 1) as u32;
        let operand = Place { quoted: place.quoted, operand: true };
        match param.op {
            ParamOp::Default { word, .. } => {
                let end = self.label();
                self.emit(Op::ParamDefault(index, end));
                self.then(Task::Parts(word.parts, operand));
                self.place(end);
            }
            ParamOp::Alternative { word, .. } => {
                let end = self.label();
                self.emit(Op::ParamAlternative(index, end));
                self.then(Task::Parts(word.parts, operand));
                self.place(end);
            }
            ParamOp::Assign { word, .. } | ParamOp::Error { word, .. } => {
                let end = self.label();
                self.emit(Op::ParamDefault(index, end));
                self.emit(Op::BeginWord);
                self.then(Task::Parts(word.parts, Place { quoted: place.quoted, operand: false }));
                self.emit(Op::EndWord(WordEnd::Single));
                if matches!(op, code::ParamOp::Assign { .. }) {
                    // Bash evaluates the subscript once more to assign.
                    if let (code::ParamName::Var(symbol), Some(Subscript::Index(word))) =
                        (name, param.subscript)
                    {
                        self.subscript(symbol, word);
                    }
                    self.emit(Op::ParamAssign(index));
                } else {
                    self.emit(Op::ParamError(index));
                }
                self.place(end);
            }
            _ => self.emit(Op::Param(index)),
        }
        if let Some(skip) = skip {
            self.place(skip);
        }
    }

    /// An expression that can be compiled now: literal text, in which `$name` may stand for a number.
    pub(super) fn static_arith(&mut self, parts: Seq<Part>) -> Option<Rc<ArithCode>> {
        let ast = self.ast.clone();
        let mut text = Vec::new();
        let mut guards = arith::Guards::default();
        let mut brackets = Vec::new();
        let all = &ast[parts];
        for (i, part) in all.iter().enumerate() {
            match *part {
                Part::Literal(s) => {
                    for b in &ast[s] {
                        match b {
                            b'[' => brackets.push(self.shared.names.intern(last_name(&text))),
                            b']' => drop(brackets.pop()),
                            _ => {}
                        }
                        text.push(*b);
                    }
                }
                Part::Param(id) => {
                    let symbol = self.plain_variable(id)?;
                    guards.indexed.extend_from_slice(&brackets);
                    let before = text.iter().rev().find(|b| !b.is_ascii_whitespace());
                    if text.last().is_some_and(|b| is_word(*b))
                        || matches!(before, Some(b'+' | b'-')) && {
                            let trimmed = text.trim_ascii_end();
                            trimmed.ends_with(b"++") || trimmed.ends_with(b"--")
                        }
                    {
                        return None;
                    }
                    match all.get(i + 1) {
                        None => {}
                        Some(Part::Literal(s)) => {
                            let after = &ast[*s];
                            if after.first().is_some_and(|b| is_word(*b)) {
                                return None;
                            }
                            let after = after.trim_ascii_start();
                            let op_assign = after.iter().position(|b| *b == b'=').is_some_and(|at| {
                                after.get(at + 1) != Some(&b'=')
                                    && after
                                        .get(..at)
                                        .is_some_and(|op| op.iter().all(|b| b"+-*/%&|^<>".contains(b)))
                                    && !matches!(after.get(..at), Some(b"<" | b">"))
                            });
                            if after.starts_with(b"[")
                                || after.starts_with(b"++")
                                || after.starts_with(b"--")
                                || op_assign
                            {
                                return None;
                            }
                        }
                        Some(_) => return None,
                    }
                    guards.numbers.push(symbol);
                    text.extend_from_slice(&self.shared.names.name(symbol));
                }
                _ => return None,
            }
        }
        Some(arith::compile_guarded(self.shared, &text, guards))
    }

    fn arith_text(&mut self, parts: Seq<Part>, quoting: Quoting) {
        match self.static_arith(parts) {
            Some(code) => {
                let guarded = code.is_guarded();
                let index = self.arith(code);
                if guarded {
                    let (slow, end) = (self.label(), self.label());
                    self.emit(Op::ArithGuard(index, slow));
                    self.emit(Op::ArithText(index, quoting));
                    self.emit(Op::Jump(end));
                    self.place(slow);
                    self.expression(parts);
                    self.emit(Op::ArithDynamic(quoting));
                    self.place(end);
                } else {
                    self.emit(Op::ArithText(index, quoting));
                }
            }
            None => {
                self.expression(parts);
                self.emit(Op::ArithDynamic(quoting));
            }
        }
    }

    /// Pushes the text of an expression after its expansions.
    fn expression(&mut self, parts: Seq<Part>) {
        let ast = self.ast.clone();
        let mut depth = 0usize;
        self.emit(Op::BeginWord);
        for part in &ast[parts] {
            if let Part::Literal(s) = *part {
                for b in &ast[s] {
                    match b {
                        b'[' => depth += 1,
                        b']' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                }
            } else if depth > 0 {
                // What it gives must not end the subscript, nor be expanded again as a key.
                self.emit(Op::SubscriptPart);
                self.part(*part, QUOTED);
                self.emit(Op::SubscriptPartEnd);
                continue;
            }
            self.part(*part, QUOTED);
        }
        self.emit(Op::EndWord(WordEnd::Single));
    }

    /// One of four uses of an expression: a static form, or that of the string on the stack.
    fn arith_use(&mut self, parts: Seq<Part>, fixed: impl Fn(u32) -> Op, dynamic: Op) {
        match self.static_arith(parts) {
            Some(code) => {
                let guarded = code.is_guarded();
                let index = self.arith(code);
                if guarded {
                    let (slow, end) = (self.label(), self.label());
                    self.emit(Op::ArithGuard(index, slow));
                    self.emit(fixed(index));
                    self.emit(Op::Jump(end));
                    self.place(slow);
                    self.expression(parts);
                    self.emit(dynamic);
                    self.place(end);
                } else {
                    self.emit(fixed(index));
                }
            }
            None => {
                self.expression(parts);
                self.emit(dynamic);
            }
        }
    }

    pub(super) fn arith_command(&mut self, parts: Seq<Part>) {
        self.arith_use(parts, Op::ArithCommand, Op::ArithCommandDynamic);
    }

    pub(super) fn arith_jump_zero(&mut self, parts: Seq<Part>, target: u32) {
        self.arith_use(parts, |index| Op::ArithJumpZero(index, target), Op::ArithJumpZeroDynamic(target));
    }

    /// An expression of `for ((…))`.
    pub(super) fn arith_for(&mut self, parts: Seq<Part>, wrong: u32) {
        self.arith_use(parts, |index| Op::ArithFor(index, wrong), Op::ArithForDynamic(wrong));
    }

    fn number(&mut self, parts: Seq<Part>) {
        self.arith_use(parts, Op::Number, Op::NumberDynamic);
    }
}

/// The name that `text` ends with.
fn last_name(text: &[u8]) -> &[u8] {
    let begin = text.iter().rposition(|b| !b.is_ascii_alphanumeric() && *b != b'_').map_or(0, |at| at + 1);
    text.get(begin..).unwrap_or_default()
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'#' | b'@' | b'$')
}
