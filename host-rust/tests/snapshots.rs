//! Snapshots, forks and what they differ by. Needs the components of `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::LazyLock;

use wasmsh::{Engine, Session, Snapshot, SnapshotError};

fn session() -> Session {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new().expect("the components, from `cargo xtask build`"));
    ENGINE.session().build().unwrap()
}

fn run(session: &mut Session, script: &str) -> String {
    let output = session.run(script).output().unwrap();
    assert_eq!(output.status(), 0, "{script}: {}", output.stderr_text());
    output.stdout_text()
}

fn changes(before: &mut Session, after: &mut Session) -> Vec<String> {
    let quick = before.diff(after).unwrap();
    // Through snapshots it comes to the same.
    let slow = wasmsh::diff(&before.snapshot().unwrap(), &after.snapshot().unwrap()).unwrap();
    assert_eq!(quick, slow);
    let json = serde_json::to_string(&quick).unwrap();
    assert_eq!(serde_json::from_str::<Vec<wasmsh::Change>>(&json).unwrap(), quick);
    quick.iter().map(ToString::to_string).collect()
}

#[test]
fn a_fork_goes_its_own_way_with_small_files_and_large_ones() {
    let mut one = session();
    run(
        &mut one,
        "seq 200000 > large; echo small > small; x=1; f() { echo f; }; mkdir d; cd d; exec 3< ../large",
    );
    let sum = run(&mut one, "cksum < ../large");
    let mut two = one.fork().unwrap();
    assert_eq!(
        run(&mut two, "cksum < ../large; cat ../small; echo $x; f; pwd"),
        format!("{sum}small\n1\nf\n/workspace/d\n")
    );
    run(&mut two, "sed -i s/100000/changed/ ../large; echo more >> ../small; x=2");
    run(&mut one, "rm ../small");
    assert_eq!(run(&mut one, "cksum < ../large; echo $x"), format!("{sum}1\n"));
    assert_eq!(run(&mut two, "sed -n 100000p ../large; cat ../small; echo $x"), "changed\nsmall\nmore\n2\n");
    // The fork of a fork outlives both.
    let mut three = two.fork().unwrap();
    drop((one, two));
    assert_eq!(run(&mut three, "sed -n '100000p;$p' ../large"), "changed\n200000\n");
}

#[test]
fn a_fork_that_traps_is_what_it_was() {
    let mut one = session();
    run(&mut one, "seq 200000 > large; x=kept");
    let sum = run(&mut one, "cksum large");
    let mut two = one.fork().unwrap();
    run(&mut two, "echo one > own");
    // What cannot be stopped otherwise is stopped by force, and the session made anew.
    let output = two.run("s=0123456789abcdef; while :; do s=$s$s; a+=(\"$s\"); done").output().unwrap();
    assert!(!output.success());
    assert_eq!(run(&mut two, "cksum large; cat own; echo $x"), format!("{sum}one\nkept\n"));
    drop(two);
    assert_eq!(run(&mut one, "cksum large; ls"), format!("{sum}large\n"));
}

#[test]
fn a_difference_has_every_kind_of_change() {
    let mut before = session();
    run(
        &mut before,
        "seq 100000 > same; cp same contents; cp same longer; echo x > mode; echo x > gone; ln -s a link; mkdir dir kind; \
         echo x > time; echo x > a; ln a hard; truncate -s 1M hole; mkfifo pipe",
    );
    let mut after = before.fork().unwrap();
    assert_eq!(changes(&mut before, &mut after), [""; 0]);
    run(
        &mut after,
        "t=$(date -r contents +@%s.%N); printf X | dd of=contents bs=1 seek=300000 conv=notrunc status=none; touch -d $t contents; \
         echo more >> longer; chmod +x mode; rm gone; ln -sfn b link; rmdir kind; echo x > kind; \
         touch -d 2001-01-01 time; echo y > a; echo new > dir/new; printf x | dd of=hole bs=1 seek=500000 conv=notrunc status=none",
    );
    assert_eq!(
        changes(&mut before, &mut after),
        [
            "M /workspace/a (contents, time)",
            "M /workspace/contents (contents)",
            "A /workspace/dir/new",
            "D /workspace/gone",
            "M /workspace/hard (contents, time)",
            "M /workspace/hole (contents, time)",
            "M /workspace/kind (type, contents, mode, time)",
            "M /workspace/link (contents, time)",
            "M /workspace/longer (contents, time)",
            "M /workspace/mode (mode)",
            "M /workspace/time (time)",
        ]
    );
    // The same bytes, stored in another way.
    let mut copy = session();
    copy.restore(&after.snapshot().unwrap()).unwrap();
    assert_eq!(changes(&mut after, &mut copy), [""; 0]);
}

#[test]
fn what_is_damaged_is_not_compared() {
    let mut one = session();
    run(&mut one, "echo text > file");
    let good = one.snapshot().unwrap();
    let bytes = good.clone().into_bytes();
    let mut wrong = bytes.clone();
    let last = wrong.len() - 40;
    wrong[last] ^= 1;
    let wrong = Snapshot::from_bytes(wrong).unwrap();
    assert!(matches!(wasmsh::diff(&good, &wrong), Err(SnapshotError::Damaged(_) | SnapshotError::Truncated)));
    assert!(one.restore(&wrong).is_err());
    for length in [20, 30, bytes.len() - 1] {
        if let Ok(short) = Snapshot::from_bytes(bytes[..length].to_vec()) {
            assert!(wasmsh::diff(&short, &good).is_err(), "{length}");
        }
    }
}

/// `tests/e2e/snapshots` holds snapshots that hosts have written; every host restores them all.
#[test]
fn snapshots_of_every_host_are_restored() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/e2e/snapshots");
    if std::env::var_os("BLESS").is_some() {
        let mut session = session();
        run(&mut session, SCRIPT);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("rust.wasmsh"), session.snapshot().unwrap()).unwrap();
    }
    let mut found = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wasmsh") {
            continue;
        }
        found += 1;
        let mut session = session();
        session.restore(&Snapshot::from_bytes(std::fs::read(&path).unwrap()).unwrap()).unwrap();
        assert_eq!(run(&mut session, CHECK), CHECKED, "{}", path.display());
        // And on to the next one.
        let mut next = self::session();
        next.restore(&session.snapshot().unwrap()).unwrap();
        assert_eq!(run(&mut next, CHECK), CHECKED, "{}", path.display());
    }
    assert!(found > 0);
}

/// What the session has run that is in each of the files, by a name in another place too: `tests/e2e/snapshots/README.md`.
const SCRIPT: &str = "mkdir -p d/e; cd d; printf 'one\\ntwo\\n' > file; seq 30000 > e/large; ln -s ../file e/link; ln file hard; \
                      chmod 640 file; touch -d @981173106 file; x='a b'; export y=1; a=(1 '2 3'); declare -A m=([k]=v); \
                      f() { echo \"f $1\"; }; alias l='ls -l'; set -u; shopt -s nullglob; umask 027; trap 'echo usr' USR1";
const CHECK: &str = "pwd; cat e/link; cksum < e/large; stat -c '%a %h %Y' file; echo \"$x\" \"$y\" \"${a[1]}\" \"${m[k]}\"; f 1; \
                     alias l; echo $- | tr -dc 'u\\n'; shopt nullglob; umask; trap -p USR1";
const CHECKED: &str = "/workspace/d\none\ntwo\n3957459851 168894\n640 2 981173106\na b 1 2 3 v\nf 1\nalias l='ls -l'\nu\n\
                       nullglob       \ton\n0027\ntrap -- 'echo usr' SIGUSR1\n";
