//! `yq`: queries and changes YAML, JSON, TOML, XML, CSV and properties, with the language of mikefarah's version 4.
//!
//! A node here is more than a value: it has comments, a style, an anchor, a place. So the language has a tree and an
//! evaluator of its own (`node`, `eval`), since jq's values are shared and bare; the formats are in modules of their
//! own. YAML stands on `granit-parser`, TOML on `toml_edit`, XML on `quick-xml`, tables on `csv-core`; JSON is jq's.

use std::rc::Rc;

use bstr::{BString, ByteSlice};

mod args;
mod assign;
mod build;
mod call;
mod dates;
mod eval;
mod formats;
mod functions;
mod node;
mod ops;
mod parse;
mod props;
mod read;
mod scalars;
mod shapes;
mod steps;
mod strings;
pub(crate) mod table;
mod toml;
mod words;
mod world;
mod write;
mod xml;

use args::{Front, Job};
use eval::{Scope, Yq};
use formats::Format;
use node::{Fault, Id, Kind, Tree};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "yq",
    usage: &["[eval|eval-all] [FLAGS] [EXPRESSION] [FILE]..."],
    about: "Reads, changes and converts YAML, JSON, TOML, XML, CSV, TSV and properties.\n\
            Each document is evaluated alone; eval-all (ea) evaluates all at once.\n\
            The language is that of https://mikefarah.gitbook.io/yq",
    options: &[
        Opt::flag("e,exit-status", "exit with 1 if there are no matches, or only null or false"),
        Opt::value("f,front-matter", "HOW", "(extract|process) the first input has YAML front matter"),
        Opt::value("from-file", "FILE", "load the expression from a file"),
        Opt::value("expression", "EXPR", "the expression"),
        Opt::value("I,indent", "N", "indentation of the output (default 2)"),
        Opt::flag("i,inplace", "change the first file in place"),
        Opt::flag("N,no-doc", "no document separators"),
        Opt::flag("0,nul-output", "NUL after each result"),
        Opt::flag("n,null-input", "read no input"),
        Opt::value(
            "o,output-format",
            "FORMAT",
            "auto, yaml, json, props, csv, tsv, xml, toml, base64, uri, shell",
        ),
        Opt::value("p,input-format", "FORMAT", "auto, yaml, json, props, csv, tsv, xml, toml, base64, uri"),
        Opt::flag("P,prettyPrint", "pretty print, as by '... style = \"\"'"),
        Opt::flag("r,unwrapScalar", "scalars without quotes and comments (default for YAML)"),
        Opt::value("s,split-exp", "EXPR", "write each result to a file of this name; $index counts them"),
        Opt::value("csv-separator", "C", "separator of CSV"),
        Opt::value("xml-attribute-prefix", "TEXT", "what names of attributes begin with (+@)"),
        Opt::value("xml-content-name", "TEXT", "the name of an element's own text (+content)"),
        Opt::value("properties-separator", "TEXT", "between keys and values of properties"),
        Opt::flag("M,no-colors", "without colors, as always"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What all of an evaluation is done by.
#[derive(Debug)]
struct Settings {
    indent: usize,
    unwrap: Option<bool>,
    compact: bool,
    csv_separator: u8,
    csv_parse: bool,
    tsv_parse: bool,
    props_separator: String,
    props_brackets: bool,
    shell_separator: String,
    xml: xml::Names,
    no_env: bool,
    no_files: bool,
    fix_merge: bool,
    /// What stands before the first document is kept as it is, rather than as a comment of the first node.
    header: bool,
    /// `\(…)` in strings.
    interpolate: bool,
    /// Bytes that a text may have.
    ceiling: usize,
}

impl From<Fault> for Fail {
    fn from(fault: Fault) -> Fail {
        Fail::Bare(format!("Error: {fault}"), 1)
    }
}

/// Where results go.
struct Printer {
    format: Format,
    job: Job,
    /// The document of the last result.
    last: Option<(u32, u32)>,
    /// What becomes the file that is changed in place.
    held: Option<Vec<u8>>,
    matched: bool,
    count: i64,
}

async fn run(t: &mut Tool) -> Done {
    let (job, settings) = args::read(t).await?;
    let expression = parse::parse(&job.expression, settings.interpolate)?;
    let split = job.split.as_deref().map(|text| parse::parse(text, settings.interpolate)).transpose()?;
    let first_file = job.files.first().map(|name| name.to_str_lossy().into_owned()).unwrap_or_default();
    let by_name = Format::of_file(&first_file);
    let input = job.input.unwrap_or(by_name);
    // Who says what comes in, and not what goes out, gets YAML.
    let format =
        job.output.unwrap_or(if job.input.is_some() || job.null_input { Format::Yaml } else { by_name });
    let held = job.in_place.then(Vec::new);
    let mut yq = Yq {
        tree: Tree::new(settings.ceiling),
        ctx: t.ctx.clone(),
        settings: Rc::new(settings),
        files: Vec::new(),
        evals: 0,
    };
    let mut printer = Printer { format, job, last: None, held, matched: false, count: 0 };
    let mut rest = String::new();
    let mut seen = false;
    let mut together = Vec::new();
    let files = std::mem::take(&mut printer.job.files);
    let mut doc = 0;
    if !printer.job.null_input {
        let header = yq.settings.header;
        for (index, name) in files.iter().enumerate() {
            let mut text = load(t, name).await?;
            if let Some(front) = printer.job.front.filter(|_| index == 0) {
                let (matter, after) = front_matter(&text);
                let (matter, after) = (matter.to_owned(), after.to_owned());
                text = matter;
                if front == Front::Process {
                    rest = after;
                }
            }
            yq.files.push(name.to_str_lossy().into_owned());
            if !printer.job.all {
                yq.tree.clear();
                doc = 0;
            }
            let roots = formats::decode_file(&mut yq, &text, input, index as u32, &mut doc, header)?;
            t.ctx.ticks(1 + text.len() as u32 / 64).await;
            if printer.job.all {
                together.extend(roots);
                continue;
            }
            for root in roots {
                seen = true;
                let scope = Scope::new(vec![root]);
                let results = yq.eval(&expression, &scope).await?;
                printer.print(t, &mut yq, &results, split.as_ref()).await?;
            }
        }
    }
    if printer.job.all && !together.is_empty() {
        seen = true;
        for root in &together {
            yq.tree.m(*root).together = true;
        }
        let scope = Scope::new(together);
        let results = yq.eval(&expression, &scope).await?;
        printer.print(t, &mut yq, &results, split.as_ref()).await?;
    }
    if !seen {
        // Without a document the expression has a null to begin with.
        let root = yq.tree.scalar("!!null", "");
        let scope = Scope::new(vec![root]);
        let results = yq.eval(&expression, &scope).await?;
        let results: Vec<Id> = results
            .into_iter()
            .filter(|id| printer.job.null_input || *id != root || yq.tree.n(root).kind != Kind::Scalar)
            .collect();
        printer.print(t, &mut yq, &results, split.as_ref()).await?;
    }
    if printer.job.front == Some(Front::Process) {
        printer.put(t, rest.as_bytes()).await?;
    }
    if let (Some(held), Some(name)) = (printer.held.take(), files.first()) {
        write_file(t, name, &held).await?;
    }
    if printer.job.exit_status && !printer.matched {
        return Err(Fail::Bare("Error: no matches found".into(), 1));
    }
    Ok(())
}

async fn load(t: &mut Tool, name: &BString) -> Result<String, Fail> {
    let mut bytes = Vec::new();
    let read = match t.open(name).await {
        Ok(mut input) => input.read_to_end(&mut bytes).await,
        Err(error) => Err(error),
    };
    if let Err(error) = read {
        let message = call::lower(error.strerror());
        return Err(Fail::Bare(format!("Error: open {name}: {message}"), 1));
    }
    String::from_utf8(bytes)
        .map_err(|_| Fail::Bare(format!("Error: bad file '{name}': yaml: invalid UTF-8"), 1))
}

async fn write_file(t: &mut Tool, name: &BString, bytes: &[u8]) -> Done {
    let failed = |error: wasmsh_os::Errno| {
        Fail::Bare(format!("Error: open {name}: {}", call::lower(error.strerror())), 1)
    };
    let mut output = t.ctx.create_output(name, false).await.map_err(failed)?;
    output.put(bytes);
    output.flush().await.map_err(failed)
}

/// The YAML before a text, and the text with the line that parts them.
fn front_matter(text: &str) -> (&str, &str) {
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index > 0 && line.trim_end() == "---" {
            return text.split_at(at);
        }
        at += line.len();
    }
    (text, "")
}

impl Printer {
    async fn put(&mut self, t: &mut Tool, bytes: &[u8]) -> Done {
        match &mut self.held {
            Some(held) => held.extend_from_slice(bytes),
            None => {
                t.out.put(bytes);
                t.out.drain().await?;
            }
        }
        Ok(())
    }

    async fn print(
        &mut self,
        t: &mut Tool,
        yq: &mut Yq,
        results: &[Id],
        split: Option<&parse::Expr>,
    ) -> Done {
        yq.tree.check()?;
        for id in results {
            self.matched |= yq.tree.truthy(*id);
            let text = self.text(yq, *id)?;
            t.ctx.ticks(1 + text.len() as u32 / 64).await;
            if let Some(split) = split {
                let index = yq.tree.int(self.count);
                let scope = Scope::new(vec![*id]).with(Rc::from("index"), vec![index]);
                let names = yq.eval(split, &scope).await?;
                let Some(name) = names.first().map(|name| yq.tree.n(*name).value.to_string()) else {
                    return Err(Fault("the split expression has no result".into()).into());
                };
                let extension = self.format.extension();
                let base = name.rsplit('/').next().unwrap_or_default();
                let name = if base.contains('.') { name } else { format!("{name}.{extension}") };
                write_file(t, &BString::from(name), text.as_bytes()).await?;
                self.count += 1;
                continue;
            }
            let node = yq.tree.n(*id);
            let place = (node.file, node.doc);
            let begins = text.starts_with("---\n");
            let parted = self.format == Format::Yaml
                && !self.job.no_docs
                && self.last.is_some_and(|last| last != place);
            self.last = Some(place);
            if parted && !begins {
                self.put(t, b"---\n").await?;
            }
            if self.job.nul {
                self.put(t, text.strip_suffix('\n').unwrap_or(&text).as_bytes()).await?;
                self.put(t, b"\0").await?;
            } else {
                self.put(t, text.as_bytes()).await?;
            }
        }
        Ok(())
    }

    fn text(&self, yq: &mut Yq, id: Id) -> Result<String, Fault> {
        if self.job.pretty {
            formats::prettify(&mut yq.tree, id);
        }
        let node = yq.tree.n(id);
        let unwrap = match self.format {
            Format::Yaml => yq.settings.unwrap != Some(false),
            Format::Json => yq.settings.unwrap == Some(true),
            _ => false,
        };
        let mut text = String::new();
        if let Some(leading) = node.leading.as_deref()
            && self.format == Format::Yaml
        {
            for line in leading.lines() {
                if line.trim_end() == "---" && self.job.no_docs {
                    continue;
                }
                text.push_str(line);
                text.push('\n');
            }
            if node.kind == Kind::Scalar && node.value.is_empty() {
                return Ok(text);
            }
        }
        if unwrap && node.kind == Kind::Scalar {
            text.push_str(&node.value);
            text.push('\n');
            return Ok(text);
        }
        let indent = yq.settings.indent;
        text.push_str(&formats::encode_text(yq, id, self.format, indent)?);
        if !text.ends_with('\n') && !text.is_empty() {
            text.push('\n');
        }
        Ok(text)
    }
}
