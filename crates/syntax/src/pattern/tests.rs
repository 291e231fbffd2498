//! Tests of patterns.

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::unquoted(text.as_bytes(), PatternOptions { extglob: true, nocase: false })
}

#[test]
fn whole_text() {
    for (p, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("abc", "abc", true),
        ("a*c", "abbbc", true),
        ("a*c", "ac", true),
        ("a*c", "acb", false),
        ("*", "", true),
        ("*a*b*", "xxaxxbxx", true),
        ("*a*b*", "xxbxxaxx", false),
        ("a*a", "a", false),
        ("?", "é", true),
        ("?", "ab", false),
        ("??", "é", false),
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[^a-c]x", "dx", true),
        ("[]a]", "]", true),
        ("[a-]", "-", true),
        ("[[:digit:][:upper:]]", "7", true),
        ("[[:digit:][:upper:]]", "x", false),
        ("[[=a=]b]", "a", true),
        ("[[.-.]x]", "-", true),
        ("[à-ü]", "é", true),
        ("[", "[", true),
        ("[a", "[a", true),
        ("a[", "a[", true),
        ("[!]", "[!]", true),
        ("\\*", "*", true),
        ("\\*", "x", false),
        ("@(a|b)", "b", true),
        ("@(a|b)", "ab", false),
        ("*(a|b)c", "ababc", true),
        ("+(a)", "", false),
        ("+(a)", "aaa", true),
        ("?(x)y", "y", true),
        ("!(a)", "a", false),
        ("!(a)", "b", true),
        ("!(a)", "", true),
        ("!(*.txt)", "x.txt", false),
        ("!(*.txt)", "x.tx", true),
        ("!(!(a))", "a", true),
        ("a!(b)c", "abc", false),
        ("a!(b)c", "axxc", true),
        ("*.@(jpg|p?g)", "a.png", true),
        ("@(a", "@(a", true),
        ("@(a|@(b|c)d)", "cd", true),
        ("*(*(a))b", "aaab", true),
        ("@()", "", true),
        ("@(|x)y", "y", true),
    ] {
        assert_eq!(pattern(p).is_match(text.as_bytes()), expected, "{p} {text}");
    }
    assert!(pattern("?").is_match(b"\xff"));
    assert!(!pattern("?").is_match(b"\xe9\x80"));
    assert!(pattern("a?b*").is_match(b"a\xffb\xfe"));
}

#[test]
fn quoted_pieces_are_literal() {
    let pieces = [
        Piece { bytes: b"*", quoted: true },
        Piece { bytes: b"*", quoted: false },
        Piece { bytes: b"[a", quoted: false },
        Piece { bytes: b"-", quoted: true },
        Piece { bytes: b"c]", quoted: false },
    ];
    let p = Pattern::new(&pieces, PatternOptions::default());
    assert!(p.is_match(b"*xx-"));
    assert!(p.is_match(b"*c"));
    assert!(!p.is_match(b"*b"));
    assert!(!p.is_match(b"xc"));
    let all_quoted = Pattern::new(&[Piece { bytes: b"@(a)*", quoted: true }], PatternOptions::default());
    assert_eq!(all_quoted.literal(), Some(&b"@(a)*"[..]));
}

#[test]
fn case() {
    let p = Pattern::unquoted("É[a-c]*".as_bytes(), PatternOptions { extglob: false, nocase: true });
    assert!(p.is_match("éBz".as_bytes()));
    assert!(!p.is_match("éDz".as_bytes()));
}

#[test]
fn prefixes_and_suffixes() {
    for (p, text, short, long) in [
        ("*/", "a/b/c", Some(2), Some(4)),
        ("a*", "abc", Some(1), Some(3)),
        ("*b*c", "abcbc", Some(3), Some(5)),
        ("x", "abc", None, None),
        ("?", "éa", Some(2), Some(2)),
        ("", "abc", Some(0), Some(0)),
        ("+(a|b)", "abc", Some(1), Some(2)),
        ("!(a)", "ab", Some(0), Some(2)),
    ] {
        assert_eq!(pattern(p).prefix(text.as_bytes(), false), short, "{p} {text}");
        assert_eq!(pattern(p).prefix(text.as_bytes(), true), long, "{p} {text}");
    }
    for (p, text, short, long) in [
        (".*", "a.b.c", Some(3), Some(1)),
        ("/*", "/a/b", Some(2), Some(0)),
        ("?", "aé", Some(1), Some(1)),
        ("b*c*", "abcbc", Some(3), Some(1)),
        ("+([0-9])", "ab12", Some(3), Some(2)),
        ("@(.tar|).gz", "x.tar.gz", Some(5), Some(1)),
        ("x", "abc", None, None),
    ] {
        assert_eq!(pattern(p).suffix(text.as_bytes(), false), short, "{p} {text}");
        assert_eq!(pattern(p).suffix(text.as_bytes(), true), long, "{p} {text}");
    }
}

#[test]
fn finds_the_first_longest() {
    for (p, text, expected) in [
        ("b*", "abcb", Some(1..4)),
        ("[0-9]", "ab12", Some(2..3)),
        ("+([0-9])", "ab12c3", Some(2..4)),
        ("x*y", "axbxcy", Some(1..6)),
        ("x*y", "yx", None),
        ("é", "caféé", Some(3..5)),
    ] {
        assert_eq!(pattern(p).find(text.as_bytes(), 0), expected, "{p} {text}");
    }
    assert_eq!(pattern("a").find(b"aba", 1), Some(2..3));
}

#[test]
fn no_blow_up() {
    let text = "a".repeat(2000);
    assert!(!pattern(&format!("{}b", "*a".repeat(50))).is_match(text.as_bytes()));
    assert!(!pattern("*(*(a))b").is_match(text.as_bytes()));
    assert!(!pattern("*(a|aa|aaa)b").is_match(text.as_bytes()));
    assert!(!pattern("+(+(+(a)))b").is_match(text.as_bytes()));
    assert!(pattern(&format!("{}a{}", "@(".repeat(5000), ")".repeat(5000))).is_match(b"a"));
    assert!(pattern(&format!("{}a{}", "!(".repeat(3000), ")".repeat(3000))).is_match(b"a"));
}

#[test]
fn globs() {
    let pieces = |text: &'static str| [Piece { bytes: text.as_bytes(), quoted: false }];
    assert!(has_glob(&pieces("a*"), false));
    assert!(has_glob(&pieces("a[b]"), false));
    assert!(!has_glob(&pieces("a[b"), false));
    assert!(!has_glob(&pieces("@(a)"), false));
    assert!(has_glob(&pieces("@(a)"), true));
    assert!(pattern(".*").can_begin_with_dot());
    assert!(!pattern("*").can_begin_with_dot());
    assert!(pattern("@(a|.b)").can_begin_with_dot());
    assert!(!pattern("@(a|b).").can_begin_with_dot());
    assert_eq!(split_path(&pieces("a/*.c/"), false).len(), 3);
}
