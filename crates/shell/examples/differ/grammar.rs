//! A grammar of shell scripts, and scripts made from it at random.
//!
//! A rule has alternatives; `‹name›` in one stands for another rule. What is deep is finished with the first alternative
//! of each rule, which is short. Everything that the scripts do is harmless: they use builtins, a few tools, and the
//! files of the directory in which they run.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Repeatable random numbers (SplitMix64).
pub(crate) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// The text of the rules: `name:` begins one, and each line after it that is indented is an alternative. `⏎` is a
/// newline, `⇥` a tab and `∅` nothing; an empty line and one that begins with `#` say nothing.
const RULES: &str = include_str!("shell.grammar");

/// What every script begins with.
const HEAD: &str = "p() { printf '<%s>' \"$@\"; echo; }\n";

/// What every script ends with.
const TAIL: &str = "p \"$?\" \"$#\" \"$*\" \"$-\" \"${v-U}\" \"${w-U}\" \"${x-U}\" \"${n-U}\"\ndeclare -p a b m r IFS 2>/dev/null\n";

/// How deep rules may nest before they are finished.
const DEEP: usize = 22;

/// The rules, read.
pub(crate) struct Grammar {
    rules: HashMap<&'static str, Vec<String>>,
}

impl Grammar {
    pub(crate) fn new() -> Grammar {
        let mut rules: HashMap<&'static str, Vec<String>> = HashMap::new();
        let mut name = "";
        for line in RULES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix("    ") {
                Some(alternative) => rules
                    .entry(name)
                    .or_default()
                    .push(alternative.replace('⏎', "\n").replace('⇥', "\t").replace('∅', "")),
                None => name = line.trim_end_matches(':'),
            }
        }
        Grammar { rules }
    }

    /// The script of a seed.
    pub(crate) fn script(&self, seed: u64) -> String {
        let mut maker =
            Maker { grammar: self, random: Random(seed), out: HEAD.to_owned(), unique: 0, functions: 0 };
        let statements = 2 + maker.random.below(7);
        for _ in 0..statements {
            maker.rule("statement", 0);
            maker.out.push('\n');
        }
        maker.out.push_str(TAIL);
        maker.out
    }
}

struct Maker<'g> {
    grammar: &'g Grammar,
    random: Random,
    out: String,
    /// Names of loop counters that have been given.
    unique: usize,
    /// Functions that may be called here: a function calls only those before it, so that each script ends.
    functions: usize,
}

impl Maker<'_> {
    fn rule(&mut self, name: &str, depth: usize) {
        match name {
            "unique" => {
                self.unique += 1;
                let _ = write!(self.out, "c{}", self.unique);
                return;
            }
            "same" => {
                let _ = write!(self.out, "c{}", self.unique);
                return;
            }
            "call" => {
                match self.functions {
                    0 => self.out.push_str("true"),
                    many => {
                        let which = self.random.below(many);
                        let _ = write!(self.out, "f{which}");
                    }
                }
                return;
            }
            "function" => {
                let _ = writeln!(self.out, "f{}() {{", self.functions);
                self.rule("body", depth + 2);
                self.out.push_str("\n}");
                self.functions += 1;
                return;
            }
            _ => {}
        }
        let Some(alternatives) = self.grammar.rules.get(name) else { panic!("no rule {name}") };
        let which = if depth > DEEP { 0 } else { self.random.below(alternatives.len()) };
        let mut rest = alternatives[which].as_str();
        while let Some((before, after)) = rest.split_once('‹') {
            self.out.push_str(before);
            let Some((name, after)) = after.split_once('›') else {
                panic!("a rule without an end: {rest}")
            };
            self.rule(name, depth + 1);
            rest = after;
        }
        self.out.push_str(rest);
    }
}
