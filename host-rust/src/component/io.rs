//! `wasi:io` for command components: the process's standard streams, the session's files, and waiting.

use std::time::Instant;

use wasmtime::component::Resource;

use super::run::State;
use crate::bindings::command::wasi::io::{error, poll, streams};
use crate::bindings::core::exports::wasmsh::fs::types::ErrorCode;
use crate::bindings::core::exports::wasmsh::session::processes::{PollEntry, Readiness};
use crate::python::{Handle, wait_turn};
use crate::types::Errno;

/// Most bytes of one read or one write: a component may ask for 2⁶⁴.
pub(crate) const PIECE: u64 = 1 << 20;

/// What is kept of a write that the process's pipe has no room for, and so what `check-write` permits.
const KEPT: u64 = 64 << 10;

/// Why a stream failed: `wasi:io/error.error`.
#[derive(Debug)]
#[allow(unreachable_pub)]
pub struct Failure(pub(crate) ErrorCode);

/// What a stream's method ends with: an error for the component, or one of the host's that ends it.
#[derive(Debug)]
#[allow(unreachable_pub)]
pub enum StreamFailure {
    /// Nothing comes any more.
    Closed,
    Failed(ErrorCode),
    Trap(wasmtime::Error),
}

impl From<wasmtime::Error> for StreamFailure {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl From<wasmtime::component::ResourceTableError> for StreamFailure {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<ErrorCode> for StreamFailure {
    fn from(error: ErrorCode) -> Self {
        Self::Failed(error)
    }
}

/// `wasi:io/poll.pollable`.
#[derive(Clone, Debug)]
#[allow(unreachable_pub)]
pub enum Pollable {
    /// A file.
    Ready,
    /// A time of the monotonic clock.
    At(Instant),
    /// Standard input.
    Stdin,
    /// Standard output or standard error, by its number.
    Output(u32),
}

/// `wasi:io/streams.input-stream`.
#[allow(unreachable_pub)]
pub enum InputStream {
    Stdin,
    /// A file, read from a position of the stream's own.
    File(Handle, u64),
}

/// `wasi:io/streams.output-stream`.
#[allow(unreachable_pub)]
pub enum OutputStream {
    /// Standard output or standard error, by its number.
    Standard(u32),
    /// A file, written from a position of the stream's own; `None`: always at its end.
    File(Handle, Option<u64>),
}

type Stream<T> = Result<T, StreamFailure>;

impl State {
    /// Looks which of these are ready.
    fn look(&self, pollables: &[Pollable]) -> wasmtime::Result<Vec<u32>> {
        let now = Instant::now();
        let entries: Vec<PollEntry> = pollables
            .iter()
            .filter_map(|pollable| match pollable {
                Pollable::Stdin => Some(PollEntry { descriptor: 0, read: true, write: false }),
                Pollable::Output(number) => Some(PollEntry { descriptor: *number, read: false, write: true }),
                Pollable::Ready | Pollable::At(_) => None,
            })
            .collect();
        let polled = match entries.is_empty() {
            true => Vec::new(),
            // A process that was ended waits for nothing any more.
            false => self
                .attempt(
                    |guest, store, process| guest.call_poll(store, process, &entries, Some(0)),
                    |_| false,
                )?
                .unwrap_or_else(|_| vec![Readiness::HANG_UP; entries.len()]),
        };
        let mut polled = polled.into_iter();
        let mut ready = Vec::new();
        for (index, pollable) in (0..).zip(pollables) {
            let is = match pollable {
                Pollable::Ready => true,
                Pollable::At(at) => *at <= now,
                Pollable::Stdin | Pollable::Output(_) => {
                    polled.next().is_some_and(|ready| ready != Readiness::empty())
                }
            };
            if is {
                ready.push(index);
            }
        }
        Ok(ready)
    }

    /// Waits until one of these is ready.
    async fn wait(&mut self, pollables: &[Pollable]) -> wasmtime::Result<Vec<u32>> {
        let until = |pollable: &Pollable| if let Pollable::At(at) = pollable { Some(*at) } else { None };
        let (deadline, mut first) = (pollables.iter().filter_map(until).min(), true);
        loop {
            self.write_kept()?;
            let ready = self.look(pollables)?;
            if !ready.is_empty() {
                return Ok(ready);
            }
            wait_turn(&self.core, deadline, &mut first).await;
        }
    }

    /// At most `max` bytes; none when there are none yet.
    fn take(&mut self, stream: &Resource<InputStream>, max: u64) -> Stream<Vec<u8>> {
        let max = u32::try_from(max.min(PIECE)).unwrap_or(u32::MAX);
        let bytes = match self.table.get(stream)? {
            InputStream::Stdin => {
                let read = self.attempt(
                    |guest, store, process| guest.call_read(store, process, 0, max, false),
                    |read| !matches!(read, Err(ErrorCode::Again)),
                )?;
                match read {
                    Err(ErrorCode::Again) => return Ok(Vec::new()),
                    read => read?,
                }
            }
            InputStream::File(file, position) => {
                let (file, position) = (file.resource(), *position);
                self.files(|files, store| files.file().call_read_at(store, file, position, max))??
            }
        };
        if bytes.is_empty() && max > 0 {
            // Not for good: a file may grow, and a later read then succeeds.
            return Err(StreamFailure::Closed);
        }
        if let InputStream::File(_, position) = self.table.get_mut(stream)? {
            *position = position.saturating_add(bytes.len() as u64);
        }
        Ok(bytes)
    }

    /// As [`State::take`], but waits.
    async fn take_some(&mut self, stream: &Resource<InputStream>, max: u64) -> Stream<Vec<u8>> {
        let mut first = true;
        loop {
            let bytes = self.take(stream, max)?;
            if !bytes.is_empty() || max == 0 {
                return Ok(bytes);
            }
            // Who reads what was written may be who writes what is read.
            self.write_kept()?;
            wait_turn(&self.core, None, &mut first).await;
        }
    }

    /// Has the process write `bytes` to one of its descriptors, as far as there is room: how much was written.
    fn write_some(&self, number: u32, bytes: &[u8]) -> wasmtime::Result<Result<usize, ErrorCode>> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let piece = rest.get(..KEPT as usize).unwrap_or(rest);
            let wrote = self.attempt(
                |guest, store, process| guest.call_write(store, process, number, piece, false),
                |wrote| !matches!(wrote, Ok(0) | Err(ErrorCode::Again)),
            )?;
            match wrote {
                Ok(0) | Err(ErrorCode::Again) => break,
                Ok(count) => done += usize::try_from(count)?.min(piece.len()),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(done))
    }

    /// What is kept of one output.
    fn kept(&mut self, number: u32) -> &mut Vec<u8> {
        let [stdout, stderr] = &mut self.kept;
        if number == 2 { stderr } else { stdout }
    }

    /// Writes what is kept of one output, as far as there is room.
    fn write_kept_of(&mut self, number: u32) -> wasmtime::Result<Result<(), ErrorCode>> {
        let mut kept = std::mem::take(self.kept(number));
        Ok(self.write_some(number, &kept)?.map(|done| {
            kept.drain(..done);
            *self.kept(number) = kept;
        }))
    }

    /// Writes what is kept, as far as there is room. Who writes next is told of errors.
    fn write_kept(&mut self) -> wasmtime::Result<()> {
        for number in [1, 2] {
            let _ = self.write_kept_of(number)?;
        }
        Ok(())
    }

    /// Writes what the component has left behind.
    pub(crate) async fn write_rest(&mut self) -> wasmtime::Result<()> {
        let mut first = true;
        loop {
            self.write_kept()?;
            if self.kept.iter().all(Vec::is_empty) {
                return Ok(());
            }
            wait_turn(&self.core, None, &mut first).await;
        }
    }

    /// Writes to a file at the stream's position.
    fn write_file(&mut self, stream: &Resource<OutputStream>, bytes: &[u8]) -> Stream<()> {
        let OutputStream::File(file, position) = self.table.get(stream)? else { return Ok(()) };
        let (file, position) = (file.resource(), *position);
        let at = self.files(|files, store| {
            // Nobody else writes between the two calls: the core is locked.
            let at = match position {
                Some(at) => at,
                None => match files.file().call_stat(&mut *store, file)? {
                    Ok(stat) => stat.size,
                    Err(error) => return Ok(Err(error)),
                },
            };
            Ok(files.file().call_write_at(store, file, at, bytes)?.map(|()| at))
        })??;
        if let OutputStream::File(_, Some(position)) = self.table.get_mut(stream)? {
            *position = at.saturating_add(bytes.len() as u64);
        }
        Ok(())
    }

    fn standard(&self, stream: &Resource<OutputStream>) -> Stream<Option<u32>> {
        Ok(match self.table.get(stream)? {
            OutputStream::Standard(number) => Some(*number),
            OutputStream::File(..) => None,
        })
    }

    /// Writes without waiting; what there is no room for is kept.
    fn put(&mut self, stream: &Resource<OutputStream>, bytes: &[u8]) -> Stream<()> {
        let Some(number) = self.standard(stream)? else { return self.write_file(stream, bytes) };
        self.write_kept_of(number)??;
        let done = match self.kept(number).is_empty() {
            true => self.write_some(number, bytes)??,
            false => 0,
        };
        self.kept(number).extend_from_slice(bytes.get(done..).unwrap_or_default());
        Ok(())
    }

    /// How much may be written now.
    fn room(&mut self, stream: &Resource<OutputStream>) -> Stream<u64> {
        let Some(number) = self.standard(stream)? else { return Ok(PIECE) };
        self.write_kept_of(number)??;
        if !self.kept(number).is_empty() || self.look(&[Pollable::Output(number)])?.is_empty() {
            return Ok(0);
        }
        Ok(KEPT)
    }

    /// Waits until all is written.
    async fn flushed(&mut self, stream: &Resource<OutputStream>) -> Stream<()> {
        let Some(number) = self.standard(stream)? else { return Ok(()) };
        let mut first = true;
        loop {
            self.write_kept_of(number)??;
            if self.kept(number).is_empty() {
                return Ok(());
            }
            wait_turn(&self.core, None, &mut first).await;
        }
    }

    /// Writes and waits until all is written.
    async fn put_all(&mut self, stream: &Resource<OutputStream>, bytes: &[u8]) -> Stream<()> {
        self.put(stream, bytes)?;
        self.flushed(stream).await
    }
}

impl error::HostError for State {
    fn to_debug_string(&mut self, failure: Resource<Failure>) -> wasmtime::Result<String> {
        let Failure(code) = self.table.get(&failure)?;
        Ok(Errno::from(*code).to_string())
    }

    fn drop(&mut self, failure: Resource<Failure>) -> wasmtime::Result<()> {
        self.table.delete(failure)?;
        Ok(())
    }
}

impl error::Host for State {}

impl poll::HostPollable for State {
    fn ready(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<bool> {
        let pollable = self.table.get(&pollable)?.clone();
        Ok(!self.look(&[pollable])?.is_empty())
    }

    async fn block(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        let pollable = self.table.get(&pollable)?.clone();
        self.wait(&[pollable]).await.map(drop)
    }

    fn drop(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        self.table.delete(pollable)?;
        Ok(())
    }
}

impl poll::Host for State {
    async fn poll(&mut self, pollables: Vec<Resource<Pollable>>) -> wasmtime::Result<Vec<u32>> {
        if pollables.is_empty() {
            return Err(wasmtime::Error::msg("poll: the list is empty"));
        }
        let mut list = Vec::with_capacity(pollables.len());
        for pollable in &pollables {
            list.push(self.table.get(pollable)?.clone());
        }
        self.wait(&list).await
    }
}

impl streams::HostInputStream for State {
    fn read(&mut self, stream: Resource<InputStream>, max: u64) -> Stream<Vec<u8>> {
        self.take(&stream, max)
    }

    async fn blocking_read(&mut self, stream: Resource<InputStream>, max: u64) -> Stream<Vec<u8>> {
        self.take_some(&stream, max).await
    }

    fn skip(&mut self, stream: Resource<InputStream>, max: u64) -> Stream<u64> {
        Ok(self.take(&stream, max)?.len() as u64)
    }

    async fn blocking_skip(&mut self, stream: Resource<InputStream>, max: u64) -> Stream<u64> {
        Ok(self.take_some(&stream, max).await?.len() as u64)
    }

    fn subscribe(&mut self, stream: Resource<InputStream>) -> wasmtime::Result<Resource<Pollable>> {
        let pollable = match self.table.get(&stream)? {
            InputStream::Stdin => Pollable::Stdin,
            InputStream::File(..) => Pollable::Ready,
        };
        Ok(self.table.push(pollable)?)
    }

    fn drop(&mut self, stream: Resource<InputStream>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}

impl streams::HostOutputStream for State {
    fn check_write(&mut self, stream: Resource<OutputStream>) -> Stream<u64> {
        self.room(&stream)
    }

    fn write(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> Stream<()> {
        self.put(&stream, &bytes)?;
        // More than was permitted, again and again.
        let too_much = self.kept.iter().any(|kept| kept.len() as u64 > PIECE);
        if too_much { Err(wasmtime::Error::msg("write: more than was permitted").into()) } else { Ok(()) }
    }

    async fn blocking_write_and_flush(
        &mut self,
        stream: Resource<OutputStream>,
        bytes: Vec<u8>,
    ) -> Stream<()> {
        self.put_all(&stream, &bytes).await
    }

    fn flush(&mut self, stream: Resource<OutputStream>) -> Stream<()> {
        self.put(&stream, &[])
    }

    async fn blocking_flush(&mut self, stream: Resource<OutputStream>) -> Stream<()> {
        self.flushed(&stream).await
    }

    fn subscribe(&mut self, stream: Resource<OutputStream>) -> wasmtime::Result<Resource<Pollable>> {
        let pollable = match self.table.get(&stream)? {
            OutputStream::Standard(number) => Pollable::Output(*number),
            OutputStream::File(..) => Pollable::Ready,
        };
        Ok(self.table.push(pollable)?)
    }

    fn write_zeroes(&mut self, stream: Resource<OutputStream>, length: u64) -> Stream<()> {
        self.put(&stream, &zeroes(length)?)
    }

    async fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Resource<OutputStream>,
        length: u64,
    ) -> Stream<()> {
        self.put_all(&stream, &zeroes(length)?).await
    }

    fn splice(
        &mut self,
        stream: Resource<OutputStream>,
        from: Resource<InputStream>,
        max: u64,
    ) -> Stream<u64> {
        let room = self.room(&stream)?;
        let bytes = self.take(&from, max.min(room))?;
        self.put(&stream, &bytes)?;
        Ok(bytes.len() as u64)
    }

    async fn blocking_splice(
        &mut self,
        stream: Resource<OutputStream>,
        from: Resource<InputStream>,
        max: u64,
    ) -> Stream<u64> {
        let bytes = self.take_some(&from, max.min(KEPT)).await?;
        self.put_all(&stream, &bytes).await?;
        Ok(bytes.len() as u64)
    }

    fn drop(&mut self, stream: Resource<OutputStream>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}

impl streams::Host for State {
    fn convert_stream_error(&mut self, failure: StreamFailure) -> wasmtime::Result<streams::StreamError> {
        match failure {
            StreamFailure::Closed => Ok(streams::StreamError::Closed),
            StreamFailure::Failed(code) => {
                Ok(streams::StreamError::LastOperationFailed(self.table.push(Failure(code))?))
            }
            StreamFailure::Trap(error) => Err(error),
        }
    }
}

/// Bytes of zero. More than is permitted at once is a mistake of the component's, which WASI ends with a trap.
fn zeroes(length: u64) -> Stream<Vec<u8>> {
    match usize::try_from(length) {
        Ok(length) if length as u64 <= PIECE => Ok(vec![0; length]),
        _ => Err(wasmtime::Error::msg("write-zeroes: more than was permitted").into()),
    }
}
