//! The prompt, at a pseudo-terminal, as somebody at a keyboard meets it. Needs the components of `cargo xtask build`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unsafe_code,
    reason = "tests"
)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::libc;
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::unistd::setsid;

const PATIENCE: Duration = Duration::from_secs(60);

/// The prompt of a session that has just begun.
const PROMPT: &str = "/workspace$ ";

/// `wasmsh -i` at a terminal.
struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    child: Child,
    /// What was shown since the last key.
    shown: Vec<u8>,
    home: PathBuf,
}

impl Terminal {
    fn new(home: PathBuf) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsh"));
        command.arg("-i").env("XDG_STATE_HOME", &home).env("NO_COLOR", "1").env("TERM", "xterm");
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        // SAFETY: both are system calls that may follow a fork. With a terminal of its own, the program gets the signals
        // of its keys.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                if libc::ioctl(0, libc::TIOCSCTTY, 0) == -1 {
                    Err(io::Error::last_os_error())
                } else {
                    Ok(())
                }
            });
        }
        let child = command.spawn().unwrap();
        // Which has the other end, and would keep it open.
        drop(command);
        let keyboard = File::from(master);
        let mut output = keyboard.try_clone().unwrap();
        let (send, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                if send.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Self { keyboard, screen, child, shown: Vec::new(), home };
        terminal.see(PROMPT);
        terminal
    }

    fn keys(&mut self, keys: &str) {
        self.shown.clear();
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Waits until this is shown.
    #[track_caller]
    fn see(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            match self.screen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.shown.extend(bytes),
                Err(_) => panic!("{text:?} is not shown, but {:?}", self.text()),
            }
        }
    }

    /// Waits until a line was taken, and the prompt is there again. The prompt alone is shown whenever the line changes.
    #[track_caller]
    fn see_prompt(&mut self, prompt: &str) {
        self.see("\r\n");
        let before = self.text().find("\r\n").unwrap();
        let end = Instant::now() + PATIENCE;
        while !self.text()[before..].contains(prompt) {
            match self.screen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.shown.extend(bytes),
                Err(_) => panic!("{prompt:?} is not shown again, but {:?}", self.text()),
            }
        }
    }

    /// Waits until the program has ended.
    #[track_caller]
    fn end(mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it goes on: {:?}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn home(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("wasmsh-prompt-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const UP: &str = "\x1b[A";

#[test]
fn lines_are_run_completed_and_remembered() {
    let mut terminal = Terminal::new(home("lines"));
    terminal.keys("x=va''lue; echo \"<$x>\"\r");
    terminal.see("<value>");
    terminal.see_prompt(PROMPT);
    // A command of three lines.
    terminal.keys("for i in 1 2; do\r");
    terminal.keys("echo \"n-$i\"\r");
    terminal.keys("done\r");
    terminal.see("n-1\r\nn-2\r\n");
    terminal.see_prompt(PROMPT);
    // What Tab adds: to a command, and to a path.
    terminal.keys("mkdi\t dir-with-a-long-name\r");
    terminal.see_prompt(PROMPT);
    terminal.keys("cd dir-w\t\r");
    terminal.see("/workspace/dir-with-a-long-name$ ");
    terminal.keys("cd; e''cho a\"\"gain\r");
    terminal.see("again\r\n");
    terminal.see_prompt("/home/user$ ");
    terminal.keys(&format!("{UP}\r"));
    terminal.see("again\r\n");
    terminal.see_prompt("/home/user$ ");
    let home = terminal.home.clone();
    terminal.keys("exit 3\r");
    assert_eq!(terminal.end().code(), Some(3));
    // The next time.
    let mut terminal = Terminal::new(home.clone());
    terminal.keys(&format!("{UP}{UP}\r"));
    terminal.see("again\r\n");
    terminal.see_prompt("/home/user$ ");
    terminal.keys(CTRL_D);
    assert_eq!(terminal.end().code(), Some(0));
    std::fs::remove_dir_all(home).unwrap();
}

#[test]
fn keys_end_a_line_a_run_and_the_program() {
    let home = home("keys");
    let mut terminal = Terminal::new(home.clone());
    terminal.keys("echo ne''ver");
    terminal.see("ne''ver");
    terminal.keys(CTRL_C);
    terminal.see(PROMPT);
    assert!(!terminal.text().contains("never"), "{:?}", terminal.text());
    terminal.keys("echo be''gun; sleep 600\r");
    terminal.see("begun");
    terminal.keys(CTRL_C);
    terminal.see(PROMPT);
    // One that reads the keys, as a script's `read` does.
    terminal.keys("read name; echo \"[$name]\"\r");
    std::thread::sleep(Duration::from_millis(300));
    terminal.keys("some''body\r");
    terminal.see("[some''body]");
    terminal.see_prompt(PROMPT);
    // One that ignores the key is ended by the next.
    terminal.keys("trap '' INT; echo be''gun; while :; do :; done\r");
    terminal.see("begun");
    terminal.keys(CTRL_C);
    std::thread::sleep(Duration::from_millis(300));
    terminal.keys(CTRL_C);
    terminal.see(PROMPT);
    terminal.keys("(exit 7)\r");
    terminal.see_prompt(PROMPT);
    terminal.keys(CTRL_D);
    assert_eq!(terminal.end().code(), Some(7));
    std::fs::remove_dir_all(home).unwrap();
}

#[test]
fn what_is_typed_ahead_is_the_next_line() {
    let home = home("ahead");
    let mut terminal = Terminal::new(home.clone());
    // While something runs that reads nothing.
    terminal.keys("echo be''gun; sleep 1\r");
    terminal.see("begun");
    terminal.keys("echo fi''rst\recho sec''ond\recho th''ird\r");
    terminal.see("first\r\n");
    terminal.see("second\r\n");
    terminal.see("third\r\n");
    terminal.see_prompt(PROMPT);
    // All at once, as it is pasted.
    terminal.keys("echo o''ne\recho t''wo\recho th''ree\r");
    terminal.see("one\r\n");
    terminal.see("two\r\n");
    terminal.see("three\r\n");
    terminal.see_prompt(PROMPT);
    // After something that has waited for keys, and that no longer wants them.
    for round in 0..5 {
        terminal.keys(&format!("echo beg''un {round}; cat\r"));
        terminal.see(&format!("begun {round}"));
        terminal.keys("co''pied\r");
        terminal.see("co''pied\r\nco''pied\r\n");
        std::thread::sleep(Duration::from_millis(100));
        terminal.keys(CTRL_C);
        terminal.see(PROMPT);
        terminal.keys(&format!("echo af''ter {round}\r"));
        terminal.see(&format!("after {round}\r\n"));
        terminal.see_prompt(PROMPT);
    }
    for round in 0..5 {
        terminal.keys(&format!("read -t 0.1; echo ov''er {round}\r"));
        terminal.see(&format!("over {round}"));
        terminal.keys(&format!("echo af''ter {round}\r"));
        terminal.see(&format!("after {round}\r\n"));
    }
    // Half a line, which the rest follows when the prompt is there.
    terminal.keys("echo be''gun; sleep 0.5; echo en''ded\r");
    terminal.see("begun");
    terminal.keys("echo ha");
    terminal.see("ended");
    terminal.see(PROMPT);
    terminal.keys("''lf\r");
    terminal.see("half\r\n");
    terminal.see_prompt(PROMPT);
    terminal.keys(CTRL_D);
    assert_eq!(terminal.end().code(), Some(0));
    std::fs::remove_dir_all(home).unwrap();
}

#[test]
fn the_size_is_the_terminals() {
    let home = home("size");
    let mut terminal = Terminal::new(home.clone());
    terminal.keys("stty size\r");
    terminal.see("24 120\r\n");
    std::fs::remove_dir_all(home).unwrap();
}
