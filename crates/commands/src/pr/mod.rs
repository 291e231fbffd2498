//! `pr`: lays files out as pages of columns.

mod options;
mod page;
mod row;
mod source;

use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "pr",
    usage: &["[OPTION]... [FILE]..."],
    about: "Paginate or columnate FILE(s) for printing.\n\nWith no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value("pages", "FIRST_PAGE[:LAST_PAGE]", "begin [stop] printing with page FIRST_[LAST_]PAGE"),
        Opt::value("columns", "COLUMN", "output COLUMN columns and print columns down,\nunless -a is used"),
        Opt::flag("#", ""),
        Opt::flag("a,across", "print columns across rather than down, used together\nwith -COLUMN"),
        Opt::flag("b", ""),
        Opt::flag("c,show-control-chars", "use hat notation (^G) and octal backslash notation"),
        Opt::flag("d,double-space", "double space the output"),
        Opt::value("D,date-format", "FORMAT", "use FORMAT for the header date"),
        Opt::optional("e,expand-tabs", "CHAR[WIDTH]", "expand input CHARs (TABs) to tab WIDTH (8)"),
        Opt::flag("F,f,form-feed", "use form feeds instead of newlines to separate pages"),
        Opt::value("h,header", "HEADER", "use a centered HEADER instead of filename in page header"),
        Opt::optional("i,output-tabs", "CHAR[WIDTH]", "replace spaces with CHARs (TABs) to tab WIDTH (8)"),
        Opt::flag("J,join-lines", "merge full lines, turns off -W line truncation, no column\nalignment"),
        Opt::value("l,length", "PAGE_LENGTH", "set the page length to PAGE_LENGTH (66) lines"),
        Opt::flag(
            "m,merge",
            "print all files in parallel, one in each column,\ntruncate lines, but join lines of full length with -J",
        ),
        Opt::optional("n,number-lines", "SEP[DIGITS]", "number lines, use DIGITS (5) digits, then SEP (TAB)"),
        Opt::value(
            "N,first-line-number",
            "NUMBER",
            "start counting with NUMBER at 1st line of first\npage printed",
        ),
        Opt::value("o,indent", "MARGIN", "offset each line with MARGIN (zero) spaces"),
        Opt::flag("r,no-file-warnings", "omit warning when a file cannot be opened"),
        Opt::optional("s,separator", "CHAR", "separate columns by a single character"),
        Opt::optional("S,sep-string", "STRING", "separate columns by STRING"),
        Opt::flag("t,omit-header", "omit page headers and trailers"),
        Opt::flag(
            "T,omit-pagination",
            "omit page headers and trailers, eliminate any pagination\nby form feeds set in input files",
        ),
        Opt::flag("v,show-nonprinting", "use octal backslash notation"),
        Opt::value(
            "w,width",
            "PAGE_WIDTH",
            "set page width to PAGE_WIDTH (72) characters for\nmultiple text-column output only",
        ),
        Opt::value(
            "W,page-width",
            "PAGE_WIDTH",
            "set page width to PAGE_WIDTH (72) characters always,\ntruncate lines, except -J option is set",
        ),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (plan, files) = options::read(t)?;
    if plan.merge {
        return page::print(t, &plan, &files).await;
    }
    for file in &files {
        page::print(t, &plan, std::slice::from_ref(file)).await?;
    }
    Ok(())
}
