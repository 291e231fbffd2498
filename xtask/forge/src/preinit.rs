//! Pre-initialisation: a module runs its start-up code now, and the result is a module that begins after it.

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;

use wasmtime::error::{Context as _, Result};
use wasmtime::{Config, Engine, Error, ExternType, Instance, Linker, Module, Store, Val, bail};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

/// Native stack for WebAssembly, the same as a process has on Unix: start-up code of an interpreter recurses.
const STACK: usize = 8 << 20;

/// Runs `_initialize`, if there is one, and then `function` of a core module, and gives the module with the memory
/// and the globals that they left. `function` itself is taken out.
///
/// The module gets nothing of this machine: every import is there, and calling one is an error that names it.
pub(crate) fn preinitialize(module: &[u8], function: &str) -> Result<Vec<u8>> {
    // A thread of its own, for its stack.
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .stack_size(STACK + (4 << 20))
            .spawn_scoped(scope, || run(module, function))
            .context("cannot start a thread")?;
        worker.join().map_err(|_| Error::msg("the engine panicked"))?
    })
}

fn run(module: &[u8], function: &str) -> Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    wizer.init_func(function);
    let (context, instrumented) = wizer.instrument(module).context("the module cannot be pre-initialised")?;

    let mut config = Config::new();
    config.max_wasm_stack(STACK);
    // Not used here, but checked: with the feature `async`, no stack may be larger than that of a fiber.
    config.async_stack_size(STACK + (1 << 20));
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, &instrumented).context("the module cannot be compiled")?;
    match module.get_export(function) {
        Some(ExternType::Func(kind)) if kind.params().len() == 0 && kind.results().len() == 0 => {}
        Some(_) => bail!("the export {function} is not a function without parameters and results"),
        None => bail!("the module does not export {function}"),
    }
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&module)?;
    let instance = linker.instantiate(&mut store, &module).context("the module cannot be instantiated")?;
    let start = instance.get_func(&mut store, "_initialize").map(|_| "_initialize");
    for name in start.into_iter().chain([function]) {
        instance
            .get_typed_func::<(), ()>(&mut store, name)?
            .call(&mut store, ())
            .with_context(|| format!("`{name}` failed"))?;
    }
    let mut state = State { store: &mut store, instance, missing: None };
    let snapshot = now(wizer.snapshot(&context, &mut state))??;
    match state.missing {
        None => Ok(snapshot),
        Some(what) => bail!("the instrumented module has no usable {what}"),
    }
}

/// The instance whose state is kept.
struct State<'a> {
    store: &'a mut Store<()>,
    instance: Instance,
    /// What was asked for and is not there; the trait leaves no other way to say so.
    missing: Option<String>,
}

impl InstanceState for State<'_> {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let value =
            self.instance.get_global(&mut *self.store, name).map(|global| global.get(&mut *self.store));
        match value {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(value)) => SnapshotVal::F32(value),
            Some(Val::F64(value)) => SnapshotVal::F64(value),
            Some(Val::V128(value)) => SnapshotVal::V128(value.as_u128()),
            _ => {
                self.missing = Some(format!("global {name}"));
                SnapshotVal::I32(0)
            }
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.instance.get_memory(&mut *self.store, name) {
            Some(memory) => contents(memory.data(&*self.store)),
            None => {
                self.missing = Some(format!("memory {name}"));
                contents(&[]);
            }
        }
    }
}

/// The result of a future that never waits: the state above is there at once.
fn now<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => bail!("the snapshot waits for something"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn memory_and_globals_are_kept_and_start_up_code_is_gone() {
        let before = module(
            r#"(module
                (memory (export "memory") 1)
                (global $count (mut i32) (i32.const 0))
                (func (export "_initialize") (i32.store (i32.const 8) (i32.const 41)))
                (func (export "prepare")
                    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
                    (global.set $count (i32.const 7)))
                (func (export "sum") (result i32) (i32.add (i32.load (i32.const 8)) (global.get $count))))"#,
        );
        let after = preinitialize(&before, "prepare").unwrap();
        let engine = Engine::default();
        let module = Module::new(&engine, after).unwrap();
        assert!(module.get_export("prepare").is_none());
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let sum = instance.get_typed_func::<(), i32>(&mut store, "sum").unwrap();
        assert_eq!(sum.call(&mut store, ()).unwrap(), 49);
    }

    #[test]
    fn a_call_out_is_an_error_that_names_the_import() {
        let calls = module(
            r#"(module
                (import "outside" "clock" (func $clock))
                (memory (export "memory") 1)
                (func (export "prepare") (call $clock)))"#,
        );
        let error = format!("{:#}", preinitialize(&calls, "prepare").unwrap_err());
        assert!(error.contains("outside") && error.contains("clock"), "{error}");
    }

    #[test]
    fn a_missing_function_is_named() {
        let empty = module(r#"(module (memory (export "memory") 1))"#);
        let error = format!("{:#}", preinitialize(&empty, "prepare").unwrap_err());
        assert!(error.contains("prepare"), "{error}");
    }
}
