//! Composition: `core.wasm` and `sandbox.wasm` from their parts, by `wac-graph`.

use anyhow::{Context, Result, anyhow, bail};
use wac_graph::types::{Package, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

/// What a host gets of the filesystem.
const FILES: &str = "wasmsh:fs/";
/// What a host gets of the shell (or of the driver in its place).
const SESSION: &str = "wasmsh:session/";

/// vfs + shell.
pub(crate) fn core(vfs: &[u8], shell: &[u8]) -> Result<Vec<u8>> {
    let mut composition = Composition::default();
    let vfs = composition.add("vfs", vfs)?;
    let shell = composition.add("shell", shell)?;
    composition.export(vfs, is_files)?;
    composition.export(shell, |name| name.starts_with(SESSION))?;
    composition.encode()
}

/// vfs + shell + python + driver: the driver's session in the place of the shell's.
pub(crate) fn sandbox(vfs: &[u8], shell: &[u8], python: &[u8], driver: &[u8]) -> Result<Vec<u8>> {
    let mut composition = Composition::default();
    let vfs = composition.add("vfs", vfs)?;
    let shell = composition.add("shell", shell)?;
    composition.add("python", python)?;
    let driver = composition.add("driver", driver)?;
    composition.export(vfs, is_files)?;
    composition.export(driver, |name| name.starts_with(SESSION))?;
    composition.export(shell, |name| name.starts_with(SESSION))?;
    composition.encode()
}

/// The world `sandbox` has no use for `program`, which sets what a WASI program composed with the vfs sees.
fn is_files(name: &str) -> bool {
    name.starts_with(FILES) && !name.starts_with("wasmsh:fs/program@")
}

/// Components, each linked to those before it.
#[derive(Default)]
struct Composition {
    graph: CompositionGraph,
    instances: Vec<(PackageId, NodeId)>,
    exported: Vec<String>,
}

impl Composition {
    /// Adds a component. Each import is satisfied by the latest component before it that exports such an
    /// interface (of the same or a compatible version); what nobody exports stays an import of the whole.
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<NodeId> {
        let package =
            Package::from_bytes(&format!("part:{name}"), None, bytes.to_vec(), self.graph.types_mut())
                .with_context(|| format!("cannot read the component {name}"))?;
        let package = self.graph.register_package(package)?;
        let instance = self.graph.instantiate(package);
        for import in self.names(package, |world| world.imports.keys().cloned().collect()) {
            let provider = self.instances.iter().rev().find_map(|(provider, node)| {
                let exports = self.names(*provider, |world| world.exports.keys().cloned().collect());
                let export = exports
                    .iter()
                    .find(|export| **export == import)
                    .or_else(|| exports.iter().find(|export| are_semver_compatible(export, &import)))?;
                Some((*node, export.clone()))
            });
            if let Some((node, export)) = provider {
                let argument = self.graph.alias_instance_export(node, &export)?;
                self.graph.set_instantiation_argument(instance, &import, argument).with_context(|| {
                    format!("{name}: the import {import} does not fit what is exported as {export}")
                })?;
            }
        }
        self.instances.push((package, instance));
        Ok(instance)
    }

    /// Exports the interfaces of an instance that `wanted` says yes to, but for those exported already.
    fn export(&mut self, instance: NodeId, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let package = self
            .instances
            .iter()
            .find(|(_, node)| *node == instance)
            .map(|(package, _)| *package)
            .ok_or_else(|| anyhow!("not an instance of this composition"))?;
        let names = self.names(package, |world| world.exports.keys().cloned().collect());
        let mut any = false;
        for name in names.into_iter().filter(|name| wanted(name)) {
            any = true;
            if !self.exported.contains(&name) {
                let export = self.graph.alias_instance_export(instance, &name)?;
                self.graph.export(export, &name)?;
                self.exported.push(name);
            }
        }
        if !any {
            bail!("a part exports nothing of what the composition must export");
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        self.graph.encode(EncodeOptions::default()).context("the composition is not valid")
    }

    fn names(
        &self,
        package: PackageId,
        which: impl Fn(&wac_graph::types::World) -> Vec<String>,
    ) -> Vec<String> {
        let types = self.graph.types();
        which(&types[self.graph[package].ty()])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::{ManglingAndAbi, Resolve, WorldItem};

    fn resolve() -> Resolve {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let mut resolve = Resolve::default();
        for package in [
            "wasi/io",
            "wasi/clocks",
            "wasi/random",
            "wasi/filesystem",
            "wasi/sockets",
            "wasi/cli",
            "net",
            "fs",
            "session",
            "python",
        ] {
            let folder = wit.join(package);
            if folder.is_dir() {
                resolve.push_path(&folder).unwrap();
            }
        }
        resolve
    }

    /// A component of the world that does nothing, but imports and exports everything.
    fn dummy(world: &str) -> Vec<u8> {
        let resolve = resolve();
        let world = resolve
            .select_world(&resolve.packages.iter().map(|(id, _)| id).collect::<Vec<_>>(), Some(world))
            .unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
    }

    fn interfaces(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
        let wit_component::DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap()
        else {
            panic!("not a component");
        };
        let names = |items: &mut dyn Iterator<Item = (&_, &WorldItem)>| {
            items.map(|(name, _)| resolve.name_world_key(name)).collect::<BTreeSet<_>>()
        };
        let world = &resolve.worlds[world];
        (names(&mut world.imports.iter()), names(&mut world.exports.iter()))
    }

    fn world(name: &str) -> (BTreeSet<String>, BTreeSet<String>) {
        interfaces(&dummy(name))
    }

    #[test]
    fn compositions_have_the_interfaces_of_the_world_sandbox() {
        let (vfs, shell) = (dummy("wasmsh:fs/vfs"), dummy("wasmsh:session/shell"));
        let (python, driver) = (dummy("wasmsh:python/python"), dummy("wasmsh:python/driver"));
        let (world_imports, world_exports) = world("wasmsh:session/sandbox");
        for whole in [core(&vfs, &shell).unwrap(), sandbox(&vfs, &shell, &python, &driver).unwrap()] {
            let (imports, exports) = interfaces(&whole);
            assert!(imports.is_subset(&world_imports), "imports more: {imports:?}");
            assert!(world_exports.is_subset(&exports), "exports less: {exports:?}");
        }
    }
}
