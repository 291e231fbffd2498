//! ELF files: what the headers tell.

use bstr::ByteSlice;

use super::Found;

struct Reader<'a> {
    bytes: &'a [u8],
    big: bool,
    wide: bool,
}

impl Reader<'_> {
    fn number(&self, at: u64, size: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) })
    }

    /// A field that is wide in wide files, at its place in narrow and in wide ones.
    fn address(&self, base: u64, narrow: u64, wide: u64) -> Option<u64> {
        if self.wide { self.number(base + wide, 8) } else { self.number(base + narrow, 4) }
    }

    fn text(&self, at: u64) -> Option<&[u8]> {
        let rest = self.bytes.get(usize::try_from(at).ok()?..)?;
        rest.split(|byte| *byte == 0).next()
    }
}

const MACHINES: &[(u64, &str)] = &[
    (2, "SPARC"),
    (3, "Intel 80386"),
    (8, "MIPS"),
    (20, "PowerPC or cisco 4500"),
    (21, "64-bit PowerPC or cisco 7500"),
    (22, "IBM S/390"),
    (40, "ARM"),
    (62, "x86-64"),
    (183, "ARM aarch64"),
    (243, "UCB RISC-V"),
    (258, "LoongArch"),
];

/// Headers that are looked at.
const HEADERS: u64 = 1024;

pub(super) fn detect(bytes: &[u8]) -> Option<Found> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    let ident = |at: usize| bytes.get(at).copied();
    let (wide, big) = (ident(4)? == 2, ident(5)? == 2);
    let reader = Reader { bytes, big, wide };
    let mut words = format!("ELF {}-bit {}", if wide { 64 } else { 32 }, if big { "MSB" } else { "LSB" });
    let kind = reader.number(16, 2)?;
    let machine = reader.number(18, 2)?;
    let (segments, segment_size, segment_count) = (
        reader.address(0, 28, 32)?,
        reader.number(if wide { 54 } else { 42 }, 2)?,
        reader.number(if wide { 56 } else { 44 }, 2)?,
    );
    let mut facts = Facts::default();
    for index in 0..segment_count.min(HEADERS) {
        let base = segments.checked_add(index.checked_mul(segment_size)?)?;
        let Some(kind) = reader.number(base, 4) else { break };
        let offset = reader.address(base, 4, 8)?;
        let size = reader.address(base, 16, 32)?;
        match kind {
            2 => facts.dynamic(&reader, offset, size),
            3 => facts.interpreter = reader.text(offset).map(|text| text.to_str_lossy().into_owned()),
            4 => facts.notes(&reader, offset, size),
            _ => {}
        }
    }
    facts.sections(&reader);
    let (name, mime) = match kind {
        1 => ("relocatable", "application/x-object"),
        2 => ("executable", "application/x-executable"),
        3 if facts.pie => ("pie executable", "application/x-pie-executable"),
        3 => ("shared object", "application/x-sharedlib"),
        4 => ("core file", "application/x-coredump"),
        _ => ("no file type", "application/octet-stream"),
    };
    let machine =
        MACHINES.iter().find(|(number, _)| *number == machine).map_or("*unknown arch*", |(_, name)| name);
    let system = match ident(7)? {
        0 => " (SYSV)",
        3 => " (GNU/Linux)",
        9 => " (FreeBSD)",
        _ => "",
    };
    words.push_str(&format!(" {name}, {machine}, version {}{system}", reader.number(20, 4)?));
    if kind == 2 || kind == 3 {
        words.push_str(if facts.has_dynamic {
            ", dynamically linked"
        } else if facts.pie {
            ", static-pie linked"
        } else {
            ", statically linked"
        });
    }
    if let Some(interpreter) = &facts.interpreter {
        words.push_str(&format!(", interpreter {interpreter}"));
    }
    if let Some(id) = &facts.build_id {
        words.push_str(&format!(", BuildID[sha1]={id}"));
    }
    if let Some(system) = &facts.system {
        words.push_str(&format!(", for GNU/Linux {system}"));
    }
    if facts.debug {
        words.push_str(", with debug_info");
    }
    if facts.sections_read {
        words.push_str(if facts.symbols { ", not stripped" } else { ", stripped" });
    } else {
        words.push_str(", no section header");
    }
    Some(Found::plain(words, mime))
}

#[derive(Default)]
struct Facts {
    interpreter: Option<String>,
    build_id: Option<String>,
    system: Option<String>,
    has_dynamic: bool,
    pie: bool,
    debug: bool,
    symbols: bool,
    sections_read: bool,
}

impl Facts {
    fn dynamic(&mut self, reader: &Reader<'_>, offset: u64, size: u64) {
        self.has_dynamic = true;
        let step = if reader.wide { 16 } else { 8 };
        for index in 0..(size / step).min(HEADERS) {
            let at = offset.saturating_add(index * step);
            let (Some(tag), Some(value)) = (reader.address(at, 0, 0), reader.address(at, 4, 8)) else {
                return;
            };
            // DF_1_PIE of DT_FLAGS_1.
            if tag == 0x6fff_fffb && value & 0x0800_0000 != 0 {
                self.pie = true;
            }
            if tag == 0 {
                return;
            }
        }
    }

    fn notes(&mut self, reader: &Reader<'_>, offset: u64, size: u64) {
        let mut at = offset;
        let end = offset.saturating_add(size);
        let mut count = 0;
        while at < end && count < HEADERS {
            count += 1;
            let field = |place: u64| reader.number(at.saturating_add(place), 4);
            let (Some(name), Some(length), Some(kind)) = (field(0), field(4), field(8)) else { return };
            let body = at.saturating_add(12).saturating_add(name.next_multiple_of(4));
            if reader.text(at.saturating_add(12)) == Some(b"GNU") {
                if kind == 1 && length >= 16 {
                    let part =
                        |index: u64| reader.number(body.saturating_add(4 * index), 4).unwrap_or_default();
                    self.system = Some(format!("{}.{}.{}", part(1), part(2), part(3)));
                } else if kind == 3 {
                    let range = usize::try_from(body).ok().zip(usize::try_from(length).ok());
                    let bytes =
                        range.and_then(|(from, length)| reader.bytes.get(from..from.checked_add(length)?));
                    self.build_id =
                        bytes.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
                }
            }
            at = body.saturating_add(length.next_multiple_of(4));
        }
    }

    fn sections(&mut self, reader: &Reader<'_>) -> Option<()> {
        let table = reader.address(0, 32, 40)?;
        let size = reader.number(if reader.wide { 58 } else { 46 }, 2)?;
        let count = reader.number(if reader.wide { 60 } else { 48 }, 2)?;
        let names = reader.number(if reader.wide { 62 } else { 50 }, 2)?;
        let at = |index: u64| table.checked_add(index.checked_mul(size)?);
        let strings = reader.address(at(names)?, 16, 24)?;
        self.sections_read = count > 0;
        for index in 0..count.min(HEADERS) {
            let base = at(index)?;
            let name = reader.text(strings.checked_add(reader.number(base, 4)?)?)?;
            self.debug |= name == b".debug_info";
            self.symbols |= reader.number(base + 4, 4)? == 2;
        }
        Some(())
    }
}
