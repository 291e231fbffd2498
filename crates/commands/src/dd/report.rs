//! What `dd` tells at its end.

use std::fmt::Write;

use crate::extended::{Extended, Flags};

/// Blocks and bytes so far.
pub(super) struct Counts {
    started: u64,
    pub(super) read_full: u64,
    pub(super) read_partial: u64,
    pub(super) written_full: u64,
    pub(super) written_partial: u64,
    pub(super) truncated: u64,
    pub(super) bytes: u64,
}

impl Counts {
    /// Begins to count, at this time of the monotonic clock.
    pub(super) fn new(started: u64) -> Counts {
        Counts {
            started,
            read_full: 0,
            read_partial: 0,
            written_full: 0,
            written_partial: 0,
            truncated: 0,
            bytes: 0,
        }
    }

    /// The lines for standard error.
    pub(super) fn show(&self, now: u64, transfer: bool) -> String {
        let mut text = format!(
            "{}+{} records in\n{}+{} records out\n",
            self.read_full, self.read_partial, self.written_full, self.written_partial
        );
        // Writing to a string cannot fail.
        let _ = match self.truncated {
            0 => Ok(()),
            1 => writeln!(text, "1 truncated record"),
            many => writeln!(text, "{many} truncated records"),
        };
        if !transfer {
            return text;
        }
        let elapsed = now.saturating_sub(self.started);
        let bytes = u128::from(self.bytes);
        let (si, iec) = (human(bytes, 1000), human(bytes, 1024));
        let plain = |text: &str| text.as_bytes().iter().rev().nth(1) == Some(&b' ');
        let many = if self.bytes == 1 { "byte" } else { "bytes" };
        let _ = if plain(&si) {
            write!(text, "{} {many} copied", self.bytes)
        } else if plain(&iec) {
            write!(text, "{} {many} ({si}) copied", self.bytes)
        } else {
            write!(text, "{} {many} ({si}, {iec}) copied", self.bytes)
        };
        let speed = match elapsed {
            0 => "Infinity B".to_owned(),
            _ => rate(bytes * 1_000_000_000, u128::from(elapsed)),
        };
        let seconds = format!("{}.{:09}", elapsed / 1_000_000_000, elapsed % 1_000_000_000);
        let seconds = Extended::parse(seconds.as_bytes())
            .map(|(value, _)| value.format(b'g', Flags::default(), 0, None))
            .unwrap_or_default();
        let _ = writeln!(text, ", {seconds} s, {speed}/s");
        text
    }
}

/// `value` with the unit that fits, rounded to the nearest: `1.0 kB`, `14 KiB`.
pub(super) fn human(value: u128, base: u128) -> String {
    scaled(value, 1, base)
}

fn rate(bytes: u128, seconds: u128) -> String {
    if bytes == 0 {
        return "0.0 kB".into();
    }
    scaled(bytes, seconds, 1000)
}

/// `numerator / denominator` with a unit of powers of `base`.
fn scaled(numerator: u128, denominator: u128, base: u128) -> String {
    const PREFIXES: [&str; 9] = ["", "K", "M", "G", "T", "P", "E", "Z", "Y"];
    let nearest = |n: u128, d: u128| {
        let (quotient, rest) = (n / d, n % d);
        quotient + u128::from(rest * 2 > d || (rest * 2 == d && quotient % 2 == 1))
    };
    let (mut unit, mut power) = (denominator, 0);
    while numerator / unit >= base && power < 8 {
        unit *= base;
        power += 1;
    }
    let mut shown = String::new();
    if power > 0 {
        let tenths = nearest(numerator * 10, unit);
        if tenths < 100 {
            shown = format!("{}.{}", tenths / 10, tenths % 10);
        }
    }
    if shown.is_empty() {
        let whole = nearest(numerator, unit);
        if whole >= base && power < 8 {
            power += 1;
            shown = "1.0".into();
        } else {
            shown = whole.to_string();
        }
    }
    let prefix = PREFIXES.get(power).copied().unwrap_or_default();
    match (power, base) {
        (0, _) => format!("{shown} B"),
        (_, 1024) => format!("{shown} {prefix}iB"),
        (1, _) => format!("{shown} kB"),
        _ => format!("{shown} {prefix}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn sizes_round_to_the_nearest() {
        for (bytes, si, iec) in [
            (0, "0 B", "0 B"),
            (999, "999 B", "999 B"),
            (1000, "1.0 kB", "1000 B"),
            (13_893, "14 kB", "14 KiB"),
            (1_048_576, "1.0 MB", "1.0 MiB"),
            (999_999, "1.0 MB", "977 KiB"),
        ] {
            assert_eq!((&human(bytes, 1000)[..], &human(bytes, 1024)[..]), (si, iec));
        }
    }
}
