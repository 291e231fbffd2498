//! `complete`, `compgen`, `compopt`

use std::rc::Rc;

use super::Builtin;
use super::options::Given;
use crate::options::{Opt, Shopt};
use crate::symbol::known;
use crate::text::Str;
use crate::vars::{Attrs, Value, Var};
use crate::vm::{Outcome, Vm};

pub(crate) const COMPLETE: Builtin = Builtin::new(
    "complete",
    "complete [-abcdefgjksuv] [-pr] [-DEI] [-o option] [-A action] [-G globpat] [-W wordlist] [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [name ...]",
    "Says how the arguments of commands are completed.\n\n-p  shows it\n-r  takes it away\n\nStatus: 0, unless an option is wrong.",
    run_complete,
);
pub(crate) const COMPGEN: Builtin = Builtin::new(
    "compgen",
    "compgen [-abcdefgjksuv] [-o option] [-A action] [-G globpat] [-W wordlist] [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [word]",
    "Writes the completions of a word.\n\n-a aliases  -b builtins  -c commands  -d directories  -e exported variables  -f files\n-k reserved words  -v variables  -A function  -W words of a list  -G names that match\n-P, -S put text before and after each, -X leaves out what matches.\n\nStatus: 0 if there is one.",
    run_compgen,
);
pub(crate) const COMPOPT: Builtin = Builtin::new(
    "compopt",
    "compopt [-o|+o option] [-DEI] [name ...]",
    "Changes options of completion.\n\nStatus: 0, unless no completion is under way.",
    run_compopt,
);

/// The options of `-o`.
const OPTIONS: &[&str] =
    &["bashdefault", "default", "dirnames", "filenames", "noquote", "nosort", "nospace", "plusdirs"];

fn run_compopt(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let mut changes: Vec<(bool, Str)> = Vec::new();
    let mut at = 1;
    let mut fallback = None;
    while let Some(arg) = argv.get(at).cloned() {
        match arg.as_bytes() {
            b"--" => {
                at += 1;
                break;
            }
            [sign @ (b'-' | b'+'), b'o', rest @ ..] => {
                let option = if rest.is_empty() {
                    at += 1;
                    let Some(option) = argv.get(at).cloned() else {
                        let _ = vm.complain(&arg, "option requires an argument");
                        vm.usage();
                        return Outcome::Status(2);
                    };
                    option
                } else {
                    Str::new(rest)
                };
                if !OPTIONS.iter().any(|known| known.as_bytes() == &*option) {
                    let _ = vm.complain(&option, "invalid option name");
                    return Outcome::Status(2);
                }
                changes.push((*sign == b'-', option));
            }
            [b'-', letters @ ..] if !letters.is_empty() => {
                if let Some(wrong) = letters.iter().find(|letter| !b"DEI".contains(letter)) {
                    vm.builtin_error([b"-", &[*wrong][..], b": invalid option"].concat());
                    vm.usage();
                    return Outcome::Status(2);
                }
                fallback = letters.first().copied().and_then(special_name);
            }
            _ => break,
        }
        at += 1;
    }
    let mut names: Vec<Str> = argv.get(at..).unwrap_or_default().to_vec();
    names.extend(fallback.map(Str::from));
    if names.is_empty() {
        vm.builtin_error("not currently executing completion function");
        return Outcome::Status(1);
    }
    let mut status = 0;
    for name in names {
        let Some(words) = vm.shell.completions.get(&name).cloned() else {
            let _ = vm.complain(&name, "no completion specification");
            status = 1;
            continue;
        };
        let mut set: Vec<&str> = OPTIONS.to_vec();
        set.retain(|option| {
            let change = changes.iter().rev().find(|(_, changed)| &**changed == option.as_bytes());
            change.map_or_else(|| has_option(&words, option), |(on, _)| *on)
        });
        if changes.is_empty() {
            let mut line = String::from("compopt");
            for option in OPTIONS {
                line.push_str(if set.contains(option) { " -o " } else { " +o " });
                line.push_str(option);
            }
            vm.put(1, line.as_bytes());
            vm.put(1, &[b" ", &*shown_name(&name), b"\n"].concat());
            continue;
        }
        let mut new: Vec<Str> = Vec::new();
        for option in set {
            new.extend([Str::from("-o"), Str::from(option)]);
        }
        let options =
            words.chunks(2).take_while(|pair| pair.first().is_some_and(|word| word == b"-o")).count();
        new.extend_from_slice(words.get(options * 2..).unwrap_or_default());
        Rc::make_mut(&mut vm.shell.completions).insert(name, Rc::new(new));
    }
    Outcome::Status(status)
}

/// Whether the words of a specification, as [`canonical`] puts them, turn an option on.
fn has_option(words: &[Str], option: &str) -> bool {
    words
        .chunks(2)
        .any(|pair| matches!(pair, [first, second] if first == b"-o" && &**second == option.as_bytes()))
}

/// The name under which the specification of `-D`, `-E` or `-I` is kept.
fn special_name(letter: u8) -> Option<&'static str> {
    SPECIAL.iter().find(|(other, _)| *other == letter).map(|(_, name)| *name)
}

/// What the letters of the special specifications stand for, in bash's own words.
const SPECIAL: &[(u8, &str)] = &[(b'I', "_InitialWorD_"), (b'D', "_DefaultCmD_"), (b'E', "_EmptycmD_")];

/// A name as `complete -p` shows it.
fn shown_name(name: &Str) -> Str {
    match SPECIAL.iter().find(|(_, special)| special.as_bytes() == &**name) {
        Some((letter, _)) => Str::new(&[b'-', *letter]),
        None => name.clone(),
    }
}

/// The actions that have letters, and then those that `-A` alone names.
const ACTIONS: &[(u8, &str)] = &[
    (b'a', "alias"),
    (b'b', "builtin"),
    (b'c', "command"),
    (b'd', "directory"),
    (b'e', "export"),
    (b'f', "file"),
    (b'g', "group"),
    (b'j', "job"),
    (b'k', "keyword"),
    (b's', "service"),
    (b'u', "user"),
    (b'v', "variable"),
    (0, "arrayvar"),
    (0, "binding"),
    (0, "disabled"),
    (0, "enabled"),
    (0, "function"),
    (0, "helptopic"),
    (0, "hostname"),
    (0, "running"),
    (0, "setopt"),
    (0, "shopt"),
    (0, "signal"),
    (0, "stopped"),
];

/// The words of a specification in the order in which `complete -p` shows them. `Err`: what is not known.
fn canonical(given: &Given) -> Result<Vec<Str>, (Str, &'static str)> {
    let mut words = Vec::new();
    let values = |letter: u8| {
        given
            .options
            .iter()
            .filter(move |(other, _)| *other == letter)
            .filter_map(|(_, value)| value.as_ref())
    };
    if let Some(wrong) = values(b'o').find(|given| !OPTIONS.iter().any(|o| o.as_bytes() == &***given)) {
        return Err((wrong.clone(), "invalid option name"));
    }
    if let Some(wrong) =
        values(b'A').find(|given| !ACTIONS.iter().any(|(_, name)| name.as_bytes() == &***given))
    {
        return Err((wrong.clone(), "invalid action name"));
    }
    for option in OPTIONS {
        if values(b'o').any(|given| &**given == option.as_bytes()) {
            words.extend([Str::from("-o"), Str::from(*option)]);
        }
    }
    for (letter, name) in ACTIONS {
        if given.has(*letter) || values(b'A').any(|given| &**given == name.as_bytes()) {
            if *letter == 0 {
                words.extend([Str::from("-A"), Str::from(*name)]);
            } else {
                words.push(Str::new(&[b'-', *letter]));
            }
        }
    }
    for letter in *b"GWPSXCF" {
        if let Some(value) = given.value(letter) {
            words.extend([Str::new(&[b'-', letter]), value.clone()]);
        }
    }
    Ok(words)
}

const SPEC: &[u8] = b"abcdefgjksuvprDEIo:A:G:W:F:C:X:P:S:";

fn run_complete(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, SPEC) {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let mut names = argv.get(given.operands..).unwrap_or_default().to_vec();
    // Of several the first in this order holds.
    let special = SPECIAL.iter().find(|(letter, _)| given.has(*letter)).map(|(_, name)| Str::from(*name));
    if let Some(name) = special {
        names = vec![name];
    }
    if given.has(b'r') {
        if names.is_empty() {
            vm.shell.completions = Rc::default();
        }
        let mut status = 0;
        for name in &names {
            if Rc::make_mut(&mut vm.shell.completions).remove(name).is_none() {
                let _ = vm.complain(&shown_name(name), "no completion specification");
                status = 1;
            }
        }
        return Outcome::Status(status);
    }
    if given.has(b'p') || argv.len() == 1 {
        let all = vm.shell.completions.clone();
        let mut status = 0;
        let mut shown = Vec::new();
        let mut sorted: Vec<_> = all.iter().collect();
        sorted.sort_by_key(|(name, _)| crate::vars::array::chain(name, 512));
        for (name, words) in sorted {
            if names.is_empty() || names.contains(name) {
                shown.push(name.clone());
                let mut line = b"complete".to_vec();
                let mut quoted = false;
                for word in words.iter() {
                    line.push(b' ');
                    if quoted {
                        line.extend_from_slice(&wasmsh_syntax::quote::single(word));
                    } else {
                        line.extend_from_slice(&crate::builtins::declare::plain_or_quoted(word));
                    }
                    quoted = matches!(word.as_bytes(), b"-P" | b"-S" | b"-X" | b"-W" | b"-C" | b"-G");
                }
                line.push(b' ');
                line.extend_from_slice(&shown_name(name));
                line.push(b'\n');
                vm.put(1, &line);
            }
        }
        for name in &names {
            if !shown.contains(name) {
                let _ = vm.complain(&shown_name(name), "no completion specification");
                status = 1;
            }
        }
        return Outcome::Status(status);
    }
    let words = match canonical(&given) {
        Ok(words) => Rc::new(words),
        Err((what, message)) => {
            let _ = vm.complain(&what, message);
            return Outcome::Status(2);
        }
    };
    if names.is_empty() {
        vm.usage();
        return Outcome::Status(2);
    }
    for name in names {
        Rc::make_mut(&mut vm.shell.completions).insert(name, words.clone());
    }
    Outcome::Status(0)
}

fn run_compgen(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, SPEC) {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let word = argv.get(given.operands).cloned().unwrap_or_default();
    let mut found: Vec<Vec<u8>> = Vec::new();
    for (letter, value) in given.options.clone() {
        let action: &[u8] = match letter {
            b'a' => b"alias",
            b'b' => b"builtin",
            b'c' => b"command",
            b'd' => b"directory",
            b'e' => b"export",
            b'f' => b"file",
            b'j' => b"job",
            b'k' => b"keyword",
            b'v' => b"variable",
            b'u' => b"user",
            b'g' => b"group",
            b's' => b"service",
            b'A' => value.as_deref().unwrap_or_default(),
            b'W' => {
                let list = value.clone().unwrap_or_default();
                let plain = wasmsh_syntax::quote::remove_quotes(&word).0;
                match vm.word_list(&list) {
                    Ok(words) => found
                        .extend(words.into_iter().filter(|one| one.starts_with(&plain)).map(Str::into_vec)),
                    Err(unwind) => return Outcome::Unwind(unwind),
                }
                continue;
            }
            b'G' => {
                let pattern = value.clone().unwrap_or_default();
                found.extend(vm.glob(&pattern));
                continue;
            }
            _ => continue,
        };
        let Some(mut names) = vm.completion_names(action, &word) else {
            let action = Str::new(action);
            let _ = vm.complain(&action, "invalid action name");
            return Outcome::Status(2);
        };
        found.append(&mut names);
    }
    if let Some(command) = given.value(b'C').cloned() {
        vm.builtin_error("warning: -C option may not work as you expect");
        let quoted = wasmsh_syntax::quote::single(&word);
        let text = [b"$(", &*command, b" 'compgen' ", &*quoted, b" '')"].concat();
        match vm.expand_text(&text, wasmsh_syntax::parser::Whole::DoubleQuotes) {
            Ok(output) => {
                found.extend(
                    output.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec),
                );
            }
            Err(unwind) => return Outcome::Unwind(unwind),
        }
    }
    let value = |letter| given.value(letter).cloned().unwrap_or_default();
    let change = Change {
        filter: given.value(b'X').cloned(),
        prefix: value(b'P'),
        suffix: value(b'S'),
        word: word.clone(),
        options: given
            .options
            .iter()
            .filter(|(letter, _)| *letter == b'o')
            .filter_map(|(_, value)| value.clone())
            .collect(),
    };
    if let Some(wrong) =
        change.options.iter().find(|given| !OPTIONS.iter().any(|o| o.as_bytes() == &***given))
    {
        let wrong = wrong.clone();
        let _ = vm.complain(&wrong, "invalid option name");
        return Outcome::Status(2);
    }
    if let Some(name) = given.value(b'F').cloned() {
        vm.builtin_error("warning: -F option may not work as you expect");
        let symbol = vm.symbol(&name);
        let Some(function) = vm.shell.functions.get(&symbol).cloned() else {
            let _ = vm.complain(&name, "function not found");
            return show(vm, found, &change).into();
        };
        let argv = vec![name, Str::from("compgen"), word, Str::EMPTY];
        // What the function sees of the line that is completed, of which there is none.
        let state: [(&[u8], Value); 6] = [
            (b"COMP_KEY", Value::Int(0)),
            (b"COMP_TYPE", Value::Int(0)),
            (b"COMP_LINE", Value::Str(Str::EMPTY)),
            (b"COMP_POINT", Value::Int(0)),
            (b"COMP_CWORD", Value::Int(-1)),
            (b"COMP_WORDS", Value::Indexed(Rc::default())),
        ];
        let state = state.map(|(name, value)| (vm.symbol(name), value));
        if let Err(unwind) = vm.call_function(&function, symbol, argv) {
            return Outcome::Unwind(unwind);
        }
        for (symbol, value) in state {
            if let Err(unwind) = vm.unset(symbol) {
                return Outcome::Unwind(unwind);
            }
            *vm.shell.vars.get_mut(symbol) = Var::with(value, Attrs::default());
        }
        // The function leaves its answers in COMPREPLY.
        vm.after_call(move |vm| {
            let mut found = found.clone();
            let answers = vm.values(known::COMPREPLY).unwrap_or_default();
            found.extend(answers.into_iter().map(Str::into_vec));
            let _ = vm.unset(known::COMPREPLY);
            for name in ["KEY", "TYPE", "LINE", "POINT", "CWORD", "WORDS"] {
                let symbol = vm.symbol(format!("COMP_{name}").as_bytes());
                let _ = vm.unset(symbol);
            }
            show(vm, found, &change)
        });
        return Outcome::Continue;
    }
    show(vm, found, &change).into()
}

/// What is done with candidates before they are shown.
struct Change {
    filter: Option<Str>,
    prefix: Str,
    suffix: Str,
    word: Str,
    /// Those of `-o`.
    options: Vec<Str>,
}

/// Writes candidates; the status.
fn show(vm: &mut Vm, mut found: Vec<Vec<u8>>, change: &Change) -> u8 {
    if let Some(filter) = change.filter.clone() {
        let (keep, filter) = match filter.strip_prefix(b"!") {
            // `!(…)` is a pattern, where there are such patterns.
            Some(rest) if !(rest.starts_with(b"(") && vm.shopt(Shopt::ExtGlob)) => (true, Str::new(rest)),
            _ => (false, filter),
        };
        // `&` stands for the word that is completed, `\&` for itself.
        let mut pattern = Vec::new();
        let mut rest = filter.as_bytes();
        while let Some((b, after)) = rest.split_first() {
            rest = match (b, after) {
                (b'\\', [b'&', after @ ..]) => {
                    pattern.push(b'&');
                    after
                }
                (b'&', after) => {
                    pattern.extend_from_slice(&change.word);
                    after
                }
                (b, after) => {
                    pattern.push(*b);
                    after
                }
            };
        }
        let pattern = vm.pattern(&pattern, false);
        found.retain(|name| pattern.is_match(name) == keep);
    }
    for name in &mut found {
        *name = [&*change.prefix, &**name, &*change.suffix].concat();
    }
    let has = |option: &str| change.options.iter().any(|given| &**given == option.as_bytes());
    for (wanted, kind) in [
        (found.is_empty() && has("default"), "file"),
        (found.is_empty() && has("dirnames"), "directory"),
        (has("plusdirs"), "directory"),
    ] {
        if wanted {
            let more = vm.completion_names(kind.as_bytes(), &change.word).unwrap_or_default();
            found.extend(more);
        }
    }
    for name in &found {
        vm.put(1, &[&**name, b"\n"].concat());
    }
    u8::from(found.is_empty())
}

impl Vm {
    /// Something is done when the function or text that was just called has returned; it gives the status.
    pub(crate) fn after_call(&mut self, after: impl Fn(&mut Vm) -> u8 + 'static) {
        // The DEBUG trap may run first.
        let call = self.calls.iter_mut().rev().find(|call| call.kind != crate::vm::CallKind::Trap);
        if let Some(call) = call {
            Rc::make_mut(call).after = Some(Rc::new(after));
        }
    }

    /// The words of a list: cut at `IFS`, then expanded, each into any number of words.
    fn word_list(&mut self, list: &[u8]) -> Result<Vec<Str>, crate::vm::Unwind> {
        let how = crate::vm::expand::How { kind: wasmsh_syntax::parser::Whole::Word, fields: true };
        let glob = self.opt(Opt::NoGlob);
        let mut words = Vec::new();
        for piece in wasmsh_syntax::quote::split_source(list, |b| self.shell.ifs.contains(b)) {
            self.shell.options.set_opt(Opt::NoGlob, true);
            let expanded = self.expand_fields(piece, how);
            self.shell.options.set_opt(Opt::NoGlob, glob);
            words.append(&mut expanded?);
        }
        Ok(words)
    }

    /// The names of a kind that begin with `word`, sorted. `None`: there is no such kind.
    pub(crate) fn completion_names(&mut self, kind: &[u8], word: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut names: Vec<Vec<u8>> = match kind {
            b"alias" => self.shell.aliases.keys().cloned().collect(),
            b"helptopic" => {
                super::help::topics().into_iter().map(|(name, ..)| name.as_bytes().to_vec()).collect()
            }
            b"builtin" | b"enabled" => super::ALL.iter().map(|b| b.name.as_bytes().to_vec()).collect(),
            b"command" => {
                let mut names: Vec<Vec<u8>> = super::ALL.iter().map(|b| b.name.as_bytes().to_vec()).collect();
                names.extend(self.shell.functions.keys().map(|symbol| self.name_of(*symbol).to_vec()));
                names.extend(self.shell.aliases.keys().cloned());
                let search = self.string_value(crate::symbol::known::PATH);
                for directory in search.split(|b| *b == b':') {
                    if let Ok(entries) = self.ctx.read_directory(directory) {
                        names.extend(entries.into_iter().map(|entry| entry.name.into_bytes()));
                    }
                }
                names.extend(KEYWORDS.iter().map(|word| word.as_bytes().to_vec()));
                names
            }
            b"file" | b"directory" => {
                let (directory, base) = match word.iter().rposition(|b| *b == b'/') {
                    Some(at) => word.split_at(at + 1),
                    None => (&b""[..], word),
                };
                let place: &[u8] = if directory.is_empty() { b"." } else { directory };
                let mut names: Vec<Vec<u8>> = Vec::new();
                for entry in self.ctx.read_directory(place).unwrap_or_default() {
                    let name = entry.name.as_bytes();
                    if !name.starts_with(base) || (name.starts_with(b".") && !base.starts_with(b".")) {
                        continue;
                    }
                    let path = [directory, name].concat();
                    if kind == b"directory"
                        && !self.ctx.stat(&path, true).is_ok_and(|stat| stat.is_directory())
                    {
                        continue;
                    }
                    names.push(path);
                }
                names
            }
            b"export" => self
                .variable_names()
                .into_iter()
                .filter(|(_, symbol)| self.is_exported(*symbol))
                .map(|(name, _)| name.into_vec())
                .collect(),
            b"variable" => self.variable_names().into_iter().map(|(name, _)| name.into_vec()).collect(),
            b"arrayvar" => self
                .variable_names()
                .into_iter()
                .filter(|(_, symbol)| self.shell.vars.get(*symbol).value.is_array())
                .map(|(name, _)| name.into_vec())
                .collect(),
            b"function" => self.shell.functions.keys().map(|symbol| self.name_of(*symbol).to_vec()).collect(),
            b"keyword" => KEYWORDS.iter().map(|word| word.as_bytes().to_vec()).collect(),
            b"setopt" => Opt::ALL.iter().map(|(_, name)| name.as_bytes().to_vec()).collect(),
            b"shopt" => Shopt::ALL.iter().map(|(_, name)| name.as_bytes().to_vec()).collect(),
            b"signal" => {
                let signals = crate::traps::NAMES.iter().map(|(_, name)| format!("SIG{name}"));
                let signals = std::iter::once("EXIT".to_owned()).chain(signals);
                signals.chain(["DEBUG", "ERR", "RETURN"].map(str::to_owned)).map(String::into_bytes).collect()
            }
            b"user" => vec![b"root".to_vec(), b"user".to_vec()],
            b"job" | b"running" | b"stopped" | b"group" | b"service" | b"hostname" | b"disabled"
            | b"binding" => Vec::new(),
            _ => return None,
        };
        names.retain(|name| name.starts_with(word));
        if !matches!(kind, b"keyword" | b"signal") {
            names.sort();
            names.dedup();
        }
        Some(names)
    }
}

/// The reserved words, in bash's order.
pub(crate) const KEYWORDS: &[&str] = &[
    "if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do", "done",
    "in", "function", "time", "{", "}", "!", "[[", "]]", "coproc",
];
