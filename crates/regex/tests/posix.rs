//! What patterns match, as POSIX and GNU have it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "not part of the product"
)]

use wasmsh_regex::{BuildError, ParseError, Regex, Syntax};

/// Pattern, haystack, and the spans of the whole match and of each group.
type Case = (&'static str, &'static str, &'static [Option<(usize, usize)>]);

fn check(syntax: &Syntax, cases: &[Case]) {
    for (pattern, haystack, want) in cases {
        let regex =
            Regex::new(pattern.as_bytes(), syntax).unwrap_or_else(|error| panic!("{pattern:?}: {error}"));
        let got = regex.captures_at(haystack.as_bytes(), 0).unwrap().unwrap_or_default();
        let got: Vec<_> = got.into_iter().map(|span| span.map(|span| (span.start, span.end))).collect();
        assert_eq!(&got[..], *want, "{pattern:?} on {haystack:?}");
        let found = regex.find_at(haystack.as_bytes(), 0).unwrap().map(|span| (span.start, span.end));
        assert_eq!(found, want.first().copied().flatten(), "find {pattern:?} on {haystack:?}");
        assert_eq!(regex.is_match(haystack.as_bytes()).unwrap(), !want.is_empty(), "{pattern:?}");
    }
}

#[test]
fn extended() {
    check(
        &Syntax::EXTENDED,
        &[
            ("abc", "xabcx", &[Some((1, 4))]),
            ("a|ab", "ab", &[Some((0, 2))]),
            ("(a|ab)(c|bcd)", "abcd", &[Some((0, 4)), Some((0, 1)), Some((1, 4))]),
            ("a?(ab)?", "ab", &[Some((0, 2)), Some((0, 2))]),
            ("(a)|b", "b", &[Some((0, 1)), None]),
            ("x*", "aaa", &[Some((0, 0))]),
            ("a{2,3}", "aaaa", &[Some((0, 3))]),
            ("a{2}", "a", &[]),
            ("a{1", "a{1", &[Some((0, 3))]),
            ("a{,2}", "aaa", &[Some((0, 2))]),
            ("{", "{", &[Some((0, 1))]),
            ("*a", "*a", &[Some((1, 2))]),
            ("a**", "aa", &[Some((0, 2))]),
            ("()", "a", &[Some((0, 0)), Some((0, 0))]),
            ("a||b", "b", &[Some((0, 1))]),
            ("^a$", "a", &[Some((0, 1))]),
            ("a^b", "a^b", &[]),
            ("[[:alpha:]]+", "1äb2", &[Some((1, 4))]),
            ("[]a]+", "x]a]", &[Some((1, 4))]),
            ("[^]a]", "]ab", &[Some((2, 3))]),
            ("[a-]+", "x-a", &[Some((1, 3))]),
            ("[[.-.]-0]+", "x-./0", &[Some((1, 5))]),
            ("[[=a=]b]+", "xab", &[Some((1, 3))]),
            (r"\<b\w*\>", "abc bcd", &[Some((4, 7))]),
            (r"\bfoo\b", "xfoo foo", &[Some((5, 8))]),
            (r"(a+)\1", "xaaaa", &[Some((1, 5)), Some((1, 3))]),
            (r"(.)(.)\2\1", "xabbay", &[Some((1, 5)), Some((1, 2)), Some((2, 3))]),
            (r"^(.*)\n\1$", "ab\nab", &[]),
            (r"\.", "a.b", &[Some((1, 2))]),
            (".", "\n", &[Some((0, 1))]),
            ("é", "café", &[Some((3, 5))]),
            ("caf.", "café!", &[Some((0, 5))]),
            ("(foo|foobar)(bar)?", "foobarbar", &[Some((0, 9)), Some((0, 6)), Some((6, 9))]),
            ("(ab|a)(bc)?", "abc", &[Some((0, 3)), Some((0, 1)), Some((1, 3))]),
        ],
    );
}

#[test]
fn basic() {
    check(
        &Syntax::BASIC,
        &[
            ("a*b", "aab", &[Some((0, 3))]),
            ("*a", "*a", &[Some((0, 2))]),
            (r"\(*a\)", "*a", &[Some((0, 2)), Some((0, 2))]),
            (r"^*a", "*a", &[Some((0, 2))]),
            (r"a^b", "a^b", &[Some((0, 3))]),
            (r"a$b", "a$b", &[Some((0, 3))]),
            (r"\(^a\)", "ba", &[]),
            (r"\(a$\)", "ba", &[Some((1, 2)), Some((1, 2))]),
            (r"a\{2,\}", "caaa", &[Some((1, 4))]),
            (r"a\+", "caaa", &[Some((1, 4))]),
            (r"a\?b", "ab", &[Some((0, 2))]),
            (r"a\|b", "b", &[Some((0, 1))]),
            ("a+", "a+", &[Some((0, 2))]),
            ("(a)", "(a)", &[Some((0, 3))]),
            (r"\(a\)\(b\)*", "ac", &[Some((0, 1)), Some((0, 1)), None]),
            (r"\(.\)\1", "abccd", &[Some((2, 4)), Some((2, 3))]),
            (r"\{1\}", "{1}", &[Some((0, 3))]),
        ],
    );
}

#[test]
fn flags() {
    check(
        &Syntax { ignore_case: true, ..Syntax::EXTENDED },
        &[
            ("hello", "HeLLo", &[Some((0, 5))]),
            ("[[:upper:]]+", "ab1", &[Some((0, 2))]),
            ("É", "é", &[Some((0, 2))]),
            (r"(a)\1", "aA", &[Some((0, 2)), Some((0, 1))]),
        ],
    );
    check(
        &Syntax { multiline: true, ..Syntax::EXTENDED },
        &[("^b$", "a\nb\nc", &[Some((2, 3))]), (r"\`a", "b\na", &[])],
    );
    let bytes = Syntax { utf8: false, ..Syntax::EXTENDED };
    let regex = Regex::new(b"^.$", &bytes).unwrap();
    assert!(regex.is_match(b"\xff").unwrap());
    assert!(!Regex::new(b"^.$", &Syntax::EXTENDED).unwrap().is_match(b"\xff").unwrap());
    assert!(Regex::new(b"^\xff$", &Syntax::EXTENDED).unwrap().is_match(b"\xff").unwrap());
}

#[test]
fn errors() {
    use ParseError::*;
    let extended = [
        ("(", UnmatchedOpen),
        (")", UnmatchedClose),
        ("[a", UnmatchedBracket),
        ("[[:foo:]]", BadClass),
        ("[b-a]", BadRange),
        ("a{2,1}", BadInterval),
        ("a{99999}", TooBig),
        ("\\", TrailingBackslash),
        ("\\1", BadBackReference),
        ("(a\\1)", BadBackReference),
    ];
    for (pattern, want) in extended {
        let got = Regex::new(pattern.as_bytes(), &Syntax::EXTENDED).unwrap_err();
        assert_eq!(got, BuildError::Parse(want), "{pattern:?}");
    }
    let deep = "(".repeat(100_000);
    assert!(Regex::new(deep.as_bytes(), &Syntax::EXTENDED).is_err());
    let basic = [
        ("\\(", UnmatchedOpen),
        ("\\)", UnmatchedClose),
        ("a\\{1", UnmatchedBrace),
        ("a\\{1a\\}", BadInterval),
    ];
    for (pattern, want) in basic {
        let got = Regex::new(pattern.as_bytes(), &Syntax::BASIC).unwrap_err();
        assert_eq!(got, BuildError::Parse(want), "{pattern:?}");
    }
}

#[test]
fn whole_haystacks() {
    let whole = |patterns: &[&[u8]], text: &[u8]| {
        Regex::whole_of(patterns, &Syntax::EXTENDED).unwrap().map(|regex| regex.is_match(text).unwrap())
    };
    assert_eq!(whole(&[b"ab", b"abab"], b"abab"), Some(true));
    assert_eq!(whole(&[b"a|ab"], b"ab"), Some(true));
    assert_eq!(whole(&[b"a|ab"], b"xab"), Some(false));
    assert_eq!(whole(&[b"(a)\\1"], b"aa"), None);
}

#[test]
fn several_patterns() {
    let regex = Regex::any_of(&[b"foo", b"(b)ar"], &Syntax::EXTENDED).unwrap();
    assert!(regex.is_match(b"xbar").unwrap());
    assert_eq!(regex.groups(), 1);
    let regex = Regex::any_of(&[b"(a)\\1", b"b"], &Syntax::EXTENDED).unwrap();
    assert!(
        regex.is_match(b"aa").unwrap() && regex.is_match(b"b").unwrap() && !regex.is_match(b"a").unwrap()
    );
}

#[test]
fn hopeless_back_references_are_given_up() {
    let regex = Regex::new(b"(x*)(x*)(x*)(x*)(x*)(x*)(x*)(x*)(a|b)\\9y", &Syntax::EXTENDED).unwrap();
    let mut text = vec![b'x'; 200];
    text.extend_from_slice(b"aby");
    assert!(regex.is_match(&text).is_err());
    // Without the end that every match has, there is nothing to try.
    assert_eq!(regex.is_match(&[b'x'; 200]), Ok(false));
}

/// The same patterns and texts through `grep -o`, where there is a GNU grep.
#[test]
fn agrees_with_grep() {
    let lines = "abc\nabcd\naab\n123 foo\nfoo.bar\nx=1;y=22\nñandú\nthe the end\n\n[a]\na{2}\n";
    let version = std::process::Command::new("grep").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("GNU grep")) {
        eprintln!("no GNU grep here: skipped");
        return;
    }
    let patterns = [
        "a",
        "a|ab|abc",
        "(a|ab)(c|bcd)",
        "[0-9]+",
        "[[:alpha:]]+",
        r"\w+",
        r"\<.",
        r".\>",
        r"\bfoo",
        r"(\w+) \1",
        "a{2}",
        "[^a-z]+",
        ".{3}",
        "x?=[0-9]*;?",
        "[[:punct:]]+",
        "ú$",
        "^.",
        "(b|bc|bcd)?d?",
        r"\W+",
        "[]a[]+",
        "a{2",
        "(a*)+b",
        "(a?b?)*c",
        "((a)|b)*",
    ];
    for pattern in patterns {
        let regex =
            Regex::new(pattern.as_bytes(), &Syntax { lone_close_is_literal: true, ..Syntax::EXTENDED })
                .unwrap_or_else(|error| panic!("{pattern:?}: {error}"));
        let mut ours = String::new();
        for line in lines.lines() {
            let mut from = 0;
            while let Some(span) = regex.find_at(line.as_bytes(), from).unwrap() {
                if span.end > span.start {
                    ours.push_str(&line[span.start..span.end]);
                    ours.push('\n');
                    from = span.end;
                } else {
                    from = span.end + line[span.end..].chars().next().map_or(1, char::len_utf8);
                }
            }
        }
        let mut child = std::process::Command::new("grep")
            .args(["-oE", "-e", pattern])
            .env("LC_ALL", "C.UTF-8")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        let theirs = child.wait_with_output().unwrap().stdout;
        assert_eq!(ours, String::from_utf8_lossy(&theirs), "{pattern:?}");
    }
}

/// What is searched for in many lines at once is in the same lines as what is searched for in each of them.
#[test]
fn within_lines() {
    let patterns: &[&str] = &[
        "[^a]b",
        "a.*c",
        "^$",
        "^a",
        "c$",
        "x*",
        "[[:space:]]",
        "[^[:alpha:]]",
        "a\\W",
        "\\s",
        "\\S$",
        "^[^b]*$",
        ".",
        "(a|b).c",
        "[[:cntrl:]]",
        "[\\n]",
        "é.",
        "[^é]$",
        "a[^x]*b",
    ];
    let text = "abc\n\nxa\nbc \n a b c\nc\n\u{1}\néa\na\nb\naé\n\t\nn\n".as_bytes();
    for utf8 in [true, false] {
        for pattern in patterns {
            let line = Syntax { utf8, ..Syntax::EXTENDED };
            let many = Syntax { multiline: true, within_lines: true, ..line };
            let line = Regex::new(pattern.as_bytes(), &line).unwrap();
            let many = Regex::new(pattern.as_bytes(), &many).unwrap();
            let (mut want, mut got) = (Vec::new(), Vec::new());
            let mut start = 0;
            for body in text.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n') {
                if line.is_match(body).unwrap() {
                    want.push(start);
                }
                start += body.len() + 1;
            }
            let mut at = 0;
            while let Some(end) = many.find_end(text, at).unwrap().filter(|end| *end < text.len()) {
                let start =
                    text[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
                got.push(start);
                at = end + text[end..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
            }
            assert_eq!(got, want, "{pattern}, utf8: {utf8}");
        }
    }
}
