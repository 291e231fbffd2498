//! Directories of the host in a session, and forty ways that do not lead out of them. Needs the components of
//! `cargo xtask build`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use wasmsh::{Engine, MountMode, Session};

fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new().expect("the components, from `cargo xtask build`"));
    &ENGINE
}

/// A directory `inside`, which is mounted, and one `outside`, which nobody may reach.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wasmsh-mounts-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("inside/sub")).unwrap();
        fs::create_dir_all(path.join("outside/dir")).unwrap();
        fs::write(path.join("outside/secret"), "secret\n").unwrap();
        fs::write(path.join("outside/dir/deep"), "deep\n").unwrap();
        fs::write(path.join("inside/file"), "file\n").unwrap();
        fs::write(path.join("inside/sub/below"), "below\n").unwrap();
        Self(path)
    }

    fn inside(&self) -> PathBuf {
        self.0.join("inside")
    }

    fn session(&self, mode: MountMode) -> Session {
        engine().session().mount(self.inside(), "/mnt", mode).cwd("/").build().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.inside().join(name)).unwrap()
    }

    /// Everything outside, as it must stay.
    fn outside(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn add(path: &Path, all: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    all.push((entry.path(), b"directory".to_vec()));
                    add(&entry.path(), all);
                } else if kind.is_symlink() {
                    all.push((entry.path(), b"link".to_vec()));
                } else {
                    all.push((entry.path(), fs::read(entry.path()).unwrap()));
                }
            }
        }
        let mut all = Vec::new();
        add(&self.0.join("outside"), &mut all);
        let beside = fs::read_dir(&self.0).unwrap().map(|entry| (entry.unwrap().path(), Vec::new()));
        all.extend(beside);
        all.sort();
        all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_mount_that_is_read_only_can_be_read_only() {
    let place = Place::new("ro");
    let mut session = place.session(MountMode::ReadOnly);
    let output = session
        .run("cat /mnt/file /mnt/sub/below; echo x > /mnt/file; : > /mnt/new; rm -f /mnt/sub/below; chmod 777 /mnt/file")
        .output()
        .unwrap();
    assert_eq!(output.stdout_text(), "file\nbelow\n");
    assert_eq!(output.stderr_text().lines().count(), 4, "{}", output.stderr_text());
    assert_eq!(session.commit().unwrap(), wasmsh::Commit::default());
    assert_eq!((place.read("file"), place.read("sub/below")), ("file\n".to_owned(), "below\n".to_owned()));
}

#[test]
fn an_overlay_is_committed_or_discarded() {
    let place = Place::new("overlay");
    let mut session = place.session(MountMode::Overlay);
    let change = "cd /mnt; echo changed > file; mkdir new; echo n > new/n; chmod 755 new/n; rm -r sub; ln -s new/n link";
    session.run(change).output().unwrap();
    assert_eq!(place.read("file"), "file\n");
    session.discard().unwrap();
    assert_eq!(
        session.run("cat file sub/below; ls").output().unwrap().stdout_text(),
        "file\nbelow\nfile\nsub\n"
    );
    assert_eq!(session.commit().unwrap(), wasmsh::Commit::default());
    session.run(change).output().unwrap();
    let commit = session.commit().unwrap();
    assert_eq!(commit.written, ["file", "link", "new", "new/n"]);
    assert_eq!(commit.removed, ["sub/below", "sub"]);
    assert_eq!(
        (place.read("file"), place.read("new/n"), place.read("link")),
        ("changed\n".into(), "n\n".into(), "n\n".into())
    );
    assert_eq!(fs::metadata(place.inside().join("new/n")).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(!place.inside().join("sub").exists());
    assert_eq!(session.commit().unwrap(), wasmsh::Commit::default());
}

#[test]
fn a_mount_that_may_be_written_is_written_after_each_run() {
    let place = Place::new("rw");
    let mut session = place.session(MountMode::ReadWrite);
    session.run("echo one >> /mnt/file").output().unwrap();
    assert_eq!(place.read("file"), "file\none\n");
    session.run("mv /mnt/file /mnt/moved").output().unwrap();
    assert_eq!(place.read("moved"), "file\none\n");
    assert!(!place.inside().join("file").exists());
}

#[test]
fn forty_ways_do_not_lead_out() {
    let place = Place::new("escape");
    let (inside, outside) = (place.inside(), place.0.join("outside"));
    let secret = outside.join("secret");
    // What the host itself has: links that lead out.
    symlink(&secret, inside.join("to-secret")).unwrap();
    symlink(&outside, inside.join("to-outside")).unwrap();
    symlink("../outside", inside.join("relative")).unwrap();
    symlink("../outside/secret", inside.join("sub/relative")).unwrap();
    symlink(format!("../../../../../../../..{}", secret.display()), inside.join("far")).unwrap();
    symlink("..", inside.join("above")).unwrap();
    symlink("/", inside.join("root")).unwrap();
    symlink("loop", inside.join("loop")).unwrap();
    let before = place.outside();
    let mut session = place.session(MountMode::ReadWrite);
    let o = outside.to_str().unwrap();
    let ways: Vec<String> = [
        // Reading through what the host has, or by other spellings.
        "cat to-secret",
        "cat to-outside/secret",
        "cat relative/secret",
        "cat sub/relative",
        "cat far",
        "cat above/outside/secret",
        "cat root{o}/secret",
        "cat ../outside/secret",
        "cat sub/../../outside/secret",
        "cat {o}/secret",
        "cat loop",
        "cat ./././../inside/../outside/secret",
        "cat //..//..//{o}/secret",
        "cp -rL to-outside copied-out",
        "tar -chf - to-outside | tar -xf - -C sub",
        "find -L . -name deep | grep .",
        "python3 -c 'print(open(\"to-outside/secret\").read())'",
        // Writing through them.
        "echo evil > to-secret",
        "echo evil > to-outside/evil",
        "mkdir relative/evil",
        "rm -rf to-outside/dir",
        "mv file above/outside/",
        "ln file to-outside/hard",
        "chmod 777 to-secret",
        "touch -d 2001-01-01 to-secret",
        // New links, which a commit must not make into ways.
        "ln -sf {o}/secret made; echo evil > made",
        "ln -sfn {o} made-dir; echo evil > made-dir/evil",
        "ln -sf ../outside/evil made-relative; echo evil > made-relative",
        "mkdir -p m; ln -sfn ../../outside m/up; echo evil > m/up/evil",
        "ln -sfn sub a; ln -sfn a/../../outside b; echo evil > b/evil",
        // A name that is a link for the host becomes a directory, and the other way round.
        "rm to-outside; mkdir to-outside; echo evil > to-outside/evil",
        "rm relative; mkdir -p relative/dir; echo evil > relative/dir/deep",
        "rm to-secret; echo evil > to-secret",
        "rm -r sub; ln -s ../outside sub; echo evil > sub/evil",
        "rm sub; mkdir sub; echo fine > sub/secret",
        // Names.
        "echo x > '..\\outside\\evil'",
        "echo x > $'new\\nline'; echo x > '-rf'; echo x > ' '",
        "echo x > $'bad\\xff'",
        "mkdir -p '...' ; echo x > '.../evil'",
        "mkfifo pipe; echo x > $(printf 'n%.0s' {1..250})",
        // What is no file.
        "cat /proc/self/root{o}/secret",
        "cat /dev/fd/../../..{o}/secret",
    ]
    .into_iter()
    .map(|way| way.replace("{o}", o))
    .collect();
    assert!(ways.len() >= 40, "{}", ways.len());
    for way in &ways {
        let output = session
            .run(format!("cd /mnt; {way}"))
            .output()
            .unwrap_or_else(|error| panic!("{way}: {error:?}"));
        let text = output.stdout_text();
        assert!(!text.contains("secret") && !text.contains("deep"), "{way}: {text}");
        assert_eq!(place.outside(), before, "{way}");
    }
    // Nothing that the session has made leads out.
    for entry in fs::read_dir(&inside).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["far", "above", "root", "loop"].contains(&&*name) {
            continue; // the host's own
        }
        if let Ok(target) = fs::canonicalize(&path) {
            assert!(
                target.starts_with(fs::canonicalize(&inside).unwrap()),
                "{name} leads to {}",
                target.display()
            );
        }
    }
    assert_eq!(place.read("to-outside/evil"), "evil\n");
    assert_eq!(place.read("sub/secret"), "fine\n");
}

#[test]
fn a_directory_that_is_exchanged_meanwhile_does_not_lead_out() {
    let place = Place::new("race");
    let mut session = place.session(MountMode::Overlay);
    session
        .run(
            "echo changed > /mnt/sub/below; echo new > /mnt/sub/new; mkdir /mnt/sub/d; echo x > /mnt/sub/d/x",
        )
        .output()
        .unwrap();
    // Between the copy and the commit the host's directory has become a link that leads out.
    fs::remove_dir_all(place.inside().join("sub")).unwrap();
    symlink(place.0.join("outside"), place.inside().join("sub")).unwrap();
    let before = place.outside();
    // It is refused, or put right; it is not followed.
    let committed = session.commit();
    assert_eq!(place.outside(), before, "{committed:?}");
}
