//! Directories of the host in a session, and forty ways that do not lead out of them. Needs the components of
//! `cargo xtask build`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use wasmsh::{Engine, MountMode, Session, Tree};

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
    let errors = output.stderr_text();
    assert_eq!(errors.lines().filter(|line| line.ends_with("Read-only file system")).count(), 4, "{errors}");
    // Neither as root, nor by the host.
    let error = session.write_file("/mnt/file", "x").unwrap_err();
    assert_eq!(error.errno(), Some(wasmsh::Errno::ReadOnly));
    assert!(session.rename("/mnt/file", "/mnt/f").is_err() && session.remove("/mnt/sub/below").is_err());
    let output =
        session.run("mv /mnt/file /tmp/f; test -w /mnt/file || echo no; rmdir /mnt").output().unwrap();
    assert_eq!(output.stdout_text(), "no\n");
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
    // Contents that only the host had, under other names, in one run.
    fs::write(place.inside().join("big"), "0123456789".repeat(50_000)).unwrap();
    let output = session
        .run("cd /mnt; mv big bigger; mkdir big; mv sub/below big/below; cp bigger copy")
        .output()
        .unwrap();
    assert!(output.success(), "{}", output.stderr_text());
    assert_eq!(
        (place.read("bigger"), place.read("copy")),
        ("0123456789".repeat(50_000), place.read("bigger"))
    );
    assert_eq!(place.read("big/below"), "below\n");
    let sum = session.run("cksum < /mnt/bigger; cat /mnt/big/below").output().unwrap();
    assert_eq!(
        sum.stdout_text(),
        session.run("cksum < /mnt/copy; echo below").output().unwrap().stdout_text()
    );
}

#[test]
fn the_host_is_followed_and_read_only_when_needed() {
    let place = Place::new("live");
    // Much larger than what the session may have in files and in memory.
    let huge = fs::File::create(place.inside().join("huge")).unwrap();
    huge.set_len(3 << 30).unwrap();
    let build = |mode| {
        let builder = engine().session().mount(place.inside(), "/mnt", mode).cwd("/");
        builder.filesystem_limit(1 << 20).memory_limit(64 << 20).build().unwrap()
    };
    for mode in [MountMode::ReadOnly, MountMode::ReadWrite] {
        let mut session = build(mode);
        let mut run = |script: &str| session.run(script).output().unwrap();
        let output = run("stat -c %s /mnt/huge; tail -c 3 /mnt/huge | od -An -tx1; cat /mnt/file");
        assert_eq!(output.stdout_text(), "3221225472\n 00 00 00\nfile\n", "{}", output.stderr_text());
        // Changed, created, removed, exchanged.
        fs::write(place.inside().join("file"), "other\n").unwrap();
        fs::write(place.inside().join("sub/new"), "new\n").unwrap();
        fs::remove_file(place.inside().join("sub/below")).unwrap();
        fs::create_dir(place.inside().join("sub/below")).unwrap();
        let output = run("cat /mnt/file /mnt/sub/new; test -d /mnt/sub/below && echo directory");
        assert_eq!(output.stdout_text(), "other\nnew\ndirectory\n", "{}", output.stderr_text());
        fs::write(place.inside().join("file"), "file\n").unwrap();
        fs::remove_file(place.inside().join("sub/new")).unwrap();
        fs::remove_dir(place.inside().join("sub/below")).unwrap();
        fs::write(place.inside().join("sub/below"), "below\n").unwrap();
        let output = run("cat /mnt/file /mnt/sub/*");
        assert_eq!(output.stdout_text(), "file\nbelow\n");
    }
    let mut session = build(MountMode::Overlay);
    session.run("echo mine > /mnt/file").output().unwrap();
    fs::write(place.inside().join("file"), "theirs\n").unwrap();
    fs::write(place.inside().join("sub/below"), "changed\n").unwrap();
    session.refresh().unwrap();
    let output = session.run("cat /mnt/file /mnt/sub/below; cp /mnt/sub/below /tmp/copy").output().unwrap();
    assert_eq!(output.stdout_text(), "mine\nchanged\n");
    // What was replaced meanwhile is not passed off as what it was; a copy is one.
    fs::remove_file(place.inside().join("sub/below")).unwrap();
    fs::write(place.inside().join("sub/below"), "again\n").unwrap();
    let output = session.run("cat /mnt/sub/below; cat /tmp/copy").output().unwrap();
    assert_eq!(output.stdout_text(), "changed\n");
    assert!(output.stderr_text().contains("Input/output error"), "{}", output.stderr_text());
    // It does not fit, and that is told before anything is changed.
    let output = session.run("echo x >> /mnt/huge").output().unwrap();
    assert!(output.stderr_text().contains("Disk quota exceeded"), "{}", output.stderr_text());
}

#[test]
fn a_session_that_is_lost_forked_or_restored_removes_nothing() {
    let place = Place::new("lost");
    let builder =
        engine().session().mount(place.inside(), "/mnt", MountMode::ReadWrite).memory_limit(48 << 20);
    for checkpoint in [0, u64::MAX] {
        let mut session = builder.clone().checkpoint_bytes(checkpoint).build().unwrap();
        session.run("echo kept > /mnt/kept").output().unwrap();
        let output =
            session.run("s=0123456789abcdef; while :; do s=$s$s; a+=(\"$s\"); done").output().unwrap();
        assert!(!output.success());
        session.run("true").output().unwrap();
        session.run("true").output().unwrap();
        assert_eq!(
            (place.read("file"), place.read("sub/below"), place.read("kept")),
            ("file\n".into(), "below\n".into(), "kept\n".into())
        );
        let output = session.run("cat /mnt/file /mnt/kept; echo more >> /mnt/kept").output().unwrap();
        assert_eq!(output.stdout_text(), "file\nkept\n", "{}", output.stderr_text());
        assert_eq!(place.read("kept"), "kept\nmore\n");
    }
    let mut session = builder.build().unwrap();
    let snapshot = session.snapshot().unwrap();
    let mut fork = session.fork().unwrap();
    fork.run("echo fork > /mnt/fork; rm /mnt/kept").output().unwrap();
    assert_eq!(place.read("fork"), "fork\n");
    let output = session.run("cat /mnt/fork; ls /mnt").output().unwrap();
    assert_eq!(output.stdout_text(), "fork\nfile\nfork\nsub\n", "{}", output.stderr_text());
    // The snapshot is older; what is mounted is the host's.
    session.restore(&snapshot).unwrap();
    let output = session.run("ls /mnt; cat /mnt/file").output().unwrap();
    assert_eq!(output.stdout_text(), "file\nfork\nsub\nfile\n", "{}", output.stderr_text());
    assert_eq!(place.read("file"), "file\n");

    let mut overlay = place.session(MountMode::Overlay);
    overlay.run("echo changed > /mnt/file; rm -r /mnt/sub").output().unwrap();
    let snapshot = overlay.snapshot().unwrap();
    let mut other = place.session(MountMode::Overlay);
    other.restore(&snapshot).unwrap();
    assert_eq!(other.run("cat /mnt/file; ls /mnt").output().unwrap().stdout_text(), "changed\nfile\nfork\n");
    assert_eq!(other.commit().unwrap().removed, ["sub/below", "sub"]);
    assert_eq!(place.read("file"), "changed\n");
}

#[test]
fn mounts_can_lie_in_one_another() {
    let place = Place::new("nested");
    let builder = engine().session().mount(place.inside(), "/mnt", MountMode::ReadWrite);
    let mut session =
        builder.mount(place.inside().join("sub"), "/mnt/sub", MountMode::ReadOnly).build().unwrap();
    let output = session
        .run(
            "cat /mnt/sub/below; rm /mnt/sub/below; rm -r /mnt/sub; echo x > /mnt/new; mv /mnt/new /mnt/sub/",
        )
        .output()
        .unwrap();
    assert_eq!(output.stdout_text(), "below\n");
    assert_eq!((place.read("sub/below"), place.read("new")), ("below\n".into(), "x\n".into()));
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

#[test]
fn a_tree_in_memory_is_mounted_as_a_directory_is() {
    let tree =
        || Tree::new().file("file", "file\n").file("sub/below", "below\n").symlink("up", "../etc/passwd");
    let builder = |mode| engine().session().cwd("/").mount_tree(tree(), "/mnt", mode);
    let text = |session: &mut Session, script: &str| session.run(script).output().unwrap().stdout_text();

    let mut session = builder(MountMode::ReadOnly).build().unwrap();
    let output =
        session.run("cat /mnt/file /mnt/sub/below; echo x > /mnt/file; rm -r /mnt/sub").output().unwrap();
    assert_eq!(output.stdout_text(), "file\nbelow\n");
    assert!(output.stderr_text().contains("Read-only file system"), "{}", output.stderr_text());
    assert_eq!(text(&mut session, "cat /mnt/sub/below; readlink /mnt/up"), "below\n../etc/passwd\n");

    for mode in [MountMode::ReadWrite, MountMode::Overlay] {
        let builder = builder(mode);
        let (mut one, mut other) = (builder.clone().build().unwrap(), builder.build().unwrap());
        one.run("echo more >> /mnt/file; rm -r /mnt/sub; echo new > /mnt/new").output().unwrap();
        assert_eq!(text(&mut other, "cat /mnt/file; ls /mnt"), "file\nfile\nsub\nup\n");
        assert_eq!(one.commit().unwrap(), wasmsh::Commit::default());
        one.refresh().unwrap();
        assert_eq!(text(&mut one, "cat /mnt/file; ls /mnt"), "file\nmore\nfile\nnew\nup\n", "{mode:?}");
        // What is changed is the session's, and goes where it goes.
        let mut fork = one.fork().unwrap();
        other.restore(&one.snapshot().unwrap()).unwrap();
        for session in [&mut fork, &mut other] {
            assert_eq!(text(session, "cat /mnt/file; ls /mnt"), "file\nmore\nfile\nnew\nup\n", "{mode:?}");
        }
        fork.discard().unwrap();
        let discarded =
            if mode == MountMode::Overlay { "file\nfile\nsub\nup\n" } else { "file\nmore\nfile\nnew\nup\n" };
        assert_eq!(text(&mut fork, "cat /mnt/file; ls /mnt"), discarded);
        assert_eq!(text(&mut one, "cat /mnt/new"), "new\n");
    }
}

#[test]
fn a_tree_is_there_again_when_a_session_is_made_anew() {
    let tree = Tree::new().file("large", vec![b'x'; 1 << 20]).file("file", "file\n");
    let builder = engine().session().mount_tree(tree, "/mnt", MountMode::Overlay).memory_limit(48 << 20);
    for checkpoint in [0, u64::MAX] {
        let mut session = builder.clone().checkpoint_bytes(checkpoint).build().unwrap();
        let before = session.usage().unwrap().bytes;
        let output =
            session.run("s=0123456789abcdef; while :; do s=$s$s; a+=(\"$s\"); done").output().unwrap();
        assert!(!output.success());
        let output = session.run("cat /mnt/file; wc -c < /mnt/large").output().unwrap();
        assert_eq!(output.stdout_text(), "file\n1048576\n", "{}", output.stderr_text());
        // What is lent counts against no quota.
        assert!(session.usage().unwrap().bytes <= before && before < 1 << 20);
    }
}

#[test]
fn an_archive_is_mounted_and_none_leads_out_of_its_place() {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |name: &str, kind, link: Option<&str>, contents: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o640);
        header.set_mtime(981_173_106);
        header.set_size(contents.len() as u64);
        // As somebody would write it who means ill: the functions for it refuse such names.
        let bytes = &mut header.as_old_mut().name;
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        if let Some(link) = link {
            header.set_link_name_literal(link).unwrap();
        }
        header.set_cksum();
        archive.append(&header, contents).unwrap();
    };
    add("d/file", tar::EntryType::Regular, None, b"text\n");
    add("hard", tar::EntryType::Link, Some("d/file"), b"");
    add("out", tar::EntryType::Symlink, Some("/etc"), b"");
    add("out/passwd", tar::EntryType::Regular, None, b"not that one\n");
    add("/absolute", tar::EntryType::Regular, None, b"below\n");
    add("device", tar::EntryType::Char, None, b"");
    let tree = Tree::from_tar(archive.into_inner().unwrap().as_slice()).unwrap();
    let mut session = engine().session().mount_tree(tree, "/mnt", MountMode::ReadOnly).build().unwrap();
    let output = session
        .run("cd /mnt; cat d/file hard absolute out/passwd; stat -c '%a %Y' d/file; ls; grep -c 'not that' /etc/passwd")
        .output()
        .unwrap();
    assert_eq!(
        output.stdout_text(),
        "text\ntext\nbelow\nnot that one\n640 981173106\nabsolute\nd\nhard\nout\n0\n"
    );

    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.as_old_mut().name[..4].copy_from_slice(b"../x");
    header.set_cksum();
    archive.append(&header, &b""[..]).unwrap();
    let error = Tree::from_tar(archive.into_inner().unwrap().as_slice()).unwrap_err();
    assert!(matches!(error, wasmsh::ArchiveError::Outside(name) if name == "../x"));
    assert!(Tree::from_tar(&b"no archive"[..]).is_err());
}
