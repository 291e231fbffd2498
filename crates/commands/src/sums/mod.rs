//! `cksum`, `sum`, `md5sum`, `sha1sum`, `sha224sum`, `sha256sum`, `sha384sum`, `sha512sum`, `b2sum`: print and check
//! checksums and digests.

mod algorithm;
mod check;

use bstr::{BString, ByteSlice};

use algorithm::{ALGORITHMS, Algorithm, LONGEST, Make, digest, posix_crc, sum};

use crate::lines::or_stdin;
use crate::number::{Trouble, parse_size};
use crate::{Command, Done, Fail, Opt, Tool, start};

/// The first two are only for BLAKE2b and `cksum`; the next two only for the others.
macro_rules! options {
    ($($own:expr,)*) => {
        &[
            $($own,)*
            Opt::flag("c,check", "read checksums from the FILEs and check them"),
            Opt::flag("tag", "create a BSD-style checksum"),
            Opt::flag("z,zero", "end each output line with NUL, not newline,\nand disable file name escaping"),
            Opt::flag("ignore-missing", "don't fail or report status for missing files"),
            Opt::flag("quiet", "don't print OK for each successfully verified file"),
            Opt::flag("status", "don't output anything, status code shows success"),
            Opt::flag("strict", "exit non-zero for improperly formatted checksum lines"),
            Opt::flag("w,warn", "warn about improperly formatted checksum lines"),
        ]
    };
}

const BINARY: Opt = Opt::flag("b,binary", "read in binary mode");
const TEXT: Opt = Opt::flag("t,text", "read in text mode (default)");
const LENGTH: Opt = Opt::value(
    "l,length",
    "BITS",
    "digest length in bits; must not exceed the max for\nthe blake2 algorithm and must be a multiple of 8",
);
const ONE: &[Opt] = options![BINARY, TEXT,];
const BLAKE: &[Opt] = options![BINARY, TEXT, LENGTH,];
const ANY: &[Opt] = options![
    Opt::value("a,algorithm", "TYPE", "select the digest type to use.  See DIGEST below."),
    LENGTH,
    Opt::flag("untagged", "create a reversed style checksum, without digest type"),
    Opt::flag("debug", "indicate which implementation used"),
    // Short names that other programs of the family have; here they are mistakes without a message.
    Opt::flag("b", ""),
    Opt::flag("t", ""),
];

macro_rules! command {
    ($static:ident, $name:literal, $about:literal, $algorithm:literal, $options:expr) => {
        pub(crate) static $static: Command = Command {
            name: $name,
            usage: &["[OPTION]... [FILE]..."],
            about: $about,
            options: $options,
            more: "",
            usage_status: 1,
            main: |ctx| start(&$static, ctx, async |t: &mut Tool| run(t, $algorithm).await),
        };
    };
}

command!(MD5, "md5sum", "Print or check MD5 (128-bit) checksums.", "md5", ONE);
command!(SHA1, "sha1sum", "Print or check SHA1 (160-bit) checksums.", "sha1", ONE);
command!(SHA224, "sha224sum", "Print or check SHA224 (224-bit) checksums.", "sha224", ONE);
command!(SHA256, "sha256sum", "Print or check SHA256 (256-bit) checksums.", "sha256", ONE);
command!(SHA384, "sha384sum", "Print or check SHA384 (384-bit) checksums.", "sha384", ONE);
command!(SHA512, "sha512sum", "Print or check SHA512 (512-bit) checksums.", "sha512", ONE);
command!(B2, "b2sum", "Print or check BLAKE2b (512-bit) checksums.", "blake2b", BLAKE);

pub(crate) static CKSUM: Command = Command {
    name: "cksum",
    usage: &["[OPTION]... [FILE]..."],
    about: "Print or verify checksums.\nBy default use the 32 bit CRC algorithm.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: ANY,
    more: "DIGEST determines the digest algorithm and default output format:\n\
           \x20 sysv      (equivalent to sum -s)\n\
           \x20 bsd       (equivalent to sum -r)\n\
           \x20 crc       (equivalent to cksum)\n\
           \x20 md5       (equivalent to md5sum)\n\
           \x20 sha1      (equivalent to sha1sum)\n\
           \x20 sha224    (equivalent to sha224sum)\n\
           \x20 sha256    (equivalent to sha256sum)\n\
           \x20 sha384    (equivalent to sha384sum)\n\
           \x20 sha512    (equivalent to sha512sum)\n\
           \x20 blake2b   (equivalent to b2sum)\n\
           \x20 sm3       (only available through cksum)",
    usage_status: 1,
    main: |ctx| start(&CKSUM, ctx, async |t: &mut Tool| run(t, "").await),
};

pub(crate) static SUM: Command = Command {
    name: "sum",
    usage: &["[OPTION]... [FILE]..."],
    about: "Print or check BSD (16-bit) checksums.\n\nWith no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("r", "use BSD sum algorithm (the default), use 1K blocks"),
        Opt::flag("s,sysv", "use System V sum algorithm, use 512 bytes blocks"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| {
        start(&SUM, ctx, async |t: &mut Tool| {
            let mut name = "bsd";
            let mut options = t.options();
            while let Some((option, _)) = options.next()? {
                name = if option == "r" { "bsd" } else { "sysv" };
            }
            let plan = Plan { algorithm: named(name), ..Plan::default() };
            print(t, &plan, options.operands()).await
        })
    },
};

struct Plan {
    algorithm: &'static Algorithm,
    /// The algorithm was asked for; otherwise the lines of a list may choose any.
    chosen: bool,
    /// The bytes of a digest of BLAKE2b.
    size: usize,
    binary: bool,
    tag: bool,
    zero: bool,
    ignore_missing: bool,
    quiet: bool,
    status: bool,
    strict: bool,
    warn: bool,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            algorithm: named("crc"),
            chosen: false,
            size: LONGEST,
            binary: false,
            tag: false,
            zero: false,
            ignore_missing: false,
            quiet: false,
            status: false,
            strict: false,
            warn: false,
        }
    }
}

/// The algorithm with this name of `-a`.
fn named(name: &str) -> &'static Algorithm {
    let [first, others @ ..] = &ALGORITHMS;
    others.iter().find(|algorithm| algorithm.name == name).unwrap_or(first)
}

/// `only`: the command's one algorithm; empty: any can be chosen.
async fn run(t: &mut Tool, only: &str) -> Done {
    let mut plan = Plan::default();
    if only.is_empty() {
        plan.tag = true;
    } else {
        (plan.algorithm, plan.chosen) = (named(only), true);
    }
    let (mut check, mut text, mut debug) = (false, false, false);
    let mut tag_given = false;
    let mut length = (BString::default(), 0);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "b" | "t" if only.is_empty() => return Err(Fail::Usage(String::new())),
            "a" => {
                let words = ALGORITHMS.each_ref().map(|algorithm| (algorithm.name, algorithm.name));
                // A word must be whole here.
                let whole = ALGORITHMS.iter().any(|algorithm| algorithm.name.as_bytes() == value);
                let word: &[u8] = if whole { &value } else { b"\0" };
                let name = match crate::choice::choose(t, "--algorithm", word, &words) {
                    Err(Fail::UsageStatus(message, status)) => {
                        let message = message.replacen(&t.quote(word), &t.quote(&value), 1);
                        return Err(Fail::UsageStatus(message, status));
                    }
                    other => other?,
                };
                (plan.algorithm, plan.chosen) = (named(name), true);
            }
            "b" => (plan.binary, text) = (true, false),
            "c" => check = true,
            "debug" => debug = true,
            "l" => length = (value.clone(), bits(t, &value)?),
            "tag" => (plan.tag, plan.binary, text, tag_given) = (true, true, false, true),
            "untagged" => plan.tag = false,
            "t" => (plan.binary, text) = (false, true),
            "z" => plan.zero = true,
            "ignore-missing" => plan.ignore_missing = true,
            "quiet" => (plan.quiet, plan.status, plan.warn) = (true, false, false),
            "status" => (plan.quiet, plan.status, plan.warn) = (false, true, false),
            "strict" => plan.strict = true,
            _ => (plan.quiet, plan.status, plan.warn) = (false, false, true),
        }
    }
    if length.1 != 0 {
        if !matches!(plan.algorithm.make, Make::Blake) {
            let message = "--length is only supported with --algorithm=blake2b";
            return Err(Fail::Message(message.into(), 1));
        }
        if length.1 > LONGEST as u64 * 8 {
            t.warn(format!("invalid length: {}", t.quote(&length.0))).await?;
            let message = format!("maximum digest length for {} is 512 bits", t.quote(b"BLAKE2b"));
            return Err(Fail::Message(message, 1));
        }
        plan.size = (length.1 / 8) as usize;
    }
    if check && plan.chosen && plan.algorithm.is_old() {
        let message = "--check is not supported with --algorithm={bsd,sysv,crc}";
        return Err(Fail::Message(message.into(), 1));
    }
    if plan.tag && text {
        return Err(Fail::Usage("--tag does not support --text mode".into()));
    }
    if check {
        if plan.zero {
            return Err(Fail::Usage("the --zero option is not supported when verifying checksums".into()));
        }
        if tag_given && !only.is_empty() {
            return Err(Fail::Usage("the --tag option is meaningless when verifying checksums".into()));
        }
        for file in or_stdin(options.operands()) {
            check::list(t, &plan, &file).await?;
        }
        return Ok(());
    }
    for (given, name) in [
        (plan.ignore_missing, "--ignore-missing"),
        (plan.status, "--status"),
        (plan.warn, "--warn"),
        (plan.quiet, "--quiet"),
        (plan.strict, "--strict"),
    ] {
        if given {
            let message = format!("the {name} option is meaningful only when verifying checksums");
            return Err(Fail::Usage(message));
        }
    }
    if debug && matches!(plan.algorithm.make, Make::Crc) {
        t.warn("using generic hardware support").await?;
    }
    print(t, &plan, options.operands()).await
}

/// The bits that `-l` asks for.
fn bits(t: &Tool, value: &[u8]) -> Result<u64, Fail> {
    let said = format!("invalid length: {}", t.quote(value));
    let bits = parse_size(value, b"").map_err(|trouble| match trouble {
        Trouble::Overflow => Fail::Message(format!("{said}: Value too large for defined data type"), 1),
        _ => Fail::Message(said.clone(), 1),
    })?;
    if bits % 8 != 0 {
        return Err(Fail::Bare(format!("{0}: {said}\n{0}: length is not a multiple of 8", t.name), 1));
    }
    Ok(bits)
}

/// Prints a line for each of the files.
async fn print(t: &mut Tool, plan: &Plan, files: Vec<BString>) -> Done {
    let named = !files.is_empty();
    for file in or_stdin(files) {
        let Some(mut input) = t.open_or_tell(&file).await? else { continue };
        let old = match plan.algorithm.make {
            Make::Bsd => {
                sum(&mut input, false).await.map(|(sum, size)| format!("{sum:05} {:5}", size.div_ceil(1024)))
            }
            Make::SystemV => {
                sum(&mut input, true).await.map(|(sum, size)| format!("{sum} {}", size.div_ceil(512)))
            }
            Make::Crc => {
                let (crc, size) = posix_crc(&mut input).await;
                Ok(format!("{crc} {size}"))
            }
            _ => {
                match digest(&mut input, plan.algorithm, plan.size).await {
                    Ok(digest) => show(t, plan, &digest, &file),
                    Err(error) => t.file_error(&file, error).await?,
                }
                t.out.drain().await?;
                continue;
            }
        };
        match old {
            Ok(mut line) => {
                line.push_str(if named { " " } else { "" });
                t.out.put(line.as_bytes());
                t.out.put(if named { &file } else { b"" });
                t.out.put_byte(if plan.zero { 0 } else { b'\n' });
            }
            Err(error) => t.file_error(&file, error).await?,
        }
        t.out.drain().await?;
    }
    Ok(())
}

/// A name with newlines is escaped, and the line begins with a backslash then.
fn escaped(name: &[u8], zero: bool) -> (BString, bool) {
    if zero || name.find_byteset(b"\\\n\r").is_none() {
        return (name.into(), false);
    }
    let text = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
    (text.into(), true)
}

fn show(t: &mut Tool, plan: &Plan, digest: &str, file: &[u8]) {
    let (name, changed) = escaped(file, plan.zero);
    if changed {
        t.out.put(b"\\");
    }
    if plan.tag {
        t.out.put(plan.algorithm.tag.as_bytes());
        if plan.size < LONGEST {
            t.out.put(format!("-{}", plan.size * 8).as_bytes());
        }
        t.out.put(b" (");
        t.out.put(&name);
        t.out.put(b") = ");
        t.out.put(digest.as_bytes());
    } else {
        t.out.put(digest.as_bytes());
        t.out.put(if plan.binary { b" *" } else { b"  " });
        t.out.put(&name);
    }
    t.out.put_byte(if plan.zero { 0 } else { b'\n' });
}
