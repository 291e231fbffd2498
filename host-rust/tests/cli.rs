//! The command line, as a user meets it. Needs the components of `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

fn wasmsh() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wasmsh"))
}

fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = wasmsh()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // One that does not read its input closes it.
        scope.spawn(move || input.write_all(stdin));
        child.wait_with_output().unwrap()
    })
}

#[track_caller]
fn expect(output: &Output, status: i32, stdout: &str, stderr: &str) {
    let got = (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert_eq!(got, (Some(status), stdout.to_owned(), stderr.to_owned()));
}

/// A directory that is gone after the test.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wasmsh-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, contents: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_script_on_the_command_line() {
    expect(
        &run(&["-c", "echo $0 $#; for a; do echo \"[$a]\"; done", "zero", "a b", "-c"], b""),
        0,
        "zero 2\n[a b]\n[-c]\n",
        "",
    );
    expect(&run(&["-c", "echo out; echo err >&2; exit 9"], b""), 9, "out\n", "err\n");
}

#[test]
fn a_script_in_a_file() {
    let directory = Directory::new("file");
    let script = directory.file("s.sh", b"#!/bin/bash\necho \"$1|$2\"\nexit 3\n");
    expect(&run(&[&script, "a b", "--env"], b""), 3, "a b|--env\n", "");
}

#[test]
fn a_script_on_standard_input() {
    expect(&run(&[], b"x=1\necho $((x + 1))\nfalse\n"), 1, "2\n", "");
}

#[test]
fn standard_input_reaches_the_script() {
    expect(&run(&["-c", "read a; echo \"<$a>\"; cat"], b"one\ntwo\nthree"), 0, "<one>\ntwo\nthree", "");
    let large = b"0123456789abcde\n".repeat(65_536);
    let output = run(&["-c", "cat"], &large);
    assert!(output.status.success() && output.stdout == large);
}

#[test]
fn what_is_no_script_has_the_status_of_bash() {
    let directory = Directory::new("none");
    let path = directory.0.to_str().unwrap();
    expect(&run(&["/no/such/script"], b""), 127, "", "wasmsh: /no/such/script: No such file or directory\n");
    expect(&run(&[path], b""), 126, "", &format!("wasmsh: {path}: Is a directory\n"));
    let binary = directory.file("binary", b"\0\0\0");
    expect(&run(&[&binary], b""), 126, "", &format!("wasmsh: {binary}: cannot execute binary file\n"));
}

#[test]
fn a_wrong_option_is_refused_with_status_2() {
    let output = run(&["--no-such-option"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--no-such-option"));
    assert_eq!(run(&["-c"], b"").status.code(), Some(2));
    assert_eq!(run(&["--timeout", "soon", "-c", ""], b"").status.code(), Some(2));
}

#[test]
fn a_syntax_error_has_status_2() {
    let output = run(&["-c", "if"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("syntax error"), "{output:?}");
}

#[test]
fn limits_end_a_script() {
    assert_eq!(run(&["--timeout", "0.1", "-c", "sleep 60"], b"").status.code(), Some(124));
    assert_eq!(run(&["--steps", "10000", "-c", "while :; do :; done"], b"").status.code(), Some(137));
}

#[test]
fn variables_are_passed_when_named_and_only_then() {
    let script = "echo \"$A,$B,${WASMSH_SECRET-unset}\"";
    let output = wasmsh()
        .args(["--env", "A=1=2", "--env", "B", "-c", script])
        .env("B", "outside")
        .env("WASMSH_SECRET", "secret")
        .output()
        .unwrap();
    expect(&output, 0, "1=2,outside,unset\n", "");
}

#[test]
fn output_is_streamed_and_a_closed_reader_ends_the_script() {
    let mut child = wasmsh()
        .args(["-c", "echo first; while echo more; do :; done"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "first\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn standard_input_is_not_read_before_it_is_wanted() {
    let mut child = wasmsh()
        .args(["-c", "echo ready; read a; echo \"$a\""])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child.stdin.as_mut().unwrap().write_all(b"answer\n").unwrap();
    line.clear();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "answer\n");
    // Its input is still open, and it ends all the same.
    assert!(child.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_goes_to_the_script() {
    let interrupted = |script: &str| {
        let mut child = wasmsh().args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        line.clear();
        stdout.read_line(&mut line).unwrap();
        (child.wait().unwrap().code(), line)
    };
    assert_eq!(interrupted("echo ready; sleep 60"), (Some(130), String::new()));
    assert_eq!(
        interrupted("trap 'echo caught; exit 5' INT; echo ready; sleep 60"),
        (Some(5), "caught\n".into())
    );
}

#[test]
fn conformance_answers_every_line() {
    let requests = concat!(
        r#"{"id": "1", "script": "echo hi; echo err >&2; exit 3", "timeout": 10}"#,
        "\n",
        r##"{"id": "2", "script": "echo \"${x-unset}\"; x=1; cat; ./run; /spec/bin/tool; cat data", "stdin": "in\n", "env": {"E": "e"}, "files": {"/workspace/run": "#!/bin/sh\necho ran $E\n", "/spec/bin/tool": "echo tool", "/workspace/data": {"b64": "AP8="}}}"##,
        "\n",
        "no request\n",
        r#"{"id": "3", "script": "sleep 60", "timeout": 0.1}"#,
        "\n",
        r#"{"id": "4", "script": {"b64": "ZWNobyBhZ2Fpbg=="}}"#,
        "\n",
    );
    let output = run(&["conformance"], requests.as_bytes());
    assert!(output.status.success());
    let replies: Vec<serde_json::Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(replies.len(), 5, "{text}");
    assert_eq!(replies[0], serde_json::json!({"stdout": "hi\n", "stderr": "err\n", "status": 3}));
    // "unset\nin\nran e\ntool\n" and two bytes that are no text.
    assert_eq!(replies[1]["stdout"]["b64"], "dW5zZXQKaW4KcmFuIGUKdG9vbAoA/w==", "{text}");
    assert_eq!(replies[2]["status"], 2);
    assert_eq!((&replies[3]["status"], &replies[3]["timeout"]), (&124.into(), &true.into()));
    assert_eq!(replies[4]["stdout"], "again\n");
}

#[test]
fn a_session_can_be_kept_in_a_file() {
    let directory = Directory::new("snapshot");
    let file = directory.0.join("state");
    let file = file.to_str().unwrap();
    expect(
        &run(&["--snapshot", file, "-c", "x=1; f() { echo f; }; mkdir d; cd d; echo text > f"], b""),
        0,
        "",
        "",
    );
    expect(&run(&["--restore", file, "-c", "pwd; cat f"], b""), 0, "/workspace/d\ntext\n", "");
    expect(&run(&["--restore", file, "-i"], b"echo $x; f\nexit 4\n"), 4, "1\nf\n", "");
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    let output = run(&["--restore", file, "-c", "echo"], b"");
    assert_eq!(output.status.code(), Some(70));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ends too early"));
}

#[test]
fn a_run_can_be_told_as_json() {
    let output = run(&["--json", "-c", "cat; echo oops >&2; exit 3"], b"text");
    assert_eq!(output.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["status"], &report["stdout"], &report["stderr"]),
        (&3.into(), &"text".into(), &"oops\n".into())
    );
    let output = run(&["--json", "--steps", "1000", "-c", "while :; do :; done"], b"");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["exceeded"], serde_json::json!([{"steps": 1000}]));
}

#[test]
fn commands_are_read_one_by_one() {
    let output = run(&["-i"], b"x=1\nif [ $x = 1 ]; then\necho yes\nfi\nfalse\n");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b"yes\n"[..]));
}

#[test]
fn limits_say_their_name() {
    let output = run(&["--output", "1K", "-c", "yes"], b"");
    assert_eq!(output.status.code(), Some(137));
    assert!(String::from_utf8_lossy(&output.stderr).contains("output limit of 1024 bytes reached"));
    let output =
        run(&["--memory", "64M", "-c", "s=0123456789abcdef; while :; do s=$s$s; a+=(\"$s\"); done"], b"");
    assert_eq!(output.status.code(), Some(137));
    assert!(String::from_utf8_lossy(&output.stderr).contains("memory limit of 67108864 bytes exceeded"));
}

#[test]
fn an_archive_is_mounted() {
    let directory = Directory::new("archive");
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(5);
    archive.append_data(&mut header, "d/file", &b"text\n"[..]).unwrap();
    let file = directory.file("a.tar", &archive.into_inner().unwrap());
    let mount = format!("{file}:/data:overlay");
    expect(
        &run(&["--mount", &mount, "-c", "cd /data/d; echo more >> file; cat file"], b""),
        0,
        "text\nmore\n",
        "",
    );
    expect(&run(&["--mount", &mount, "-c", "cat /data/d/file"], b""), 0, "text\n", "");
    let none = directory.file("none.tar", b"no archive");
    let output = run(&["--mount", &none, "-c", ":"], b"");
    assert_eq!(output.status.code(), Some(70));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("wasmsh: --mount "), "{output:?}");
}

#[test]
fn completions_are_printed_for_shells() {
    let output = run(&["completions", "bash"], b"");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("--restore"));
}

#[test]
fn a_component_is_a_command() {
    let products = std::env::var_os("WASMSH_COMPONENTS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/wasmsh"),
        std::path::PathBuf::from,
    );
    let component = format!("tool={}", products.join("commands/rust.wasm").display());
    expect(&run(&["--component", &component, "-c", "echo a | tool upper"], b""), 0, "A\n", "");
    expect(
        &run(&["--component", "tool=/no/such/file", "-c", ":"], b""),
        70,
        "",
        "wasmsh: cannot make the command tool: cannot read /no/such/file: No such file or directory (os error 2)\n",
    );
}

#[test]
fn python_is_given_standard_input_as_often_as_it_asks() {
    for size in (0..12).map(|power| 10 * (1 << power)) {
        let script = "python3 -c 'import sys; print(len(sys.stdin.read()))'; cat; echo end";
        expect(&run(&["-c", script], &vec![b'x'; size]), 0, &format!("{size}\nend\n"), "");
    }
}
