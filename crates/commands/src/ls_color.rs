//! The colours of `ls`: those built in, and LS_COLORS.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Environment, FileType, Stat};

use crate::glob::Glob;

/// Which colour a file has.
pub(crate) struct Colors {
    /// By kind, as LS_COLORS names them.
    kinds: Vec<(BString, BString)>,
    /// By the end of the name.
    ends: Vec<(BString, BString)>,
}

const DEFAULTS: [(&str, &str); 13] = [
    ("di", "01;34"),
    ("ln", "01;36"),
    ("pi", "33"),
    ("so", "01;35"),
    ("bd", "01;33"),
    ("cd", "01;33"),
    ("ex", "01;32"),
    ("do", "01;35"),
    ("su", "37;41"),
    ("sg", "30;43"),
    ("st", "37;44"),
    ("ow", "34;42"),
    ("tw", "30;42"),
];

/// Terminals that have colours, as `dircolors` lists them.
pub(crate) const TERMINALS: [&str; 25] = [
    "Eterm",
    "ansi",
    "*color*",
    "con[0-9]*x[0-9]*",
    "cons25",
    "console",
    "cygwin",
    "*direct*",
    "dtterm",
    "gnome",
    "hurd",
    "jfbterm",
    "konsole",
    "kterm",
    "linux",
    "linux-c",
    "mlterm",
    "putty",
    "rxvt*",
    "screen*",
    "st",
    "terminator",
    "tmux*",
    "vt100",
    "xterm*",
];

impl Colors {
    /// Those of LS_COLORS; without it those built in, for a terminal that is known to have colours.
    pub(crate) fn of_environment(environment: &Environment) -> Option<Colors> {
        if let Some(variable) = environment.get(b"LS_COLORS").filter(|value| !value.is_empty()) {
            return Some(Colors::new(Some(variable)));
        }
        let known = environment.get(b"COLORTERM").is_some_and(|value| !value.is_empty())
            || environment
                .get(b"TERM")
                .is_some_and(|name| TERMINALS.iter().any(|known| Glob::new(known.as_bytes()).matches(name)));
        known.then(|| Colors::new(None))
    }

    /// Those of LS_COLORS; without it those that `tree -C` has for every terminal, whatever its type.
    pub(crate) fn always(environment: &Environment) -> Option<Colors> {
        if let Some(variable) = environment.get(b"LS_COLORS").filter(|value| !value.is_empty()) {
            return Some(Colors::new(Some(variable)));
        }
        environment.get(b"TERM")?;
        let mut colors = Colors::new(Some(b"fi=00:pi=40;33:bd=40;33;01:cd=40;33;01:or=40;31;01"));
        colors.ends = crate::dircolors::endings().map(|(end, color)| (end.into(), color.into())).collect();
        Some(colors)
    }

    /// Of what has no colour of its own.
    pub(crate) fn ordinary(&self) -> Option<&BString> {
        self.kinds.iter().find(|(kind, _)| kind == "fi").map(|(_, color)| color)
    }

    fn new(variable: Option<&[u8]>) -> Colors {
        let mut kinds: Vec<(BString, BString)> =
            DEFAULTS.map(|(kind, color)| (kind.into(), color.into())).into();
        let mut ends = Vec::new();
        for part in variable.unwrap_or_default().split(|byte| *byte == b':') {
            let Some((name, color)) = part.split_once_str("=") else { continue };
            match name.strip_prefix(b"*") {
                Some(end) => ends.push((end.into(), color.into())),
                None => {
                    kinds.retain(|(kind, _)| kind != name);
                    kinds.push((name.into(), color.into()));
                }
            }
        }
        Colors { kinds, ends }
    }

    fn kind(&self, name: &str) -> Option<String> {
        let (_, color) = self.kinds.iter().find(|(kind, _)| kind == name)?;
        (!color.is_empty() && color != "0" && color != "00").then(|| color.to_string())
    }

    /// Of a link whose target is not there.
    pub(crate) fn missing(&self) -> Option<String> {
        self.kind("mi").or_else(|| self.kind("or"))
    }

    /// `target`: of a link, what it leads to, if there is anything.
    pub(crate) fn of(
        &self,
        name: &[u8],
        stat: Option<&Stat>,
        target: Option<Option<&Stat>>,
    ) -> Option<String> {
        let Some(stat) = stat else { return self.missing() };
        match stat.kind {
            FileType::Directory => {
                let (sticky, others) = (stat.mode & 0o1000 != 0, stat.mode & 0o002 != 0);
                match (sticky, others) {
                    (true, true) => self.kind("tw"),
                    (false, true) => self.kind("ow"),
                    (true, false) => self.kind("st"),
                    (false, false) => self.kind("di"),
                }
                .or_else(|| self.kind("di"))
            }
            FileType::SymbolicLink => match (target, self.kind("ln")) {
                (Some(None), _) if self.kind("or").is_some() => self.kind("or"),
                (Some(Some(target)), Some(color)) if color == "target" => self.of(name, Some(target), None),
                (_, color) => color,
            },
            FileType::Fifo => self.kind("pi"),
            FileType::Socket => self.kind("so"),
            FileType::CharacterDevice => self.kind("cd"),
            FileType::Regular | FileType::Unknown => {
                if stat.mode & 0o4000 != 0 && self.kind("su").is_some() {
                    return self.kind("su");
                }
                if stat.mode & 0o2000 != 0 && self.kind("sg").is_some() {
                    return self.kind("sg");
                }
                if stat.mode & 0o111 != 0 && self.kind("ex").is_some() {
                    return self.kind("ex");
                }
                let by_end = self.ends.iter().rev().find(|(end, _)| {
                    name.len() >= end.len()
                        && name
                            .get(name.len() - end.len()..)
                            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
                });
                by_end.map(|(_, color)| color.to_string()).or_else(|| self.kind("fi"))
            }
        }
    }
}
