//! Compressed formats as machines that are fed pieces: gzip, bzip2, xz, lzma and zstd. They stand on `flate2` over
//! `zlib-rs`, `bzip2`, `lzma-rust2` and `structured-zstd`; the frame of gzip (RFC 1952) is read and written here.

use std::io::Write;

use bzip2::{Action as BzAction, Compress as BzCompress, Decompress as BzDecompress, Status as BzStatus};
use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status as FlateStatus};
use lzma_rust2::{
    Action, CheckType, LzmaOptions, LzmaStream, LzmaWriter, Status, XzOptions, XzStream, XzWriter,
};
use structured_zstd::decoding::errors::FrameDecoderError;
use structured_zstd::decoding::{ContentChecksum, FrameDecoder};
use structured_zstd::encoding::{CompressionContext, CompressionLevel};
use thiserror::Error;

/// A compressed format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Gzip,
    Bzip2,
    Xz,
    Lzma,
    Zstd,
}

/// What is wrong with compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Broken {
    /// It does not begin as the format does.
    #[error("not in this format")]
    Format,
    /// It ends too early.
    #[error("unexpected end of file")]
    Truncated,
    /// The check sum is another one.
    #[error("invalid compressed data--crc error")]
    Crc,
    /// The length is another one.
    #[error("invalid compressed data--length error")]
    Length,
    /// No encoder makes such data.
    #[error("invalid compressed data--format violated")]
    Data,
    /// It asks for more memory than it may have.
    #[error("memory usage limit reached")]
    Memory,
}

/// What a step of decoding has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There may be more to get out of the same input.
    More,
    /// Nothing comes without more input than was shown.
    NeedInput,
    /// All is decoded.
    Done,
}

/// Output of one step at most, roughly.
const STEP: usize = 64 * 1024;

/// Memory that data may ask for: the largest preset of xz needs 65 MiB.
const MEMORY_KIB: u32 = 192 * 1024;

impl Format {
    /// The format that data begins as.
    pub(crate) fn detect(start: &[u8]) -> Option<Format> {
        match start {
            [0x1f, 0x8b, ..] => Some(Format::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Format::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Format::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
            [0x5d, 0, 0, _, _, size @ ..] if is_lzma_size(size) => Some(Format::Lzma),
            _ => None,
        }
    }

    /// The level that its own program takes by default.
    pub(crate) fn default_level(self) -> i32 {
        match self {
            Format::Gzip | Format::Xz | Format::Lzma => 6,
            Format::Bzip2 => 9,
            Format::Zstd => 3,
        }
    }
}

/// Whether the length in a header of lzma can be one: unknown, or less than 256 GiB.
fn is_lzma_size(size: &[u8]) -> bool {
    size.get(..8)
        .is_some_and(|size| size.iter().all(|byte| *byte == 0xff) || size.get(5..) == Some(&[0, 0, 0]))
}

/// What the header of a gzip member says.
#[derive(Debug, Clone, Default)]
pub(crate) struct GzipHeader {
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) time: u32,
    /// Bytes of the header.
    pub(crate) length: usize,
}

/// Decodes.
pub(crate) struct Decoder {
    format: Format,
    machine: Machine,
    /// The header of the first gzip member.
    pub(crate) header: GzipHeader,
    /// The check sum that the last gzip member states.
    pub(crate) crc: u32,
    /// Something follows that is not compressed data, and was ignored.
    pub(crate) garbage: bool,
    /// Zeros follow, which were ignored.
    pub(crate) padding: bool,
    /// Members, streams or frames that have begun.
    pub(crate) members: u64,
}

enum Machine {
    /// Before a member.
    Between,
    Gzip {
        inflate: Decompress,
        hash: crc32fast::Hasher,
        length: u32,
    },
    GzipTrailer {
        crc: u32,
        length: u32,
    },
    Bzip2(BzDecompress),
    Xz(Box<XzStream>),
    Lzma(Box<LzmaStream>),
    Zstd(Box<FrameDecoder>),
    ZstdSkip {
        left: u64,
    },
    Done,
}

impl Decoder {
    pub(crate) fn new(format: Format) -> Decoder {
        Decoder {
            format,
            machine: Machine::Between,
            header: GzipHeader::default(),
            crc: 0,
            garbage: false,
            padding: false,
            members: 0,
        }
    }

    /// Decodes some of `input`, after which nothing comes if `end` is set, and appends what it stands for to `out`.
    /// How much of the input it has taken; the rest must be shown again.
    pub(crate) fn step(
        &mut self,
        input: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> Result<(usize, Progress), Broken> {
        match &mut self.machine {
            Machine::Done => Ok((0, Progress::Done)),
            Machine::Between => self.begin(input, end),
            Machine::Gzip { inflate, hash, length } => {
                out.reserve(STEP);
                let (before, start) = (inflate.total_in(), out.len());
                let status =
                    inflate.decompress_vec(input, out, FlushDecompress::None).map_err(|_| Broken::Data)?;
                let taken = usize::try_from(inflate.total_in() - before).unwrap_or(0);
                let new = out.get(start..).unwrap_or_default();
                hash.update(new);
                *length = length.wrapping_add(new.len() as u32);
                if status == FlateStatus::StreamEnd {
                    self.machine = Machine::GzipTrailer { crc: hash.clone().finalize(), length: *length };
                    return Ok((taken, Progress::More));
                }
                Ok((taken, self::progress(taken, new.len())))
            }
            Machine::GzipTrailer { crc, length } => {
                let Some((trailer, _)) = input.split_first_chunk::<8>() else { return wait(end) };
                let [a, b, c, d, e, f, g, h] = *trailer;
                self.crc = u32::from_le_bytes([a, b, c, d]);
                if self.crc != *crc {
                    return Err(Broken::Crc);
                }
                if u32::from_le_bytes([e, f, g, h]) != *length {
                    return Err(Broken::Length);
                }
                self.machine = Machine::Between;
                Ok((8, Progress::More))
            }
            Machine::Bzip2(machine) => {
                out.reserve(STEP);
                let (before, start) = (machine.total_in(), out.len());
                let status = machine.decompress_vec(input, out).map_err(|error| match error {
                    bzip2::Error::DataMagic => Broken::Format,
                    _ => Broken::Data,
                })?;
                let taken = usize::try_from(machine.total_in() - before).unwrap_or(0);
                if status == BzStatus::StreamEnd {
                    self.machine = Machine::Between;
                    return Ok((taken, Progress::More));
                }
                Ok((taken, self::progress(taken, out.len() - start)))
            }
            Machine::Xz(machine) => {
                let result = lzma(out, |room| machine.process(input, room, action(end)))?;
                if result.2 {
                    self.machine = Machine::Done;
                }
                Ok((result.0, if result.2 { Progress::Done } else { self::progress(result.0, result.1) }))
            }
            Machine::Lzma(machine) => {
                let result = lzma(out, |room| machine.process(input, room, action(end)))?;
                if result.2 {
                    self.garbage = result.0 < input.len() || !machine.unused_input().is_empty();
                    self.machine = Machine::Done;
                }
                Ok((result.0, if result.2 { Progress::Done } else { self::progress(result.0, result.1) }))
            }
            Machine::Zstd(machine) => {
                let start = out.len();
                out.resize(start + STEP, 0);
                let room = out.get_mut(start..).unwrap_or_default();
                let (taken, made) = machine.decode_from_to(input, room).map_err(zstd_broken)?;
                out.truncate(start + made);
                if machine.is_finished() && machine.can_collect() == 0 {
                    machine.verify_content_checksum().map_err(zstd_broken)?;
                    self.machine = Machine::Between;
                    return Ok((taken, Progress::More));
                }
                Ok((taken, self::progress(taken, made)))
            }
            Machine::ZstdSkip { left } => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= taken as u64;
                if *left == 0 {
                    self.machine = Machine::Between;
                    return Ok((taken, Progress::More));
                }
                Ok((taken, Progress::NeedInput))
            }
        }
    }

    /// Before a member, or behind the last one.
    fn begin(&mut self, input: &[u8], end: bool) -> Result<(usize, Progress), Broken> {
        let first = self.members == 0;
        // What is shown may be the beginning of the magic number only.
        if !end && input.len() < 18 && (input.is_empty() || self.format != Format::Gzip || input.len() < 2) {
            return Ok((0, Progress::NeedInput));
        }
        if input.is_empty() {
            if first {
                return Err(Broken::Truncated);
            }
            self.machine = Machine::Done;
            return Ok((0, Progress::Done));
        }
        let known = match self.format {
            Format::Gzip => input.starts_with(&[0x1f, 0x8b]),
            Format::Bzip2 => input.starts_with(b"BZh"),
            Format::Zstd => input.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || is_skippable(input),
            Format::Xz | Format::Lzma => true,
        };
        if !known {
            if first || self.format == Format::Zstd {
                return Err(Broken::Format);
            }
            if self.format == Format::Gzip && input.iter().all(|byte| *byte == 0) {
                // Padding of tapes.
                if end {
                    self.padding = !input.is_empty();
                    self.machine = Machine::Done;
                    return Ok((input.len(), Progress::Done));
                }
                return Ok((0, Progress::NeedInput));
            }
            self.garbage = true;
            self.machine = Machine::Done;
            return Ok((input.len(), Progress::Done));
        }
        let mut taken = 0;
        self.machine = match self.format {
            Format::Gzip => {
                let Some(header) = gzip_header(input)? else { return wait(end) };
                taken = header.length;
                if first {
                    self.header = header;
                }
                Machine::Gzip { inflate: Decompress::new(false), hash: crc32fast::Hasher::new(), length: 0 }
            }
            Format::Bzip2 => Machine::Bzip2(BzDecompress::new(false)),
            Format::Xz => Machine::Xz(Box::new(XzStream::new_mem_limit(true, MEMORY_KIB))),
            Format::Lzma => Machine::Lzma(Box::new(LzmaStream::new_mem_limit(MEMORY_KIB, None))),
            Format::Zstd if is_skippable(input) => {
                let Some(&[a, b, c, d]) = input.get(4..).and_then(<[u8]>::first_chunk::<4>) else {
                    return wait(end);
                };
                taken = 8;
                Machine::ZstdSkip { left: u32::from_le_bytes([a, b, c, d]).into() }
            }
            Format::Zstd => {
                let mut machine = FrameDecoder::new();
                machine.set_content_checksum(ContentChecksum::Verify);
                let mut rest = input;
                if let Err(error) = machine.reset(&mut rest) {
                    // Every header is shown in full unless the data ends in it.
                    return Err(if input.len() < 18 { Broken::Truncated } else { zstd_broken(error) });
                }
                taken = input.len() - rest.len();
                Machine::Zstd(Box::new(machine))
            }
        };
        self.members += 1;
        Ok((taken, Progress::More))
    }
}

fn wait(end: bool) -> Result<(usize, Progress), Broken> {
    if end { Err(Broken::Truncated) } else { Ok((0, Progress::NeedInput)) }
}

fn progress(taken: usize, made: usize) -> Progress {
    if taken == 0 && made == 0 { Progress::NeedInput } else { Progress::More }
}

fn action(end: bool) -> Action {
    if end { Action::Finish } else { Action::Run }
}

fn is_skippable(input: &[u8]) -> bool {
    matches!(input, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

fn zstd_broken(error: FrameDecoderError) -> Broken {
    match error {
        FrameDecoderError::WindowSizeTooBig { .. } => Broken::Memory,
        FrameDecoderError::ChecksumMismatch { .. } => Broken::Crc,
        _ => Broken::Data,
    }
}

/// One call of a decoder of `lzma-rust2`: bytes taken, bytes made, whether it is over.
fn lzma(
    out: &mut Vec<u8>,
    step: impl FnOnce(&mut [u8]) -> std::io::Result<lzma_rust2::StreamResult>,
) -> Result<(usize, usize, bool), Broken> {
    let start = out.len();
    out.resize(start + STEP, 0);
    let result = step(out.get_mut(start..).unwrap_or_default());
    match result {
        Ok(result) => {
            out.truncate(start + result.bytes_produced);
            Ok((result.bytes_consumed, result.bytes_produced, result.status == Status::StreamEnd))
        }
        Err(error) => {
            out.truncate(start);
            Err(match error.kind() {
                std::io::ErrorKind::UnexpectedEof => Broken::Truncated,
                std::io::ErrorKind::OutOfMemory => Broken::Memory,
                _ => Broken::Data,
            })
        }
    }
}

/// The header of a member. `None`: it goes on beyond what is shown.
fn gzip_header(input: &[u8]) -> Result<Option<GzipHeader>, Broken> {
    let Some(&[_, _, method, flags, a, b, c, d, _, _]) = input.first_chunk::<10>() else { return Ok(None) };
    if method != 8 || flags & 0xe0 != 0 {
        return Err(Broken::Data);
    }
    let mut header = GzipHeader { name: None, time: u32::from_le_bytes([a, b, c, d]), length: 10 };
    if flags & 4 != 0 {
        let Some(&[low, high]) = input.get(header.length..).and_then(<[u8]>::first_chunk::<2>) else {
            return Ok(None);
        };
        header.length += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for (bit, is_name) in [(8, true), (16, false)] {
        if flags & bit != 0 {
            let Some(rest) = input.get(header.length..) else { return Ok(None) };
            let Some(count) = memchr::memchr(0, rest) else { return Ok(None) };
            if is_name {
                header.name = rest.get(..count).map(<[u8]>::to_vec);
            }
            header.length += count + 1;
        }
    }
    if flags & 2 != 0 {
        header.length += 2;
    }
    Ok((header.length <= input.len()).then_some(header))
}

/// How to encode.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) level: i32,
    /// Of gzip: the name and the time of the file.
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) time: u32,
    /// Of xz: `-e`.
    pub(crate) extreme: bool,
    /// Of xz: the check.
    pub(crate) check: CheckType,
    /// Of zstd: a check sum at the end of the frame.
    pub(crate) checksum: bool,
    /// The length of the input, if it is known.
    pub(crate) size: Option<u64>,
}

impl Settings {
    pub(crate) fn new(format: Format) -> Settings {
        Settings {
            level: format.default_level(),
            name: None,
            time: 0,
            extreme: false,
            check: CheckType::Crc64,
            checksum: true,
            size: None,
        }
    }
}

/// Encodes.
pub(crate) enum Encoder {
    Gzip { deflate: Compress, hash: crc32fast::Hasher, length: u32, header: Vec<u8> },
    Bzip2(BzCompress),
    Xz(Box<XzWriter<Vec<u8>>>),
    Lzma(Box<LzmaWriter<Vec<u8>>>),
    Zstd(Box<CompressionContext>),
}

impl Encoder {
    pub(crate) fn new(format: Format, settings: &Settings) -> Result<Encoder, Broken> {
        let level = settings.level;
        Ok(match format {
            Format::Gzip => Encoder::Gzip {
                deflate: Compress::new(flate2::Compression::new(level.clamp(0, 9) as u32), false),
                hash: crc32fast::Hasher::new(),
                length: 0,
                header: write_gzip_header(settings),
            },
            Format::Bzip2 => {
                Encoder::Bzip2(BzCompress::new(bzip2::Compression::new(level.clamp(1, 9) as u32), 30))
            }
            Format::Xz => {
                let mut options = XzOptions::with_preset(level.clamp(0, 9) as u32);
                options.lzma_options = lzma_options(settings);
                options.set_check_sum_type(settings.check);
                Encoder::Xz(Box::new(XzWriter::new(Vec::new(), options).map_err(|_| Broken::Memory)?))
            }
            Format::Lzma => Encoder::Lzma(Box::new(
                LzmaWriter::new_use_header(Vec::new(), &lzma_options(settings), None)
                    .map_err(|_| Broken::Memory)?,
            )),
            Format::Zstd => {
                let mut context = CompressionContext::new(CompressionLevel::from_level(level));
                let _ = context.set_content_checksum(settings.checksum);
                if let Some(size) = settings.size {
                    let _ = context.set_pledged_content_size(size);
                }
                Encoder::Zstd(Box::new(context))
            }
        })
    }

    /// Encodes `input`; what is ready is appended to `out`.
    pub(crate) fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        match self {
            Encoder::Gzip { deflate, hash, length, header } => {
                out.append(header);
                hash.update(input);
                *length = length.wrapping_add(input.len() as u32);
                let mut rest = input;
                while !rest.is_empty() {
                    out.reserve(STEP);
                    let before = deflate.total_in();
                    deflate.compress_vec(rest, out, FlushCompress::None).map_err(|_| Broken::Data)?;
                    let taken = usize::try_from(deflate.total_in() - before).unwrap_or(0);
                    rest = rest.get(taken..).unwrap_or_default();
                }
                Ok(())
            }
            Encoder::Bzip2(machine) => {
                let mut rest = input;
                while !rest.is_empty() {
                    out.reserve(STEP);
                    let before = machine.total_in();
                    machine.compress_vec(rest, out, BzAction::Run).map_err(|_| Broken::Data)?;
                    let taken = usize::try_from(machine.total_in() - before).unwrap_or(0);
                    rest = rest.get(taken..).unwrap_or_default();
                }
                Ok(())
            }
            Encoder::Xz(writer) => {
                writer.write_all(input).map_err(|_| Broken::Data)?;
                out.append(writer.inner_mut());
                Ok(())
            }
            Encoder::Lzma(writer) => {
                writer.write_all(input).map_err(|_| Broken::Data)?;
                out.append(writer.inner_mut());
                Ok(())
            }
            Encoder::Zstd(context) => {
                let mut rest = input;
                while !rest.is_empty() {
                    let taken = context.write(out, rest).map_err(|_| Broken::Data)?;
                    if taken == 0 {
                        return Err(Broken::Length);
                    }
                    rest = rest.get(taken..).unwrap_or_default();
                }
                Ok(())
            }
        }
    }

    /// Ends the data.
    pub(crate) fn finish(self, out: &mut Vec<u8>) -> Result<(), Broken> {
        match self {
            Encoder::Gzip { mut deflate, hash, length, mut header } => {
                out.append(&mut header);
                loop {
                    out.reserve(STEP);
                    let status =
                        deflate.compress_vec(&[], out, FlushCompress::Finish).map_err(|_| Broken::Data)?;
                    if status == FlateStatus::StreamEnd {
                        break;
                    }
                }
                out.extend_from_slice(&hash.finalize().to_le_bytes());
                out.extend_from_slice(&length.to_le_bytes());
                Ok(())
            }
            Encoder::Bzip2(mut machine) => loop {
                out.reserve(STEP);
                let status = machine.compress_vec(&[], out, BzAction::Finish).map_err(|_| Broken::Data)?;
                if status == BzStatus::StreamEnd {
                    return Ok(());
                }
            },
            Encoder::Xz(writer) => {
                out.append(&mut writer.finish().map_err(|_| Broken::Data)?);
                Ok(())
            }
            Encoder::Lzma(writer) => {
                out.append(&mut writer.finish().map_err(|_| Broken::Data)?);
                Ok(())
            }
            Encoder::Zstd(mut context) => context.finish_frame(out).map_err(|_| Broken::Length),
        }
    }
}

fn lzma_options(settings: &Settings) -> LzmaOptions {
    let mut options = LzmaOptions::with_preset(settings.level.clamp(0, 9) as u32);
    if settings.extreme {
        options.mode = lzma_rust2::EncodeMode::Normal;
        options.mf = lzma_rust2::MfType::Bt4;
        options.nice_len = 273;
        options.depth_limit = 512;
    }
    options
}

fn write_gzip_header(settings: &Settings) -> Vec<u8> {
    let mut header = vec![0x1f, 0x8b, 8, if settings.name.is_some() { 8 } else { 0 }];
    header.extend_from_slice(&settings.time.to_le_bytes());
    header.push(match settings.level {
        9 => 2,
        1 => 4,
        _ => 0,
    });
    // The system: Unix.
    header.push(3);
    if let Some(name) = &settings.name {
        header.extend_from_slice(name);
        header.push(0);
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Format; 5] = [Format::Gzip, Format::Bzip2, Format::Xz, Format::Lzma, Format::Zstd];

    fn sample() -> Vec<u8> {
        let mut state = 1_u32;
        let mut bytes = Vec::new();
        for index in 0..40_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.extend_from_slice(format!("{} {}\n", index % 97, state >> 20).as_bytes());
        }
        bytes
    }

    fn encode(format: Format, input: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(format, &Settings::new(format)).unwrap();
        let mut out = Vec::new();
        for piece in input.chunks(10_000) {
            encoder.push(piece, &mut out).unwrap();
        }
        encoder.finish(&mut out).unwrap();
        out
    }

    fn decode(format: Format, input: &[u8], piece: usize) -> Result<Vec<u8>, Broken> {
        let mut decoder = Decoder::new(format);
        let (mut at, mut shown, mut out) = (0, 0, Vec::new());
        loop {
            let (taken, progress) = decoder.step(&input[at..shown], shown == input.len(), &mut out)?;
            at += taken;
            match progress {
                Progress::Done => return Ok(out),
                Progress::More => {}
                Progress::NeedInput if shown == input.len() => return Err(Broken::Truncated),
                Progress::NeedInput => shown = (shown + piece).min(input.len()),
            }
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let sample = sample();
        for format in ALL {
            for data in [&sample[..], b"", b"x"] {
                let packed = encode(format, data);
                assert_eq!(Format::detect(&packed), Some(format));
                // Byte by byte only what is small: each step makes room for much.
                for piece in if data.len() > 1 { [999, 65_536] } else { [1, 7] } {
                    assert!(decode(format, &packed, piece).as_deref() == Ok(data), "{format:?} by {piece}");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_wrong_is_told() {
        let sample = sample();
        for format in ALL {
            let packed = encode(format, &sample);
            for length in [3, 12, 20, packed.len() / 2, packed.len() - 8] {
                assert!(decode(format, &packed[..length], 4096).is_err(), "{format:?} cut to {length}");
            }
            let mut wrong = packed.clone();
            let middle = wrong.len() / 2;
            wrong[middle] ^= 0x55;
            assert!(decode(format, &wrong, 4096).is_err() || format == Format::Lzma, "{format:?}");
        }
    }
}
