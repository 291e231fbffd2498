//! File modes: octal and symbolic, as `chmod` reads them, and as `ls -l` shows them.

use wasmsh_os::{FileType, Stat};

/// A change of modes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModeChange(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    operator: u8,
    /// Which bits `who` covers, set-id and sticky among them; 0: nobody was named.
    who: u32,
    /// The bits that are named.
    bits: u32,
    /// `X`: execution if anybody has it, or for a directory.
    execute_if_any: bool,
    /// `u`, `g` or `o` on the right: the bits of that class.
    copy: Option<u8>,
    /// Of an octal mode, the bits that it mentions.
    octal: Option<u32>,
}

impl ModeChange {
    /// Reads `755`, `u+x,go-w`, `=rw` and the like. `None`: it is no mode.
    pub(crate) fn parse(text: &[u8]) -> Option<ModeChange> {
        if text.first()?.is_ascii_digit() {
            let bits = octal(text)?;
            // An octal mode of four digits or fewer leaves a directory's set-id bits alone.
            let mentioned = if text.len() < 5 { (bits & 0o6000) | 0o1777 } else { 0o7777 };
            return Some(ModeChange(vec![Step {
                operator: b'=',
                who: 0o7777,
                bits,
                execute_if_any: false,
                copy: None,
                octal: Some(mentioned),
            }]));
        }
        let mut steps = Vec::new();
        for clause in text.split(|byte| *byte == b',') {
            let mut rest = clause;
            let mut who = 0;
            while let Some((letter, next)) = rest.split_first() {
                who |= match letter {
                    b'u' => 0o4700,
                    b'g' => 0o2070,
                    b'o' => 0o1007,
                    b'a' => 0o7777,
                    _ => break,
                };
                rest = next;
            }
            if rest.is_empty() {
                return None;
            }
            while let Some((&operator, next)) = rest.split_first() {
                if !matches!(operator, b'+' | b'-' | b'=') {
                    return None;
                }
                rest = next;
                let mut step =
                    Step { operator, who, bits: 0, execute_if_any: false, copy: None, octal: None };
                if rest.first().is_some_and(u8::is_ascii_digit) {
                    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let (digits, behind) = rest.split_at(count);
                    if who != 0 || !behind.is_empty() {
                        return None;
                    }
                    step.bits = octal(digits)?;
                    step.who = 0o7777;
                    step.octal = Some(0o7777);
                    rest = behind;
                } else if let Some((&class @ (b'u' | b'g' | b'o'), behind)) = rest.split_first() {
                    step.copy = Some(class);
                    rest = behind;
                } else {
                    while let Some((letter, behind)) = rest.split_first() {
                        match letter {
                            b'r' => step.bits |= 0o444,
                            b'w' => step.bits |= 0o222,
                            b'x' => step.bits |= 0o111,
                            b'X' => step.execute_if_any = true,
                            b's' => step.bits |= 0o6000,
                            b't' => step.bits |= 0o1000,
                            _ => break,
                        }
                        rest = behind;
                    }
                }
                steps.push(step);
            }
        }
        Some(ModeChange(steps))
    }

    /// The mode that a file with `mode` gets.
    pub(crate) fn apply(&self, mode: u32, directory: bool, umask: u32) -> u32 {
        let mut mode = mode & 0o7777;
        for step in &self.0 {
            let mut bits = step.bits;
            if let Some(class) = step.copy {
                let shift = match class {
                    b'u' => 6,
                    b'g' => 3,
                    _ => 0,
                };
                bits = ((mode >> shift) & 7) * 0o111;
            }
            if step.execute_if_any && (directory || mode & 0o111 != 0) {
                bits |= 0o111;
            }
            let who = if step.who == 0 { 0o7777 } else { step.who };
            // Without a "who" the umask's bits are left alone.
            let mut covered = if step.who == 0 { who & !umask } else { who };
            // Set-id bits of a directory stay unless they are mentioned.
            let kept = if directory {
                match step.octal {
                    Some(mentioned) => !mentioned & 0o6000,
                    None => !bits & 0o6000,
                }
            } else {
                0
            };
            if step.octal.is_some() {
                covered = 0o7777;
            }
            match step.operator {
                b'+' => mode |= bits & covered,
                b'-' => mode &= !(bits & covered),
                _ => {
                    let cleared = if step.octal.is_some() { 0o7777 } else { who } & !kept;
                    mode = (mode & !cleared) | (bits & covered);
                }
            }
        }
        mode
    }
}

fn octal(digits: &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for digit in digits {
        value = value * 8 + char::from(*digit).to_digit(8)?;
        if value > 0o7777 {
            return None;
        }
    }
    Some(value)
}

/// The ten characters of `ls -l`.
pub(crate) fn mode_string(stat: &Stat) -> String {
    let kind = match stat.kind {
        FileType::Regular => '-',
        FileType::Directory => 'd',
        FileType::SymbolicLink => 'l',
        FileType::CharacterDevice => 'c',
        FileType::Fifo => 'p',
        FileType::Socket => 's',
        FileType::Unknown => '?',
    };
    format!("{kind}{}", permissions_of(stat.mode))
}

/// The nine letters of a mode.
pub(crate) fn permissions_of(mode: u32) -> String {
    let mut text = String::with_capacity(9);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The same for a mode alone, as in the messages of `chmod -v`.
pub(crate) fn permissions(stat: &Stat, mode: u32) -> String {
    mode_string(&Stat { mode, ..*stat }).split_off(1)
}

#[cfg(test)]
mod tests {
    use super::ModeChange;

    fn change(text: &str, mode: u32, directory: bool) -> u32 {
        ModeChange::parse(text.as_bytes()).unwrap().apply(mode, directory, 0o022)
    }

    #[test]
    fn modes_change() {
        assert_eq!(change("755", 0o644, false), 0o755);
        assert_eq!(change("u+x", 0o644, false), 0o744);
        assert_eq!(change("+w", 0o444, false), 0o644);
        assert_eq!(change("a=r", 0o755, false), 0o444);
        assert_eq!(change("go-rwx,u=rwx", 0o644, false), 0o700);
        assert_eq!(change("g=u", 0o741, false), 0o771);
        assert_eq!(change("a+X", 0o644, false), 0o644);
        assert_eq!(change("a+X", 0o644, true), 0o755);
        assert_eq!(change("a+X", 0o744, false), 0o755);
        assert_eq!(change("u+s,+t", 0o755, false), 0o5755);
        assert_eq!(change("755", 0o2700, true), 0o2755);
        assert_eq!(change("00755", 0o2700, true), 0o755);
        for wrong in ["", "8", "u", "u+q", "77777", "u+x,", "+rz"] {
            assert_eq!(ModeChange::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
