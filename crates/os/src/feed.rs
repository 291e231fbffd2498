//! Who writes what a process reads: for a host that cannot wait while the process runs.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::descriptor::Description;
use crate::kernel::Kernel;
use crate::pipe::{PIPE_CAPACITY, Pipe};
use crate::process::{Pid, Process};

/// How complete the input of a process is.
pub struct Feed {
    /// The pipes that it reads, and that others can still write.
    pipes: Vec<Rc<Pipe>>,
    /// Processes that write them, or that write what these read, and so on; without the process itself.
    feeders: BTreeSet<Pid>,
    /// One of them waits for standard input of the run, or might.
    input: bool,
}

impl Feed {
    /// Whether a pipe still has room, so that more may come without anybody reading.
    pub fn has_room(&self) -> bool {
        self.pipes.iter().any(|pipe| pipe.len() < PIPE_CAPACITY)
    }

    /// Lets the pipes take up to `ceiling` bytes: see [`Pipe::set_spool`].
    pub fn spool(&self, ceiling: usize) {
        for pipe in &self.pipes {
            pipe.set_spool(ceiling);
        }
    }

    /// Makes ordinary pipes of them again, whose writers wait: see [`Pipe::end_spool`].
    pub fn end_spool(&self) {
        for pipe in &self.pipes {
            pipe.end_spool();
        }
    }
}

impl Kernel {
    /// Looks at the pipes that the process `pid` has open for reading.
    pub fn feed(&self, pid: Pid) -> Feed {
        let table = self.table.borrow();
        let others: Vec<_> =
            table.all().into_iter().filter(|other| other.is_alive() && other.pid != pid).collect();
        let mut feed = Feed { pipes: Vec::new(), feeders: BTreeSet::new(), input: false };
        let Some(process) = table.get(pid) else { return feed };
        let mut seen = BTreeSet::new();
        let mut pipes = read_by(process);
        while let Some(pipe) = pipes.pop() {
            if !seen.insert(pipe.identity()) {
                continue;
            }
            let mut written = false;
            for feeder in others.iter().filter(|other| writes(other, &pipe)) {
                written = true;
                if feed.feeders.insert(feeder.pid) {
                    feed.input |= has(feeder, |description| matches!(description, Description::HostInput));
                    pipes.extend(read_by(feeder));
                }
            }
            let own =
                has(process, |description| reads(description).is_some_and(|own| Rc::ptr_eq(own, &pipe)));
            if written && own {
                feed.pipes.push(pipe);
            }
        }
        feed
    }

    /// Whether some of who feeds a process waits for the host: for the answer to a request other than for a command of
    /// these names, or for standard input.
    pub fn feed_needs_host(&self, feed: &Feed, but: &[String]) -> bool {
        (feed.input && self.input_wanted() && self.input_is_open())
            || self.requests.unanswered_of(but, |pid| feed.feeders.contains(&pid))
    }
}

fn has(process: &Process, what: impl Fn(&Description) -> bool) -> bool {
    let table = process.descriptors.borrow();
    table.numbers().filter_map(|number| table.get(number)).any(|description| what(description))
}

fn reads(description: &Description) -> Option<&Rc<Pipe>> {
    match description {
        Description::PipeReader(end) | Description::Fifo(end, _) => Some(end.pipe()),
        _ => None,
    }
}

fn read_by(process: &Process) -> Vec<Rc<Pipe>> {
    let table = process.descriptors.borrow();
    let descriptions = table.numbers().filter_map(|number| table.get(number));
    descriptions.filter_map(|description| reads(description).cloned()).collect()
}

fn writes(process: &Process, pipe: &Rc<Pipe>) -> bool {
    has(process, |description| match description {
        Description::PipeWriter(end) | Description::Fifo(_, end) => Rc::ptr_eq(end.pipe(), pipe),
        _ => false,
    })
}
