//! `tree`: shows directories and what is in them as a tree, as text, XML or JSON.

mod listing;
mod options;
mod print;
mod walk;

use bstr::BString;

use self::options::Form;
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "tree",
    usage: &["[OPTION]... [DIRECTORY]..."],
    about: "List the contents of directories in a tree-like format.",
    options: &[
        Opt::flag("a", "all files are listed"),
        Opt::flag("d", "list directories only"),
        Opt::flag("l", "follow symbolic links like directories"),
        Opt::flag("f", "print the full path prefix for each file"),
        Opt::flag("x", "stay on current filesystem only"),
        Opt::value("L", "LEVEL", "descend only LEVEL directories deep"),
        Opt::flag("R", "accepted; there is nothing to rerun"),
        Opt::value("P", "PATTERN", "list only those files that match the pattern given"),
        Opt::value("I", "PATTERN", "do not list files that match the given pattern"),
        Opt::flag("fromfile", "read paths from files (.=stdin)"),
        Opt::flag("gitignore", "filter by using .gitignore files"),
        Opt::flag("ignore-case", "ignore case when pattern matching"),
        Opt::flag("matchdirs", "include directory names in -P pattern matching"),
        Opt::flag("metafirst", "print meta-data at the beginning of each line"),
        Opt::flag("prune", "prune empty directories from the output"),
        Opt::flag("noreport", "turn off file/directory count at end of tree listing"),
        Opt::value("charset", "X", "use charset X for indentation line output"),
        Opt::value("filelimit", "#", "do not descend dirs with more than # files in them"),
        Opt::value("o", "FILENAME", "output to file instead of stdout"),
        Opt::flag("q", "print non-printable characters as '?'"),
        Opt::flag("N", "print non-printable characters as is"),
        Opt::flag("Q", "quote filenames with double quotes"),
        Opt::flag("p", "print the protections for each file"),
        Opt::flag("u", "displays file owner or UID number"),
        Opt::flag("g", "displays file group owner or GID number"),
        Opt::flag("s", "print the size in bytes of each file"),
        Opt::flag("h", "print the size in a more human readable way"),
        Opt::flag("si", "like -h, but use in SI units (powers of 1000)"),
        Opt::flag("du", "compute size of directories by their contents"),
        Opt::flag("D", "print the date of last modification or (-c) status change"),
        Opt::value("timefmt", "FMT", "print and format time according to the format FMT"),
        Opt::flag("F", "appends '/', '=', '*', '@', '|' or '>' as per ls -F"),
        Opt::flag("inodes", "print inode number of each file"),
        Opt::flag("device", "print device ID number to which each file belongs"),
        Opt::flag("v", "sort files alphanumerically by version"),
        Opt::flag("t", "sort files by last modification time"),
        Opt::flag("c", "sort files by last status change time"),
        Opt::flag("U", "leave files unsorted"),
        Opt::flag("r", "reverse the order of the sort"),
        Opt::flag("dirsfirst", "list directories before files (-U disables)"),
        Opt::flag("filesfirst", "list files before directories (-U disables)"),
        Opt::value("sort", "X", "select sort: name,version,size,mtime,ctime"),
        Opt::flag("i", "don't print indentation lines"),
        Opt::flag("A", "print ANSI lines graphic indentation lines"),
        Opt::flag("S", "print with CP437 (console) graphics indentation lines"),
        Opt::flag("n", "turn colorization off always (-C overrides)"),
        Opt::flag("C", "turn colorization on always"),
        Opt::flag("X", "prints out an XML representation of the tree"),
        Opt::flag("J", "prints out a JSON representation of the tree"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (plan, mut roots) = options::parse(t).await?;
    if roots.is_empty() {
        roots.push(BString::from("."));
    }
    if let Some(name) = &plan.output {
        match t.ctx.create_output(name, false).await {
            Ok(output) => t.out = output,
            Err(_) => {
                let message = format!("{}: invalid filename '{name}'\n", t.name);
                t.err.put(message.as_bytes());
                let _ = t.err.flush().await;
                t.status = 1;
                return Ok(());
            }
        }
    }
    let mut report = walk::Report::default();
    let mut printer = print::Printer::new(t, plan).await;
    printer.begin(t);
    for (index, root) in roots.iter().enumerate() {
        if index > 0 && printer.plan.form == Form::Json {
            t.out.put(b",");
        }
        walk::tree(t, &mut printer, root, &mut report).await?;
    }
    printer.end(t, &report);
    if report.errors {
        t.status = 2;
    }
    Ok(())
}
