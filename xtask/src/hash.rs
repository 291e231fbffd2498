//! The identity of a build step: a hash of everything its result depends on.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Collects the inputs of a step. Every input is labelled and length-prefixed, so that no two different
/// lists of inputs give the same bytes.
#[derive(Clone)]
pub(crate) struct Inputs(Sha256);

impl Inputs {
    /// Inputs of the step `name`; `recipe` changes whenever the way the step works changes.
    pub(crate) fn new(name: &str, recipe: u32) -> Self {
        Self(Sha256::new()).text("step", name).text("recipe", &recipe.to_string())
    }

    /// A value that the result depends on: a version, a flag, another step's hash.
    #[must_use]
    pub(crate) fn text(mut self, label: &str, value: &str) -> Self {
        self.add(label.as_bytes(), value.as_bytes());
        self
    }

    /// Several values in their order.
    #[must_use]
    pub(crate) fn texts<S: AsRef<str>>(mut self, label: &str, values: impl IntoIterator<Item = S>) -> Self {
        for value in values {
            self = self.text(label, value.as_ref());
        }
        self
    }

    /// The contents of a file, under `label` (not under its path, so that a moved checkout changes nothing).
    pub(crate) fn file(mut self, label: &str, path: &Path) -> Result<Self> {
        let digest = file_digest(path)?;
        self.add(label.as_bytes(), digest.as_bytes());
        Ok(self)
    }

    /// A file or a whole tree: names, contents, symbolic links and the executable bit. Folders named
    /// `target`, `node_modules` and names that begin with a dot are build products or editor state: left out.
    pub(crate) fn tree(mut self, label: &str, root: &Path) -> Result<Self> {
        self.add(label.as_bytes(), b"tree");
        self.walk(root, "")?;
        Ok(self)
    }

    /// The hash, 32 hexadecimal digits: short enough for a path, long enough never to meet its like.
    pub(crate) fn digest(self) -> String {
        let mut text = hex(&self.0.finalize());
        text.truncate(32);
        text
    }

    fn walk(&mut self, path: &Path, name: &str) -> Result<()> {
        let metadata =
            fs::symlink_metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_symlink() {
            let target = fs::read_link(path)?;
            self.add(name.as_bytes(), target.as_os_str().as_encoded_bytes());
        } else if metadata.is_dir() {
            let mut names = Vec::new();
            for entry in fs::read_dir(path)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name != "target" && name != "node_modules" && !name.starts_with('.') {
                    names.push(name);
                }
            }
            names.sort();
            for child in names {
                self.walk(&path.join(&child), &format!("{name}/{child}"))?;
            }
        } else {
            let digest = file_digest(path)?;
            self.add(name.as_bytes(), digest.as_bytes());
            self.add(b"executable", if executable(&metadata) { b"1" } else { b"0" });
        }
        Ok(())
    }

    fn add(&mut self, label: &[u8], value: &[u8]) {
        for part in [label, value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn file_digest(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_labels_and_boundaries_matter() {
        let one = Inputs::new("a", 1).text("x", "yz").digest();
        assert_eq!(one, Inputs::new("a", 1).text("x", "yz").digest());
        assert_ne!(one, Inputs::new("a", 1).text("xy", "z").digest());
        assert_ne!(one, Inputs::new("a", 2).text("x", "yz").digest());
        assert_ne!(
            Inputs::new("a", 1).text("x", "1").text("y", "2").digest(),
            Inputs::new("a", 1).text("y", "2").text("x", "1").digest()
        );
    }

    #[test]
    fn a_tree_changes_with_names_and_contents_but_not_with_its_place() {
        let scratch = crate::cache::scratch("hash-test").unwrap();
        let digest = |root: &Path| Inputs::new("t", 1).tree("src", root).unwrap().digest();
        for root in ["one", "two"] {
            fs::create_dir_all(scratch.path().join(root).join("sub")).unwrap();
            fs::write(scratch.path().join(root).join("sub/a"), "A").unwrap();
        }
        let (one, two) = (scratch.path().join("one"), scratch.path().join("two"));
        assert_eq!(digest(&one), digest(&two));
        fs::create_dir(two.join("target")).unwrap();
        fs::write(two.join("target/x"), "product").unwrap();
        assert_eq!(digest(&one), digest(&two));
        fs::rename(two.join("sub/a"), two.join("sub/b")).unwrap();
        assert_ne!(digest(&one), digest(&two));
    }
}
