//! `unzip` and `zipinfo`: their arguments, the archive, and which of its entries are meant.

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use super::format::Entry;
use super::source::{Entries, Source, ZipError};
use super::zipinfo::Form;
use super::{extract, list, say, shown, zipinfo};
use crate::glob::Glob;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static UNZIP: Command = Command {
    name: "unzip",
    usage: &["[-Z] [-OPTIONS] FILE[.zip] [MEMBER...] [-x MEMBER...] [-d DIRECTORY]"],
    about: "Extract the members of a zip archive, list or test them.",
    options: &[
        Opt::flag("l", "list the members"),
        Opt::flag("v", "list them with methods, sizes and check sums"),
        Opt::flag("t", "test the data against its check sums"),
        Opt::flag("p", "write the data to standard output, and nothing else"),
        Opt::flag("c", "write the data to standard output, with the names"),
        Opt::flag("z", "show the comment of the archive"),
        Opt::flag("Z", "list as zipinfo does: -1 -2 -s -m -l -h -t -z -T"),
        Opt::flag("o", "overwrite files without asking"),
        Opt::flag("n", "never overwrite files"),
        Opt::flag("u", "replace older files, create new ones"),
        Opt::flag("f", "replace older files, create none"),
        Opt::flag("j", "leave the directories of the names out"),
        Opt::flag("a", "convert the ends of lines of text files; twice: of all files"),
        Opt::flag("C", "match names whatever their case"),
        Opt::flag("L", "make names of single-case systems lower case"),
        Opt::flag("K", "keep set-id and sticky bits"),
        Opt::flag("D", "leave the times of directories; twice: of all"),
        Opt::flag("q", "say less; twice: still less"),
        Opt::value("d", "DIRECTORY", "extract into DIRECTORY"),
        Opt::value("x", "MEMBER...", "leave these members out"),
    ],
    more: "",
    usage_status: 10,
    main: |ctx| start(&UNZIP, ctx, async |t| run(t, false).await),
};

pub(crate) static ZIPINFO: Command = Command {
    name: "zipinfo",
    usage: &["[-12smlhtzTC] FILE[.zip] [MEMBER...] [-x MEMBER...]"],
    about: "List the members of a zip archive.",
    options: &[
        Opt::flag("1", "names alone"),
        Opt::flag("2", "names, and what -h, -t and -z ask for"),
        Opt::flag("s", "the short form, the default"),
        Opt::flag("m", "with the share that was saved"),
        Opt::flag("l", "with the packed sizes"),
        Opt::flag("h", "the header line"),
        Opt::flag("t", "the totals"),
        Opt::flag("z", "the comment of the archive"),
        Opt::flag("T", "times that can be sorted"),
        Opt::flag("C", "match names whatever their case"),
        Opt::value("x", "MEMBER...", "leave these members out"),
    ],
    more: "",
    usage_status: 10,
    main: |ctx| start(&ZIPINFO, ctx, async |t| run(t, true).await),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Extract,
    /// Names and data to standard output.
    Show,
    /// Data alone.
    Pipe,
    Test,
    List,
    Comment,
    Info,
}

/// What is asked for.
pub(super) struct Plan {
    pub(super) mode: Mode,
    pub(super) quiet: u8,
    pub(super) verbose: bool,
    pub(super) overwrite: Option<bool>,
    pub(super) update: bool,
    pub(super) freshen: bool,
    pub(super) junk: bool,
    pub(super) text: u8,
    ignore_case: bool,
    pub(super) lower: bool,
    pub(super) keep_special: bool,
    /// 1: directories get no times, 2: nothing does.
    pub(super) no_times: u8,
    pub(super) directory: Option<BString>,
    pub(super) names: Vec<BString>,
    pub(super) excluded: Vec<BString>,
    pub(super) form: Option<Form>,
    pub(super) head: bool,
    pub(super) tail: bool,
    pub(super) comment: bool,
    pub(super) decimal_times: bool,
}

/// The entries that are meant, one after the other.
pub(super) struct Walk {
    pub(super) source: Source,
    pub(super) path: BString,
    /// Members that were tested.
    pub(super) tested: u64,
    entries: Entries,
    names: Vec<(Glob, bool)>,
    excluded: Vec<(Glob, bool)>,
}

impl Walk {
    pub(super) async fn next(&mut self, t: &mut Tool) -> Result<Option<Entry>, Fail> {
        loop {
            let entry = match self.entries.next(&self.source).await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(None),
                Err(_) => {
                    say(t, "error:  expected central file header signature not found\n").await?;
                    t.status = t.status.max(3);
                    return Ok(None);
                }
            };
            let found = |patterns: &mut Vec<(Glob, bool)>| {
                let hit = patterns.iter_mut().find(|(glob, _)| glob.matches(&entry.name));
                hit.map(|(_, used)| *used = true).is_some()
            };
            if (self.names.is_empty() || found(&mut self.names)) && !found(&mut self.excluded) {
                return Ok(Some(entry));
            }
        }
    }
}

fn bad_usage(t: &Tool) -> Fail {
    Fail::Bare(t.command.help(&t.name).trim_end().to_owned(), 10)
}

async fn run(t: &mut Tool, mut info: bool) -> Done {
    let mut plan = Plan {
        mode: Mode::Extract,
        quiet: 0,
        verbose: false,
        overwrite: None,
        update: false,
        freshen: false,
        junk: false,
        text: 0,
        ignore_case: false,
        lower: false,
        keep_special: false,
        no_times: 0,
        directory: None,
        names: Vec::new(),
        excluded: Vec::new(),
        form: None,
        head: false,
        tail: false,
        comment: false,
        decimal_times: false,
    };
    let arguments = t.arguments();
    if arguments.is_empty() {
        return Err(Fail::Help);
    }
    let mut rest = arguments.into_iter().peekable();
    let mut modes = 0;
    while let Some(word) = rest.next_if(|word| word.len() > 1 && word.starts_with(b"-")) {
        match &word[..] {
            b"--" => break,
            b"--help" => return Err(Fail::Help),
            b"--version" => return Err(Fail::Version),
            _ => {}
        }
        let mut letters = word.iter().skip(1);
        while let Some(letter) = letters.next() {
            if info {
                option_of_info(&mut plan, *letter).ok_or_else(|| bad_usage(t))?;
                continue;
            }
            let mode = match letter {
                b'Z' => {
                    info = true;
                    continue;
                }
                b'd' => {
                    let attached: BString = letters.copied().collect::<Vec<u8>>().into();
                    let directory = if attached.is_empty() { rest.next() } else { Some(attached) };
                    let missing = || {
                        Fail::Bare(
                            "error:  must specify directory to which to extract with -d option".into(),
                            10,
                        )
                    };
                    plan.directory = Some(directory.ok_or_else(missing)?);
                    break;
                }
                b'P' => {
                    // The password: of no use, since encrypted members are refused.
                    if letters.next().is_none() {
                        rest.next();
                    }
                    break;
                }
                b'h' | b'?' => return Err(Fail::Help),
                b'v' => {
                    plan.verbose = true;
                    continue;
                }
                b'l' => Mode::List,
                b't' => Mode::Test,
                b'p' => Mode::Pipe,
                b'c' => Mode::Show,
                b'z' => Mode::Comment,
                // Owners, backups, other alphabets and patterns; `-:` would leave the directory.
                b'X' | b'V' | b'U' | b'B' | b':' | b'^' | b'W' | b'I' | b'O' => {
                    return Err(t.refused(&char::from(*letter).to_string()));
                }
                letter => {
                    option(&mut plan, *letter).ok_or_else(|| bad_usage(t))?;
                    continue;
                }
            };
            if plan.mode != mode {
                modes += 1;
            }
            plan.mode = mode;
        }
    }
    if modes > 1 {
        return Err(bad_usage(t));
    }
    let Some(archive) = rest.next() else {
        return Err(if plan.verbose { Fail::Version } else { bad_usage(t) });
    };
    if info {
        plan.mode = Mode::Info;
    } else if plan.verbose && plan.mode == Mode::Extract {
        plan.mode = Mode::List;
    }
    let mut excluding = false;
    while let Some(word) = rest.next() {
        match &word[..] {
            b"-x" => excluding = true,
            b"-d" if !info => {
                let missing = || {
                    Fail::Bare("error:  must specify directory to which to extract with -d option".into(), 10)
                };
                plan.directory = Some(rest.next().ok_or_else(missing)?);
            }
            [b'-', b'd', attached @ ..] if !info => plan.directory = Some(attached.into()),
            _ if excluding => plan.excluded.push(word),
            _ => plan.names.push(word),
        }
    }
    let Some((source, path)) = open(t, &archive, plan.mode == Mode::Pipe).await? else { return Ok(()) };
    work(t, &plan, source, path).await
}

fn option(plan: &mut Plan, letter: u8) -> Option<()> {
    match letter {
        b'q' => plan.quiet = plan.quiet.saturating_add(1),
        b'o' => plan.overwrite = Some(true),
        b'n' => plan.overwrite = Some(false),
        b'u' => plan.update = true,
        b'f' => (plan.freshen, plan.update) = (true, true),
        b'j' => plan.junk = true,
        b'a' => plan.text = plan.text.saturating_add(1),
        b'b' => plan.text = 0,
        b'C' => plan.ignore_case = true,
        b'L' => plan.lower = true,
        b'K' => plan.keep_special = true,
        b'D' => plan.no_times = plan.no_times.saturating_add(1),
        // Nothing is shown page by page but to a terminal.
        b'M' => {}
        _ => return None,
    }
    Some(())
}

fn option_of_info(plan: &mut Plan, letter: u8) -> Option<()> {
    match letter {
        b'1' => plan.form = Some(Form::Names),
        b'2' => plan.form = Some(Form::NamesAndMore),
        b's' => plan.form = Some(Form::Short),
        b'm' => plan.form = Some(Form::Medium),
        b'l' | b'v' => plan.form = Some(Form::Long),
        b'h' => plan.head = true,
        b't' => plan.tail = true,
        b'z' => plan.comment = true,
        b'T' => plan.decimal_times = true,
        b'C' => plan.ignore_case = true,
        b'M' => {}
        _ => return None,
    }
    Some(())
}

/// Opens the archive; its name may lack the suffix. `None`: there is none, which was told unless `silent`.
async fn open(t: &mut Tool, name: &BString, silent: bool) -> Result<Option<(Source, BString)>, Fail> {
    for suffix in [&b""[..], b".zip", b".ZIP"] {
        let path: BString = [&name[..], suffix].concat().into();
        if t.ctx.stat(&path, true).is_ok_and(|stat| stat.is_directory()) {
            continue;
        }
        match Source::open(&t.ctx, &path).await {
            Ok(source) => return Ok(Some((source, path))),
            Err(ZipError::Read(Errno::NoEntry | Errno::NotDirectory)) => {}
            Err(ZipError::Read(reason)) => {
                say(t, format!("error:  cannot open zipfile [ {path} ]\n        {}\n", reason.strerror()))
                    .await?;
                t.status = 9;
            }
            Err(_) => {
                t.out.put(b"Archive:  ");
                t.out.put(&shown(&path));
                t.out.put(b"\n");
                let name = &t.name;
                let text = format!(
                    "  End-of-central-directory signature not found.  Either this file is not\n\
                     \x20 a zipfile, or it constitutes one disk of a multi-part archive.  In the\n\
                     \x20 latter case the central directory and zipfile comment will be found on\n\
                     \x20 the last disk(s) of this archive.\n\
                     {name}:  cannot find zipfile directory in one of {path} or\n\
                     {:w$}  {path}.zip, and cannot find {path}.ZIP, period.\n",
                    "",
                    w = name.len() + 1,
                );
                say(t, text).await?;
                t.status = 9;
                return Ok(None);
            }
        }
    }
    if t.status == 0 {
        t.status = 9;
        if silent {
            return Ok(None);
        }
        let text = format!("{}:  cannot find or open {name}, {name}.zip or {name}.ZIP.\n", t.name);
        say(t, text).await?;
    }
    Ok(None)
}

async fn work(t: &mut Tool, plan: &Plan, source: Source, path: BString) -> Done {
    let entries = source.entries();
    let globs = |names: &[BString]| -> Vec<(Glob, bool)> {
        names.iter().map(|name| (Glob::new(name).ignore_case(plan.ignore_case), false)).collect()
    };
    let (names, excluded) = (globs(&plan.names), globs(&plan.excluded));
    let mut walk = Walk { source, path, tested: 0, entries, names, excluded };
    let speaks = plan.mode != Mode::Info && plan.mode != Mode::Pipe && plan.quiet == 0;
    if speaks {
        t.out.put(b"Archive:  ");
        t.out.put(&shown(&walk.path));
        t.out.put(b"\n");
    }
    match walk.source.shift() {
        0 => {}
        extra @ 1.. => {
            let text = format!(
                "warning [{}]:  {extra} extra byte{} at beginning or within zipfile\n  (attempting to process anyway)\n",
                walk.path,
                if extra == 1 { "" } else { "s" }
            );
            say(t, text).await?;
            t.status = 1;
        }
        missing => {
            let missing = missing.unsigned_abs();
            let s = if missing == 1 { "" } else { "s" };
            let text = format!(
                "error [{}]:  missing {missing} byte{s} in zipfile\n  (attempting to process anyway)\n",
                walk.path
            );
            say(t, text).await?;
            t.status = 2;
        }
    }
    if (speaks || plan.mode == Mode::Comment) && !walk.source.comment.is_empty() {
        let comment = walk.source.comment.replace("\r\n", "\n");
        t.out.put(&comment);
        if !comment.ends_with(b"\n") {
            t.out.put(b"\n");
        }
    }
    if plan.mode == Mode::Comment {
        return Ok(());
    }
    if walk.source.count == 0 && plan.mode != Mode::Info {
        t.status = t.status.max(1);
        return say(t, format!("warning [{}]:  zipfile is empty\n", walk.path)).await;
    }
    match plan.mode {
        Mode::List => list::list(t, plan, &mut walk).await?,
        Mode::Info => zipinfo::zipinfo(t, plan, &mut walk).await?,
        _ => extract::extract(t, plan, &mut walk).await?,
    }
    for ((_, used), name) in walk.names.iter().zip(&plan.names) {
        if *used {
            continue;
        }
        t.status = t.status.max(11);
        let text = format!("caution: filename not matched:  {name}\n");
        match plan.mode {
            // A table without the member says it.
            Mode::List => {}
            Mode::Test => t.out.put(text.as_bytes()),
            _ => say(t, text).await?,
        }
    }
    for ((_, used), name) in walk.excluded.iter().zip(&plan.excluded) {
        if !used && plan.mode != Mode::Info {
            say(t, format!("caution: excluded filename not matched:  {name}\n")).await?;
        }
    }
    if plan.mode == Mode::Test && plan.quiet < 2 {
        extract::verdict(t, plan, &walk);
    }
    Ok(())
}
