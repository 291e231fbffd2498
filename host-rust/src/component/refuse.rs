//! What command components import and do not get: sockets, which answer that access is denied, and the rest of WASI,
//! whose functions end a component that calls them. A component that merely could use the network runs all the same.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    Component, Linker, LinkerInstance, Resource, ResourceAny, ResourceType, Type, Val,
};

use super::io::{Failure, InputStream, OutputStream, Pollable};
use super::run::State;

/// The interfaces that `State` answers, without their versions.
const ANSWERED: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
];

/// A resource that nothing can be done with.
struct Nothing;

/// Defines the rest of what a component imports. An error names an import that is none of WASI's.
pub(crate) fn define(
    engine: &Engine,
    component: &Component,
    linker: &mut Linker<State>,
) -> Result<(), Refused> {
    for (name, import) in component.component_type().imports(engine) {
        let family = name.split('@').next().unwrap_or(name);
        if ANSWERED.contains(&family) {
            continue;
        }
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            return Err(Refused::Import(name.to_owned()));
        };
        if !family.starts_with("wasi:") {
            return Err(Refused::Import(name.to_owned()));
        }
        let mut instance = linker.instance(name)?;
        for (item, what) in interface.exports(engine) {
            match what.ty {
                ComponentItem::Resource(_) => instance.resource(item, resource(item), |_, _| Ok(()))?,
                ComponentItem::ComponentFunc(_) => function(&mut instance, name, item)?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// Why the rest cannot be defined.
pub(crate) enum Refused {
    /// There is nobody for this import.
    Import(String),
    Engine(wasmtime::Error),
}

impl From<wasmtime::Error> for Refused {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

/// What stands for a resource. Those that are used from `wasi:io` are the same as there.
fn resource(name: &str) -> ResourceType {
    match name {
        "pollable" => ResourceType::host::<Pollable>(),
        "input-stream" => ResourceType::host::<InputStream>(),
        "output-stream" => ResourceType::host::<OutputStream>(),
        "error" | "io-error" => ResourceType::host::<Failure>(),
        _ => ResourceType::host::<Nothing>(),
    }
}

fn function(instance: &mut LinkerInstance<'_, State>, interface: &str, name: &str) -> wasmtime::Result<()> {
    let sockets = interface.starts_with("wasi:sockets/");
    let full = format!("{interface}#{name}");
    instance.func_new(name, move |mut store, function, arguments, results| {
        // What was lent must be given back.
        for argument in arguments {
            if let Val::Resource(resource) = argument {
                if resource.ty() == ResourceType::host::<Failure>() {
                    resource.try_into_resource::<Failure>(&mut store)?;
                } else if resource.ty() == ResourceType::host::<Nothing>() {
                    resource.try_into_resource::<Nothing>(&mut store)?;
                }
            }
        }
        for (result, ty) in results.iter_mut().zip(function.results()) {
            *result = match ty {
                Type::Result(ty) if sockets && matches!(ty.err(), Some(Type::Enum(_))) => {
                    Val::Result(Err(Some(Box::new(Val::Enum("access-denied".to_owned())))))
                }
                // The network that every program has, and cannot reach anything by.
                Type::Own(_) if sockets => Val::Resource(ResourceAny::try_from_resource(
                    Resource::<Nothing>::new_own(0),
                    &mut store,
                )?),
                Type::Option(_) if sockets => Val::Option(None),
                _ => return Err(wasmtime::Error::msg(format!("commands do not have {full}"))),
            };
        }
        Ok(())
    })
}
