//! What `rg` looks for: patterns of Rust's syntax on `regex-automata`, or of Perl's on `fancy-regex`.

use regex_automata::meta::{self, Regex};
use regex_automata::{Input, PatternID};
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};

use crate::perl::{Perl, PerlOptions};

/// Bytes that a compiled pattern may need, unless it is said otherwise.
pub(crate) const SIZE_LIMIT: usize = 100 << 20;

/// How patterns are read.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) fixed: bool,
    pub(crate) perl: bool,
    pub(crate) ignore_case: bool,
    pub(crate) smart_case: bool,
    pub(crate) words: bool,
    pub(crate) lines: bool,
    pub(crate) multiline: bool,
    pub(crate) dot_all: bool,
    pub(crate) crlf: bool,
    pub(crate) unicode: bool,
    pub(crate) terminator: u8,
    pub(crate) size_limit: usize,
}

enum Engine {
    Rust(Box<Regex>),
    Perl(Box<Perl>),
}

/// All patterns of a search.
pub(crate) struct Pattern {
    engine: Engine,
    /// No pattern at all: nothing is searched, not even for what does not match.
    pub(crate) never: bool,
    /// A match never goes beyond a line, and many lines can be searched at once.
    pub(crate) whole_blocks: bool,
    /// With `multiline`: a match can have a line terminator in it.
    pub(crate) spans_lines: bool,
}

pub(crate) type Spans = Vec<Option<(usize, usize)>>;

impl Pattern {
    pub(crate) fn new(patterns: &[String], options: &Options) -> Result<Pattern, String> {
        let texts: Vec<String> = patterns
            .iter()
            .map(|pattern| if options.fixed { regex_syntax::escape(pattern) } else { pattern.clone() })
            .collect();
        let never = texts.is_empty();
        let text = match &texts[..] {
            [only] => only.clone(),
            several => several.iter().map(|text| format!("(?:{text})")).collect::<Vec<_>>().join("|"),
        };
        let ignore_case = options.ignore_case || options.smart_case && is_lower(&text);
        if options.perl {
            let perl = PerlOptions {
                ignore_case,
                words: options.words,
                lines: options.lines,
                unicode_classes: options.unicode,
                multiline: true,
                dot_all: options.dot_all,
            };
            let engine = Engine::Perl(Box::new(Perl::new(text.as_bytes(), perl)?));
            return Ok(Pattern { engine, never, whole_blocks: false, spans_lines: options.multiline });
        }
        let mut parser = regex_syntax::ParserBuilder::new();
        parser
            .utf8(false)
            .unicode(options.unicode)
            .multi_line(true)
            .case_insensitive(ignore_case)
            .dot_matches_new_line(options.dot_all)
            .crlf(options.crlf)
            .line_terminator(options.terminator);
        let mut hir = parser.build().parse(&text).map_err(|error| error.to_string())?;
        let spans_lines = options.multiline && can_match(&hir, options.terminator);
        if !options.multiline {
            hir = within_lines(hir, options.terminator)?;
        }
        if options.lines {
            let (start, end) =
                if options.crlf { (Look::StartCRLF, Look::EndCRLF) } else { (Look::StartLF, Look::EndLF) };
            hir = Hir::concat(vec![Hir::look(start), hir, Hir::look(end)]);
        } else if options.words {
            let (start, end) = if options.unicode {
                (Look::WordStartHalfUnicode, Look::WordEndHalfUnicode)
            } else {
                (Look::WordStartHalfAscii, Look::WordEndHalfAscii)
            };
            hir = Hir::concat(vec![Hir::look(start), hir, Hir::look(end)]);
        }
        let config = meta::Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(options.size_limit))
            .line_terminator(options.terminator);
        let regex = meta::Builder::new()
            .configure(config)
            .build_from_hir(&hir)
            .map_err(|_| format!("Compiled regex exceeds size limit of {} bytes.", options.size_limit))?;
        let whole_blocks = !spans_lines && options.terminator == b'\n';
        Ok(Pattern { engine: Engine::Rust(Box::new(regex)), never, whole_blocks, spans_lines })
    }

    /// The first match from `from` on.
    pub(crate) fn find(&self, haystack: &[u8], from: usize) -> Result<Option<(usize, usize)>, String> {
        if self.never || from > haystack.len() {
            return Ok(None);
        }
        match &self.engine {
            Engine::Rust(regex) => {
                let found = regex.search(&Input::new(haystack).range(from..));
                Ok(found.map(|found| (found.start(), found.end())))
            }
            Engine::Perl(perl) => perl.find(haystack, from),
        }
    }

    /// As [`Pattern::find`], with the groups.
    pub(crate) fn captures(&self, haystack: &[u8], from: usize) -> Result<Option<Spans>, String> {
        if self.never || from > haystack.len() {
            return Ok(None);
        }
        match &self.engine {
            Engine::Rust(regex) => {
                let mut captures = regex.create_captures();
                regex.search_captures(&Input::new(haystack).range(from..), &mut captures);
                Ok(captures
                    .is_match()
                    .then(|| captures.iter().map(|span| span.map(|span| (span.start, span.end))).collect()))
            }
            Engine::Perl(perl) => perl.captures(haystack, from),
        }
    }

    /// The number of a group that has a name.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        match &self.engine {
            Engine::Rust(regex) => regex.group_info().to_index(PatternID::ZERO, name),
            Engine::Perl(perl) => perl.group(name),
        }
    }

    /// Appends a replacement: `$1`, `$name`, `${name}` stand for groups, `$$` for a dollar sign.
    pub(crate) fn expand(&self, replacement: &[u8], haystack: &[u8], spans: &Spans, out: &mut Vec<u8>) {
        let mut rest = replacement;
        while let Some(dollar) = memchr::memchr(b'$', rest) {
            let (before, behind) = rest.split_at(dollar);
            out.extend_from_slice(before);
            let behind = behind.get(1..).unwrap_or_default();
            let (name, tail) = match behind {
                [b'$', tail @ ..] => {
                    out.push(b'$');
                    rest = tail;
                    continue;
                }
                [b'{', inner @ ..] => match memchr::memchr(b'}', inner) {
                    Some(end) => (inner.get(..end), inner.get(end + 1..).unwrap_or_default()),
                    None => (None, behind),
                },
                _ => {
                    let length = behind
                        .iter()
                        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                        .count();
                    let (name, tail) = behind.split_at(length);
                    ((length > 0).then_some(name), tail)
                }
            };
            rest = tail;
            let Some(name) = name else {
                out.push(b'$');
                continue;
            };
            let name = std::str::from_utf8(name).unwrap_or_default();
            let group = name.parse().ok().or_else(|| self.group(name));
            let span = group.and_then(|group: usize| spans.get(group).copied().flatten());
            if let Some((start, end)) = span {
                out.extend_from_slice(haystack.get(start..end).unwrap_or_default());
            }
        }
        out.extend_from_slice(rest);
    }
}

/// Whether a match can have this byte, which is ASCII, in it.
fn can_match(hir: &Hir, byte: u8) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&byte),
        HirKind::Class(Class::Unicode(class)) => {
            let wanted = char::from(byte);
            class.iter().any(|range| range.start() <= wanted && wanted <= range.end())
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().any(|range| range.start() <= byte && byte <= range.end())
        }
        HirKind::Repetition(repetition) => can_match(&repetition.sub, byte),
        HirKind::Capture(capture) => can_match(&capture.sub, byte),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(|part| can_match(part, byte))
        }
    }
}

/// Takes the line terminator out of what a pattern can match. The parser bounds how deep patterns nest.
fn within_lines(hir: Hir, terminator: u8) -> Result<Hir, String> {
    let banned = || {
        let shown = if terminator == b'\n' { "\\n".to_owned() } else { format!("\\x{terminator:02X}") };
        format!(
            "the literal '\"{shown}\"' is not allowed in a regex\n\n\
             Consider enabling multiline mode with the --multiline flag (or -U for short).\n\
             When multiline mode is enabled, new line characters can be matched."
        )
    };
    Ok(match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.contains(&terminator) => return Err(banned()),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(Class::Unicode(mut class)) => {
            let line = char::from(terminator);
            class.difference(&regex_syntax::hir::ClassUnicode::new([
                regex_syntax::hir::ClassUnicodeRange::new(line, line),
            ]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(mut class)) => {
            class.difference(&regex_syntax::hir::ClassBytes::new([regex_syntax::hir::ClassBytesRange::new(
                terminator, terminator,
            )]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(within_lines(*repetition.sub, terminator)?);
            Hir::repetition(Repetition { sub, ..repetition })
        }
        HirKind::Capture(capture) => {
            let sub = Box::new(within_lines(*capture.sub, terminator)?);
            Hir::capture(Capture { sub, ..capture })
        }
        HirKind::Concat(parts) => Hir::concat(
            parts.into_iter().map(|part| within_lines(part, terminator)).collect::<Result<_, _>>()?,
        ),
        HirKind::Alternation(parts) => Hir::alternation(
            parts.into_iter().map(|part| within_lines(part, terminator)).collect::<Result<_, _>>()?,
        ),
    })
}

/// Whether a pattern has letters, and none of them is a capital: `--smart-case`, which no class or escape counts for.
fn is_lower(pattern: &str) -> bool {
    letters(pattern) == (true, false)
}

/// Whether a pattern has a capital letter.
pub(crate) fn has_capital(pattern: &str) -> bool {
    letters(pattern).1
}

/// Whether a pattern has letters or other literal characters, and whether one of them is a capital.
fn letters(pattern: &str) -> (bool, bool) {
    #[derive(Default)]
    struct Letters {
        any: bool,
        capital: bool,
    }
    impl Letters {
        fn see(&mut self, literal: &ast::Literal) {
            self.any = true;
            self.capital |= literal.c.is_uppercase();
        }
    }
    impl ast::Visitor for Letters {
        type Output = (bool, bool);
        type Err = std::convert::Infallible;
        fn finish(self) -> Result<Self::Output, Self::Err> {
            Ok((self.any, self.capital))
        }
        fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
            if let Ast::Literal(literal) = ast {
                self.see(literal);
            }
            Ok(())
        }
        fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Self::Err> {
            match item {
                ast::ClassSetItem::Literal(literal) => self.see(literal),
                ast::ClassSetItem::Range(range) => {
                    self.see(&range.start);
                    self.see(&range.end);
                }
                _ => {}
            }
            Ok(())
        }
    }
    let Ok(ast) = ast::parse::Parser::new().parse(pattern) else { return (false, false) };
    ast::visit(&ast, Letters::default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smart_case() {
        assert!(is_lower("foo"));
        assert!(is_lower(r"\Soo"));
        assert!(is_lower(r"foo\p{Lu}"));
        assert!(!is_lower("Foo"));
        assert!(!is_lower("[A-Z]o"));
        assert!(!is_lower(r"\w"));
    }
}
