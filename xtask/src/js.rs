//! The JavaScript side: npm's packages, the transpiled components, the tests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::Wholes;
use crate::exec;
use crate::hash::Inputs;
use crate::project::Project;
use crate::ui;

/// The oldest Node that the package supports.
const NODE: u32 = 20;

/// Installs what `package-lock.json` pins into `host-js/node_modules`.
pub(crate) fn install(project: &Project) -> Result<()> {
    let version = exec::output(Command::new("node").arg("--version"))
        .context("Node is needed: install Node 20 or newer")?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE) {
        bail!("Node {NODE} or newer is needed, this is {version}");
    }
    let folder = project.path("host-js");
    let inputs = Inputs::new("npm", 1)
        .file("package.json", &folder.join("package.json"))?
        .file("package-lock.json", &folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.package-lock.json");
    project.step("npm", "JavaScript tools (npm)", inputs, &[&installed], || {
        exec::output(npm().args(["ci", "--no-audit", "--no-fund", "--prefer-offline"]).current_dir(&folder))
            .context("npm cannot install; check the network and run the same command again")?;
        Ok(())
    })
}

/// Bundles what runs in Node, and transpiles the components: those of the package to `host-js/dist`, the composition of them all, which only tests
/// use there, to `host-js/dist-composed`.
pub(crate) fn transpile(project: &Project, wholes: &Wholes) -> Result<()> {
    install(project)?;
    let folder = project.path("host-js");
    let bundled = Inputs::new("bundle", 1)
        .file("bundle.mjs", &folder.join("scripts/bundle.mjs"))?
        .tree("src", &folder.join("src"))?
        .file("package-lock.json", &folder.join("package-lock.json"))?;
    project.step("bundle", "JavaScript: host-js/lib", bundled, &[&folder.join("lib/index.js")], || {
        exec::output(npm().args(["run", "--silent", "bundle"]).current_dir(&folder)).map(drop)
    })?;
    let linked: &[(&str, &Path)] = &[("core", &wholes.core), ("python", &wholes.python)];
    let composed: &[(&str, &Path)] = &[("sandbox", &wholes.sandbox)];
    for (out, components) in [("dist", linked), ("dist-composed", composed)] {
        let mut inputs = Inputs::new("transpile", 3)
            .tree("scripts", &folder.join("scripts"))?
            .file("package-lock.json", &folder.join("package-lock.json"))?;
        let mut command = Command::new("node");
        command.args(["scripts/transpile.mjs", "--out", out]).current_dir(&folder);
        for (name, path) in components {
            inputs = inputs.file(name, path)?;
            command.arg(format!("--{name}")).arg(path);
        }
        project.step(
            &format!("transpile-{out}"),
            &format!("JavaScript: host-js/{out}"),
            inputs,
            &[&folder.join(out).join("manifest.json")],
            || exec::output(&mut command).map(drop),
        )?;
    }
    Ok(())
}

/// Runs the tests of the package, against `dist`: in this Node, in a newer one (which has multi-memory, and comes
/// from npm), as the package is installed, in the browsers that there are, and in Deno if npm has it for this machine.
/// Bun's are `npm run test:bun`: all files in one process of Bun's do not always come to an end.
pub(crate) fn test(project: &Project) -> Result<()> {
    let folder = project.path("host-js");
    for script in ["test", "test:node24", "test:package", "test:browser"] {
        exec::run(npm().args(["run", "--silent", script]).current_dir(&folder))?;
    }
    for (name, package, script) in [("Deno", "deno@2", "test:deno")] {
        let found = exec::output(Command::new(if cfg!(windows) { "npx.cmd" } else { "npx" }).args([
            "--yes",
            package,
            "--version",
        ]));
        if let Err(error) = found {
            ui::note(format_args!("{name} is not to be had from npm here, and is not tested: {error}"));
            continue;
        }
        // What the composed sandbox does otherwise, it does so in every runtime.
        exec::run(
            npm()
                .args(["run", "--silent", script])
                .current_dir(&folder)
                .env("WASMSH_E2E_COMPOSITION", "linked"),
        )?;
    }
    Ok(())
}

/// Checks the types.
pub(crate) fn typecheck(project: &Project) -> Result<()> {
    exec::run(npm().args(["run", "--silent", "typecheck"]).current_dir(project.path("host-js")))
}

/// npm, in whatever way this system starts it.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}
