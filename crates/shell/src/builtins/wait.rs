//! `wait`

use std::collections::BTreeSet;
use std::rc::Rc;
use std::task::Poll;

use wasmsh_os::{Child, ChildState, Exit, Pid};

use super::Builtin;
use super::options::integer;
use crate::jobs::{Job, JobState, Jobs};
use crate::symbol::Sym;
use crate::text::Str;
use crate::vars::Value;
use crate::vm::{After, Outcome, Pending, Vm};

pub(crate) const WAIT: Builtin = Builtin::new(
    "wait",
    "wait [-fn] [-p var] [id ...]",
    "Waits for background processes or jobs to end.\n\n-f      waits until they end, not only until they change their state\n-n      for the next one\n-p var  the process number of the one whose status is returned\n\nStatus: that of the last one; 127 if it is no child of this shell.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"fnp:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let variable = given.value(b'p').map(|name| vm.symbol(&name.clone()));
    if let Some(variable) = variable {
        let _ = vm.unset(variable);
    }
    vm.reap();
    let ids = argv.get(given.operands..).unwrap_or_default();
    let mut pids: Vec<Pid> = Vec::new();
    let mut missing = false;
    let mut last_missing = false;
    for id in ids {
        last_missing = false;
        if id.starts_with(b"%") {
            match vm.shell.jobs.find(id) {
                Ok(job) => pids.push(job.last()),
                Err(_) => {
                    let _ = vm.complain(id, "no such job");
                    missing = true;
                    last_missing = true;
                }
            }
            continue;
        }
        let Some(pid) = integer(id).and_then(|number| u32::try_from(number).ok()).and_then(Pid::new) else {
            let what = [b"`", &**id, b"'"].concat();
            let _ = vm.complain(&what, "not a pid or valid job spec");
            return Outcome::Status(1);
        };
        let known = vm.shell.jobs.by_pid(pid).is_some()
            || vm.shell.jobs.status_of(pid).is_some()
            || vm.ctx.children().contains(&pid);
        if !known {
            let message = format!("pid {pid} is not a child of this shell");
            vm.builtin_error(message);
            missing = true;
            last_missing = true;
            continue;
        }
        pids.push(pid);
    }
    if missing && pids.is_empty() {
        return Outcome::Status(127);
    }
    if given.has(b'n') {
        return wait_next(vm, pids, ids.is_empty(), variable);
    }
    let all = ids.is_empty();
    if all {
        pids = vm
            .shell
            .jobs
            .jobs
            .iter()
            .filter(|job| job.state() == JobState::Running)
            .map(Job::last)
            .chain(vm.ctx.children())
            .collect();
        pids.dedup();
    }
    wait_all(vm, pids, all, variable, last_missing)
}

/// Waits for all of `pids`.
fn wait_all(vm: &mut Vm, pids: Vec<Pid>, all: bool, variable: Option<Sym>, missing: bool) -> Outcome {
    let jobs = &vm.shell.jobs;
    let unknown = pids.iter().filter(|pid| jobs.status_of(**pid).is_none());
    let mut left: Vec<Pid> = unknown.flat_map(|pid| living(jobs, *pid)).collect();
    let last = pids.last().copied();
    let ctx = vm.ctx.clone();
    let mut ended: Vec<(Pid, Exit)> = Vec::new();
    let future = Box::pin(async move {
        std::future::poll_fn(|_| {
            while let Some(pid) = left.first().copied() {
                match ctx.poll_wait(Child::Process(pid), false) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok((pid, ChildState::Ended(exit)))) => ended.push((pid, exit)),
                    Poll::Ready(_) => {}
                }
                left.remove(0);
            }
            Poll::Ready(())
        })
        .await;
        let after: After = Box::new(move |vm: &mut Vm| {
            note(vm, &ended);
            let mut status = 0;
            if let Some(last) = last.filter(|_| !all) {
                let jobs = &vm.shell.jobs;
                let named = jobs.by_pid(last).map_or(last, Job::last);
                status = jobs.status_of(named).unwrap_or(127);
                if let Some(variable) = variable {
                    let _ = vm.assign(variable, Value::Int(i64::from(last.get())));
                }
            }
            forget(vm, &pids);
            if all {
                Rc::make_mut(&mut vm.shell.jobs).sweep();
            }
            Outcome::Status(if missing { 127 } else { status })
        });
        after
    });
    Outcome::Wait(Pending::Future { future, interruptible: true })
}

/// Waits for the first of `pids`, or of all children.
fn wait_next(vm: &mut Vm, mut pids: Vec<Pid>, any: bool, variable: Option<Sym>) -> Outcome {
    if any {
        pids = vm.shell.jobs.jobs.iter().map(Job::last).collect();
    }
    let report = move |vm: &mut Vm, pid: Pid, status: u8| {
        if let Some(variable) = variable {
            let _ = vm.assign(variable, Value::Int(i64::from(pid.get())));
        }
        forget(vm, &[pid]);
        Outcome::Status(status)
    };
    let jobs = &vm.shell.jobs;
    // A process stands for its job.
    let pids: Vec<Pid> = pids.iter().map(|pid| jobs.by_pid(*pid).map_or(*pid, Job::last)).collect();
    // One that has ended already, in the order of their ends.
    let done = jobs.ended.iter().find(|(pid, _)| pids.contains(pid)).copied();
    if let Some((pid, status)) = done {
        return report(vm, pid, status);
    }
    if pids.is_empty() {
        return Outcome::Status(127);
    }
    let mut waited: Vec<(Pid, Vec<Pid>)> = pids.iter().map(|pid| (*pid, living(jobs, *pid))).collect();
    let ctx = vm.ctx.clone();
    let mut ended: Vec<(Pid, Exit)> = Vec::new();
    let future = Box::pin(async move {
        let found = std::future::poll_fn(|_| {
            let mut waiting = false;
            for (last, processes) in &mut waited {
                let mut known = false;
                processes.retain(|pid| match ctx.poll_wait(Child::Process(*pid), false) {
                    Poll::Pending => true,
                    Poll::Ready(Ok((pid, ChildState::Ended(exit)))) => {
                        ended.push((pid, exit));
                        known = true;
                        false
                    }
                    Poll::Ready(_) => false,
                });
                if !processes.is_empty() {
                    waiting = true;
                } else if known {
                    return Poll::Ready(Some(*last));
                }
            }
            if waiting { Poll::Pending } else { Poll::Ready(None) }
        })
        .await;
        let after: After = Box::new(move |vm: &mut Vm| {
            note(vm, &ended);
            match found.and_then(|pid| Some((pid, vm.shell.jobs.status_of(pid)?))) {
                Some((pid, status)) => report(vm, pid, status),
                None => Outcome::Status(127),
            }
        });
        after
    });
    Outcome::Wait(Pending::Future { future, interruptible: true })
}

/// The processes that a job waits for, of which this is one; or it alone.
fn living(jobs: &Jobs, pid: Pid) -> Vec<Pid> {
    match jobs.by_pid(pid) {
        Some(job) => {
            job.processes.iter().filter(|process| process.lives()).map(|process| process.pid).collect()
        }
        None => vec![pid],
    }
}

/// Notes how these have ended.
fn note(vm: &mut Vm, ended: &[(Pid, Exit)]) {
    for (pid, exit) in ended {
        let killed = matches!(exit, Exit::Signalled(_));
        Rc::make_mut(&mut vm.shell.jobs).ended(*pid, exit.status(), killed);
    }
}

/// Jobs that have been waited for leave the table. `wait PID` is answered again.
fn forget(vm: &mut Vm, pids: &[Pid]) {
    let jobs = Rc::make_mut(&mut vm.shell.jobs);
    let mut pids: BTreeSet<Pid> = pids.iter().copied().collect();
    let named = |job: &&Job| job.processes.iter().any(|process| pids.contains(&process.pid));
    let lasts: Vec<Pid> = jobs.jobs.iter().filter(named).map(Job::last).collect();
    pids.extend(lasts);
    jobs.tell(|pid| pids.contains(&pid));
    let stays = |job: &Job| !pids.contains(&job.last()) || job.lives();
    let gone: Vec<u32> = jobs.jobs.iter().filter(|job| !stays(job)).map(|job| job.id).collect();
    jobs.jobs.retain(stays);
    jobs.order.retain(|id| !gone.contains(id));
}
