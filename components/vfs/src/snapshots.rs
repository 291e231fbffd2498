//! `wasmsh:fs/snapshots`: the whole tree as bytes and back.

use std::cell::RefCell;

use wasmsh_vfs::{Errno, SnapshotError, SnapshotReader, SnapshotWriter};

use crate::Component;
use crate::bindings::exports::wasmsh::fs::{snapshots, types};
use crate::convert;
use crate::state::vfs;

/// `None`: there was no memory to take one.
pub(crate) struct Reader(RefCell<Option<SnapshotReader>>);

pub(crate) struct Writer(RefCell<Option<SnapshotWriter>>);

fn error(error: SnapshotError) -> snapshots::SnapshotError {
    match error {
        SnapshotError::Truncated => snapshots::SnapshotError::Truncated,
        SnapshotError::Damaged(what) => snapshots::SnapshotError::Damaged(what),
        SnapshotError::NewerVersion(version) => snapshots::SnapshotError::NewerVersion(version),
        SnapshotError::OverQuota => snapshots::SnapshotError::OverQuota,
        SnapshotError::Finished => snapshots::SnapshotError::Finished,
    }
}

impl snapshots::GuestReader for Reader {
    fn next(&self, max: u32) -> Vec<u8> {
        let mut reader = self.0.borrow_mut();
        reader.as_mut().map(|reader| reader.next(max as usize)).unwrap_or_default()
    }

    fn failure(&self) -> Option<types::ErrorCode> {
        self.0.borrow().as_ref().map_or(Some(Errno::NoMemory), SnapshotReader::failure).map(convert::error)
    }
}

impl Writer {
    fn with(
        &self,
        operation: impl FnOnce(&mut SnapshotWriter) -> Result<(), SnapshotError>,
    ) -> Result<(), snapshots::SnapshotError> {
        // Out of its cell meanwhile, since restoring reads the host's clock.
        let taken = self.0.borrow_mut().take();
        let Some(mut writer) = taken else { return Err(snapshots::SnapshotError::Finished) };
        let result = operation(&mut writer);
        *self.0.borrow_mut() = Some(writer);
        result.map_err(error)
    }
}

impl snapshots::GuestWriter for Writer {
    fn push(&self, bytes: Vec<u8>) -> Result<(), snapshots::SnapshotError> {
        self.with(|writer| writer.push(&bytes))
    }

    fn finish(&self) -> Result<(), snapshots::SnapshotError> {
        self.with(SnapshotWriter::finish)
    }
}

impl snapshots::Guest for Component {
    type Reader = Reader;
    type Writer = Writer;

    fn generation() -> u64 {
        vfs().map(|vfs| vfs.generation()).unwrap_or_default()
    }

    fn take() -> snapshots::Reader {
        let reader = vfs().and_then(|vfs| vfs.take_snapshot()).ok();
        snapshots::Reader::new(Reader(RefCell::new(reader)))
    }

    fn restore() -> snapshots::Writer {
        let writer = vfs().map(|vfs| vfs.restore_snapshot()).ok();
        snapshots::Writer::new(Writer(RefCell::new(writer)))
    }

    fn take_shared() -> snapshots::Reader {
        let reader = vfs().and_then(|vfs| vfs.take_shared()).ok();
        snapshots::Reader::new(Reader(RefCell::new(reader)))
    }

    fn restore_shared() -> snapshots::Writer {
        let writer = vfs().map(|vfs| vfs.restore_shared()).ok();
        snapshots::Writer::new(Writer(RefCell::new(writer)))
    }
}
