//! `md5sum`, `sha1sum`, `sha224sum`, `sha256sum`, `sha384sum`, `sha512sum`, `b2sum`: print and check digests. They stand
//! on the digests of RustCrypto.

use bstr::{BString, ByteSlice};
use digest::DynDigest;
use wasmsh_os::{Errno, Input};

use crate::lines::{body, or_stdin};
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("b,binary", "read in binary mode"),
    Opt::flag("c,check", "read checksums from the FILEs and check them"),
    Opt::value("l,length", "BITS", ""),
    Opt::flag("tag", "create a BSD-style checksum"),
    Opt::flag("t,text", "read in text mode (default)"),
    Opt::flag("z,zero", "end each output line with NUL, not newline,\nand disable file name escaping"),
    Opt::flag("ignore-missing", "don't fail or report status for missing files"),
    Opt::flag("quiet", "don't print OK for each successfully verified file"),
    Opt::flag("status", "don't output anything, status code shows success"),
    Opt::flag("strict", "exit non-zero for improperly formatted checksum lines"),
    Opt::flag("w,warn", "warn about improperly formatted checksum lines"),
];

#[derive(Clone, Copy)]
struct Kind {
    /// As `--tag` names it.
    tag: &'static str,
    make: fn() -> Box<dyn DynDigest>,
}

macro_rules! command {
    ($static:ident, $name:literal, $about:literal, $tag:literal, $digest:ty) => {
        pub(crate) static $static: Command = Command {
            name: $name,
            usage: &["[OPTION]... [FILE]..."],
            about: $about,
            options: OPTIONS,
            more: "",
            usage_status: 1,
            main: |ctx| {
                start(&$static, ctx, async |t: &mut Tool| {
                    run(t, Kind { tag: $tag, make: || Box::new(<$digest>::default()) }).await
                })
            },
        };
    };
}

command!(MD5, "md5sum", "Print or check MD5 (128-bit) checksums.", "MD5", md5::Md5);
command!(SHA1, "sha1sum", "Print or check SHA1 (160-bit) checksums.", "SHA1", sha1::Sha1);
command!(SHA224, "sha224sum", "Print or check SHA224 (224-bit) checksums.", "SHA224", sha2::Sha224);
command!(SHA256, "sha256sum", "Print or check SHA256 (256-bit) checksums.", "SHA256", sha2::Sha256);
command!(SHA384, "sha384sum", "Print or check SHA384 (384-bit) checksums.", "SHA384", sha2::Sha384);
command!(SHA512, "sha512sum", "Print or check SHA512 (512-bit) checksums.", "SHA512", sha2::Sha512);
command!(B2, "b2sum", "Print or check BLAKE2 (512-bit) checksums.", "BLAKE2b", blake2::Blake2b512);

#[derive(Default)]
struct Plan {
    binary: bool,
    tag: bool,
    zero: bool,
    ignore_missing: bool,
    quiet: bool,
    status: bool,
    strict: bool,
    warn: bool,
}

async fn run(t: &mut Tool, kind: Kind) -> Done {
    let mut plan = Plan::default();
    let (mut check, mut text) = (false, false);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "b" => (plan.binary, text) = (true, false),
            "c" => check = true,
            "tag" => (plan.tag, plan.binary, text) = (true, true, false),
            "t" => (plan.binary, text) = (false, true),
            "z" => plan.zero = true,
            "ignore-missing" => plan.ignore_missing = true,
            "quiet" => plan.quiet = true,
            "status" => plan.status = true,
            "strict" => plan.strict = true,
            "w" => plan.warn = true,
            _ if kind.tag == "BLAKE2b" => {
                let text = value.unwrap_or_default();
                if text != "512" && text != "0" {
                    return Err(Fail::Message(format!("invalid length: {}", t.quote(&text)), 1));
                }
            }
            _ => return Err(Fail::Usage("invalid option -- 'l'".into())),
        }
    }
    if plan.tag && text {
        return Err(Fail::Usage("--tag does not support --text mode".into()));
    }
    if !check {
        for (given, name) in [
            (plan.ignore_missing, "--ignore-missing"),
            (plan.status, "--status"),
            (plan.warn, "--warn"),
            (plan.quiet, "--quiet"),
            (plan.strict, "--strict"),
        ] {
            if given {
                return Err(Fail::Usage(format!(
                    "the {name} option is meaningful only when verifying checksums"
                )));
            }
        }
    } else if plan.tag {
        return Err(Fail::Usage("the --tag option is meaningless when verifying checksums".into()));
    }
    for file in or_stdin(options.operands()) {
        if check {
            check_list(t, &plan, kind, &file).await?;
            continue;
        }
        let digest = match t.open(&file).await {
            Ok(mut input) => digest_of(&mut input, kind).await,
            Err(error) => Err(error),
        };
        match digest {
            Ok(digest) => show(t, &plan, kind, &digest, &file),
            Err(error) => t.file_error(&file, error).await?,
        }
        t.out.drain().await?;
    }
    Ok(())
}

async fn digest_of(input: &mut Input, kind: Kind) -> Result<String, Errno> {
    let mut hasher = (kind.make)();
    loop {
        let block = input.fill().await?;
        if block.is_empty() {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(block);
        let count = block.len();
        input.consume(count);
    }
}

/// A name with newlines is escaped, and the line begins with a backslash then.
fn escaped(name: &[u8], zero: bool) -> (BString, bool) {
    if zero || name.find_byteset(b"\\\n\r").is_none() {
        return (name.into(), false);
    }
    let text = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
    (text.into(), true)
}

fn show(t: &mut Tool, plan: &Plan, kind: Kind, digest: &str, file: &[u8]) {
    let (name, changed) = escaped(file, plan.zero);
    if changed {
        t.out.put(b"\\");
    }
    if plan.tag {
        t.out.put(format!("{} (", kind.tag).as_bytes());
        t.out.put(&name);
        t.out.put(format!(") = {digest}").as_bytes());
    } else {
        t.out.put(digest.as_bytes());
        t.out.put(if plan.binary { b" *" } else { b"  " });
        t.out.put(&name);
    }
    t.out.put_byte(if plan.zero { 0 } else { b'\n' });
}

/// The digest and the name of a line of a list.
fn parse_line(line: &[u8], kind: Kind, length: usize) -> Option<(String, BString)> {
    let (escaped, line) = match line.strip_prefix(b"\\") {
        Some(line) => (true, line),
        None => (false, line),
    };
    // OpenSSL writes the same without the blanks.
    let tagged = line
        .strip_prefix(kind.tag.as_bytes())
        .and_then(|rest| rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"("));
    let (digest, name) = match tagged {
        Some(rest) => {
            let at = rest.rfind_byte(b')')?;
            let blank = |letter| letter == ' ' || letter == '\t';
            let digest = rest.get(at + 1..)?.trim_start_with(blank).strip_prefix(b"=")?;
            (digest.trim_start_with(blank), rest.get(..at)?)
        }
        None => {
            let rest = line.trim_start_with(|letter| letter == ' ' || letter == '\t');
            let (digest, rest) = rest.split_at_checked(length)?;
            let name = rest.strip_prefix(b" ")?;
            (digest, name.strip_prefix(b" ").or_else(|| name.strip_prefix(b"*")).unwrap_or(name))
        }
    };
    if digest.len() != length || !digest.iter().all(u8::is_ascii_hexdigit) || name.is_empty() {
        return None;
    }
    let mut plain = BString::default();
    let mut bytes = name.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' if escaped => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b'\\' => b'\\',
                _ => return None,
            },
            _ => byte,
        });
    }
    Some((digest.to_str().ok()?.to_ascii_lowercase(), plain))
}

async fn check_list(t: &mut Tool, plan: &Plan, kind: Kind, list: &[u8]) -> Done {
    let length = (kind.make)().output_size() * 2;
    let Some(mut input) = t.open_or_tell(list).await? else { return Ok(()) };
    let list_name = if list == b"-" { "'standard input'".to_owned() } else { quote_name(list) };
    let (mut formatted, mut misformatted, mut unreadable, mut mismatched, mut matched) =
        (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let mut number = 0_u64;
    while let Some(line) = crate::lines::next_line(t, &mut input, list, b'\n').await? {
        number += 1;
        let line = body(line, b'\n');
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let Some((digest, file)) = parse_line(line, kind, length) else {
            misformatted += 1;
            if plan.warn {
                let message =
                    format!("{list_name}: {number}: improperly formatted {} checksum line", kind.tag);
                t.warn(message).await?;
            }
            continue;
        };
        formatted += 1;
        let shown = escaped(&file, false);
        let name = format!("{}{}", if shown.1 { "\\" } else { "" }, shown.0);
        let found = match t.open(&file).await {
            Err(Errno::NoEntry) if plan.ignore_missing => continue,
            Ok(mut input) => digest_of(&mut input, kind).await,
            Err(error) => Err(error),
        };
        match found {
            Err(error) => {
                unreadable += 1;
                t.file_error(&file, error).await?;
                if !plan.status {
                    t.out.put(format!("{name}: FAILED open or read\n").as_bytes());
                }
            }
            Ok(found) if found == digest => {
                matched += 1;
                if !plan.status && !plan.quiet {
                    t.out.put(format!("{name}: OK\n").as_bytes());
                }
            }
            Ok(_) => {
                mismatched += 1;
                if !plan.status {
                    t.out.put(format!("{name}: FAILED\n").as_bytes());
                }
            }
        }
    }
    if formatted == 0 {
        return t.error(format!("{list_name}: no properly formatted checksum lines found")).await;
    }
    if !plan.status {
        let plural =
            |count: u64, one: &str, many: &str| if count == 1 { one.to_owned() } else { many.to_owned() };
        if misformatted > 0 {
            let what = plural(misformatted, "line is improperly formatted", "lines are improperly formatted");
            t.warn(format!("WARNING: {misformatted} {what}")).await?;
        }
        if unreadable > 0 {
            let what = plural(unreadable, "listed file could not be read", "listed files could not be read");
            t.warn(format!("WARNING: {unreadable} {what}")).await?;
        }
        if mismatched > 0 {
            let what =
                plural(mismatched, "computed checksum did NOT match", "computed checksums did NOT match");
            t.warn(format!("WARNING: {mismatched} {what}")).await?;
        }
        if plan.ignore_missing && matched == 0 {
            t.warn(format!("{list_name}: no file was verified")).await?;
        }
    }
    let nothing = plan.ignore_missing && matched == 0;
    if mismatched > 0 || unreadable > 0 || nothing || (plan.strict && misformatted > 0) {
        t.status = 1;
    }
    Ok(())
}
