//! What wit-bindgen makes of the world `shell`.

#![allow(missing_docs, unreachable_pub, clippy::all)]

wit_bindgen::generate!({
    path: [
        "../../wit/wasi/io",
        "../../wit/wasi/clocks",
        "../../wit/wasi/random",
        "../../wit/wasi/filesystem",
        "../../wit/wasi/sockets",
        "../../wit/wasi/cli",
        "../../wit/fs",
        "../../wit/net",
        "../../wit/session",
    ],
    world: "wasmsh:session/shell",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "crate::bindings",
});
