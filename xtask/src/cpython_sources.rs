//! The sources of CPython and the libraries inside it: the original archives, pinned by their hashes.
//!
//! They come from Debian's archive, which keeps what upstream published unchanged; a folder named in
//! `WASMSH_SOURCES` that holds files of these names is looked into first.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::debian::Apt;
use crate::hash::{Inputs, file_digest};
use crate::{cache, exec, ui};

/// An archive as its authors published it.
pub(crate) struct Source {
    /// The Debian source package that holds it.
    package: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// The suite whose source packages hold them.
const SUITE: &str = "trixie";

pub(crate) const CPYTHON: Source = Source {
    package: "python3.13",
    file: "python3.13_3.13.5.orig.tar.xz",
    sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
};
pub(crate) const ZLIB: Source = Source {
    package: "zlib",
    file: "zlib_1.3.dfsg+really1.3.1.orig.tar.gz",
    sha256: "60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb",
};
pub(crate) const BZIP2: Source = Source {
    package: "bzip2",
    file: "bzip2_1.0.8.orig.tar.gz",
    sha256: "ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269",
};
pub(crate) const XZ: Source = Source {
    package: "xz-utils",
    file: "xz-utils_5.8.1.orig.tar.xz",
    sha256: "0b54f79df85912504de0b14aec7971e3f964491af1812d83447005807513cd9e",
};
pub(crate) const SQLITE: Source = Source {
    package: "sqlite3",
    file: "sqlite3_3.46.1.orig.tar.xz",
    sha256: "d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c",
};

const ALL: [&Source; 5] = [&CPYTHON, &ZLIB, &BZIP2, &XZ, &SQLITE];

/// The folder with all archives.
pub(crate) fn provide() -> Result<PathBuf> {
    let mut inputs = Inputs::new("sources", 1);
    for source in ALL {
        inputs = inputs.text(source.file, source.sha256);
    }
    cache::entry("sources", "Sources of CPython and its libraries", inputs, |folder| {
        let given = env::var_os("WASMSH_SOURCES").filter(|path| !path.is_empty()).map(PathBuf::from);
        let mut missing = Vec::new();
        for source in ALL {
            match given.as_deref().map(|given| given.join(source.file)).filter(|path| path.exists()) {
                Some(path) => {
                    fs::copy(&path, folder.join(source.file))
                        .with_context(|| format!("cannot copy {}", path.display()))?;
                }
                None => missing.push(source),
            }
        }
        if !missing.is_empty() {
            let apt = Apt::open(&[SUITE], true)?;
            for source in missing {
                ui::note(format_args!("downloading {}", source.file));
                apt.download_original(source.package, source.file, source.sha256, folder)?;
            }
        }
        ALL.iter().try_for_each(|source| {
            let digest = file_digest(&folder.join(source.file))?;
            if digest == source.sha256 {
                Ok(())
            } else {
                Err(anyhow!("{} is not the expected file: {digest}", source.file))
            }
        })
    })
}

/// Unpacks an archive into the folder `to`, without its outermost folder.
pub(crate) fn unpack(archives: &Path, source: &Source, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    exec::output(
        Command::new("tar")
            .args(["-x", "--no-same-owner", "--strip-components=1", "-f"])
            .arg(archives.join(source.file))
            .arg("-C")
            .arg(to),
    )?;
    if fs::read_dir(to)?.next().is_none() {
        bail!("{} is empty", source.file);
    }
    Ok(())
}

impl Source {
    /// For the inputs of a step.
    pub(crate) fn identity(&self) -> &'static str {
        self.sha256
    }
}
