//! Pipelines, lists in the background, and what becomes of jobs.

use std::rc::Rc;
use std::task::Poll;

use wasmsh_os::{Child, ChildState, Ctx, Description, Disposition, Errno, Pid, Signal};

use super::fork::Purpose;
use crate::jobs::{JobState, Process};
use crate::options::{Opt, Shopt};
use crate::vm::code::Index;
use crate::vm::redirect::MemoryFile;
use crate::vm::run::Next;
use crate::vm::{Ctl, Current, Pending, PipeStatus, Pipeline, Unwind, Vm};

/// What starting a background process counts for.
const BACKGROUND_STEPS: u32 = 64;

/// Without job control INT and QUIT do not reach a child in the background, and its input is empty.
fn detach(ctx: &Ctx, input: bool, interactive: bool) {
    let kept = matches!(ctx.description(0).as_deref(), Ok(Description::PipeReader(_) | Description::File(_)));
    if input && (!kept || interactive) {
        let null = Rc::new(Description::File(MemoryFile::open(Vec::new())));
        let _ = ctx.set_descriptor(0, null);
    }
    ctx.set_disposition(Signal::Int, Disposition::Ignore);
    ctx.set_disposition(Signal::Quit, Disposition::Ignore);
}

impl Vm {
    /// `… &`
    pub(super) fn background(&mut self, text: u32, end: u32) -> Result<(), Unwind> {
        let (monitor, interactive) = (self.opt(Opt::Monitor), self.shell.interactive);
        // The child has its turn soon, so that a loop which starts many does not have them all at once.
        self.fuel(BACKGROUND_STEPS);
        let pid = self.fork(Purpose::Background, |ctx| {
            if !monitor {
                detach(ctx, true, interactive);
            }
        })?;
        let text = self.code.text(text).clone();
        self.started_job(vec![Process::new(pid, text)]);
        self.pc = end as usize;
        Ok(())
    }

    /// The job of these processes is there.
    fn started_job(&mut self, processes: Vec<Process>) {
        let last = processes.last().map(|process| process.pid);
        self.shell.last_background = last;
        let id = self.add_job(processes);
        if let Some(last) = last
            && self.shell.interactive
        {
            self.put(2, format!("[{id}] {last}\n").as_bytes());
        }
        self.set_status(0);
    }

    /// Adds a job to the table: its number.
    pub(super) fn add_job(&mut self, processes: Vec<Process>) -> u32 {
        let directory = self.ctx.cwd();
        let (group, pipefail) = (self.opt(Opt::Monitor), self.opt(Opt::PipeFail));
        Rc::make_mut(&mut self.shell.jobs).add(processes, directory, group, pipefail)
    }

    // Pipelines.

    pub(super) fn pipe_begin(&mut self) {
        self.pipes.push(Pipeline { pids: Vec::new(), statuses: Vec::new(), next_input: None });
    }

    pub(super) fn pipe_stage(&mut self, index: u32) -> Result<(), Unwind> {
        let Some(stage) = self.code.stages.get(index as usize).copied() else { return Ok(()) };
        let input = self.pipes.last_mut().and_then(|pipeline| pipeline.next_input.take());
        let (monitor, interactive) = (self.opt(Opt::Monitor), self.shell.interactive);
        if stage.last && stage.background.is_none() && self.shopt(Shopt::LastPipe) && !monitor {
            let saved = self.ctx.description(0).ok();
            if let Some(input) = input {
                let _ = self.ctx.set_descriptor(0, input);
            }
            if let Some(pipeline) = self.pipes.last_mut() {
                pipeline.statuses.push(None);
            }
            self.ctl.push(Ctl::LastPipe { saved, end: stage.end });
            return Ok(());
        }
        let (reader, writer) = if stage.last {
            (None, None)
        } else {
            let (reader, writer) = self.ctx.new_pipe();
            (Some(reader), Some(writer))
        };
        let purpose = match (stage.background, self.pipes.last()) {
            (Some(_), Some(pipeline)) => Purpose::BackgroundStage(pipeline.pids.first().copied()),
            _ => Purpose::Stage { jobs: stage.jobs && self.sees_jobs(stage.name) },
        };
        let forked = self.fork(purpose, |ctx| {
            if stage.background.is_some() && !monitor {
                detach(ctx, input.is_none(), interactive);
            }
            if let Some(input) = input {
                let _ = ctx.set_descriptor(0, input);
            }
            if let Some(writer) = writer {
                let _ = ctx.set_descriptor(1, writer);
            }
        });
        let pid = match forked {
            Ok(pid) => pid,
            Err(unwind) => {
                self.pipes.pop();
                return Err(unwind);
            }
        };
        if let Some(pipeline) = self.pipes.last_mut() {
            pipeline.pids.push(pid);
            pipeline.statuses.push(None);
            pipeline.next_input = reader;
        }
        self.pc = stage.end as usize;
        Ok(())
    }

    /// Whether there are jobs for a stage that is this command to see.
    fn sees_jobs(&mut self, name: Option<Index>) -> bool {
        if self.shell.jobs.jobs.is_empty() {
            return false;
        }
        let Some(name) = name else { return true };
        let name = self.code.text(name).clone();
        let symbol = self.symbol(&name);
        !self.shell.functions.contains_key(&symbol)
    }

    /// The end of a pipeline in the background: its stages, from this one of the code, are a job.
    pub(super) fn pipe_background(&mut self, first: u32) {
        let Some(pipeline) = self.pipes.pop() else { return };
        self.fuel(BACKGROUND_STEPS);
        let stages = self.code.stages.get(first as usize..).unwrap_or_default();
        let processes = pipeline.pids.iter().zip(stages).map(|(pid, stage)| {
            let text = stage.background.map(|text| self.code.text(text).clone());
            Process::new(*pid, text.unwrap_or_default())
        });
        let processes = processes.collect();
        self.started_job(processes);
    }

    pub(super) fn pipe_wait(&mut self, negated: bool) -> Result<Next, Unwind> {
        self.current = Current { in_condition: true, ..Current::default() };
        if self.poll_pipeline(negated)? {
            return Ok(Next::Go);
        }
        self.pending = Some(Pending::Pipeline { negated });
        Ok(Next::Wait)
    }

    /// Whether all stages have ended; the status is set then.
    pub(super) fn poll_pipeline(&mut self, negated: bool) -> Result<bool, Unwind> {
        let Some(pipeline) = self.pipes.last_mut() else { return Ok(true) };
        for (pid, status) in pipeline.pids.iter().zip(&mut pipeline.statuses) {
            if status.is_some() {
                continue;
            }
            match self.ctx.poll_wait(Child::Process(*pid), false) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Ok((_, ChildState::Ended(exit)))) => *status = Some(exit.status()),
                Poll::Ready(_) => *status = Some(127),
            }
        }
        let Some(pipeline) = self.pipes.pop() else { return Ok(true) };
        let statuses: Vec<u8> = pipeline.statuses.into_iter().map(|status| status.unwrap_or(0)).collect();
        let mut status = statuses.last().copied().unwrap_or(0);
        if self.opt(Opt::PipeFail) {
            status = statuses.iter().rev().copied().find(|status| *status != 0).unwrap_or(0);
        }
        if negated {
            status = u8::from(status == 0);
        }
        self.shell.status = status;
        self.shell.pipe_status = PipeStatus::Many(Rc::new(statuses));
        self.sweep_jobs();
        if self.ctx.has_signal() {
            self.take_signal();
        }
        Ok(true)
    }

    /// Whether a job that was brought to the foreground is still to be waited for.
    pub(super) fn poll_job(&mut self, id: u32) -> Result<bool, Unwind> {
        loop {
            let Some(job) = self.shell.jobs.get(id).cloned() else { return Ok(false) };
            let status = match job.state() {
                JobState::Running => {
                    for process in job.processes.iter().filter(|process| process.state == JobState::Running) {
                        match self.ctx.poll_wait(Child::Process(process.pid), self.opt(Opt::Monitor)) {
                            Poll::Pending => return Ok(true),
                            Poll::Ready(result) => self.note_child(process.pid, result),
                        }
                    }
                    continue;
                }
                JobState::Stopped => 128 + Signal::Tstp.number(),
                _ => {
                    Rc::make_mut(&mut self.shell.jobs).remove(id);
                    job.status()
                }
            };
            self.finish_command(status)?;
            return Ok(false);
        }
    }

    /// A foreground command has ended: jobs that had ended before leave the table of a shell that tells nobody.
    pub(super) fn sweep_jobs(&mut self) {
        if self.shell.jobs.jobs.is_empty() || self.shell.interactive || self.shell.jobs.foreign {
            return;
        }
        self.reap();
        if self.shell.jobs.jobs.iter().any(|job| !job.lives()) {
            Rc::make_mut(&mut self.shell.jobs).sweep();
        }
    }

    /// Notes which background children have ended.
    pub(crate) fn reap(&mut self) {
        if self.shell.jobs.foreign {
            return;
        }
        let processes = self.shell.jobs.jobs.iter().flat_map(|job| &job.processes);
        let running: Vec<Pid> =
            processes.filter(|process| process.lives()).map(|process| process.pid).collect();
        // Without job control nobody hears that a child has stopped.
        let stops = self.opt(Opt::Monitor);
        for pid in running {
            match self.ctx.try_wait(Child::Process(pid), stops) {
                Err(Errno::Again) => {}
                result => self.note_child(pid, result),
            }
        }
    }

    /// What has been heard of a child in the background.
    fn note_child(&mut self, pid: Pid, heard: Result<(Pid, ChildState), Errno>) {
        let jobs = Rc::make_mut(&mut self.shell.jobs);
        match heard {
            Ok((_, ChildState::Ended(exit))) => {
                let killed = matches!(exit, wasmsh_os::Exit::Signalled(_));
                jobs.ended(pid, exit.status(), killed);
            }
            Ok((_, ChildState::Stopped(_))) => jobs.stands(pid, JobState::Stopped),
            Ok((_, ChildState::Continued)) => jobs.stands(pid, JobState::Running),
            Err(_) => jobs.ended(pid, 127, false),
        }
    }
}
