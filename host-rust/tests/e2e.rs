//! Runs the end-to-end cases of `tests/e2e` on every composition. Their format is described there.
//!
//! `WASMSH_E2E` limits the run to cases whose `topic/name` contains its value.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use serde::Deserialize;
use wasmsh::{Engine, Errno, Exit, FileError, Limit, Limits, Python, Session};

/// What a run may take that has no limit of its own: one that hangs fails, and the rest goes on.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Topic {
    #[allow(dead_code)]
    about: String,
    cases: Vec<Case>,
}

// `flatten` and `deny_unknown_fields` exclude each other: unknown keys end up in the step, which denies them.
#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default, rename = "sandbox")]
    _sandbox: bool,
    #[serde(default)]
    env: BTreeMap<String, Text>,
    cwd: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, File>,
    steps: Option<Vec<Step>>,
    #[serde(flatten)]
    only: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Need {
    Python,
    Trap,
    Parallel,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Plain(Text),
    WithMode(FileWithMode),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWithMode {
    content: Text,
    mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Lines(Vec<String>),
    Made(Made),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct Made {
    b64: Option<String>,
    repeat: Option<Box<Text>>,
    times: Option<usize>,
    join: Option<Vec<Text>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stderr {
    Contains(Contains),
    Exactly(Text),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contains {
    contains: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Run(Box<RunStep>),
    Write(WriteStep),
    Read(ReadStep),
    List(ListStep),
    Remove(RemoveStep),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunStep {
    run: Text,
    arg0: Option<Text>,
    #[serde(default)]
    args: Vec<Text>,
    #[serde(default)]
    env: BTreeMap<String, Text>,
    cwd: Option<String>,
    #[serde(default)]
    fresh: bool,
    stdin: Option<Text>,
    limits: Option<Limits>,
    stdout: Option<Text>,
    stderr: Option<Stderr>,
    #[serde(default)]
    status: u8,
    limit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteStep {
    write: String,
    content: Text,
    mode: Option<String>,
    error: Option<Errno>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadStep {
    read: String,
    content: Option<Text>,
    error: Option<Errno>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListStep {
    list: String,
    names: Option<Vec<String>>,
    error: Option<Errno>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveStep {
    remove: String,
    error: Option<Errno>,
}

impl Text {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.clone().into_bytes(),
            Self::Lines(lines) => {
                lines.iter().flat_map(|line| [line.as_bytes(), b"\n"]).flatten().copied().collect()
            }
            Self::Made(Made { b64: Some(text), repeat: None, times: None, join: None }) => {
                base64::engine::general_purpose::STANDARD.decode(text).unwrap()
            }
            Self::Made(Made { b64: None, repeat: Some(text), times: Some(times), join: None }) => {
                text.bytes().repeat(*times)
            }
            Self::Made(Made { b64: None, repeat: None, times: None, join: Some(parts) }) => {
                parts.iter().flat_map(Text::bytes).collect()
            }
            Self::Made(_) => panic!("a text is one of b64, repeat with times, join"),
        }
    }
}

/// Bytes for a message: as text, and not all of a long one.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut short: String = text.chars().take(400).collect();
    if short.len() < text.len() {
        write!(short, "… ({} bytes)", bytes.len()).unwrap();
    }
    format!("{short:?}")
}

fn differ(what: &str, expected: &[u8], got: &[u8]) -> Option<String> {
    (expected != got).then(|| format!("{what}: expected {}, got {}", shown(expected), shown(got)))
}

fn mode(octal: Option<&String>) -> u32 {
    octal.map_or(0o644, |octal| u32::from_str_radix(octal, 8).unwrap())
}

/// Compares what a call on files has returned with what was expected.
fn outcome<T>(result: Result<T, FileError>, expected: Option<Errno>) -> Result<Option<T>, String> {
    match (result, expected) {
        (Ok(value), None) => Ok(Some(value)),
        (Ok(_), Some(errno)) => Err(format!("expected {}, but it succeeded", errno.code())),
        (Err(error), expected) if error.errno().is_some() && error.errno() == expected => Ok(None),
        (Err(error), _) => Err(error.to_string()),
    }
}

fn take(session: &mut Session, step: &Step) -> Result<(), String> {
    match step {
        Step::Run(step) => run(session, step),
        Step::Write(WriteStep { write, content, mode: octal, error }) => {
            let written = session.write_file_with_mode(write, content.bytes(), mode(octal.as_ref()));
            outcome(written, *error).map(drop)
        }
        Step::Read(ReadStep { read, content, error }) => match outcome(session.read_file(read), *error)? {
            Some(bytes) => {
                let expected = content.as_ref().ok_or("neither `content` nor `error`")?.bytes();
                differ(read, &expected, &bytes).map_or(Ok(()), Err)
            }
            None => Ok(()),
        },
        Step::List(ListStep { list, names, error }) => match outcome(session.list_dir(list), *error)? {
            Some(entries) => {
                let expected = names.as_ref().ok_or("neither `names` nor `error`")?;
                let got: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
                if *expected == got {
                    Ok(())
                } else {
                    Err(format!("{list}: expected {expected:?}, got {got:?}"))
                }
            }
            None => Ok(()),
        },
        Step::Remove(RemoveStep { remove, error }) => outcome(session.remove(remove), *error).map(drop),
    }
}

fn run(session: &mut Session, step: &RunStep) -> Result<(), String> {
    let mut run = session.run(step.run.bytes()).args(step.args.iter().map(Text::bytes));
    for (name, value) in &step.env {
        run = run.env(name.as_bytes(), value.bytes());
    }
    if let Some(name) = &step.arg0 {
        run = run.name(name.bytes());
    }
    if let Some(cwd) = &step.cwd {
        run = run.cwd(cwd);
    }
    if step.fresh {
        run = run.fresh();
    }
    if let Some(stdin) = &step.stdin {
        run = run.stdin(stdin.bytes());
    }
    if let Some(limits) = step.limits {
        run = run.limits(limits);
    }
    if step.limits.is_none_or(|limits| limits.wall_time_ms.is_none()) {
        run = run.timeout(PATIENCE);
    }
    let output = run.output().map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    wrong.extend(differ(
        "stdout",
        &step.stdout.as_ref().map(Text::bytes).unwrap_or_default(),
        &output.stdout,
    ));
    match &step.stderr {
        Some(Stderr::Contains(Contains { contains })) => {
            let stderr = output.stderr_text();
            wrong.extend(
                contains
                    .iter()
                    .filter(|part| !stderr.contains(*part))
                    .map(|part| format!("stderr lacks {part:?}: {}", shown(&output.stderr))),
            );
        }
        Some(Stderr::Exactly(text)) => wrong.extend(differ("stderr", &text.bytes(), &output.stderr)),
        None => wrong.extend(differ("stderr", b"", &output.stderr)),
    }
    if output.status() != step.status {
        wrong.push(format!("status: expected {}, got {} ({:?})", step.status, output.status(), output.exit));
    }
    let limit = match output.exit {
        Exit::Limited(Limit::WallTimeMs(_)) => Some("wall_ms"),
        Exit::Limited(limit) => Some(limit.name()),
        Exit::Code(_) | Exit::Signalled(_) => None,
    };
    if limit != step.limit.as_deref() {
        wrong.push(format!("limit: expected {:?}, got {limit:?}", step.limit));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn try_case(engine: &Engine, case: Case) -> Result<(), String> {
    let steps = match case.steps {
        Some(steps) if case.only.is_empty() => steps,
        Some(_) => return Err(format!("unknown keys: {:?}", case.only.keys())),
        None => {
            let step =
                serde_json::from_value::<RunStep>(case.only.into()).map_err(|error| error.to_string())?;
            vec![Step::Run(Box::new(step))]
        }
    };
    let mut builder = engine.session();
    for (name, value) in case.env {
        builder = builder.env(name, value.bytes());
    }
    if let Some(cwd) = case.cwd {
        builder = builder.cwd(cwd);
    }
    let mut session = builder.build().map_err(|error| format!("{error:?}"))?;
    for (path, file) in case.files {
        let (content, mode) = match &file {
            File::Plain(text) => (text.bytes(), 0o644),
            File::WithMode(FileWithMode { content, mode: octal }) => (content.bytes(), mode(octal.as_ref())),
        };
        let path = format!("/workspace/{path}");
        session.write_file_with_mode(&path, content, mode).map_err(|error| error.to_string())?;
    }
    for (number, step) in (1..).zip(&steps) {
        take(&mut session, step).map_err(|why| format!("step {number}: {why}"))?;
    }
    Ok(())
}

fn run_all(python: Python, unmet: &[Need]) {
    let engine = Engine::builder().python(python).build().expect("the components, from `cargo xtask build`");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/e2e/cases");
    let filter = std::env::var("WASMSH_E2E").unwrap_or_default();
    let mut topics: Vec<_> = directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    topics.sort();
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    for path in
        topics.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        let topic: Topic =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in topic.cases {
            let name = format!("{}/{}", path.file_stem().unwrap().display(), case.name);
            if !name.contains(&filter) {
                continue;
            }
            if case.needs.iter().any(|need| unmet.contains(need)) {
                skipped += 1;
                continue;
            }
            match try_case(&engine, case) {
                Ok(()) => passed += 1,
                Err(why) => failed.push(format!("  {name}: {why}")),
            }
        }
    }
    let summary = format!("{python:?}: {passed} passed, {skipped} skipped, {} failed", failed.len());
    println!("{summary}");
    assert!(failed.is_empty(), "{summary}\n{}", failed.join("\n"));
    assert!(passed > 0 || !filter.is_empty(), "no case was found");
}

#[test]
fn core_with_python_linked() {
    run_all(Python::Linked, &[]);
}

#[test]
fn composed_sandbox() {
    run_all(Python::Composed, &[Need::Trap, Need::Parallel]);
}
