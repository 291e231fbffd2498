//! Any bytes as what a command reads: a program, a pattern, an archive, a table. The session is usable afterwards.
//!
//! `WASMSH_COMMAND=tar cargo +nightly fuzz run command` stays with one row of the table; without it, the first byte
//! of the input chooses.

#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use wasmsh_shell::session::{Limits, RunOptions};

#[path = "../../crates/shell/tests/support/mod.rs"]
mod support;

/// A name, and the script that gives the file `input` to the command in each of its roles.
const COMMANDS: &[(&str, &str)] = &[
    ("regex", "grep -E -f input text; grep -G -f input text; grep -P -f input text; rg -f input text"),
    ("match", "[[ $(<text) =~ $(<input) ]]; expr \"$(<text)\" : \"$(<input)\"; find . -regex \"$(<input)\""),
    ("sed", "sed -f input text; sed -nE -f input text; sed --posix -s -f input text text"),
    ("awk", "awk -f input text; awk -F \"$(<input)\" '{ $2 = \"\"; print }' text"),
    ("jq", "jq -f input data.json; jq -n -f input"),
    ("json", "jq . input; jq -c --stream . input; jq -s . input; jq --seq . input; jq -R 'fromjson?' input"),
    ("jq-formats", "jq -R '@base64d, @uri, @sh, @csv?, tonumber?, (try strptime(\"%F\") catch .)' input"),
    ("yq", "yq . input; yq -p json -o yaml . input; yq -p xml . input; yq -p toml . input; yq -p csv . input"),
    ("yq-program", "yq --from-file input data.json"),
    ("bc", "bc -l input </dev/null; bc -s input </dev/null"),
    ("dc", "dc input"),
    ("find", "mapfile -t words < input; find . \"${words[@]}\"; fd \"${words[@]}\"; [ \"${words[@]}\" ]"),
    ("date", "date -u -d \"$(<input)\"; date -u +\"$(<input)\"; touch -d \"$(<input)\" t; printf \"%($(<input))T\" 0"),
    ("numbers", "numfmt --from=auto < input; numfmt --format \"$(<input)\" 5000; seq $(<input) | head; factor < input"),
    ("printf", "printf \"$(<input)\" 1 -2 x; stat -c \"$(<input)\" text; find . -printf \"$(<input)\""),
    ("options", "mapfile -t w < input; ls \"${w[@]}\"; sort \"${w[@]}\" text; cut \"${w[@]}\" text; tr \"${w[@]}\" < text"),
    ("layout", "column -t input; fmt input; pr input; ptx input; fold -w 7 input; expand input; nl input; od -c input"),
    ("split", "mapfile -t w < input; csplit text \"${w[@]}\"; split \"${w[@]}\" text; head \"${w[@]}\" text"),
    ("sums", "md5sum -c input; cksum -c input; sha256sum -c input; b2sum -c input"),
    ("encoded", "base64 -d input; base32 -d input; basenc --z85 -d input; basenc --base16 -d input; xxd -r input"),
    ("text", "iconv -f UTF-16 input; iconv -t UTF-16 input; iconv -f LATIN1 input; hexdump -f input text; strings input"),
    ("diff", "diff input text; diff -u text input; diff -y input text; diff3 input text input; sdiff -s input text"),
    ("patch", "patch -p0 -i input; patch -R -p1 -f -i input; patch --dry-run text input"),
    ("tar", "tar -tvf input; tar -xf input -C d; tar -rf input text; tar --delete -f input text"),
    ("cpio", "cpio -tv < input; cd d; cpio -id < ../input"),
    ("zip", "unzip -l input; unzip -o input -d d; zipinfo input; unzip -p input; zip input text; zip -d input text"),
    ("gzip", "gzip -dc < input | wc -c; gzip -l input; zcat -f input; zgrep a input"),
    ("bzip2", "bzip2 -dc < input | wc -c; bzip2 -t input"),
    ("xz", "xz -dc < input | wc -c; xz -l input; unlzma -c < input"),
    ("zstd", "zstd -dc < input | wc -c; zstd -l input"),
    ("csv", "xan headers input; xan sort input; xan stats input; xan to json input; xan fixlengths input"),
    ("xargs", "xargs echo < input; xargs -0 -n1 echo < input; xargs -I{} echo {} < input; env -S \"$(<input)\" true"),
    ("curl", "curl -K input; curl \"$(<input)\"; wget -i input"),
];

const TEXT: &[u8] = b"one two three\nuser=17 path=/a/b.c\n\n42,\"x \"\"y\",z\n\tindented \xc3\xa9\n";
const JSON: &[u8] = br#"{"a":[1,2.5,{"b":null}],"c":"text","d":true,"e":{"f":[[]]}}"#;

/// The row that `WASMSH_COMMAND` names.
fn chosen() -> Option<usize> {
    static CHOSEN: OnceLock<Option<usize>> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("WASMSH_COMMAND").ok()?;
        let row = COMMANDS.iter().position(|(known, _)| *known == name);
        assert!(row.is_some(), "WASMSH_COMMAND={name}: not in the table");
        row
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (row, input) = match (chosen(), data) {
        (Some(row), input) => (row, input),
        (None, [first, input @ ..]) => (usize::from(*first) % COMMANDS.len(), input),
        (None, []) => return,
    };
    let files = [("input", input), ("text", TEXT), ("data.json", JSON), ("d/keep", b"")]
        .map(|(name, bytes)| (format!("/workspace/{name}"), bytes.to_vec()));
    let session = support::session("/workspace", support::default_environment("/workspace"), &files);
    let limits = Limits { steps: Some(50_000), output_bytes: Some(1 << 20), ..Limits::default() };
    let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
    let time = Duration::from_secs(20);
    let _ = support::run(&session, COMMANDS[row].1.as_bytes(), &options, None, time, |_, _| {});
    let after = support::run(&session, b"exit 3", &options, None, time, |_, _| {});
    assert_eq!(after, Some(3), "the session is not usable");
});
