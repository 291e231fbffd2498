//! The properties with random input: bytes that are likely to mean something.

mod properties;

/// A small generator (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn text(&mut self, pieces: &[&str], most: usize) -> Vec<u8> {
        let count = self.below(most) + 1;
        (0..count).flat_map(|_| pieces[self.below(pieces.len())].bytes()).collect()
    }
}

const SHELL: &[&str] = &[
    " ",
    " ",
    "\n",
    ";",
    "a",
    "b",
    "x",
    "1",
    "0",
    "=",
    "+=",
    "$",
    "${",
    "}",
    "$(",
    ")",
    "(",
    "((",
    "))",
    "$((",
    "`",
    "\"",
    "'",
    "$'",
    "\\",
    "{",
    "if ",
    "then ",
    "fi",
    "for ",
    "in ",
    "do ",
    "done",
    "while ",
    "case ",
    "esac",
    ";;",
    "[[ ",
    " ]]",
    "&&",
    "||",
    "|",
    "&",
    "<",
    ">",
    "<<E\n",
    "\nE\n",
    "<<<",
    "<(",
    "#",
    "!",
    "~",
    "*",
    "?",
    "[",
    "]",
    "@(",
    "..",
    ",",
    ":-",
    "%%",
    "//",
    "^",
    "f() ",
    "function ",
    "é",
    "\t",
    "time ",
    "coproc ",
    "select ",
];

const ARITHMETIC: &[&str] = &[
    "1",
    "0",
    "07",
    "0x1f",
    "2#101",
    "36#z",
    "9223372036854775807",
    "a",
    "b",
    "a[",
    "]",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "<<",
    ">>",
    "<",
    "<=",
    "==",
    "!=",
    "&",
    "|",
    "^",
    "&&",
    "||",
    "?",
    ":",
    ",",
    "=",
    "+=",
    "++",
    "--",
    "!",
    "~",
    " ",
    "$x",
    "'",
    "\"",
    "é",
];

const PATTERN: &[&str] = &[
    "a",
    "b",
    "aa",
    "ab",
    "*",
    "?",
    "[",
    "]",
    "[a",
    "-z]",
    "[!",
    "[[:alpha:]]",
    "@(",
    "*(",
    "+(",
    "!(",
    "?(",
    "|",
    ")",
    "\\",
    "é",
    "\0",
    ".",
    "/",
    "^",
];

/// `rounds`, or what the variable ROUNDS says; SEED begins elsewhere.
fn rounds(rounds: u64, seed: u64) -> (u64, Random) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    (number("ROUNDS").unwrap_or(rounds), Random(seed ^ number("SEED").unwrap_or(0)))
}

#[test]
fn the_parser_takes_anything() {
    let (rounds, mut random) = rounds(4000, 0x1234_5678_9abc_def1);
    for _ in 0..rounds {
        properties::parse(&random.text(SHELL, 30));
    }
}

#[test]
fn arithmetic_takes_anything() {
    let (rounds, mut random) = rounds(20_000, 0x0f1e_2d3c_4b5a_6978);
    for _ in 0..rounds {
        properties::arithmetic(&random.text(ARITHMETIC, 12));
    }
}

#[test]
fn patterns_take_anything() {
    let (rounds, mut random) = rounds(4000, 0x5555_aaaa_1234_4321);
    for _ in 0..rounds {
        properties::pattern(&random.text(PATTERN, 14));
    }
}
