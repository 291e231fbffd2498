//! Where the components come from.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One of the components that a host loads.
///
/// ```
/// use wasmsh::ComponentName;
///
/// let builder = wasmsh::Engine::builder().on_compile(|name| {
///     if name == ComponentName::Python {
///         eprintln!("compiling Python, which takes a while");
///     }
/// });
/// let engine = builder.build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ComponentName {
    /// The filesystem and the shell.
    Core,
    /// CPython, to be linked to the core.
    Python,
    /// The filesystem, the shell, Python and the driver between them.
    Sandbox,
    /// `git`, a command like any other component.
    Git,
}

impl ComponentName {
    /// The name of its files, without `.wasm` or `.cwasm`.
    ///
    /// ```
    /// assert_eq!(wasmsh::ComponentName::Core.stem(), "core");
    /// ```
    #[must_use]
    pub fn stem(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Python => "python",
            Self::Sandbox => "sandbox",
            Self::Git => "git",
        }
    }
}

/// A copied directory has its files' times in the order of copying: only a component that is newer than its
/// precompiled form by more than this was built anew.
const COPYING: Duration = Duration::from_secs(10);

/// The directories that are searched for components.
#[derive(Clone, Debug)]
pub(crate) struct Components {
    directories: Vec<PathBuf>,
}

/// What the crate's package carries.
#[cfg(carries_core)]
const CORE: Option<&[u8]> =
    Some(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/components/core.wasm")));
#[cfg(not(carries_core))]
const CORE: Option<&[u8]> = None;
#[cfg(carries_git)]
const GIT: Option<&[u8]> = Some(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/components/git.wasm")));
#[cfg(not(carries_git))]
const GIT: Option<&[u8]> = None;
#[cfg(feature = "python")]
const PYTHON_LZMA: Option<&[u8]> = wasmsh_python::COMPONENT_LZMA;
#[cfg(not(feature = "python"))]
const PYTHON_LZMA: Option<&[u8]> = None;

/// A component that the program itself has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Carried {
    Plain(&'static [u8]),
    /// Compressed as `.lzma`.
    Lzma(&'static [u8]),
}

impl Carried {
    /// By what it is told from others.
    pub(crate) fn identity(self) -> &'static [u8] {
        match self {
            Self::Plain(bytes) | Self::Lzma(bytes) => bytes,
        }
    }

    /// The component.
    pub(crate) fn component(self) -> io::Result<Cow<'static, [u8]>> {
        match self {
            Self::Plain(bytes) => Ok(bytes.into()),
            Self::Lzma(bytes) => decompress(bytes).map(Into::into),
        }
    }
}

#[cfg(feature = "python")]
fn decompress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut component = Vec::new();
    let mut reader = lzma_rust2::LzmaReader::new_mem_limit(bytes, u32::MAX, None)?;
    io::Read::read_to_end(&mut reader, &mut component)?;
    Ok(component)
}

/// Nothing is compressed but Python.
#[cfg(not(feature = "python"))]
fn decompress(_: &[u8]) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The files of one component.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Compiled for this machine, and not older than the component.
    pub(crate) precompiled: Option<PathBuf>,
    /// The component itself.
    pub(crate) component: Option<PathBuf>,
}

impl Components {
    /// One directory and no other, but for what the crate carries.
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self { directories: vec![directory] }
    }

    /// The directory that `WASMSH_COMPONENTS` names, and if it names none: that of the executable; the build's
    /// output, when the executable lies in the build's directory, or when cargo runs it.
    pub(crate) fn search() -> Self {
        if let Some(directory) = std::env::var_os("WASMSH_COMPONENTS").filter(|value| !value.is_empty()) {
            return Self::at(directory.into());
        }
        let executable = std::env::current_exe().ok();
        Self::around(executable.as_deref(), std::env::var_os("CARGO_MANIFEST_DIR"))
    }

    fn around(executable: Option<&Path>, manifest: Option<OsString>) -> Self {
        let mut directories = Vec::new();
        // The executable's own directory; then, from `target/release/wasmsh` or `target/release/deps/test`,
        // `target/wasmsh`.
        if let Some(own) = executable.and_then(Path::parent) {
            directories.push(own.to_path_buf());
            directories.extend(own.ancestors().skip(1).take(2).map(|above| above.join("wasmsh")));
        }
        if let Some(manifest) = manifest {
            directories
                .extend(Path::new(&manifest).ancestors().take(2).map(|above| above.join("target/wasmsh")));
        }
        Self { directories }
    }

    /// The files of a component in the first directory that has any.
    pub(crate) fn find(&self, name: ComponentName) -> Option<Found> {
        self.directories.iter().find_map(|directory| {
            let component = directory.join(name.stem()).with_extension("wasm");
            let precompiled = directory.join(name.stem()).with_extension("cwasm");
            let changed = |path: &Path| {
                fs::metadata(path).ok().filter(fs::Metadata::is_file).and_then(|data| data.modified().ok())
            };
            let (source, compiled) = (changed(&component), changed(&precompiled));
            let current =
                compiled.is_some_and(|compiled| source.is_none_or(|source| source <= compiled + COPYING));
            (source.is_some() || compiled.is_some()).then(|| Found {
                precompiled: current.then_some(precompiled),
                component: source.is_some().then_some(component),
            })
        })
    }

    /// What the crate carries.
    pub(crate) fn carried(name: ComponentName) -> Option<Carried> {
        match name {
            ComponentName::Core => CORE.map(Carried::Plain),
            ComponentName::Git => GIT.map(Carried::Plain),
            ComponentName::Python => PYTHON_LZMA.map(Carried::Lzma),
            ComponentName::Sandbox => None,
        }
    }

    /// Whether there is one, wherever it comes from.
    pub(crate) fn has(&self, name: ComponentName) -> bool {
        self.find(name).is_some() || Self::carried(name).is_some()
    }

    /// The directories, for a message.
    pub(crate) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn a_precompiled_component_that_is_older_than_its_source_is_left_alone() {
        let directory = std::env::temp_dir().join(format!("wasmsh-components-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let components = Components::at(directory.clone());
        assert_eq!(components.find(ComponentName::Core), None);

        let (wasm, cwasm) = (directory.join("core.wasm"), directory.join("core.cwasm"));
        fs::write(&wasm, "").unwrap();
        assert_eq!(
            components.find(ComponentName::Core),
            Some(Found { precompiled: None, component: Some(wasm.clone()) })
        );
        fs::write(&cwasm, "").unwrap();
        assert_eq!(
            components.find(ComponentName::Core),
            Some(Found { precompiled: Some(cwasm.clone()), component: Some(wasm.clone()) })
        );
        let old = fs::File::options().write(true).open(&cwasm).unwrap();
        old.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        assert_eq!(
            components.find(ComponentName::Core),
            Some(Found { precompiled: None, component: Some(wasm) })
        );
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn the_build_output_is_found_from_the_build_directory() {
        let components = Components::around(Some(Path::new("/p/target/release/deps/test-1")), None);
        assert!(components.directories().contains(&PathBuf::from("/p/target/wasmsh")));
    }
}
