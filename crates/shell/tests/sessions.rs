//! What a host sees of sessions and runs.

#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use wasmsh_os::{OutputStream, Signal};
use wasmsh_shell::session::{
    Limit, Limits, Run, RunExit, RunOptions, RunState, Session, StdinKind, TextState,
};

mod support;

fn session() -> Session {
    support::session("/workspace", support::default_environment("/workspace"), &[])
}

/// Output of both streams, and the status.
fn run_with(session: &Session, script: &str, options: &RunOptions) -> (String, u8) {
    let mut text = Vec::new();
    let status =
        support::run(session, script.as_bytes(), options, None, Duration::from_secs(60), |_, bytes| {
            text.extend_from_slice(bytes);
        });
    (String::from_utf8_lossy(&text).into_owned(), status.expect("in time"))
}

fn run(session: &Session, script: &str) -> (String, u8) {
    run_with(session, script, &RunOptions::default())
}

fn to_end(run: &Run) -> (String, RunExit) {
    let mut text = String::new();
    loop {
        let progress = run.resume(100_000, 1 << 16);
        for chunk in progress.output {
            text.push_str(&String::from_utf8_lossy(&chunk.bytes));
        }
        if let RunState::Exited(exit) = progress.state {
            return (text, exit);
        }
    }
}

#[test]
fn state_lasts_from_run_to_run() {
    let session = session();
    run(
        &session,
        "x=1; f() { echo \"f $x\"; }; mkdir d; cd d; set -o pipefail; alias a=b; sleep 0.01 & p=$!",
    );
    assert_eq!(
        run(&session, "f; pwd; set -o | grep pipefail; alias; wait $p; echo $?"),
        ("f 1\n/workspace/d\npipefail       \ton\nalias a='b'\n0\n".into(), 0)
    );
    assert_eq!(session.cwd(), "/workspace/d");
}

#[test]
fn what_is_for_one_run_is_gone_after_it() {
    for before in ["", ":"] {
        let session = session();
        if !before.is_empty() {
            run(&session, "mkdir d; V=kept");
        }
        let options = RunOptions {
            environment: vec![(b"V".to_vec(), b"one".to_vec())],
            cwd: Some("/tmp".into()),
            ..RunOptions::default()
        };
        assert_eq!(run_with(&session, "pwd; env | grep ^V=; cd /usr", &options), ("/tmp\nV=one\n".into(), 0));
        let after = if before.is_empty() { "unset\n/workspace\n" } else { "kept\n/workspace\n" };
        assert_eq!(run(&session, "echo ${V-unset}; pwd"), (after.into(), 0));
    }
}

#[test]
fn a_fresh_run_leaves_only_files() {
    let session = session();
    let fresh = RunOptions { fresh: true, ..RunOptions::default() };
    assert_eq!(run_with(&session, "x=1; cd /tmp; echo hi > file", &fresh), (String::new(), 0));
    assert_eq!(
        run(&session, "echo \"${x-unset}\"; pwd; cat /tmp/file"),
        ("unset\n/workspace\nhi\n".into(), 0)
    );
}

#[test]
fn errors_leave_the_session_usable() {
    let session = session();
    assert_eq!(run(&session, "echo $((1/0)").1, 2);
    assert_eq!(run(&session, "exit 7").1, 7);
    assert_eq!(run(&session, "kill -TERM $$").1, 143);
    assert_eq!(run(&session, "for x in 1 2; do nothing_such; done").1, 127);
    assert_eq!(run(&session, "echo fine"), ("fine\n".into(), 0));
}

#[test]
fn limits_end_a_run_and_say_so() {
    let session = session();
    for (limits, limit, name, status) in [
        (Limits { steps: Some(50_000), ..Limits::default() }, Limit::Steps(50_000), "step limit", 137),
        (
            Limits { output_bytes: Some(1000), ..Limits::default() },
            Limit::OutputBytes(1000),
            "output limit",
            137,
        ),
        (Limits { wall_time_ms: Some(30), ..Limits::default() }, Limit::WallTimeMs(30), "time limit", 124),
    ] {
        for script in ["keep=1; while :; do echo x; done", "yes"] {
            let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
            let run = session.start(script.as_bytes(), &options).expect("a run");
            let (text, exit) = to_end(&run);
            assert_eq!(exit, RunExit::Limited(limit), "{script}");
            assert_eq!(exit.status(), status);
            assert!(text.contains(name), "{text:.100}");
            if let Limit::OutputBytes(bytes) = limit {
                // To the byte; the message follows.
                assert_eq!(text.find("wasmsh: "), Some(bytes as usize), "{script}");
            }
        }
    }
    assert_eq!(run(&session, "echo $keep"), ("1\n".into(), 0));
}

#[test]
fn what_a_script_may_not_grow_to() {
    let session = session();
    for (script, message) in [
        ("x=({1..1000000000})", "expansion: more than"),
        (
            "echo {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
            "brace expansion: more than",
        ),
        ("printf '%1000000000d' 1", "expansion: more than"),
        ("printf '%.1000000000f' 1", "expansion: more than"),
        ("f() { eval f; }; f", "nesting level exceeded"),
        ("x='eval \"$x\"'; eval \"$x\"", "maximum eval nesting level exceeded"),
        ("echo '. /tmp/s' > /tmp/s; . /tmp/s", "maximum source nesting level exceeded"),
        ("trap 'kill -USR1 $$' USR1; kill -USR1 $$", "maximum trap handler nesting level exceeded"),
    ] {
        let (text, _) = run(&session, script);
        assert!(text.contains(message), "{script}: {text:.300}");
        assert_eq!(run(&session, "echo usable"), ("usable\n".into(), 0), "{script}");
    }
}

#[test]
fn children_that_have_ended_make_room() {
    let session = session();
    assert_eq!(run(&session, "for ((i=0;i<3000;i++)); do : & done; wait; echo ok"), ("ok\n".into(), 0));
}

#[test]
fn an_endless_line_can_be_cancelled() {
    let session = session();
    let limits = Limits { steps: Some(100_000), ..Limits::default() };
    for script in ["read x < /dev/zero", "mapfile < /dev/zero", "bash < /dev/zero", "x=$(cat /dev/zero)"] {
        let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
        let run = session.start(script.as_bytes(), &options).expect("a run");
        let (_, exit) = to_end(&run);
        assert_eq!(exit, RunExit::Limited(Limit::Steps(100_000)), "{script}");
    }
}

#[test]
fn following_a_file_ends_when_the_run_is_cancelled() {
    for script in ["echo a > f; tail -f f", "echo a > f; tail -F f nofile | cat", "tail -f f"] {
        let session = session();
        run(&session, "echo a > f");
        let following = session.start(script.as_bytes(), &RunOptions::default()).expect("a run");
        for _ in 0..20 {
            following.resume(1000, 1 << 16);
        }
        following.signal(Signal::Int);
        assert_eq!(to_end(&following).1, RunExit::Signalled(Signal::Int), "{script}");
        drop(following);
        assert_eq!(run(&session, "cat f"), ("a\n".into(), 0));
    }
}

#[test]
fn variables_meet_a_ceiling() {
    let ceilings = wasmsh_os::Ceilings { variable_bytes: 4 << 20, ..wasmsh_os::Ceilings::default() };
    let session =
        support::session_with("/workspace", support::default_environment("/workspace"), &[], ceilings);
    for script in [
        "while :; do a+=(some text); done",
        "x=0123456789abcdef0123456789abcdef; while :; do x+=$x; done",
        "x=0123456789abcdef0123456789abcdef; for ((i=0;;i++)); do declare v$i=$x$x$x$x; done",
        "declare -A m; for ((i=0;;i++)); do m[k$i]=$i; done",
        "f() { local x=$1$1; f $x; }; f 0123456789abcdef0123456789abcdef",
        "mapfile a < <(yes some text | head -n 100000)",
        "read -r -d '' x < <(yes some text | head -c 8000000)",
        "printf -v x '%9000000d' 1",
    ] {
        let options = RunOptions { fresh: true, ..RunOptions::default() };
        let (text, status) = run_with(&session, &format!("{script} || exit 2"), &options);
        assert!(text.contains("cannot allocate memory: "), "{script}: {text:.300}");
        assert_eq!(status, 2, "{script}");
    }
    // What is let go counts no more, what processes share counts once, and what they add to it does count.
    let options = RunOptions { fresh: true, ..RunOptions::default() };
    let script = "printf -v x '%1000000d' 1; y=$x; z=$y; for i in {1..40}; do x=$x; done
        for i in {1..5}; do (x+=1; x=${x}2; echo $i); done; sleep 0 & sleep 0 & wait; unset x y z; printf -v w '%2000000d' 1; echo ${#w}";
    assert_eq!(run_with(&session, script, &options), ("1\n2\n3\n4\n5\n2000000\n".into(), 0));
}

#[test]
fn what_commands_make_in_memory_is_bounded() {
    let ceilings = wasmsh_os::Ceilings { expansion_bytes: 1 << 14, ..wasmsh_os::Ceilings::default() };
    let session =
        support::session_with("/workspace", support::default_environment("/workspace"), &[], ceilings);
    for (script, expected) in [
        ("echo a | sed ':a; s/a*/&&a/; ta'", 4),
        ("echo a | sed ':a; s/a*/\\U&&a/; ta'", 4),
        ("echo a | sed ':a; s/a/aa/g; ta'", 4),
        ("echo a | ptx -w 4000000000", 1),
        ("echo a | ptx -g 4000000000", 1),
        ("echo a | pr -t -n:2147483647", 1),
    ] {
        let (text, status) = run(&session, script);
        assert!(text.contains("memory exhausted"), "{script}: {text:.300}");
        assert_eq!(status, expected, "{script}");
    }
}

#[test]
fn a_loop_inside_a_trap_can_be_cancelled() {
    let scripts = [
        "trap 'while :; do :; done' EXIT; exit 3",
        "trap 'while :; do :; done' DEBUG; echo never",
        "trap 'while :; do :; done' ERR; false; echo never",
        "set -e; trap 'for ((;;)); do x=$((x+1)); done' ERR; false",
        "set -T; trap 'until false; do true; done' RETURN; f() { return 1; }; f; echo never",
        "trap 'while sleep 0; do :; done' USR1; kill -USR1 $$; echo never",
        "trap 'sleep 1000' EXIT",
        "trap 'read < <(sleep 1000)' EXIT; :",
        "( trap 'while :; do :; done' EXIT ); echo never",
        "trap 'while :; do :; done' EXIT; x=$(trap 'while :; do :; done' EXIT)",
    ];
    for script in scripts {
        for fresh in [false, true] {
            let session = session();
            // From outside, once it loops.
            let options = RunOptions { fresh, ..RunOptions::default() };
            let run = session.start(script.as_bytes(), &options).expect("a run");
            for _ in 0..20 {
                run.resume(1000, 1 << 16);
            }
            run.signal(Signal::Int);
            let (text, exit) = to_end(&run);
            assert!(!text.contains("never"), "{script}, fresh: {fresh}");
            assert_eq!(exit, RunExit::Signalled(Signal::Int), "{script}, fresh: {fresh}");
            drop(run);
            // By its limit.
            let limits = Limits { steps: Some(20_000), wall_time_ms: Some(50), ..Limits::default() };
            let options = RunOptions { fresh, limits: Some(limits), ..RunOptions::default() };
            let run = session.start(script.as_bytes(), &options).expect("a run");
            assert!(matches!(to_end(&run).1, RunExit::Limited(_)), "{script}, fresh: {fresh}");
            drop(run);
            // By letting go of it.
            let run = session.start(script.as_bytes(), &RunOptions { fresh, ..RunOptions::default() });
            let run = run.expect("a run");
            run.resume(1000, 1 << 16);
            drop(run);
            // A trap that was not yet running has not been cancelled: there it is a shell of its own that is asked.
            let options = RunOptions { fresh: script.contains("x=$("), ..RunOptions::default() };
            assert_eq!(run_with(&session, "echo usable", &options), ("usable\n".into(), 0), "{script}");
        }
    }
}

#[test]
fn a_fork_bomb_meets_the_ceiling() {
    let session = session();
    let (text, _) = run(&session, "f() { f | f & }; f; wait; echo survived");
    assert!(text.contains("survived") || text.contains("Resource temporarily unavailable"), "{text:.300}");
    assert_eq!(run(&session, "echo alive").0, "alive\n");
}

#[test]
fn ten_thousand_calls_deep() {
    let session = session();
    assert_eq!(
        run(&session, "f() { (($1)) && f $(($1-1)) || echo bottom; }; f 9000"),
        ("bottom\n".into(), 0)
    );
    let (text, status) = run(&session, "f() { f; }; f");
    assert!(text.contains("maximum function nesting level exceeded"), "{text:.300}");
    assert_eq!(status, 1);
}

#[test]
fn waiting_takes_no_longer_than_the_longest() {
    let session = session();
    let begin = Instant::now();
    assert_eq!(run(&session, "sleep 0.3 & sleep 0.3 & wait; echo done"), ("done\n".into(), 0));
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(run(&session, "yes | head -3"), ("y\ny\ny\n".into(), 0));
}

#[test]
fn streams_keep_their_order() {
    let session = session();
    let run = session.start(
        b"echo a; echo b >&2; printf c; ls /nowhere 2>&1 >/dev/null | head -c 3; echo d",
        &RunOptions::default(),
    );
    let run = run.expect("a run");
    let mut all = Vec::new();
    loop {
        let progress = run.resume(1000, 3);
        all.extend(progress.output.into_iter().map(|chunk| (chunk.origin, chunk.bytes)));
        if let RunState::Exited(_) = progress.state {
            break;
        }
    }
    let text: Vec<u8> = all.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(String::from_utf8_lossy(&text), "a\nb\ncls:d\n");
    assert!(all.iter().any(|(origin, bytes)| *origin == OutputStream::Stderr && bytes.starts_with(b"b")));
}

#[test]
fn standard_input_comes_piece_by_piece() {
    let session = session();
    let options = RunOptions { stdin: StdinKind::Piped, ..RunOptions::default() };
    let run = session.start(b"while read -r line; do echo \"<$line>\"; done", &options).expect("a run");
    let mut text = String::new();
    for piece in ["one\ntw", "o\n", "three"] {
        loop {
            let progress = run.resume(10_000, 1 << 16);
            for chunk in progress.output {
                text.push_str(&String::from_utf8_lossy(&chunk.bytes));
            }
            if let RunState::Waiting { stdin: true, .. } = progress.state {
                break;
            }
        }
        assert_eq!(run.write_stdin(piece.as_bytes()), piece.len() as u32);
    }
    run.close_stdin();
    text.push_str(&to_end(&run).0);
    assert_eq!(text, "<one>\n<two>\n");
}

#[test]
fn signals_and_drops_end_a_run() {
    let session = session();
    let run = session
        .start(b"kept=yes; trap 'echo caught; exit 3' INT; sleep 100", &RunOptions::default())
        .expect("a run");
    while !matches!(run.resume(10_000, 1 << 16).state, RunState::Waiting { .. }) {}
    run.signal(Signal::Int);
    assert_eq!(to_end(&run), ("caught\n".into(), RunExit::Code(3)));
    drop(run);
    let run = session.start(b"trap - INT; sleep 100", &RunOptions::default()).expect("a run");
    while !matches!(run.resume(10_000, 1 << 16).state, RunState::Waiting { .. }) {}
    run.signal(Signal::Int);
    assert_eq!(to_end(&run).1, RunExit::Signalled(Signal::Int));
    drop(run);
    let run = session.start(b"while :; do :; done", &RunOptions::default()).expect("a run");
    run.resume(10_000, 1 << 16);
    assert!(session.start(b"echo", &RunOptions::default()).is_err());
    drop(run);
    assert_eq!(run_text(&session), "yes\n");
}

#[test]
fn a_program_that_the_shell_has_become_is_ended_and_the_state_lasts() {
    let session = session();
    assert_eq!(run(&session, "kept=yes"), (String::new(), 0));
    let limits = Limits { wall_time_ms: Some(20), ..Limits::default() };
    let limited = RunOptions { limits: Some(limits), ..RunOptions::default() };
    let ends: [(&str, &RunOptions, Option<Signal>); 4] = [
        ("exec sleep 100", &RunOptions::default(), Some(Signal::Term)),
        ("exec sleep 100", &RunOptions::default(), Some(Signal::Int)),
        ("exec sleep 100", &RunOptions::default(), None),
        ("exec sleep 100", &limited, None),
    ];
    for (script, options, signal) in ends {
        let run = session.start(script.as_bytes(), options).expect("a run");
        while !matches!(run.resume(10_000, 1 << 16).state, RunState::Waiting { .. }) {}
        if let Some(signal) = signal {
            run.signal(signal);
            let state = run.resume(100_000, 1 << 16).state;
            assert!(matches!(state, RunState::Exited(RunExit::Signalled(by)) if by == signal), "{state:?}");
        } else if options.limits.is_some() {
            assert!(matches!(to_end(&run).1, RunExit::Limited(_)));
        }
        drop(run);
        assert_eq!(run_text(&session), "yes\n", "{script} {signal:?}");
    }
}

#[test]
fn a_signal_before_a_run_has_begun_ends_that_run_alone() {
    let session = session();
    for first in [true, false] {
        let run = session.start(b"echo first; kept=$kept.", &RunOptions::default()).expect("a run");
        run.signal(Signal::Term);
        assert_eq!(to_end(&run), (String::new(), RunExit::Signalled(Signal::Term)), "{first}");
        drop(run);
        let run = session.start(b"echo second$kept", &RunOptions::default()).expect("a run");
        assert_eq!(to_end(&run), ("second\n".into(), RunExit::Code(0)), "{first}");
    }
}

#[test]
fn a_trap_that_does_not_end_is_removed_with_its_run() {
    let session = session();
    for (trap, script) in [
        ("DEBUG", "f() { while :; do :; done; }; kept=yes; trap f DEBUG; :"),
        ("ERR", "trap 'while :; do :; done' ERR; false"),
        ("EXIT", "trap 'while :; do :; done' EXIT; exit 3"),
        ("RETURN", "g() { :; }; set -T; trap 'while :; do :; done' RETURN; g"),
    ] {
        let run = session.start(script.as_bytes(), &RunOptions::default()).expect("a run");
        run.resume(50_000, 1 << 16);
        run.signal(Signal::Int);
        let (text, exit) = to_end(&run);
        assert_eq!(exit, RunExit::Signalled(Signal::Int));
        assert_eq!(text, format!("wasmsh: trap on {trap}: removed, it did not end\n"));
        drop(run);
        assert_eq!(run_text(&session), "yes\n");
        assert_eq!(self::run(&session, &format!("trap -p {trap}; false; :")), (String::new(), 0));
    }
}

fn run_text(session: &Session) -> String {
    run(session, "echo $kept").0
}

#[test]
fn state_goes_through_bytes() {
    let first = session();
    run(
        &first,
        "x=1; declare -ix n=4; a=(p [5]=q); declare -A m=([k]='v w'); f() { echo \"$x ${a[5]} ${m[k]} $1\"; }
        readonly r=2; shopt -s extglob; alias ll='ls -l'; trap 'echo bye' USR1; mkdir -p d; cd d; umask 077",
    );
    let bytes = first.save().expect("no run");
    let second = session();
    run(&second, "mkdir -p d");
    second.load(&bytes).expect("a state");
    assert_eq!(second.cwd(), "/workspace/d");
    let (text, _) = run(
        &second,
        "f z; n+=1; echo $n; r=3; echo $r; alias ll; trap -p USR1; umask; pwd; shopt -q extglob && echo on; kill -USR1 $$; printenv n",
    );
    assert_eq!(text.replace("bash: line 1: r: readonly variable\n", ""), "1 q v w z\n5\n");
    let (text, _) = run(
        &second,
        "echo $r; alias ll; trap -p USR1; umask; pwd; shopt -q extglob && echo on; kill -USR1 $$",
    );
    assert_eq!(text, "2\nalias ll='ls -l'\ntrap -- 'echo bye' SIGUSR1\n0077\n/workspace/d\non\nbye\n");
    assert_eq!(second.save().expect("no run").len(), second.save().expect("no run").len());
    for cut in 0..bytes.len() {
        assert!(second.load(bytes.get(..cut).unwrap_or_default()).is_err());
    }
    assert_eq!(run(&second, "echo $x"), ("1\n".into(), 0));
}

#[test]
fn prompts() {
    let session = session();
    assert_eq!(session.check(b"echo hi\n"), TextState::Complete);
    for complete in ["", "echo", "# a", "f() { :; }", "if :; then :; fi", "cat <<X\na\nX"] {
        assert_eq!(session.check(complete.as_bytes()), TextState::Complete, "{complete}");
    }
    for incomplete in
        ["echo \\", "cat <<X", "cat <<X\na", "a |", "a &&", "echo \"", "f() {", "if :", "echo $(", "("]
    {
        assert_eq!(session.check(incomplete.as_bytes()), TextState::Incomplete, "{incomplete}");
    }
    assert_eq!(session.check(b"for i in 1 2; do\n"), TextState::Incomplete);
    assert_eq!(session.check(b"echo 'a\n"), TextState::Incomplete);
    assert!(matches!(session.check(b"echo )\n"), TextState::Wrong(_)));
    run(&session, "mkdir dir; echo > file1; echo > 'file 2'; variable=1");
    let names = |text: &str| {
        let completion = session.complete(text.as_bytes(), text.len() as u32);
        let candidates: Vec<String> =
            completion.candidates.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        (completion.start, candidates)
    };
    assert_eq!(names("cat fi"), (4, vec!["file1".into(), "file\\ 2".into()]));
    assert_eq!(names("cd d"), (3, vec!["dir/".into()]));
    assert_eq!(names("echo $variab"), (5, vec!["$variable".into()]));
    assert!(names("unal").1.contains(&"unalias".to_owned()));
}

#[test]
fn history_expansion_is_bounded() {
    let ceilings = wasmsh_os::Ceilings { expansion_bytes: 1 << 20, ..wasmsh_os::Ceilings::default() };
    // Each `!#` doubles the line, each substitution what it found.
    for line in [format!("echo a {}", "!# ".repeat(40)), format!("!!{}", ":gs/a/&&&&&&&&/".repeat(12))] {
        let session =
            support::session_with("/workspace", support::default_environment("/workspace"), &[], ceilings);
        let (text, status) = run(&session, &format!("set -o history -H\necho aaaa\n{line}\necho on\n"));
        assert!(text.contains("expansion: more than 1048576 bytes"), "{line}: {text}");
        assert_eq!((text.ends_with("on\n"), status), (true, 0), "{line}");
    }
}
