//! `patch`: applies differences, as GNU patch 2.7.

mod apply;
mod ed;
mod output;
mod parse;
mod reject;
mod target;

use bstr::{BString, ByteSlice};
use wasmsh_os::Errno;

use crate::diff::text::Text;
use crate::targets::Backup;
use crate::{Command, Done, Fail, Opt, Tool, start};
use apply::{Strictness, locate};
use output::{back_up, finish, write_file};
use parse::{FilePatch, Form, Heading, Malformed, Mark, Parser};
use target::{Choice, Target, choose, creates, leads_out, makes, removes};

pub(crate) static COMMAND: Command = Command {
    name: "patch",
    usage: &["[OPTION]... [ORIGFILE [PATCHFILE]]"],
    about: "Apply a diff file to an original.",
    options: &[
        Opt::value("p,strip", "NUM", "Strip NUM leading components from file names."),
        Opt::value("F,fuzz", "LINES", "Set the fuzz factor to LINES for inexact matching."),
        Opt::flag("l,ignore-whitespace", "Ignore white space changes between patch and input."),
        Opt::flag("c,context", "Interpret the patch as a context difference."),
        Opt::flag("e,ed", "Interpret the patch as an ed script."),
        Opt::flag("n,normal", "Interpret the patch as a normal difference."),
        Opt::flag("u,unified", "Interpret the patch as a unified difference."),
        Opt::flag("N,forward", "Ignore patches that appear to be reversed or already applied."),
        Opt::flag("R,reverse", "Assume patches were created with old and new files swapped."),
        Opt::value("i,input", "PATCHFILE", "Read patch from PATCHFILE instead of stdin."),
        Opt::value("o,output", "FILE", "Output patched files to FILE."),
        Opt::value("r,reject-file", "FILE", "Output rejects to FILE."),
        Opt::value("D,ifdef", "NAME", "Make merged if-then-else output using NAME."),
        Opt::optional("merge", "STYLE", ""),
        Opt::flag("E,remove-empty-files", "Remove output files that are empty after patching."),
        Opt::flag("Z,set-utc", "Set times of patched files, assuming diff uses UTC (GMT)."),
        Opt::flag("T,set-time", "Likewise, assuming local time."),
        Opt::flag("s,quiet,silent", "Work silently unless an error occurs."),
        Opt::flag("verbose", "Output extra information about the work being done."),
        Opt::flag("dry-run", "Do not actually change any files; just print what would happen."),
        Opt::flag("posix", "Conform to the POSIX standard."),
        Opt::value("d,directory", "DIR", "Change the working directory to DIR first."),
        Opt::value("reject-format", "FORMAT", "Create 'context' or 'unified' rejects."),
        Opt::flag("binary", "Read and write data in binary mode."),
        Opt::value(
            "read-only",
            "BEHAVIOR",
            "How to handle read-only input files: 'ignore', 'warn' (default), or 'fail'.",
        ),
        Opt::flag("b,backup", "Back up the original contents of each file."),
        Opt::flag("backup-if-mismatch", "Back up if the patch does not match exactly."),
        Opt::flag("no-backup-if-mismatch", "Back up mismatches only if otherwise requested."),
        Opt::value("V,version-control", "STYLE", "Use STYLE version control: simple, numbered, or existing."),
        Opt::value("B,prefix", "PREFIX", "Prepend PREFIX to backup file names."),
        Opt::value("z,suffix", "SUFFIX", "Append SUFFIX to backup file names."),
        Opt::value(
            "g,get",
            "NUM",
            "Get files from RCS etc. if positive; ask if negative. There is none here.",
        ),
        Opt::value("Y,basename-prefix", "PREFIX", "Prepend PREFIX to backup file basenames."),
        Opt::flag("t,batch", "Ask no questions; skip bad-Prereq patches; assume reversed."),
        Opt::flag("f,force", "Like -t, but ignore bad-Prereq patches, and assume unreversed."),
        Opt::flag("follow-symlinks", "Follow symbolic links to files that are patched."),
        Opt::flag("v", ""),
    ],
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What is done with files that may not be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadOnly {
    Ignore,
    Warn,
    Fail,
}

/// What the command line says.
struct Plan {
    /// `None`: the last part of the name.
    strip: Option<usize>,
    fuzz: usize,
    loose: bool,
    form: Option<Form>,
    forward: bool,
    reverse: bool,
    input: Option<BString>,
    output: Option<BString>,
    reject: Option<BString>,
    /// `-D`: both versions are written, and the preprocessor chooses by this name.
    define: Option<BString>,
    remove_empty: bool,
    silent: bool,
    verbose: bool,
    dry_run: bool,
    binary: bool,
    backup: bool,
    /// `None`: unless POSIX is followed.
    backup_mismatch: Option<bool>,
    prefix: BString,
    suffix: BString,
    /// The suffix was given.
    named_suffix: bool,
    batch: bool,
    force: bool,
    unified_rejects: Option<bool>,
    /// Times of the headers are set: they are UTC, or the local zone's.
    set_time: Option<bool>,
    posix: bool,
    /// Symbolic links are followed.
    follow: bool,
    read_only: ReadOnly,
    base_prefix: BString,
    control: Option<Backup>,
    file: Option<BString>,
    directory: Option<BString>,
    /// The files of this patch that are backed up already, or were made by it.
    touched: Vec<BString>,
}

fn number(text: &[u8]) -> Option<usize> {
    text.to_str().ok()?.parse().ok()
}

/// `patch: **** …`, and the end.
fn fatal(text: impl std::fmt::Display) -> Fail {
    Fail::Bare(format!("patch: **** {text}"), 2)
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        strip: None,
        fuzz: 2,
        loose: false,
        form: None,
        forward: false,
        reverse: false,
        input: None,
        output: None,
        reject: None,
        define: None,
        remove_empty: false,
        silent: false,
        verbose: false,
        dry_run: false,
        binary: false,
        backup: false,
        backup_mismatch: None,
        prefix: BString::default(),
        suffix: BString::default(),
        named_suffix: false,
        batch: false,
        force: false,
        unified_rejects: None,
        set_time: None,
        posix: t.ctx.env("POSIXLY_CORRECT").is_some(),
        follow: false,
        read_only: ReadOnly::Warn,
        base_prefix: BString::default(),
        control: None,
        file: None,
        directory: None,
        touched: Vec::new(),
    };
    let mut options = t.options();
    let mut control = t.ctx.env("PATCH_VERSION_CONTROL").or_else(|| t.ctx.env("VERSION_CONTROL"));
    let try_help = |text: String| {
        let text = if text.is_empty() { text } else { format!("patch: {text}\n") };
        Fail::Bare(format!("{text}patch: Try 'patch --help' for more information."), 2)
    };
    while let Some((name, value)) = options.next().map_err(|fail| match fail {
        Fail::Usage(text) => try_help(text),
        other => other,
    })? {
        let value = value.unwrap_or_default();
        match name {
            "p" => {
                plan.strip = Some(
                    number(&value).ok_or_else(|| fatal(format!("strip count {value} is not a number")))?,
                );
            }
            "F" => {
                plan.fuzz =
                    number(&value).ok_or_else(|| fatal(format!("fuzz factor {value} is not a number")))?;
            }
            "l" => plan.loose = true,
            "c" => plan.form = Some(Form::Context),
            "e" => plan.form = Some(Form::Ed),
            "n" => plan.form = Some(Form::Normal),
            "u" => plan.form = Some(Form::Unified),
            "N" => plan.forward = true,
            "R" => plan.reverse = true,
            "i" => plan.input = Some(value),
            "o" => plan.output = Some(value),
            "r" => plan.reject = Some(value),
            "D" => plan.define = Some(value),
            "merge" => return Err(t.refused("merge")),
            "E" => plan.remove_empty = true,
            "s" => plan.silent = true,
            "verbose" => plan.verbose = true,
            "dry-run" => plan.dry_run = true,
            "d" => plan.directory = Some(value),
            "reject-format" => match &value[..] {
                b"context" => plan.unified_rejects = Some(false),
                b"unified" => plan.unified_rejects = Some(true),
                _ => return Err(try_help(format!("invalid argument ‘{value}’ for ‘--reject-format’"))),
            },
            "binary" => plan.binary = true,
            "b" => plan.backup = true,
            "backup-if-mismatch" => plan.backup_mismatch = Some(true),
            "no-backup-if-mismatch" => plan.backup_mismatch = Some(false),
            "B" => plan.prefix = value,
            "z" => (plan.suffix, plan.named_suffix) = (value, true),
            "t" => plan.batch = true,
            "f" => plan.force = true,
            "v" => return Err(Fail::Version),
            "Z" | "T" => plan.set_time = Some(name == "Z"),
            "posix" => plan.posix = true,
            "follow-symlinks" => plan.follow = true,
            "read-only" => {
                plan.read_only = match &value[..] {
                    b"ignore" => ReadOnly::Ignore,
                    b"warn" => ReadOnly::Warn,
                    b"fail" => ReadOnly::Fail,
                    _ => return Err(try_help(String::new())),
                };
            }
            "Y" => plan.base_prefix = value,
            "V" => control = Some(value),
            // No system that keeps versions is here to get files from.
            "g" if number(value.trim_start_with(|sign| sign == '-')).is_some() => {}
            "g" => return Err(fatal(format!("get number {value} is not a number"))),
            name => return Err(t.refused(name)),
        }
    }
    plan.control = match control {
        None => None,
        Some(word) => match Backup::parse(t, Some(&word)) {
            // Backups must have names.
            Ok(Backup::None) => Some(Backup::Numbered),
            Ok(control) => Some(control),
            Err(_) => {
                return Err(Fail::Bare(
                    format!(
                        "patch: invalid argument '{word}' for '--version-control or -V option'\nValid arguments are:\n\
                     \x20 - 'none', 'off'\n  - 'simple', 'never'\n  - 'existing', 'nil'\n  - 'numbered', 't'"
                    ),
                    2,
                ));
            }
        },
    };
    // The option does not change what the environment has said of this.
    let posix = t.ctx.env("POSIXLY_CORRECT").is_some();
    plan.backup_mismatch = plan.backup_mismatch.or(Some(!posix));
    let mut operands = options.operands().into_iter();
    plan.file = operands.next();
    if let Some(input) = operands.next() {
        plan.input = Some(input);
    }
    if let Some(extra) = operands.next() {
        return Err(try_help(format!("{extra}: extra operand")));
    }
    if plan.suffix.is_empty() && plan.prefix.is_empty() && plan.base_prefix.is_empty() {
        plan.suffix = t
            .ctx
            .env("SIMPLE_BACKUP_SUFFIX")
            .filter(|suffix| !suffix.is_empty())
            .unwrap_or_else(|| ".orig".into());
    }
    if let Some(directory) = &plan.directory {
        let resolved =
            t.ctx.canonicalize(directory).and_then(|path| match t.ctx.stat(path.as_bytes(), true) {
                Ok(stat) if stat.is_directory() => Ok(path),
                Ok(_) => Err(Errno::NotDirectory),
                Err(error) => Err(error),
            });
        match resolved {
            Ok(path) => t.ctx.set_cwd(path),
            Err(error) => {
                return Err(fatal(format!("Can't change to directory {directory} : {}", error.strerror())));
            }
        }
    }
    let mut bytes = Vec::new();
    let name = plan.input.clone().unwrap_or_else(|| "-".into());
    let result = match t.open(&name).await {
        Ok(mut input) => input.read_to_end(&mut bytes).await,
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        return Err(fatal(format!("Can't open patch file {name} : {}", error.strerror())));
    }
    let text = Text::new(bytes);
    let mut parser = Parser::new(&text);
    let mut any = false;
    loop {
        t.ctx.tick().await;
        let mut patch = match parser.next(plan.form) {
            Ok(Some(patch)) => patch,
            Ok(None) => break,
            Err(Malformed::End) => {
                say_name(t, &plan).await?;
                return Err(fatal("unexpected end of file in patch"));
            }
            Err(Malformed::At(line, text)) => {
                say_name(t, &plan).await?;
                return Err(fatal(format!("malformed patch at line {line}: {text}\n")));
            }
        };
        any = true;
        if patch.form == Form::Ed {
            edit(t, &mut plan, patch).await?;
            continue;
        }
        strip_carriage_returns(t, &plan, &mut patch).await?;
        one(t, &mut plan, patch).await?;
    }
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    if plan.verbose && any {
        note(t, &plan, "done\n");
    }
    if !any && text.len() > 0 {
        return Err(fatal("Only garbage was found in the patch input."));
    }
    Ok(())
}

/// Tells which file would have been patched, where the patch cannot be read and the file was named.
async fn say_name(t: &mut Tool, plan: &Plan) -> Done {
    if let Some(name) = &plan.file {
        let verb = if plan.dry_run { "checking" } else { "patching" };
        t.out.put(format!("{verb} file {}\n", quoted(name)).as_bytes());
    }
    t.out.flush().await?;
    Ok(())
}

/// What kind of patch it seems to be, and what stood before it.
fn looks_like(t: &mut Tool, plan: &Plan, patch: &FilePatch) {
    let form = match patch.form {
        Form::Context => "a new-style context diff",
        Form::Normal => "a normal diff",
        Form::Ed => "an ed script",
        _ => "a unified diff",
    };
    let mut text = format!("Hmm...  Looks like {form} to me...\n");
    if !patch.leading.is_empty() {
        text.push_str("The text leading up to this was:\n--------------------------\n");
        for line in &patch.leading {
            text.push_str(&format!("|{line}\n"));
        }
        text.push_str("--------------------------\n");
    }
    note(t, plan, &text);
}

/// A name in a message.
fn quoted(name: &[u8]) -> String {
    crate::quote::shell_escape(name, false, false)
}

/// Whether the header lines end with carriage returns: then all of the patch does, and none is meant.
async fn strip_carriage_returns(t: &mut Tool, plan: &Plan, patch: &mut FilePatch) -> Done {
    let marked =
        |heading: &Option<Heading>| heading.as_ref().is_some_and(|heading| heading.text.ends_with(b"\r"));
    if plan.binary || !(marked(&patch.old) && marked(&patch.new)) {
        return Ok(());
    }
    if !plan.silent {
        t.out.put(b"(Stripping trailing CRs from patch; use --binary to disable.)\n");
    }
    for hunk in &mut patch.hunks {
        for (_, line) in &mut hunk.lines {
            if line.ends_with(b"\r\n") {
                let length = line.len() - 2;
                line.truncate(length);
                line.push(b'\n');
            } else if line.ends_with(b"\r") {
                line.pop();
            }
        }
    }
    for heading in [&mut patch.old, &mut patch.new].into_iter().flatten() {
        heading.text.pop();
        while heading.name.ends_with(b"\r") {
            heading.name.pop();
        }
    }
    Ok(())
}

/// Tells what is done; on standard error where the output belongs to the file.
fn note(t: &mut Tool, plan: &Plan, text: &str) {
    if plan.output.as_ref().is_some_and(|output| output == "-") {
        t.err.put(text.as_bytes());
    } else {
        t.out.put(text.as_bytes());
    }
}

/// Asks on standard output; what is read is shown, unless it was typed. An answer of nothing is `default`.
async fn ask(t: &mut Tool, question: &str, default: u8) -> Result<u8, Fail> {
    t.out.put(question.as_bytes());
    t.out.flush().await?;
    let mut answer = Vec::new();
    // The patch may have come from there; then there is nothing to read.
    let from_terminal = t.ctx.is_terminal(0);
    while from_terminal && !answer.ends_with(b"\n") {
        if !matches!(t.ctx.read(0, &mut answer, 1).await, Ok(1)) {
            break;
        }
    }
    if !from_terminal {
        t.out.put(b"\n");
    }
    Ok(answer.first().copied().filter(|byte| *byte != b'\n').unwrap_or(default).to_ascii_lowercase())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The file that is to be patched. `None`: there is none, which has been said.
async fn target_of(t: &mut Tool, plan: &Plan, patch: &FilePatch) -> Result<Option<Target>, Fail> {
    let skipped = match choose(t, plan, patch) {
        Choice::Target(target) if plan.file.is_none() && leads_out(t, &target.name) => {
            format!("Invalid file name {} -- skipping patch\n", quoted(&target.name))
        }
        Choice::Target(target) => return Ok(Some(target)),
        Choice::None => return nothing_to_patch(t, plan, patch).await.map(|()| None),
        Choice::Skip(text) => text,
    };
    note(t, plan, &skipped);
    t.status = t.status.max(1);
    t.out.drain().await?;
    Ok(None)
}

/// A script for `ed`. Nothing is said of what it does, and it has no other way round.
async fn edit(t: &mut Tool, plan: &mut Plan, patch: FilePatch) -> Done {
    if plan.verbose {
        looks_like(t, plan, &patch);
    }
    let Some(mut target) = target_of(t, plan, &patch).await? else { return Ok(()) };
    let name = target.name.clone();
    let bytes = match target.stat {
        Some(_) => t.ctx.read_file(&name).await,
        None => Ok(Vec::new()),
    };
    let bytes = bytes.map_err(|error| fatal(format!("Can't open file {name} : {}", error.strerror())))?;
    let file = Text::new(bytes);
    let body = |line: usize| -> BString {
        let line = file.line(line);
        line.strip_suffix(b"\n").unwrap_or(line).into()
    };
    let mut lines: Vec<BString> = (0..file.len()).map(body).collect();
    if ed::apply(&mut lines, &patch.script).is_err() {
        t.out.put(b"?\n");
        t.out.drain().await?;
        return Err(fatal("ed FAILED"));
    }
    let mut out = Vec::with_capacity(file.bytes.len());
    for line in &lines {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    finish(t, plan, &mut target, &patch, out, false, false).await?;
    Ok(t.out.drain().await?)
}

async fn one(t: &mut Tool, plan: &mut Plan, mut patch: FilePatch) -> Done {
    if plan.verbose {
        looks_like(t, plan, &patch);
    }
    let reverse = plan.reverse;
    if reverse {
        patch.reverse();
    }
    let Some(mut target) = target_of(t, plan, &patch).await? else { return Ok(()) };
    let is_odd = target.stat.as_ref().is_some_and(|stat| !stat.is_regular());
    if is_odd {
        let text = format!("File {} is not a regular file -- refusing to patch\n", quoted(&target.name));
        note(t, plan, &text);
    }
    let source = target.from.clone().unwrap_or_else(|| target.name.clone());
    let mut bytes = Vec::new();
    if target.stat.is_some() && !is_odd {
        match t.ctx.read_file(&source).await {
            Ok(read) => bytes = read,
            Err(error) => return Err(fatal(format!("Can't open file {source} : {}", error.strerror()))),
        }
    }
    let file = Text::new(bytes);
    let is_locked = plan.read_only != ReadOnly::Ignore
        && target.stat.as_ref().is_some_and(|stat| stat.is_regular() && stat.mode & 0o222 == 0)
        && t.ctx.user().0 != 0;
    if is_locked {
        let what =
            if plan.read_only == ReadOnly::Warn { "trying to patch anyway" } else { "refusing to patch" };
        t.out.put(format!("File {} is read-only; {what}\n", quoted(&source)).as_bytes());
    }
    let how = Strictness { fuzz: plan.fuzz, loose: plan.loose };
    // A patch that fits the other way round was made the other way round, or is applied already.
    let mut mismatch = false;
    let mut skip = is_odd || is_locked && plan.read_only == ReadOnly::Fail;
    if !skip {
        // With each amount of fuzz the one way is tried, then the other.
        let other_way = patch.hunks.first().is_some_and(|first| {
            let mut other = first.clone();
            other.reverse();
            let fits = |hunk: &parse::Hunk, fuzz| apply::locate_with(&file, hunk, 0, 0, how, fuzz).is_some();
            let (prefix, suffix) = first.context();
            let way = (0..=how.fuzz.min(prefix.max(suffix))).find_map(|fuzz| {
                if fits(first, fuzz) { Some(false) } else { fits(&other, fuzz).then_some(true) }
            });
            (file.len() > 0 || other.old_count() > 0) && way == Some(true)
        });
        let makes = !patch.hunks.is_empty() && makes(&patch) && file.len() > 0;
        if makes && plan.force {
            let name = quoted(&target.name);
            let text = format!(
                "The next patch would create the file {name},\nwhich already exists!  Applying it anyway.\n"
            );
            note(t, plan, &text);
        }
        if !makes || plan.force {
            say_file(t, plan, &target).await?;
        }
        if (makes || other_way) && !plan.force {
            let text = if makes {
                format!(
                    "The next patch{} would create the file {},\nwhich already exists!  ",
                    if reverse { ", when reversed," } else { "" },
                    quoted(&target.name)
                )
            } else {
                let what = if reverse { "Unreversed" } else { "Reversed (or previously applied)" };
                format!("{what} patch detected!  ")
            };
            t.out.put(text.as_bytes());
            let skipping: &[u8] = if plan.silent { b"" } else { b"Skipping patch.\n" };
            if plan.forward {
                t.out.put(skipping);
                skip = true;
            } else if plan.batch {
                t.out.put(if reverse { &b"Ignoring -R.\n"[..] } else { b"Assuming -R.\n" });
                mismatch = true;
                patch.reverse();
            } else {
                let question = if reverse { "Ignore -R? [n] " } else { "Assume -R? [n] " };
                if ask(t, question, b'n').await? == b'y' {
                    patch.reverse();
                } else if ask(t, "Apply anyway? [n] ", b'n').await? != b'y' {
                    t.out.put(skipping);
                    skip = true;
                }
            }
        }
    }
    let mut out: Vec<u8> = Vec::with_capacity(file.bytes.len());
    let (mut at, mut offset) = (0_usize, 0_isize);
    let mut rejected: Vec<parse::Hunk> = Vec::new();
    // Lines that the output has more than the input so far.
    let mut growth = 0_isize;
    for (index, hunk) in patch.hunks.iter().enumerate() {
        t.ctx.tick().await;
        let number = index + 1;
        // What is there already is not made.
        let in_way = file.len() > 0 && hunk.old_count() == 0 && makes(&patch);
        let found = if skip || in_way { None } else { locate(&file, hunk, at, offset, how) };
        let Some(found) = found else {
            // No lines stand behind the line that is named.
            let start = hunk.old_start + usize::from(hunk.old_count() == 0);
            let place = (start as isize + growth).max(0);
            if if skip { plan.verbose } else { !plan.silent } {
                let what = if skip { "ignored" } else { "FAILED" };
                t.out.put(format!("Hunk #{number} {what} at {place}.\n").as_bytes());
            }
            let mut hunk = hunk.clone();
            hunk.old_start = (hunk.old_start as isize + growth).max(0) as usize;
            hunk.new_start = (hunk.new_start as isize + growth).max(0) as usize;
            rejected.push(hunk);
            continue;
        };
        let stated = if hunk.old_count() == 0 { hunk.old_start } else { hunk.old_start.saturating_sub(1) };
        let shift = found.lines.start as isize - found.left_out.0 as isize - stated as isize;
        let line = found.lines.start as isize - found.left_out.0 as isize + 1 + growth;
        if shift != 0 || found.fuzz > 0 || plan.verbose {
            mismatch |= shift != 0 || found.fuzz > 0;
            let mut text = format!("Hunk #{number} succeeded at {line}");
            if found.fuzz > 0 {
                text.push_str(&format!(" with fuzz {}", found.fuzz));
            }
            if shift != 0 {
                text.push_str(&format!(" (offset {shift} line{})", if shift == 1 { "" } else { "s" }));
            }
            text.push_str(".\n");
            if !plan.silent {
                note(t, plan, &text);
            }
        }
        offset = shift;
        for line in at..found.lines.start {
            apply::put_line(file.line(line), &mut out);
        }
        apply::write(&file, hunk, &found, plan.define.as_ref(), &mut out);
        at = found.lines.end;
        let inserted = hunk.lines.iter().filter(|(mark, _)| *mark == Mark::Insert).count() as isize;
        let deleted = hunk.lines.iter().filter(|(mark, _)| *mark == Mark::Delete).count() as isize;
        growth += inserted - deleted;
    }
    for line in at..file.len() {
        apply::put_line(file.line(line), &mut out);
    }
    let gone = removes(&patch);
    let moves = target.from.is_some() || plan.output.is_some();
    if rejected.len() < patch.hunks.len() || patch.hunks.is_empty() || moves && !skip {
        if target.stat.is_none() && !patch.hunks.is_empty() && target.from.is_none() && !creates(&patch) {
            return Err(fatal(format!("Can't reopen file {source} : No such file or directory")));
        }
        let wrote = finish(t, plan, &mut target, &patch, out, gone, mismatch || !rejected.is_empty()).await?;
        if !wrote {
            t.status = t.status.max(1);
        }
    } else if !skip && target.stat.is_none() && !creates(&patch) {
        t.out.flush().await?;
        return Err(fatal(format!("Can't reopen file {source} : No such file or directory")));
    } else if !skip && !plan.dry_run && plan.backup_mismatch == Some(true) && plan.output.is_none() {
        back_up(t, plan, &target.name)?;
    }
    if !rejected.is_empty() {
        t.status = t.status.max(1);
        let all = patch.hunks.len();
        let what = if skip { "ignored" } else { "FAILED" };
        let mut text = format!("{} out of {all} hunk{} {what}", rejected.len(), plural(all));
        let is_creation = skip && makes(&patch) && target.stat.is_some();
        if !plan.dry_run && !is_creation {
            let name = plan.reject.clone().unwrap_or_else(|| {
                let base = plan.output.clone().unwrap_or_else(|| target.name.clone());
                [&base[..], b".rej"].concat().into()
            });
            text.push_str(&format!(" -- saving rejects to file {}", quoted(&name)));
            let is_unified = !matches!(patch.form, Form::Context | Form::Normal);
            let unified = plan.unified_rejects.unwrap_or(is_unified);
            let rejects = reject::render(&patch, &rejected, unified, plan.strip, reverse);
            write_file(t, &name, &rejects).await?;
        }
        text.push('\n');
        t.out.put(text.as_bytes());
    }
    t.out.drain().await?;
    Ok(())
}

async fn say_file(t: &mut Tool, plan: &Plan, target: &Target) -> Done {
    if plan.silent {
        return Ok(());
    }
    let verb = if plan.dry_run { "checking" } else { "patching" };
    let mut text = match &plan.output {
        Some(output) => format!("{verb} file {} (read from {})", quoted(output), quoted(&target.name)),
        None => format!("{verb} file {}", quoted(&target.name)),
    };
    if let Some(from) = &target.from {
        text.push_str(&format!(" (renamed from {})", quoted(from)));
    }
    if let Some(from) = &target.renamed {
        text.push_str(&format!(" (already renamed from {})", quoted(from)));
    }
    text.push('\n');
    if plan.verbose {
        text.push_str("Using Plan A...\n");
    }
    note(t, plan, &text);
    Ok(())
}

/// There is no file that the patch could be for.
async fn nothing_to_patch(t: &mut Tool, plan: &Plan, patch: &FilePatch) -> Done {
    let mut text = format!("can't find file to patch at input line {}\n", patch.line.max(1));
    if plan.strip.is_some() {
        text.push_str("Perhaps you used the wrong -p or --strip option?\n");
    } else {
        text.push_str("Perhaps you should have used the -p or --strip option?\n");
    }
    text.push_str("The text leading up to this was:\n--------------------------\n");
    for line in &patch.leading {
        text.push_str(&format!("|{line}\n"));
    }
    text.push_str("--------------------------\n");
    if plan.force || plan.batch {
        text.push_str("No file to patch.  Skipping patch.\n");
        t.out.put(text.as_bytes());
    } else {
        t.out.put(text.as_bytes());
        ask(t, "File to patch: ", b'\n').await?;
        ask(t, "Skip this patch? [y] ", b'y').await?;
        t.out.put(b"Skipping patch.\n");
    }
    let all = patch.hunks.len();
    t.out.put(format!("{all} out of {all} hunk{} ignored\n", plural(all)).as_bytes());
    t.status = t.status.max(1);
    Ok(t.out.drain().await?)
}
