//! The command line of `yq`, as Go's `pflag` reads it: `-o json`, `-ojson`, `-o=json`, `--flag=false`.

use bstr::{BString, ByteSlice};

use super::formats::Format;
use super::{Settings, xml};
use crate::{Fail, Tool};

/// What is done with the YAML before a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    Extract,
    Process,
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) all: bool,
    pub(super) expression: String,
    pub(super) files: Vec<BString>,
    pub(super) null_input: bool,
    pub(super) in_place: bool,
    pub(super) exit_status: bool,
    pub(super) no_docs: bool,
    pub(super) nul: bool,
    pub(super) pretty: bool,
    pub(super) input: Option<Format>,
    pub(super) output: Option<Format>,
    pub(super) split: Option<String>,
    pub(super) front: Option<Front>,
}

/// Flags with values: names, and the letter.
const VALUES: [(&str, char); 21] = [
    ("front-matter", 'f'),
    ("from-file", ' '),
    ("expression", ' '),
    ("indent", 'I'),
    ("output-format", 'o'),
    ("input-format", 'p'),
    ("split-exp", 's'),
    ("split-exp-file", ' '),
    ("csv-separator", ' '),
    ("tsv-separator", ' '),
    ("csv-auto-parse", ' '),
    ("tsv-auto-parse", ' '),
    ("xml-attribute-prefix", ' '),
    ("xml-content-name", ' '),
    ("xml-directive-name", ' '),
    ("xml-proc-inst-prefix", ' '),
    ("properties-separator", ' '),
    ("properties-customer-separator", ' '),
    ("shell-key-separator", ' '),
    ("lua-prefix", ' '),
    ("lua-suffix", ' '),
];

/// Flags that are on or off.
const FLAGS: [(&str, char); 28] = [
    ("exit-status", 'e'),
    ("inplace", 'i'),
    ("no-doc", 'N'),
    ("nul-output", '0'),
    ("null-input", 'n'),
    ("prettyPrint", 'P'),
    ("unwrapScalar", 'r'),
    ("colors", 'C'),
    ("no-colors", 'M'),
    ("tojson", 'j'),
    ("verbose", 'v'),
    ("version", 'V'),
    ("help", 'h'),
    ("yaml-compact-seq-indent", 'c'),
    ("header-preprocess", ' '),
    ("string-interpolation", ' '),
    ("properties-array-brackets", ' '),
    ("xml-strict-mode", ' '),
    ("xml-keep-namespace", ' '),
    ("xml-raw-token", ' '),
    ("xml-skip-proc-inst", ' '),
    ("xml-skip-directives", ' '),
    ("yaml-fix-merge-anchor-to-spec", ' '),
    ("security-disable-env-ops", ' '),
    ("security-disable-file-ops", ' '),
    ("lua-globals", ' '),
    ("lua-unquoted", ' '),
    ("debug-node-info", ' '),
];

fn wrong<T>(message: String) -> Result<T, Fail> {
    Err(Fail::Bare(format!("Error: {message}"), 1))
}

fn truth(name: &str, value: Option<&str>) -> Result<bool, Fail> {
    match value {
        None => Ok(true),
        Some("true" | "t" | "T" | "TRUE" | "True" | "1") => Ok(true),
        Some("false" | "f" | "F" | "FALSE" | "False" | "0") => Ok(false),
        Some(value) => wrong(format!(
            "invalid argument \"{value}\" for \"{name}\" flag: strconv.ParseBool: parsing \"{value}\": invalid syntax"
        )),
    }
}

/// All flags with what they were given, and the other arguments.
type Split = (Vec<(&'static str, Option<String>)>, Vec<BString>);

fn flags(arguments: Vec<BString>) -> Result<Split, Fail> {
    let (mut given, mut operands) = (Vec::new(), Vec::new());
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            operands.extend(rest);
            break;
        }
        let text = argument.to_str_lossy().into_owned();
        if let Some(long) = text.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            if let Some((name, _)) = FLAGS.iter().find(|(flag, _)| *flag == name) {
                given.push((*name, value));
            } else if let Some((name, _)) = VALUES.iter().find(|(flag, _)| *flag == name) {
                let value = match value.or_else(|| rest.next().map(|value| value.to_str_lossy().into_owned()))
                {
                    Some(value) => value,
                    None => return wrong(format!("flag needs an argument: --{name}")),
                };
                given.push((*name, Some(value)));
            } else {
                return wrong(format!("unknown flag: --{name}"));
            }
            continue;
        }
        let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            operands.push(argument);
            continue;
        };
        let mut at = letters;
        while let Some(letter) = at.chars().next() {
            at = at.get(letter.len_utf8()..).unwrap_or_default();
            if let Some((name, _)) = FLAGS.iter().find(|(_, flag)| *flag == letter) {
                let value = at.strip_prefix('=').map(str::to_owned);
                if value.is_some() {
                    at = "";
                }
                given.push((*name, value));
            } else if let Some((name, _)) = VALUES.iter().find(|(_, flag)| *flag == letter) {
                let value = if at.is_empty() {
                    rest.next().map(|value| value.to_str_lossy().into_owned())
                } else {
                    Some(at.strip_prefix('=').unwrap_or(at).to_owned())
                };
                let Some(value) = value else {
                    return wrong(format!("flag needs an argument: '{letter}' in -{letters}"));
                };
                given.push((*name, Some(value)));
                at = "";
            } else {
                return wrong(format!("unknown shorthand flag: '{letter}' in -{letters}"));
            }
        }
    }
    Ok((given, operands))
}

async fn text_of(t: &mut Tool, file: &str) -> Result<String, Fail> {
    super::load(t, &BString::from(file)).await
}

fn format(name: &str, way: &str) -> Result<Option<Format>, Fail> {
    match name {
        "auto" | "a" => Ok(None),
        name => match Format::named(name) {
            Some(format) => Ok(Some(format)),
            None => wrong(format!(
                "unknown format '{name}' please use [auto|yaml|json|props|csv|tsv|xml|base64|uri|toml|shell] as {way}"
            )),
        },
    }
}

/// Reads the command line.
pub(super) async fn read(t: &mut Tool) -> Result<(Job, Settings), Fail> {
    let (given, operands) = flags(t.arguments())?;
    let ceiling = usize::try_from(t.ctx.kernel().ceilings().expansion_bytes).unwrap_or(usize::MAX);
    let mut settings = Settings {
        indent: 2,
        unwrap: None,
        compact: false,
        csv_separator: b',',
        csv_parse: true,
        tsv_parse: true,
        props_separator: " = ".into(),
        props_brackets: false,
        shell_separator: "_".into(),
        xml: xml::Names {
            attribute: "+@".into(),
            content: "+content".into(),
            directive: "+directive".into(),
            instruction: "+p_".into(),
            strict: false,
            keep_namespace: true,
            skip_instructions: false,
            skip_directives: false,
        },
        no_env: false,
        no_files: false,
        fix_merge: false,
        header: true,
        interpolate: true,
        ceiling,
    };
    let mut job = Job {
        all: false,
        expression: String::new(),
        files: Vec::new(),
        null_input: false,
        in_place: false,
        exit_status: false,
        no_docs: false,
        nul: false,
        pretty: false,
        input: None,
        output: None,
        split: None,
        front: None,
    };
    let mut expression = None;
    for (name, value) in given {
        let text = value.as_deref().unwrap_or_default();
        let on = || truth(name, value.as_deref());
        match name {
            "exit-status" => job.exit_status = on()?,
            "inplace" => job.in_place = on()?,
            "no-doc" => job.no_docs = on()?,
            "nul-output" => job.nul = on()?,
            "null-input" => job.null_input = on()?,
            "prettyPrint" => job.pretty = on()?,
            "unwrapScalar" => settings.unwrap = Some(on()?),
            "tojson" if !on()? => {}
            "tojson" => job.output = Some(Format::Json),
            "version" => {
                // Whose it is; and in the form that scripts look for, whose language it speaks.
                let own = env!("CARGO_PKG_VERSION");
                let text = format!("yq (wasmsh {own}, speaks https://github.com/mikefarah/yq/) version v4\n");
                t.out.put(text.as_bytes());
                return Err(Fail::Status(0));
            }
            "help" => return Err(Fail::Help),
            "yaml-compact-seq-indent" => settings.compact = on()?,
            "header-preprocess" => settings.header = on()?,
            "string-interpolation" => settings.interpolate = on()?,
            "properties-array-brackets" => settings.props_brackets = on()?,
            "xml-strict-mode" => settings.xml.strict = on()?,
            "xml-keep-namespace" => settings.xml.keep_namespace = on()?,
            "xml-skip-proc-inst" => settings.xml.skip_instructions = on()?,
            "xml-skip-directives" => settings.xml.skip_directives = on()?,
            "yaml-fix-merge-anchor-to-spec" => settings.fix_merge = on()?,
            "security-disable-env-ops" => settings.no_env = on()?,
            "security-disable-file-ops" => settings.no_files = on()?,
            "front-matter" => {
                job.front = Some(match text {
                    "extract" => Front::Extract,
                    "process" => Front::Process,
                    _ => {
                        return wrong(format!(
                            "invalid front matter option '{text}', must be 'extract' or 'process'"
                        ));
                    }
                });
            }
            "from-file" => expression = Some(text_of(t, text).await?),
            "expression" => expression = Some(text.to_owned()),
            "indent" => {
                settings.indent = match text.parse() {
                    Ok(indent) if indent <= 64 => indent,
                    _ => {
                        return wrong(format!(
                            "invalid argument \"{text}\" for \"-I, --indent\" flag: strconv.ParseInt: parsing \"{text}\": invalid syntax"
                        ));
                    }
                }
            }
            "output-format" if matches!(text, "kyaml" | "ky") => {
                return wrong("output format kyaml is not available here".into());
            }
            "output-format" => job.output = format(text, "the output format")?,
            "input-format" => job.input = format(text, "the input format")?,
            "split-exp" => job.split = Some(text.to_owned()),
            "split-exp-file" => job.split = Some(text_of(t, text).await?),
            "csv-separator" => settings.csv_separator = text.bytes().next().unwrap_or(b','),
            "csv-auto-parse" => settings.csv_parse = on()?,
            "tsv-auto-parse" => settings.tsv_parse = on()?,
            "xml-attribute-prefix" => settings.xml.attribute = text.to_owned(),
            "xml-content-name" => settings.xml.content = text.to_owned(),
            "xml-directive-name" => settings.xml.directive = text.to_owned(),
            "xml-proc-inst-prefix" => settings.xml.instruction = text.to_owned(),
            "properties-separator" | "properties-customer-separator" => {
                settings.props_separator = text.to_owned()
            }
            "shell-key-separator" => settings.shell_separator = text.to_owned(),
            // What is there already, said once more.
            "no-colors" => _ = on()?,
            "colors" | "verbose" if !on()? => {}
            "xml-raw-token" if on()? => {}
            name => return wrong(format!("option --{name} is not available here")),
        }
    }
    let mut operands = operands.into_iter().peekable();
    if let Some(word) = operands.peek() {
        let all = matches!(&word[..], b"eval-all" | b"ea");
        if all || matches!(&word[..], b"eval" | b"e") {
            job.all = all;
            operands.next();
        }
    }
    if expression.is_none()
        && let Some(first) = operands.peek()
    {
        let is_file = &first[..] == b"-" || t.ctx.stat(first, true).is_ok_and(|stat| !stat.is_directory());
        if !is_file {
            expression = operands.next().map(|text| text.to_str_lossy().into_owned());
        }
    }
    job.files = operands.collect();
    job.expression = expression.unwrap_or_default();
    if job.in_place && (job.files.is_empty() || job.null_input) {
        return wrong(
            "write in place flag only applicable when giving an expression and at least one file".into(),
        );
    }
    if job.in_place && job.split.is_some() {
        return wrong("write in place cannot be used with split file".into());
    }
    if job.files.is_empty() {
        job.files.push("-".into());
    }
    Ok((job, settings))
}
