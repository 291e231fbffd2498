//! `cargo xtask python-test` and `python-packages`: CPython's own tests, and packages that many use, in the sandbox.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::project::{Project, write_if_changed};
use crate::{build, cpython, exec};

/// Which files of tests are run, and what of them is left out, with the reasons.
const LIST: &str = "components/python/tests.txt";
/// Where it lies in the sandbox: a child with `-I` finds it, too.
const PLACE: &str = "/usr/local/lib/python3.13/site-packages/test";
/// What is installed and used.
const PACKAGES: &str = "tests/packages";
/// What became of each file: written by [`tests`], for readers.
const TABLE: &str = "components/python/TESTS.md";
/// Seconds of its own computing, and of waiting, after which a file of tests, or a package, is taken to hang: the machine
/// may be busy with other things.
const COMPUTES: &str = "1500";
const HANGS: &str = "3600";

/// Files of tests that ask for sockets as a whole, though most of them need none.
const WITHOUT_SOCKETS: [&str; 10] = [
    "test_asyncgen.py",
    "test_asyncio/__init__.py",
    "test_asyncio/test_staggered.py",
    "test_contextlib_async.py",
    "test_httplib.py",
    "test_poll.py",
    "test_select.py",
    "test_sys_settrace.py",
    "test_unittest/test_async_case.py",
    "test_urllib2.py",
];

/// A file of tests.
#[derive(Default)]
struct File {
    /// Patterns of tests that are left out, and why.
    left_out: Vec<(String, String)>,
    /// Why it fails, if that is known.
    fails: Option<String>,
}

/// `FILE`: run. `FILE PATTERN = REASON`: run without these tests. `FILE = REASON`: known to fail.
fn list(project: &Project) -> Result<BTreeMap<String, File>> {
    let mut files = BTreeMap::<String, File>::new();
    for line in fs::read_to_string(project.path(LIST))?.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (what, reason) = match line.split_once(" = ") {
            Some((what, reason)) => (what, Some(reason)),
            None => (line, None),
        };
        let mut words = what.split_whitespace();
        let name = words.next().ok_or_else(|| anyhow!("{LIST}: no name in `{line}`"))?;
        let file = files.entry(name.to_owned()).or_default();
        match (words.next(), reason) {
            (Some(pattern), Some(reason)) => file.left_out.push((pattern.to_owned(), reason.to_owned())),
            (None, Some(reason)) => file.fails = Some(reason.to_owned()),
            (None, None) => {}
            (Some(_), None) => bail!("{LIST}: no reason in `{line}`"),
        }
    }
    Ok(files)
}

/// CPython's tests as they are run here: the reactor has subprocesses, and sockets that carry HTTP.
fn tree(project: &Project) -> Result<PathBuf> {
    let tree = project.target().join("python-tests");
    let tests = tree.join("test");
    if tests.exists() {
        fs::remove_dir_all(&tests)?;
    }
    fs::create_dir_all(&tree)?;
    exec::output(
        Command::new("cp").arg("-R").arg(cpython::library_source(project)?.join("test")).arg(&tests),
    )?;
    change(&tests.join("support/__init__.py"), |text| {
        let text =
            replaced(text, "has_subprocess_support = not (", "\n)\n", "has_subprocess_support = True\n")?;
        // These ask a module that is not built, for lack of which whole files would be skipped.
        let text = replaced(
            &text,
            "def has_no_debug_ranges():\n",
            "\n\n",
            "def has_no_debug_ranges():\n    return 'no_debug_ranges' in sys._xoptions\n\n",
        )?;
        replaced(
            &text,
            "def skip_if_suppress_immortalization():\n",
            "\n\n",
            "def skip_if_suppress_immortalization():\n    return unittest.skip('not free-threaded')\n\n",
        )
    })?;
    for file in WITHOUT_SOCKETS {
        change(&tests.join(file), |text| without_line(text, "requires_working_socket(module=True)"))?;
    }
    change(&tests.join("support/socket_helper.py"), |text| {
        replaced(text, "has_gethostname = not support.is_wasi", "\n", "has_gethostname = True\n")
    })?;
    // For lack of modules that a few of their tests need, all would be skipped.
    change(&tests.join("test_bytes.py"), |text| {
        let import = "    _testlimitedcapi = import_helper.import_module('_testlimitedcapi')\n\n    def test_getitem_error";
        replaced(text, import, "(self)", "    def test_getitem_error(self)")
    })?;
    change(&tests.join("test_compile.py"), |text| without_line(text, "import _testinternalcapi"))?;
    change(&tests.join("test_importlib/util.py"), |text| {
        let import = "_testsinglephase = import_helper.import_module(\"_testsinglephase\")";
        replaced(text, import, "\n", "_testsinglephase = None\n")
    })?;
    Ok(tree)
}

/// The text with something else for what is between `start` and `end`, and for these.
fn replaced(text: &str, start: &str, end: &str, new: &str) -> Option<String> {
    let at = text.find(start)?;
    let behind = at + text.get(at..)?.find(end)? + end.len();
    Some(format!("{}{new}{}", text.get(..at)?, text.get(behind..)?))
}

/// The text without the lines that hold `what`; there is one.
fn without_line(text: &str, what: &str) -> Option<String> {
    let kept = |line: &&str| !line.contains(what);
    text.contains(what).then(|| text.split_inclusive('\n').filter(kept).collect())
}

fn change(path: &Path, how: impl FnOnce(&str) -> Option<String>) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = how(&text).ok_or_else(|| anyhow!("{} is not as it was expected", path.display()))?;
    fs::write(path, text)?;
    Ok(())
}

/// How a run in the sandbox ended, and all that it said.
pub(crate) struct Outcome {
    pub(crate) name: String,
    /// What is told of it.
    pub(crate) verdict: String,
    pub(crate) good: bool,
}

/// Does `work` for each of `names`, as many at once as there are processors, and tells how each went.
pub(crate) fn each(names: &[String], work: impl Fn(&str) -> Result<Outcome> + Sync) -> Result<Vec<Outcome>> {
    let next = Mutex::new(names.iter());
    let done = Mutex::new(Vec::new());
    let take = || next.lock().ok().and_then(|mut names| names.next());
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(name) = take() {
                        let outcome = work(name)?;
                        println!("{:40} {}", outcome.name, outcome.verdict);
                        if let Ok(mut done) = done.lock() {
                            done.push(outcome);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread has panicked"))?)
    })?;
    done.into_inner().map_err(|_| anyhow!("a thread has panicked"))
}

/// Runs a script in a new session of a host that has its components from a folder: whether it succeeded, and its output, which
/// goes to `log` too.
pub(crate) fn sandboxed(
    components: &Path,
    wasmsh: &Path,
    arguments: &[String],
    script: &str,
    log: &Path,
) -> Result<(bool, String)> {
    let output = Command::new(wasmsh)
        .args(["--timeout", HANGS, "--cpu-time", COMPUTES])
        .args(arguments)
        .args(["-c", script])
        .env("WASMSH_COMPONENTS", components)
        .stdin(Stdio::null())
        .output()
        .context("cannot start wasmsh")?;
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    fs::write(log, &said).with_context(|| format!("cannot write {}", log.display()))?;
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// The last line of what was said that is not empty.
pub(crate) fn last_line(text: &str) -> Option<&str> {
    text.lines().rfind(|line| !line.trim().is_empty())
}

/// The files of tests that are named, or all of the list.
pub(crate) fn tests(project: &Project, names: &[String]) -> Result<ExitCode> {
    let (wasmsh, tree) = {
        let _lock = project.lock()?;
        (build::native(project)?.wasmsh, tree(project)?)
    };
    let list = list(project)?;
    let names = if names.is_empty() { list.keys().cloned().collect() } else { names.to_vec() };
    let logs = tree.join("logs");
    fs::create_dir_all(&logs)?;
    let mount = ["--mount".to_owned(), format!("{}:{PLACE}:ro", tree.join("test").display())];
    let outcomes = each(&names, |name| {
        let log = logs.join(format!("{name}.log"));
        let file = list.get(name);
        let mut script = String::from("mkdir -p /tmp/w; cd /tmp/w; python3 -m test -v");
        for (pattern, _) in file.map(|file| file.left_out.as_slice()).unwrap_or_default() {
            script.push_str(&format!(" -i '{pattern}'"));
        }
        script.push_str(&format!(" {name} 2>&1"));
        let (passed, text) = sandboxed(&project.products(), &wasmsh, &mount, &script, &log)?;
        let known = file.and_then(|file| file.fails.as_deref());
        Ok(judge(name, passed, &text, known))
    })?;
    let good = outcomes.iter().filter(|outcome| outcome.good).count();
    println!("{good} of {} files pass, or are skipped for a reason that is told", outcomes.len());
    write_table(project, &list, &logs)?;
    let surprises = outcomes.iter().filter(|outcome| outcome.verdict.starts_with("FAILS")).count();
    Ok(if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The last run of every file, from what it said, as a table. Files that have not been run yet are told of, and no table
/// is written that lacks them.
fn write_table(project: &Project, list: &BTreeMap<String, File>, logs: &Path) -> Result<()> {
    let (mut rows, mut good, mut missing) = (String::new(), 0, Vec::new());
    for (name, file) in list {
        let Ok(log) = fs::read(logs.join(format!("{name}.log"))) else {
            missing.push(name.as_str());
            continue;
        };
        let log = String::from_utf8_lossy(&log).into_owned();
        let passed = log.lines().rev().find_map(|line| line.strip_prefix("Result: ")) == Some("SUCCESS");
        good += usize::from(passed);
        let outcome = judge(name, passed, &log, file.fails.as_deref());
        let mut reasons = BTreeMap::<&str, Vec<String>>::new();
        for (pattern, reason) in &file.left_out {
            reasons.entry(reason.as_str()).or_default().push(format!("`{pattern}`"));
        }
        let left_out: Vec<String> =
            reasons.into_iter().map(|(reason, tests)| format!("{}: {reason}", tests.join(", "))).collect();
        rows.push_str(&format!("| `{name}` | {} | {} |\n", outcome.verdict, left_out.join("; ")));
    }
    if !missing.is_empty() {
        println!("{TABLE} is written when every file has been run: {} have not", missing.len());
        return Ok(());
    }
    let count = list.len();
    let text = format!(
        "# CPython's own tests\n\nWritten by `cargo xtask python-test`, which runs the files of [`tests.txt`](tests.txt) in the \
         sandbox. {good} of {count} pass, or are skipped for the reason that is told. What a file leaves out by itself on \
         WASI counts as skipped in its total.\n\n| file | | left out |\n|---|---|---|\n{rows}"
    );
    write_if_changed(&project.path(TABLE), text.as_bytes())
}

fn judge(name: &str, passed: bool, log: &str, known: Option<&str>) -> Outcome {
    let total = log.lines().rev().find_map(|line| line.strip_prefix("Total tests: ")).unwrap_or("no result");
    let skipped = log.lines().find_map(|line| line.split_once(" skipped -- ").map(|(_, reason)| reason));
    let mut failed: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: ")))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    failed.dedup();
    let verdict = match (passed, known, skipped) {
        (true, None, Some(reason)) if total.starts_with("run=0") => format!("skipped: {reason}"),
        (true, None, _) => format!("passes ({total})"),
        (true, Some(_), _) => format!("FAILS to fail ({total}): take it off the list"),
        (false, Some(reason), _) => format!("fails as known: {reason} ({total})"),
        (false, None, _) => format!("FAILS ({total}): {}", failed.join(" ")),
    };
    Outcome { name: name.to_owned(), verdict, good: passed }
}

/// Arguments of `wasmsh` with which pip reaches the index that this machine's pip is configured for.
pub(crate) fn with_index() -> Vec<String> {
    let mut arguments: Vec<String> = ["--allow-host", "*", "--allow-private"].map(str::to_owned).into();
    if std::env::var_os("PIP_INDEX_URL").is_some() {
        arguments.extend(["--env", "PIP_INDEX_URL"].map(str::to_owned));
    }
    arguments
}

/// The programs in a folder, by their names without `.py`.
pub(crate) fn programs(folder: &Path) -> Result<Vec<String>> {
    let mut all: Vec<String> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".py")?.to_owned()))
        .collect();
    all.sort();
    Ok(all)
}

/// Installs each package from the index that pip is configured for, and runs the program that uses it. The first line
/// of such a program is `# REQUIREMENT...`.
pub(crate) fn packages(project: &Project, names: &[String]) -> Result<ExitCode> {
    let wasmsh = {
        let _lock = project.lock()?;
        build::native(project)?.wasmsh
    };
    let folder = project.path(PACKAGES);
    let names = if names.is_empty() { programs(&folder)? } else { names.to_vec() };
    let logs = project.target().join("python-packages");
    fs::create_dir_all(&logs)?;
    let mut arguments = with_index();
    arguments.extend(["--mount".to_owned(), format!("{}:/uses:ro", folder.display())]);
    let outcomes = each(&names, |name| {
        let use_of = fs::read_to_string(folder.join(format!("{name}.py")))?;
        let requirement = use_of
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# "))
            .ok_or_else(|| anyhow!("{PACKAGES}/{name}.py does not begin with a requirement"))?;
        let script = format!(
            "pip install --disable-pip-version-check -q '{requirement}' 2>&1 && pip check && python3 -P /uses/{name}.py 2>&1"
        );
        let log = logs.join(format!("{name}.log"));
        let (good, text) = sandboxed(&project.products(), &wasmsh, &arguments, &script, &log)?;
        let last = last_line(&text).unwrap_or_default();
        let verdict = if good { "works".to_owned() } else { format!("FAILS: {last}") };
        Ok(Outcome { name: name.to_owned(), verdict, good })
    })?;
    let good = outcomes.iter().filter(|outcome| outcome.good).count();
    println!("{good} of {} packages work; what they said is in {}", outcomes.len(), logs.display());
    Ok(if good == outcomes.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
