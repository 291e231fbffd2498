//! Compiled components that are kept from one process to the next: compiling takes seconds.

use std::borrow::Cow;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Where they are kept, unless somebody says otherwise: in the user's cache.
pub(crate) fn usual_directory() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("LOCALAPPDATA"));
    let cache = cache.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    cache.is_absolute().then(|| cache.join("wasmsh/compiled"))
}

/// The component that these bytes are, or stand for: from the directory, if it was compiled before, by this version, in this
/// configuration and for this kind of machine. Otherwise it is what `source` returns.
pub(crate) fn component<'a>(
    engine: &Engine,
    bytes: &[u8],
    directory: Option<&Path>,
    source: impl FnOnce() -> io::Result<Cow<'a, [u8]>>,
) -> wasmtime::Result<Component> {
    let path = directory.map(|directory| directory.join(format!("{}.cwasm", identity(engine, bytes))));
    if let Some(path) = path.as_deref().filter(|path| path.exists() && ours(path)) {
        // SAFETY: the file holds machine code, which only this user could have written.
        match unsafe { Component::deserialize_file(engine, path) } {
            Ok(component) => return Ok(component),
            Err(error) => tracing::debug!(path = %path.display(), %error, "a kept component does not fit"),
        }
    }
    let component = Component::from_binary(engine, &source()?)?;
    if let Some(path) = path
        && let Err(error) = keep(&component, &path)
    {
        tracing::debug!(path = %path.display(), %error, "a component that was compiled is not kept");
    }
    Ok(component)
}

/// A name for the component and all that its compiled form depends on. Nobody can make another component with the same one:
/// components of others are kept in the same place.
fn identity(engine: &Engine, bytes: &[u8]) -> String {
    struct Digest(Sha256);
    impl Hasher for Digest {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        /// What identifies is the digest.
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut digest = Digest(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut digest);
    bytes.hash(&mut digest);
    digest.0.finalize().iter().fold(String::new(), |name, byte| name + &format!("{byte:02x}"))
}

/// Writes it beside its place first: others may do the same, or read it.
fn keep(component: &Component, path: &Path) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    if !ours(directory) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let bytes = component.serialize().map_err(io::Error::other)?;
    // Of this process and this call alone: two threads may have compiled the same.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let part = path.with_extension(format!("{}-{number}.part", std::process::id()));
    let written = fs::File::create(&part)
        .and_then(|mut file| file.write_all(&bytes))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Whether nobody else can have written this.
#[cfg(unix)]
fn ours(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let safe =
        |path: &Path| fs::metadata(path).is_ok_and(|data| data.uid() == user && data.mode() & 0o022 == 0);
    safe(path) && path.parent().is_some_and(safe)
}

/// Where permissions are not told so, the user's own directories are the user's.
#[cfg(not(unix))]
fn ours(_: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// An empty component.
    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 13, 0, 1, 0];

    #[test]
    fn what_was_compiled_is_not_compiled_again() {
        let root = std::env::temp_dir().join(format!("wasmsh-compiled-{}", std::process::id()));
        let directory = root.join("compiled");
        let engine = Engine::new(&crate::config::config()).unwrap();
        let compiled = Cell::new(0);
        let get = |directory: Option<&Path>, bytes: &[u8]| {
            let source = || {
                compiled.set(compiled.get() + 1);
                Ok(bytes.into())
            };
            component(&engine, bytes, directory, source).map(drop)
        };
        get(None, &EMPTY).unwrap();
        get(None, &EMPTY).unwrap();
        assert_eq!(compiled.get(), 2);
        fs::create_dir(&root).unwrap();
        get(Some(&directory), &EMPTY).unwrap();
        get(Some(&directory), &EMPTY).unwrap();
        assert_eq!(compiled.get(), 3);
        assert!(get(Some(&directory), b"no component").is_err());
        // One that is damaged is made anew.
        for entry in fs::read_dir(&directory).unwrap() {
            fs::write(entry.unwrap().path(), "damaged").unwrap();
        }
        get(Some(&directory), &EMPTY).unwrap();
        assert_eq!(compiled.get(), 5);
        #[cfg(unix)]
        {
            // Where others can write, nothing is taken.
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
            get(Some(&directory), &EMPTY).unwrap();
            assert_eq!(compiled.get(), 6);
        }
        fs::remove_dir_all(root).unwrap();
    }
}
