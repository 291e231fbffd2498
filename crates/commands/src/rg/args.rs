//! The command line of `rg`, and its configuration file.

use bstr::{BString, ByteSlice};
use ignore::overrides::{Override, OverrideBuilder};
use ignore::types::TypesBuilder;

use super::colors::styles;
use super::encoding::Encoding;
use super::pattern::{self, Pattern};
use super::{Mode, Plan, Sort, is_readable};
use crate::opts::Options;
use crate::tree::Rules;
use crate::{Done, Fail, Opt, Tool};

pub(super) const OPTIONS: &[Opt] = &[
    Opt::value("A,after-context", "NUM", "Show NUM lines after each match."),
    Opt::flag("auto-hybrid-regex", "Use Perl's syntax if the default one cannot."),
    Opt::flag("no-auto-hybrid-regex", ""),
    Opt::value("B,before-context", "NUM", "Show NUM lines before each match."),
    Opt::flag("binary", "Search binary files."),
    Opt::flag("no-binary", ""),
    Opt::flag("block-buffered", "Force block buffering."),
    Opt::flag("no-block-buffered", ""),
    Opt::flag("b,byte-offset", "Print the 0-based byte offset for each matching line."),
    Opt::flag("no-byte-offset", ""),
    Opt::flag("s,case-sensitive", "Search case sensitively (default)."),
    Opt::value("color", "WHEN", "Controls when to use color."),
    Opt::value("colors", "COLOR_SPEC", "Configure color settings and styles."),
    Opt::flag("column", "Show column numbers."),
    Opt::flag("no-column", ""),
    Opt::value("C,context", "NUM", "Show NUM lines before and after each match."),
    Opt::value("context-separator", "SEPARATOR", "Set the context separator string."),
    Opt::flag("no-context-separator", ""),
    Opt::flag("c,count", "Only show the count of matching lines for each file."),
    Opt::flag("count-matches", "Only show the count of individual matches for each file."),
    Opt::flag("crlf", "Support CRLF line terminators."),
    Opt::flag("no-crlf", ""),
    Opt::flag("debug", "Show debug messages."),
    Opt::flag("trace", ""),
    Opt::value("dfa-size-limit", "NUM+SUFFIX?", "The upper size limit of the regex DFA."),
    Opt::value("E,encoding", "ENCODING", "Specify the text encoding of files to search."),
    Opt::flag("no-encoding", ""),
    Opt::value("engine", "ENGINE", "Specify which regexp engine to use."),
    Opt::value("field-context-separator", "SEPARATOR", "Set the field context separator."),
    Opt::value("field-match-separator", "SEPARATOR", "Set the match separator."),
    Opt::value("f,file", "PATTERNFILE", "Search for patterns from the given file."),
    Opt::flag("files", "Print each file that would be searched."),
    Opt::flag("l,files-with-matches", "Only print the paths with at least one match."),
    Opt::flag("files-without-match", "Only print the paths that contain zero matches."),
    Opt::flag("F,fixed-strings", "Treat the pattern as a literal string."),
    Opt::flag("no-fixed-strings", ""),
    Opt::flag("L,follow", "Follow symbolic links."),
    Opt::flag("no-follow", ""),
    Opt::value("g,glob", "GLOB", "Include or exclude files."),
    Opt::flag("glob-case-insensitive", "Process all glob patterns case insensitively."),
    Opt::flag("no-glob-case-insensitive", ""),
    Opt::flag("heading", "Print matches grouped by each file."),
    Opt::flag("no-heading", ""),
    Opt::flag("h,help", ""),
    Opt::flag(".,hidden", "Search hidden files and directories."),
    Opt::flag("no-hidden", ""),
    Opt::value("iglob", "GLOB", "Include or exclude files case insensitively."),
    Opt::flag("i,ignore-case", "Case insensitive search."),
    Opt::value("ignore-file", "PATH", "Specify additional ignore files."),
    Opt::flag("ignore-file-case-insensitive", "Process ignore files case insensitively."),
    Opt::flag("no-ignore-file-case-insensitive", ""),
    Opt::flag("include-zero", "Include files with zero matches in summary"),
    Opt::flag("v,invert-match", "Invert matching."),
    Opt::flag("no-invert-match", ""),
    Opt::flag("json", "Show search results in a JSON Lines format."),
    Opt::flag("no-json", ""),
    Opt::flag("line-buffered", "Force line buffering."),
    Opt::flag("no-line-buffered", ""),
    Opt::flag("n,line-number", "Show line numbers."),
    Opt::flag("N,no-line-number", "Suppress line numbers."),
    Opt::flag("x,line-regexp", "Only show matches surrounded by line boundaries."),
    Opt::value("M,max-columns", "NUM", "Don't print lines longer than this limit."),
    Opt::flag("max-columns-preview", "Print a preview for lines exceeding the limit."),
    Opt::flag("no-max-columns-preview", ""),
    Opt::value("m,max-count", "NUM", "Limit the number of matches."),
    Opt::value("max-depth,maxdepth", "NUM", "Descend at most NUM directories."),
    Opt::value("max-filesize", "NUM+SUFFIX?", "Ignore files larger than NUM in size."),
    Opt::flag("mmap", "Search using memory maps when possible."),
    Opt::flag("no-mmap", ""),
    Opt::flag("U,multiline", "Enable matching across multiple lines."),
    Opt::flag("no-multiline", ""),
    Opt::flag("multiline-dotall", "Make '.' match new lines when multiline is enabled."),
    Opt::flag("no-multiline-dotall", ""),
    Opt::flag("no-config", "Never read configuration files."),
    Opt::flag("I,no-filename", "Never print the file path with the matched lines."),
    Opt::flag("no-ignore", "Don't respect ignore files."),
    Opt::flag("ignore", ""),
    Opt::flag("no-ignore-dot", "Don't respect .ignore files."),
    Opt::flag("ignore-dot", ""),
    Opt::flag("no-ignore-exclude", "Don't respect local exclusion files."),
    Opt::flag("ignore-exclude", ""),
    Opt::flag("no-ignore-files", "Don't respect --ignore-file arguments."),
    Opt::flag("ignore-files", ""),
    Opt::flag("no-ignore-global", "Don't respect global ignore files."),
    Opt::flag("ignore-global", ""),
    Opt::flag("no-ignore-messages", "Suppress gitignore parse error messages."),
    Opt::flag("ignore-messages", ""),
    Opt::flag("no-ignore-parent", "Don't respect ignore files in parent directories."),
    Opt::flag("ignore-parent", ""),
    Opt::flag("no-ignore-vcs", "Don't respect VCS ignore files."),
    Opt::flag("ignore-vcs", ""),
    Opt::flag("no-messages", "Suppress some error messages."),
    Opt::flag("messages", ""),
    Opt::flag("no-pcre2-unicode", ""),
    Opt::flag("pcre2-unicode", ""),
    Opt::flag("no-require-git", "Respect .gitignore files outside of a git repository."),
    Opt::flag("require-git", ""),
    Opt::flag("no-unicode", "Disable Unicode mode."),
    Opt::flag("unicode", ""),
    Opt::flag("0,null", "Print a NUL byte after file paths."),
    Opt::flag("null-data", "Use NUL as a line terminator instead of \\n."),
    Opt::flag("one-file-system", "Do not descend into directories on other file systems."),
    Opt::flag("no-one-file-system", ""),
    Opt::flag("o,only-matching", "Print only matching parts of a line."),
    Opt::flag("passthru,passthrough", "Print both matching and non-matching lines."),
    Opt::value("path-separator", "SEPARATOR", "Set the path separator."),
    Opt::flag("P,pcre2", "Enable Perl's regular expressions."),
    Opt::flag("no-pcre2", ""),
    Opt::flag("pcre2-version", "Print the version of Perl's expressions."),
    Opt::value("pre", "COMMAND", "Search the output of COMMAND FILE for each FILE."),
    Opt::flag("no-pre", ""),
    Opt::value("pre-glob", "GLOB", "Include or exclude files from a preprocessing command."),
    Opt::flag("p,pretty", "Alias for --color always --heading --line-number."),
    Opt::flag("q,quiet", "Do not print anything to stdout."),
    Opt::value("regex-size-limit", "NUM+SUFFIX?", "The upper size limit of the compiled regex."),
    Opt::value("e,regexp", "PATTERN", "A pattern to search for."),
    Opt::value("r,replace", "REPLACEMENT_TEXT", "Replace matches with the given text."),
    Opt::flag("z,search-zip", "Search in compressed files."),
    Opt::flag("no-search-zip", ""),
    Opt::flag("S,smart-case", "Smart case search."),
    Opt::value("sort", "SORTBY", "Sort results in ascending order."),
    Opt::value("sortr", "SORTBY", "Sort results in descending order."),
    Opt::flag("sort-files", ""),
    Opt::flag("no-sort-files", ""),
    Opt::flag("stats", "Print statistics about this search."),
    Opt::flag("no-stats", ""),
    Opt::flag("a,text", "Search binary files as if they were text."),
    Opt::flag("no-text", ""),
    Opt::value("j,threads", "NUM", "The approximate number of threads to use."),
    Opt::flag("trim", "Trim prefixed whitespace from matches."),
    Opt::flag("no-trim", ""),
    Opt::value("t,type", "TYPE", "Only search files matching TYPE."),
    Opt::value("type-add", "TYPE_SPEC", "Add a new glob for a file type."),
    Opt::value("type-clear", "TYPE", "Clear globs for a file type."),
    Opt::flag("type-list", "Show all supported file types."),
    Opt::value("T,type-not", "TYPE", "Do not search files matching TYPE."),
    Opt::flag("u,unrestricted", "Reduce the level of \"smart\" searching."),
    Opt::flag("V", ""),
    Opt::flag("vimgrep", "Show results in vim compatible format."),
    Opt::flag("H,with-filename", "Print the file path with the matched lines."),
    Opt::flag("w,word-regexp", "Only show matches surrounded by word boundaries."),
];

/// What the command line asks for.
pub(super) struct Arguments {
    pub(super) plan: Plan,
    pub(super) rules: Rules,
    pub(super) paths: Vec<BString>,
    /// The current directory is searched, unasked.
    pub(super) implied: bool,
    pub(super) files: bool,
    pub(super) sort: Option<Sort>,
    pub(super) reverse: bool,
    pub(super) types: bool,
}

pub(super) fn bad(message: String) -> Fail {
    Fail::Bare(message, 2)
}

fn number(name: &str, text: &[u8]) -> Result<u64, Fail> {
    let value = text.to_str().ok().and_then(|text| text.parse().ok());
    value.ok_or_else(|| bad(format!("failed to parse \"{}\" as a number for --{name}", text.as_bstr())))
}

fn size(text: &[u8]) -> Result<u64, Fail> {
    let wrong = || {
        bad(format!(
            "invalid size: invalid format for size '{}', which should be a sequence of digits followed by an optional 'K', 'M' or 'G' suffix",
            text.as_bstr()
        ))
    };
    let shift = match text.last() {
        Some(b'K') => 10,
        Some(b'M') => 20,
        Some(b'G') => 30,
        _ => 0,
    };
    let digits = if shift > 0 { text.get(..text.len() - 1).unwrap_or_default() } else { text };
    let value: u64 = digits.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    value.checked_mul(1 << shift).ok_or_else(wrong)
}

fn utf8(text: &BString) -> Result<String, Fail> {
    let wrong =
        || bad("found invalid UTF-8 in pattern (use hex escape sequences to match arbitrary bytes)".into());
    text.to_str().map(ToOwned::to_owned).map_err(|_| wrong())
}

/// A separator, in which escapes like `\t` count.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if *first != b'\\' {
            out.push(*first);
            rest = tail;
            continue;
        }
        let (byte, used) = match tail {
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'r', ..] => (b'\r', 1),
            [b'0', ..] => (0, 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
                (digit(*high) << 4 | digit(*low), 3)
            }
            _ => (b'\\', 0),
        };
        out.push(byte);
        rest = tail.get(used..).unwrap_or_default();
    }
    out
}

/// The arguments of the configuration file, before those of the command line.
async fn with_config(t: &Tool) -> Vec<BString> {
    let given = t.arguments();
    if given.iter().take_while(|word| *word != "--").any(|word| word == "--no-config") {
        return given;
    }
    let Some(file) = t.ctx.env("RIPGREP_CONFIG_PATH").filter(|file| !file.is_empty()) else { return given };
    let Ok(text) = t.ctx.read_file(&file).await else { return given };
    let lines =
        text.lines().map(<[u8]>::trim_ascii).filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    lines.map(BString::from).chain(given).collect()
}

/// Files of patterns, one a line.
async fn patterns_of(t: &Tool, file: &[u8], patterns: &mut Vec<String>) -> Result<(), Fail> {
    let mut text = Vec::new();
    let wrong = |error| bad(super::errno_text(file, error));
    t.open(file).await.map_err(wrong)?.read_to_end(&mut text).await.map_err(wrong)?;
    for line in text.lines() {
        patterns.push(utf8(&line.into())?);
    }
    Ok(())
}

/// `name: glob, glob` for every type.
pub(super) fn type_list(t: &mut Tool, rules: &Rules) -> Done {
    for definition in rules.types.definitions() {
        let globs = definition.globs().join(", ");
        t.out.put(format!("{}: {globs}\n", definition.name()).as_bytes());
    }
    Ok(())
}

/// Reads the command line.
pub(super) async fn read(t: &mut Tool) -> Result<Arguments, Fail> {
    let mut rules = Rules { ignore_files: vec![".rgignore", ".ignore"], ..Rules::default() };
    let mut options = pattern::Options {
        fixed: false,
        perl: false,
        ignore_case: false,
        smart_case: false,
        words: false,
        lines: false,
        multiline: false,
        dot_all: false,
        crlf: false,
        unicode: true,
        terminator: b'\n',
        size_limit: pattern::SIZE_LIMIT,
    };
    let mut patterns: Vec<String> = Vec::new();
    let (mut any_pattern, mut stdin_read) = (false, false);
    let (mut before, mut after, mut context) = (None, None, None);
    let (mut mode, mut count, mut count_matches) = (None, false, false);
    let (mut quiet, mut invert, mut passthru, mut stats, mut json) = (false, false, false, false, false);
    let (mut only_matching, mut each_match, mut byte_offset) = (false, false, false);
    let (mut column, mut line_number, mut with_filename, mut heading) = (None, None, None, None);
    let (mut null, mut trim, mut preview, mut include_zero, mut no_messages) =
        (false, false, false, false, false);
    let (mut most, mut most_columns, mut most_file_size) = (None, None, None);
    let (mut text, mut convert, mut unpack, mut hybrid) = (false, false, false, false);
    let (mut replacement, mut preprocessor, mut color) = (None, None, false);
    let (mut encoding, mut path_separator) = (None, None);
    let mut context_separator = Some(b"--".to_vec());
    let (mut match_separator, mut field_separator) = (b":".to_vec(), b"-".to_vec());
    let (mut files, mut list_types, mut restriction) = (false, false, 0);
    let (mut sort, mut reverse) = (None, false);
    let (mut globs, mut glob_case, mut pre_globs) = (Vec::new(), false, Vec::new());
    let mut color_specs = Vec::new();
    let mut ignore_files = Vec::new();
    let (mut no_dot, mut no_vcs, mut no_files) = (false, false, false);
    let mut types = TypesBuilder::new();
    types.add_defaults();
    let mut dot_all = false;
    let arguments = with_config(t).await;
    let mut given = Options::new(OPTIONS, arguments, false);
    while let Some((name, value)) = given.next()? {
        let value = value.unwrap_or_default();
        match name {
            // Either the one or the others count, whichever came last.
            "A" => (after, context) = (Some(number("after-context", &value)?), None),
            "B" => (before, context) = (Some(number("before-context", &value)?), None),
            "C" => (before, after, context) = (None, None, Some(number("context", &value)?)),
            "auto-hybrid-regex" => hybrid = true,
            "no-auto-hybrid-regex" => hybrid = false,
            "binary" => (convert, text) = (true, false),
            "no-binary" => convert = false,
            "b" => byte_offset = true,
            "no-byte-offset" => byte_offset = false,
            "s" => (options.ignore_case, options.smart_case) = (false, false),
            "i" => (options.ignore_case, options.smart_case) = (true, false),
            "S" => (options.ignore_case, options.smart_case) = (false, true),
            "color" => {
                color = match &value[..] {
                    b"always" | b"ansi" => true,
                    b"never" => false,
                    b"auto" => is_color_terminal(t),
                    _ => {
                        return Err(bad(format!(
                            "'{value}' isn't a valid value for '--color <WHEN>'\n\t[possible values: always, ansi, auto, never]"
                        )));
                    }
                }
            }
            "colors" => color_specs.push(value),
            "column" => column = Some(true),
            "no-column" => column = Some(false),
            "context-separator" => context_separator = Some(unescape(&value)),
            "no-context-separator" => context_separator = None,
            "c" => count = true,
            "count-matches" => count_matches = true,
            "crlf" => (options.crlf, options.terminator) = (true, b'\n'),
            "no-crlf" => options.crlf = false,
            "E" => {
                let name = value.to_str_lossy();
                encoding = Encoding::parse(&name).ok_or_else(|| {
                    bad(format!("unsupported encoding '{name}': auto, none, utf-8, utf-16le, utf-16be and latin1 are known"))
                })?;
            }
            "no-encoding" => encoding = None,
            "engine" => match &value[..] {
                b"default" => (options.perl, hybrid) = (false, false),
                b"pcre2" => (options.perl, hybrid) = (true, false),
                b"auto" => (options.perl, hybrid) = (false, true),
                _ => return Err(bad(format!("unrecognized regex engine '{value}'"))),
            },
            "field-context-separator" => field_separator = unescape(&value),
            "field-match-separator" => match_separator = unescape(&value),
            "f" => {
                stdin_read |= value == "-";
                any_pattern = true;
                patterns_of(t, &value, &mut patterns).await?;
            }
            "files" => files = true,
            "l" => mode = Some(Mode::FilesWith),
            "files-without-match" => mode = Some(Mode::FilesWithout),
            "F" => options.fixed = true,
            "no-fixed-strings" => options.fixed = false,
            "L" => rules.follow = true,
            "no-follow" => rules.follow = false,
            "g" => globs.push((value, false)),
            "iglob" => globs.push((value, true)),
            "glob-case-insensitive" => glob_case = true,
            "no-glob-case-insensitive" => glob_case = false,
            "heading" => heading = Some(true),
            "no-heading" => heading = Some(false),
            "h" => return Err(Fail::Help),
            "." => rules.hidden = true,
            "no-hidden" => rules.hidden = false,
            "ignore-file" => ignore_files.push(value),
            "ignore-file-case-insensitive" => rules.ignore_case = true,
            "no-ignore-file-case-insensitive" => rules.ignore_case = false,
            "include-zero" => include_zero = true,
            "v" => invert = true,
            "no-invert-match" => invert = false,
            "json" => json = true,
            "no-json" => json = false,
            "n" => line_number = Some(true),
            "N" => line_number = Some(false),
            "x" => (options.lines, options.words) = (true, false),
            "w" => (options.words, options.lines) = (true, false),
            "M" => most_columns = Some(number("max-columns", &value)?).filter(|most| *most > 0),
            "max-columns-preview" => preview = true,
            "no-max-columns-preview" => preview = false,
            "m" => most = Some(number("max-count", &value)?),
            "max-depth" => {
                let depth = number("max-depth", &value)?;
                rules.most_depth = usize::try_from(depth).unwrap_or(usize::MAX);
            }
            "max-filesize" => most_file_size = Some(size(&value)?),
            "U" => options.multiline = true,
            "no-multiline" => options.multiline = false,
            "multiline-dotall" => dot_all = true,
            "no-multiline-dotall" => dot_all = false,
            "I" => with_filename = Some(false),
            "H" => with_filename = Some(true),
            "no-ignore" => restriction = restriction.max(1),
            "ignore" => restriction = 0,
            "no-ignore-dot" => no_dot = true,
            "ignore-dot" => no_dot = false,
            "no-ignore-exclude" => rules.git_exclude = false,
            "ignore-exclude" => rules.git_exclude = true,
            "no-ignore-files" => no_files = true,
            "ignore-files" => no_files = false,
            "no-ignore-global" => rules.git_global = false,
            "ignore-global" => rules.git_global = true,
            "no-ignore-parent" => rules.parents = false,
            "ignore-parent" => rules.parents = true,
            "no-ignore-vcs" => no_vcs = true,
            "ignore-vcs" => no_vcs = false,
            "no-messages" => no_messages = true,
            "messages" => no_messages = false,
            "no-require-git" => rules.require_git = false,
            "require-git" => rules.require_git = true,
            "no-unicode" | "no-pcre2-unicode" => options.unicode = false,
            "unicode" | "pcre2-unicode" => options.unicode = true,
            "0" => null = true,
            "null-data" => (options.terminator, options.crlf) = (0, false),
            "one-file-system" => rules.one_filesystem = true,
            "no-one-file-system" => rules.one_filesystem = false,
            "o" => only_matching = true,
            "passthru" => passthru = true,
            "path-separator" => {
                let separator = unescape(&value);
                match &separator[..] {
                    [] => path_separator = None,
                    [byte] => path_separator = Some(*byte),
                    _ => {
                        return Err(bad(format!(
                            "A path separator must be exactly one byte, but the given separator is {} bytes: {value}",
                            separator.len()
                        )));
                    }
                }
            }
            "P" => options.perl = true,
            "no-pcre2" => options.perl = false,
            "pcre2-version" => {
                t.out.put(b"Perl's expressions are matched by fancy-regex; PCRE2 itself is not here\n");
                return Err(Fail::Status(0));
            }
            "pre" => preprocessor = Some(value).filter(|command| !command.is_empty()),
            "no-pre" => preprocessor = None,
            "pre-glob" => pre_globs.push((value, false)),
            "p" => {
                color = true;
                heading = Some(true);
                line_number = Some(true);
            }
            "q" => quiet = true,
            "regex-size-limit" => {
                options.size_limit = usize::try_from(size(&value)?).unwrap_or(usize::MAX);
            }
            "dfa-size-limit" => {
                size(&value)?;
            }
            "e" => {
                any_pattern = true;
                patterns.push(utf8(&value)?);
            }
            "r" => replacement = Some(value.to_vec()),
            "z" => unpack = true,
            "no-search-zip" => unpack = false,
            "sort" | "sortr" => {
                reverse = name == "sortr";
                sort = match &value[..] {
                    b"none" => None,
                    b"path" => Some(Sort::Path),
                    b"modified" => Some(Sort::Modified),
                    b"accessed" => Some(Sort::Accessed),
                    b"created" => Some(Sort::Created),
                    _ => {
                        return Err(bad(format!(
                            "'{value}' isn't a valid value for '--{name} <SORTBY>'\n\t[possible values: accessed, created, modified, none, path]"
                        )));
                    }
                };
                reverse &= sort.is_some();
            }
            "sort-files" => (sort, reverse) = (Some(Sort::Path), false),
            "no-sort-files" => sort = None,
            "stats" => stats = true,
            "no-stats" => stats = false,
            "a" => (text, convert) = (true, false),
            "no-text" => text = false,
            "j" => {
                number("threads", &value)?;
            }
            "trim" => trim = true,
            "no-trim" => trim = false,
            "t" => {
                types.select(&utf8(&value)?);
            }
            "T" => {
                types.negate(&utf8(&value)?);
            }
            "type-add" => {
                types.add_def(&utf8(&value)?).map_err(|error| bad(error.to_string()))?;
            }
            "type-clear" => {
                types.clear(&utf8(&value)?);
            }
            "type-list" => list_types = true,
            "u" => restriction += 1,
            "V" => return Err(Fail::Version),
            "vimgrep" => each_match = true,
            _ => {}
        }
    }
    let mut paths = given.operands();
    if !any_pattern && !files && !list_types {
        if paths.is_empty() {
            let usage = COMMAND_USAGE;
            return Err(bad(format!(
                "error: The following required arguments were not provided:\n    <PATTERN>\n\n{usage}"
            )));
        }
        patterns.push(utf8(&paths.remove(0))?);
    }
    if restriction >= 1 {
        rules.ignore_files.clear();
        (rules.git, rules.parents) = (false, false);
        no_files = true;
    }
    rules.hidden |= restriction >= 2;
    convert |= restriction >= 3;
    if no_vcs {
        rules.git = false;
    }
    if no_dot {
        rules.ignore_files.retain(|name| *name != ".ignore");
    }
    if !no_files {
        rules.explicit = ignore_files;
    }
    rules.overrides = overrides(t, &globs, glob_case)?;
    rules.types = types.build().map_err(|error| bad(error.to_string()))?;
    let preprocessed = overrides(t, &pre_globs, false)?;
    let implied = paths.is_empty() && {
        let reads = !files
            && !stdin_read
            && t.ctx.stat_descriptor(0).is_ok_and(|stat| is_readable(&stat))
            && !t.ctx.is_terminal(0);
        paths.push(if reads { "-" } else { "." }.into());
        !reads
    };
    options.dot_all = dot_all && options.multiline;
    if options.smart_case && options.fixed && patterns.iter().any(|text| text.chars().any(char::is_uppercase))
    {
        options.smart_case = false;
    }
    let pattern = match Pattern::new(&patterns, &options) {
        Ok(pattern) => pattern,
        Err(_) if hybrid => {
            options.perl = true;
            Pattern::new(&patterns, &options).map_err(bad)?
        }
        Err(message) => return Err(bad(message)),
    };
    // A pattern that stays in its line is searched for line by line.
    let multiline = options.multiline && pattern.spans_lines;
    let mode = match mode {
        _ if json => Mode::Json,
        _ if count_matches || count && only_matching => Mode::CountMatches,
        _ if count => Mode::Count,
        Some(mode) => mode,
        None => Mode::Standard,
    };
    let one_file = matches!(&paths[..], [path]
        if path == "-" || t.ctx.stat(path, true).is_ok_and(|stat| !stat.is_directory()) || t.ctx.stat(path, true).is_err());
    let terminal = t.ctx.is_terminal(1);
    let heading = heading.unwrap_or(terminal && !each_match);
    let shows_column = column.unwrap_or(each_match);
    let is_standard = mode == Mode::Standard || mode == Mode::Json;
    let plan = Plan {
        pattern,
        mode,
        quiet,
        invert,
        most,
        before: if is_standard { before.or(context).unwrap_or(0) } else { 0 },
        after: if is_standard { after.or(context).unwrap_or(0) } else { 0 },
        passthru: passthru && is_standard,
        multiline,
        crlf: options.crlf,
        terminator: options.terminator,
        encoding,
        only_matching,
        each_match,
        column: shows_column,
        byte_offset,
        line_number: line_number.unwrap_or(shows_column || json || terminal && paths != ["-"]),
        with_filename: with_filename.unwrap_or(each_match || !one_file),
        heading: heading && !each_match,
        null,
        trim,
        most_columns,
        preview,
        replacement,
        color,
        styles: styles(&color_specs)?,
        context_separator,
        match_separator,
        field_separator,
        path_separator,
        include_zero,
        stats: stats || json,
        no_messages,
        most_file_size,
        text: text || options.terminator == 0,
        convert,
        preprocessor,
        preprocessed,
        unpack,
    };
    Ok(Arguments { plan, rules, paths, implied, files, sort, reverse, types: list_types })
}

const COMMAND_USAGE: &str = "USAGE:\n    rg [OPTIONS] PATTERN [PATH ...]\n    rg [OPTIONS] -e PATTERN ... [PATH ...]\n    \
                             rg [OPTIONS] -f PATTERNFILE ... [PATH ...]\n    rg [OPTIONS] --files [PATH ...]\n    \
                             rg [OPTIONS] --type-list\n\nFor more information try --help";

fn is_color_terminal(t: &Tool) -> bool {
    t.ctx.is_terminal(1)
        && t.ctx.env("TERM").is_some_and(|term| term != "dumb")
        && t.ctx.env("NO_COLOR").is_none()
}

fn overrides(t: &Tool, globs: &[(BString, bool)], ignore_case: bool) -> Result<Override, Fail> {
    if globs.is_empty() {
        return Ok(Override::empty());
    }
    let cwd = t.ctx.cwd();
    let mut builder = OverrideBuilder::new(&*cwd);
    let wrong = |error: ignore::Error| bad(error.to_string());
    for (glob, ignore) in globs {
        builder.case_insensitive(*ignore || ignore_case).map_err(wrong)?;
        builder.add(&utf8(glob)?).map_err(wrong)?;
    }
    builder.build().map_err(wrong)
}
