//! `bind`: key bindings and variables of the line editor. The host of a session brings that, if there is one; what a
//! script sets is kept and shown.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const BIND: Builtin = Builtin::new(
    "bind",
    "bind [-lpsvPSVX] [-m keymap] [-f filename] [-q name] [-u name] [-r keyseq] [-x keyseq:shell-command] [keyseq:readline-function or readline-command]",
    "Shows or sets key bindings and variables of the line editor, which the host of a session brings.\n\n-l  the names of all functions\n-p, -P  functions and their keys\n-s, -S  keys and the text they stand for\n-v, -V  variables and their values\n-X  keys and the commands they run\n-q name  the keys of a function\n-u name  takes all keys from a function\n-r keyseq  takes a key away\n-x keyseq:command  a key runs a command\n-f filename  reads bindings from a file\n-m keymap  the map that is meant\n\nStatus: 0, unless an option is wrong or a name is not known.",
    run,
);

/// The functions of the line editor, as GNU readline names them.
const FUNCTIONS: &str = "\
    abort accept-line alias-expand-line arrow-key-prefix backward-byte backward-char \
    backward-delete-char backward-kill-line backward-kill-word backward-word beginning-of-history \
    beginning-of-line bracketed-paste-begin call-last-kbd-macro capitalize-word character-search \
    character-search-backward clear-display clear-screen complete complete-command complete-filename \
    complete-hostname complete-into-braces complete-username complete-variable copy-backward-word \
    copy-forward-word copy-region-as-kill dabbrev-expand delete-char delete-char-or-list \
    delete-horizontal-space digit-argument display-shell-version do-lowercase-version downcase-word \
    dump-functions dump-macros dump-variables dynamic-complete-history edit-and-execute-command \
    emacs-editing-mode end-kbd-macro end-of-history end-of-line exchange-point-and-mark fetch-history \
    forward-backward-delete-char forward-byte forward-char forward-search-history forward-word \
    glob-complete-word glob-expand-word glob-list-expansions history-and-alias-expand-line \
    history-expand-line history-search-backward history-search-forward history-substring-search-backward \
    history-substring-search-forward insert-comment insert-completions insert-last-argument kill-line \
    kill-region kill-whole-line kill-word magic-space menu-complete menu-complete-backward next-history \
    next-screen-line non-incremental-forward-search-history non-incremental-forward-search-history-again \
    non-incremental-reverse-search-history non-incremental-reverse-search-history-again \
    old-menu-complete operate-and-get-next overwrite-mode possible-command-completions \
    possible-completions possible-filename-completions possible-hostname-completions \
    possible-username-completions possible-variable-completions previous-history previous-screen-line \
    print-last-kbd-macro quoted-insert re-read-init-file redraw-current-line reverse-search-history \
    revert-line self-insert set-mark shell-backward-kill-word shell-backward-word shell-expand-line \
    shell-forward-word shell-kill-word shell-transpose-words skip-csi-sequence spell-correct-word \
    start-kbd-macro tab-insert tilde-expand transpose-chars transpose-words tty-status undo \
    universal-argument unix-filename-rubout unix-line-discard unix-word-rubout upcase-word vi-append-eol \
    vi-append-mode vi-arg-digit vi-bWord vi-back-to-indent vi-backward-bigword vi-backward-word vi-bword \
    vi-change-case vi-change-char vi-change-to vi-char-search vi-column vi-complete vi-delete \
    vi-delete-to vi-eWord vi-edit-and-execute-command vi-editing-mode vi-end-bigword vi-end-word \
    vi-eof-maybe vi-eword vi-fWord vi-fetch-history vi-first-print vi-forward-bigword vi-forward-word \
    vi-fword vi-goto-mark vi-insert-beg vi-insertion-mode vi-match vi-movement-mode vi-next-word \
    vi-overstrike vi-overstrike-delete vi-prev-word vi-put vi-redo vi-replace vi-rubout vi-search \
    vi-search-again vi-set-mark vi-subst vi-tilde-expand vi-undo vi-unix-word-rubout vi-yank-arg \
    vi-yank-pop vi-yank-to yank yank-last-arg yank-nth-arg yank-pop ";

/// Its variables with the values they have at first, in the order of `bind -v`.
const VARIABLES: &[(&str, &str)] = &[
    ("bind-tty-special-chars", "on"),
    ("blink-matching-paren", "off"),
    ("byte-oriented", "off"),
    ("colored-completion-prefix", "off"),
    ("colored-stats", "off"),
    ("completion-ignore-case", "off"),
    ("completion-map-case", "off"),
    ("convert-meta", "off"),
    ("disable-completion", "off"),
    ("echo-control-characters", "on"),
    ("enable-active-region", "on"),
    ("enable-bracketed-paste", "on"),
    ("enable-keypad", "off"),
    ("enable-meta-key", "on"),
    ("expand-tilde", "off"),
    ("history-preserve-point", "off"),
    ("horizontal-scroll-mode", "off"),
    ("input-meta", "on"),
    ("mark-directories", "on"),
    ("mark-modified-lines", "off"),
    ("mark-symlinked-directories", "off"),
    ("match-hidden-files", "on"),
    ("menu-complete-display-prefix", "off"),
    ("meta-flag", "on"),
    ("output-meta", "on"),
    ("page-completions", "on"),
    ("prefer-visible-bell", "on"),
    ("print-completions-horizontally", "off"),
    ("revert-all-at-newline", "off"),
    ("show-all-if-ambiguous", "off"),
    ("show-all-if-unmodified", "off"),
    ("show-mode-in-prompt", "off"),
    ("skip-completed-text", "off"),
    ("visible-stats", "off"),
    ("bell-style", "audible"),
    ("comment-begin", "#"),
    ("completion-display-width", "-1"),
    ("completion-prefix-display-length", "0"),
    ("completion-query-items", "100"),
    ("editing-mode", "emacs"),
    ("emacs-mode-string", "@"),
    ("history-size", "0"),
    ("keymap", "emacs"),
    ("keyseq-timeout", "500"),
    ("vi-cmd-mode-string", "(cmd)"),
    ("vi-ins-mode-string", "(ins)"),
];

/// The names of keymaps.
const KEYMAPS: &[&[u8]] = &[
    b"emacs",
    b"emacs-standard",
    b"emacs-meta",
    b"emacs-ctlx",
    b"vi",
    b"vi-move",
    b"vi-command",
    b"vi-insert",
];

/// What a key does.
#[derive(Clone, Debug)]
enum Action {
    /// A function of the editor.
    Function(&'static str),
    /// As if this were typed.
    Text(Str),
    /// A command of the shell.
    Command(Str),
}

/// What a shell has set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bindings {
    /// By the key sequence as it was written.
    keys: BTreeMap<Str, Action>,
    variables: BTreeMap<&'static str, Str>,
}

impl Bindings {
    fn keys_of(&self, function: &str) -> Vec<&Str> {
        let of = |action: &Action| matches!(action, Action::Function(name) if *name == function);
        self.keys.iter().filter(|(_, action)| of(action)).map(|(key, _)| key).collect()
    }

    fn value(&self, (name, initial): &(&'static str, &'static str)) -> Str {
        self.variables.get(name).cloned().unwrap_or_else(|| Str::from(*initial))
    }
}

fn function(name: &[u8]) -> Option<&'static str> {
    FUNCTIONS.split_whitespace().find(|other| other.as_bytes() == name)
}

fn quoted(key: &Str) -> Vec<u8> {
    [b"\"", &**key, b"\""].concat()
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    vm.builtin_error("warning: line editing not enabled");
    let given = match vm.options(argv, b"lvpsPSVXf:q:u:m:r:x:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let mut status = 0;
    if let Some(map) = given.value(b'm').cloned()
        && !KEYMAPS.contains(&map.as_bytes())
    {
        return vm.complain(&[b"`", &*map, b"'"].concat(), "invalid keymap name");
    }
    for (letter, value) in &given.options {
        let value = value.clone().unwrap_or_default();
        let shown = match letter {
            b'q' | b'u' => {
                let Some(name) = function(&value) else {
                    return vm.complain(&[b"`", &*value, b"'"].concat(), "unknown function name");
                };
                if *letter == b'u' {
                    let bindings = Rc::make_mut(&mut vm.shell.bindings);
                    bindings
                        .keys
                        .retain(|_, action| !matches!(action, Action::Function(other) if *other == name));
                    continue;
                }
                let (found, text) = query(&vm.shell.bindings, name);
                status = u8::from(!found);
                text
            }
            b'r' => {
                Rc::make_mut(&mut vm.shell.bindings).keys.remove(&value);
                continue;
            }
            b'x' => {
                if !bind_command(vm, &value) {
                    let message = [&*value, b": first non-whitespace character is not `\"'"].concat();
                    vm.builtin_error(message);
                    status = 1;
                }
                continue;
            }
            b'f' => {
                let path = absolute(vm, &value);
                match vm.ctx.kernel().fs().read_file(&path) {
                    Ok(text) => {
                        for line in text.split(|b| *b == b'\n') {
                            apply(vm, line.trim_ascii());
                        }
                        continue;
                    }
                    Err(error) => {
                        let message = format!("cannot read: {}", error.strerror());
                        return vm.complain(&value, &message);
                    }
                }
            }
            letter => list(&vm.shell.bindings, *letter),
        };
        vm.put(1, &shown);
    }
    for line in argv.get(given.operands..).unwrap_or_default() {
        let line = line.clone();
        apply(vm, &line);
    }
    Outcome::Status(status)
}

/// The absolute path of a file.
fn absolute(vm: &Vm, name: &Str) -> String {
    let name = name.to_text();
    if name.starts_with('/') { name.into_owned() } else { format!("{}/{name}", vm.ctx.cwd()) }
}

/// What `-q` says, and whether the function has a key.
fn query(bindings: &Bindings, name: &str) -> (bool, Vec<u8>) {
    let keys: Vec<Vec<u8>> = bindings.keys_of(name).into_iter().map(quoted).collect();
    if keys.is_empty() {
        return (false, format!("{name} is not bound to any keys.\n").into_bytes());
    }
    let text = [name.as_bytes(), b" can be invoked via ", &keys.join(&b", "[..]), b".\n"].concat();
    (true, text)
}

/// What an option without a value shows.
fn list(bindings: &Bindings, letter: u8) -> Vec<u8> {
    let mut out = Vec::new();
    if matches!(letter, b'p' | b'P') {
        out.push(b'\n');
    }
    match letter {
        b'l' | b'p' | b'P' => {
            for name in FUNCTIONS.split_whitespace() {
                let keys = bindings.keys_of(name);
                match letter {
                    b'l' => out.extend_from_slice(format!("{name}\n").as_bytes()),
                    b'p' if keys.is_empty() => {
                        out.extend_from_slice(format!("# {name} (not bound)\n").as_bytes())
                    }
                    b'p' => {
                        for key in keys {
                            out.extend_from_slice(&[&*quoted(key), b": ", name.as_bytes(), b"\n"].concat());
                        }
                    }
                    _ if keys.is_empty() => {
                        out.extend_from_slice(format!("{name} is not bound to any keys\n").as_bytes());
                    }
                    _ => {
                        let keys: Vec<Vec<u8>> = keys.into_iter().map(quoted).collect();
                        let keys = keys.join(&b", "[..]);
                        out.extend_from_slice(
                            &[name.as_bytes(), b" can be found on ", &keys, b".\n"].concat(),
                        );
                    }
                }
            }
        }
        b'v' | b'V' => {
            for variable in VARIABLES {
                let (name, value) = (variable.0.as_bytes(), bindings.value(variable));
                out.extend_from_slice(&if letter == b'v' {
                    [b"set ", name, b" ", &*value, b"\n"].concat()
                } else {
                    [name, b" is set to `", &*value, b"'\n"].concat()
                });
            }
        }
        _ => {
            for (key, action) in &bindings.keys {
                let line = match (letter, action) {
                    (b's', Action::Text(text)) => [&*quoted(key), b": ", &quoted(text), b"\n"].concat(),
                    (b'S', Action::Text(text)) => [&**key, b" outputs ", &**text, b"\n"].concat(),
                    (b'X', Action::Command(text)) => [&*quoted(key), b": ", &quoted(text), b"\n"].concat(),
                    _ => continue,
                };
                out.extend_from_slice(&line);
            }
        }
    }
    out
}

/// `"keys": command`, for `-x`. False: it does not begin with keys in quotes.
fn bind_command(vm: &mut Vm, line: &[u8]) -> bool {
    let Some((key, rest)) = key_sequence(line.trim_ascii()) else { return false };
    let command = rest.trim_ascii();
    let command = command.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(command);
    Rc::make_mut(&mut vm.shell.bindings).keys.insert(key, Action::Command(Str::new(command)));
    true
}

/// The keys in quotes that a line begins with, and what follows the colon.
fn key_sequence(line: &[u8]) -> Option<(Str, &[u8])> {
    let rest = line.strip_prefix(b"\"")?;
    let mut at = 0;
    while let Some(b) = rest.get(at) {
        match b {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    let (key, rest) = (rest.get(..at)?, rest.get(at + 1..)?);
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    Some((Str::new(key), rest))
}

/// A line as in the editor's start-up file: a variable or a binding. What is wrong is told, and no more.
fn apply(vm: &mut Vm, line: &[u8]) {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"$") {
        return;
    }
    let mut words = line.splitn(3, |b| b.is_ascii_whitespace());
    if words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"set")) {
        let name = words.next().unwrap_or_default();
        let value = words.next().unwrap_or_default().trim_ascii();
        match VARIABLES.iter().find(|(other, _)| other.as_bytes().eq_ignore_ascii_case(name)) {
            Some((_, initial)) if matches!(*initial, "on" | "off") => {
                let on = value.is_empty() || value == b"1" || value.eq_ignore_ascii_case(b"on");
                set(vm, name, Str::from(if on { "on" } else { "off" }));
            }
            Some(_) => set(vm, name, Str::new(value)),
            None => tell(vm, name, b"unknown variable name"),
        }
        return;
    }
    let (key, rest) = match key_sequence(line) {
        Some(found) => found,
        // A name such as `Control-x` or a single character.
        None => match line.iter().position(|b| *b == b':') {
            Some(at) if !line.starts_with(b"\"") => {
                (key_name(line.get(..at).unwrap_or_default()), line.get(at + 1..).unwrap_or_default())
            }
            _ => return tell(vm, line, b"no key sequence terminator"),
        },
    };
    let what = rest.trim_ascii();
    let text = what
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""))
        .or_else(|| what.strip_prefix(b"'").and_then(|text| text.strip_suffix(b"'")));
    let action = match (text, function(what)) {
        (Some(text), _) => Action::Text(Str::new(text)),
        (None, Some(name)) => Action::Function(name),
        // As readline: an unknown name takes the key away.
        (None, None) => {
            Rc::make_mut(&mut vm.shell.bindings).keys.remove(&key);
            return;
        }
    };
    Rc::make_mut(&mut vm.shell.bindings).keys.insert(key, action);
}

fn set(vm: &mut Vm, name: &[u8], value: Str) {
    let known = VARIABLES.iter().find(|(other, _)| other.as_bytes().eq_ignore_ascii_case(name));
    if let Some((name, _)) = known {
        Rc::make_mut(&mut vm.shell.bindings).variables.insert(name, value);
    }
}

fn tell(vm: &mut Vm, what: &[u8], message: &[u8]) {
    vm.put(2, &[b"readline: ", what, b": ", message, b"\n"].concat());
}

/// The key sequence of `Control-x`, `Meta-x` and the like.
fn key_name(name: &[u8]) -> Str {
    let mut rest = name.trim_ascii();
    let mut out = Vec::new();
    loop {
        let lower = rest.to_ascii_lowercase();
        let prefix = [("control-", "\\C-"), ("c-", "\\C-"), ("meta-", "\\e"), ("m-", "\\e")]
            .into_iter()
            .find(|(prefix, _)| lower.starts_with(prefix.as_bytes()) && lower.len() > prefix.len());
        let Some((prefix, escape)) = prefix else { break };
        out.extend_from_slice(escape.as_bytes());
        rest = rest.get(prefix.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.into()
}
