//! Names as small numbers: a variable is found by an index, not by hashing its name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::hash::Fnv;
use crate::text::Str;

/// A name. Equal names have equal symbols.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Sym(pub(crate) u32);

impl Sym {
    /// The number, dense from 0.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

macro_rules! known {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// Names with symbols known at compile time.
        #[allow(missing_docs, non_upper_case_globals, dead_code, reason = "the list is that of the manual")]
        pub(crate) mod known {
            use super::Sym;
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            #[repr(u32)]
            enum Index { $($name),* }
            $(pub(crate) const $name: Sym = Sym(Index::$name as u32);)*
            pub(super) const ALL: &[&str] = &[$($text),*];
        }
    };
}
known! {
    IFS = "IFS", PATH = "PATH", HOME = "HOME", PWD = "PWD", OLDPWD = "OLDPWD", OPTIND = "OPTIND",
    OPTARG = "OPTARG", OPTERR = "OPTERR", REPLY = "REPLY", RANDOM = "RANDOM", SRANDOM = "SRANDOM",
    SECONDS = "SECONDS", LINENO = "LINENO", BASHPID = "BASHPID", EPOCHSECONDS = "EPOCHSECONDS",
    EPOCHREALTIME = "EPOCHREALTIME", FUNCNAME = "FUNCNAME", BASH_SOURCE = "BASH_SOURCE",
    BASH_LINENO = "BASH_LINENO", PIPESTATUS = "PIPESTATUS", DIRSTACK = "DIRSTACK", GROUPS = "GROUPS",
    BASH_SUBSHELL = "BASH_SUBSHELL", BASH_COMMAND = "BASH_COMMAND", UNDERSCORE = "_", UID = "UID",
    EUID = "EUID", PPID = "PPID", SHELLOPTS = "SHELLOPTS", BASHOPTS = "BASHOPTS", PS1 = "PS1",
    PS2 = "PS2", PS3 = "PS3", PS4 = "PS4", BASH_REMATCH = "BASH_REMATCH", GLOBIGNORE = "GLOBIGNORE",
    FUNCNEST = "FUNCNEST", CDPATH = "CDPATH", TIMEFORMAT = "TIMEFORMAT", SHLVL = "SHLVL",
    BASH_VERSION = "BASH_VERSION", BASH_VERSINFO = "BASH_VERSINFO", HOSTNAME = "HOSTNAME",
    HOSTTYPE = "HOSTTYPE", OSTYPE = "OSTYPE", MACHTYPE = "MACHTYPE", BASH = "BASH", MAPFILE = "MAPFILE",
    COPROC = "COPROC", POSIXLY_CORRECT = "POSIXLY_CORRECT", BASH_ARGV = "BASH_ARGV", BASH_ARGC = "BASH_ARGC",
    BASH_ARGV0 = "BASH_ARGV0", BASH_EXECUTION_STRING = "BASH_EXECUTION_STRING", BASH_ALIASES = "BASH_ALIASES",
    BASH_CMDS = "BASH_CMDS", TZ = "TZ", LANG = "LANG", LC_ALL = "LC_ALL", LC_CTYPE = "LC_CTYPE",
    COLUMNS = "COLUMNS", LINES = "LINES", TMOUT = "TMOUT", EXECIGNORE = "EXECIGNORE", SHELL = "SHELL",
    USER = "USER", TERM = "TERM", BASH_ENV = "BASH_ENV", ENV = "ENV", HISTCMD = "HISTCMD",
    HISTFILE = "HISTFILE", HISTSIZE = "HISTSIZE", HISTCONTROL = "HISTCONTROL", HISTIGNORE = "HISTIGNORE",
    HISTTIMEFORMAT = "HISTTIMEFORMAT",
    COMP_WORDBREAKS = "COMP_WORDBREAKS", BASH_LOADABLES_PATH = "BASH_LOADABLES_PATH",
    IGNOREEOF = "IGNOREEOF", BASH_COMPAT = "BASH_COMPAT", BASH_XTRACEFD = "BASH_XTRACEFD",
    COMPREPLY = "COMPREPLY", BASH_MONOSECONDS = "BASH_MONOSECONDS",
}

struct Table {
    names: Vec<Str>,
    symbols: HashMap<Str, Sym, BuildHasherDefault<Fnv>>,
}

/// The table of names of a session.
pub(crate) struct Interner(RefCell<Table>);

impl Default for Interner {
    fn default() -> Self {
        let interner = Interner(RefCell::new(Table { names: Vec::new(), symbols: HashMap::default() }));
        for name in known::ALL {
            interner.intern(name.as_bytes());
        }
        interner
    }
}

impl Interner {
    /// The symbol of `name`.
    pub(crate) fn intern(&self, name: &[u8]) -> Sym {
        let mut table = self.0.borrow_mut();
        if let Some(&symbol) = table.symbols.get(name) {
            return symbol;
        }
        let symbol = Sym(table.names.len() as u32);
        let name = Str::new(name);
        table.names.push(name.clone());
        table.symbols.insert(name, symbol);
        symbol
    }

    /// The symbol of `name`, if anybody ever asked for it.
    pub(crate) fn get(&self, name: &[u8]) -> Option<Sym> {
        self.0.borrow().symbols.get(name).copied()
    }

    /// The name.
    pub(crate) fn name(&self, symbol: Sym) -> Str {
        self.0.borrow().names.get(symbol.index()).cloned().unwrap_or_default()
    }
}
