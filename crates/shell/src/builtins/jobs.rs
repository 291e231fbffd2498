//! `jobs`, `fg`, `bg`, `disown`

use std::rc::Rc;

use wasmsh_os::{Errno, Signal, Target};

use super::Builtin;
use crate::jobs::{Job, JobState};
use crate::options::Opt;
use crate::text::Str;
use crate::vm::{Outcome, Pending, Vm};

pub(crate) const JOBS: Builtin = Builtin::new(
    "jobs",
    "jobs [-lnprs] [jobspec ...] or jobs -x command [args]",
    "Shows the jobs and how they stand.\n\n-l  with process numbers\n-n  only those that changed since they were last shown\n-p  process numbers alone\n-r  only those that run\n-s  only those that are stopped\n\nStatus: 0, unless a job is not known.",
    run_jobs,
);
pub(crate) const FG: Builtin = Builtin::new(
    "fg",
    "fg [job_spec]",
    "Waits for a job in the foreground.\n\nStatus: that of the job; 1 without job control.",
    run_fg,
);
pub(crate) const BG: Builtin = Builtin::new(
    "bg",
    "bg [job_spec ...]",
    "Lets stopped jobs go on in the background.\n\nStatus: 0; 1 without job control.",
    run_bg,
);
pub(crate) const DISOWN: Builtin = Builtin::new(
    "disown",
    "disown [-h] [-ar] [jobspec ... | pid ...]",
    "Takes jobs off the table.\n\n-a  all\n-h  they stay, but get no HUP\n-r  only those that run\n\nStatus: 0, unless a job is not known.",
    run_disown,
);

/// What `jobs` says of a process, or of a whole job, that stands like this.
fn standing(state: JobState) -> String {
    match state {
        JobState::Running => "Running".to_owned(),
        JobState::Stopped => "Stopped".to_owned(),
        JobState::Done(0) => "Done".to_owned(),
        JobState::Done(status) => format!("Exit {status}"),
        JobState::Killed(number) => crate::traps::signal(number)
            .map_or_else(|| format!("Signal {number}"), |signal| signal.description().to_owned()),
    }
}

/// The line of a job; with `long` one for each of its processes.
fn lines(vm: &Vm, job: &Job, long: bool) -> Vec<u8> {
    let (current, previous) = vm.shell.jobs.current();
    let mark = if current == Some(job.id) {
        '+'
    } else if previous == Some(job.id) {
        '-'
    } else {
        ' '
    };
    let state = job.state();
    let mut text = format!("[{}]{mark} ", job.id).into_bytes();
    let first = job.processes.first().map(|process| process.state);
    for (index, process) in job.processes.iter().enumerate() {
        // A job that goes on says so of each of its processes.
        let shown = if job.lives() { state } else { process.state };
        match (index, long) {
            (0, true) => {
                text.extend_from_slice(format!("{:>5} {:<24}", process.pid, standing(shown)).as_bytes())
            }
            (0, false) => text.extend_from_slice(format!(" {:<24}", standing(state)).as_bytes()),
            (_, true) => {
                // Like the first: nothing is said of it.
                let like = first == Some(process.state);
                let shown = if like { String::new() } else { standing(shown) };
                let width = if like { 22 } else { 24 };
                text.extend_from_slice(format!("\n     {:>5} {shown:<width$}| ", process.pid).as_bytes());
            }
            (_, false) => text.extend_from_slice(b" | "),
        }
        text.extend_from_slice(&process.text);
    }
    if state == JobState::Running {
        text.extend_from_slice(b" &");
    }
    if job.directory != vm.ctx.cwd() {
        text.extend_from_slice(b"  (wd: ");
        text.extend_from_slice(&super::dirs::short(vm, job.directory.as_bytes()));
        text.push(b')');
    }
    text.push(b'\n');
    text
}

fn run_jobs(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"lnprsx") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    vm.reap();
    let mut status = 0;
    let mut shown: Vec<Job> = Vec::new();
    let specs = argv.get(given.operands..).unwrap_or_default();
    if given.has(b'x') {
        if given.options.len() > 1 {
            vm.builtin_error("no other options allowed with `-x'");
            return Outcome::Status(1);
        }
        // The command, with the process groups of jobs in place of their names.
        let words = specs.iter().map(|word| match vm.shell.jobs.find(word) {
            Ok(job) if word.starts_with(b"%") => job.leader().to_string().into_bytes(),
            _ => wasmsh_syntax::quote::single(word),
        });
        let text = words.collect::<Vec<_>>().join(&b' ');
        vm.call_eval(text.into());
        return Outcome::Continue;
    }
    if specs.is_empty() {
        shown = vm.shell.jobs.jobs.clone();
    }
    for spec in specs {
        match vm.shell.jobs.find(spec) {
            Ok(job) => shown.push(job.clone()),
            Err(_) => {
                let _ = vm.complain(spec, "no such job");
                status = 1;
            }
        }
    }
    for job in shown {
        if (given.has(b'r') && job.state() != JobState::Running)
            || (given.has(b's') && job.state() != JobState::Stopped)
            || (given.has(b'n') && job.shown)
        {
            continue;
        }
        let text = if given.has(b'p') {
            format!("{}\n", job.leader()).into_bytes()
        } else {
            lines(vm, &job, given.has(b'l'))
        };
        vm.put(1, &text);
        if let Some(job) = Rc::make_mut(&mut vm.shell.jobs).jobs.iter_mut().find(|other| other.id == job.id) {
            job.shown = true;
        }
        if !job.lives() && !given.has(b'p') {
            Rc::make_mut(&mut vm.shell.jobs).remove(job.id);
        }
    }
    Outcome::Status(status)
}

/// Sends a signal to the processes of a job.
///
/// # Errors
/// That of the last one, if none could be sent it.
pub(crate) fn signal(vm: &Vm, job: &Job, signal: Option<Signal>) -> Result<(), Errno> {
    if job.group {
        return vm.ctx.kill(Target::Group(job.leader()), signal);
    }
    let mut result = Err(Errno::NoProcess);
    for process in &job.processes {
        let sent = vm.ctx.kill(Target::Process(process.pid), signal);
        if result.is_err() {
            result = sent;
        }
    }
    result
}

fn run_fg(vm: &mut Vm, argv: &[Str]) -> Outcome {
    if !vm.opt(Opt::Monitor) {
        vm.builtin_error("no job control");
        return Outcome::Status(1);
    }
    let argv = match vm.options(argv, b"") {
        Ok(given) => argv.get(given.operands.saturating_sub(1)..).unwrap_or_default(),
        Err(outcome) => return outcome,
    };
    let spec = argv.get(1).cloned().unwrap_or_else(|| Str::from("%+"));
    let job = match vm.shell.jobs.find(&spec) {
        Ok(job) => job.clone(),
        Err(_) => {
            let what = if argv.len() > 1 { spec } else { Str::from("current") };
            return vm.complain(&what, "no such job");
        }
    };
    if !job.lives() {
        vm.builtin_error("job has terminated");
        Rc::make_mut(&mut vm.shell.jobs).remove(job.id);
        return Outcome::Status(1);
    }
    vm.put(1, &[&*job.text(), b"\n"].concat());
    vm.flush_now();
    let _ = signal(vm, &job, Some(Signal::Cont));
    let jobs = Rc::make_mut(&mut vm.shell.jobs);
    for process in job.processes.iter().filter(|process| process.state == JobState::Stopped) {
        jobs.stands(process.pid, JobState::Running);
    }
    Outcome::Wait(Pending::Job(job.id))
}

fn run_bg(vm: &mut Vm, argv: &[Str]) -> Outcome {
    if !vm.opt(Opt::Monitor) {
        vm.builtin_error("no job control");
        return Outcome::Status(1);
    }
    let argv = match vm.options(argv, b"") {
        Ok(given) => argv.get(given.operands.saturating_sub(1)..).unwrap_or_default(),
        Err(outcome) => return outcome,
    };
    let specs: Vec<Str> =
        if argv.len() > 1 { argv.get(1..).unwrap_or_default().to_vec() } else { vec![Str::from("%+")] };
    let mut status = 0;
    for spec in specs {
        match vm.shell.jobs.find(&spec).cloned() {
            Ok(job) if job.state() == JobState::Running => {
                vm.builtin_error(format!("job {} already in background", job.id));
            }
            Ok(job) => {
                let _ = signal(vm, &job, Some(Signal::Cont));
                let text = [format!("[{}]+ ", job.id).as_bytes(), &job.text(), b" &\n"].concat();
                vm.put(1, &text);
            }
            Err(_) => {
                let what = if argv.len() > 1 { spec } else { Str::from("current") };
                let _ = vm.complain(&what, "no such job");
                status = 1;
            }
        }
    }
    Outcome::Status(status)
}

fn run_disown(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"har") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    vm.reap();
    let mut status = 0;
    let mut ids = Vec::new();
    let specs = argv.get(given.operands..).unwrap_or_default();
    if given.has(b'a') || given.has(b'r') {
        ids = vm.shell.jobs.jobs.iter().map(|job| job.id).collect();
    } else if specs.is_empty() {
        match vm.shell.jobs.find(b"%+") {
            Ok(job) => ids.push(job.id),
            Err(_) => return vm.complain(b"current", "no such job"),
        }
    }
    for spec in specs {
        let by_pid = super::options::integer(spec)
            .and_then(|number| u32::try_from(number).ok())
            .and_then(wasmsh_os::Pid::new)
            .and_then(|pid| vm.shell.jobs.by_pid(pid).map(|job| job.id));
        match by_pid.or_else(|| vm.shell.jobs.find(spec).ok().map(|job| job.id)) {
            Some(id) => ids.push(id),
            None => {
                let _ = vm.complain(spec, "no such job");
                status = 1;
            }
        }
    }
    let jobs = Rc::make_mut(&mut vm.shell.jobs);
    for id in ids {
        if given.has(b'h') {
            if let Some(job) = jobs.jobs.iter_mut().find(|job| job.id == id) {
                job.no_hup = true;
            }
        } else {
            jobs.remove(id);
        }
    }
    Outcome::Status(status)
}
