//! Sizes for people (gnulib's `human_readable`), and the units of `--block-size`.

/// How sizes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Units {
    /// As multiples of so many bytes, rounded up.
    Blocks(u64),
    /// As multiples of so many bytes, with this suffix behind.
    Suffixed(u64, &'static str),
    /// With the suffix that fits: powers of 1024.
    Binary,
    /// With the suffix that fits: powers of 1000.
    Decimal,
}

const SUFFIXES: [&str; 9] = ["", "K", "M", "G", "T", "P", "E", "Z", "Y"];

impl Units {
    /// Reads the argument of `--block-size`.
    pub(crate) fn parse(text: &[u8]) -> Option<Units> {
        match text {
            b"human-readable" => return Some(Units::Binary),
            b"si" => return Some(Units::Decimal),
            _ => {}
        }
        let text = text.strip_prefix(b"'").unwrap_or(text);
        let size = crate::number::parse_size(text, b"eEgGkKmMpPtTyYzZ0").ok().filter(|size| *size > 0)?;
        if text.first().is_some_and(u8::is_ascii_digit) {
            return Some(Units::Blocks(size));
        }
        // A unit without a number is shown behind each size.
        let suffix = match text {
            b"K" | b"k" | b"KiB" => "K",
            b"kB" | b"KB" => "kB",
            b"M" | b"MiB" => "M",
            b"MB" => "MB",
            b"G" | b"GiB" => "G",
            b"GB" => "GB",
            b"T" | b"TiB" => "T",
            b"TB" => "TB",
            _ => "",
        };
        Some(Units::Suffixed(size, suffix))
    }

    /// `bytes` in these units, rounded up.
    pub(crate) fn show(self, bytes: u64) -> String {
        match self {
            Units::Blocks(size) => bytes.div_ceil(size).to_string(),
            Units::Suffixed(size, suffix) => format!("{}{suffix}", bytes.div_ceil(size)),
            Units::Binary => scaled(bytes, 1024),
            Units::Decimal => scaled(bytes, 1000),
        }
    }
}

fn scaled(bytes: u64, base: u64) -> String {
    if bytes < base {
        return bytes.to_string();
    }
    let bytes = u128::from(bytes);
    let (mut power, mut unit) = (0, 1_u128);
    while bytes / unit >= u128::from(base) {
        unit *= u128::from(base);
        power += 1;
    }
    let mut tenths = (bytes * 10).div_ceil(unit);
    if tenths >= u128::from(base) * 10 {
        // Rounding up has made it one of the next unit.
        tenths = 10;
        power += 1;
    }
    let suffix = match (base, SUFFIXES.get(power).copied().unwrap_or("?")) {
        (1000, "K") => "k",
        (_, suffix) => suffix,
    };
    if tenths < 100 {
        return format!("{}.{}{suffix}", tenths / 10, tenths % 10);
    }
    let whole = bytes.div_ceil(unit).max(tenths / 10);
    format!("{whole}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::Units;

    #[test]
    fn sizes_round_up() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10240, "10K"),
            (10241, "11K"),
            (1_048_575, "1.0M"),
        ] {
            assert_eq!(Units::Binary.show(bytes), text);
        }
        assert_eq!(Units::Decimal.show(1_500_000), "1.5M");
        assert_eq!(Units::Decimal.show(1500), "1.5k");
        assert_eq!(Units::Blocks(1024).show(1), "1");
        assert_eq!(Units::parse(b"1K"), Some(Units::Blocks(1024)));
        assert_eq!(Units::parse(b"MB").map(|units| units.show(1)), Some("1MB".into()));
    }
}
