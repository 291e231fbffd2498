//! `du`: the storage that files take.

use std::collections::HashSet;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Entry, Errno, Stat, Timestamp};

use crate::glob::Glob;
use crate::human::Units;
use crate::path::join;
use crate::quote::{quote_always, quote_name};
use crate::time::{Moment, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "du",
    usage: &["[OPTION]... [FILE]...", "[OPTION]... --files0-from=F"],
    about: "Summarize device usage of the set of FILEs, recursively for directories.",
    options: &[
        Opt::flag("0,null", "end each output line with NUL, not newline"),
        Opt::flag("a,all", "write counts for all files, not just directories"),
        Opt::flag(
            "apparent-size",
            "print apparent sizes rather than device usage; although\nthe apparent size is usually smaller, it may be\nlarger due to holes in ('sparse') files, internal\nfragmentation, indirect blocks, and the like",
        ),
        Opt::value(
            "B,block-size",
            "SIZE",
            "scale sizes by SIZE before printing them; e.g.,\n'-BM' prints sizes in units of 1,048,576 bytes",
        ),
        Opt::flag("b,bytes", "equivalent to '--apparent-size --block-size=1'"),
        Opt::flag("c,total", "produce a grand total"),
        Opt::flag("D,H,dereference-args", "dereference only symlinks that are listed on the\ncommand line"),
        Opt::value(
            "d,max-depth",
            "N",
            "print the total for a directory (or all files, with --all)\nonly if it is N or fewer levels below the command\nline argument;  --max-depth=0 is the same as\n--summarize",
        ),
        Opt::value(
            "files0-from",
            "F",
            "summarize device usage of the\nNUL-terminated file names specified in file F;\nif F is -, then read names from standard input",
        ),
        Opt::flag("h,human-readable", "print sizes in human readable format (e.g., 1K 234M 2G)"),
        Opt::flag("inodes", "list inode usage information instead of block usage"),
        Opt::flag("k", "like --block-size=1K"),
        Opt::flag("L,dereference", "dereference all symbolic links"),
        Opt::flag("l,count-links", "count sizes many times if hard linked"),
        Opt::flag("m", "like --block-size=1M"),
        Opt::flag("P,no-dereference", "don't follow any symbolic links (this is the default)"),
        Opt::flag("S,separate-dirs", "for directories do not include size of subdirectories"),
        Opt::flag("si", "like -h, but use powers of 1000 not 1024"),
        Opt::flag("s,summarize", "display only a total for each argument"),
        Opt::value(
            "t,threshold",
            "SIZE",
            "exclude entries smaller than SIZE if positive,\nor entries greater than SIZE if negative",
        ),
        Opt::optional(
            "time",
            "WORD",
            "show time of the last modification of any file in the\ndirectory, or any of its subdirectories; with WORD\nshow that time: atime, access, use, ctime or status",
        ),
        Opt::value(
            "time-style",
            "STYLE",
            "show times using STYLE, which can be:\nfull-iso, long-iso, iso, or +FORMAT",
        ),
        Opt::value("X,exclude-from", "FILE", "exclude files that match any pattern in FILE"),
        Opt::value("exclude", "PATTERN", "exclude files that match PATTERN"),
        Opt::flag("x,one-file-system", "skip directories on different file systems"),
    ],
    more: "Display values are in units of the first available SIZE from --block-size,\n\
           and the DU_BLOCK_SIZE, BLOCK_SIZE and BLOCKSIZE environment variables.\n\
           Otherwise, units default to 1024 bytes (or 512 if POSIXLY_CORRECT is set).",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    Never,
    Arguments,
    Always,
}

struct Plan {
    all: bool,
    apparent: bool,
    inodes: bool,
    units: Units,
    follow: Follow,
    count_links: bool,
    depth: usize,
    separate: bool,
    /// Smallest size shown, or if negative the largest.
    threshold: Option<i64>,
    time: Option<(Which, Vec<u8>)>,
    exclude: Vec<Glob>,
    one_filesystem: bool,
    end: u8,
    /// Every file counts once, not only those with several links.
    remember_all: bool,
}

#[derive(Clone, Copy)]
enum Which {
    Accessed,
    Modified,
    Changed,
}

/// What a file or a tree adds up to.
#[derive(Clone, Copy, Default)]
struct Sum {
    size: u64,
    inodes: u64,
    time: Option<Timestamp>,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.size = self.size.saturating_add(other.size);
        self.inodes = self.inodes.saturating_add(other.inodes);
        self.time = self.time.max(other.time);
    }
}

const TIMES: &[(&str, &str)] =
    &[("atime", "a"), ("access", "a"), ("use", "a"), ("ctime", "c"), ("status", "c")];

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        all: false,
        apparent: false,
        inodes: false,
        units: default_units(t),
        follow: Follow::Never,
        count_links: false,
        depth: usize::MAX,
        separate: false,
        threshold: None,
        time: None,
        exclude: Vec::new(),
        one_filesystem: false,
        end: b'\n',
        remember_all: false,
    };
    let (mut total, mut summarize, mut depth): (bool, bool, Option<u64>) = (false, false, None);
    let mut names_from: Option<BString> = None;
    let mut style: Option<BString> = None;
    let mut which = None;
    let mut wrong = false;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.clone().unwrap_or_default();
        match name {
            "0" => plan.end = 0,
            "a" => plan.all = true,
            "apparent-size" => plan.apparent = true,
            "B" => {
                plan.units = Units::parse(&text)
                    .ok_or_else(|| Fail::Message(format!("invalid -B argument '{text}'"), 1))?;
            }
            "b" => (plan.apparent, plan.units) = (true, Units::Blocks(1)),
            "c" => total = true,
            "D" => plan.follow = Follow::Arguments,
            "d" => match crate::number::parse_size(&text, b"") {
                Ok(number) => depth = Some(number),
                Err(_) => {
                    t.error(format!("invalid maximum depth {}", t.quote(&text))).await?;
                    wrong = true;
                }
            },
            "files0-from" => names_from = value,
            "h" => plan.units = Units::Binary,
            "inodes" => plan.inodes = true,
            "k" => plan.units = Units::Blocks(1024),
            "L" => plan.follow = Follow::Always,
            "l" => plan.count_links = true,
            "m" => plan.units = Units::Blocks(1 << 20),
            "P" => plan.follow = Follow::Never,
            "S" => plan.separate = true,
            "si" => plan.units = Units::Decimal,
            "s" => summarize = true,
            "t" => {
                let negative = text.starts_with(b"-");
                let digits = text.strip_prefix(b"-").unwrap_or(&text);
                let size = crate::number::parse_size(digits, b"kKmMGTPEZY0");
                let size = size
                    .ok()
                    .and_then(|size| i64::try_from(size).ok())
                    .ok_or_else(|| Fail::Message(format!("invalid -t argument '{text}'"), 1))?;
                if negative && size == 0 {
                    return Err(Fail::Message("invalid --threshold argument '-0'".into(), 1));
                }
                plan.threshold = Some(if negative { -size } else { size });
            }
            "time" => {
                which = Some(match &value {
                    None => Which::Modified,
                    Some(word) => match crate::choice::choose(t, "--time", word, TIMES)? {
                        "a" => Which::Accessed,
                        _ => Which::Changed,
                    },
                });
            }
            "time-style" => style = value,
            "X" => match contents(t, &text).await {
                Ok(contents) => {
                    let lines = contents.lines().filter(|line| !line.is_empty());
                    plan.exclude.extend(lines.map(Glob::new));
                }
                Err(error) => {
                    t.error(format!("{}: {}", quote_name(&text), error.strerror())).await?;
                    wrong = true;
                }
            },
            "exclude" => plan.exclude.push(Glob::new(&text)),
            "x" => plan.one_filesystem = true,
            _ => {}
        }
    }
    if wrong {
        return Err(Fail::Usage(String::new()));
    }
    if plan.all && summarize {
        return Err(Fail::Usage("cannot both summarize and show all entries".into()));
    }
    if summarize && depth == Some(0) {
        t.warn("warning: summarizing is the same as using --max-depth=0").await?;
    } else if summarize && let Some(depth) = depth {
        return Err(Fail::Usage(format!("warning: summarizing conflicts with --max-depth={depth}")));
    }
    if summarize {
        depth = Some(0);
    }
    plan.depth = depth.map_or(usize::MAX, |depth| usize::try_from(depth).unwrap_or(usize::MAX));
    if let Some(which) = which {
        let style = style.or_else(|| t.ctx.env("TIME_STYLE")).unwrap_or_else(|| "long-iso".into());
        plan.time = Some((which, time_format(t, &style)?));
    }
    if plan.inodes {
        plan.units = match plan.units {
            Units::Binary | Units::Decimal => plan.units,
            _ => Units::Blocks(1),
        };
    }
    let operands = options.operands();
    let files: Vec<BString> = match &names_from {
        Some(from) => {
            if let Some(extra) = operands.first() {
                let message = format!(
                    "extra operand {}\nfile operands cannot be combined with --files0-from",
                    t.quote(extra)
                );
                return Err(Fail::Usage(message));
            }
            names(t, from).await?
        }
        None if operands.is_empty() => vec![".".into()],
        None => operands,
    };
    plan.remember_all = files.len() > 1 || names_from.is_some() || plan.follow == Follow::Always;
    let mut seen = HashSet::new();
    let mut grand = Sum::default();
    for file in &files {
        grand.add(measure(t, &plan, file, &mut seen).await?);
    }
    if total {
        show(t, &plan, grand, b"total");
    }
    Ok(())
}

async fn contents(t: &Tool, name: &BString) -> Result<Vec<u8>, Errno> {
    let mut contents = Vec::new();
    t.open(name).await?.read_to_end(&mut contents).await?;
    Ok(contents)
}

fn default_units(t: &Tool) -> Units {
    let variable = ["DU_BLOCK_SIZE", "BLOCK_SIZE", "BLOCKSIZE"].into_iter().find_map(|name| t.ctx.env(name));
    let least = if t.ctx.env("POSIXLY_CORRECT").is_some() { 512 } else { 1024 };
    variable.and_then(|value| Units::parse(&value)).unwrap_or(Units::Blocks(least))
}

fn time_format(t: &Tool, style: &[u8]) -> Result<Vec<u8>, Fail> {
    if let Some(format) = style.strip_prefix(b"+") {
        if crate::time::too_wide(format) {
            return Err(Fail::Message("memory exhausted".into(), 1));
        }
        return Ok(format.to_vec());
    }
    let style = style.strip_prefix(b"posix-").unwrap_or(style);
    let styles = &[("full-iso", "full-iso"), ("long-iso", "long-iso"), ("iso", "iso")];
    Ok(match crate::choice::choose(t, "time style", style, styles)? {
        "full-iso" => b"%Y-%m-%d %H:%M:%S.%N %z".to_vec(),
        "iso" => b"%Y-%m-%d".to_vec(),
        _ => b"%Y-%m-%d %H:%M".to_vec(),
    })
}

/// The names of `--files0-from`; those that cannot be used are told.
async fn names(t: &mut Tool, from: &BString) -> Result<Vec<BString>, Fail> {
    let mut input = t.open(from).await.map_err(|error| {
        let message = format!("cannot open {} for reading: {}", quote_always(from), error.strerror());
        Fail::Message(message, 1)
    })?;
    let mut names = Vec::new();
    let mut number = 0;
    while let Some(line) = crate::lines::next_line(t, &mut input, from, 0).await? {
        let name: BString = crate::lines::body(line, 0).into();
        number += 1;
        if name.is_empty() {
            t.error(format!("{}:{number}: invalid zero-length file name", quote_name(from))).await?;
        } else if from == "-" && name == "-" {
            let message = "when reading file names from stdin, no file name of '-' allowed";
            t.error(message).await?;
        } else {
            names.push(name);
        }
    }
    Ok(names)
}

/// A directory whose entries are being measured.
struct Level {
    path: BString,
    entries: std::vec::IntoIter<Entry>,
    /// The directory with the files in it.
    own: Sum,
    /// And with the directories below.
    whole: Sum,
}

impl Plan {
    fn excludes(&self, path: &[u8]) -> bool {
        self.exclude.iter().any(|pattern| pattern.matches_name_or_tail(path))
    }

    fn sum_of(&self, stat: &Stat) -> Sum {
        let time = self.time.as_ref().map(|(which, _)| match which {
            Which::Accessed => stat.accessed,
            Which::Modified => stat.modified,
            Which::Changed => stat.changed,
        });
        let size = if self.apparent { stat.size } else { stat.blocks.saturating_mul(512) };
        Sum { size, inodes: 1, time }
    }

    /// Whether the file is counted now for the first time.
    fn is_new(&self, stat: &Stat, seen: &mut HashSet<(u64, u64)>) -> bool {
        let several = !stat.is_directory() && stat.links > 1;
        self.count_links || !(self.remember_all || several) || seen.insert((stat.device, stat.inode))
    }
}

async fn cannot_access(t: &mut Tool, path: &[u8], error: Errno) -> Done {
    t.error(format!("cannot access {}: {}", quote_always(path), error.strerror())).await
}

fn enter(t: &mut Tool, path: BString, own: Sum) -> (Level, Option<Errno>) {
    let (entries, error) = match t.ctx.read_directory(&path) {
        Ok(entries) => (entries, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    (Level { path, entries: entries.into_iter(), own, whole: own }, error)
}

/// Measures an operand, and shows what is to be shown.
async fn measure(
    t: &mut Tool,
    plan: &Plan,
    file: &BString,
    seen: &mut HashSet<(u64, u64)>,
) -> Result<Sum, Fail> {
    if plan.excludes(file) {
        return Ok(Sum::default());
    }
    let stat = match t.ctx.stat(file, plan.follow != Follow::Never) {
        Ok(stat) => stat,
        Err(error) => {
            cannot_access(t, file, error).await?;
            return Ok(Sum::default());
        }
    };
    if !plan.is_new(&stat, seen) {
        return Ok(Sum::default());
    }
    let own = plan.sum_of(&stat);
    if !stat.is_directory() {
        show(t, plan, own, file);
        t.out.drain().await?;
        return Ok(own);
    }
    let mut levels = Vec::new();
    descend(t, file.clone(), own, &mut levels).await?;
    let mut result = own;
    while let Some(depth) = levels.len().checked_sub(1) {
        t.ctx.tick().await;
        let Some(level) = levels.last_mut() else { break };
        if let Some(entry) = level.entries.next() {
            let path = join(&level.path, entry.name.as_bytes());
            if plan.excludes(&path) {
                continue;
            }
            let mut found = entry.stat;
            if plan.follow == Follow::Always && found.is_symbolic_link() {
                match t.ctx.stat(&path, true) {
                    Ok(target) => found = target,
                    Err(error) => {
                        cannot_access(t, &path, error).await?;
                        continue;
                    }
                }
            }
            if !plan.is_new(&found, seen) {
                continue;
            }
            let sum = plan.sum_of(&found);
            if found.is_directory() {
                if plan.one_filesystem && found.device != stat.device {
                    continue;
                }
                descend(t, path, sum, &mut levels).await?;
                continue;
            }
            level.own.add(sum);
            level.whole.add(sum);
            if plan.all && depth < plan.depth {
                show(t, plan, sum, &path);
            }
        } else if let Some(done) = levels.pop() {
            if depth <= plan.depth {
                show(t, plan, if plan.separate { done.own } else { done.whole }, &done.path);
            }
            match levels.last_mut() {
                Some(parent) => {
                    parent.whole.add(done.whole);
                    parent.own.time = parent.own.time.max(done.whole.time);
                }
                None => result = done.whole,
            }
        }
        t.out.drain().await?;
    }
    Ok(result)
}

async fn descend(t: &mut Tool, path: BString, own: Sum, levels: &mut Vec<Level>) -> Done {
    let (level, error) = enter(t, path, own);
    if let Some(error) = error {
        let message = format!("cannot read directory {}: {}", quote_always(&level.path), error.strerror());
        t.error(message).await?;
    }
    levels.push(level);
    Ok(())
}

fn show(t: &mut Tool, plan: &Plan, sum: Sum, path: &[u8]) {
    let value = if plan.inodes { sum.inodes } else { sum.size };
    match plan.threshold {
        Some(least) if least >= 0 && value < least.unsigned_abs() => return,
        Some(most) if most < 0 && value > most.unsigned_abs() => return,
        _ => {}
    }
    let shown = plan.units.show(value);
    t.out.put(shown.as_bytes());
    if let Some((_, format)) = &plan.time {
        t.out.put(b"\t");
        if let Some(moment) = sum.time.and_then(|time| Moment::new(time, &zone(&t.ctx))) {
            moment.format(format, t.out.buffer());
        }
    }
    t.out.put(b"\t");
    t.out.put(path);
    t.out.put_byte(plan.end);
}
