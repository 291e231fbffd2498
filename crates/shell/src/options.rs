//! The options of `set -o` and `shopt`.

macro_rules! options {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        #[repr(u8)]
        pub(crate) enum $kind { $($variant),* }

        impl $kind {
            /// All of them with their names, in the order of the names.
            pub(crate) const ALL: &'static [($kind, &'static str)] = &[$(($kind::$variant, $name)),*];

            /// The option of this name.
            pub(crate) fn from_name(name: &[u8]) -> Option<$kind> {
                Self::ALL.iter().find(|(_, other)| other.as_bytes() == name).map(|(option, _)| *option)
            }
        }
    };
}

options! {
    /// An option of `set -o`.
    Opt {
        AllExport = "allexport", BraceExpand = "braceexpand", Emacs = "emacs", ErrExit = "errexit",
        ErrTrace = "errtrace", FuncTrace = "functrace", HashAll = "hashall", HistExpand = "histexpand",
        History = "history", IgnoreEof = "ignoreeof", InteractiveComments = "interactive-comments",
        Keyword = "keyword", Monitor = "monitor", NoClobber = "noclobber", NoExec = "noexec",
        NoGlob = "noglob", NoLog = "nolog", Notify = "notify", NoUnset = "nounset", OneCmd = "onecmd",
        Physical = "physical", PipeFail = "pipefail", Posix = "posix", Privileged = "privileged",
        Verbose = "verbose", Vi = "vi", XTrace = "xtrace",
    }
}

options! {
    /// An option of `shopt`.
    Shopt {
        Autocd = "autocd", AssocExpandOnce = "assoc_expand_once", CdableVars = "cdable_vars", Cdspell = "cdspell",
        CheckHash = "checkhash", CheckJobs = "checkjobs", CheckWinsize = "checkwinsize", CmdHist = "cmdhist",
        Compat31 = "compat31", Compat32 = "compat32", Compat40 = "compat40", Compat41 = "compat41",
        Compat42 = "compat42", Compat43 = "compat43", Compat44 = "compat44",
        CompleteFullquote = "complete_fullquote", DirExpand = "direxpand", DirSpell = "dirspell",
        DotGlob = "dotglob", ExecFail = "execfail", ExpandAliases = "expand_aliases", ExtDebug = "extdebug",
        ExtGlob = "extglob", ExtQuote = "extquote", FailGlob = "failglob", ForceFignore = "force_fignore",
        GlobAsciiRanges = "globasciiranges", GlobSkipDots = "globskipdots", GlobStar = "globstar",
        GnuErrFmt = "gnu_errfmt", HistAppend = "histappend", HistReedit = "histreedit",
        HistVerify = "histverify", HostComplete = "hostcomplete", HupOnExit = "huponexit",
        InheritErrExit = "inherit_errexit", InteractiveComments = "interactive_comments", LastPipe = "lastpipe",
        LitHist = "lithist", LocalVarInherit = "localvar_inherit", LocalVarUnset = "localvar_unset",
        LoginShell = "login_shell", MailWarn = "mailwarn", NoEmptyCmdCompletion = "no_empty_cmd_completion",
        NoCaseGlob = "nocaseglob", NoCaseMatch = "nocasematch", NoExpandTranslation = "noexpand_translation",
        NullGlob = "nullglob", PatsubReplacement = "patsub_replacement", ProgComp = "progcomp",
        ProgCompAlias = "progcomp_alias", PromptVars = "promptvars", RestrictedShell = "restricted_shell",
        ShiftVerbose = "shift_verbose", SourcePath = "sourcepath", VarRedirClose = "varredir_close",
        XpgEcho = "xpg_echo",
    }
}

/// Which options are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    set: u32,
    shopt: u64,
}

impl Default for Options {
    fn default() -> Self {
        let mut options = Options { set: 0, shopt: 0 };
        for option in [Opt::BraceExpand, Opt::HashAll, Opt::InteractiveComments] {
            options.set_opt(option, true);
        }
        for option in [
            Shopt::CheckWinsize,
            Shopt::CmdHist,
            Shopt::CompleteFullquote,
            Shopt::ExtQuote,
            Shopt::ForceFignore,
            Shopt::GlobAsciiRanges,
            Shopt::GlobSkipDots,
            Shopt::HostComplete,
            Shopt::InteractiveComments,
            Shopt::PatsubReplacement,
            Shopt::ProgComp,
            Shopt::PromptVars,
            Shopt::SourcePath,
        ] {
            options.set_shopt(option, true);
        }
        options
    }
}

impl Options {
    /// Whether an option of `set` is on.
    #[inline]
    pub(crate) fn opt(&self, option: Opt) -> bool {
        self.set & 1 << option as u32 != 0
    }

    /// Whether an option of `shopt` is on.
    #[inline]
    pub(crate) fn shopt(&self, option: Shopt) -> bool {
        self.shopt & 1 << option as u64 != 0
    }

    /// Turns an option of `set` on or off.
    pub(crate) fn set_opt(&mut self, option: Opt, on: bool) {
        let bit = 1 << option as u32;
        self.set = if on { self.set | bit } else { self.set & !bit };
    }

    /// Turns an option of `shopt` on or off.
    pub(crate) fn set_shopt(&mut self, option: Shopt, on: bool) {
        let bit = 1 << option as u64;
        self.shopt = if on { self.shopt | bit } else { self.shopt & !bit };
    }

    /// The bits, for a saved session.
    pub(crate) fn bits(&self) -> (u32, u64) {
        (self.set, self.shopt)
    }

    /// Options from such bits; unknown ones are dropped.
    pub(crate) fn from_bits(set: u32, shopt: u64) -> Options {
        let mut options = Options { set: 0, shopt: 0 };
        for (option, _) in Opt::ALL {
            options.set_opt(*option, set & 1 << *option as u32 != 0);
        }
        for (option, _) in Shopt::ALL {
            options.set_shopt(*option, shopt & 1 << *option as u64 != 0);
        }
        options
    }

    /// `$-`, for a shell that is started by `bash -c` if `command`.
    pub(crate) fn flags(&self, command: bool) -> Vec<u8> {
        let letters = [
            (Opt::AllExport, b'a'),
            (Opt::Notify, b'b'),
            (Opt::ErrExit, b'e'),
            (Opt::NoGlob, b'f'),
            (Opt::HashAll, b'h'),
            (Opt::Keyword, b'k'),
            (Opt::Monitor, b'm'),
            (Opt::NoExec, b'n'),
            (Opt::Privileged, b'p'),
            (Opt::OneCmd, b't'),
            (Opt::NoUnset, b'u'),
            (Opt::Verbose, b'v'),
            (Opt::XTrace, b'x'),
            (Opt::BraceExpand, b'B'),
            (Opt::NoClobber, b'C'),
            (Opt::ErrTrace, b'E'),
            (Opt::HistExpand, b'H'),
            (Opt::Physical, b'P'),
            (Opt::FuncTrace, b'T'),
        ];
        let mut flags: Vec<u8> =
            letters.iter().filter(|(option, _)| self.opt(*option)).map(|(_, letter)| *letter).collect();
        if command {
            flags.push(b'c');
        }
        flags
    }
}

/// The option of a letter of `set`.
pub(crate) fn opt_from_letter(letter: u8) -> Option<Opt> {
    Some(match letter {
        b'a' => Opt::AllExport,
        b'b' => Opt::Notify,
        b'e' => Opt::ErrExit,
        b'f' => Opt::NoGlob,
        b'h' => Opt::HashAll,
        b'k' => Opt::Keyword,
        b'm' => Opt::Monitor,
        b'n' => Opt::NoExec,
        b'p' => Opt::Privileged,
        b't' => Opt::OneCmd,
        b'u' => Opt::NoUnset,
        b'v' => Opt::Verbose,
        b'x' => Opt::XTrace,
        b'B' => Opt::BraceExpand,
        b'C' => Opt::NoClobber,
        b'E' => Opt::ErrTrace,
        b'H' => Opt::HistExpand,
        b'P' => Opt::Physical,
        b'T' => Opt::FuncTrace,
        _ => return None,
    })
}
