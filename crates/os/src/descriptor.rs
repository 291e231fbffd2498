//! Open file descriptions, and the table of descriptors of a process.

use std::rc::Rc;

use wasmsh_vfs::{Errno, OpenFile, OpenFlags};

use crate::host::OutputStream;
use crate::pipe::{PipeReader, PipeWriter};

/// What is behind a descriptor (POSIX XBD 3.258). Shared by its duplicates.
pub enum Description {
    /// A file of the filesystem, or a device.
    File(Rc<dyn OpenFile>),
    /// The reading end of a pipe or FIFO.
    PipeReader(PipeReader),
    /// The writing end of a pipe or FIFO.
    PipeWriter(PipeWriter),
    /// Both ends of a FIFO (`O_RDWR`).
    Fifo(PipeReader, PipeWriter),
    /// The standard input of the run.
    HostInput,
    /// What the host is given to show.
    HostOutput(OutputStream),
}

impl Description {
    /// Whether it was opened for reading.
    pub fn is_readable(&self) -> bool {
        match self {
            Description::File(file) => file.flags().contains(OpenFlags::READ),
            Description::PipeReader(_) | Description::Fifo(..) | Description::HostInput => true,
            Description::PipeWriter(_) | Description::HostOutput(_) => false,
        }
    }

    /// Whether it was opened for writing.
    pub fn is_writable(&self) -> bool {
        match self {
            Description::File(file) => file.flags().contains(OpenFlags::WRITE),
            Description::PipeWriter(_) | Description::Fifo(..) | Description::HostOutput(_) => true,
            Description::PipeReader(_) | Description::HostInput => false,
        }
    }
}

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Description::File(_) => "File",
            Description::PipeReader(_) => "PipeReader",
            Description::PipeWriter(_) => "PipeWriter",
            Description::Fifo(..) => "Fifo",
            Description::HostInput => "HostInput",
            Description::HostOutput(_) => "HostOutput",
        })
    }
}

#[derive(Clone)]
struct Slot {
    description: Rc<Description>,
    close_on_exec: bool,
}

/// The descriptors of a process.
#[derive(Clone, Default)]
pub struct DescriptorTable {
    slots: Vec<Option<Slot>>,
}

impl DescriptorTable {
    /// A table with these descriptors open.
    pub fn new(descriptors: impl IntoIterator<Item = (u32, Rc<Description>)>) -> DescriptorTable {
        let mut table = DescriptorTable { slots: Vec::with_capacity(3) };
        for (number, description) in descriptors {
            table.set(number, description, false);
        }
        table
    }

    /// What is open as `number`.
    pub fn get(&self, number: u32) -> Option<&Rc<Description>> {
        self.slots.get(number as usize)?.as_ref().map(|slot| &slot.description)
    }

    /// Whether `number` is closed by an exec.
    pub fn close_on_exec(&self, number: u32) -> Option<bool> {
        Some(self.slots.get(number as usize)?.as_ref()?.close_on_exec)
    }

    /// Changes whether an exec closes `number`. False: it is not open.
    pub fn set_close_on_exec(&mut self, number: u32, close: bool) -> bool {
        match self.slots.get_mut(number as usize) {
            Some(Some(slot)) => {
                slot.close_on_exec = close;
                true
            }
            _ => false,
        }
    }

    /// The numbers of the open descriptors, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().enumerate().filter(|(_, slot)| slot.is_some()).map(|(number, _)| number as u32)
    }

    /// The lowest number from `from` on that is free.
    pub fn lowest_free(&self, from: u32) -> u32 {
        let from = from as usize;
        let used = self.slots.iter().skip(from).take_while(|slot| slot.is_some()).count();
        (from + used) as u32
    }

    /// Opens `number` as `description`; what was there before is returned, to be dropped later.
    pub(crate) fn set(
        &mut self,
        number: u32,
        description: Rc<Description>,
        close_on_exec: bool,
    ) -> Option<Rc<Description>> {
        let number = number as usize;
        if self.slots.len() <= number {
            self.slots.resize_with(number + 1, || None);
        }
        let place = self.slots.get_mut(number)?;
        place.replace(Slot { description, close_on_exec }).map(|slot| slot.description)
    }

    /// Closes `number`.
    pub(crate) fn close(&mut self, number: u32) -> Result<Rc<Description>, Errno> {
        let slot = self.slots.get_mut(number as usize).and_then(Option::take).ok_or(Errno::BadDescriptor)?;
        Ok(slot.description)
    }

    /// What an exec closes.
    pub(crate) fn take_close_on_exec(&mut self) -> Vec<Rc<Description>> {
        let mut closed = Vec::new();
        for place in &mut self.slots {
            if let Some(slot) = place.take_if(|slot| slot.close_on_exec) {
                closed.push(slot.description);
            }
        }
        closed
    }

    pub(crate) fn has_close_on_exec(&self) -> bool {
        self.slots.iter().flatten().any(|slot| slot.close_on_exec)
    }
}
