//! numpy for the Python component: its C and C++ as a static library, and its modules in Python.
//!
//! numpy's own build system says what is compiled, and how: Meson, in the copy that its sources carry, with a cross
//! file. It would link each module for itself; so it is asked for the objects alone.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use crate::ctools::{self, CTools};
use crate::hash::Inputs;
use crate::{cache, exec};

/// The version in components/python/numpy/requirements.txt.
const VERSION: &str = "2.2.6";

/// The modules in C, as components/python/numpy/modules.c registers them.
const MODULES: [&str; 18] = [
    "_core/_multiarray_umath",
    "linalg/_umath_linalg",
    "linalg/lapack_lite",
    "fft/_pocketfft_umath",
    "random/_bounded_integers",
    "random/_common",
    "random/_generator",
    "random/_mt19937",
    "random/_pcg64",
    "random/_philox",
    "random/_sfc64",
    "random/bit_generator",
    "random/mtrand",
    "_core/_multiarray_tests",
    "_core/_umath_tests",
    "_core/_rational_tests",
    "_core/_struct_ufunc_tests",
    "_core/_operand_flag_tests",
];

/// What is asked of numpy's build: no library for linear algebra but numpy's own, nothing for other processors.
const OPTIONS: [&str; 6] = [
    "--buildtype=release",
    "-Dblas=none",
    "-Dlapack=none",
    "-Dallow-noblas=true",
    "-Dcpu-baseline=none",
    "-Dcpu-dispatch=none",
];

/// For all that is compiled: loops may become loops over vectors of 128 bits.
const FLAGS: [&str; 6] = [
    "-msimd128",
    "-mbulk-memory",
    "-D_WASI_EMULATED_SIGNAL",
    "-D_WASI_EMULATED_GETPID",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-D_WASI_EMULATED_MMAN",
];

/// Folders of numpy that no program has a use for here: parts of its build, tests, examples, sources in C.
const LEFT_OUT: [&str; 9] = [
    "_build_utils",
    "code_generators",
    "_pyinstaller",
    "_examples",
    "distutils",
    "tests",
    "include",
    "src",
    "__pycache__",
];

/// What of the tests a module of numpy's imports (`numpy.testing`).
const TEST: &str = "numpy/_core/tests/_natype.py";

/// Where numpy is built from, and what the Python component is made of.
pub(crate) struct Build<'a> {
    pub(crate) tools: &'a CTools,
    /// The folder components/python.
    pub(crate) home: &'a Path,
    pub(crate) cpython: &'a Path,
    /// A CPython of the same version for this machine.
    pub(crate) native: &'a Path,
}

/// numpy, to be linked into the component and packed into its library.
pub(crate) struct Numpy {
    /// `lib/libnumpy.a`, `packages`, `tests`.
    pub(crate) folder: PathBuf,
    /// The C++ library's folder, where the compiler does not find it by itself.
    cxx: Option<PathBuf>,
}

impl Numpy {
    /// For the linker.
    pub(crate) fn libraries(&self) -> Vec<String> {
        let mut arguments = vec![self.folder.join("lib/libnumpy.a").display().to_string()];
        if let Some(cxx) = &self.cxx {
            arguments.push(format!("-L{}", cxx.join(ctools::CXX_LIBRARIES).display()));
        }
        // Numbers of 128 bits can be read and printed.
        arguments.extend(["-lc++", "-lc++abi", "-lc-printscan-long-double"].map(str::to_owned));
        arguments
    }

    /// What is packed into the library.
    pub(crate) fn packages(&self) -> PathBuf {
        self.folder.join("packages")
    }

    /// numpy's own tests.
    pub(crate) fn tests(&self) -> PathBuf {
        self.folder.join("tests")
    }
}

/// The sources, and the programs that build them, from PyPI.
fn sources(home: &Path) -> Result<PathBuf> {
    let requirements = home.join("numpy/requirements.txt");
    let inputs = Inputs::new("numpy-sources", 1).file("requirements", &requirements)?;
    cache::entry("numpy-sources", "Sources of numpy, from PyPI", inputs, |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"])
            .args(["--no-build-isolation", "--no-binary", "numpy", "--requirement"])
            .arg(&requirements)
            .arg("--dest")
            .arg(folder)
            .env("PYTHONPATH", home.join("numpy/backend"));
        exec::output(&mut pip).context("pip cannot download numpy").map(drop)
    })
}

impl Build<'_> {
    /// Builds it.
    pub(crate) fn provide(&self) -> Result<Numpy> {
        let sources = sources(self.home)?;
        let cxx = ctools::cxx()?;
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let own = self.home.join("numpy");
        let inputs = Inputs::new("numpy", 1)
            .text("compiler", &self.tools.identity)
            .text("cxx", &cxx.as_deref().map(name).unwrap_or_default())
            .text("cpython", &name(self.cpython))
            .text("native", &name(self.native))
            .text("sources", &name(&sources))
            .texts("options", OPTIONS)
            .texts("flags", FLAGS)
            .texts("modules", MODULES)
            .texts("left out", LEFT_OUT)
            .text("test", TEST)
            .tree("headers", &own.join("include"))?
            .tree("patches", &own.join("patches"))?;
        let folder = cache::entry("numpy", "numpy for WebAssembly", inputs, |folder| {
            let scratch = cache::scratch("numpy")?;
            let work = Work { build: self, cxx: cxx.as_deref(), scratch: scratch.path(), folder };
            work.source(&sources)?;
            work.compile()?;
            work.collect()
        })?;
        Ok(Numpy { folder, cxx })
    }
}

struct Work<'a> {
    build: &'a Build<'a>,
    cxx: Option<&'a Path>,
    scratch: &'a Path,
    folder: &'a Path,
}

impl Work<'_> {
    fn log(&self) -> PathBuf {
        self.folder.join("build.log")
    }

    /// Unpacks and patches numpy, and installs what builds it.
    fn source(&self, sources: &Path) -> Result<()> {
        let source = self.scratch.join("source");
        fs::create_dir_all(&source)?;
        let mut programs = Vec::new();
        for entry in fs::read_dir(sources)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "whl") {
                programs.push(path);
            } else {
                let mut tar = Command::new("tar");
                tar.args(["-x", "--no-same-owner", "--strip-components=1", "-f"]).arg(&path);
                exec::output(tar.arg("-C").arg(&source))?;
            }
        }
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"])
            .arg(self.scratch.join("tools"))
            .args(programs);
        exec::output(&mut pip).context("pip cannot install Cython and Ninja")?;
        for patch in crate::cpython::files(&self.build.home.join("numpy/patches"), "patch")? {
            let mut command = Command::new("patch");
            command.args(["-p1", "--fuzz=0", "-i"]).arg(&patch).current_dir(&source);
            exec::logged(&mut command, &self.log())
                .with_context(|| format!("{} does not apply", patch.display()))?;
        }
        Ok(())
    }

    /// Compiles all modules into one archive.
    fn compile(&self) -> Result<()> {
        let (scratch, made) = (self.scratch, self.scratch.join("build"));
        let tools = scratch.join("tools");
        // Cython is looked for there.
        let path = format!("{}:{}", scratch.join("bin").display(), env::var("PATH").unwrap_or_default());
        let cross = self.cross_file()?;
        let mut meson = Command::new("python3");
        meson
            .arg(scratch.join("source/vendored-meson/meson/meson.py"))
            .arg("setup")
            .args([&made, &scratch.join("source")])
            .arg("--cross-file")
            .arg(cross)
            .args(OPTIONS)
            .env("PATH", &path)
            .env("NINJA", tools.join("bin/ninja"));
        exec::logged(&mut meson, &self.log())?;
        let ninja = || {
            let mut command = Command::new(tools.join("bin/ninja"));
            command.arg("-C").arg(&made).env("PATH", &path);
            command
        };
        let targets = exec::output(ninja().args(["-t", "targets", "all"]))?;
        // A source that two modules are linked from is taken once.
        let (mut objects, mut seen) = (Vec::new(), BTreeSet::new());
        for module in MODULES {
            let (package, name) = module.split_once('/').ok_or_else(|| anyhow!("{module} has no package"))?;
            let target = format!("numpy/{module}.");
            let target = targets
                .lines()
                .filter_map(|line| line.split_once(": "))
                .map(|(target, _)| target)
                .find(|file| file.starts_with(&target) && file.ends_with(".so"))
                .ok_or_else(|| anyhow!("numpy's build makes no module {name}"))?;
            let inputs = exec::output(ninja().args(["-t", "inputs", target]))?;
            for object in inputs.lines().filter(|line| line.ends_with(".o")) {
                let file = Path::new(object).file_name().unwrap_or_default().to_owned();
                if seen.insert((package.to_owned(), file)) {
                    objects.push(object.to_owned());
                }
            }
        }
        exec::logged(ninja().args(&objects), &self.log())?;
        let lib = self.folder.join("lib");
        fs::create_dir_all(&lib)?;
        let mut archive = Command::new(&self.build.tools.ar);
        archive.arg("rcsD").arg(lib.join("libnumpy.a")).args(&objects).current_dir(&made);
        exec::output(&mut archive).map(drop)
    }

    /// Tells Meson what it compiles for, and with what: programs that add what is the same for all files.
    fn cross_file(&self) -> Result<PathBuf> {
        let Build { tools, home, cpython, native } = self.build;
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("-isystem '{}'", home.join("posix/include").display()));
        for folder in [home.join("reactor/include"), cpython.join("include")] {
            flags.push(format!("-I'{}'", folder.display()));
        }
        flags.push(format!("-ffile-prefix-map='{}'=.", self.scratch.display()));
        let flags = flags.join(" ");
        let clang = tools.clang.display();
        ctools::write_script(self.scratch, "wasm-cc", &format!("exec '{clang}' {flags} \"$@\"\n"))?;
        let library = self.cxx.map_or_else(String::new, |cxx| {
            format!("-nostdinc++ -nostdlib++ -isystem '{}'", cxx.join(ctools::CXX_HEADERS).display())
        });
        ctools::write_script(
            self.scratch,
            "wasm-c++",
            &format!(
                "exec '{clang}' --driver-mode=g++ -I'{}' {library} {flags} \"$@\"\n",
                home.join("numpy/include").display()
            ),
        )?;
        let native = native.display();
        ctools::write_script(
            self.scratch,
            "wasm-python",
            &format!("PYTHONHOME='{native}' exec '{native}/bin/python3.13' \"$@\"\n"),
        )?;
        ctools::write_script(
            self.scratch,
            "cython",
            &format!("PYTHONPATH='{}' exec python3 -m cython \"$@\"\n", self.scratch.join("tools").display()),
        )?;
        let bin = self.scratch.join("bin");
        let bin = bin.display();
        let file = self.scratch.join("cross.ini");
        let text = format!(
            "[binaries]\nc = '{bin}/wasm-cc'\ncpp = '{bin}/wasm-c++'\ncython = '{bin}/cython'\npython = '{bin}/wasm-python'\n\
             ar = '{}'\nranlib = '{}'\npkg-config = 'false'\n\
             [properties]\nneeds_exe_wrapper = true\nlongdouble_format = 'IEEE_QUAD_LE'\n\
             [host_machine]\nsystem = 'wasi'\ncpu_family = 'wasm32'\ncpu = 'wasm32'\nendian = 'little'\n",
            tools.ar.display(),
            tools.ranlib.display(),
        );
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }

    /// The modules in Python, and the tests.
    fn collect(&self) -> Result<()> {
        let source = self.scratch.join("source");
        let packages = self.folder.join("packages");
        copy_modules(&source.join("numpy"), &packages.join("numpy"), false)?;
        copy_modules(&source.join("numpy"), &self.folder.join("tests/numpy"), true)?;
        fs::create_dir_all(packages.join("numpy/_core/tests"))?;
        fs::copy(source.join(TEST), packages.join(TEST)).with_context(|| format!("cannot copy {TEST}"))?;
        let told = fs::read_to_string(self.scratch.join("build/numpy/__config__.py"))?;
        let mut told = told.replace(&self.scratch.display().to_string(), "/usr/src/numpy");
        for (real, shown) in
            [(self.build.tools.prefix.as_path(), "/usr/src/toolchain"), (&cache::root()?, "/usr/src")]
        {
            told = told.replace(&real.display().to_string(), shown);
        }
        fs::write(packages.join("numpy/__config__.py"), told)?;
        let info = packages.join(format!("numpy-{VERSION}.dist-info"));
        fs::create_dir_all(&info)?;
        fs::copy(source.join("PKG-INFO"), info.join("METADATA"))
            .context("the sources of numpy have no metadata")?;
        fs::copy(source.join("LICENSE.txt"), info.join("LICENSE.txt"))?;
        fs::write(info.join("INSTALLER"), "pip\n")?;
        // Of files that nobody removes.
        fs::write(info.join("RECORD"), "")?;
        Ok(())
    }
}

/// Copies numpy's modules, or, of the same tree, its tests with their data.
fn copy_modules(from: &Path, to: &Path, tests: bool) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let name = path.file_name().ok_or_else(|| anyhow!("{} has no name", path.display()))?;
        let target = to.join(name);
        let name = name.to_string_lossy();
        if path.is_dir() {
            if tests && name == "tests" {
                fs::create_dir_all(to)?;
                exec::output(Command::new("cp").arg("-R").arg(&path).arg(to))?;
            } else if !LEFT_OUT.contains(&&*name) {
                copy_modules(&path, &target, tests)?;
            }
        } else if tests == (name == "conftest.py") && name.ends_with(".py") {
            fs::create_dir_all(to)?;
            fs::copy(&path, &target).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}
