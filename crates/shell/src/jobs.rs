//! The job table of a shell.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use wasmsh_os::Pid;

use crate::text::Str;

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    /// It runs.
    Running,
    /// A signal stopped it.
    Stopped,
    /// It has ended with this status.
    Done(u8),
    /// A signal of this number ended it.
    Killed(u8),
}

/// A process of a job: a stage of its pipeline, or all of an asynchronous list.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its text.
    pub text: Str,
    /// How it stands.
    pub state: JobState,
}

impl Process {
    /// One that has just been started.
    pub(crate) fn new(pid: Pid, text: Str) -> Process {
        Process { pid, text, state: JobState::Running }
    }

    /// Whether it has not ended.
    pub(crate) fn lives(&self) -> bool {
        matches!(self.state, JobState::Running | JobState::Stopped)
    }
}

/// A job: an asynchronous list, or the stages of an asynchronous pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Its number.
    pub id: u32,
    /// Its processes, in the order of the pipeline; there is at least one.
    pub processes: Vec<Process>,
    /// The directory it was started in.
    pub directory: Rc<str>,
    /// It has a process group of its own, that of its first process.
    pub group: bool,
    /// `pipefail` was set when it was started: its status is that of the last process that failed.
    pub pipefail: bool,
    /// `disown -h`
    pub no_hup: bool,
    /// `jobs` has shown it as it stands.
    pub shown: bool,
}

impl Job {
    /// The first process, which leads the group if the job has one.
    pub(crate) fn leader(&self) -> Pid {
        self.processes.first().map_or(Pid::INIT, |process| process.pid)
    }

    /// The last process: the one that `$!` names.
    pub(crate) fn last(&self) -> Pid {
        self.processes.last().map_or(Pid::INIT, |process| process.pid)
    }

    /// Whether this process is one of its own.
    pub(crate) fn has(&self, pid: Pid) -> bool {
        self.processes.iter().any(|process| process.pid == pid)
    }

    /// Its text.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (index, process) in self.processes.iter().enumerate() {
            if index > 0 {
                text.extend_from_slice(b" | ");
            }
            text.extend_from_slice(&process.text);
        }
        text
    }

    /// How it stands: it runs while one of its processes does, and ends as the last one does.
    pub(crate) fn state(&self) -> JobState {
        let any = |state: JobState| self.processes.iter().any(|process| process.state == state);
        if any(JobState::Running) {
            return JobState::Running;
        }
        if any(JobState::Stopped) {
            return JobState::Stopped;
        }
        self.processes.last().map_or(JobState::Done(0), |process| process.state)
    }

    /// Whether one of its processes has not ended.
    pub(crate) fn lives(&self) -> bool {
        self.processes.iter().any(Process::lives)
    }

    /// The status, when all its processes have ended.
    pub(crate) fn status(&self) -> u8 {
        let mut statuses = self.processes.iter().rev().map(|process| match process.state {
            JobState::Done(status) => status,
            JobState::Killed(signal) => 128 | signal,
            JobState::Running | JobState::Stopped => 0,
        });
        if self.pipefail {
            statuses.find(|status| *status != 0).unwrap_or(0)
        } else {
            statuses.next().unwrap_or(0)
        }
    }
}

/// All jobs, and the statuses of processes that ended and were not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs {
    /// By number.
    pub jobs: Vec<Job>,
    /// The last ones, `%+` at the end.
    pub order: Vec<u32>,
    /// Statuses of background processes that have ended and that nobody has heard of, in the order of their ends.
    pub ended: Vec<(Pid, u8)>,
    /// Those that somebody has heard of: `wait PID` still knows them, `wait -n` does not.
    told: Told,
    /// They are those of the parent of this subshell, to be looked at.
    pub foreign: bool,
}

/// Statuses by process, as many as bash keeps (CHILD_MAX).
#[derive(Clone, Debug, Default)]
struct Told {
    statuses: BTreeMap<Pid, u8>,
    order: VecDeque<Pid>,
}

impl Told {
    fn insert(&mut self, pid: Pid, status: u8) {
        if self.statuses.insert(pid, status).is_none() {
            self.order.push_back(pid);
        }
        if self.order.len() > 4096
            && let Some(oldest) = self.order.pop_front()
        {
            self.statuses.remove(&oldest);
        }
    }
}

impl Jobs {
    /// The jobs alone, for a subshell that may show them.
    pub(crate) fn to_be_looked_at(&self) -> Jobs {
        Jobs { jobs: self.jobs.clone(), order: self.order.clone(), foreign: true, ..Jobs::default() }
    }

    /// Somebody has heard of the ends of these processes.
    pub(crate) fn tell(&mut self, heard: impl Fn(Pid) -> bool) {
        let told = &mut self.told;
        self.ended.retain(|(pid, status)| {
            let heard = heard(*pid);
            if heard {
                told.insert(*pid, *status);
            }
            !heard
        });
    }

    /// Adds a job and makes it the current one.
    pub(crate) fn add(
        &mut self,
        processes: Vec<Process>,
        directory: Rc<str>,
        group: bool,
        pipefail: bool,
    ) -> u32 {
        let id = self.jobs.iter().map(|job| job.id).max().unwrap_or(0) + 1;
        self.jobs.push(Job { id, processes, directory, group, pipefail, no_hup: false, shown: false });
        self.order.push(id);
        id
    }

    /// The job of this number.
    pub(crate) fn get(&self, id: u32) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// The job that this process belongs to.
    pub(crate) fn by_pid(&self, pid: Pid) -> Option<&Job> {
        self.jobs.iter().find(|job| job.has(pid))
    }

    /// Takes a job out.
    pub(crate) fn remove(&mut self, id: u32) {
        self.jobs.retain(|job| job.id != id);
        self.order.retain(|other| *other != id);
    }

    /// Takes out those that have ended. `wait PID` still knows their statuses, `wait -n` does not.
    pub(crate) fn sweep(&mut self) {
        let jobs = std::mem::take(&mut self.jobs);
        self.tell(|pid| jobs.iter().any(|job| job.last() == pid && !job.lives()));
        self.jobs = jobs;
        self.jobs.retain(Job::lives);
        let jobs = &self.jobs;
        self.order.retain(|id| jobs.iter().any(|job| job.id == *id));
    }

    /// How a process ended.
    pub(crate) fn status_of(&self, pid: Pid) -> Option<u8> {
        let ended = self.ended.iter().find(|(other, _)| *other == pid).map(|(_, status)| *status);
        ended.or_else(|| self.told.statuses.get(&pid).copied())
    }

    /// Notes how a process stands that has not ended.
    pub(crate) fn stands(&mut self, pid: Pid, state: JobState) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.has(pid)) {
            job.shown = false;
            if let Some(process) = job.processes.iter_mut().find(|process| process.pid == pid) {
                process.state = state;
            }
        }
    }

    /// Notes how a process ended. That of a job is known as its last process when all of them have.
    pub(crate) fn ended(&mut self, pid: Pid, status: u8, killed: bool) {
        self.stands(
            pid,
            if killed { JobState::Killed(status.wrapping_sub(128)) } else { JobState::Done(status) },
        );
        let (mut pid, mut status) = (pid, status);
        if let Some(job) = self.jobs.iter().find(|job| job.has(pid)) {
            if job.lives() {
                return;
            }
            (pid, status) = (job.last(), job.status());
            for other in job.processes.iter().filter(|process| process.pid != pid) {
                self.told.insert(other.pid, status);
            }
        }
        self.ended.retain(|(other, _)| *other != pid);
        self.ended.push((pid, status));
        if self.ended.len() > 4096 {
            self.ended.remove(0);
        }
    }

    /// The number of the current job (`%+`), and of the previous one (`%-`).
    pub(crate) fn current(&self) -> (Option<u32>, Option<u32>) {
        let mut order = self.order.iter().rev().copied();
        (order.next(), order.next())
    }

    /// `%n`, `%+`, `%-`, `%string`, `%?string`.
    ///
    /// # Errors
    /// `true`: the string is ambiguous; `false`: there is no such job.
    pub(crate) fn find(&self, spec: &[u8]) -> Result<&Job, bool> {
        let rest = spec.strip_prefix(b"%").unwrap_or(spec);
        let (current, previous) = self.current();
        let id = match rest {
            b"" | b"%" | b"+" => current,
            b"-" => previous.or(current),
            _ if rest.iter().all(u8::is_ascii_digit) => {
                std::str::from_utf8(rest).ok().and_then(|n| n.parse().ok())
            }
            _ => {
                let matches = |process: &Process| match rest.strip_prefix(b"?") {
                    Some(part) => memchr::memmem::find(&process.text, part).is_some(),
                    None => process.text.starts_with(rest),
                };
                let mut found = self.jobs.iter().filter(|job| job.processes.iter().any(matches));
                let first = found.next().ok_or(false)?;
                return if found.next().is_some() { Err(true) } else { Ok(first) };
            }
        };
        id.and_then(|id| self.get(id)).ok_or(false)
    }
}
