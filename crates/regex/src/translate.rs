//! Writes a tree as a pattern of `regex-syntax`.

use std::fmt::Write;

use crate::Syntax;
use crate::ast::{Assert, Node};
use crate::class::{Class, Item};

/// The pattern. Groups keep their numbers; a back-reference must not occur.
pub(crate) fn translate(root: &Node, syntax: &Syntax) -> String {
    let mut out = String::new();
    node(root, syntax, &mut out);
    out
}

fn node(node_: &Node, syntax: &Syntax, out: &mut String) {
    match node_ {
        Node::Empty | Node::BackReference(_) => out.push_str("(?:)"),
        Node::Char(char) => self::char(*char, out),
        Node::Byte(byte) => self::byte(*byte, out),
        Node::Any => any(syntax, out),
        Node::Class(class) => self::class(class, syntax, out),
        Node::Assert(assert) => out.push_str(self::assert(*assert, syntax)),
        Node::Group(_, inner) => {
            out.push('(');
            node(inner, syntax, out);
            out.push(')');
        }
        Node::Concat(nodes) => nodes.iter().for_each(|inner| node(inner, syntax, out)),
        Node::Alternate(nodes) => {
            out.push_str("(?:");
            for (index, inner) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                node(inner, syntax, out);
            }
            out.push(')');
        }
        Node::Repeat { node: inner, min, max } => {
            out.push_str("(?:");
            node(inner, syntax, out);
            out.push(')');
            // Writing to a String cannot fail.
            let _ = match (min, max) {
                (0, None) => out.write_str("*"),
                (1, None) => out.write_str("+"),
                (0, Some(1)) => out.write_str("?"),
                (min, None) => write!(out, "{{{min},}}"),
                (min, Some(max)) => write!(out, "{{{min},{max}}}"),
            };
        }
    }
}

/// `.` is any character, a newline included (POSIX 9.3.4).
fn any(syntax: &Syntax, out: &mut String) {
    let newline = syntax.line_terminator;
    // Writing to a String cannot fail.
    let _ = match (syntax.utf8, syntax.within_lines) {
        (true, false) => out.write_str("(?s:.)"),
        (false, false) => out.write_str("(?s-u:.)"),
        (true, true) => write!(out, r"[^\x{newline:02X}]"),
        (false, true) => write!(out, r"(?-u:[^\x{newline:02X}])"),
    };
}

fn char(char: char, out: &mut String) {
    if char.is_ascii_alphanumeric() {
        out.push(char);
    } else {
        let _ = write!(out, r"\x{{{:X}}}", u32::from(char));
    }
}

fn byte(byte: u8, out: &mut String) {
    let _ = write!(out, r"(?-u:\x{byte:02X})");
}

fn assert(assert: Assert, syntax: &Syntax) -> &'static str {
    match (assert, syntax.utf8) {
        (Assert::LineStart, _) if syntax.multiline => "(?m:^)",
        (Assert::LineEnd, _) if syntax.multiline => "(?m:$)",
        (Assert::LineStart | Assert::BufferStart, _) => r"\A",
        (Assert::LineEnd | Assert::BufferEnd, _) => r"\z",
        (Assert::WordStart, true) => r"\b{start}",
        (Assert::WordEnd, true) => r"\b{end}",
        (Assert::WordBoundary, true) => r"\b",
        (Assert::NotWordBoundary, true) => r"\B",
        (Assert::WordStart, false) => r"(?-u:\b{start})",
        (Assert::WordEnd, false) => r"(?-u:\b{end})",
        (Assert::WordBoundary, false) => r"(?-u:\b)",
        (Assert::NotWordBoundary, false) => r"(?-u:\B)",
    }
}

/// The beginning of a bracket expression.
fn open(class: &Class, syntax: &Syntax, out: &mut String) {
    out.push_str(if syntax.within_lines { "[[" } else { "[" });
    if class.negated {
        out.push('^');
    }
}

/// The end of a bracket expression.
fn close(syntax: &Syntax, out: &mut String) {
    out.push(']');
    if syntax.within_lines {
        let _ = write!(out, r"--\x{:02X}]", syntax.line_terminator);
    }
}

fn class(class: &Class, syntax: &Syntax, out: &mut String) {
    if !syntax.utf8 {
        out.push_str("(?-u:");
        open(class, syntax, out);
        for item in &class.items {
            let _ = match *item {
                Item::Range(first, last) => {
                    write!(out, r"\x{:02X}-\x{:02X}", u32::from(first).min(255), u32::from(last).min(255))
                }
                Item::Byte(byte) => write!(out, r"\x{byte:02X}"),
                Item::Named(named) => out.write_str(named.pattern(false)),
            };
        }
        close(syntax, out);
        out.push(')');
        return;
    }
    let bytes: Vec<u8> = class
        .items
        .iter()
        .filter_map(|item| if let Item::Byte(byte) = item { Some(*byte) } else { None })
        .collect();
    let has_characters = bytes.len() < class.items.len();
    let alternatives = !class.negated && !bytes.is_empty();
    if alternatives {
        out.push_str("(?:");
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                out.push('|');
            }
            self::byte(*byte, out);
        }
        if has_characters {
            out.push('|');
        }
    }
    if has_characters {
        open(class, syntax, out);
        for item in &class.items {
            let _ = match *item {
                Item::Range(first, last) => {
                    write!(out, r"\x{{{:X}}}-\x{{{:X}}}", u32::from(first), u32::from(last))
                }
                Item::Byte(_) => Ok(()),
                Item::Named(named) => out.write_str(named.pattern(true)),
            };
        }
        close(syntax, out);
    } else if class.negated {
        // Everything but bytes that are no characters: every character.
        any(syntax, out);
    }
    if alternatives {
        out.push(')');
    }
}
