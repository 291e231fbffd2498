//! Finds the code of programs: utilities, shells, scripts with `#!`, commands that somebody outside answers.

use std::cell::Cell;
use std::rc::Rc;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Answer, Ctx, Errno, Exit, FileSystem, Loader, OpenFlags, ProcessFuture, Request};

use crate::args::Args;
use crate::options::{Opt, Shopt, opt_from_letter};
use crate::shared::Shared;
use crate::symbol::known;
use crate::text::Str;
use crate::vm::{Shell, Vm, VmProcess};

/// What a utility's file holds: all of them are links to one inode, and are told apart by their names.
const MAGIC: &[u8] = b"\x7fwasmsh utility\n";
/// Where they are.
const BIN: &str = "/usr/bin";
/// The shells.
const SHELLS: [&str; 3] = ["bash", "sh", "rbash"];
/// How often `#!` may lead to another script (Linux's value).
const INTERPRETERS: u32 = 4;

/// The loader of a session.
pub(crate) struct ShellLoader {
    shared: Rc<Shared>,
    /// The inode of the utilities.
    inode: Cell<Option<(u64, u64)>>,
}

impl ShellLoader {
    pub(crate) fn new(shared: Rc<Shared>) -> ShellLoader {
        ShellLoader { shared, inode: Cell::new(None) }
    }

    /// Puts the utilities, the shells and the foreign commands into `/usr/bin`, those that are missing.
    pub(crate) fn install(&self, fs: &dyn FileSystem) {
        let (uid, gid) = fs.get_user();
        fs.set_user(0, 0);
        let first = format!("{BIN}/bash");
        if fs.stat_at(&first, false).is_err() {
            // A filesystem without room or directories leaves the shell without utilities, as Linux would.
            let _ = fs.write_file(&first, MAGIC, 0o755);
        }
        let foreign = self.shared.foreign.borrow();
        let names = wasmsh_commands::COMMANDS.iter().map(|command| command.name).chain(SHELLS);
        let names: Vec<&str> = names.chain(foreign.iter().map(String::as_str)).collect();
        let _ = fs.link_all(&first, BIN, &names);
        if let Ok(stat) = fs.stat_at(&first, true) {
            self.inode.set(Some((stat.device, stat.inode)));
        }
        fs.set_user(uid, gid);
    }

    fn utility(&self, name: &str, ctx: &Ctx) -> Result<ProcessFuture, Errno> {
        if self.shared.foreign.borrow().iter().any(|other| other == name) {
            return Ok(foreign(ctx.clone(), name.to_owned()));
        }
        if SHELLS.contains(&name) {
            return Ok(shell_main(self.shared.clone(), ctx.clone(), name == "sh"));
        }
        match wasmsh_commands::find(name.as_bytes()) {
            Some(command) => Ok((command.main)(ctx.clone())),
            None => Err(Errno::NoEntry),
        }
    }
}

impl Loader for ShellLoader {
    fn load(&self, ctx: &Ctx, path: &str) -> Result<ProcessFuture, Errno> {
        let fs = ctx.kernel().fs().clone();
        let mut path = path.to_owned();
        for _ in 0..INTERPRETERS {
            let stat = fs.stat_at(&path, true)?;
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            if self.inode.get() == Some((stat.device, stat.inode)) {
                if path.rsplit_once('/').is_some_and(|(folder, _)| folder == BIN) {
                    return self.utility(&name, ctx);
                }
                // A symbolic link, whatever it is called.
                let real = fs.canonicalize(&path)?;
                return self.utility(real.rsplit('/').next().unwrap_or(&real), ctx);
            }
            if !stat.is_regular() {
                return Err(Errno::Access);
            }
            let file = fs.open(&path, OpenFlags::READ, 0)?;
            let head = file.read_at(0, 256)?;
            if head.starts_with(MAGIC) {
                // A symbolic link or a copy: what it leads to has the name.
                let real = fs.canonicalize(&path)?;
                return self.utility(real.rsplit('/').next().unwrap_or(&real), ctx);
            }
            let Some(line) = head.strip_prefix(b"#!") else { return Err(Errno::NotExecutable) };
            let line = line.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii();
            let (interpreter, argument) = match line.iter().position(|b| matches!(b, b' ' | b'\t')) {
                Some(at) => {
                    let (interpreter, rest) = line.split_at(at);
                    (interpreter, Some(rest.trim_ascii()))
                }
                None => (line, None),
            };
            if interpreter.is_empty() {
                return Err(Errno::NotExecutable);
            }
            let mut arguments: Vec<BString> = vec![interpreter.into()];
            arguments.extend(argument.map(BString::from));
            // `$0` of a script is the name that it was called by, if that leads here.
            let called = ctx.arguments().first().filter(|name| name.contains(&b'/')).cloned();
            let called = called.filter(|name| ctx.resolve(name).is_ok_and(|whole| *whole == *path));
            arguments.push(called.unwrap_or_else(|| path.as_str().into()));
            arguments.extend(ctx.arguments().iter().skip(1).cloned());
            ctx.set_arguments(arguments);
            let next = ctx.resolve(interpreter)?.into_owned();
            fs.access(&next, wasmsh_os::AccessMode::EXECUTE)?;
            path = next;
        }
        Err(Errno::Loop)
    }
}

/// A command that somebody outside runs: it ends when the answer comes.
fn foreign(ctx: Ctx, name: String) -> ProcessFuture {
    Box::pin(async move {
        let pid = ctx.pid();
        let request = ctx.request(Request::Command { name, pid });
        loop {
            if let Answer::Exited(exit) = request.answer().await {
                return exit;
            }
        }
    })
}

/// `bash` and `sh` as programs.
fn shell_main(shared: Rc<Shared>, ctx: Ctx, posix: bool) -> ProcessFuture {
    Box::pin(async move {
        let arguments = ctx.arguments();
        let arg0 = arguments.first().map(|arg| Str::new(arg)).unwrap_or_default();
        let mut shell = Shell::new(shared, &ctx.environment(), arg0, ctx.pid(), ctx.monotonic());
        if posix {
            shell.options.set_opt(Opt::Posix, true);
            shell.options.set_shopt(Shopt::ExpandAliases, true);
        }
        let mut vm = Vm::new(shell, ctx.clone());
        let start = match invocation(&mut vm, &arguments) {
            Ok(start) => start,
            Err(status) => {
                vm.flush_now();
                return Exit::Code(status);
            }
        };
        vm.import_functions(&ctx.environment());
        if vm.opt(Opt::History) {
            vm.enable_history();
        }
        vm.start_directory();
        match start {
            Start::Command(text) => {
                vm.shell.command_string = Some(text.clone());
                vm.call_main(text, Str::EMPTY);
            }
            Start::File(path) => {
                let read = match ctx.stat(&path, true) {
                    Ok(stat) if stat.is_directory() => Err(Errno::IsDirectory),
                    _ => ctx.read_file(&path).await,
                };
                match read {
                    Ok(text) => {
                        let binary = text.iter().take(80).take_while(|b| **b != b'\n').any(|b| *b == 0);
                        if binary {
                            let line = [&*path, b": ", &*path, b": cannot execute binary file\n"].concat();
                            vm.put(2, &line);
                            vm.flush_now();
                            return Exit::Code(126);
                        }
                        vm.shell.name = path.clone();
                        vm.call_main(text.into(), path);
                    }
                    Err(error) => {
                        let line =
                            [&*vm.shell.name, b": ", &*path, b": ", error.strerror().as_bytes(), b"\n"]
                                .concat();
                        vm.put(2, &line);
                        vm.flush_now();
                        return Exit::Code(if error == Errno::NoEntry { 127 } else { 126 });
                    }
                }
            }
            Start::Input => {
                vm.shell.from_stdin = true;
                vm.call_input();
            }
        }
        // What every shell that is not interactive executes first.
        let startup = vm.shell.vars.get(known::BASH_ENV).value.scalar().filter(|name| !name.is_empty());
        if let Some(name) = startup
            && !vm.shell.interactive
            && !vm.opt(Opt::Posix)
            && let Ok(path) = vm.expand_text(&name, wasmsh_syntax::parser::Whole::DoubleQuotes)
            && let Ok(text) = ctx.read_file(&path).await
        {
            vm.call_source(text.into(), path, None);
        }
        VmProcess(Box::new(vm)).await
    })
}

/// What a shell executes.
enum Start {
    Command(Str),
    File(Str),
    Input,
}

/// Reads the arguments of a shell (bash manual "Invoking Bash").
fn invocation(vm: &mut Vm, arguments: &[BString]) -> Result<Start, u8> {
    let mut command = false;
    let mut from_input = false;
    let mut interactive = false;
    let mut at = 1;
    while let Some(arg) = arguments.get(at) {
        let (on, letters) = match arg.as_bytes() {
            b"--" | b"-" => {
                at += 1;
                break;
            }
            [b'-', b'-', name @ ..] => {
                at += 1;
                match name {
                    b"posix" => vm.shell.options.set_opt(Opt::Posix, true),
                    b"verbose" => vm.shell.options.set_opt(Opt::Verbose, true),
                    b"login" => vm.shell.options.set_shopt(Shopt::LoginShell, true),
                    b"norc" | b"noprofile" | b"noediting" | b"debugger" | b"restricted" => {}
                    b"rcfile" | b"init-file" => at += 1,
                    b"version" => {
                        let text = format!(
                            "GNU bash, version {} (wasm32-unknown-wasi)\n",
                            crate::vm::special::VERSION
                        );
                        vm.put(1, text.as_bytes());
                        return Err(0);
                    }
                    b"help" => {
                        vm.put(1, b"Usage:\tbash [option] [argument ...]\n\tbash -c command [name [argument ...]]\n\tbash script-file [argument ...]\n");
                        return Err(0);
                    }
                    _ => {
                        let line = [&*vm.shell.name, b": ", arg.as_bytes(), b": invalid option\n"].concat();
                        vm.put(2, &line);
                        return Err(2);
                    }
                }
                continue;
            }
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => break,
        };
        let letters = letters.to_vec();
        at += 1;
        for letter in letters {
            match letter {
                b'c' => command = true,
                b's' => from_input = true,
                b'i' => interactive = true,
                b'l' => vm.shell.options.set_shopt(Shopt::LoginShell, true),
                b'r' | b'D' => {}
                b'o' | b'O' => {
                    let Some(name) = arguments.get(at) else { continue };
                    at += 1;
                    let known = if letter == b'o' {
                        Opt::from_name(name).map(|option| vm.shell.options.set_opt(option, on))
                    } else {
                        Shopt::from_name(name).map(|option| vm.shell.options.set_shopt(option, on))
                    };
                    if known.is_none() {
                        let line =
                            [&*vm.shell.name, b": ", name.as_bytes(), b": invalid option name\n"].concat();
                        vm.put(2, &line);
                        return Err(2);
                    }
                }
                letter => match opt_from_letter(letter) {
                    Some(option) => vm.shell.options.set_opt(option, on),
                    None => {
                        let line = [&*vm.shell.name, b": -", &[letter], b": invalid option\n"].concat();
                        vm.put(2, &line);
                        return Err(2);
                    }
                },
            }
        }
    }
    let mut rest: Vec<Str> =
        arguments.get(at..).unwrap_or_default().iter().map(|arg| Str::new(arg)).collect();
    if command {
        if rest.is_empty() {
            let line = [&*vm.shell.name, b": -c: option requires an argument\n"].concat();
            vm.put(2, &line);
            return Err(2);
        }
        let text = rest.remove(0);
        if !rest.is_empty() {
            vm.shell.name = rest.remove(0);
        }
        vm.shell.args = Args::new(rest);
        return Ok(Start::Command(text));
    }
    if from_input || rest.is_empty() {
        vm.shell.args = Args::new(rest);
        if interactive {
            vm.shell.options.set_opt(Opt::History, true);
            vm.shell.options.set_shopt(Shopt::ExpandAliases, true);
            vm.shell.interactive = true;
        }
        return Ok(Start::Input);
    }
    let path = rest.remove(0);
    vm.shell.args = Args::new(rest);
    // A name without a slash is also looked up in PATH.
    if !path.contains(&b'/')
        && vm.ctx.stat(&path, true).is_err()
        && let Ok(found) = vm.ctx.find_program(&path)
    {
        return Ok(Start::File(found.into()));
    }
    Ok(Start::File(path))
}
