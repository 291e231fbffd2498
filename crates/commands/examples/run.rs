//! Runs one utility natively: operands that name files of the host are copied into the sandbox first.
//!
//! `cargo run --release -p wasmsh-commands --example run -- sort -n numbers.txt`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::io::Write;
use std::rc::Rc;

use wasmsh_os::*;

struct Registry;

impl Loader for Registry {
    fn load(&self, ctx: &Ctx, path: &str) -> Result<ProcessFuture, Errno> {
        let name = path.rsplit('/').next().unwrap_or_default();
        Ok((wasmsh_commands::find(name.as_bytes()).ok_or(Errno::NotExecutable)?.main)(ctx.clone()))
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let clock = Rc::new(ManualClock::default());
    let time = clock.clone();
    let fs = wasmsh_vfs::Vfs::new(Rc::new(move || time.wall()), Rc::new(Zero)).unwrap();
    fs.set_user(0, 0);
    for argument in &arguments {
        if let Ok(bytes) = std::fs::read(argument) {
            fs.write_file(&format!("/workspace/{}", argument.rsplit('/').next().unwrap()), &bytes, 0o644)
                .unwrap();
        }
    }
    let program = format!("/usr/bin/{}", arguments[0]);
    fs.write_file(&program, b"", 0o755).unwrap();
    let kernel = Kernel::new(Rc::new(fs), clock, Rc::new(SeededEntropy::new(1)), Ceilings::default());
    kernel.set_loader(Rc::new(Registry));
    let words: Vec<_> = arguments
        .iter()
        .map(|word| {
            if std::fs::metadata(word).is_ok() { word.rsplit('/').next().unwrap() } else { word }.into()
        })
        .collect();
    let init = kernel.init();
    let pid = init
        .spawn(Spawn {
            program: program.into(),
            arguments: words,
            environment: Some(Environment::new(vec![("LANG".into(), "C.UTF-8".into())])),
            cwd: Some("/workspace".into()),
            descriptors: vec![
                (1, Some(Rc::new(Description::HostOutput(OutputStream::Stdout)))),
                (2, Some(Rc::new(Description::HostOutput(OutputStream::Stderr)))),
            ],
            ..Spawn::default()
        })
        .unwrap();
    let start = std::time::Instant::now();
    let mut out = std::io::stdout().lock();
    while kernel.state(pid).is_some() || kernel.output_len() > 0 {
        kernel.run(u64::MAX);
        for chunk in kernel.take_output(usize::MAX) {
            out.write_all(&chunk.bytes).unwrap();
        }
    }
    eprintln!("{:?}", start.elapsed());
    kernel.shutdown();
}

struct Zero;

impl wasmsh_vfs::Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
