//! `rg`: searches a tree for lines that match, leaving out what ignore files name. It stands on `regex-automata` for
//! patterns and on the matchers of `ignore` for what is searched.

mod args;
mod colors;
mod encoding;
mod json;
mod pattern;
mod print;
mod search;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, FileType, Input, Spawn, Stat};

use crate::tree::{Found, Walk};
use crate::{Command, Done, Fail, Tool, start};
use encoding::Encoding;
use pattern::Pattern;
pub(crate) use pattern::has_capital;
use search::Binary;

pub(crate) static COMMAND: Command = Command {
    name: "rg",
    usage: &[
        "[OPTIONS] PATTERN [PATH ...]",
        "[OPTIONS] -e PATTERN ... [PATH ...]",
        "[OPTIONS] -f PATTERNFILE ... [PATH ...]",
        "[OPTIONS] --files [PATH ...]",
        "[OPTIONS] --type-list",
    ],
    about: "Search the current directory recursively for lines matching a pattern.\n\
            Hidden files, binary files and what .gitignore, .ignore and .rgignore name are left out.",
    options: args::OPTIONS,
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Standard,
    Count,
    CountMatches,
    FilesWith,
    FilesWithout,
    Json,
}

/// Escape sequences that begin a colour.
struct Styles {
    path: String,
    line: String,
    column: String,
    matched: String,
}

/// Everything that the command line says of a search.
struct Plan {
    pattern: Pattern,
    mode: Mode,
    quiet: bool,
    invert: bool,
    most: Option<u64>,
    before: u64,
    after: u64,
    passthru: bool,
    multiline: bool,
    crlf: bool,
    terminator: u8,
    encoding: Option<Encoding>,
    only_matching: bool,
    each_match: bool,
    column: bool,
    byte_offset: bool,
    line_number: bool,
    with_filename: bool,
    heading: bool,
    null: bool,
    trim: bool,
    most_columns: Option<u64>,
    preview: bool,
    replacement: Option<Vec<u8>>,
    color: bool,
    styles: Styles,
    context_separator: Option<Vec<u8>>,
    match_separator: Vec<u8>,
    field_separator: Vec<u8>,
    path_separator: Option<u8>,
    include_zero: bool,
    stats: bool,
    no_messages: bool,
    most_file_size: Option<u64>,
    /// Every file may be binary.
    text: bool,
    convert: bool,
    preprocessor: Option<BString>,
    preprocessed: ignore::overrides::Override,
    unpack: bool,
}

impl Plan {
    fn needs_line_numbers(&self) -> bool {
        self.line_number || self.mode == Mode::Json
    }

    /// Whether where in the line the matches stand is of interest.
    fn needs_spans(&self) -> bool {
        match self.mode {
            Mode::Json | Mode::CountMatches => true,
            Mode::Count if self.multiline => true,
            Mode::Standard => {
                self.only_matching
                    || self.each_match
                    || self.column
                    || self.color
                    || self.replacement.is_some()
                    || self.stats
            }
            _ => self.stats,
        }
    }

    /// One match answers all that is asked.
    fn stops_at_first(&self, file: &print::File<'_>) -> bool {
        let binary = file.binary.is_some() && self.mode == Mode::Standard;
        let one = self.quiet || matches!(self.mode, Mode::FilesWith | Mode::FilesWithout);
        (one || binary) && !self.stats
    }
}

/// Figures of a search.
#[derive(Debug, Clone, Copy, Default)]
struct Stats {
    nanoseconds: u64,
    searches: u64,
    searches_with_match: u64,
    bytes_searched: u64,
    bytes_printed: u64,
    matched_lines: u64,
    matches: u64,
}

impl Stats {
    fn add(&mut self, other: &Stats) {
        self.nanoseconds += other.nanoseconds;
        self.searches += other.searches;
        self.searches_with_match += other.searches_with_match;
        self.bytes_searched += other.bytes_searched;
        self.bytes_printed += other.bytes_printed;
        self.matched_lines += other.matched_lines;
        self.matches += other.matches;
    }
}

/// How the whole search goes.
#[derive(Default)]
struct Run {
    /// Lines of a file were printed.
    printed: bool,
    matched: bool,
    failed: bool,
    searched: bool,
    stats: Stats,
}

impl Run {
    async fn complain(&mut self, t: &mut Tool, plan: &Plan, message: &str) -> Result<(), Fail> {
        self.failed = true;
        if plan.no_messages {
            return Ok(());
        }
        say(t, message).await
    }
}

/// A message, which has no name before it.
async fn say(t: &mut Tool, message: &str) -> Result<(), Fail> {
    t.out.flush().await?;
    t.err.put(message.as_bytes());
    t.err.put(b"\n");
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    Ok(())
}

/// The message of an error as Rust's library writes it.
fn errno_text(path: &[u8], error: Errno) -> String {
    let number = match error {
        Errno::NoEntry => 2,
        Errno::Access => 13,
        Errno::NotDirectory => 20,
        Errno::IsDirectory => 21,
        Errno::Loop => 40,
        _ => 5,
    };
    format!("{}: {} (os error {number})", path.as_bstr(), error.strerror())
}

/// How the files come in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Path,
    Modified,
    Accessed,
    Created,
}

async fn run(t: &mut Tool) -> Done {
    let began = t.ctx.monotonic();
    let arguments = args::read(t).await?;
    let args::Arguments { plan, rules, mut paths, implied, files, sort, reverse, types } = arguments;
    if types {
        return args::type_list(t, &rules);
    }
    if (plan.most == Some(0) || plan.pattern.never) && !files {
        return Err(Fail::Status(1));
    }
    let (mut walk, messages) = Walk::new(&t.ctx, rules).await;
    let mut run = Run::default();
    for message in messages {
        say(t, &message).await?;
    }
    // Only an order that is not that of the walk needs all names first.
    let mut all: Vec<Found> = Vec::new();
    let ordered = reverse || sort.is_some_and(|sort| sort != Sort::Path);
    for path in std::mem::take(&mut paths) {
        let mut step = if path == "-" {
            let stat = t.ctx.stat_descriptor(0);
            stat.map(|stat| Found { path: path.clone(), stat, depth: 0 })
        } else {
            walk.begin(&t.ctx, &path, implied)
        }
        .map_err(|error| (path.clone(), error));
        let is_walk = path != "-";
        loop {
            match step {
                Ok(found) if found.stat.is_directory() => {}
                Ok(found) if is_wanted(&plan, &found) => {
                    run.searched = true;
                    if ordered {
                        all.push(found);
                    } else {
                        one(t, &plan, &mut run, &found, files).await?;
                    }
                }
                Ok(_) => {}
                Err((path, error)) => {
                    run.complain(t, &plan, &errno_text(&path, error)).await?;
                    // What could not be searched is not what was left out.
                    run.searched = true;
                }
            }
            if !is_walk || plan.quiet && run.matched && !plan.stats {
                break;
            }
            match walk.next(&t.ctx).await {
                Some(next) => step = next,
                None => break,
            }
        }
    }
    let time = |found: &Found| match sort {
        Some(Sort::Modified) => found.stat.modified.as_nanos(),
        Some(Sort::Accessed) => found.stat.accessed.as_nanos(),
        Some(Sort::Created) => found.stat.changed.as_nanos(),
        Some(Sort::Path) | None => 0,
    };
    if matches!(sort, Some(Sort::Path) | None) {
        all.sort_by(|a, b| a.path.split_str("/").cmp(b.path.split_str("/")));
    } else {
        all.sort_by_key(time);
    }
    if reverse {
        all.reverse();
    }
    for found in all {
        one(t, &plan, &mut run, &found, files).await?;
    }
    if !run.searched && !files && !plan.no_messages {
        run.failed = true;
        let message = "No files were searched, which means ripgrep probably applied a filter you didn't expect.\n\
                       Running with --debug will show why files are being skipped.";
        say(t, message).await?;
    }
    let total = t.ctx.monotonic().saturating_sub(began);
    if plan.mode == Mode::Json && !files {
        json::summary(t.out.buffer(), &run.stats, total);
    } else if plan.stats && !files {
        put_stats(t, &run.stats, total);
    }
    t.status = match (run.matched, run.failed) {
        (true, true) if plan.quiet => 0,
        (_, true) => 2,
        (matched, false) => u8::from(!matched),
    };
    Ok(())
}

/// Whether a file that is no directory is searched.
fn is_wanted(plan: &Plan, found: &Found) -> bool {
    if found.depth == 0 {
        return true;
    }
    found.stat.kind == FileType::Regular && plan.most_file_size.is_none_or(|most| found.stat.size <= most)
}

async fn one(t: &mut Tool, plan: &Plan, run: &mut Run, found: &Found, list: bool) -> Result<(), Fail> {
    if list {
        run.matched = true;
        if !plan.quiet {
            print::put_path_line(plan, t.out.buffer(), &found.path);
        }
        return Ok(t.out.drain().await?);
    }
    let binary = if plan.text {
        Binary::Text
    } else if plan.convert || found.depth == 0 {
        Binary::Convert
    } else {
        Binary::Quit
    };
    let (input, name): (Result<Input, Errno>, &[u8]) = if found.path == "-" {
        (t.ctx.stdin(), b"<stdin>")
    } else {
        (open(t, plan, found).await?, &found.path)
    };
    match input {
        Ok(input) => {
            let matched = search::search(t, plan, run, input, name, binary).await?;
            run.matched |= matched;
        }
        Err(error) => run.complain(t, plan, &errno_text(&found.path, error)).await?,
    }
    Ok(())
}

/// The commands that unpack a file of this name.
fn unpacker(path: &[u8]) -> Option<&'static [&'static str]> {
    let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end.as_bytes()));
    Some(match () {
        () if ends(&[".gz", ".tgz"]) => &["gzip", "-d", "-c"],
        () if ends(&[".bz2", ".tbz2"]) => &["bzip2", "-d", "-c"],
        () if ends(&[".xz", ".txz", ".lzma"]) => &["xz", "-d", "-c"],
        () if ends(&[".lz4"]) => &["lz4", "-d", "-c"],
        () if ends(&[".br"]) => &["brotli", "-d", "-c"],
        () if ends(&[".zst", ".zstd"]) => &["zstd", "-q", "-d", "-c"],
        () if ends(&[".Z"]) => &["uncompress", "-c"],
        () => return None,
    })
}

/// Opens a file: itself, or what a command makes of it.
async fn open(t: &Tool, plan: &Plan, found: &Found) -> Result<Result<Input, Errno>, Fail> {
    let path = &found.path;
    let mut words: Vec<BString> = Vec::new();
    let mut feeds = false;
    if let Some(command) = &plan.preprocessor {
        let shown = path.to_str_lossy();
        let chosen = plan.preprocessed.is_empty()
            || plan.preprocessed.matched(std::path::Path::new(&*shown), false).is_whitelist();
        if chosen {
            words = vec![command.clone(), path.clone()];
            feeds = true;
        }
    } else if plan.unpack
        && let Some(command) = unpacker(path)
    {
        words = command.iter().map(|word| BString::from(*word)).collect();
        words.push(path.clone());
    }
    let Some(program) = words.first().cloned() else { return Ok(t.ctx.open_input(path).await) };
    let (reader, writer) = t.ctx.new_pipe();
    let stdin = if feeds {
        match t.ctx.open_input(path).await {
            Ok(input) => Some(input.description().clone()),
            Err(error) => return Ok(Err(error)),
        }
    } else {
        None
    };
    let spawn = Spawn {
        program: program.clone(),
        arguments: words,
        inherit: true,
        descriptors: vec![(0, stdin), (1, Some(writer))],
        ..Spawn::default()
    };
    match t.ctx.spawn(spawn) {
        Ok(_) => Ok(Ok(Input::new(t.ctx.clone(), reader))),
        // Without the command the file is searched as it is.
        Err(_) if !feeds => Ok(t.ctx.open_input(path).await),
        Err(error) => Err(Fail::Bare(
            format!(
                "{}: preprocessor command could not start: '{program}': {}",
                path.as_bstr(),
                error.strerror()
            ),
            2,
        )),
    }
}

fn put_stats(t: &mut Tool, stats: &Stats, total: u64) {
    let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
    let text = format!(
        "\n{} matches\n{} matched lines\n{} files contained matches\n{} files searched\n{} bytes printed\n\
         {} bytes searched\n{:.6} seconds spent searching\n{:.6} seconds\n",
        stats.matches,
        stats.matched_lines,
        stats.searches_with_match,
        stats.searches,
        stats.bytes_printed,
        stats.bytes_searched,
        seconds(stats.nanoseconds),
        seconds(total)
    );
    t.out.put(text.as_bytes());
}

/// Whether standard input is something to be searched, unasked.
fn is_readable(stat: &Stat) -> bool {
    matches!(stat.kind, FileType::Regular | FileType::Fifo | FileType::Socket)
}
