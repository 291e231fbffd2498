//! The C libraries inside the Python component: zlib, bzip2, liblzma, SQLite.
//!
//! Their own build systems ask the machine too many questions for a cross build of a few files each; what
//! they would have answered for this target is written down here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use crate::cpython_sources::{self as sources, BZIP2, SQLITE, XZ, ZLIB};
use crate::ctools::CTools;
use crate::debian::Apt;
use crate::hash::Inputs;
use crate::{cache, exec};

const FLAGS: [&str; 3] = ["-O2", "-DNDEBUG", "-D_FILE_OFFSET_BITS=64"];

const ZLIB_FILES: [&str; 11] = [
    "adler32", "compress", "crc32", "deflate", "infback", "inffast", "inflate", "inftrees", "trees",
    "uncompr", "zutil",
];
const BZIP2_FILES: [&str; 7] =
    ["blocksort", "huffman", "crctable", "randtable", "compress", "decompress", "bzlib"];

/// Folders of liblzma's sources, and files in them that are programs, need threads, or are for other machines.
const XZ_FOLDERS: [&str; 7] = ["common", "check", "lz", "lzma", "rangecoder", "delta", "simple"];
const XZ_LEFT_OUT: [&str; 10] = [
    "crc32_tablegen",
    "crc64_tablegen",
    "fastpos_tablegen",
    "price_tablegen",
    "crc32_small",
    "crc64_small",
    "hardware_cputhreads",
    "outqueue",
    "stream_decoder_mt",
    "stream_encoder_mt",
];
const XZ_FILTERS: [&str; 10] =
    ["LZMA1", "LZMA2", "X86", "POWERPC", "IA64", "ARM", "ARMTHUMB", "ARM64", "SPARC", "RISCV"];

/// One process, no threads, no loadable extensions, no shared memory for a write-ahead log; everything that
/// Debian's library has otherwise.
pub(crate) const SQLITE_FLAGS: [&str; 19] = [
    "-DSQLITE_THREADSAFE=0",
    // Locks by fcntl(): components/python/posix/locks.c.
    "-DSQLITE_DEFAULT_UNIX_VFS=\"unix\"",
    "-DSQLITE_OMIT_LOAD_EXTENSION",
    "-DSQLITE_OMIT_WAL",
    "-DSQLITE_DEFAULT_MEMSTATUS=0",
    "-DSQLITE_MAX_MMAP_SIZE=0",
    "-DSQLITE_ENABLE_FTS3",
    "-DSQLITE_ENABLE_FTS3_PARENTHESIS",
    "-DSQLITE_ENABLE_FTS4",
    "-DSQLITE_ENABLE_FTS5",
    "-DSQLITE_ENABLE_RTREE",
    "-DSQLITE_ENABLE_MATH_FUNCTIONS",
    "-DSQLITE_ENABLE_COLUMN_METADATA",
    "-DSQLITE_ENABLE_DBSTAT_VTAB",
    "-DSQLITE_ENABLE_SESSION",
    "-DSQLITE_ENABLE_PREUPDATE_HOOK",
    "-DSQLITE_ENABLE_DBPAGE_VTAB",
    "-DSQLITE_SOUNDEX",
    "-DSQLITE_MAX_VARIABLE_NUMBER=250000",
];

/// Where the source of SQLite's shell is in the folder that [`provide`] gives.
pub(crate) const SQLITE_SHELL: &str = "src/shell.c";

/// A folder with `include` and `lib`.
pub(crate) fn provide(tools: &CTools, archives: &Path, headers: &Path) -> Result<PathBuf> {
    let inputs = Inputs::new("c-libraries", 4)
        .text("compiler", &tools.identity)
        .texts("sources", [ZLIB, BZIP2, XZ, SQLITE].map(|source| source.identity()))
        .tree("headers", headers)?
        .texts("flags", FLAGS)
        .texts("sqlite", SQLITE_FLAGS);
    cache::entry("c-libraries", "zlib, bzip2, liblzma, SQLite for WebAssembly", inputs, |folder| {
        let scratch = cache::scratch("c-libraries")?;
        let build = Build { tools, headers, scratch: scratch.path(), folder };
        fs::create_dir_all(folder.join("include"))?;
        fs::create_dir_all(folder.join("lib"))?;
        build.zlib(archives)?;
        build.bzip2(archives)?;
        build.xz(archives)?;
        build.sqlite(archives)
    })
}

struct Build<'a> {
    tools: &'a CTools,
    headers: &'a Path,
    scratch: &'a Path,
    folder: &'a Path,
}

impl Build<'_> {
    fn zlib(&self, archives: &Path) -> Result<()> {
        let source = self.scratch.join("zlib");
        sources::unpack(archives, &ZLIB, &source)?;
        let files: Vec<PathBuf> =
            ZLIB_FILES.iter().map(|name| source.join(name).with_extension("c")).collect();
        self.library("libz.a", &source, &files, &[])?;
        self.headers(&source, &["zlib.h", "zconf.h"])
    }

    fn bzip2(&self, archives: &Path) -> Result<()> {
        let source = self.scratch.join("bzip2");
        sources::unpack(archives, &BZIP2, &source)?;
        let files: Vec<PathBuf> =
            BZIP2_FILES.iter().map(|name| source.join(name).with_extension("c")).collect();
        self.library("libbz2.a", &source, &files, &[])?;
        self.headers(&source, &["bzlib.h"])
    }

    fn xz(&self, archives: &Path) -> Result<()> {
        let source = self.scratch.join("xz");
        sources::unpack(archives, &XZ, &source)?;
        let root = source.join("src/liblzma");
        fs::write(root.join("config.h"), xz_configuration())?;
        let mut files = vec![source.join("src/common/tuklib_physmem.c")];
        let mut flags = vec!["-DHAVE_CONFIG_H".to_owned(), format!("-I{}", text(&root)?)];
        for folder in ["../common", "api"].iter().chain(&XZ_FOLDERS) {
            flags.push(format!("-I{}", text(&root.join(folder))?));
        }
        for folder in XZ_FOLDERS {
            let mut found: Vec<PathBuf> = fs::read_dir(root.join(folder))?
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
                .filter(|path| {
                    !path.file_stem().is_some_and(|stem| XZ_LEFT_OUT.iter().any(|name| stem == *name))
                })
                .collect();
            found.sort();
            files.append(&mut found);
        }
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        self.library("liblzma.a", &root, &files, &flags)?;
        let api = root.join("api");
        self.headers(&api, &["lzma.h"])?;
        exec::output(Command::new("cp").arg("-R").arg(api.join("lzma")).arg(self.folder.join("include")))?;
        Ok(())
    }

    fn sqlite(&self, archives: &Path) -> Result<()> {
        let source = self.scratch.join("sqlite");
        sources::unpack(archives, &SQLITE, &source)?;
        // The one big file that SQLite recommends to compile is made by Tcl programs.
        let log = self.scratch.join("sqlite.log");
        let made = self.scratch.join("sqlite-made");
        fs::create_dir_all(&made)?;
        let tcl = Tcl::provide()?;
        exec::logged(
            tcl.set(Command::new("sh").arg(source.join("configure")).args(["--disable-tcl", "-q"]))
                .current_dir(&made),
            &log,
        )?;
        exec::logged(tcl.set(Command::new("make").args(["sqlite3.c", "shell.c"])).current_dir(&made), &log)?;
        let headers = format!("-isystem{}", text(self.headers)?);
        let mut flags: Vec<&str> = SQLITE_FLAGS.to_vec();
        flags.extend(["-D_WASI_EMULATED_MMAN", "-D_WASI_EMULATED_GETPID", &headers]);
        self.library("libsqlite3.a", &made, &[made.join("sqlite3.c")], &flags)?;
        // The program, which is compiled where it is linked: it is changed more often than all this.
        fs::create_dir_all(self.folder.join("src"))?;
        fs::copy(made.join("shell.c"), self.folder.join(SQLITE_SHELL))?;
        self.headers(&made, &["sqlite3.h"])
    }

    fn library(&self, name: &str, source: &Path, files: &[PathBuf], flags: &[&str]) -> Result<()> {
        let objects = self.scratch.join(format!("{name}.objects"));
        fs::create_dir_all(&objects)?;
        let map = format!("-ffile-prefix-map={}=.", text(source)?);
        let mut all = Vec::new();
        for file in files {
            let stem = file.file_stem().ok_or_else(|| anyhow!("{} has no name", file.display()))?;
            let object = objects.join(stem).with_extension("o");
            exec::output(
                Command::new(&self.tools.clang)
                    .args(FLAGS)
                    .arg(&map)
                    .args(flags)
                    .arg("-c")
                    .arg(file)
                    .arg("-o")
                    .arg(&object),
            )?;
            all.push(object);
        }
        exec::output(
            Command::new(&self.tools.ar).arg("rcsD").arg(self.folder.join("lib").join(name)).args(&all),
        )
        .with_context(|| format!("cannot make {name}"))?;
        Ok(())
    }

    fn headers(&self, from: &Path, names: &[&str]) -> Result<()> {
        for name in names {
            fs::copy(from.join(name), self.folder.join("include").join(name))
                .with_context(|| format!("cannot copy the header {name}"))?;
        }
        Ok(())
    }
}

/// What liblzma's configure would write for this target.
fn xz_configuration() -> String {
    let mut text = String::new();
    let mut define = |name: &str, value: &str| text.push_str(&format!("#define {name} {value}\n"));
    for name in ["STDBOOL_H", "STDINT_H", "INTTYPES_H", "CHECK_CRC32", "CHECK_CRC64", "CHECK_SHA256"] {
        define(&format!("HAVE_{name}"), "1");
    }
    for name in ["ENCODERS", "DECODERS", "ENCODER_DELTA", "DECODER_DELTA", "LZIP_DECODER"] {
        define(&format!("HAVE_{name}"), "1");
    }
    for filter in XZ_FILTERS {
        define(&format!("HAVE_ENCODER_{filter}"), "1");
        define(&format!("HAVE_DECODER_{filter}"), "1");
    }
    for finder in ["BT2", "BT3", "BT4", "HC3", "HC4"] {
        define(&format!("HAVE_MF_{finder}"), "1");
    }
    define("SIZEOF_SIZE_T", "4");
    define("TUKLIB_SYMBOL_PREFIX", "lzma_");
    // Mebibytes, where the machine does not tell.
    define("ASSUME_RAM", "128");
    text
}

/// A Tcl interpreter: the machine's, or Debian's.
struct Tcl(Option<PathBuf>);

impl Tcl {
    fn provide() -> Result<Self> {
        if exec::exists("tclsh") {
            return Ok(Self(None));
        }
        let inputs = Inputs::new("tcl", 1).text("machine", std::env::consts::ARCH);
        let prefix = cache::entry("tcl", "Tcl, from Debian", inputs, |prefix| {
            Apt::open(&["bookworm"], false)?.unpack(
                &["tcl8.6", "libtcl8.6", "zlib1g"],
                prefix,
                &["./usr/share/doc", "./usr/share/man"],
            )
        })?;
        Ok(Self(Some(prefix)))
    }

    fn set<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(prefix) = &self.0 {
            let path = std::env::var("PATH").unwrap_or_default();
            let library = prefix.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
            command
                .env("PATH", format!("{}:{path}", prefix.join("usr/bin").display()))
                .env("LD_LIBRARY_PATH", library)
                .env("TCL_LIBRARY", prefix.join("usr/share/tcltk/tcl8.6"));
        }
        command
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| anyhow!("the path {} is not UTF-8", path.display()))
}
