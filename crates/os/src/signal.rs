//! Signals: their names, numbers, default actions, and sets of them.

/// A signal of POSIX `<signal.h>` that has a meaning in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Signal {
    /// SIGHUP: the terminal is gone.
    Hup = 1,
    /// SIGINT: `^C`.
    Int = 2,
    /// SIGQUIT: `^\`.
    Quit = 3,
    /// SIGILL: an instruction that is none.
    Ill = 4,
    /// SIGTRAP: for debuggers.
    Trap = 5,
    /// SIGABRT: `abort(3)`.
    Abrt = 6,
    /// SIGBUS: an address that is none.
    Bus = 7,
    /// SIGFPE: an arithmetic operation that has no result.
    Fpe = 8,
    /// SIGKILL: ends the process whatever it does.
    Kill = 9,
    /// SIGUSR1.
    Usr1 = 10,
    /// SIGSEGV: a foreign command trapped.
    Segv = 11,
    /// SIGUSR2.
    Usr2 = 12,
    /// SIGPIPE: nobody reads what was written.
    Pipe = 13,
    /// SIGALRM.
    Alrm = 14,
    /// SIGTERM.
    Term = 15,
    /// SIGSTKFLT: unused.
    Stkflt = 16,
    /// SIGCHLD: a child ended or stopped.
    Chld = 17,
    /// SIGCONT: go on after a stop.
    Cont = 18,
    /// SIGSTOP: stops the process whatever it does.
    Stop = 19,
    /// SIGTSTP: `^Z`.
    Tstp = 20,
    /// SIGTTIN: a background process reads the terminal.
    Ttin = 21,
    /// SIGTTOU: a background process writes to the terminal.
    Ttou = 22,
    /// SIGURG: urgent data on a socket.
    Urg = 23,
    /// SIGXCPU: the limit on CPU time.
    Xcpu = 24,
    /// SIGXFSZ: the limit on the size of files.
    Xfsz = 25,
    /// SIGVTALRM: a timer of CPU time.
    Vtalrm = 26,
    /// SIGPROF: a timer for profiling.
    Prof = 27,
    /// SIGWINCH: the terminal has another size.
    Winch = 28,
    /// SIGIO: a descriptor is ready.
    Io = 29,
    /// SIGPWR: the power fails.
    Pwr = 30,
    /// SIGSYS: a system call that is none.
    Sys = 31,
}

/// What a signal does when the process has said nothing else (POSIX XBD `<signal.h>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultAction {
    /// Ends the process.
    Terminate,
    /// Nothing.
    Ignore,
    /// Stops the process until a CONT.
    Stop,
    /// Continues the process if it is stopped.
    Continue,
}

impl Signal {
    /// All signals, by number.
    pub const ALL: [Signal; 31] = [
        Signal::Hup,
        Signal::Int,
        Signal::Quit,
        Signal::Ill,
        Signal::Trap,
        Signal::Abrt,
        Signal::Bus,
        Signal::Fpe,
        Signal::Kill,
        Signal::Usr1,
        Signal::Segv,
        Signal::Usr2,
        Signal::Pipe,
        Signal::Alrm,
        Signal::Term,
        Signal::Stkflt,
        Signal::Chld,
        Signal::Cont,
        Signal::Stop,
        Signal::Tstp,
        Signal::Ttin,
        Signal::Ttou,
        Signal::Urg,
        Signal::Xcpu,
        Signal::Xfsz,
        Signal::Vtalrm,
        Signal::Prof,
        Signal::Winch,
        Signal::Io,
        Signal::Pwr,
        Signal::Sys,
    ];

    /// Linux's number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The signal with this number of Linux's.
    pub fn from_number(number: u32) -> Option<Signal> {
        Self::ALL.into_iter().find(|signal| u32::from(signal.number()) == number)
    }

    /// The name without `SIG`, in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Signal::Hup => "HUP",
            Signal::Int => "INT",
            Signal::Quit => "QUIT",
            Signal::Ill => "ILL",
            Signal::Trap => "TRAP",
            Signal::Abrt => "ABRT",
            Signal::Bus => "BUS",
            Signal::Fpe => "FPE",
            Signal::Kill => "KILL",
            Signal::Usr1 => "USR1",
            Signal::Segv => "SEGV",
            Signal::Usr2 => "USR2",
            Signal::Pipe => "PIPE",
            Signal::Alrm => "ALRM",
            Signal::Term => "TERM",
            Signal::Stkflt => "STKFLT",
            Signal::Chld => "CHLD",
            Signal::Cont => "CONT",
            Signal::Stop => "STOP",
            Signal::Tstp => "TSTP",
            Signal::Ttin => "TTIN",
            Signal::Ttou => "TTOU",
            Signal::Urg => "URG",
            Signal::Xcpu => "XCPU",
            Signal::Xfsz => "XFSZ",
            Signal::Vtalrm => "VTALRM",
            Signal::Prof => "PROF",
            Signal::Winch => "WINCH",
            Signal::Io => "IO",
            Signal::Pwr => "PWR",
            Signal::Sys => "SYS",
        }
    }

    /// The signal with this name, with or without `SIG`, in any case.
    pub fn from_name(name: &[u8]) -> Option<Signal> {
        let bare = match name {
            [s, i, g, rest @ ..] if [*s, *i, *g].eq_ignore_ascii_case(b"SIG") => rest,
            _ => name,
        };
        Self::ALL.into_iter().find(|signal| signal.name().as_bytes().eq_ignore_ascii_case(bare))
    }

    /// `strsignal(3)`, as a shell tells of a process that ended by it.
    pub const fn description(self) -> &'static str {
        match self {
            Signal::Hup => "Hangup",
            Signal::Int => "Interrupt",
            Signal::Quit => "Quit",
            Signal::Ill => "Illegal instruction",
            Signal::Trap => "Trace/breakpoint trap",
            Signal::Abrt => "Aborted",
            Signal::Bus => "Bus error",
            Signal::Fpe => "Floating point exception",
            Signal::Kill => "Killed",
            Signal::Usr1 => "User defined signal 1",
            Signal::Segv => "Segmentation fault",
            Signal::Usr2 => "User defined signal 2",
            Signal::Pipe => "Broken pipe",
            Signal::Alrm => "Alarm clock",
            Signal::Term => "Terminated",
            Signal::Stkflt => "Stack fault",
            Signal::Chld => "Child exited",
            Signal::Cont => "Continued",
            Signal::Stop => "Stopped (signal)",
            Signal::Tstp => "Stopped",
            Signal::Ttin => "Stopped (tty input)",
            Signal::Ttou => "Stopped (tty output)",
            Signal::Urg => "Urgent I/O condition",
            Signal::Xcpu => "CPU time limit exceeded",
            Signal::Xfsz => "File size limit exceeded",
            Signal::Vtalrm => "Virtual timer expired",
            Signal::Prof => "Profiling timer expired",
            Signal::Winch => "Window changed",
            Signal::Io => "I/O possible",
            Signal::Pwr => "Power failure",
            Signal::Sys => "Bad system call",
        }
    }

    /// What it does by default.
    pub const fn default_action(self) -> DefaultAction {
        match self {
            Signal::Chld | Signal::Urg | Signal::Winch => DefaultAction::Ignore,
            Signal::Cont => DefaultAction::Continue,
            Signal::Stop | Signal::Tstp | Signal::Ttin | Signal::Ttou => DefaultAction::Stop,
            _ => DefaultAction::Terminate,
        }
    }
}

/// What a process does with a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disposition {
    /// The default action.
    #[default]
    Default,
    /// Nothing. Inherited over an exec.
    Ignore,
    /// It waits for the process to take it (`Ctx::take_signal`).
    Deliver,
}

/// A set of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(u32);

impl SignalSet {
    /// No signal.
    pub const EMPTY: SignalSet = SignalSet(0);

    const fn bit(signal: Signal) -> u32 {
        1 << signal.number()
    }

    /// Whether it is in the set.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    /// The set with it.
    #[must_use]
    pub const fn with(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 | Self::bit(signal))
    }

    /// The set without it.
    #[must_use]
    pub const fn without(self, signal: Signal) -> SignalSet {
        SignalSet(self.0 & !Self::bit(signal))
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The lowest.
    pub fn first(self) -> Option<Signal> {
        if self.0 == 0 { None } else { Signal::from_number(self.0.trailing_zeros()) }
    }
}
