//! `patch`: applies differences, as GNU patch 2.7.

mod apply;
mod parse;
mod reject;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, NewTime, OpenFlags, Output, Stat};

use crate::diff::text::Text;
use crate::path::parent;
use crate::{Command, Done, Fail, Opt, Tool, start};
use apply::{Strictness, locate};
use parse::{FilePatch, Form, Heading, Malformed, Mark, Parser};

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
        Opt::flag("E,remove-empty-files", "Remove output files that are empty after patching."),
        Opt::flag("Z,set-utc,T,set-time", "Set times of patched files."),
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
        Opt::value("V,version-control", "STYLE", ""),
        Opt::value("B,prefix", "PREFIX", "Prepend PREFIX to backup file names."),
        Opt::value("z,suffix", "SUFFIX", "Append SUFFIX to backup file names."),
        Opt::value("g,get", "NUM", ""),
        Opt::flag("t,batch", "Ask no questions; skip bad-Prereq patches; assume reversed."),
        Opt::flag("f,force", "Like -t, but ignore bad-Prereq patches, and assume unreversed."),
        Opt::flag("v", ""),
    ],
    more: "",
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

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
    remove_empty: bool,
    silent: bool,
    verbose: bool,
    dry_run: bool,
    binary: bool,
    backup: bool,
    backup_mismatch: bool,
    prefix: BString,
    suffix: BString,
    batch: bool,
    force: bool,
    unified_rejects: Option<bool>,
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
        remove_empty: false,
        silent: false,
        verbose: false,
        dry_run: false,
        binary: false,
        backup: false,
        backup_mismatch: true,
        prefix: BString::default(),
        suffix: BString::default(),
        batch: false,
        force: false,
        unified_rejects: None,
        file: None,
        directory: None,
        touched: Vec::new(),
    };
    let mut options = t.options();
    let try_help = |text: String| {
        Fail::Bare(format!("patch: {text}\npatch: Try 'patch --help' for more information."), 2)
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
            "D" => return Err(fatal("merged output (-D) is not supported")),
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
            "backup-if-mismatch" => plan.backup_mismatch = true,
            "no-backup-if-mismatch" => plan.backup_mismatch = false,
            "B" => plan.prefix = value,
            "z" => plan.suffix = value,
            "t" => plan.batch = true,
            "f" => plan.force = true,
            "v" => return Err(Fail::Version),
            _ => {}
        }
    }
    let mut operands = options.operands().into_iter();
    plan.file = operands.next();
    if let Some(input) = operands.next() {
        plan.input = Some(input);
    }
    if let Some(extra) = operands.next() {
        return Err(try_help(format!("{extra}: extra operand")));
    }
    if plan.suffix.is_empty() && plan.prefix.is_empty() {
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
                say_name(t, &plan, None).await?;
                return Err(fatal("unexpected end of file in patch"));
            }
            Err(Malformed::At(line, text)) => {
                say_name(t, &plan, None).await?;
                return Err(fatal(format!("malformed patch at line {line}: {text}\n")));
            }
        };
        any = true;
        if patch.form == Form::Ed {
            return Err(fatal("ed scripts are not supported"));
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

async fn say_name(t: &mut Tool, plan: &Plan, name: Option<&BString>) -> Done {
    if let Some(name) = name.or(plan.file.as_ref()) {
        let verb = if plan.dry_run { "checking" } else { "patching" };
        t.out.put(format!("{verb} file {}\n", quoted(name)).as_bytes());
    }
    t.out.flush().await?;
    Ok(())
}

/// What kind of patch it seems to be, and what stood before it.
fn looks_like(t: &mut Tool, plan: &Plan, patch: &FilePatch) {
    let form = match patch.form {
        Form::Context => "a context diff",
        Form::Normal => "a normal diff",
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

/// A name without its first parts. `None`: it has fewer.
fn strip(name: &[u8], count: Option<usize>) -> Option<BString> {
    let Some(count) = count else {
        return Some(crate::path::base_name(name).into());
    };
    let mut rest = name;
    for _ in 0..count {
        let slash = rest.find_byte(b'/')?;
        rest = rest.get(slash..)?.trim_start_with(|letter| letter == '/');
    }
    (!rest.is_empty()).then(|| rest.into())
}

/// Whether a name leads out of the directory.
fn is_dangerous(name: &[u8]) -> bool {
    name.starts_with(b"/") || name.split_str("/").any(|part| part == b"..")
}

/// What a patch is applied to.
struct Target {
    name: BString,
    /// What there is; `None`: nothing.
    stat: Option<Stat>,
    /// A file of another name becomes it.
    from: Option<BString>,
}

/// Chooses the file: the one of the command line, or of the names of the header that fits best.
fn choose(t: &Tool, plan: &Plan, patch: &FilePatch) -> Option<Target> {
    if let Some(name) = &plan.file {
        return Some(Target { name: name.clone(), stat: t.ctx.stat(name, true).ok(), from: None });
    }
    let git_strip = |name: &[u8]| strip(name, plan.strip.or(Some(1)));
    if let Some(git) = &patch.git
        && (git.rename || git.copy)
        && let (Some(from), Some(to)) = (&git.from, &git.to)
    {
        // These names have no prefix.
        let count = plan.strip.map(|count| count.saturating_sub(1));
        let (from, to) = (strip(from, count.or(Some(0)))?, strip(to, count.or(Some(0)))?);
        if is_dangerous(&from) || is_dangerous(&to) {
            return None;
        }
        let stat = t.ctx.stat(&from, true).ok();
        return Some(Target { name: to, stat, from: Some(from) });
    }
    let of = |heading: &Option<Heading>| {
        heading
            .as_ref()
            .filter(|heading| heading.name != "/dev/null")
            .and_then(|heading| strip(&heading.name, plan.strip))
            .filter(|name| !is_dangerous(name))
    };
    let mut names: Vec<BString> = [of(&patch.old), of(&patch.new)].into_iter().flatten().collect();
    if let Some(index) = patch.index.as_ref().and_then(|name| strip(name, plan.strip))
        && names.is_empty()
        && !is_dangerous(&index)
    {
        names.push(index);
    }
    if names.is_empty()
        && let Some(git) = &patch.git
    {
        names.extend(git_strip(&git.new).filter(|name| !is_dangerous(name)));
    }
    let existing: Vec<&BString> = names.iter().filter(|name| t.ctx.stat(name, true).is_ok()).collect();
    let creates = creates(patch);
    let candidates = if existing.is_empty() && creates { names.iter().collect() } else { existing };
    let parts = |name: &BString| name.split_str("/").filter(|part| !part.is_empty()).count();
    let best = candidates
        .into_iter()
        .min_by_key(|name| (parts(name), crate::path::base_name(name).len(), name.len()))?;
    Some(Target { name: best.clone(), stat: t.ctx.stat(best, true).ok(), from: None })
}

/// Whether the patch makes a file.
fn creates(patch: &FilePatch) -> bool {
    let named = patch.old.as_ref().is_some_and(|heading| heading.name == "/dev/null" || heading.epoch);
    let empty = patch.hunks.first().is_some_and(|hunk| hunk.old_start == 0 && hunk.old_count() == 0);
    patch.git.as_ref().is_some_and(|git| git.created) || named || (empty && patch.hunks.len() == 1)
}

/// Whether the patch removes a file.
fn removes(patch: &FilePatch) -> bool {
    let named = patch.new.as_ref().is_some_and(|heading| heading.name == "/dev/null" || heading.epoch);
    patch.git.as_ref().is_some_and(|git| git.deleted) || named
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

async fn one(t: &mut Tool, plan: &mut Plan, mut patch: FilePatch) -> Done {
    if plan.verbose {
        looks_like(t, plan, &patch);
    }
    let reverse = plan.reverse;
    if reverse {
        patch.reverse();
    }
    let Some(mut target) = choose(t, plan, &patch) else { return nothing_to_patch(t, plan, &patch).await };
    let source = target.from.clone().unwrap_or_else(|| target.name.clone());
    let mut bytes = Vec::new();
    if target.stat.is_some() {
        match t.ctx.read_file(&source).await {
            Ok(read) => bytes = read,
            Err(error) => return Err(fatal(format!("Can't open file {source} : {}", error.strerror()))),
        }
    }
    let file = Text::new(bytes);
    let how = Strictness { fuzz: plan.fuzz, loose: plan.loose };
    // A patch that fits the other way round was made the other way round, or is applied already.
    let mut skip = false;
    if let Some(first) = patch.hunks.first() {
        let exact = Strictness { fuzz: 0, ..how };
        let makes = creates(&patch) && file.len() > 0;
        if makes || locate(&file, first, 0, 0, how).is_none() {
            let mut other = first.clone();
            other.reverse();
            let applied =
                locate(&file, &other, 0, 0, exact).is_some() && (file.len() > 0 || other.old_count() > 0);
            if applied && !plan.force {
                if makes && !plan.forward && !plan.batch {
                    t.out.put(
                        format!(
                            "The next patch would create the file {},\nwhich already exists!  ",
                            quoted(&target.name)
                        )
                        .as_bytes(),
                    );
                } else {
                    say_file(t, plan, &target).await?;
                    let what = if reverse { "Unreversed" } else { "Reversed (or previously applied)" };
                    t.out.put(format!("{what} patch detected!  ").as_bytes());
                }
                if plan.forward {
                    t.out.put(b"Skipping patch.\n");
                    skip = true;
                } else if plan.batch {
                    t.out.put(if reverse { &b"Ignoring -R.\n"[..] } else { b"Assuming -R.\n" });
                    patch.reverse();
                } else {
                    let question = if reverse { "Ignore -R? [n] " } else { "Assume -R? [n] " };
                    if ask(t, question, b'n').await? == b'y' {
                        patch.reverse();
                    } else if ask(t, "Apply anyway? [n] ", b'n').await? != b'y' {
                        t.out.put(b"Skipping patch.\n");
                        skip = true;
                    }
                }
            } else {
                say_file(t, plan, &target).await?;
            }
        } else {
            say_file(t, plan, &target).await?;
        }
    } else {
        say_file(t, plan, &target).await?;
    }
    let mut out: Vec<u8> = Vec::with_capacity(file.bytes.len());
    let (mut at, mut offset) = (0_usize, 0_isize);
    let mut rejected: Vec<parse::Hunk> = Vec::new();
    let mut mismatch = false;
    // Lines that the output has more than the input so far.
    let mut growth = 0_isize;
    for (index, hunk) in patch.hunks.iter().enumerate() {
        t.ctx.tick().await;
        let number = index + 1;
        let found = if skip { None } else { locate(&file, hunk, at, offset, how) };
        let Some(found) = found else {
            let place = (hunk.new_start as isize + offset).max(0);
            if !skip && !plan.silent {
                t.out.put(format!("Hunk #{number} FAILED at {place}.\n").as_bytes());
            }
            let mut hunk = hunk.clone();
            hunk.old_start = (hunk.old_start as isize + offset).max(0) as usize;
            hunk.new_start = (hunk.new_start as isize + offset).max(0) as usize;
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
                text.push_str(&format!(" (offset {shift} line{})", plural(shift.unsigned_abs())));
            }
            text.push_str(".\n");
            if !plan.silent {
                note(t, plan, &text);
            }
        }
        offset = shift;
        for line in at..found.lines.start {
            out.extend_from_slice(file.line(line));
        }
        apply::write(&file, hunk, &found, &mut out);
        at = found.lines.end;
        let inserted = hunk.lines.iter().filter(|(mark, _)| *mark == Mark::Insert).count() as isize;
        let deleted = hunk.lines.iter().filter(|(mark, _)| *mark == Mark::Delete).count() as isize;
        growth += inserted - deleted;
    }
    for line in at..file.len() {
        out.extend_from_slice(file.line(line));
    }
    let gone = removes(&patch);
    if rejected.len() < patch.hunks.len() || patch.hunks.is_empty() {
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
    } else if !skip && !plan.dry_run && plan.backup_mismatch && plan.output.is_none() {
        back_up(t, plan, &target.name)?;
    }
    if !rejected.is_empty() {
        t.status = t.status.max(1);
        let all = patch.hunks.len();
        let what = if skip { "ignored" } else { "FAILED" };
        let mut text = format!("{} out of {all} hunk{} {what}", rejected.len(), plural(all));
        let is_creation = creates(&patch) && skip && target.stat.is_some() && patch.git.is_some();
        if !plan.dry_run && !is_creation {
            let name = plan.reject.clone().unwrap_or_else(|| {
                let base = plan.output.clone().unwrap_or_else(|| target.name.clone());
                [&base[..], b".rej"].concat().into()
            });
            text.push_str(&format!(" -- saving rejects to file {}", quoted(&name)));
            let unified = plan.unified_rejects.unwrap_or(patch.form != Form::Context);
            let rejects = reject::render(&patch, &rejected, unified);
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

/// Keeps a file's contents under another name.
fn back_up(t: &Tool, plan: &mut Plan, name: &BString) -> Result<(), Fail> {
    if plan.touched.contains(name) {
        return Ok(());
    }
    plan.touched.push(name.clone());
    let length = name.len() - crate::path::base_name(name).len();
    let backup: BString = if plan.prefix.is_empty() {
        [&name[..], &plan.suffix].concat().into()
    } else {
        [&plan.prefix[..], name, &plan.suffix].concat().into()
    };
    let _ = length;
    let result = match t.ctx.stat(name, true) {
        Ok(stat) => t.ctx.copy_file(name, &backup, stat.mode & 0o7777).and_then(|()| {
            t.ctx.set_times(&backup, NewTime::At(stat.accessed), NewTime::At(stat.modified), true)
        }),
        // A file that was not there has an empty backup.
        Err(Errno::NoEntry) => {
            t.ctx.kernel().fs().write_file(&t.ctx.resolve(&backup).unwrap_or_default(), b"", 0o644)
        }
        Err(error) => Err(error),
    };
    result.map_err(|error| fatal(format!("Can't create file {backup} : {}", error.strerror())))
}

async fn write_file(t: &mut Tool, name: &BString, bytes: &[u8]) -> Done {
    let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let result = match t.ctx.open_description(name, how, 0o666).await {
        Ok(description) => {
            let mut out = Output::new(t.ctx.clone(), Some(description));
            match out.write(bytes).await {
                Ok(()) => out.flush().await,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    result.map_err(|error| fatal(format!("Can't create file {name} : {}", error.strerror())))
}

/// Puts the result in its place. False: a file that should go has something left in it.
async fn finish(
    t: &mut Tool,
    plan: &mut Plan,
    target: &mut Target,
    patch: &FilePatch,
    out: Vec<u8>,
    gone: bool,
    mismatch: bool,
) -> Result<bool, Fail> {
    if plan.dry_run {
        return Ok(true);
    }
    if let Some(output) = plan.output.clone() {
        if output == "-" {
            t.out.put(&out);
        } else {
            write_file(t, &output, &out).await?;
        }
        return Ok(true);
    }
    let name = target.name.clone();
    if plan.backup || (mismatch && plan.backup_mismatch) {
        back_up(t, plan, &name)?;
    }
    let mut fine = true;
    if (gone || plan.remove_empty) && out.is_empty() {
        if let Err(error) = t.ctx.remove_file(&name) {
            return Err(fatal(format!("Can't remove file {name} : {}", error.strerror())));
        }
        // The directories that are empty now go as well.
        let mut directory = parent(&name).to_vec();
        while directory != b"."
            && directory != b"/"
            && !directory.is_empty()
            && t.ctx.remove_directory(&directory).is_ok()
        {
            directory = parent(&directory).to_vec();
        }
        return Ok(true);
    }
    if gone {
        t.out.put(format!("Not deleting file {} as content differs from patch\n", quoted(&name)).as_bytes());
        fine = false;
    }
    let directory = parent(&name);
    if t.ctx.stat(directory, true).is_err() {
        let mut at = 0;
        while let Some(slash) = name.get(at..).and_then(|rest| rest.find_byte(b'/')) {
            at += slash + 1;
            let _ = t.ctx.make_directory(name.get(..at - 1).unwrap_or_default(), 0o777);
        }
    }
    // A new file takes the place of the old one, so that other names of that keep its contents.
    let stat = target.stat;
    if stat.is_some() && target.from.is_none() {
        let _ = t.ctx.remove_file(&name);
    }
    write_file(t, &name, &out).await?;
    let mode = patch.git.as_ref().and_then(|git| git.new_mode);
    match (mode, stat) {
        (Some(mode), _) => {
            let umask = if stat.is_none() { t.ctx.umask() } else { 0 };
            let _ = t.ctx.set_mode(&name, mode & 0o777 & !umask, true);
        }
        (None, Some(stat)) => {
            let _ = t.ctx.set_mode(&name, stat.mode & 0o7777, true);
        }
        (None, None) => {}
    }
    if let Some(from) = &target.from
        && patch.git.as_ref().is_some_and(|git| git.rename)
        && *from != name
        && let Err(error) = t.ctx.remove_file(from)
    {
        return Err(fatal(format!("Can't remove file {from} : {}", error.strerror())));
    }
    if !plan.touched.contains(&name) {
        plan.touched.push(name);
    }
    target.stat = None;
    Ok(fine)
}
