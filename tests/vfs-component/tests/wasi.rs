//! An unmodified `wasm32-wasip2` program, composed with the component: files,
//! standard streams, arguments, environment, clocks, randomness, exit.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};
use wasmsh_test_vfs_component::bindings::Vfs;
use wasmsh_test_vfs_component::bindings::exports::wasmsh::fs::determinism::FixedClock;
use wasmsh_test_vfs_component::bindings::exports::wasmsh::fs::program::OutputStream;
use wasmsh_test_vfs_component::bindings::exports::wasmsh::fs::types::Timestamp;
use wasmsh_test_vfs_component::host::Host;
use wasmsh_test_vfs_component::remote::component_path;
use wasmtime::component::{Component, HasSelf, Instance, Linker};
use wasmtime::{Engine, Store};

/// Compiles the program: with the compiler that builds the components.
fn program() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rustc = match std::env::var_os("WASMSH_GUEST_RUSTC") {
        Some(path) => PathBuf::from(path),
        None => {
            let mut cargo = Command::new(env!("CARGO"));
            let output = cargo.args(["xtask", "guest-rustc"]).current_dir(root).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
        }
    };
    let source = root.join("tests/programs/files.rs");
    // A folder of its own: every test may be a process, and the compiler puts its pieces beside its product.
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("files-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let out = scratch.join("files.wasm");
    let status = Command::new(rustc)
        .args(["--target", "wasm32-wasip2", "--edition", "2024", "-O", "-o"])
        .args([&out, &source])
        .status()
        .unwrap();
    assert!(status.success());
    let program = std::fs::read(out).unwrap();
    std::fs::remove_dir_all(scratch).unwrap();
    program
}

/// A name without its version, and the version up to what must be the same.
fn track(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(track, _patch)| track)
}

/// The filesystem and the program as one component.
fn compose(vfs: Vec<u8>, program: Vec<u8>) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let vfs = Package::from_bytes("vfs", None, vfs, graph.types_mut()).unwrap();
    let program = Package::from_bytes("program", None, program, graph.types_mut()).unwrap();
    let names = |kind: &wac_graph::types::World, imports: bool| -> Vec<String> {
        if imports { kind.imports.keys().cloned().collect() } else { kind.exports.keys().cloned().collect() }
    };
    let exports = names(&graph.types()[vfs.ty()], false);
    let imports = names(&graph.types()[program.ty()], true);
    let run = names(&graph.types()[program.ty()], false);
    let vfs = graph.register_package(vfs).unwrap();
    let program = graph.register_package(program).unwrap();
    let vfs = graph.instantiate(vfs);
    let program = graph.instantiate(program);
    for import in imports {
        let Some(export) = exports.iter().find(|export| track(export) == track(&import)) else {
            panic!("the program wants {import}, which is not exported");
        };
        let value = graph.alias_instance_export(vfs, export).unwrap();
        graph.set_instantiation_argument(program, &import, value).unwrap();
    }
    for export in exports {
        let value = graph.alias_instance_export(vfs, &export).unwrap();
        graph.export(value, export).unwrap();
    }
    for export in run {
        let value = graph.alias_instance_export(program, &export).unwrap();
        graph.export(value, "wasmsh:test/run").ok();
    }
    graph.encode(EncodeOptions::default()).unwrap()
}

struct Machine {
    store: Store<Host>,
    vfs: Vfs,
    instance: Instance,
}

/// The composition, with the filesystem's interfaces reachable beside the program.
fn machine() -> Machine {
    static COMPILED: OnceLock<(Engine, Component)> = OnceLock::new();
    let (engine, component) = COMPILED.get_or_init(|| {
        let engine = Engine::default();
        let bytes = compose(std::fs::read(component_path()).unwrap(), program());
        let component = Component::new(&engine, bytes).unwrap();
        (engine, component)
    });
    let mut linker = Linker::new(engine);
    Vfs::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host).unwrap();
    let mut store = Store::new(engine, Host::default());
    let instance = linker.instantiate(&mut store, component).unwrap();
    let vfs = Vfs::new(&mut store, &instance).unwrap();
    Machine { store, vfs, instance }
}

impl Machine {
    /// Runs the program to its end: what it wrote, or its trap.
    fn run(&mut self, arguments: &[&str], environment: &[(&str, &str)], stdin: &str) -> wasmtime::Result<()> {
        let mut list = vec!["program".to_owned()];
        list.extend(arguments.iter().map(|argument| argument.to_string()));
        let environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let program = self.vfs.wasmsh_fs_program();
        program.call_begin(&mut self.store, &list, &environment, "/workspace", stdin.as_bytes())?;
        let interface = self.instance.get_export_index(&mut self.store, None, "wasmsh:test/run").unwrap();
        let run = self.instance.get_export_index(&mut self.store, Some(&interface), "run").unwrap();
        let run = self.instance.get_typed_func::<(), (Result<(), ()>,)>(&mut self.store, run)?;
        let (result,) = run.call(&mut self.store, ())?;
        assert_eq!(result, Ok(()), "{}", self.output());
        Ok(())
    }

    /// What it wrote: a mark before what went to standard error.
    fn output(&mut self) -> String {
        let mut text = String::new();
        loop {
            // In small pieces, to see that they are cut right.
            let chunks = self.vfs.wasmsh_fs_program().call_take_output(&mut self.store, 7).unwrap();
            if chunks.is_empty() {
                return text;
            }
            for chunk in chunks {
                if chunk.origin == OutputStream::Stderr {
                    text.push('!');
                }
                text.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
            }
        }
    }
}

#[test]
fn files_of_the_standard_library() {
    let mut machine = machine();
    let files = machine.vfs.wasmsh_fs_files().clone();
    files.call_symlink(&mut machine.store, "/workspace/f", "/workspace/absolute").unwrap().unwrap();
    machine.run(&["files"], &[], "").unwrap();
    let listing = r#"[("a", true), ("absolute", false), ("f", false), ("g", false), ("h", false)]"#;
    assert_eq!(machine.output(), format!("{listing}\ndone\n"));
    let text = files.call_read_file(&mut machine.store, "/workspace/h").unwrap().unwrap();
    assert_eq!(text, b"both");
    assert_eq!(machine.vfs.wasmsh_fs_program().call_end(&mut machine.store).unwrap(), None);
}

#[test]
fn streams_arguments_environment() {
    let mut machine = machine();
    machine.run(&["streams", "ä b", ""], &[("NAME", "Ada"), ("EMPTY", "")], "one\ntwo\n").unwrap();
    let expected = "Ada\n!to the o!ther\none|two\n[\"program\", \"streams\", \"ä b\", \"\"]\n\
                    [(\"NAME\", \"Ada\"), (\"EMPTY\", \"\")]\n";
    let shown = machine.output();
    assert_eq!(shown.replace('!', ""), expected.replace('!', ""));
    assert!(shown.contains("Ada\n!to"), "{shown}");
}

#[test]
fn what_a_program_leaves_open_is_closed() {
    let mut machine = machine();
    machine.run(&["leak"], &[], "").unwrap();
    let quotas = machine.vfs.wasmsh_fs_quotas().clone();
    assert!(quotas.call_get_usage(&mut machine.store).unwrap().open_files >= 5);
    machine.vfs.wasmsh_fs_program().call_end(&mut machine.store).unwrap();
    assert_eq!(quotas.call_get_usage(&mut machine.store).unwrap().open_files, 0);
}

#[test]
fn the_same_seed_and_clock_give_the_same() {
    let show = |seed: Option<u64>| {
        let mut machine = machine();
        let determinism = machine.vfs.wasmsh_fs_determinism().clone();
        let start = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };
        determinism.call_set_seed(&mut machine.store, seed).unwrap();
        determinism.call_set_clock(&mut machine.store, Some(FixedClock { start, step: 1000 })).unwrap();
        machine.run(&["chance"], &[], "").unwrap();
        machine.output()
    };
    assert_eq!(show(Some(1)), show(Some(1)));
    assert_ne!(show(Some(1)), show(Some(2)));
    let shown = show(Some(3));
    assert!(shown.starts_with("1700000000"), "{shown}");
}

#[test]
fn sleeping_waits_in_the_host_and_not_with_a_fixed_clock() {
    let mut one = machine();
    one.run(&["sleep"], &[], "").unwrap();
    assert_eq!(one.output(), "awake\n");
    assert_eq!(one.store.data().waits, 1);
    let mut two = machine();
    let determinism = two.vfs.wasmsh_fs_determinism().clone();
    let start = Timestamp { seconds: 0, nanoseconds: 0 };
    determinism.call_set_clock(&mut two.store, Some(FixedClock { start, step: 1 })).unwrap();
    two.run(&["sleep"], &[], "").unwrap();
    assert_eq!(two.output(), "awake\n");
    assert_eq!(two.store.data().waits, 0);
}

#[test]
fn exit_ends_the_program() {
    let mut machine = machine();
    let trap = machine.run(&["exit", "3"], &[], "").unwrap_err();
    // In the program, where the compiler ends what must not go on; never in the filesystem.
    assert!(
        matches!(trap.downcast_ref::<wasmtime::Trap>(), Some(wasmtime::Trap::UnreachableCodeReached)),
        "{trap:?}"
    );
}
