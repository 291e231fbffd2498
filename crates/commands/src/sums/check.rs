//! Lists of digests: what their lines mean, and whether the files they name still have these digests.

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use super::algorithm::{ALGORITHMS, Algorithm, Make, digest};
use super::{Plan, escaped};
use crate::lines::body;
use crate::quote::quote_name;
use crate::{Done, Tool};

/// What a line says.
struct Entry {
    digest: String,
    file: BString,
}

/// A list being read.
struct List<'a> {
    plan: &'a Plan,
    /// The algorithm of the line, or of one before it.
    algorithm: &'static Algorithm,
    /// The command is the one for all algorithms.
    any: bool,
    /// One blank stands between digest and name, as BSD's `md5 -r` writes it; the first line decides.
    narrow: Option<bool>,
}

fn is_blank(letter: char) -> bool {
    letter == ' ' || letter == '\t'
}

impl List<'_> {
    fn parse(&mut self, line: &[u8]) -> Option<Entry> {
        let line = line.trim_start_with(is_blank);
        let (escaped, line) = match line.strip_prefix(b"\\") {
            Some(line) => (true, line),
            None => (false, line),
        };
        let (digest, name) = match self.tagged(line) {
            Some(rest) => {
                let (size, rest) = rest?;
                let at = rest.rfind_byte(b')')?;
                let digest = rest.get(at + 1..)?.trim_start_with(is_blank).strip_prefix(b"=")?;
                let digest = digest.trim_start_with(is_blank);
                (Some(digest).filter(|digest| digest.len() == size * 2)?, rest.get(..at)?)
            }
            None if self.plan.chosen => self.untagged(line)?,
            None => return None,
        };
        if digest.is_empty() || !digest.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut file = BString::default();
        let mut bytes = name.iter().copied();
        while let Some(byte) = bytes.next() {
            file.push(match byte {
                b'\\' if escaped => match bytes.next()? {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b'\\' => b'\\',
                    _ => return None,
                },
                // As for the tools, a name ends here.
                0 => break,
                _ => byte,
            });
        }
        Some(Entry { digest: digest.to_str().ok()?.to_ascii_lowercase(), file })
    }

    /// The bytes of the digest, and what stands behind the opening parenthesis, if the line begins with the name of an
    /// algorithm. The inner `None`: it does, and is of no use.
    fn tagged<'a>(&mut self, line: &'a [u8]) -> Option<Option<(usize, &'a [u8])>> {
        let usable = |algorithm: &&'static Algorithm| {
            if self.plan.chosen { std::ptr::eq(*algorithm, self.plan.algorithm) } else { true }
        };
        let (algorithm, rest) = ALGORITHMS.iter().filter(usable).find_map(|algorithm| {
            let rest = line.strip_prefix(algorithm.tag.as_bytes())?;
            matches!(rest.first(), Some(b' ' | b'(' | b'-')).then_some((algorithm, rest))
        })?;
        if algorithm.is_old() {
            return Some(None);
        }
        self.algorithm = algorithm;
        let sized = self.any || matches!(algorithm.make, Make::Blake);
        let (size, rest) = match rest.strip_prefix(b"-").filter(|_| sized) {
            None => (algorithm.size(), rest.strip_prefix(b" ").filter(|_| self.any).unwrap_or(rest)),
            Some(rest) => {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let (bits, rest) = rest.split_at(digits);
                let bits = bits.to_str().ok().and_then(|bits| bits.parse().ok()).unwrap_or(0);
                let known = match algorithm.make {
                    Make::Blake => bits > 0 && bits <= algorithm.size() * 8 && bits % 8 == 0,
                    _ => bits == algorithm.size() * 8,
                };
                if !known {
                    return Some(None);
                }
                (bits / 8, rest)
            }
        };
        Some(rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"(").map(|rest| (size, rest)))
    }

    /// The digest and the name of a line that does not tell its algorithm.
    fn untagged<'a>(&mut self, line: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let length = match self.algorithm.make {
            Make::Blake => {
                let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                Some(digits).filter(|digits| digits % 2 == 0 && *digits <= self.algorithm.size() * 2)?
            }
            _ => self.algorithm.size() * 2,
        };
        let (digest, rest) = line.split_at_checked(length)?;
        let name = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t"))?;
        // The shortest line is counted without the digest where its length is not known.
        if name.is_empty() && !matches!(self.algorithm.make, Make::Blake) {
            return None;
        }
        match name {
            [b' ' | b'*', wide @ ..] if !wide.is_empty() => {
                Some((digest, if *self.narrow.get_or_insert(false) { name } else { wide }))
            }
            _ => self.narrow.get_or_insert(true).then_some((digest, name)),
        }
    }
}

/// Checks what a list says.
pub(super) async fn list(t: &mut Tool, plan: &Plan, list: &[u8]) -> Done {
    let Some(mut input) = t.open_or_tell(list).await? else { return Ok(()) };
    let list_name = if list == b"-" { "'standard input'".to_owned() } else { quote_name(list) };
    let (mut formatted, mut misformatted, mut unreadable, mut mismatched, mut matched) =
        (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let mut number = 0_u64;
    let any = t.command.name == "cksum";
    let mut state = List { plan, algorithm: plan.algorithm, any, narrow: None };
    loop {
        let line = match input.line(b'\n').await {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(_) => return t.error(format!("{list_name}: read error")).await,
        };
        number += 1;
        let line = body(line, b'\n');
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let entry = state.parse(line).filter(|entry| list != b"-" || entry.file != "-");
        let Some(Entry { digest: expected, file }) = entry else {
            misformatted += 1;
            if plan.warn {
                let message = format!(
                    "{list_name}: {number}: improperly formatted {} checksum line",
                    state.algorithm.tag
                );
                t.warn(message).await?;
            }
            continue;
        };
        formatted += 1;
        let shown = escaped(&file, false);
        let name = format!("{}{}", if shown.1 { "\\" } else { "" }, shown.0);
        let found = match t.open(&file).await {
            Err(Errno::NoEntry) if plan.ignore_missing => continue,
            Ok(mut input) => digest(&mut input, state.algorithm, expected.len() / 2).await,
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
            Ok(found) if found == expected => {
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
