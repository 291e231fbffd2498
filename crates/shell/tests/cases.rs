//! Scripts whose output real bash has recorded: `tests/cases/NAME.sh` with `NAME.out`, stdout and then a line with
//! the status. `BLESS=1 cargo test -p wasmsh-shell --test cases` records them anew with the bash of this machine.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use wasmsh_os::OutputStream;
use wasmsh_shell::session::RunOptions;

mod support;

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    cases.sort();
    cases
}

/// What bash says, in an empty directory.
fn bless(script: &str, expected: &Path) {
    let directory = std::env::temp_dir().join(format!("wasmsh-cases-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(&directory)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/home/user")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    std::fs::remove_dir_all(&directory).expect("the directory");
    let mut text = output.stdout;
    text.extend_from_slice(format!("status {}\n", output.status.code().unwrap_or(-1)).as_bytes());
    std::fs::write(expected, text).expect("the expectation");
}

#[test]
fn as_bash_does() {
    let mut wrong = Vec::new();
    for case in cases() {
        let script = std::fs::read_to_string(&case).expect("the script");
        let expected = case.with_extension("out");
        if std::env::var_os("BLESS").is_some() {
            bless(&script, &expected);
        }
        let session = support::session("/workspace", support::default_environment("/workspace"), &[]);
        let options = RunOptions { name: b"bash".to_vec(), fresh: true, ..RunOptions::default() };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = support::run(
            &session,
            script.as_bytes(),
            &options,
            None,
            Duration::from_secs(60),
            |stream, bytes| match stream {
                OutputStream::Stdout => out.extend_from_slice(bytes),
                OutputStream::Stderr => err.extend_from_slice(bytes),
            },
        );
        out.extend_from_slice(format!("status {}\n", status.map_or(-1, i32::from)).as_bytes());
        let want = std::fs::read(&expected).expect("the expectation; record it with BLESS=1");
        if out != want {
            wrong.push(format!(
                "{}:\n--- bash\n{}--- here\n{}--- stderr\n{}",
                case.display(),
                String::from_utf8_lossy(&want),
                String::from_utf8_lossy(&out),
                String::from_utf8_lossy(&err),
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
