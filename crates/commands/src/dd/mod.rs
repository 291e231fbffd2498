//! `dd`: copies a file in blocks, and converts it on the way (POSIX XCU `dd`, with the additions of GNU).

mod charsets;
mod convert;
mod options;
mod report;

use std::rc::Rc;

use bstr::BString;
use wasmsh_os::{Ctx, Description, Errno, OpenFlags, Position};

use self::convert::Converter;
use self::options::{Conversions, Flags, Plan, Status};
use self::report::Counts;
use crate::quote::{quote_always, quote_name};
use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "dd",
    usage: &["[OPERAND]...", "OPTION"],
    about: "Copy a file, converting and formatting according to the operands.\n\n  \
            bs=BYTES        read and write up to BYTES bytes at a time (default: 512);\n                  \
            overrides ibs and obs\n  \
            cbs=BYTES       convert BYTES bytes at a time\n  \
            conv=CONVS      convert the file as per the comma separated symbol list\n  \
            count=N         copy only N input blocks\n  \
            ibs=BYTES       read up to BYTES bytes at a time (default: 512)\n  \
            if=FILE         read from FILE instead of stdin\n  \
            iflag=FLAGS     read as per the comma separated symbol list\n  \
            obs=BYTES       write BYTES bytes at a time (default: 512)\n  \
            of=FILE         write to FILE instead of stdout\n  \
            oflag=FLAGS     write as per the comma separated symbol list\n  \
            seek=N          (or oseek=N) skip N obs-sized output blocks\n  \
            skip=N          (or iseek=N) skip N ibs-sized input blocks\n  \
            status=LEVEL    The LEVEL of information to print to stderr;\n                  \
            'none' suppresses everything but error messages,\n                  \
            'noxfer' suppresses the final transfer statistics,\n                  \
            'progress' shows periodic transfer statistics\n\n\
            N and BYTES may be followed by the following multiplicative suffixes:\n\
            c=1, w=2, b=512, kB=1000, K=1024, MB=1000*1000, M=1024*1024, xM=M,\n\
            GB=1000*1000*1000, G=1024*1024*1024, and so on for T, P, E, Z, Y.\n\
            Binary prefixes can be used, too: KiB=K, MiB=M, and so on.\n\
            If N ends in 'B', it counts bytes not blocks.\n\n\
            Each CONV symbol may be: ascii ebcdic ibm block unblock lcase ucase sparse\n\
            swab sync excl nocreat notrunc noerror fdatasync fsync.\n\
            Each FLAG symbol may be: append direct directory dsync sync fullblock nonblock\n\
            noatime nocache noctty nofollow.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// `strerror(EOVERFLOW)`, which no call of the filesystem ends with.
const TOO_LARGE: &str = "Value too large for defined data type";

/// A byte of EBCDIC as the one of ASCII that it stands for.
pub(crate) fn from_ebcdic(byte: u8) -> u8 {
    charsets::ASCII.get(usize::from(byte)).copied().unwrap_or(byte)
}

/// How a copy stands: what the message at its end tells.
struct Copy {
    plan: Plan,
    input: Rc<Description>,
    input_name: BString,
    output: Rc<Description>,
    output_name: BString,
    counts: Counts,
    /// Blocks of the output that wait to be complete.
    pending: Vec<u8>,
    /// The last write was left out as a hole.
    hole_at_end: bool,
}

async fn run(t: &mut Tool) -> Done {
    let options = t.options();
    let plan = options::parse(t, options)?;
    let input_name = plan.input.clone().unwrap_or_else(|| "standard input".into());
    let output_name = plan.output.clone().unwrap_or_else(|| "standard output".into());
    let cannot_open = |name: &BString, error: Errno| {
        Fail::Message(format!("failed to open {}: {}", quote_always(name), error.strerror()), 1)
    };
    let input = match &plan.input {
        Some(name) => {
            let mut how = OpenFlags::READ;
            how.set(OpenFlags::DIRECTORY, plan.input_flags.contains(Flags::DIRECTORY));
            how.set(OpenFlags::NO_FOLLOW, plan.input_flags.contains(Flags::NO_FOLLOW));
            t.ctx.open_description(name, how, 0).await.map_err(|error| cannot_open(name, error))?
        }
        None => t.ctx.description(0).map_err(|error| cannot_open(&input_name, error))?,
    };
    let output = match &plan.output {
        Some(name) => open_output(t, &plan, name).await?,
        None => t.ctx.description(1).map_err(|error| cannot_open(&output_name, error))?,
    };
    let counts = Counts::new(t.ctx.monotonic());
    let mut copy = Copy {
        plan,
        input,
        input_name,
        output,
        output_name,
        counts,
        pending: Vec::new(),
        hole_at_end: false,
    };
    let done = copy.run(t).await;
    match done {
        Ok(()) => copy.finish(t),
        Err(Fail::Message(message, status)) => {
            t.error(message).await?;
            copy.finish(t);
            t.status = status;
        }
        Err(other) => return Err(other),
    }
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    Ok(())
}

async fn open_output(t: &mut Tool, plan: &Plan, name: &BString) -> Result<Rc<Description>, Fail> {
    let keep = plan.conversions.contains(Conversions::NO_TRUNCATE);
    let seeks = plan.seek.0 > 0 || plan.seek.1 > 0;
    let mut how = OpenFlags::WRITE;
    how.set(OpenFlags::CREATE, !plan.conversions.contains(Conversions::NO_CREATE));
    how.set(OpenFlags::EXCLUSIVE, plan.conversions.contains(Conversions::EXCLUSIVE));
    how.set(OpenFlags::TRUNCATE, !keep && !seeks);
    how.set(OpenFlags::APPEND, plan.output_flags.contains(Flags::APPEND));
    how.set(OpenFlags::DIRECTORY, plan.output_flags.contains(Flags::DIRECTORY));
    how.set(OpenFlags::NO_FOLLOW, plan.output_flags.contains(Flags::NO_FOLLOW));
    let output = t.ctx.open_description(name, how, 0o666).await.map_err(|error| {
        Fail::Message(format!("failed to open {}: {}", quote_always(name), error.strerror()), 1)
    })?;
    if seeks && !keep {
        let size = plan.seek_bytes().ok_or_else(|| {
            let message = format!(
                "offset too large: cannot truncate to a length of seek={} ({}-byte) blocks",
                plan.seek.0, plan.output_block
            );
            Fail::Message(message, 1)
        })?;
        if let Description::File(file) = &*output
            && let Err(error) = file.set_size(size)
            && t.ctx.stat_description(&output).is_ok_and(|stat| stat.is_regular() || stat.is_directory())
        {
            let message = format!(
                "failed to truncate to {size} bytes in output file {}: {}",
                quote_always(name),
                error.strerror()
            );
            return Err(Fail::Message(message, 1));
        }
    }
    Ok(output)
}

impl Copy {
    async fn run(&mut self, t: &mut Tool) -> Done {
        self.skip_input(t).await?;
        self.seek_output(t).await?;
        let (blocks, bytes) = self.plan.count;
        if blocks == 0 && bytes == 0 {
            return Ok(());
        }
        self.check_memory(t, "input", self.plan.input_block)?;
        if self.plan.two_buffers {
            self.check_memory(t, "output", self.plan.output_block)?;
        }
        let mut converter = Converter::new(&self.plan);
        let pad = if self.plan.conversions.intersects(Conversions::BLOCK | Conversions::UNBLOCK) {
            b' '
        } else {
            0
        };
        let sync = self.plan.conversions.contains(Conversions::SYNC);
        let mut block = Vec::new();
        loop {
            let read = self.counts.read_full + self.counts.read_partial;
            if read >= blocks.saturating_add(u64::from(bytes > 0)) {
                break;
            }
            let wanted = if read >= blocks { bytes } else { self.plan.input_block };
            block.clear();
            let got = match self.read_block(&t.ctx, &mut block, wanted).await {
                Ok(got) => got,
                Err(error) => {
                    let message =
                        format!("error reading {}: {}", quote_always(&self.input_name), error.strerror());
                    // What cannot be read here can be read nowhere: there is no device with bad blocks.
                    self.write_rest(t, &mut converter).await?;
                    return Err(Fail::Message(message, 1));
                }
            };
            if got == 0 {
                break;
            }
            let full = got as u64 >= self.plan.input_block;
            if full {
                self.counts.read_full += 1;
            } else {
                self.counts.read_partial += 1;
                if sync && let Ok(size) = usize::try_from(self.plan.input_block) {
                    block.resize(size, pad);
                }
            }
            if !self.plan.two_buffers {
                self.write(t, &block).await?;
                if block.len() as u64 == self.plan.input_block {
                    self.counts.written_full += 1;
                } else {
                    self.counts.written_partial += 1;
                }
                continue;
            }
            converter.convert(&mut block, &mut self.pending);
            self.write_full_blocks(t).await?;
        }
        self.write_rest(t, &mut converter).await
    }

    fn check_memory(&self, t: &Tool, which: &str, size: u64) -> Done {
        if size <= t.ctx.kernel().ceilings().expansion_bytes {
            return Ok(());
        }
        let message = format!(
            "memory exhausted by {which} buffer of size {size} bytes ({})",
            report::human(u128::from(size), 1024)
        );
        Err(Fail::Message(message, 1))
    }

    /// One read, or with `fullblock` as many as fill the block. How many bytes.
    async fn read_block(&self, ctx: &Ctx, block: &mut Vec<u8>, wanted: u64) -> Result<usize, Errno> {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let full = self.plan.input_flags.contains(Flags::FULL_BLOCK);
        let mut got = 0;
        loop {
            let count = ctx.read_from(&self.input, block, wanted - got).await?;
            got += count;
            if count == 0 || got >= wanted || !full {
                return Ok(got);
            }
        }
    }

    async fn write(&mut self, t: &Tool, bytes: &[u8]) -> Done {
        if self.plan.conversions.contains(Conversions::SPARSE)
            && let Description::File(file) = &*self.output
            && bytes.iter().all(|byte| *byte == 0)
            && file.seek(Position::Current(i64::try_from(bytes.len()).unwrap_or_default())).is_ok()
        {
            self.hole_at_end = true;
            self.counts.bytes += bytes.len() as u64;
            return Ok(());
        }
        self.hole_at_end = false;
        t.ctx.write_all_to(&self.output, bytes).await.map_err(|error| {
            let message = format!("error writing {}: {}", quote_always(&self.output_name), error.strerror());
            Fail::Message(message, 1)
        })?;
        self.counts.bytes += bytes.len() as u64;
        Ok(())
    }

    async fn write_full_blocks(&mut self, t: &Tool) -> Done {
        let size = usize::try_from(self.plan.output_block).unwrap_or(usize::MAX);
        if self.pending.len() < size {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let mut blocks = pending.chunks_exact(size);
        for block in blocks.by_ref() {
            self.write(t, block).await?;
            self.counts.written_full += 1;
        }
        self.pending = blocks.remainder().to_vec();
        Ok(())
    }

    async fn write_rest(&mut self, t: &Tool, converter: &mut Converter) -> Done {
        if self.plan.two_buffers {
            converter.finish(&mut self.pending);
            self.counts.truncated = converter.truncated();
            self.write_full_blocks(t).await?;
            let rest = std::mem::take(&mut self.pending);
            if !rest.is_empty() {
                self.write(t, &rest).await?;
                self.counts.written_partial += 1;
            }
        }
        if self.hole_at_end
            && let Description::File(file) = &*self.output
            && let Ok(end) = file.seek(Position::Current(0))
            && file.stat().is_ok_and(|stat| stat.is_regular() && stat.size < end)
        {
            file.set_size(end).map_err(|error| {
                let name = quote_always(&self.output_name);
                Fail::Message(
                    format!("failed to truncate to {end} bytes in output file {name}: {}", error.strerror()),
                    1,
                )
            })?;
        }
        Ok(())
    }

    async fn skip_input(&mut self, t: &mut Tool) -> Done {
        let (mut blocks, mut bytes) = self.plan.skip;
        if blocks == 0 && bytes == 0 {
            return Ok(());
        }
        let offset = blocks.checked_mul(self.plan.input_block).and_then(|sum| sum.checked_add(bytes));
        let beyond;
        if let Description::File(file) = &*self.input
            && let Ok(here) = file.seek(Position::Current(0))
        {
            let target = offset.and_then(|offset| here.checked_add(offset));
            let Some(target) = target.filter(|target| *target <= i64::MAX as u64) else {
                let name = quote_name(&self.input_name);
                return Err(Fail::Message(format!("{name}: cannot skip: {TOO_LARGE}"), 1));
            };
            let size = file.stat().ok().filter(|stat| stat.is_regular()).map(|stat| stat.size);
            beyond = size.is_some_and(|size| here <= size && size < target);
            let target = if beyond { size.unwrap_or(target) } else { target };
            if let Err(error) = file.seek(Position::Start(target)) {
                let message = format!("{}: cannot skip: {}", quote_name(&self.input_name), error.strerror());
                return Err(Fail::Message(message, 1));
            }
        } else {
            self.check_memory(t, "input", self.plan.input_block)?;
            let mut block = Vec::new();
            while blocks > 0 || bytes > 0 {
                let wanted = if blocks > 0 { self.plan.input_block } else { bytes };
                block.clear();
                let got = self.read_block(&t.ctx, &mut block, wanted).await.map_err(|error| {
                    let name = quote_always(&self.input_name);
                    Fail::Message(format!("error reading {name}: {}", error.strerror()), 1)
                })?;
                if got == 0 {
                    break;
                }
                if blocks > 0 {
                    blocks -= 1;
                } else {
                    bytes = 0;
                }
            }
            beyond = blocks > 0 || bytes > 0;
        }
        if beyond && self.plan.status != Status::None {
            t.warn(format!("{}: cannot skip to specified offset", quote_name(&self.input_name))).await?;
        }
        Ok(())
    }

    async fn seek_output(&mut self, t: &mut Tool) -> Done {
        if self.plan.seek == (0, 0) {
            return Ok(());
        }
        let offset = self.plan.seek_bytes().and_then(|offset| i64::try_from(offset).ok());
        let name = quote_name(&self.output_name);
        let cannot = |error: Errno| Fail::Message(format!("{name}: cannot seek: {}", error.strerror()), 1);
        let Some(offset) = offset else {
            return Err(Fail::Message(format!("{name}: cannot seek: {TOO_LARGE}"), 1));
        };
        match &*self.output {
            Description::File(file) => {
                file.seek(Position::Current(offset)).map_err(cannot)?;
                Ok(())
            }
            // What the host takes is as good as a new file: a gap reads as NUL bytes.
            Description::HostOutput(_) => {
                let mut left = u64::try_from(offset).unwrap_or_default();
                let zeros = vec![0; usize::try_from(left.min(64 * 1024)).unwrap_or_default()];
                while left > 0 {
                    let part = left.min(zeros.len() as u64);
                    let part = usize::try_from(part).unwrap_or_default();
                    t.ctx.write_all_to(&self.output, zeros.get(..part).unwrap_or_default()).await.map_err(
                        |error| {
                            let name = quote_always(&self.output_name);
                            Fail::Message(format!("writing to {name}: {}", error.strerror()), 1)
                        },
                    )?;
                    left -= part as u64;
                }
                Ok(())
            }
            _ => Err(cannot(Errno::IllegalSeek)),
        }
    }

    fn finish(&self, t: &mut Tool) {
        if self.plan.status != Status::None {
            let now = t.ctx.monotonic();
            let text = self.counts.show(now, self.plan.status != Status::NoTransfer);
            t.err.put(text.as_bytes());
        }
    }
}
