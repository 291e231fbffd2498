//! What others make, for the tests of the host: programs in `tests/commands`, made components by their tools, and a client of
//! the Model Context Protocol.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::WITH_ENGINE;
use crate::hash::Inputs;
use crate::project::Project;
use crate::{build, cache, ctools, exec, js, rust_guest};

/// What the scripting languages' components are made by. They are fetched only for `foreign`.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
const COMPONENTIZE_JS: &str = "@bytecodealliance/componentize-js@0.23.0";
/// The reference client of the Model Context Protocol.
const MCP_CLIENT: &str = "@modelcontextprotocol/sdk@1.32.2";

fn source(project: &Project, name: &str) -> PathBuf {
    project.path("tests/commands").join(name)
}

/// The programs in Rust and C, as `commands/*.wasm` beside the components.
pub(crate) fn test_commands(project: &Project) -> Result<()> {
    let rustc = rust_guest::provide()?;
    let clang = ctools::provide()?;
    let rust = source(project, "tool.rs");
    let inputs = Inputs::new("test command", 1).file("source", &rust)?.text("rustc", &rustc.version);
    project.product("commands/rust.wasm", "Test command in Rust", inputs, || {
        made("rust", |output| {
            let mut command = Command::new(&rustc.path);
            command.args(["--target", "wasm32-wasip2", "--edition", "2024", "-O", "-o"]);
            exec::output(command.arg(output).arg(&rust)).map(drop)
        })
    })?;
    let c = source(project, "tool.c");
    let inputs = Inputs::new("test command", 1).file("source", &c)?.text("clang", &clang.identity);
    project.product("commands/c.wasm", "Test command in C", inputs, || {
        made("c", |output| {
            let mut command = Command::new(&clang.clang);
            command.args(["--target=wasm32-wasip2", "-O1", "-o"]).arg(output).arg(&c);
            let linker = rust_guest::linkers(&rustc.path)?.join("wasm-component-ld");
            if linker.exists() {
                command.arg(format!("-fuse-ld={}", linker.display()));
            }
            exec::output(&mut command).map(drop)
        })
    })?;
    Ok(())
}

/// What a tool writes to the file that it is given.
fn made(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<Vec<u8>> {
    let scratch = cache::scratch(name)?;
    let output = scratch.path().join("command.wasm");
    make(&output)?;
    fs::read(&output).with_context(|| format!("the tool has not written {}", output.display()))
}

/// `cargo xtask foreign`: commands in Python and JavaScript, and the tests that run them; the client.
pub(crate) fn foreign(project: &Project) -> Result<()> {
    {
        let _lock = project.lock()?;
        let programs = build::native(project)?;
        python(project)?;
        javascript(project)?;
        mcp_client(project, &programs.wasmsh)?;
    }
    let mut cargo = project.cargo();
    cargo.env("WASMSH_COMPONENTS", project.products()).args(["test", "--release"]);
    cargo.args(WITH_ENGINE.iter().flat_map(|name| ["--package", name]));
    exec::run(cargo.args(["--test", "components", "--", "--ignored"]))
}

/// Has the client talk to `wasmsh mcp`.
fn mcp_client(project: &Project, wasmsh: &Path) -> Result<()> {
    let script = project.path("tests/clients/mcp.mjs");
    let inputs = Inputs::new("mcp-client", 1).text("package", MCP_CLIENT);
    let tools =
        cache::entry("mcp-client", "Client of the Model Context Protocol, from npm", inputs, |prefix| {
            install(prefix, MCP_CLIENT)
        })?;
    // Packages are found from where a script lies.
    let scratch = cache::scratch("mcp client")?;
    let place = tools.join("client.mjs");
    fs::copy(&script, &place).with_context(|| format!("cannot write {}", place.display()))?;
    let mut command = Command::new("node");
    command.arg(&place).arg(wasmsh).current_dir(scratch.path());
    exec::run(command.env("WASMSH_COMPONENTS", project.products()))
}

/// Installs a package of npm in a folder.
fn install(folder: &Path, package: &str) -> Result<()> {
    fs::write(folder.join("package.json"), "{ \"private\": true, \"type\": \"module\" }\n")?;
    let mut npm = js::npm();
    npm.args(["install", "--no-audit", "--no-fund", package]).current_dir(folder);
    exec::output(&mut npm).map(drop)
}

fn python(project: &Project) -> Result<()> {
    let inputs = Inputs::new("componentize-py", 1).text("package", COMPONENTIZE_PY);
    let tools = cache::entry("componentize-py", "componentize-py, from PyPI", inputs, |prefix| {
        exec::output(Command::new("python3").args(["-m", "venv"]).arg(prefix))?;
        let pip = prefix.join("bin/pip");
        exec::output(Command::new(pip).args(["install", "--quiet", COMPONENTIZE_PY])).map(drop)
    })?;
    let inputs = Inputs::new("python command", 1)
        .file("source", &source(project, "app.py"))?
        .tree("wit", &project.path("wit/wasi"))?
        .file("world", &source(project, "wit/world.wit"))?
        .text("tool", COMPONENTIZE_PY);
    project.product("commands/python.wasm", "Test command in Python", inputs, || {
        let wit = world(project)?;
        made("python", |output| {
            // Not by its first line, which names the place where the tools were installed.
            let mut command = Command::new(tools.join("bin/python3"));
            command.args(["-c", "from componentize_py import script; script()", "-d"]).arg(wit.path());
            command.args(["-w", "tool", "componentize", "-p"]).arg(project.path("tests/commands"));
            exec::output(command.args(["app", "-o"]).arg(output)).map(drop)
        })
    })?;
    Ok(())
}

fn javascript(project: &Project) -> Result<()> {
    let inputs = Inputs::new("componentize-js", 1).text("package", COMPONENTIZE_JS);
    let tools = cache::entry("componentize-js", "componentize-js, from npm", inputs, |prefix| {
        install(prefix, COMPONENTIZE_JS)?;
        let make = "import { writeFile } from 'node:fs/promises';\n\
                    import { componentize } from '@bytecodealliance/componentize-js';\n\
                    const [sourcePath, witPath, output] = process.argv.slice(2);\n\
                    const { component } = await componentize({ sourcePath, witPath, worldName: 'tool' });\n\
                    await writeFile(output, component);\n";
        fs::write(prefix.join("make.mjs"), make).context("cannot write make.mjs")
    })?;
    let inputs = Inputs::new("javascript command", 1)
        .file("source", &source(project, "app.js"))?
        .tree("wit", &project.path("wit/wasi"))?
        .file("world", &source(project, "wit/world.wit"))?
        .text("tool", COMPONENTIZE_JS);
    project.product("commands/javascript.wasm", "Test command in JavaScript", inputs, || {
        let wit = world(project)?;
        made("javascript", |output| {
            // It takes paths below the working directory only.
            fs::copy(source(project, "app.js"), wit.path().join("app.js"))?;
            let mut command = Command::new("node");
            command.arg(tools.join("make.mjs")).arg("app.js").arg(".").arg(output).current_dir(wit.path());
            exec::output(&mut command).map(drop)
        })
    })?;
    Ok(())
}

/// A folder with the world of the programs, and the packages that it names in `deps`.
fn world(project: &Project) -> Result<cache::Scratch> {
    let scratch = cache::scratch("world")?;
    fs::copy(source(project, "wit/world.wit"), scratch.path().join("world.wit"))?;
    let packages = project.path("wit/wasi");
    for entry in fs::read_dir(&packages).with_context(|| format!("cannot read {}", packages.display()))? {
        let name = entry?.file_name();
        let (from, to) = (packages.join(&name), scratch.path().join("deps").join(&name));
        fs::create_dir_all(&to)?;
        for file in fs::read_dir(&from)? {
            let file = file?;
            fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(scratch)
}
