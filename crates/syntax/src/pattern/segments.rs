//! Patterns without extended globs: segments of fixed length in characters with `*` between them.

use std::ops::Range;

use memchr::memmem;

use super::bracket::Bracket;
use super::{Token, first_char, last_char, matches_one};

#[derive(Clone, Debug)]
pub(super) struct Segments {
    /// At least one; between two there is a `*`.
    segments: Vec<Segment>,
    brackets: Vec<Bracket>,
    nocase: bool,
}

#[derive(Clone, Debug, Default)]
struct Segment {
    elements: Vec<Element>,
    /// At least so many bytes match.
    min: usize,
}

#[derive(Clone, Debug)]
enum Element {
    Bytes(Vec<u8>),
    One(Token),
}

impl Segments {
    pub(super) fn new(tokens: &[Token], brackets: Vec<Bracket>, nocase: bool) -> Self {
        let mut segments = vec![Segment::default()];
        for &token in tokens {
            if token == Token::Star {
                segments.push(Segment::default());
                continue;
            }
            let Some(segment) = segments.last_mut() else { continue };
            segment.min += 1;
            match token {
                Token::Char(c) if !nocase => {
                    let mut bytes = [0; 4];
                    let encoded = match char::from_u32(c) {
                        Some(c) => c.encode_utf8(&mut bytes).as_bytes(),
                        None => {
                            bytes[0] = (c - super::INVALID) as u8;
                            &bytes[..1]
                        }
                    };
                    segment.min += encoded.len() - 1;
                    match segment.elements.last_mut() {
                        Some(Element::Bytes(bytes)) => bytes.extend_from_slice(encoded),
                        _ => segment.elements.push(Element::Bytes(encoded.to_vec())),
                    }
                }
                token => segment.elements.push(Element::One(token)),
            }
        }
        Segments { segments, brackets, nocase }
    }

    pub(super) fn literal(&self) -> Option<&[u8]> {
        match &self.segments[..] {
            [segment] => match &segment.elements[..] {
                [] => Some(b""),
                [Element::Bytes(bytes)] => Some(bytes),
                _ => None,
            },
            _ => None,
        }
    }

    /// Where the segment ends if it matches at `at`.
    fn match_at(&self, segment: &Segment, text: &[u8], at: usize) -> Option<usize> {
        let mut at = at;
        for element in &segment.elements {
            match element {
                Element::Bytes(bytes) => {
                    if !text.get(at..)?.starts_with(bytes) {
                        return None;
                    }
                    at += bytes.len();
                }
                Element::One(token) => {
                    let (c, len) = first_char(text.get(at..)?);
                    if len == 0 || !matches_one(*token, c, &self.brackets, self.nocase) {
                        return None;
                    }
                    at += len;
                }
            }
        }
        Some(at)
    }

    /// Where the segment begins if it matches up to `end`.
    fn match_back(&self, segment: &Segment, text: &[u8], end: usize) -> Option<usize> {
        let mut end = end;
        for element in segment.elements.iter().rev() {
            match element {
                Element::Bytes(bytes) => {
                    if !text.get(..end)?.ends_with(bytes) {
                        return None;
                    }
                    end -= bytes.len();
                }
                Element::One(token) => {
                    let (c, len) = last_char(text.get(..end)?);
                    if len == 0 || !matches_one(*token, c, &self.brackets, self.nocase) {
                        return None;
                    }
                    end -= len;
                }
            }
        }
        Some(end)
    }

    /// The first match of the segment that starts in `from..`.
    fn search(&self, segment: &Segment, text: &[u8], from: usize) -> Option<Range<usize>> {
        let mut at = from;
        match segment.elements.first() {
            None => return Some(from..from),
            Some(Element::Bytes(bytes)) => {
                let finder = memmem::Finder::new(bytes);
                loop {
                    at += finder.find(text.get(at..)?)?;
                    if let Some(end) = self.match_at(segment, text, at) {
                        return Some(at..end);
                    }
                    at += 1;
                }
            }
            Some(Element::One(_)) => {}
        }
        while at + segment.min <= text.len() {
            if let Some(end) = self.match_at(segment, text, at) {
                return Some(at..end);
            }
            at += first_char(&text[at..]).1.max(1);
        }
        None
    }

    /// The last match of the segment that ends in `..=to`.
    fn search_back(&self, segment: &Segment, text: &[u8], to: usize) -> Option<Range<usize>> {
        let mut end = to;
        match segment.elements.last() {
            None => return Some(to..to),
            Some(Element::Bytes(bytes)) => {
                let finder = memmem::FinderRev::new(bytes);
                loop {
                    end = finder.rfind(text.get(..end)?)? + bytes.len();
                    if let Some(start) = self.match_back(segment, text, end) {
                        return Some(start..end);
                    }
                    end -= 1;
                }
            }
            Some(Element::One(_)) => {}
        }
        while end >= segment.min {
            if let Some(start) = self.match_back(segment, text, end) {
                return Some(start..end);
            }
            let len = last_char(&text[..end]).1;
            if len == 0 {
                return None;
            }
            end -= len;
        }
        None
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        let Some((last, init)) = self.segments.split_last() else { return false };
        let Some((first, middle)) = init.split_first() else {
            return self.match_at(last, text, 0) == Some(text.len());
        };
        let Some(mut at) = self.match_at(first, text, 0) else { return false };
        let Some(end) = self.match_back(last, text, text.len()) else { return false };
        for segment in middle {
            match self.search(segment, &text[..end.max(at)], at) {
                Some(found) => at = found.end,
                None => return false,
            }
        }
        at <= end
    }

    pub(super) fn prefix(&self, text: &[u8], longest: bool) -> Option<usize> {
        self.prefix_at(text, 0, longest).ok().flatten()
    }

    /// Like `prefix` from `start` on. `Err`: the first segment matches, but a later one is nowhere after it,
    /// nor will it be for a later start.
    fn prefix_at(&self, text: &[u8], start: usize, longest: bool) -> Result<Option<usize>, ()> {
        let Some((first, rest)) = self.segments.split_first() else { return Ok(None) };
        let Some(mut at) = self.match_at(first, text, start) else { return Ok(None) };
        let Some((last, middle)) = rest.split_last() else { return Ok(Some(at)) };
        for segment in middle {
            at = self.search(segment, text, at).ok_or(())?.end;
        }
        if longest {
            let found = self.search_back(last, text, text.len()).ok_or(())?;
            return if found.start >= at { Ok(Some(found.end)) } else { Err(()) };
        }
        Ok(Some(self.search(last, text, at).ok_or(())?.end))
    }

    pub(super) fn suffix(&self, text: &[u8], longest: bool) -> Option<usize> {
        let (last, rest) = self.segments.split_last()?;
        let mut end = self.match_back(last, text, text.len())?;
        let Some((first, middle)) = rest.split_first() else { return Some(end) };
        for segment in middle.iter().rev() {
            end = self.search_back(segment, text, end)?.start;
        }
        if longest {
            let found = self.search(first, &text[..end], 0)?;
            return Some(found.start);
        }
        Some(self.search_back(first, text, end)?.start)
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        let first = self.segments.first()?;
        let mut at = 0;
        loop {
            let found = self.search(first, text, at)?;
            match self.prefix_at(text, found.start, true) {
                Ok(Some(end)) => return Some(found.start..end),
                Ok(None) => {}
                Err(()) => return None,
            }
            at = found.start + first_char(text.get(found.start..)?).1.max(1);
        }
    }
}
