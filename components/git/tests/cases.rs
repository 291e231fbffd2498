//! Sessions with git: commands typed one after the other, against what git answered.
//!
//! `tests/cases/*.txt` holds them. A line `== title` begins a session in a new folder; then, step by step,
//!
//! ```text
//! $ git status -s        a command, run by `sh`; lines that begin with `+ ` belong to it
//! >  M file              a line on standard output
//! ! fatal: …             a line on standard error
//! \                      the line above has no newline at its end
//! = 1                    the status, where it is not 0
//! ```
//!
//! `ROOT` stands for the session's folder. Each step is a minute later than the one before, by `GIT_AUTHOR_DATE` and
//! `GIT_COMMITTER_DATE`. Answers are recorded from git itself: `BLESS=1 cargo test --test cases`. Recording also lets git
//! check (`fsck`) the repositories that this program made, and lets each list the history in those of the other.
//! A session whose title ends in `(own)` is recorded from this program, for what differs on purpose.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "not part of the product"
)]
#![allow(missing_docs)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Step {
    command: String,
    answer: String,
}

struct Session {
    title: String,
    remarks: Vec<String>,
    steps: Vec<Step>,
}

fn read(text: &str) -> (Vec<String>, Vec<Session>) {
    let mut head = Vec::new();
    let mut sessions: Vec<Session> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            sessions.push(Session { title: title.to_owned(), remarks: Vec::new(), steps: Vec::new() });
            continue;
        }
        let Some(session) = sessions.last_mut() else {
            head.push(line.to_owned());
            continue;
        };
        if let Some(command) = line.strip_prefix("$ ") {
            session.steps.push(Step { command: command.to_owned(), answer: String::new() });
        } else if let Some(more) = line.strip_prefix("+ ") {
            let step = session.steps.last_mut().expect("a command before `+`");
            step.command.push('\n');
            step.command.push_str(more);
        } else if line.starts_with('#') && session.steps.is_empty() {
            session.remarks.push(line.to_owned());
        } else if !line.is_empty() {
            let step = session.steps.last_mut().expect("a command before its answer");
            step.answer.push_str(line);
            step.answer.push('\n');
        }
    }
    (head, sessions)
}

fn write(head: &[String], sessions: &[Session]) -> String {
    let mut text = String::new();
    for line in head.iter().filter(|line| !line.is_empty()) {
        writeln!(text, "{line}").unwrap();
    }
    for session in sessions {
        if !text.is_empty() {
            text.push('\n');
        }
        writeln!(text, "== {}", session.title).unwrap();
        for remark in &session.remarks {
            writeln!(text, "{remark}").unwrap();
        }
        for step in &session.steps {
            writeln!(text, "$ {}", step.command.replace('\n', "\n+ ")).unwrap();
            text.push_str(&step.answer);
        }
    }
    text
}

fn lines(mark: char, bytes: &[u8], root: &str) -> String {
    let text = String::from_utf8_lossy(bytes).replace(root, "ROOT");
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        // What would not survive in a text file is told.
        let shown: String = line
            .trim_end_matches('\n')
            .chars()
            .map(|letter| {
                if letter == '\0' {
                    "␀".to_owned()
                } else if letter == '\r' {
                    "␍".to_owned()
                } else {
                    letter.to_string()
                }
            })
            .collect();
        out.push(mark);
        if !shown.is_empty() {
            out.push(' ');
            out.push_str(&shown);
        }
        out.push('\n');
        if !line.ends_with('\n') {
            out.push_str("\\\n");
        }
    }
    out
}

/// Plays a session; gives the answers.
fn play(session: &Session, root: &Path, git: &Path) -> Vec<String> {
    let _ = fs::remove_dir_all(root);
    fs::create_dir_all(root.join("home")).unwrap();
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::create_dir_all(root.join("work")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(git, root.join("bin/git")).unwrap();
    fs::write(
        root.join("home/.gitconfig"),
        "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n",
    )
    .unwrap();
    let shown = root.to_string_lossy().into_owned();
    let mut answers = Vec::new();
    for (number, step) in session.steps.iter().enumerate() {
        let date = format!("{} +0000", 1_700_000_000 + 60 * number);
        let output = Command::new("sh")
            .arg("-c")
            .arg(&step.command)
            .current_dir(root.join("work"))
            .env_clear()
            .env("PATH", format!("{}/bin:/usr/bin:/bin", shown))
            .env("HOME", root.join("home"))
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "dumb")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let mut answer = lines('>', &output.stdout, &format!("{shown}/work"));
        answer.push_str(&lines('!', &output.stderr, &format!("{shown}/work")));
        let status = output.status.code().unwrap_or(-1);
        if status != 0 {
            writeln!(answer, "= {status}").unwrap();
        }
        answers.push(answer);
    }
    answers
}

fn own() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_git"))
}

fn real() -> PathBuf {
    let path = std::env::var_os("PATH").expect("a path");
    std::env::split_paths(&path)
        .map(|folder| folder.join("git"))
        .find(|git| git.exists())
        .expect("git, to record from")
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    found.sort();
    found
}

fn repositories(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root.join("work")];
    while let Some(folder) = waiting.pop() {
        if folder.join("HEAD").exists() && folder.join("objects").exists() {
            found.push(folder);
            continue;
        }
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn ask(git: &Path, repository: &Path, arguments: &[&str]) -> (String, bool) {
    let output = Command::new(git)
        .arg("--git-dir")
        .arg(repository)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (text, output.status.success())
}

/// Each program reads what the other one wrote.
fn exchange(title: &str, ours: &Path, theirs: &Path) -> Vec<String> {
    let mut failures = Vec::new();
    for repository in repositories(ours) {
        let (text, ok) = ask(&real(), &repository, &["fsck", "--full", "--strict"]);
        if !ok || text.contains("error") || text.contains("missing") {
            failures.push(format!("{title}: fsck of {}:\n{text}", repository.display()));
        }
    }
    // The second time its objects are in packs.
    let mut all = repositories(theirs);
    for repository in repositories(ours) {
        all.push(repository.clone());
        all.push(repository);
    }
    for (number, repository) in all.iter().enumerate() {
        if number > 0 && all[number - 1] == *repository {
            ask(&real(), repository, &["gc", "--quiet"]);
        }
        let arguments = ["log", "--all", "--format=%H %P %an %ct %s", "--raw", "--no-abbrev"];
        let (one, other) = (ask(&real(), repository, &arguments), ask(&own(), repository, &arguments));
        if one != other {
            failures.push(format!(
                "{title}: the history of {}:\n{}\n--- ours\n{}",
                repository.display(),
                one.0,
                other.0
            ));
        }
    }
    failures
}

#[test]
fn cases() {
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let only = std::env::var("ONLY").ok();
    let scratch = std::env::temp_dir().join(format!("wasmsh-git-cases-{}", std::process::id()));
    let mut failures: Vec<String> = Vec::new();
    let (mut sessions_count, mut steps_count) = (0, 0);
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        let (head, mut sessions) = read(&text);
        for session in &mut sessions {
            if only.as_ref().is_some_and(|only| {
                !session.title.contains(only.as_str()) && !file.to_string_lossy().contains(only.as_str())
            }) {
                continue;
            }
            sessions_count += 1;
            steps_count += session.steps.len();
            // Both play in a place of the same length, so that no text is broken differently.
            let place = scratch.join("session");
            let differs = session.title.ends_with("(own)");
            if bless {
                let answers = play(session, &place, &if differs { own() } else { real() });
                for (step, answer) in session.steps.iter_mut().zip(answers) {
                    step.answer = answer;
                }
                let kept = scratch.join("theirs");
                let _ = fs::remove_dir_all(&kept);
                fs::rename(&place, &kept).unwrap();
            }
            let answers = play(session, &place, &own());
            for (step, answer) in session.steps.iter().zip(&answers) {
                if step.answer != *answer {
                    failures.push(format!(
                        "{}: {}\n$ {}\n--- git\n{}--- ours\n{answer}",
                        file.file_stem().unwrap().to_string_lossy(),
                        session.title,
                        step.command,
                        step.answer
                    ));
                }
            }
            if bless && !differs {
                failures.extend(exchange(&session.title, &place, &scratch.join("theirs")));
            }
        }
        if bless {
            fs::write(&file, write(&head, &sessions)).unwrap();
        }
    }
    let _ = fs::remove_dir_all(&scratch);
    assert!(sessions_count > 0, "no title and no file has `{}` in it", only.unwrap_or_default());
    println!("{sessions_count} sessions, {steps_count} steps, {} failures", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
