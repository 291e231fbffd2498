//! Traps: which commands run when a signal comes, the shell ends, a command fails …

use wasmsh_os::Signal;

use crate::text::Str;

/// The shell ends.
pub(crate) const EXIT: u8 = 0;
/// Before a simple command.
pub(crate) const DEBUG: u8 = 65;
/// A command failed.
pub(crate) const ERR: u8 = 66;
/// A function or sourced file returned.
pub(crate) const RETURN: u8 = 67;

/// The traps of a shell, by the number of the signal or one of the constants above.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traps {
    /// Sorted by number. An empty text: the signal is ignored.
    entries: Vec<(u8, Str)>,
    /// They were set by this process, and are not only shown as those of its parent.
    pub own: bool,
    /// The ERR trap was set in this process or is inherited by `errtrace`.
    pub own_err: bool,
    /// Those of the parent, which `trap` shows in a subshell until that sets traps of its own.
    shown: Vec<(u8, Str)>,
}

impl Traps {
    /// No traps.
    pub(crate) fn new(own: bool, own_err: bool) -> Traps {
        Traps { entries: Vec::new(), own, own_err, shown: Vec::new() }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The commands of a trap.
    pub(crate) fn get(&self, trap: u8) -> Option<&Str> {
        self.entries.iter().find(|(number, _)| *number == trap).map(|(_, text)| text)
    }

    /// Sets or removes a trap.
    pub(crate) fn set(&mut self, trap: u8, text: Option<Str>) {
        self.entries.retain(|(number, _)| *number != trap);
        if let Some(text) = text {
            self.entries.push((trap, text));
            self.entries.sort_by_key(|(number, _)| *number);
        }
    }

    /// Those that `trap` shows.
    pub(crate) fn shown(&self) -> &[(u8, Str)] {
        if self.own || self.shown.is_empty() { &self.entries } else { &self.shown }
    }

    /// Shows those of the parent.
    pub(crate) fn show_as(&mut self, parent: &Traps) {
        self.shown = parent.shown().to_vec();
    }

    /// All traps by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &Str)> {
        self.entries.iter().map(|(number, text)| (*number, text))
    }
}

/// The number of the trap of this name (`EXIT`, `INT`, `SIGINT`, `2` …).
pub(crate) fn number(name: &[u8]) -> Option<u8> {
    if let Ok(text) = std::str::from_utf8(name)
        && let Ok(number) = text.parse::<u32>()
    {
        return match number {
            0 => Some(EXIT),
            number => (number <= 64).then_some(number as u8),
        };
    }
    let upper = name.to_ascii_uppercase();
    match upper.as_slice() {
        b"EXIT" => Some(EXIT),
        b"DEBUG" => Some(DEBUG),
        b"ERR" => Some(ERR),
        b"RETURN" => Some(RETURN),
        _ => {
            let bare = upper.strip_prefix(b"SIG").unwrap_or(&upper);
            NAMES.iter().find(|(_, other)| other.as_bytes() == bare).map(|(number, _)| *number)
        }
    }
}

/// The name of a trap as `trap -p` shows it.
pub(crate) fn name(trap: u8) -> String {
    match trap {
        EXIT => "EXIT".into(),
        DEBUG => "DEBUG".into(),
        ERR => "ERR".into(),
        RETURN => "RETURN".into(),
        number => match NAMES.iter().find(|(other, _)| *other == number) {
            Some((_, name)) => format!("SIG{name}"),
            None => number.to_string(),
        },
    }
}

/// The signal of a trap, if the session has it.
pub(crate) fn signal(trap: u8) -> Option<Signal> {
    Signal::from_number(u32::from(trap))
}

/// Linux's signals, which `kill -l` and `trap -l` list; a session delivers some of them.
pub(crate) const NAMES: &[(u8, &str)] = &[
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (17, "CHLD"),
    (18, "CONT"),
    (19, "STOP"),
    (20, "TSTP"),
    (21, "TTIN"),
    (22, "TTOU"),
    (23, "URG"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (27, "PROF"),
    (28, "WINCH"),
    (29, "IO"),
    (30, "PWR"),
    (31, "SYS"),
    (34, "RTMIN"),
    (35, "RTMIN+1"),
    (36, "RTMIN+2"),
    (37, "RTMIN+3"),
    (38, "RTMIN+4"),
    (39, "RTMIN+5"),
    (40, "RTMIN+6"),
    (41, "RTMIN+7"),
    (42, "RTMIN+8"),
    (43, "RTMIN+9"),
    (44, "RTMIN+10"),
    (45, "RTMIN+11"),
    (46, "RTMIN+12"),
    (47, "RTMIN+13"),
    (48, "RTMIN+14"),
    (49, "RTMIN+15"),
    (50, "RTMAX-14"),
    (51, "RTMAX-13"),
    (52, "RTMAX-12"),
    (53, "RTMAX-11"),
    (54, "RTMAX-10"),
    (55, "RTMAX-9"),
    (56, "RTMAX-8"),
    (57, "RTMAX-7"),
    (58, "RTMAX-6"),
    (59, "RTMAX-5"),
    (60, "RTMAX-4"),
    (61, "RTMAX-3"),
    (62, "RTMAX-2"),
    (63, "RTMAX-1"),
    (64, "RTMAX"),
];
