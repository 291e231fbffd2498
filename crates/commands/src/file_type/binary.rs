//! Images, archives, programs and other formats, by their first bytes.

use bstr::ByteSlice;
use jiff::tz::TimeZone;
use wasmsh_os::Timestamp;

use super::{Found, elf};
use crate::time::Moment;

fn number(bytes: &[u8], at: usize, size: usize, big: bool) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    Some(if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
}

fn le16(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 2, false)
}

fn le32(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 4, false)
}

fn be16(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 2, true)
}

fn be32(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at, 4, true)
}

/// Where, what stands there, the words, the MIME type.
type Simple = (usize, &'static [u8], &'static str, &'static str);

const SIMPLE: &[Simple] = &[
    (0, b"LZIP", "lzip compressed data", "application/x-lzip"),
    (0, b"\x04\x22\x4d\x18", "LZ4 compressed data (v1.4+)", "application/x-lz4"),
    (0, b"!<arch>\n", "current ar archive", "application/x-archive"),
    (0, b"070701", "ASCII cpio archive (SVR4 with no CRC)", "application/x-cpio"),
    (0, b"070702", "ASCII cpio archive (SVR4 with CRC)", "application/x-cpio"),
    (0, b"070707", "ASCII cpio archive (pre-SVR4 or odc)", "application/x-cpio"),
    (0, b"\x89HDF\r\n\x1a\n", "Hierarchical Data Format (version 5) data", "application/x-hdf5"),
    (0, b"OTTO", "OpenType font data", "application/vnd.ms-opentype"),
    (0, b"PAR1", "Apache Parquet", "application/octet-stream"),
    (0, b"BC\xc0\xde", "LLVM IR bitcode", "text/plain"),
    (32769, b"CD001", "ISO 9660 CD-ROM filesystem data", "application/x-iso9660-image"),
];

/// The format of the file that begins with `head`.
pub(super) fn detect(head: &[u8]) -> Option<Found> {
    let special: [&dyn Fn() -> Option<Found>; 12] = [
        &|| tar(head),
        &|| elf::detect(head),
        &|| image(head),
        &|| zip(head),
        &|| gzip(head),
        &|| compressed(head),
        &|| riff(head),
        &|| media(head),
        &|| program(head),
        &|| archive(head),
        &|| document(head),
        &|| data(head),
    ];
    special.into_iter().find_map(|test| test()).or_else(|| simple(head))
}

fn simple(head: &[u8]) -> Option<Found> {
    let found =
        SIMPLE.iter().find(|(at, magic, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    found.map(|(_, _, words, mime)| Found::plain(*words, mime))
}

fn tar(head: &[u8]) -> Option<Found> {
    let block = head.get(..512)?;
    let field = block.get(148..156)?;
    let digits: Vec<u8> =
        field.trim_ascii().iter().copied().take_while(|byte| (b'0'..=b'7').contains(byte)).collect();
    if digits.is_empty() {
        return None;
    }
    let stored = digits.iter().fold(0_u64, |value, digit| value * 8 + u64::from(digit - b'0'));
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(index, byte)| if (148..156).contains(&index) { 32 } else { u64::from(*byte) })
        .sum();
    if sum != stored || block.first() == Some(&0) {
        return None;
    }
    let words = match block.get(257..265)? {
        b"ustar  \0" => "POSIX tar archive (GNU)",
        magic if magic.starts_with(b"ustar\0") => "POSIX tar archive",
        _ => "tar archive",
    };
    Some(Found::plain(words, "application/x-tar"))
}

fn image(head: &[u8]) -> Option<Found> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR") {
        let color = match head.get(25)? {
            0 => "grayscale",
            2 => "/color RGB",
            3 => " colormap",
            4 => " gray+alpha",
            6 => "/color RGBA",
            _ => "",
        };
        let color = if color == "grayscale" { " grayscale" } else { color };
        let interlaced = if head.get(28)? == &0 { "non-interlaced" } else { "interlaced" };
        let words = format!(
            "PNG image data, {} x {}, {}-bit{color}, {interlaced}",
            be32(head, 16)?,
            be32(head, 20)?,
            head.get(24)?
        );
        return Some(Found::plain(words, "image/png"));
    }
    if head.starts_with(b"GIF8") {
        let version = head.get(3..6)?.to_str_lossy();
        let words = format!("GIF image data, version {version}, {} x {}", le16(head, 6)?, le16(head, 8)?);
        return Some(Found::plain(words, "image/gif"));
    }
    if head.starts_with(b"\xff\xd8\xff") && head.len() > 3 {
        return Some(Found::plain(jpeg(head), "image/jpeg"));
    }
    if head.starts_with(b"BM") && le32(head, 14) == Some(40) {
        let signed = |at: usize| le32(head, at).map(|value| value as u32 as i32);
        let mut words =
            format!("PC bitmap, Windows 3.x format, {} x {} x {}", signed(18)?, signed(22)?, le16(head, 28)?);
        if let Some(size) = le32(head, 34).filter(|size| *size > 0) {
            words.push_str(&format!(", image size {size}"));
        }
        if let (Some(x), Some(y)) = (le32(head, 38).filter(|x| *x > 0), le32(head, 42)) {
            words.push_str(&format!(", resolution {x} x {y} px/m"));
        }
        words.push_str(&format!(", cbSize {}, bits offset {}", le32(head, 2)?, le32(head, 10)?));
        return Some(Found::plain(words, "image/bmp"));
    }
    if head.starts_with(b"II*\0") || head.starts_with(b"MM\0*") {
        let big = head.starts_with(b"MM");
        let end = if big { "big" } else { "little" };
        let mut words = format!("TIFF image data, {end}-endian");
        let at = number(head, 4, 4, big).and_then(|at| usize::try_from(at).ok());
        if let Some(count) = at.and_then(|at| number(head, at, 2, big)) {
            words.push_str(&format!(", direntries={count}"));
        }
        return Some(Found::plain(words, "image/tiff"));
    }
    if head.starts_with(b"\0\0\x01\0") && (1..256).contains(&le16(head, 4)?) && head.get(9) == Some(&0) {
        let count = le16(head, 4)?;
        let side = |byte: u8| if byte == 0 { 256 } else { u32::from(byte) };
        let plural = if count == 1 { "" } else { "s" };
        let mut words = format!(
            "MS Windows icon resource - {count} icon{plural}, {}x{}",
            side(*head.get(6)?),
            side(*head.get(7)?)
        );
        if let Some(bits) = le16(head, 12).filter(|bits| *bits > 0) {
            words.push_str(&format!(", {bits} bits/pixel"));
        }
        return Some(Found::plain(words, "image/vnd.microsoft.icon"));
    }
    if head.starts_with(b"8BPS") {
        let mode = match be16(head, 24)? {
            0 => "bitmap",
            1 => "grayscale",
            2 => "indexed",
            3 => "RGB",
            4 => "CMYK",
            7 => "multichannel",
            8 => "duotone",
            _ => "lab",
        };
        let words = format!(
            "Adobe Photoshop Image, {} x {}, {mode}, {}x {}-bit channels",
            be32(head, 18)?,
            be32(head, 14)?,
            be16(head, 12)?,
            be16(head, 22)?
        );
        return Some(Found::plain(words, "image/vnd.adobe.photoshop"));
    }
    if let Some(kind) = head.strip_prefix(b"AT&TFORM").and_then(|rest| rest.get(4..8)) {
        let pages = if kind == b"DJVM" { "multiple page document" } else { "image or single page document" };
        return Some(Found::plain(format!("DjVu {pages}"), "image/vnd.djvu"));
    }
    None
}

fn jpeg(head: &[u8]) -> String {
    let mut words = String::from("JPEG image data");
    let parts = || -> Option<String> {
        let mut words = String::new();
        if head.get(6..10) == Some(b"JFIF") {
            words.push_str(&format!(", JFIF standard {}.{:02}", head.get(11)?, head.get(12)?));
            let unit = match head.get(13)? {
                0 => ", aspect ratio",
                1 => ", resolution (DPI)",
                _ => ", resolution (DPCM)",
            };
            words.push_str(&format!("{unit}, density {}x{}", be16(head, 14)?, be16(head, 16)?));
            words.push_str(&format!(", segment length {}", be16(head, 4)?));
        } else if head.get(6..10) == Some(b"Exif") {
            words.push_str(", Exif standard: []");
        }
        Some(words)
    };
    words.push_str(&parts().unwrap_or_default());
    let mut at = 2;
    let mut frame = || -> Option<String> {
        loop {
            let marker = head.get(at..at + 2)?;
            let [0xff, kind] = *marker else { return None };
            if matches!(kind, 0xc0..=0xc2) {
                let name = match kind {
                    0xc0 => "baseline",
                    0xc1 => "extended sequential",
                    _ => "progressive",
                };
                return Some(format!(
                    ", {name}, precision {}, {}x{}, components {}",
                    head.get(at + 4)?,
                    be16(head, at + 7)?,
                    be16(head, at + 5)?,
                    head.get(at + 9)?
                ));
            }
            if kind == 0xda || kind == 0xd9 {
                return None;
            }
            at += 2 + usize::try_from(be16(head, at + 2)?).ok()?;
        }
    };
    if let Some(frame) = frame() {
        words.push_str(&frame);
    }
    words
}

fn zip(head: &[u8]) -> Option<Found> {
    if head.starts_with(b"PK\x05\x06") {
        return Some(Found::plain("Zip archive data (empty)", "application/zip"));
    }
    if !head.starts_with(b"PK\x03\x04") {
        return None;
    }
    let length = usize::try_from(le16(head, 26)?).ok()?;
    let extra = usize::try_from(le16(head, 28)?).ok()?;
    let name = head.get(30..30 + length)?;
    let body = head.get(30 + length + extra..).unwrap_or_default();
    if name == b"mimetype" {
        let kind = body.get(..80).unwrap_or(body);
        const DOCUMENTS: &[(&str, &str, &str)] = &[
            ("application/epub+zip", "EPUB document", "application/epub+zip"),
            ("opendocument.text", "OpenDocument Text", "application/vnd.oasis.opendocument.text"),
            (
                "opendocument.spreadsheet",
                "OpenDocument Spreadsheet",
                "application/vnd.oasis.opendocument.spreadsheet",
            ),
            (
                "opendocument.presentation",
                "OpenDocument Presentation",
                "application/vnd.oasis.opendocument.presentation",
            ),
            ("opendocument.graphics", "OpenDocument Drawing", "application/vnd.oasis.opendocument.graphics"),
        ];
        if let Some((_, words, mime)) = DOCUMENTS.iter().find(|(word, ..)| kind.contains_str(word)) {
            return Some(Found::plain(*words, mime));
        }
    }
    if matches!(name, b"[Content_Types].xml" | b"_rels/.rels" | b"docProps") {
        const OFFICE: &[(&str, &str, &str)] = &[
            (
                "word/",
                "Microsoft Word 2007+",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (
                "xl/",
                "Microsoft Excel 2007+",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            (
                "ppt/",
                "Microsoft PowerPoint 2007+",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            ),
        ];
        let names = names_in_zip(head);
        let found =
            OFFICE.iter().find(|(prefix, ..)| names.iter().any(|name| name.starts_with(prefix.as_bytes())));
        return Some(match found {
            Some((_, words, mime)) => Found::plain(*words, mime),
            None => Found::plain("Microsoft OOXML", "application/octet-stream"),
        });
    }
    if name == b"AndroidManifest.xml" {
        return Some(Found::plain(
            "Android package (APK), with AndroidManifest.xml",
            "application/vnd.android.package-archive",
        ));
    }
    let version = le16(head, 4)?;
    let method = match le16(head, 8)? {
        0 => "store",
        8 => "deflate",
        9 => "deflate64",
        12 => "bzip2",
        14 => "lzma",
        93 => "zstd",
        95 => "xz",
        99 => "AES Encrypted",
        _ => "unknown",
    };
    let words = format!(
        "Zip archive data, at least v{}.{} to extract, compression method={method}",
        version / 10,
        version % 10
    );
    Some(Found::plain(words, "application/zip"))
}

/// The names of the first members.
fn names_in_zip(head: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    for at in head.find_iter("PK\x03\x04").take(16) {
        let length = le16(head, at + 26).and_then(|length| usize::try_from(length).ok());
        names.extend(length.and_then(|length| head.get(at + 30..at + 30 + length)));
    }
    names
}

fn gzip(head: &[u8]) -> Option<Found> {
    if !head.starts_with(b"\x1f\x8b") {
        return None;
    }
    let mut words = String::from("gzip compressed data");
    if head.get(2) != Some(&8) {
        words.push_str(", reserved method");
    }
    let flags = *head.get(3)?;
    let mut at = 10;
    if flags & 1 != 0 {
        words.push_str(", ASCII");
    }
    if flags & 4 != 0 {
        words.push_str(", has extra field");
        at += 2 + usize::try_from(le16(head, 10)?).ok()?;
    }
    if flags & 8 != 0 {
        let name = head.get(at..)?.split(|byte| *byte == 0).next()?;
        words.push_str(&format!(", was \"{}\"", name.to_str_lossy()));
    }
    if flags & 16 != 0 {
        words.push_str(", has comment");
    }
    let seconds = le32(head, 4)?;
    if seconds > 0 {
        let at = Timestamp { seconds: i64::try_from(seconds).ok()?, nanoseconds: 0 };
        let mut shown = Vec::new();
        Moment::new(at, &TimeZone::UTC)?.format(b"%a %b %e %H:%M:%S %Y", &mut shown);
        words.push_str(&format!(", last modified: {}", shown.to_str_lossy()));
    }
    match head.get(8)? {
        2 => words.push_str(", max compression"),
        4 => words.push_str(", max speed"),
        _ => {}
    }
    const SYSTEMS: &[&str] = &[
        "FAT filesystem (MS-DOS, OS/2, NT)",
        "Amiga",
        "VMS",
        "Unix",
        "VM/CMS",
        "Atari",
        "HPFS filesystem (OS/2, NT)",
        "MacOS",
        "Z-System",
        "CP/M",
        "TOPS/20",
        "NTFS filesystem (NT)",
        "QDOS",
        "Acorn RISCOS",
    ];
    if let Some(system) = SYSTEMS.get(usize::from(*head.get(9)?)) {
        words.push_str(&format!(", from {system}"));
    }
    if let Some(size) = head.len().checked_sub(4).and_then(|at| le32(head, at)) {
        words.push_str(&format!(", original size modulo 2^32 {size}"));
    }
    Some(Found::plain(words, "application/gzip"))
}

fn compressed(head: &[u8]) -> Option<Found> {
    if let Some([level @ b'1'..=b'9', ..]) = head.strip_prefix(b"BZh") {
        let words = format!("bzip2 compressed data, block size = {}00k", char::from(*level));
        return Some(Found::plain(words, "application/x-bzip2"));
    }
    if let Some(rest) = head.strip_prefix(b"\xfd7zXZ\0") {
        let check = match rest.get(1)? & 15 {
            0 => ", checksum NONE",
            1 => ", checksum CRC32",
            4 => ", checksum CRC64",
            10 => ", checksum SHA-256",
            _ => "",
        };
        return Some(Found::plain(format!("XZ compressed data{check}"), "application/x-xz"));
    }
    if head.starts_with(b"\x28\xb5\x2f\xfd") {
        let id = match head.get(4)? & 3 {
            0 => "None".to_owned(),
            bits => {
                let single = head.get(4)? & 0x20 != 0;
                let at = if single { 5 } else { 6 };
                let size = 1 << (bits - 1);
                number(head, at, size, false)?.to_string()
            }
        };
        let words = format!("Zstandard compressed data (v0.8+), Dictionary ID: {id}");
        return Some(Found::plain(words, "application/zstd"));
    }
    if let Some([bits, ..]) = head.strip_prefix(b"\x1f\x9d") {
        let words = format!("compress'd data {} bits", bits & 31);
        return Some(Found::plain(words, "application/x-compress"));
    }
    if head.starts_with(b"\x5d\0\0") && matches!(head.get(12), Some(0 | 0xff)) {
        let words = match number(head, 5, 8, false)? {
            u64::MAX => "LZMA compressed data, streamed".to_owned(),
            size => format!("LZMA compressed data, non-streamed, size {size}"),
        };
        return Some(Found::plain(words, "application/x-lzma"));
    }
    let zlib = matches!(head.get(..2)?, b"\x78\x01" | b"\x78\x5e" | b"\x78\x9c" | b"\x78\xda");
    zlib.then(|| Found::plain("zlib compressed data", "application/zlib"))
}

fn riff(head: &[u8]) -> Option<Found> {
    if !head.starts_with(b"RIFF") {
        return None;
    }
    let lead = "RIFF (little-endian) data";
    Some(match head.get(8..12)? {
        b"WEBP" => Found::plain(format!("{lead}, Web/P image"), "image/webp"),
        b"AVI " => Found::plain(format!("{lead}, AVI"), "video/x-msvideo"),
        b"WAVE" => {
            let mut words = format!("{lead}, WAVE audio");
            if head.get(12..16) == Some(b"fmt ") {
                words.push_str(match le16(head, 20)? {
                    1 => ", Microsoft PCM",
                    2 => ", Microsoft ADPCM",
                    3 => ", IEEE Float",
                    6 => ", ITU G.711 A-law",
                    7 => ", ITU G.711 mu-law",
                    0x55 => ", MPEG Layer 3",
                    _ => "",
                });
                if let Some(bits) = le16(head, 34).filter(|bits| (1..1024).contains(bits)) {
                    words.push_str(&format!(", {bits} bit"));
                }
                let channels = match le16(head, 22)? {
                    1 => ", mono".to_owned(),
                    2 => ", stereo".to_owned(),
                    many => format!(", {many} channels"),
                };
                words.push_str(&format!("{channels} {} Hz", le32(head, 24)?));
            }
            Found::plain(words, "audio/x-wav")
        }
        _ => Found::plain(lead, "application/octet-stream"),
    })
}

fn media(head: &[u8]) -> Option<Found> {
    if let Some(version) = head.strip_prefix(b"ID3") {
        let words = format!("Audio file with ID3 version 2.{}.{}", version.first()?, version.get(1)?);
        return Some(Found::plain(words, "audio/mpeg"));
    }
    if head.get(4..8) == Some(b"ftyp") {
        let (words, mime) = match head.get(8..12)? {
            b"mp42" => ("MP4 v2 [ISO 14496-14]", "video/mp4"),
            b"mp41" => ("MP4 v1 [ISO 14496-1:ch13]", "video/mp4"),
            b"isom" => ("MP4 Base Media v1 [ISO 14496-12:2003]", "video/mp4"),
            b"iso2" => ("MP4 Base Media v2 [ISO 14496-12:2005]", "video/mp4"),
            b"avc1" => ("MP4 Base Media w/ AVC ext [ISO 14496-12:2005]", "video/mp4"),
            b"qt  " => ("Apple QuickTime movie, Apple QuickTime (.MOV/QT)", "video/quicktime"),
            b"M4A " => ("Apple iTunes ALAC/AAC-LC (.M4A) Audio", "audio/x-m4a"),
            b"M4V " => ("Apple iTunes Video (.M4V) Video", "video/x-m4v"),
            b"heic" => ("HEIF Image HEVC Main or Main Still Picture Profile", "image/heic"),
            b"mif1" => ("HEIF Image", "image/heif"),
            b"avif" => ("AVIF Image", "image/avif"),
            b"3gp4" | b"3gp5" | b"3gp6" => ("MPEG v4 system, 3GPP", "video/3gpp"),
            _ => return Some(Found::plain("ISO Media", "application/octet-stream")),
        };
        return Some(Found::plain(format!("ISO Media, {words}"), mime));
    }
    if head.starts_with(b"\x1a\x45\xdf\xa3") {
        let start = head.get(..256).unwrap_or(head);
        if start.contains_str("webm") {
            return Some(Found::plain("WebM", "video/webm"));
        }
        return start.contains_str("matroska").then(|| Found::plain("Matroska data", "video/x-matroska"));
    }
    if head.starts_with(b"OggS") {
        if head.get(28..35) == Some(b"\x01vorbis") {
            let channels = match head.get(39)? {
                1 => "mono".to_owned(),
                2 => "stereo".to_owned(),
                many => format!("{many} channels"),
            };
            let words = format!("Ogg data, Vorbis audio, {channels}, {} Hz", le32(head, 40)?);
            return Some(Found::plain(words, "audio/ogg"));
        }
        if head.get(28..36) == Some(b"OpusHead") {
            return Some(Found::plain("Ogg data, Opus audio,", "audio/ogg"));
        }
        return Some(Found::plain("Ogg data", "application/octet-stream"));
    }
    if head.starts_with(b"fLaC") {
        return Some(Found::plain("FLAC audio bitstream data", "audio/flac"));
    }
    if head.starts_with(b"MThd") {
        let division = be16(head, 12)?;
        let words = format!(
            "Standard MIDI data (format {}) using {} tracks at 1/{division}",
            be16(head, 8)?,
            be16(head, 10)?
        );
        return Some(Found::plain(words, "audio/midi"));
    }
    if head.starts_with(b"FORM") {
        let (words, mime) = match head.get(8..12)? {
            b"AIFF" => ("IFF data, AIFF audio", "audio/x-aiff"),
            b"AIFC" => ("IFF data, AIFF-C compressed audio", "audio/x-aiff"),
            _ => ("IFF data", "application/octet-stream"),
        };
        return Some(Found::plain(words, mime));
    }
    None
}

fn program(head: &[u8]) -> Option<Found> {
    if let Some(rest) = head.strip_prefix(b"\0asm") {
        let version = le32(rest, 0)?;
        let words = match version {
            1 => "WebAssembly (wasm) binary module version 0x1 (MVP)".to_owned(),
            _ => format!("WebAssembly (wasm) binary module version {version:#x}"),
        };
        return Some(Found::plain(words, "application/wasm"));
    }
    if head.starts_with(b"\xca\xfe\xba\xbe") {
        let (minor, major) = (be16(head, 4)?, be16(head, 6)?);
        if major < 43 {
            let words = format!("Mach-O universal binary with {} architectures", be32(head, 4)?);
            return Some(Found::plain(words, "application/x-mach-binary"));
        }
        let java = match major {
            45 => " (Java 1.1)".to_owned(),
            46..=48 => format!(" (Java 1.{})", major - 44),
            49..=52 => format!(" (Java 1.{})", major - 44),
            53.. => format!(" (Java SE {})", major - 44),
            _ => String::new(),
        };
        let words = format!("compiled Java class data, version {major}.{minor}{java}");
        return Some(Found::plain(words, "application/x-java-applet"));
    }
    if matches!(head.get(..4)?, b"\xcf\xfa\xed\xfe" | b"\xce\xfa\xed\xfe") {
        let wide = head.first() == Some(&0xcf);
        let machine = match le32(head, 4)? & 0x00ff_ffff {
            7 if wide => "x86_64",
            7 => "i386",
            12 if wide => "arm64",
            12 => "arm",
            _ => "unknown",
        };
        let kind = match le32(head, 12)? {
            1 => "object",
            2 => "executable",
            6 => "dynamically linked shared library",
            8 => "bundle",
            _ => "filetype",
        };
        let bits = if wide { "64-bit " } else { "" };
        return Some(Found::plain(format!("Mach-O {bits}{machine} {kind}"), "application/x-mach-binary"));
    }
    if head.starts_with(b"MZ") {
        let at = le32(head, 60).and_then(|at| usize::try_from(at).ok());
        let found = at.filter(|at| head.get(*at..).is_some_and(|rest| rest.starts_with(b"PE\0\0")));
        let Some(at) = found else {
            return Some(Found::plain("MS-DOS executable, MZ for MS-DOS", "application/x-dosexec"));
        };
        let machine = match le16(head, at + 4)? {
            0x14c => "Intel 80386",
            0x8664 => "x86-64",
            0xaa64 => "Aarch64",
            0x1c0 | 0x1c4 => "ARMv7 Thumb",
            _ => "unknown processor",
        };
        let plus = if le16(head, at + 24) == Some(0x20b) { "+" } else { "" };
        let dll = if le16(head, at + 22)? & 0x2000 != 0 { " (DLL)" } else { " executable" };
        let system = match le16(head, at + 92)? {
            1 => " (native)",
            2 => " (GUI)",
            3 => " (console)",
            10..=12 => " (EFI)",
            _ => "",
        };
        let words =
            format!("PE32{plus}{dll}{system} {machine}, for MS Windows, {} sections", le16(head, at + 6)?);
        return Some(Found::plain(words, "application/vnd.microsoft.portable-executable"));
    }
    if let Some(rest) = head.strip_prefix(b"\x1bLua") {
        let version = rest.first()?;
        let words = format!("Lua bytecode, version {}.{}", version >> 4, version & 15);
        return Some(Found::plain(words, "application/octet-stream"));
    }
    None
}

fn archive(head: &[u8]) -> Option<Found> {
    if let Some(rest) = head.strip_prefix(b"7z\xbc\xaf\x27\x1c") {
        let words = format!("7-zip archive data, version {}.{}", rest.first()?, rest.get(1)?);
        return Some(Found::plain(words, "application/x-7z-compressed"));
    }
    if let Some(rest) = head.strip_prefix(b"Rar!\x1a\x07") {
        let version = if rest.first() == Some(&1) { ", v5" } else { "" };
        return Some(Found::plain(format!("RAR archive data{version}"), "application/x-rar"));
    }
    if head.starts_with(b"!<arch>\ndebian-binary") {
        let format = head.get(68..71)?.to_str_lossy().into_owned();
        let member = head.get(72..88)?.split(|byte| matches!(byte, b' ' | b'/')).next()?;
        let words = format!("Debian binary package (format {format}), with {}", member.to_str_lossy());
        return Some(Found::plain(words, "application/vnd.debian.binary-package"));
    }
    if head.starts_with(b"\xed\xab\xee\xdb") {
        let kind = if be16(head, 6)? == 0 { "bin" } else { "src" };
        let words = format!("RPM v{}.{} {kind}", head.get(4)?, head.get(5)?);
        return Some(Found::plain(words, "application/x-rpm"));
    }
    None
}

fn document(head: &[u8]) -> Option<Found> {
    if let Some(rest) = head.strip_prefix(b"%PDF-") {
        let (major, minor) = (rest.first()?, rest.get(2)?);
        let words = format!("PDF document, version {}.{}", char::from(*major), char::from(*minor));
        return Some(Found::plain(words, "application/pdf"));
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        let words = "Composite Document File V2 Document, Cannot read section info";
        return Some(Found::plain(words, "application/x-ole-storage"));
    }
    None
}

fn data(head: &[u8]) -> Option<Found> {
    if head.starts_with(b"SQLite format 3\0") {
        let field = |at: usize| be32(head, at);
        let mut words = String::from("SQLite 3.x database");
        if let Some(id) = field(68).filter(|id| *id > 0) {
            words.push_str(&format!(", application id {id}"));
        }
        if let Some(version) = field(60).filter(|version| *version > 0) {
            words.push_str(&format!(", user version {version}"));
        }
        let encoding = match field(56)? {
            1 => ", UTF-8",
            2 => ", UTF-16 little endian",
            3 => ", UTF-16 big endian",
            _ => "",
        };
        words.push_str(&format!(
            ", last written using SQLite version {}, file counter {}, database pages {}, cookie {:#x}, schema {}{encoding}, version-valid-for {}",
            field(96)?,
            field(24)?,
            field(28)?,
            field(40)?,
            field(44)?,
            field(92)?
        ));
        return Some(Found::plain(words, "application/vnd.sqlite3"));
    }
    if let Some(rest) = head.strip_prefix(b"DIRC") {
        let words = format!("Git index, version {}, {} entries", be32(rest, 0)?, be32(rest, 4)?);
        return Some(Found::plain(words, "application/octet-stream"));
    }
    if let Some(rest) = head.strip_prefix(b"PACK") {
        let words = format!("Git pack, version {}, {} objects", be32(rest, 0)?, be32(rest, 4)?);
        return Some(Found::plain(words, "application/x-git"));
    }
    if let Some(rest) = head.strip_prefix(b"TZif") {
        let version = rest.first().filter(|byte| byte.is_ascii_digit());
        let fat = if version.is_some() { " (fat)" } else { "" };
        return Some(Found::plain(format!("timezone data{fat}"), "application/octet-stream"));
    }
    if let Some(rest) = head.strip_prefix(b"\x93NUMPY") {
        let words = format!(
            "NumPy array, version {}.{}, header length {}",
            rest.first()?,
            rest.get(1)?,
            le16(rest, 2)?
        );
        return Some(Found::plain(words, "application/octet-stream"));
    }
    for (magic, kind) in [(b"wOFF", ""), (b"wOF2", " (Version 2)")] {
        if head.starts_with(magic) {
            let flavor = match head.get(4..8)? {
                b"\0\x01\0\0" => "TrueType",
                b"OTTO" => "CFF",
                _ => "unknown",
            };
            let at = if kind.is_empty() { 20 } else { 24 };
            let version = (be16(head, at).unwrap_or_default(), be16(head, at + 2).unwrap_or_default());
            let words = format!(
                "Web Open Font Format{kind}, {flavor}, length {}, version {}.{}",
                be32(head, 8)?,
                version.0,
                version.1
            );
            return Some(Found::plain(words, if kind.is_empty() { "font/woff" } else { "font/woff2" }));
        }
    }
    if head.starts_with(b"\xd4\xc3\xb2\xa1") {
        let link = match le32(head, 20)? {
            0 => "BSD loopback".to_owned(),
            1 => "Ethernet".to_owned(),
            other => format!("linktype#{other}"),
        };
        let words = format!(
            "pcap capture file, microsecond ts (little-endian) - version {}.{} ({link}, capture length {})",
            le16(head, 4)?,
            le16(head, 6)?,
            le32(head, 16)?
        );
        return Some(Found::plain(words, "application/vnd.tcpdump.pcap"));
    }
    None
}
