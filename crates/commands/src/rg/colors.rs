//! The colours of `rg`: `--colors TYPE:ATTRIBUTE:VALUE`.

use bstr::{BString, ByteSlice};

use super::Styles;
use super::args::bad;
use crate::Fail;

const COLORS: &[&str] = &["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/// `TYPE:ATTRIBUTE:VALUE`, put into one of the styles.
#[derive(Default, Clone, PartialEq, Eq)]
struct Style {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    intense: bool,
    underline: bool,
}

impl Style {
    fn sequence(&self) -> String {
        let mut text = String::from("\x1b[0m");
        if self.bold {
            text.push_str("\x1b[1m");
        }
        if self.underline {
            text.push_str("\x1b[4m");
        }
        let mut put = |color: &Option<String>, base: u32| {
            let Some(color) = color else { return };
            if let Some(index) = COLORS.iter().position(|name| name == color) {
                if self.intense {
                    text.push_str(&format!("\x1b[{}8;5;{}m", base / 10, index + 8));
                } else {
                    text.push_str(&format!("\x1b[{}m", base as usize + index));
                }
            } else {
                let parts: Vec<&str> = color.split(',').collect();
                match &parts[..] {
                    [one] => text.push_str(&format!("\x1b[{}8;5;{one}m", base / 10)),
                    [r, g, b] => text.push_str(&format!("\x1b[{}8;2;{r};{g};{b}m", base / 10)),
                    _ => {}
                }
            }
        };
        put(&self.fg, 30);
        put(&self.bg, 40);
        text
    }
}

/// A colour by its name, or by numbers.
fn color_value(text: &str) -> Result<String, Fail> {
    let text = text.to_ascii_lowercase();
    let number = |part: &str| match part.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => part.parse().ok(),
    };
    let parts: Vec<&str> = text.split(',').collect();
    let numbers: Option<Vec<u8>> = parts.iter().map(|part| number(part)).collect();
    match numbers {
        _ if COLORS.contains(&text.as_str()) => Ok(text),
        Some(numbers) if matches!(numbers.len(), 1 | 3) => {
            Ok(numbers.iter().map(u8::to_string).collect::<Vec<_>>().join(","))
        }
        _ => Err(bad(format!(
            "unrecognized color name '{text}'. Choose from: black, blue, green, red, cyan, magenta, yellow, white"
        ))),
    }
}

/// The styles that `--colors` asks for, one upon the other.
pub(super) fn styles(specs: &[BString]) -> Result<Styles, Fail> {
    let color = |name: &str, bold: bool| Style { fg: Some(name.into()), bold, ..Style::default() };
    let mut all = [
        ("path", color("magenta", false)),
        ("line", color("green", false)),
        ("column", Style::default()),
        ("match", color("red", true)),
    ];
    for spec in specs {
        let text = spec.to_str_lossy();
        let wrong = || {
            bad(format!(
                "invalid color spec format: '{text}'. Valid format is '(path|line|column|match):(fg|bg|style):(value)'."
            ))
        };
        let mut parts = text.splitn(3, ':');
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let style =
            all.iter_mut().find(|(name, _)| *name == kind).map(|(_, style)| style).ok_or_else(wrong)?;
        match (parts.next(), parts.next()) {
            (Some("none"), None) => *style = Style::default(),
            (Some("fg"), Some(value)) => style.fg = Some(color_value(value)?),
            (Some("bg"), Some(value)) => style.bg = Some(color_value(value)?),
            (Some("style"), Some(value)) => match value.to_ascii_lowercase().as_str() {
                "bold" => style.bold = true,
                "nobold" => style.bold = false,
                "intense" => style.intense = true,
                "nointense" => style.intense = false,
                "underline" => style.underline = true,
                "nounderline" => style.underline = false,
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        }
    }
    let plain = matches!(&all, [.., (_, style)] if *style == Style::default());
    let [path, line, column, mut matched] = all.map(|(_, style)| style.sequence());
    if plain {
        matched.clear();
    }
    Ok(Styles { path, line, column, matched })
}
