//! tmp
fn main() {
    for a in std::env::args().skip(1) {
        let e = wasmtime::Engine::new(&wasmsh::config::config()).unwrap();
        let b = e.precompile_component(&std::fs::read(&a).unwrap()).unwrap();
        std::fs::write(a.replace(".wasm", ".cwasm"), b).unwrap();
    }
}
