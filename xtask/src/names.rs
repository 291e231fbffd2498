//! Takes the sections of names out of a component: nothing that runs reads them, and everyone who loads it would load
//! them, too. The parts in `target/wasmsh/parts` keep theirs, for `cargo xtask sizes` and for whoever looks into a trap.

use anyhow::{Context, Result};
use wasm_encoder::Encode;
use wasmparser::BinaryReader;

/// Bytes of the magic number and the version.
const PREAMBLE: usize = 8;
/// The identifier of custom sections, in modules and components.
const CUSTOM: u8 = 0;
/// Those of sections of components that hold a module, and a component (Component Model, Binary.md).
const NESTED: [u8; 2] = [1, 4];
/// The third and fourth byte of a component's version: 1, where a module has 0.
const LAYER: std::ops::Range<usize> = 6..8;

/// The module or component without names, also without those of what it holds.
pub(crate) fn remove(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut left = bytes.get(..PREAMBLE).context("neither a module nor a component")?.to_vec();
    let component = left.get(LAYER) == Some([1, 0].as_slice());
    let mut reader = BinaryReader::new(bytes.get(PREAMBLE..).unwrap_or_default(), u64::try_from(PREAMBLE)?);
    while !reader.eof() {
        let kind = reader.read_u8()?;
        let length = usize::try_from(reader.read_var_u32()?)?;
        let contents = reader.read_bytes(length)?;
        let contents = match kind {
            CUSTOM if is_names(contents)? => continue,
            kind if component && NESTED.contains(&kind) => &remove(contents)?,
            _ => contents,
        };
        left.push(kind);
        contents.encode(&mut left);
    }
    Ok(left)
}

fn is_names(section: &[u8]) -> Result<bool> {
    Ok(matches!(BinaryReader::new(section, 0).read_string()?, "name" | "component-name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{Component, CustomSection, Module, ModuleSection, NameMap, NameSection};

    #[test]
    fn names_go_from_all_levels_and_the_rest_stays() {
        let build = |named: bool| {
            let mut names = NameSection::new();
            names.functions(&NameMap::new());
            let mut module = Module::new();
            module.section(&CustomSection { name: "kept".into(), data: b"data".as_slice().into() });
            if named {
                module.section(&names);
            }
            let mut component = Component::new();
            component.section(&ModuleSection(&module));
            if named {
                component
                    .section(&CustomSection { name: "component-name".into(), data: b"".as_slice().into() });
            }
            component.finish()
        };
        assert_ne!(build(true), build(false));
        assert_eq!(remove(&build(true)).expect("a component"), build(false));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let mut module = Module::new();
        module.section(&CustomSection { name: "kept".into(), data: b"data".as_slice().into() });
        let whole = module.finish();
        assert!(remove(&whole[..whole.len() - 1]).is_err());
        assert!(remove(b"\0asm").is_err());
    }
}
