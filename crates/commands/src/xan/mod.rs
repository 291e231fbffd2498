//! `xan`: tables of comma-separated values, as the program of that name has them: one command with a subcommand for
//! each task. Rows stream where a task allows; `csv` reads and writes them, `select` knows the selections of columns.

use std::collections::HashMap;

use bstr::{BString, ByteSlice};

mod convert;
mod csv;
mod filter;
mod rows;
mod select;
mod sets;
mod stats;
mod view;

use csv::{Row, Rows};

use crate::opts::Options;
use wasmsh_os::ProcessFuture;

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "xan",
    usage: &["SUBCOMMAND [OPTION]... [ARGUMENT]..."],
    about: "Works on tables of comma-separated values. 'xan SUBCOMMAND --help' tells more.\n\n\
            cat dedup drop filter fmt frequency from head headers join count rename\n\
            reverse search select slice sort split stats tail to transpose view",
    options: &[],
    more: "",
    usage_status: 1,
    main: again,
};

fn again(ctx: wasmsh_os::Ctx) -> ProcessFuture {
    start(&COMMAND, ctx, run)
}

const fn sub(
    name: &'static str,
    usage: &'static [&'static str],
    about: &'static str,
    options: &'static [Opt],
) -> Command {
    Command { name, usage, about, options, more: COMMON, usage_status: 1, main: again }
}

const COMMON: &str = "Every subcommand also takes -o FILE (write to FILE), -n (the first row is no header) and\n\
                      -d C (separator of the input; else told by its name: .tsv, .psv, .ssv). Selections of\n\
                      columns: names, numbers from 0, negative ones from the end, ranges a:b, prefix*, *suffix,\n\
                      name[nth], '!' before all for the others.";

const OUTPUT: Opt = Opt::value("o,output", "FILE", "");
const NO_HEADERS: Opt = Opt::flag("n,no-headers", "");
const DELIMITER: Opt = Opt::value("d,delimiter", "C", "");
const SELECT: Opt = Opt::value("s,select", "COLUMNS", "only these columns");

static SUBCOMMANDS: [Command; 24] = [
    sub(
        "cat",
        &["rows [FILE]...", "columns [FILE]..."],
        "Puts tables below or beside each other.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            Opt::flag("p,pad", "columns: go on to the end of the longest"),
            Opt::value("S,source-column", "NAME", "rows: a first column with the name of the file"),
        ],
    ),
    sub(
        "count",
        &["[FILE]"],
        "Counts the rows.",
        &[OUTPUT, NO_HEADERS, DELIMITER, Opt::flag("c,check-alignment", "")],
    ),
    sub(
        "dedup",
        &["[FILE]"],
        "Keeps the first of rows that are the same.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            SELECT,
            Opt::flag("check", "fail if any are the same"),
            Opt::flag("l,keep-last", "keep the last"),
            Opt::flag("S,sorted", "the input is sorted"),
        ],
    ),
    sub("drop", &["COLUMNS [FILE]"], "All columns but these.", &[OUTPUT, NO_HEADERS, DELIMITER]),
    sub(
        "filter",
        &["EXPRESSION [FILE]"],
        "Keeps the rows of which an expression is true: 'age > 18 && team == \"red\"'.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            Opt::flag("v,invert-match", "keep the others"),
            Opt::value("l,limit", "N", "so many rows at most"),
        ],
    ),
    sub(
        "fmt",
        &["[FILE]"],
        "Writes a table in another form.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            Opt::value("t,out-delimiter", "C", "between fields (default ,)"),
            Opt::flag("T,tabs", "tabs between fields"),
            Opt::flag("crlf", "CR LF after rows"),
            Opt::value("quote", "C", "the sign of quotation"),
            Opt::flag("Q,quote-always", "quote all fields"),
        ],
    ),
    sub("frequency", &["[FILE]"], "Counts the values of columns.", FREQUENCY),
    sub("freq", &["[FILE]"], "Counts the values of columns.", FREQUENCY),
    sub(
        "from",
        &["[FILE]"],
        "Makes a table.",
        &[
            OUTPUT,
            Opt::value("f,format", "FORMAT", "json, jsonl, ndjson, txt (default: told by the name)"),
            Opt::value("c,column", "NAME", "txt: the name of the column (default value)"),
        ],
    ),
    sub(
        "head",
        &["[FILE]"],
        "The first rows.",
        &[OUTPUT, NO_HEADERS, DELIMITER, Opt::value("l,limit", "N", "so many (default 10)")],
    ),
    sub(
        "headers",
        &["[FILE]..."],
        "The names of the columns.",
        &[OUTPUT, NO_HEADERS, DELIMITER, Opt::flag("j,just-names", "without numbers")],
    ),
    sub(
        "join",
        &["COLUMNS FILE COLUMNS FILE", "--cross FILE FILE"],
        "Joins two tables.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            Opt::flag("left", "all rows of the first"),
            Opt::flag("right", "all rows of the second"),
            Opt::flag("full", "all rows of both"),
            Opt::flag("semi", "rows of the first that have others"),
            Opt::flag("anti", "rows of the first that have none"),
            Opt::flag("cross", "each with each"),
            Opt::flag("i,ignore-case", "upper and lower case are the same"),
            Opt::flag("nulls", "empty keys join too"),
            Opt::value("L,prefix-left", "TEXT", "before the names of the first"),
            Opt::value("R,prefix-right", "TEXT", "before the names of the second"),
        ],
    ),
    sub("rename", &["NAMES [FILE]"], "Gives columns other names.", &[OUTPUT, NO_HEADERS, DELIMITER, SELECT]),
    sub("reverse", &["[FILE]"], "The rows from the last to the first.", &[OUTPUT, NO_HEADERS, DELIMITER]),
    sub(
        "search",
        &["PATTERN [FILE]", "--non-empty [FILE]", "--empty [FILE]"],
        "Keeps the rows with a pattern in them.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            SELECT,
            Opt::flag("e,exact", "the whole field"),
            Opt::flag("r,regex", "a regular expression"),
            Opt::flag("E,empty", "empty fields"),
            Opt::flag("N,non-empty", "fields that are not empty"),
            Opt::flag("i,ignore-case", "upper and lower case are the same"),
            Opt::flag("v,invert-match", "keep the others"),
            Opt::flag("A,all", "all of the columns must match"),
            Opt::value("f,flag", "NAME", "keep all rows, tell in a column whether they match"),
            Opt::value("c,count", "NAME", "tell in a column how often"),
            Opt::value("R,replace", "TEXT", "replace what matches, in all rows"),
            Opt::value("l,limit", "N", "so many rows at most"),
            Opt::value("P,add-pattern", "PATTERN", "another pattern"),
            Opt::flag("left", "with -c: keep the rows without a match"),
        ],
    ),
    sub("select", &["COLUMNS [FILE]"], "These columns, in this order.", &[OUTPUT, NO_HEADERS, DELIMITER]),
    sub(
        "slice",
        &["[FILE]"],
        "Rows by their numbers, from 0.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            Opt::value("s,start", "N", "from this one"),
            Opt::value("e,end", "N", "to the one before this"),
            Opt::value("l,len", "N", "so many"),
            Opt::value("i,index", "N,...", "just these"),
        ],
    ),
    sub(
        "sort",
        &["[FILE]"],
        "Sorts the rows.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            SELECT,
            Opt::flag("N,numeric", "by number"),
            Opt::flag("R,reverse", "from high to low"),
            Opt::flag("u,uniq", "one row of each kind"),
            Opt::value("c,count", "NAME", "with -u: tell in a column how many"),
            Opt::flag("check", "tell whether it is sorted"),
            Opt::flag("p,parallel", ""),
        ],
    ),
    sub(
        "split",
        &["[FILE]"],
        "Splits a table into files.",
        &[
            NO_HEADERS,
            DELIMITER,
            Opt::value("O,out-dir", "DIR", "where to (default .)"),
            Opt::value("S,size", "N", "rows of each file (default 4096)"),
            Opt::value("c,chunks", "N", "so many files"),
            Opt::value("f,filename", "NAME", "names of the files (default {}.csv)"),
        ],
    ),
    sub(
        "stats",
        &["[FILE]"],
        "Describes the columns.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            SELECT,
            Opt::flag("A,all", "as -c -q"),
            Opt::flag("c,cardinality", "different values, the most frequent one"),
            Opt::flag("q,quartiles", "quartiles"),
            Opt::flag("nulls", "empty fields count as values"),
        ],
    ),
    sub(
        "tail",
        &["[FILE]"],
        "The last rows.",
        &[OUTPUT, NO_HEADERS, DELIMITER, Opt::value("l,limit", "N", "so many (default 10)")],
    ),
    sub(
        "to",
        &["FORMAT [FILE]"],
        "Writes json, jsonl, ndjson, md, html or txt.",
        &[
            OUTPUT,
            NO_HEADERS,
            DELIMITER,
            SELECT,
            Opt::flag("nulls", "empty fields are null"),
            Opt::flag("omit", "empty fields are left out"),
        ],
    ),
    sub("transpose", &["[FILE]"], "Columns become rows.", &[OUTPUT, DELIMITER]),
    sub(
        "view",
        &["[FILE]"],
        "Shows a table with lines around it.",
        &[
            NO_HEADERS,
            DELIMITER,
            SELECT,
            Opt::value("l,limit", "N", "so many rows (default 100)"),
            Opt::flag("A,all", "all rows"),
            Opt::value("cols", "N", "so many places wide (default 80)"),
            Opt::flag("e,expand", "as wide as need be"),
            Opt::flag("I,hide-index", "no numbers of rows"),
            Opt::flag("M,hide-info", "no line about the table"),
            Opt::value("color", "WHEN", ""),
        ],
    ),
];

const FREQUENCY: &[Opt] = &[
    OUTPUT,
    NO_HEADERS,
    DELIMITER,
    SELECT,
    Opt::flag("A,all", "all values"),
    Opt::value("l,limit", "N", "so many values (default 10)"),
    Opt::flag("N,no-extra", "no rows for empty fields and for the rest"),
];

/// What a subcommand was called with.
struct Call {
    flags: HashMap<&'static str, BString>,
    lists: HashMap<&'static str, Vec<BString>>,
    operands: Vec<BString>,
    /// The first row names the columns.
    named: bool,
    separator: Option<u8>,
}

impl Call {
    fn has(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    fn get(&self, flag: &str) -> Option<&BString> {
        self.flags.get(flag)
    }

    fn number(&self, flag: &str) -> Result<Option<usize>, Fail> {
        let Some(text) = self.get(flag) else { return Ok(None) };
        match text.to_str_lossy().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Fail::Message(format!("'{text}' is no number for --{flag}"), 1)),
        }
    }

    fn input(&self, at: usize) -> BString {
        self.operands.get(at).cloned().unwrap_or_else(|| "-".into())
    }

    fn required(&self, at: usize) -> Result<BString, Fail> {
        self.operands.get(at).cloned().ok_or_else(|| Fail::Usage("missing argument".into()))
    }

    /// Opens a table and takes its header, which has the numbers of the columns where there is none.
    async fn open(&self, t: &mut Tool, at: usize) -> Result<Table, Fail> {
        let name = self.input(at);
        let mut rows = Rows::open(t, &name, self.separator).await?;
        let first = rows.next().await?;
        if self.named {
            return Ok(Table { header: first.unwrap_or_default(), rows, first: None });
        }
        let width = first.as_ref().map_or(0, Vec::len);
        let header = (0..width).map(|column| BString::from(column.to_string())).collect();
        Ok(Table { header, rows, first })
    }

    /// The columns that `-s` names; all of them without it.
    fn columns(&self, header: &[BString]) -> Result<Vec<usize>, Fail> {
        match self.get("s") {
            Some(selection) => select::columns(selection, header, self.named),
            None => Ok((0..header.len()).collect()),
        }
    }
}

struct Table {
    header: Row,
    rows: Rows,
    /// The first row, where it is no header.
    first: Option<Row>,
}

impl Table {
    async fn next(&mut self, t: &mut Tool) -> Result<Option<Row>, Fail> {
        t.ctx.tick().await;
        match self.first.take() {
            Some(row) => Ok(Some(row)),
            None => self.rows.next().await,
        }
    }

    async fn all(&mut self, t: &mut Tool) -> Result<Vec<Row>, Fail> {
        let mut all: Vec<Row> = self.first.take().into_iter().collect();
        all.extend(self.rows.rest(t).await?);
        Ok(all)
    }
}

fn pick(row: &[BString], columns: &[usize]) -> Row {
    columns.iter().map(|column| row.get(*column).cloned().unwrap_or_default()).collect()
}

async fn run(t: &mut Tool) -> Done {
    let mut arguments = t.arguments();
    let Some(name) = arguments.first().map(|name| name.to_str_lossy().into_owned()) else {
        return Err(Fail::Help);
    };
    arguments.remove(0);
    let name = match name.as_str() {
        "--help" | "-h" | "help" => return Err(Fail::Help),
        "--version" => return Err(Fail::Version),
        "f" => "frequency",
        "v" => "view",
        "s" => "select",
        "t" => "transpose",
        other => other,
    };
    let Some(command) = SUBCOMMANDS.iter().find(|command| command.name == name) else {
        return Err(Fail::Message(format!("unknown command: {name}; 'xan help' tells which there are"), 1));
    };
    t.command = command;
    t.name = format!("xan {name}");
    let mut options = Options::new(command.options, arguments, false);
    let mut call = Call {
        flags: HashMap::new(),
        lists: HashMap::new(),
        operands: Vec::new(),
        named: true,
        separator: None,
    };
    while let Some((flag, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match flag {
            "n" => call.named = false,
            "d" => {
                call.separator = Some(match &value[..] {
                    b"\\t" => b'\t',
                    [one] => *one,
                    _ => return Err(Fail::Message("the separator must be one byte".into(), 1)),
                });
            }
            _ => {}
        }
        call.lists.entry(flag).or_default().push(value.clone());
        call.flags.insert(flag, value);
    }
    call.operands = options.operands();
    if let Some(name) = call.get("o") {
        t.out = t.ctx.create_output(name, false).await.map_err(|error| csv::failed(name, error))?;
    }
    match command.name {
        "cat" => sets::cat(t, &call).await,
        "join" => sets::join(t, &call).await,
        "dedup" => sets::dedup(t, &call).await,
        "split" => sets::split(t, &call).await,
        "sort" => rows::sort(t, &call).await,
        "search" => rows::search(t, &call).await,
        "filter" => rows::filter(t, &call).await,
        "slice" => rows::slice(t, &call).await,
        "head" | "tail" | "reverse" => rows::ends(t, &call, command.name).await,
        "select" | "drop" => rows::select(t, &call, command.name == "drop").await,
        "rename" => rows::rename(t, &call).await,
        "count" => rows::count(t, &call).await,
        "headers" => rows::headers(t, &call).await,
        "stats" => stats::stats(t, &call).await,
        "frequency" | "freq" => stats::frequency(t, &call).await,
        "to" => convert::to(t, &call).await,
        "from" => convert::from(t, &call).await,
        "fmt" => convert::fmt(t, &call).await,
        "transpose" => convert::transpose(t, &call).await,
        _ => view::view(t, &call).await,
    }
}
