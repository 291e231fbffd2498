//! The job table of a shell.

use std::collections::{BTreeMap, VecDeque};

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

/// A job: an asynchronous list.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Its number.
    pub id: u32,
    /// Its process: that of the list.
    pub pid: Pid,
    /// Its text.
    pub text: Str,
    /// How it stands.
    pub state: JobState,
    /// `disown -h`
    pub no_hup: bool,
    /// `jobs` has shown it as it stands.
    pub shown: bool,
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
    pub(crate) fn add(&mut self, pid: Pid, text: Str) -> u32 {
        let id = self.jobs.iter().map(|job| job.id).max().unwrap_or(0) + 1;
        self.jobs.push(Job { id, pid, text, state: JobState::Running, no_hup: false, shown: false });
        self.order.push(id);
        id
    }

    /// The job of this number.
    pub(crate) fn get(&self, id: u32) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// The job of this process.
    pub(crate) fn by_pid(&self, pid: Pid) -> Option<&Job> {
        self.jobs.iter().find(|job| job.pid == pid)
    }

    /// Takes a job out.
    pub(crate) fn remove(&mut self, id: u32) {
        self.jobs.retain(|job| job.id != id);
        self.order.retain(|other| *other != id);
    }

    /// Takes out those that have ended. `wait PID` still knows their statuses, `wait -n` does not.
    pub(crate) fn sweep(&mut self) {
        let alive = |job: &Job| matches!(job.state, JobState::Running | JobState::Stopped);
        let jobs = std::mem::take(&mut self.jobs);
        self.tell(|pid| jobs.iter().any(|job| job.pid == pid && !alive(job)));
        self.jobs = jobs;
        self.jobs.retain(alive);
        let jobs = &self.jobs;
        self.order.retain(|id| jobs.iter().any(|job| job.id == *id));
    }

    /// How a process ended.
    pub(crate) fn status_of(&self, pid: Pid) -> Option<u8> {
        let ended = self.ended.iter().find(|(other, _)| *other == pid).map(|(_, status)| *status);
        ended.or_else(|| self.told.statuses.get(&pid).copied())
    }

    /// Notes how a process ended.
    pub(crate) fn ended(&mut self, pid: Pid, status: u8, killed: bool) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.pid == pid) {
            job.shown = false;
            job.state =
                if killed { JobState::Killed(status.wrapping_sub(128)) } else { JobState::Done(status) };
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
                let mut found = self.jobs.iter().filter(|job| match rest.strip_prefix(b"?") {
                    Some(part) => memchr::memmem::find(&job.text, part).is_some(),
                    None => job.text.starts_with(rest),
                });
                let first = found.next().ok_or(false)?;
                return if found.next().is_some() { Err(true) } else { Ok(first) };
            }
        };
        id.and_then(|id| self.get(id)).ok_or(false)
    }
}
