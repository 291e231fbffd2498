//! The C compiler for WebAssembly: `$WASI_SDK_PATH` if it is set, otherwise Debian's clang, lld and wasi-libc,
//! unpacked into the cache.
//!
//! The programs are those of an old stable Debian, so that they run on the C library of any current system; the
//! target's library is that of Debian's present stable release.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::debian::Apt;
use crate::hash::Inputs;
use crate::{cache, exec};

/// What C code is compiled for. The symbols it imports from the host are all defined by components/python.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// Debian's version of LLVM, and the suites that the compiler comes from.
const LLVM: &str = "22";
const COMPILER_SUITES: [&str; 2] = ["bookworm", "bookworm-security"];
/// The suite that wasi-libc comes from.
const LIBRARY_SUITE: &str = "trixie";

/// A C compiler with the tools that go with it.
pub(crate) struct CTools {
    /// Compiles and links for [`TARGET`] without further arguments.
    pub(crate) clang: PathBuf,
    pub(crate) ar: PathBuf,
    pub(crate) ranlib: PathBuf,
    /// Changes whenever what the compiler makes may change.
    pub(crate) identity: String,
    /// A folder whose name must not be in any product.
    pub(crate) prefix: PathBuf,
}

/// Finds or provides the compiler.
pub(crate) fn provide() -> Result<CTools> {
    let tools = match env::var_os("WASI_SDK_PATH").filter(|path| !path.is_empty()) {
        Some(path) => from_sdk(Path::new(&path))?,
        None => from_debian()?,
    };
    smoke_test(&tools).context(
        "the C compiler for WebAssembly does not work; a WASI SDK can be named in WASI_SDK_PATH instead",
    )?;
    Ok(tools)
}

/// The SDK that somebody installed: wrappers in the cache add the target, since configure scripts take one word.
fn from_sdk(sdk: &Path) -> Result<CTools> {
    let clang = sdk.join("bin/clang");
    let version = exec::output(Command::new(&clang).arg("--version"))
        .with_context(|| format!("WASI_SDK_PATH has no working compiler: {}", clang.display()))?;
    let text = sdk.to_str().ok_or_else(|| anyhow!("WASI_SDK_PATH is not UTF-8"))?;
    let inputs = Inputs::new("wasi-sdk", 1).text("path", text).text("version", &version);
    let prefix = cache::entry("ctools", "Wrappers for the WASI SDK", inputs, |prefix| {
        let target = format!("--target={TARGET} --sysroot='{text}/share/wasi-sysroot'");
        write_script(prefix, "clang", &format!("exec '{text}/bin/clang' {target} \"$@\"\n"))?;
        for tool in ["ar", "ranlib"] {
            write_script(prefix, tool, &format!("exec '{text}/bin/llvm-{tool}' \"$@\"\n"))?;
        }
        Ok(())
    })?;
    Ok(tools(prefix, version))
}

fn from_debian() -> Result<CTools> {
    let inputs = Inputs::new("ctools", 2)
        .text("llvm", LLVM)
        .texts("suite", COMPILER_SUITES)
        .text("library", LIBRARY_SUITE)
        .text("machine", env::consts::ARCH);
    let prefix = cache::entry("ctools", "C compiler for WebAssembly, from Debian", inputs, |prefix| {
        let compiler = Apt::open(&COMPILER_SUITES, false)?;
        let programs: Vec<String> =
            ["clang-", "lld-", "llvm-"].iter().map(|name| format!("{name}{LLVM}")).collect();
        let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
        let mut packages = compiler.closure(&programs, is_not_needed)?;
        packages.push(format!("libclang-rt-{LLVM}-dev-wasm32"));
        compiler.unpack(&packages, prefix, &["./usr/share/doc", "./usr/share/man", "./usr/share/locale"])?;
        Apt::open(&[LIBRARY_SUITE], false)?.unpack(&["wasi-libc"], prefix, &["./usr/share/doc"])?;
        let target = format!("--target={TARGET} --sysroot=\"$prefix/usr\"");
        write_tool(prefix, "clang", "clang", &target)?;
        write_tool(prefix, "ar", "llvm-ar", "")?;
        write_tool(prefix, "ranlib", "llvm-ranlib", "")
    })?;
    let packages = fs::read_to_string(prefix.join("packages.txt")).context("the C compiler is incomplete")?;
    Ok(tools(prefix, packages))
}

/// Where [`cxx`]'s folder has the headers and the archives.
pub(crate) const CXX_HEADERS: &str = "usr/lib/llvm-22/include/wasm32-wasi/c++/v1";
pub(crate) const CXX_LIBRARIES: &str = "usr/lib/llvm-22/lib/wasm32-wasi";

/// A folder with the C++ library for the compiler, unless that has its own.
pub(crate) fn cxx() -> Result<Option<PathBuf>> {
    if env::var_os("WASI_SDK_PATH").is_some_and(|path| !path.is_empty()) {
        return Ok(None);
    }
    let inputs = Inputs::new("libc++", 1).text("llvm", LLVM).texts("suite", COMPILER_SUITES);
    let entry = cache::entry("libc++", "C++ library for WebAssembly, from Debian", inputs, |prefix| {
        let packages = ["libc++-", "libc++abi-"].map(|name| format!("{name}{LLVM}-dev-wasm32"));
        Apt::open(&COMPILER_SUITES, false)?.unpack(&packages, prefix, &["./usr/share/doc"])
    })?;
    Ok(Some(entry))
}

/// What the programs are said to depend on, but what cross-compiling does not use: the machine's own C
/// library (the programs run on it) and compiler.
fn is_not_needed(package: &str) -> bool {
    let exactly = ["libc6", "libc6-dev", "libc-dev-bin", "linux-libc-dev", "rpcsvc-proto", "debconf", "dpkg"];
    let beginnings = [
        "binutils",
        "gcc-",
        "libasan",
        "libatomic",
        "libbinutils",
        "libcrypt-dev",
        "libctf",
        "libgc1",
        "libgomp",
        "libgprofng",
        "libitm",
        "libjansson",
        "liblsan",
        "libnsl",
        "libobjc",
        "libquadmath",
        "libstdc++-",
        "libtirpc",
        "libtsan",
        "libubsan",
        "libgcc-1",
        "perl",
        "tar",
    ];
    exactly.contains(&package) || beginnings.iter().any(|beginning| package.starts_with(beginning))
}

fn tools(prefix: PathBuf, identity: String) -> CTools {
    let tool = |name: &str| prefix.join("bin").join(name);
    CTools { clang: tool("clang"), ar: tool("ar"), ranlib: tool("ranlib"), identity, prefix }
}

/// Writes `bin/NAME`, which starts one of LLVM's programs with the libraries and tools of the prefix.
fn write_tool(prefix: &Path, name: &str, program: &str, arguments: &str) -> Result<()> {
    let llvm = format!("usr/lib/llvm-{LLVM}");
    write_script(
        prefix,
        name,
        &format!(
            "prefix=$(dirname \"$(dirname \"$(readlink -f \"$0\")\")\")\n\
             export PATH=\"$prefix/{llvm}/bin:$prefix/usr/bin:$PATH\"\n\
             export LD_LIBRARY_PATH=\"$prefix/usr/lib/$(uname -m)-linux-gnu:$prefix/{llvm}/lib\"\n\
             exec \"$prefix/{llvm}/bin/{program}\" {arguments} \"$@\"\n"
        ),
    )
}

/// Writes an executable shell script `bin/NAME`.
#[cfg(unix)]
pub(crate) fn write_script(prefix: &Path, name: &str, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let bin = prefix.join("bin");
    fs::create_dir_all(&bin)?;
    let path = bin.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// See the Unix version: CPython's build needs a Unix shell anyway.
#[cfg(not(unix))]
pub(crate) fn write_script(_: &Path, _: &str, _: &str) -> Result<()> {
    bail!("Python can be built on Unix only")
}

/// Compiles and links a program.
fn smoke_test(tools: &CTools) -> Result<()> {
    let scratch = cache::scratch("ctools")?;
    let (source, product) = (scratch.path().join("a.c"), scratch.path().join("a.wasm"));
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n")?;
    exec::output(Command::new(&tools.clang).arg("-O1").arg(&source).arg("-o").arg(&product))?;
    if !fs::read(&product).is_ok_and(|bytes| bytes.starts_with(b"\0asm")) {
        bail!("it made no WebAssembly");
    }
    Ok(())
}
