//! `help`: of the builtins as they are declared, and of the other constructs of the language.

use super::Builtin;
use crate::symbol::known;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const HELP: Builtin = Builtin::new(
    "help",
    "help [-dms] [pattern ...]",
    "Explains builtins whose names match a pattern; without one it lists all.\n\n-d  one line each\n-m  like a manual page\n-s  the form alone\n\nStatus: 0, unless nothing matches.",
    run,
);

/// What can be explained: name, form, text.
type Topic = (&'static str, &'static str, &'static str);

/// What is explained beside the builtins.
const LANGUAGE: &[Topic] = &[
    (
        "job_spec",
        "job_spec [&]",
        "Brings a job into the foreground, or with & lets it go on in the background.\n\nStatus: that of the job.",
    ),
    (
        "(( ... ))",
        "(( expression ))",
        "Evaluates an arithmetic expression.\n\nStatus: 1 if its value is 0, otherwise 0.",
    ),
    (
        "[[ ... ]]",
        "[[ expression ]]",
        "Evaluates a conditional expression of the operators of `test`, ==, != and =~ with patterns, &&, ||, ! and ( ).\n\nStatus: 0 if it holds, otherwise 1.",
    ),
    (
        "case",
        "case WORD in [PATTERN [| PATTERN]...) COMMANDS ;;]... esac",
        "Runs the commands of the first pattern that matches the word.\nAfter ;& those of the next one follow, after ;;& further patterns are tried.\n\nStatus: that of the last command.",
    ),
    (
        "coproc",
        "coproc [NAME] command [redirections]",
        "Runs a command beside the shell; the array NAME holds the descriptors of its output and its input.\n\nStatus: that of the command.",
    ),
    (
        "for",
        "for NAME [in WORDS ... ] ; do COMMANDS; done",
        "Runs commands for each word, or each positional parameter.\n\nStatus: that of the last command.",
    ),
    (
        "for ((",
        "for (( exp1; exp2; exp3 )); do COMMANDS; done",
        "Evaluates exp1, then runs commands and evaluates exp3 as long as exp2 is not 0.\n\nStatus: that of the last command.",
    ),
    (
        "function",
        "function name { COMMANDS ; } or name () { COMMANDS ; }",
        "Defines a function, which has its arguments as $1 and so on, and its name in FUNCNAME.\n\nStatus: 0, unless the name is that of a read-only function.",
    ),
    (
        "if",
        "if COMMANDS; then COMMANDS; [ elif COMMANDS; then COMMANDS; ]... [ else COMMANDS; ] fi",
        "Runs commands if others succeed.\n\nStatus: that of the last command, or 0 if no condition holds.",
    ),
    (
        "select",
        "select NAME [in WORDS ... ;] do COMMANDS; done",
        "Shows a menu of the words, reads a choice into REPLY and its word into NAME, and runs commands, again and again.\n\nStatus: that of the last command.",
    ),
    (
        "time",
        "time [-p] pipeline",
        "Says how long a pipeline has taken.\n\n-p  in the form of POSIX\n\nStatus: that of the pipeline.",
    ),
    (
        "until",
        "until COMMANDS; do COMMANDS-2; done",
        "Runs commands as long as others fail.\n\nStatus: that of the last command.",
    ),
    (
        "variables",
        "variables - Names and meanings of some shell variables",
        "IFS           what separates words\nPATH          where programs are searched for\nHOME, PWD     the home and the working directory\nBASH_VERSION  the version that is followed\nRANDOM        a random number\nSECONDS       the time since the shell began\nPIPESTATUS    the statuses of the last pipeline",
    ),
    (
        "while",
        "while COMMANDS; do COMMANDS-2; done",
        "Runs commands as long as others succeed.\n\nStatus: that of the last command.",
    ),
    (
        "{ ... }",
        "{ COMMANDS ; }",
        "Runs commands as one, with common redirections.\n\nStatus: that of the last command.",
    ),
];

/// Everything, in the order of the list.
pub(crate) fn topics() -> Vec<Topic> {
    let builtins = super::ALL.iter().map(|builtin| (builtin.name, builtin.synopsis, builtin.help));
    let mut all: Vec<Topic> = LANGUAGE.iter().copied().chain(builtins).collect();
    all.sort_by_key(|(name, ..)| (*name != "job_spec", *name));
    all
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"dms") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let patterns = argv.get(given.operands..).unwrap_or_default();
    if patterns.is_empty() {
        list(vm);
        return Outcome::Status(0);
    }
    let all = topics();
    let mut missing = 0;
    for pattern in patterns {
        let compiled = vm.pattern(pattern, false);
        let mut found: Vec<Topic> =
            all.iter().copied().filter(|(name, ..)| name.as_bytes() == &**pattern).collect();
        if found.is_empty() {
            let matches = |name: &[u8]| compiled.is_match(name) || name.starts_with(pattern);
            found = all.iter().copied().filter(|(name, ..)| matches(name.as_bytes())).collect();
        }
        if found.is_empty() {
            let message = [
                b"no help topics match `",
                &**pattern,
                b"'.  Try `help help' or `man -k ",
                pattern,
                b"' or `info ",
                pattern,
                b"'.",
            ];
            vm.builtin_error(message.concat());
            missing += 1;
        }
        if patterns.iter().any(|pattern| pattern.iter().any(|b| b"*?[".contains(b))) && !found.is_empty() {
            let words = if patterns.len() == 1 { "" } else { "s" };
            let line = [b"Shell commands matching keyword", words.as_bytes(), b" `", &**pattern, b"'\n\n"];
            vm.put(1, &line.concat());
        }
        for (name, synopsis, help) in found {
            let text = if given.has(b's') {
                format!("{name}: {synopsis}\n").into_bytes()
            } else if given.has(b'd') {
                format!("{name} - {}\n", help.lines().next().unwrap_or("")).into_bytes()
            } else if given.has(b'm') {
                let (first, _) = help.split_once('\n').unwrap_or((help, ""));
                let indented: String = help.lines().map(|line| format!("    {line}\n")).collect();
                format!("NAME\n    {name} - {first}\n\nSYNOPSIS\n    {synopsis}\n\nDESCRIPTION\n{indented}\n")
                    .into_bytes()
            } else {
                text(name, synopsis, help)
            };
            vm.put(1, &text);
        }
    }
    Outcome::Status(u8::from(missing == patterns.len()))
}

/// The text of `help NAME`.
pub(crate) fn text(name: &str, synopsis: &str, help: &str) -> Vec<u8> {
    let mut text = format!("{name}: {synopsis}\n");
    for line in help.lines() {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text.into_bytes()
}

/// All forms in two columns, those that are too long cut off.
fn list(vm: &mut Vm) {
    let version = vm.string_value(known::BASH_VERSION).to_text().into_owned();
    vm.put(
        1,
        format!(
            "GNU bash, version {version} (x86_64-pc-linux-gnu)\nThese shell commands are defined internally.  Type `help' to see this list.\nType `help name' to find out more about the function `name'.\nUse `info bash' to find out more about the shell in general.\nUse `man -k' or `info' to find out more about commands not in this list.\n\nA star (*) next to a name means that the command is disabled.\n\n"
        )
        .as_bytes(),
    );
    let columns = vm.string_value(known::COLUMNS).to_text().parse::<usize>().unwrap_or(80).clamp(8, 256);
    let width = columns / 2;
    let all = topics();
    let rows = all.len().div_ceil(2);
    let entries: Vec<String> = all
        .into_iter()
        .enumerate()
        .map(|(at, (name, synopsis, _))| {
            let symbol = vm.symbol(name.as_bytes());
            let mark = if vm.shell.disabled.contains(&symbol) { '*' } else { ' ' };
            let room = width.saturating_sub(if at < rows { 2 } else { 3 });
            if synopsis.len() > room {
                format!("{mark}{}>", synopsis.get(..room.saturating_sub(1)).unwrap_or_default())
            } else {
                format!("{mark}{synopsis}")
            }
        })
        .collect();
    let (left, right) = entries.split_at(rows);
    let mut out = String::new();
    for (row, first) in left.iter().enumerate() {
        match right.get(row) {
            Some(second) => out.push_str(&format!("{first:width$}{second}\n")),
            None => out.push_str(&format!("{first}\n")),
        }
    }
    vm.put(1, out.as_bytes());
}
