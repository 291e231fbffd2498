//! `cargo xtask sizes`: what each command, and each crate, costs in the code of a component, by its section of names.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// The crate whose modules are the commands.
const COMMANDS: &str = "wasmsh_commands";

/// The code of the functions of a file, in bytes.
#[derive(Default)]
struct Sizes {
    /// Of the modules of [`COMMANDS`], and of generic code that was made for them.
    commands: BTreeMap<String, usize>,
    crates: BTreeMap<String, usize>,
    code: usize,
    /// Sections that are no code, by what they are.
    sections: BTreeMap<&'static str, usize>,
    functions: usize,
}

/// Prints the sizes of a component or module.
pub(crate) fn run(path: &Path) -> Result<()> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let sizes = measure(&bytes).with_context(|| format!("cannot read {}", path.display()))?;
    println!("{:>9}  {}", bytes.len(), path.display());
    println!("{:>9}  code of {} functions", sizes.code, sizes.functions);
    print("sections", &sizes.sections.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect());
    print("crates", &sizes.crates);
    print("commands (modules of the crate)", &sizes.commands);
    Ok(())
}

fn print(title: &str, sizes: &BTreeMap<String, usize>) {
    println!("\n{title}:");
    let mut rows: Vec<_> = sizes.iter().collect();
    rows.sort_by_key(|(name, size)| (std::cmp::Reverse(**size), *name));
    for (name, size) in rows {
        println!("{size:>9}  {name}");
    }
}

/// A core module that is being read: names come after the code.
#[derive(Default)]
struct Module {
    imported: u32,
    bodies: Vec<usize>,
    names: HashMap<u32, String>,
}

fn measure(bytes: &[u8]) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    let mut modules = vec![Module::default()];
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { .. } => modules.push(Module::default()),
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let (Some(module), TypeRef::Func(_)) = (modules.last_mut(), import?.ty) {
                        module.imported += 1;
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                if let Some(module) = modules.last_mut() {
                    module.bodies.push(body.as_bytes().len());
                }
            }
            Payload::DataSection(section) => {
                *sizes.sections.entry("data").or_default() += {
                    let range = section.range();
                    usize::try_from(range.end.saturating_sub(range.start))?
                };
            }
            Payload::CustomSection(section) => {
                let kind = if section.name() == "name" { "names" } else { "other custom sections" };
                *sizes.sections.entry(kind).or_default() += section.data().len();
                if let (KnownCustom::Name(names), Some(module)) = (section.as_known(), modules.last_mut()) {
                    for part in names {
                        if let Name::Function(map) = part? {
                            for naming in map {
                                let naming = naming?;
                                module.names.insert(naming.index, naming.name.to_owned());
                            }
                        }
                    }
                }
            }
            Payload::End(_) => {
                if let Some(module) = modules.pop() {
                    sizes.add(&module);
                }
            }
            _ => {}
        }
    }
    Ok(sizes)
}

impl Sizes {
    fn add(&mut self, module: &Module) {
        for (number, size) in module.bodies.iter().enumerate() {
            let index = u32::try_from(number).unwrap_or(u32::MAX).saturating_add(module.imported);
            let path = module.names.get(&index).map_or_else(|| "?".to_owned(), |name| readable(name));
            self.code += size;
            self.functions += 1;
            *self.crates.entry(crate_of(&path)).or_default() += size;
            if let Some(command) = command_of(&path) {
                *self.commands.entry(command).or_default() += size;
            }
        }
    }
}

/// A mangled name as a path: of the legacy mangling its segments, whose signs are spelled; others stay as they are.
fn readable(name: &str) -> String {
    let Some(mut rest) = name.strip_prefix("_ZN") else { return name.to_owned() };
    let mut segments = Vec::new();
    loop {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (length, behind) = rest.split_at(digits);
        let Some(segment) = length.parse::<usize>().ok().and_then(|length| behind.get(..length)) else {
            break;
        };
        segments.push(segment);
        rest = behind.get(segment.len()..).unwrap_or_default();
    }
    let mut path = segments.join("::");
    for (spelled, sign) in [
        ("$LT$", "<"),
        ("$GT$", ">"),
        ("$u20$", " "),
        ("$RF$", "&"),
        ("$BP$", "*"),
        ("$LP$", "("),
        ("$RP$", ")"),
        ("$C$", ","),
        ("$u7b$", "{"),
        ("$u7d$", "}"),
        ("..", "::"),
    ] {
        path = path.replace(spelled, sign);
    }
    path
}

/// The first identifier of a path, past the signs of types.
fn crate_of(path: &str) -> String {
    let mut rest = path;
    loop {
        let trimmed = rest.trim_start_matches(|letter: char| !letter.is_alphabetic() && letter != '?');
        let trimmed =
            ["mut ", "dyn ", "const "].iter().find_map(|word| trimmed.strip_prefix(word)).unwrap_or(trimmed);
        if trimmed == rest {
            break;
        }
        rest = trimmed;
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    let name = rest.get(..end).unwrap_or_default();
    if name.is_empty() { "?".to_owned() } else { name.to_owned() }
}

/// The module of the commands that a path belongs to, or was instantiated for.
fn command_of(path: &str) -> Option<String> {
    let (_, behind) = path.split_once(&format!("{COMMANDS}::"))?;
    let behind = behind.strip_prefix("r#").unwrap_or(behind);
    let end = behind.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(behind.len());
    behind.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mangled_name_belongs_to_its_crate_and_its_command() {
        let path = readable(
            "_ZN73_$LT$wasmsh_commands..tail..Follower$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE",
        );
        assert_eq!(
            path,
            "_<wasmsh_commands::tail::Follower as core::ops::drop::Drop>::drop::h0123456789abcdef"
        );
        assert_eq!(crate_of(&path), COMMANDS);
        assert_eq!(command_of(&path).as_deref(), Some("tail"));
        assert_eq!(crate_of("core::ptr::drop<wasmsh_commands::r#true::run>"), "core");
        assert_eq!(command_of("core::ptr::drop<wasmsh_commands::r#true::run>").as_deref(), Some("true"));
        assert_eq!(crate_of("<&mut alloc::vec::Vec<u8> as core::fmt::Debug>::fmt"), "alloc");
        assert_eq!((crate_of("?"), command_of("memcpy")), ("?".to_owned(), None));
    }

    #[test]
    fn the_code_of_a_module_is_counted() {
        // (module (func) (func nop nop)): two bodies of 2 and 4 bytes, without names.
        let module = [
            0, b'a', b's', b'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 3, 2, 0, 0, 10, 9, 2, 2, 0, 0x0b, 4, 0,
            1, 1, 0x0b,
        ];
        let sizes = measure(&module).expect("a module");
        assert_eq!((sizes.functions, sizes.code), (2, 6));
        assert_eq!(sizes.crates.get("?"), Some(&6));
    }
}
