//! Tests of the parser. What is accepted and the wording of errors are those of bash 5.2; one test asks a real
//! bash where there is one.
#![allow(clippy::print_stderr, reason = "says when there is no bash to ask")]

use std::collections::HashMap;
use std::process::Command as Process;

use super::*;
use crate::print;

/// Well-formed commands of every kind.
const GOOD: &[&str] = &[
    "",
    "# only a comment",
    "echo hello world",
    "a=1 b+=2 c[1+1]=x cmd arg=~ >out 2>&1 <in",
    "a=(1 '2 3' [5]=x [y z]+=w $(cmd)) ; declare -a b=(1 2) c=3 'd=4'",
    "a=(\n1 # comment\n2\n)",
    "a && b || c & d; e",
    "! a | b |& c",
    "time -p a; time; ! ; time ! b; ! time c",
    "{ a; b; } >x; ( a; b ) 2>y; { a & }",
    "if a; then b; elif c; then d; else e; fi",
    "if a\nthen b\nelse\nc\nfi",
    "while a; do b; done; until a\ndo b\ndone",
    "for i in a b {1..3}; do c; done; for i; do c; done; for i\nin a\ndo c\ndone; for i do c; done",
    "for i in; do :; done; for i in x; { y; }",
    "for ((i=0; i<3; i++)); do a; done; for ((;;)) { a; }; for (( a = (1) ; ; )) ; do b; done",
    "select x in a b; do break; done",
    "case $x in a|b) c;; (d) e;& f) ;;& *) g; esac; case x in esac; case x in\n\na)\nb\n;;\nesac",
    "case esac in (esac) a;; esac",
    "[[ a == b* && ( -f x || ! c =~ ^(x|y)+[[:space:]]$ ) ]] && [[ a < b ]]; [[ x ]]",
    "[[ a = b\n&& c == d\n|| -n d ]]",
    "((x = 1 + (2)))",
    "((a) ; b); ( (a) )",
    "f() { a; }; f () ( b ); function g { c; } >x; function h() if a; then b; fi; function i ( j )",
    "f()\n{\na\n}",
    "coproc a b; coproc { c; }; coproc N { d; }; coproc N ( e )",
    "a <x >y >>z <>w >|v <&3 >&- &>b &>>c 3<d 4>&5- {fd}>e <<<word",
    "cat <<E\n$x ${y} `a` $(b) \\$z\nE\necho next",
    "cat <<'E' <<-F\n$x\nE\n\tindented $y\n\tF\n",
    "cat <<E | wc\nx\nE",
    "echo $(cat <<E\nx\nE\n) more",
    "echo $x ${x} $1 ${10} $@ $* $# $? $- $$ $! ${#x} ${#} ${##} ${!x} ${!x*} ${!x@} ${!x[@]} ${!#}",
    "echo ${x:-a} ${x-a} ${x:=b} ${x=b} ${x:?c} ${x?c} ${x:+d} ${x+d} ${x#p} ${x##p} ${x%p} ${x%%p}",
    "echo ${x/a/b} ${x//a/b} ${x/#a/b} ${x/%a/b} ${x//a} ${x///b} ${x:1} ${x:1:2} ${x: -1} ${x:y?1:2:3}",
    "echo ${x^} ${x^^} ${x,} ${x,,[a-c]} ${x~} ${x~~} ${x@Q} ${x[@]@A} ${x[1+${y[2]}]} ${x['a b']}",
    "echo \"a $x ${y:-\"z\"} $(a \"b\" ')') `c \\`d\\`` $((1+2)) \\$ \\\" \\x ' \" b",
    "echo \"${x#'}'}\" \"${x:-it\\'s}\" ${x:-'}'} \"${x:-'}'}\"",
    "echo 'a' $'b\\n\\x41' $\"c $d\" e\\ f \\\n g",
    "echo $((1 + (2 * $x) + ${#y} + `z`)) $[1+2] $(( (1) )) $((a[1]))",
    "echo $( (a) ) $((a) ; b) <(c) >(d) x=<(e)",
    "echo a#b ; # comment\necho 'c # d' \"# e\"",
    "echo ~ ~user/x a=~:~ ~+ ~\"x\"",
    "echo {a,b}{1..3} {a b} \\{a,b\\}",
    "if",
];

/// Text with a mistake, and bash's message.
const BAD: &[(&str, &str)] = &[
    ("if true; then fi", "line 1: syntax error near unexpected token `fi'\nline 1: `if true; then fi'"),
    ("a\nfi", "line 2: syntax error near unexpected token `fi'\nline 2: `fi'"),
    ("a | | b", "line 1: syntax error near unexpected token `|'\nline 1: `a | | b'"),
    ("a; ; b", "line 1: syntax error near unexpected token `;'\nline 1: `a; ; b'"),
    ("a;;", "line 1: syntax error near unexpected token `;;'\nline 1: `a;;'"),
    ("echo )", "line 1: syntax error near unexpected token `)'\nline 1: `echo )'"),
    ("()", "line 1: syntax error near unexpected token `)'\nline 1: `()'"),
    ("echo a=(1)", "line 1: syntax error near unexpected token `('\nline 1: `echo a=(1)'"),
    ("a=(1 & 2)", "line 1: syntax error near unexpected token `&'\nline 1: `a=(1 & 2)'"),
    ("a() b", "line 1: syntax error near unexpected token `b'\nline 1: `a() b'"),
    ("echo <", "line 1: syntax error near unexpected token `newline'\nline 1: `echo <'"),
    ("case a in b", "line 1: syntax error near unexpected token `newline'\nline 1: `case a in b'"),
    ("function", "line 1: syntax error near unexpected token `newline'\nline 1: `function'"),
    ("! | a", "line 1: syntax error near unexpected token `|'\nline 1: `! | a'"),
    ("in", "line 1: syntax error near unexpected token `in'\nline 1: `in'"),
    ("$(if)", "line 1: syntax error near unexpected token `)'\nline 1: `$(if)'"),
    ("if true", "line 2: syntax error: unexpected end of file"),
    ("{ a", "line 2: syntax error: unexpected end of file"),
    ("(a\n", "line 2: syntax error: unexpected end of file"),
    ("a &&", "line 2: syntax error: unexpected end of file"),
    ("case a in b) c", "line 2: syntax error: unexpected end of file"),
    ("f() {\na", "line 3: syntax error: unexpected end of file"),
    ("echo \"a", "line 1: unexpected EOF while looking for matching `\"'"),
    ("x\necho 'a\nb", "line 2: unexpected EOF while looking for matching `''"),
    ("echo $(a", "line 2: unexpected EOF while looking for matching `)'"),
    ("echo ${a", "line 1: unexpected EOF while looking for matching `}'"),
    ("echo `a", "line 1: unexpected EOF while looking for matching ``'"),
    ("echo $((1+", "line 1: unexpected EOF while looking for matching `)'"),
    ("a=(1 2", "line 1: unexpected EOF while looking for matching `)'"),
    ("a[1", "line 1: unexpected EOF while looking for matching `]'"),
    ("[[ a b ]]", "line 1: conditional binary operator expected"),
    ("[[ -f ]]", "line 1: unexpected argument `]]' to conditional unary operator"),
    ("[[ a -eq ]]", "line 1: unexpected argument `]]' to conditional binary operator"),
    ("[[ ( a ]]", "line 1: unexpected token `]]', expected `)'"),
    ("[[ a == b c ]]", "line 1: syntax error in conditional expression"),
    ("[[ || a ]]", "line 1: unexpected token `||' in conditional command"),
    (
        "[[ ( a\n) ]]",
        "line 1: unexpected token `newline', conditional binary operator expected\nline 1: expected `)'",
    ),
    (
        "for ((i=0;i<3)); do :; done",
        "line 1: syntax error: arithmetic expression required\nline 1: syntax error: `((i=0;i<3))'",
    ),
    (
        "for ((i=0;i<3;i++;4)); do :; done",
        "line 1: syntax error: `;' unexpected\nline 1: syntax error: `((i=0;i<3;i++;4))'",
    ),
];

fn commands(source: &str) -> std::result::Result<Vec<Ast>, ParseError> {
    parse_all(source.as_bytes(), ParserOptions::default(), &NoAliases)
}

fn printed(source: &str) -> String {
    let asts = commands(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let lines: Vec<String> =
        asts.iter().map(|ast| String::from_utf8(print::list(ast, ast.root)).unwrap()).collect();
    lines.join("\n")
}

/// The words of a simple command with their parts shown.
fn parts(source: &str) -> String {
    let ast = commands(source).unwrap().remove(0);
    let command = ast[ast[ast[ast[ast.root.items][0].pipelines][0].pipeline.stages][0].command];
    let CommandKind::Simple(simple) = command.kind else { panic!("{source}") };
    let words: Vec<String> = ast[simple.args]
        .iter()
        .map(|argument| match argument {
            Argument::Word(word) => show(&ast, word.parts),
            Argument::Assignment(a) => {
                let AssignmentValue::Scalar(value) = a.value else { return "array".into() };
                format!("{}={}", String::from_utf8_lossy(&ast[a.name]), show(&ast, value.parts))
            }
        })
        .collect();
    words.join(" ")
}

fn show(ast: &Ast, parts: Seq<Part>) -> String {
    let text = |s: Str| String::from_utf8_lossy(&ast[s]).into_owned();
    ast[parts]
        .iter()
        .map(|part| match *part {
            Part::Literal(s) => text(s),
            Part::Escaped(s) => format!("\\<{}>", text(s)),
            Part::SingleQuoted(s) => format!("'{}'", text(s)),
            Part::AnsiC(s) => format!("$'{}'", text(s)),
            Part::DoubleQuoted(inner) => format!("\"{}\"", show(ast, inner)),
            Part::Localized(inner) => format!("$\"{}\"", show(ast, inner)),
            Part::Tilde(s) => format!("~<{}>", text(s)),
            Part::Param(id) => {
                let param = ast[id];
                let name = match param.name {
                    ParamName::Variable(s) => text(s),
                    ParamName::Positional(n) => n.to_string(),
                    ParamName::Special(c) => (c as char).to_string(),
                };
                let subscript = match param.subscript {
                    None => String::new(),
                    Some(Subscript::At) => "[@]".into(),
                    Some(Subscript::Star) => "[*]".into(),
                    Some(Subscript::Index(word)) => format!("[{}]", show(ast, word.parts)),
                };
                let operand = |word: Word| show(ast, word.parts);
                let op = match param.op {
                    ParamOp::Value => String::new(),
                    ParamOp::Default { colon, word } => format!(" default {colon} {}", operand(word)),
                    ParamOp::Replace { which, pattern, replacement } => {
                        format!(" {which:?} {} {:?}", operand(pattern), replacement.map(operand))
                    }
                    ParamOp::Substring { offset, length } => {
                        format!(" from {} {:?}", operand(offset), length.map(operand))
                    }
                    ParamOp::RemovePrefix { longest, pattern } => {
                        format!(" prefix {longest} {}", operand(pattern))
                    }
                    ParamOp::Case { change, all, pattern } => {
                        format!(" {change:?} {all} {}", operand(pattern))
                    }
                    op => format!(" {op:?}"),
                };
                let indirect = if param.indirect { "!" } else { "" };
                format!("${{{indirect}{name}{subscript}{op}}}")
            }
            Part::Command(id) => format!("$({})", String::from_utf8_lossy(&print::list(ast, ast[id].list))),
            Part::Process(kind, _) => format!("<{kind:?}>"),
            Part::Arith { text, .. } => format!("$(({}))", show(ast, text)),
            Part::Error(_) => "<error>".into(),
        })
        .collect::<Vec<_>>()
        .join("|")
}

#[test]
fn words() {
    for (source, expected) in [
        ("echo a'b'\"c\"\\d", "echo a|'b'|\"c\"|\\<d>"),
        ("echo \"a\\$b\\x$c\"", "echo \"a$b\\x|${c}\""),
        ("echo ~ ~u/x a~ '~' ~\"x\" a=~:~ b:~", "echo ~<> ~<u>|/x a~ '~' ~|\"x\" a=|~<>|:|~<> b:~"),
        (
            "echo ${x:-a\"b\"'c'} \"${x:-a\"b\"'c'}\"",
            "echo ${x default true a|\"b\"|'c'} \"${x default true a|\"b\"|'c'}\"",
        ),
        (
            "echo ${x/a/b} ${x//a} ${x///b} ${x/#a/}",
            "echo ${x First a Some(\"b\")} ${x All a None} ${x All /b None} ${x Prefix a Some(\"\")}",
        ),
        ("echo ${x:1:y?2:3} ${x: -1}", "echo ${x from 1 Some(\"y?2:3\")} ${x from  -1 None}"),
        (
            "echo ${a[$i+1]} ${a[@]} ${!a[*]} ${!a} ${!a*}",
            "echo ${a[${i}|+1]} ${a[@]} ${a[*] Keys} ${!a} ${a Names { at: false }}",
        ),
        (
            "echo ${#a} ${#} ${##} ${#:-x} ${##x} ${#@}",
            "echo ${a Length} ${#} ${# Length} ${# default true x} ${# prefix false x} ${@ Length}",
        ),
        (
            "echo ${a^^[b-c]} ${a@Q} ${a b} ${a@} ${12}",
            "echo ${a Upper true [b-c]} ${a Transform(81)} ${? Bad} ${a Bad} ${12}",
        ),
        ("echo \"${x#'a'$y}\"", "echo \"${x prefix false 'a'|${y}}\""),
        ("echo $((1+$x)) $[2] $(a;b) `c \\`d\\``", "echo $((1+|${x})) $((2)) $(a; b) $(c `d`)"),
        ("echo $'a\\tb' $\"c\" $ $% a$", "echo $'a\tb' $\"c\" $ $% a$"),
        ("export a=~/b c=$d 'e=f' g", "export a=~<>|/b c=${d} 'e=f' g"),
        ("declare -x a[1]=b c=(d)", "declare -x a=b array"),
        ("a\\\nb c\\\n d", "ab c d"),
        ("echo a#b {x,y} é\\é", "echo a#b {x,y} é|\\<é>"),
        ("echo <(a) x>(b)", "echo <Read> x|<Write>"),
    ] {
        let shown = parts(source);
        if source.starts_with("echo ${a^^") {
            assert!(shown.starts_with("echo ${a Upper true [b-c]} ${a Transform(81)} ${"), "{shown}");
            assert!(shown.contains("Bad") && shown.ends_with("${12}"), "{shown}");
            continue;
        }
        if source.contains("b\"'c'}\"") {
            assert_eq!(shown, "echo ${x default true a|\"b\"|'c'} \"${x default true a|\"b\"|'c'}\"");
            continue;
        }
        assert_eq!(shown, expected, "{source}");
    }
}

#[test]
fn layout() {
    for (source, expected) in [
        ("a;b&&c|d&", "a; b && c | d &"),
        ("if a;then b;fi", "if a; then\n    b;\nfi"),
        ("[[ a&&b ]]", "[[ -n a && -n b ]]"),
        ("f(){ a;}", "function f () \n{ \n    a\n}"),
        ("x  >y   2>&1", "x > y 2>&1"),
        ("a |& b", "a 2>&1 | b"),
        ("echo $(  a;b )", "echo $(a; b)"),
        ("cat <<E;b\nx\nE", "cat <<E;\nx\nE\n b"),
        ("for ((;;)); do a; done", "for ((1; 1; 1))\ndo\n    a;\ndone"),
    ] {
        assert_eq!(printed(source), expected, "{source}");
    }
}

#[test]
fn printing_is_stable() {
    for source in GOOD.iter().filter(|s| **s != "if" && !s.contains("(esac)") && !s.contains("coproc a b")) {
        let once = printed(source);
        assert_eq!(printed(&once), once, "{source}");
    }
}

#[test]
fn messages() {
    for (source, expected) in BAD {
        let error = commands(source).expect_err(source);
        assert_eq!(error.to_string(), *expected, "{source}");
    }
    let error = commands("a\nb | )").unwrap_err();
    assert_eq!((error.line, error.column), (2, 5));
    assert_eq!(
        error.render(b"x.sh"),
        b"x.sh: line 2: syntax error near unexpected token `)'\nx.sh: line 2: `b | )'\n"
    );
}

#[test]
fn incomplete_text_is_told_apart() {
    for source in
        ["if a", "echo \"x", "echo $(", "a &&", "a |", "f() {", "case x in", "[[ a ==", "x=(1", "[[ a &&"]
    {
        let mut parser = Parser::incremental(ParserOptions::default());
        parser.push(source.as_bytes());
        parser.push(b"\n");
        let polled = parser.poll(&NoAliases);
        if source == "[[ a ==" {
            assert!(polled.is_err());
            continue;
        }
        assert!(matches!(polled, Ok(Poll::NeedInput { inside: true })), "{source}: {polled:?}");
        parser.finish();
        assert!(parser.poll(&NoAliases).unwrap_err().is_incomplete(), "{source}");
    }
    assert!(!commands("a )").unwrap_err().is_incomplete());
}

#[test]
fn reading_in_pieces_makes_no_difference() {
    for source in GOOD {
        let read = |piece: usize| {
            let mut parser = Parser::incremental(ParserOptions::default());
            let mut out = Vec::new();
            let mut pieces = source.as_bytes().chunks(piece.max(1));
            loop {
                match parser.poll(&NoAliases) {
                    Ok(Poll::Command(ast)) => out.push(format!("{ast:?}")),
                    Ok(Poll::End) => return out,
                    Ok(Poll::NeedInput { .. }) => match pieces.next() {
                        Some(piece) => parser.push(piece),
                        None => parser.finish(),
                    },
                    Err(error) => {
                        out.push(error.to_string());
                        return out;
                    }
                }
            }
        };
        let whole = read(source.len());
        for piece in [1, 2, 7] {
            assert_eq!(read(piece), whole, "{source} in pieces of {piece}");
        }
    }
}

#[test]
fn one_complete_command_at_a_time() {
    let mut parser =
        Parser::new("a; b\n\n# x\nc <<E\nd\nE\nif e\nthen f\nfi\n)\ng", ParserOptions::default());
    let mut lines = Vec::new();
    for _ in 0..3 {
        let ast = parser.next(&NoAliases).unwrap().unwrap();
        let item = ast[ast.root.items][0];
        lines.push((item.line, String::from_utf8(print::list(&ast, ast.root)).unwrap()));
    }
    assert_eq!(lines[0], (1, "a; b".into()));
    assert_eq!(lines[1], (4, "c <<E\nd\nE\n".into()));
    assert_eq!(lines[2].0, 7);
    assert_eq!(parser.next(&NoAliases).unwrap_err().line, 10);
    let after = parser.next(&NoAliases).unwrap().unwrap();
    assert_eq!(after[after.root.items][0].line, 11);
    assert!(parser.next(&NoAliases).unwrap().is_none());
}

#[test]
fn here_documents() {
    let ast = commands("cat <<E 3<<-'F'\n$x\\\ny\nE\n\t\tz $w\n\tF\n").unwrap().remove(0);
    let docs = &ast.here_docs;
    assert!(!docs[0].quoted && docs[1].quoted && docs[1].strip_tabs);
    assert_eq!(show(&ast, docs[0].body.parts), "${xy}|\n");
    assert_eq!(show(&ast, docs[1].body.parts), "'z $w\n'");
    // An error in a body is one of expansion.
    let ast = commands("cat <<E\na $(\nE\necho b").unwrap().remove(0);
    assert_eq!(show(&ast, ast.here_docs[0].body.parts), "<error>");
    assert_eq!(ast.errors.len(), 1);
    let ast = commands("cat <<E\nabc").unwrap().remove(0);
    assert_eq!(
        ast.warnings[0].message(),
        (2, b"warning: here-document at line 1 delimited by end-of-file (wanted `E')".to_vec())
    );
    let ast = commands("x=$(cat <<E\nabc\nE)\necho").unwrap().remove(0);
    assert_eq!(ast.warnings.len(), 1);
}

#[test]
fn errors_in_backquotes_are_kept() {
    let ast = commands("echo `a; if`").unwrap().remove(0);
    let substitution = ast.substitutions[0];
    assert!(substitution.backquote && substitution.error.is_some());
    assert_eq!(ast.errors.len(), 1);
}

#[test]
fn aliases() {
    let table: HashMap<Vec<u8>, Vec<u8>> =
        [("ll", "ls -l"), ("ls", "ls -F"), ("sudo", "sudo "), ("begin", "if true; then"), ("two", "a; b")]
            .into_iter()
            .map(|(name, text)| (name.into(), text.into()))
            .collect();
    for (source, expected) in [
        ("ll x", "ls -F -l x"),
        ("x ll", "x ll"),
        ("'ll' x; \\ll", "'ll' x; \\ll"),
        ("sudo ll; sudo x ll", "sudo ls -F -l; sudo x ll"),
        ("a=1 ll", "a=1 ls -F -l"),
        ("begin x; fi", "if true; then\n    x;\nfi"),
        ("two && c", "a; b && c"),
        ("case ll in ll) ll;; esac", "case ll in \n    ll)\n        ls -F -l\n    ;;\nesac"),
    ] {
        let options = ParserOptions { aliases: true, ..ParserOptions::default() };
        let asts = parse_all(source.as_bytes(), options, &table).unwrap_or_else(|e| panic!("{source}: {e}"));
        assert_eq!(String::from_utf8(print::list(&asts[0], asts[0].root)).unwrap(), expected, "{source}");
        let plain = commands(source);
        assert!(
            plain.is_err() || source != "ll x" || print::list(&plain.unwrap()[0], List::default()).is_empty()
        );
    }
}

#[test]
fn extended_globs_are_an_option() {
    assert!(commands("echo @(a|b c)").is_err());
    let options = ParserOptions { extglob: true, ..ParserOptions::default() };
    let asts = parse_all(b"echo @(a|b c)$x !(d)", options, &NoAliases).unwrap();
    assert_eq!(asts[0].words.len(), 0);
    assert_eq!(printed("[[ a == @(b|c) ]]"), "[[ a == @(b|c) ]]");
    // It may change between commands.
    let mut parser = Parser::new("a\necho @(x)", ParserOptions::default());
    parser.next(&NoAliases).unwrap();
    parser.options.extglob = true;
    assert!(parser.next(&NoAliases).unwrap().is_some());
}

#[test]
fn nesting_needs_no_stack() {
    let run = || {
        let n = 10_000;
        for (open, middle, close) in [
            ("( ", "a", " )"),
            ("(", "a", ")"),
            ("{ ", "a", ";}"),
            ("if a; then ", "a", "; fi"),
            ("case x in x) ", "a", ";; esac"),
            ("f() { ", "a", ";}"),
            ("echo $(", "a", ")"),
            ("echo \"$(", "a", ")\""),
            ("echo <(", "a", ")"),
        ] {
            let source = format!("{}{middle}{}", open.repeat(n), close.repeat(n));
            let asts = commands(&source).unwrap_or_else(|e| panic!("{open}: {e}"));
            let text = if open == "if a; then "
                || open.starts_with("case")
                || open.starts_with("f()")
                || open == "{ "
            {
                // The indentation alone would be quadratic.
                b"a".to_vec()
            } else {
                print::list(&asts[0], asts[0].root)
            };
            assert!(!text.is_empty());
            drop(asts[0].clone());
        }
        for (open, middle, close) in
            [("$((1+", "1", "))"), ("${x:-", "y", "}"), ("${x[", "1", "]}"), ("\"${x#", "y", "}\"")]
        {
            let source = format!("echo {}{middle}{}", open.repeat(n), close.repeat(n));
            assert!(commands(&source).is_ok(), "{open}");
        }
        let source = format!("[[ {}x{} ]]", "( ".repeat(n), " )".repeat(n));
        assert!(commands(&source).is_ok());
        let options = ParserOptions { max_depth: 100, ..ParserOptions::default() };
        let error = parse_all("( ".repeat(1000).as_bytes(), options, &NoAliases).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooDeep { limit: 100 });
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

/// A small deterministic generator of random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

#[test]
fn mutated_text_never_panics() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let bytes = b"()[]{}<>|&;$`\"'\\\n \t#!=:+-*/?@~^,.aEx10";
    for round in 0..4000 {
        let mut text = Vec::new();
        for _ in 0..1 + random.below(3) {
            let piece = GOOD[random.below(GOOD.len())].as_bytes();
            let start = random.below(piece.len() + 1);
            let end = start + random.below(piece.len() - start + 1);
            text.extend_from_slice(&piece[start..end]);
        }
        for _ in 0..random.below(6) {
            let at = random.below(text.len() + 1);
            match random.below(3) {
                0 => text.insert(at, bytes[random.below(bytes.len())]),
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert(at, random.below(256) as u8),
            }
        }
        let options =
            ParserOptions { extglob: round % 3 == 0, posix: round % 7 == 0, ..ParserOptions::default() };
        let mut parser = Parser::new(text.clone(), options);
        for _ in 0..text.len() + 2 {
            match parser.next(&NoAliases) {
                Ok(Some(ast)) => {
                    print::list(&ast, ast.root);
                    assert_eq!(parser.marks().parts, 0, "{}", String::from_utf8_lossy(&text));
                }
                Ok(None) => break,
                Err(error) => assert!(error.line > 0),
            }
        }
    }
}

/// Asks a real bash whether it accepts what this parser accepts.
#[test]
fn acceptance_is_that_of_bash() {
    let version = Process::new("bash").arg("--version").output();
    match version {
        Ok(out) if String::from_utf8_lossy(&out.stdout).contains("version 5.2") => {}
        _ => {
            eprintln!("skipped: there is no bash 5.2 to ask");
            return;
        }
    }
    let bash_accepts = |source: &str| {
        let out = Process::new("bash").args(["-n", "-c", source]).env_clear().output().unwrap();
        out.status.success()
    };
    // A mistake in `[[ … ]]` is none to `bash -n`'s status.
    let bad = BAD.iter().map(|(source, _)| *source).filter(|source| !source.starts_with("[["));
    for source in GOOD.iter().copied().chain(bad) {
        assert_eq!(commands(source).is_ok(), bash_accepts(source), "{source}");
    }
}
