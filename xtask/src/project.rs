//! Where things lie in the checkout, and steps whose products lie there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use crate::hash::Inputs;
use crate::{cache, ui};

/// The checkout.
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// The checkout that this program was compiled from, or, if that has been moved, the one around the
    /// current folder.
    pub(crate) fn find() -> Result<Self> {
        let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = manifest
            .as_deref()
            .and_then(Path::parent)
            .filter(|root| root.join("wit").is_dir())
            .or(compiled)
            .ok_or_else(|| anyhow!("cannot find the checkout; run `cargo xtask` inside of it"))?;
        Ok(Self { root: root.to_path_buf() })
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path given relative to the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where the finished components are.
    pub(crate) fn products(&self) -> PathBuf {
        self.root.join("target/wasmsh")
    }

    /// Cargo's own target folder.
    pub(crate) fn target(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR").filter(|path| !path.is_empty()) {
            Some(path) => env::current_dir().unwrap_or_else(|_| self.root.clone()).join(path),
            None => self.root.join("target"),
        }
    }

    /// The cargo that started us, working in the checkout.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        command.current_dir(&self.root);
        // What `cargo run` set for us describes xtask, not what is started now.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_")
                    || name.starts_with("CARGO_MANIFEST_")
                    || name == "CARGO_PRIMARY_PACKAGE"
            }) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Adds what any Rust code of the workspace is made from.
    pub(crate) fn rust_sources(&self, inputs: Inputs) -> Result<Inputs> {
        inputs
            .tree("crates", &self.path("crates"))?
            .tree("wit", &self.path("wit"))?
            .file("Cargo.toml", &self.path("Cargo.toml"))?
            .file("Cargo.lock", &self.path("Cargo.lock"))
    }

    /// Does the step `name`, which makes `outputs`, unless they are there and were made from the same `inputs`.
    pub(crate) fn step(
        &self,
        name: &str,
        title: &str,
        inputs: Inputs,
        outputs: &[&Path],
        make: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let stamp = self.products().join("stamps").join(name);
        let digest = inputs.digest();
        if outputs.iter().all(|path| path.exists())
            && fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == digest)
        {
            ui::fresh(title);
            return Ok(());
        }
        let step = ui::step(title);
        // Without the stamp, what an interrupted run leaves is made again.
        if let Err(error) = fs::remove_file(&stamp)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("cannot remove {}", stamp.display()));
        }
        make().with_context(|| format!("{title}: failed"))?;
        write_if_changed(&stamp, digest.as_bytes())?;
        step.done();
        Ok(())
    }

    /// A step that makes one file, `file` (relative to [`Project::products`]). Unchanged contents keep their
    /// date, so that nothing after this step is done again.
    pub(crate) fn product(
        &self,
        file: &str,
        title: &str,
        inputs: Inputs,
        make: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<PathBuf> {
        let path = self.products().join(file);
        self.step(&file.replace('/', "-"), title, inputs, &[&path], || write_if_changed(&path, &make()?))?;
        Ok(path)
    }

    /// Keeps other runs of xtask out of this checkout's products for as long as the value lives.
    pub(crate) fn lock(&self) -> Result<fs::File> {
        let folder = self.products();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        cache::lock(&folder.join("lock"), "the build of this checkout")
    }
}

/// Writes a file at once or not at all; does not touch one that is already the same.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = path.parent().ok_or_else(|| anyhow!("{} has no folder", path.display()))?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".part-{}", std::process::id()));
    let part = PathBuf::from(part);
    fs::write(&part, bytes).with_context(|| format!("cannot write {}", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_done_again_when_its_inputs_change_or_its_product_is_gone() {
        let scratch = cache::scratch("project-test").unwrap();
        let project = Project { root: scratch.path().to_path_buf() };
        let count = std::cell::Cell::new(0);
        let make = |version: &str| {
            project
                .product("parts/a", "a", Inputs::new("a", 1).text("version", version), || {
                    count.set(count.get() + 1);
                    Ok(b"the same".to_vec())
                })
                .unwrap()
        };
        let path = make("1");
        let date = fs::metadata(&path).unwrap().modified().unwrap();
        make("1");
        assert_eq!(count.get(), 1);
        make("2");
        assert_eq!(count.get(), 2);
        assert_eq!(
            fs::metadata(&path).unwrap().modified().unwrap(),
            date,
            "unchanged contents keep their date"
        );
        fs::remove_file(&path).unwrap();
        make("2");
        assert_eq!(count.get(), 3);
    }

    #[test]
    fn a_failed_step_is_done_again() {
        let scratch = cache::scratch("project-test").unwrap();
        let project = Project { root: scratch.path().to_path_buf() };
        let inputs = || Inputs::new("a", 1);
        project.product("a", "a", inputs(), || Ok(Vec::new())).unwrap();
        project.product("a", "a", inputs().text("new", ""), || anyhow::bail!("broken")).unwrap_err();
        let done = std::cell::Cell::new(false);
        project
            .product("a", "a", inputs(), || {
                done.set(true);
                Ok(Vec::new())
            })
            .unwrap();
        assert!(done.get());
    }
}
