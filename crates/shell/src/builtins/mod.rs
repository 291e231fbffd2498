//! The builtins: one file each, and the one list of all of them.

pub(crate) mod alias;
pub(crate) mod bind;
pub(crate) mod r#break;
pub(crate) mod builtin;
pub(crate) mod caller;
pub(crate) mod cd;
pub(crate) mod colon;
pub(crate) mod command;
pub(crate) mod complete;
pub(crate) mod declare;
pub(crate) mod dirs;
pub(crate) mod echo;
pub(crate) mod enable;
pub(crate) mod eval;
pub(crate) mod exec;
pub(crate) mod exit;
pub(crate) mod getopts;
pub(crate) mod hash;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod jobs;
pub(crate) mod kill;
pub(crate) mod r#let;
pub(crate) mod mapfile;
pub(crate) mod options;
pub(crate) mod printf;
pub(crate) mod pwd;
pub(crate) mod read;
pub(crate) mod r#return;
pub(crate) mod select;
pub(crate) mod set;
pub(crate) mod shift;
pub(crate) mod shopt;
pub(crate) mod source;
pub(crate) mod test;
pub(crate) mod times;
pub(crate) mod trap;
pub(crate) mod r#type;
pub(crate) mod ulimit;
pub(crate) mod umask;
pub(crate) mod unset;
pub(crate) mod wait;

use crate::text::Str;
use crate::vm::{Outcome, Vm};

/// A builtin: the one declaration that help, `type`, completion and documentation come from.
pub(crate) struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its form, as `help` shows it.
    pub synopsis: &'static str,
    /// What it does.
    pub help: &'static str,
    /// POSIX counts it among the special builtins.
    pub special: bool,
    /// Its arguments may be assignments.
    pub declaration: bool,
    pub(crate) run: fn(&mut Vm, &[Str]) -> Outcome,
}

impl Builtin {
    pub(crate) const fn new(
        name: &'static str,
        synopsis: &'static str,
        help: &'static str,
        run: fn(&mut Vm, &[Str]) -> Outcome,
    ) -> Builtin {
        Builtin { name, synopsis, help, special: false, declaration: false, run }
    }

    const fn special(self) -> Builtin {
        Builtin { special: true, ..self }
    }

    const fn declares(self) -> Builtin {
        Builtin { declaration: true, ..self }
    }

    /// Whether `--help` shows its help.
    pub(crate) fn has_help(&self) -> bool {
        !matches!(self.name, "echo" | "test" | "[" | ":" | "true" | "false" | "printf")
            || self.name == "printf"
    }

    /// The text of `help NAME`.
    pub(crate) fn help_text(&self) -> Vec<u8> {
        help::text(self.name, self.synopsis, self.help)
    }
}

/// All builtins, ordered by name.
pub(crate) static ALL: &[Builtin] = &[
    source::DOT.special(),
    colon::COLON.special(),
    test::BRACKET,
    alias::ALIAS.declares(),
    jobs::BG,
    bind::BIND,
    r#break::BREAK.special(),
    builtin::BUILTIN,
    caller::CALLER,
    cd::CD,
    command::COMMAND,
    complete::COMPGEN,
    complete::COMPLETE,
    complete::COMPOPT,
    r#break::CONTINUE.special(),
    declare::DECLARE.declares(),
    dirs::DIRS,
    jobs::DISOWN,
    echo::ECHO,
    enable::ENABLE,
    eval::EVAL.special(),
    exec::EXEC.special(),
    exit::EXIT.special(),
    declare::EXPORT.special().declares(),
    colon::FALSE,
    history::FC,
    jobs::FG,
    getopts::GETOPTS,
    hash::HASH,
    help::HELP,
    history::HISTORY,
    jobs::JOBS,
    kill::KILL,
    r#let::LET,
    declare::LOCAL.declares(),
    exit::LOGOUT,
    mapfile::MAPFILE,
    dirs::POPD,
    printf::PRINTF,
    dirs::PUSHD,
    pwd::PWD,
    read::READ,
    mapfile::READARRAY,
    declare::READONLY.special().declares(),
    r#return::RETURN.special(),
    set::SET.special(),
    shift::SHIFT.special(),
    shopt::SHOPT,
    source::SOURCE.special(),
    exit::SUSPEND,
    test::TEST,
    times::TIMES.special(),
    trap::TRAP.special(),
    colon::TRUE,
    r#type::TYPE,
    declare::TYPESET.declares(),
    ulimit::ULIMIT,
    umask::UMASK,
    alias::UNALIAS,
    unset::UNSET.special(),
    wait::WAIT,
];
