//! Texts brought to a width. The widths and precisions that `format!` takes end at 65,535; more is a panic.

/// Blanks behind it.
pub(crate) fn left(mut text: String, width: usize) -> String {
    let missing = missing(&text, width);
    text.push_str(&" ".repeat(missing));
    text
}

/// Blanks before it.
pub(crate) fn right(mut text: String, width: usize) -> String {
    let missing = missing(&text, width);
    text.insert_str(0, &" ".repeat(missing));
    text
}

/// Zeros before its digits, behind a minus sign.
pub(crate) fn zeros(mut text: String, width: usize) -> String {
    let missing = missing(&text, width);
    text.insert_str(usize::from(text.starts_with('-')), &"0".repeat(missing));
    text
}

fn missing(text: &str, width: usize) -> usize {
    width.saturating_sub(text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_one() {
        for width in [0_usize, 3, 4, 7, 65_535, 65_536, 100_000] {
            let blanks = " ".repeat(width.saturating_sub(3));
            assert_eq!(left("-é1".into(), width), format!("-é1{blanks}"));
            assert_eq!(right("-é1".into(), width), format!("{blanks}-é1"));
            assert_eq!(zeros("-12".into(), width), format!("-{}12", "0".repeat(width.saturating_sub(3))));
            assert_eq!(zeros("712".into(), width), format!("{}712", "0".repeat(width.saturating_sub(3))));
        }
    }
}
