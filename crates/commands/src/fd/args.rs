//! The command line of `fd`.

use bstr::{BString, ByteSlice};
use ignore::overrides::OverrideBuilder;
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use wasmsh_os::Timestamp;

use super::colors::Colors;
use super::template::Template;
use super::{Action, Kinds, Owner, Plan, Size};
use crate::opts::Options;
use crate::tree::Rules;
use crate::users::Users;
use crate::{Fail, Opt, Tool};

pub(super) const OPTIONS: &[Opt] = &[
    Opt::flag("H,hidden", "Search hidden files and directories"),
    Opt::flag("no-hidden", ""),
    Opt::flag("I,no-ignore", "Do not respect .(git|fd)ignore files"),
    Opt::flag("ignore", ""),
    Opt::flag("no-ignore-vcs", "Do not respect .gitignore files"),
    Opt::flag("ignore-vcs", ""),
    Opt::flag("no-require-git", "Respect .gitignore files outside of a git repository"),
    Opt::flag("require-git", ""),
    Opt::flag("no-ignore-parent", "Do not respect ignore files in parent directories"),
    Opt::flag("no-global-ignore-file", "Do not respect the global ignore file"),
    Opt::flag("u,unrestricted", "Unrestricted search, alias for '--no-ignore --hidden'"),
    Opt::flag("s,case-sensitive", "Case-sensitive search (default: smart case)"),
    Opt::flag("i,ignore-case", "Case-insensitive search (default: smart case)"),
    Opt::flag("g,glob", "Glob-based search (default: regular expression)"),
    Opt::flag("regex", "Regular-expression based search (default)"),
    Opt::flag("F,fixed-strings,literal", "Treat pattern as literal string instead of regex"),
    Opt::value("and", "pattern", "Additional search patterns that need to be matched"),
    Opt::flag("a,absolute-path", "Show absolute instead of relative paths"),
    Opt::flag("relative-path", ""),
    Opt::flag("l,list-details", "Use a long listing format with file metadata"),
    Opt::flag("L,follow,dereference", "Follow symbolic links"),
    Opt::flag("no-follow", ""),
    Opt::flag("p,full-path", "Search full abs. path (default: filename only)"),
    Opt::flag("0,print0", "Separate search results by the null character"),
    Opt::value("d,max-depth,maxdepth", "depth", "Set maximum search depth (default: none)"),
    Opt::value("min-depth", "depth", "Only show search results starting at the given depth."),
    Opt::value("exact-depth", "depth", "Only show search results at the exact given depth"),
    Opt::value("E,exclude", "pattern", "Exclude entries that match the given glob pattern"),
    Opt::flag("prune", "Do not traverse into directories that match the search criteria"),
    Opt::value(
        "t,type",
        "filetype",
        "Filter by type: file (f), directory (d), symlink (l), executable (x), empty (e), socket (s), pipe (p)",
    ),
    Opt::value("e,extension", "ext", "Filter by file extension"),
    Opt::value("S,size", "size", "Limit results based on the size of files"),
    Opt::value(
        "changed-within,change-newer-than,newer,changed-after",
        "date|dur",
        "Filter by file modification time (newer than)",
    ),
    Opt::value(
        "changed-before,change-older-than,older",
        "date|dur",
        "Filter by file modification time (older than)",
    ),
    Opt::value("o,owner", "user:group", "Filter by owning user and/or group"),
    Opt::value("x,exec", "cmd", "Execute a command for each search result"),
    Opt::value("X,exec-batch", "cmd", "Execute a command with all search results at once"),
    Opt::value("batch-size", "size", "Max number of arguments to run as a batch size with -X"),
    Opt::value("ignore-file", "path", "Add a custom ignore-file in '.gitignore' format"),
    Opt::value("c,color", "when", "When to use colors: auto, always, never"),
    Opt::value("j,threads", "num", "Set number of threads"),
    Opt::value("max-results", "count", "Limit the number of search results"),
    Opt::flag("1", "Limit search to a single result"),
    Opt::flag("q,quiet,has-results", "Print nothing, exit code 0 if match found, 1 otherwise"),
    Opt::flag("show-errors", "Show filesystem errors"),
    Opt::value("base-directory", "path", "Change current working directory"),
    Opt::value("path-separator", "separator", "Set path separator when printing file paths"),
    Opt::value(
        "search-path",
        "search-path",
        "Provides paths to search as an alternative to the positional path argument",
    ),
    Opt::flag("strip-cwd-prefix", "strip './' prefix from -0/--print0 output"),
    Opt::flag("one-file-system,mount,xdev", "By default, fd will traverse other file systems"),
    Opt::value("max-buffer-time", "milliseconds", ""),
    Opt::flag("h,help", ""),
    Opt::flag("V", ""),
];

/// What the command line asks for.
pub(super) struct Arguments {
    pub(super) plan: Plan,
    pub(super) rules: Rules,
    pub(super) paths: Vec<BString>,
    /// The current directory is searched, unasked.
    pub(super) implied: bool,
    /// Paths are handed on with `./` before them.
    pub(super) prefix: bool,
}

/// A wrong option, as the parser of fd tells it.
fn wrong(message: String) -> Fail {
    Fail::Bare(format!("error: {message}\n\nFor more information try '--help'"), 2)
}

/// Something wrong that is found later.
fn bad(message: String) -> Fail {
    Fail::Bare(format!("[fd error]: {message}"), 1)
}

fn count(name: &str, text: &[u8]) -> Result<usize, Fail> {
    let value = text.to_str().ok().and_then(|text| text.parse().ok());
    value.ok_or_else(|| {
        wrong(format!("Invalid value '{}' for '--{name}': invalid digit found in string", text.as_bstr()))
    })
}

/// A command, and whether it gets all files at once.
type Given = (Vec<BString>, bool);

/// Takes the commands of `-x` and `-X`, which go on to a `;` or the end, out of the arguments.
fn take_commands(arguments: Vec<BString>) -> (Vec<BString>, Vec<Given>) {
    let mut rest = Vec::new();
    let mut commands: Vec<Given> = Vec::new();
    let mut iterator = arguments.into_iter();
    // The letters that may stand before an x in one word.
    let flags = b"HIusigFalLp01q";
    while let Some(word) = iterator.next() {
        if word == "--" {
            rest.push(word);
            rest.extend(iterator);
            break;
        }
        let (batch, first) = match &word[..] {
            b"--exec" => (false, None),
            b"--exec-batch" => (true, None),
            long if long.starts_with(b"--exec=") => (false, long.get(7..).map(BString::from)),
            long if long.starts_with(b"--exec-batch=") => (true, long.get(13..).map(BString::from)),
            [b'-', letters @ ..] if !letters.starts_with(b"-") => {
                let before = letters.iter().take_while(|letter| flags.contains(letter)).count();
                match letters.get(before) {
                    Some(letter @ (b'x' | b'X')) => {
                        if before > 0 {
                            let mut kept = BString::from("-");
                            kept.extend_from_slice(letters.get(..before).unwrap_or_default());
                            rest.push(kept);
                        }
                        let attached = letters.get(before + 1..).filter(|text| !text.is_empty());
                        (*letter == b'X', attached.map(BString::from))
                    }
                    _ => {
                        rest.push(word);
                        continue;
                    }
                }
            }
            _ => {
                rest.push(word);
                continue;
            }
        };
        let mut words: Vec<BString> = first.into_iter().collect();
        for word in iterator.by_ref() {
            if word == ";" {
                break;
            }
            words.push(word);
        }
        commands.push((words, batch));
    }
    (rest, commands)
}

fn size(text: &[u8]) -> Option<Size> {
    let (sign, rest) = match text {
        [sign @ (b'+' | b'-'), rest @ ..] => (Some(*sign), rest),
        _ => (None, text),
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = rest.split_at(digits);
    let number: u64 = number.to_str().ok()?.parse().ok()?;
    let unit: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"b" => 1,
        b"k" | b"kb" => 1000,
        b"m" | b"mb" => 1_000_000,
        b"g" | b"gb" => 1_000_000_000,
        b"t" | b"tb" => 1_000_000_000_000,
        b"ki" | b"kib" => 1 << 10,
        b"mi" | b"mib" => 1 << 20,
        b"gi" | b"gib" => 1 << 30,
        b"ti" | b"tib" => 1 << 40,
        _ => return None,
    };
    let bytes = number.checked_mul(unit)?;
    Some(match sign {
        Some(b'+') => Size::AtLeast(bytes),
        Some(_) => Size::AtMost(bytes),
        None => Size::Exactly(bytes),
    })
}

/// A duration such as `2weeks 3d`, in nanoseconds.
fn duration(text: &str) -> Option<i128> {
    let mut rest = text.trim();
    let mut total = 0i128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        let behind = behind.trim_start();
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        let second = 1_000_000_000i128;
        let unit = match unit {
            "nanos" | "nsec" | "ns" => 1,
            "usec" | "us" => 1000,
            "millis" | "msec" | "ms" => 1_000_000,
            "seconds" | "second" | "secs" | "sec" | "s" => second,
            "minutes" | "minute" | "min" | "mins" | "m" => 60 * second,
            "hours" | "hour" | "hrs" | "hr" | "h" => 3600 * second,
            "days" | "day" | "d" => 86_400 * second,
            "weeks" | "week" | "w" => 7 * 86_400 * second,
            "months" | "month" | "M" => 2_630_016 * second,
            "years" | "year" | "y" => 31_557_600 * second,
            _ => return None,
        };
        total = total.checked_add(i128::from(number.parse::<u64>().ok()?).checked_mul(unit)?)?;
        rest = behind.trim_start();
    }
    Some(total)
}

/// A point in time: a duration ago, or a date.
fn moment(t: &Tool, text: &BString) -> Result<Timestamp, Fail> {
    let invalid = || bad(format!("'{text}' is not a valid date or duration. See 'fd --help'."));
    let now = t.ctx.now();
    let word = text.to_str().map_err(|_| invalid())?;
    if let Some(ago) = duration(word) {
        let nanoseconds = now.as_nanos() - ago;
        let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).map_err(|_| invalid())?;
        let nanoseconds = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).map_err(|_| invalid())?;
        return Ok(Timestamp { seconds, nanoseconds });
    }
    // A date begins with its year.
    if !word.starts_with(|letter: char| letter.is_ascii_digit()) || !word.contains('-') {
        return Err(invalid());
    }
    crate::date_parse::parse(text, now, &crate::time::zone(&t.ctx)).ok_or_else(invalid)
}

async fn owner(t: &Tool, text: &BString) -> Result<(Option<Owner>, Option<Owner>), Fail> {
    let users = Users::load(&t.ctx).await;
    let mut parts = text.splitn_str(2, ":");
    let one = |part: Option<&[u8]>, group: bool| -> Result<Option<Owner>, Fail> {
        let part = part.unwrap_or_default();
        let (negated, name) = match part.strip_prefix(b"!") {
            Some(name) => (true, name),
            None => (false, part),
        };
        if name.is_empty() {
            return Ok(None);
        }
        let number = name.to_str().ok().and_then(|name| name.parse().ok());
        let id = number.or_else(|| {
            if group {
                users.group(name).map(|group| group.gid)
            } else {
                users.user(name).map(|user| user.uid)
            }
        });
        let what = if group { "group" } else { "user" };
        let id = id.ok_or_else(|| {
            wrong(format!(
                "Invalid value '{text}' for '--owner <user:group>': '{}' is not a recognized {what} name",
                name.as_bstr()
            ))
        })?;
        Ok(Some(if negated { Owner::IsNot(id) } else { Owner::Is(id) }))
    };
    let user = one(parts.next(), false)?;
    let group = one(parts.next(), true)?;
    Ok((user, group))
}

fn regex(pattern: &str, ignore_case: bool) -> Result<Regex, Fail> {
    let syntax = syntax::Config::new().utf8(false).case_insensitive(ignore_case).dot_matches_new_line(true);
    meta::Builder::new()
        .syntax(syntax)
        .configure(meta::Config::new().utf8_empty(false))
        .build(pattern)
        .map_err(|error| {
            let reason = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
            bad(format!(
                "{reason}\n\nNote: You can use the '--fixed-strings' option to search for a literal string instead of a \
                 regular expression. Alternatively, you can also use the '--glob' option to match on a glob pattern."
            ))
        })
}

/// Reads the command line.
pub(super) async fn read(t: &mut Tool) -> Result<Arguments, Fail> {
    let (arguments, commands) = take_commands(t.arguments());
    let mut rules = Rules { ignore_files: vec![".fdignore", ".ignore"], ..Rules::default() };
    let (mut no_ignore, mut no_vcs, mut no_global) = (0u32, false, false);
    let (mut ignore_case, mut case_sensitive) = (false, false);
    let (mut glob, mut fixed, mut full_path) = (false, false, false);
    let mut more_patterns: Vec<BString> = Vec::new();
    let (mut absolute, mut list, mut null, mut prune, mut quiet) = (false, false, false, false, false);
    let (mut least_depth, mut most_results, mut batch_size) = (0, usize::MAX, 0);
    let (mut excluded, mut extensions, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    let mut kinds = Kinds::default();
    let (mut after, mut before) = (Vec::new(), Vec::new());
    let (mut user, mut group) = (None, None);
    let (mut color, mut show_errors, mut strip) = (false, false, false);
    let (mut base_directory, mut path_separator) = (None, None);
    let mut search_paths: Vec<BString> = Vec::new();
    let mut given = Options::new(OPTIONS, arguments, false);
    while let Some((name, value)) = given.next()? {
        let value = value.unwrap_or_default();
        match name {
            "H" => rules.hidden = true,
            "no-hidden" => rules.hidden = false,
            "I" => no_ignore += 1,
            "ignore" => no_ignore = 0,
            "no-ignore-vcs" => no_vcs = true,
            "ignore-vcs" => no_vcs = false,
            "no-require-git" => rules.require_git = false,
            "require-git" => rules.require_git = true,
            "no-ignore-parent" => rules.parents = false,
            "no-global-ignore-file" => no_global = true,
            "u" => {
                no_ignore += 1;
                rules.hidden = true;
            }
            "s" => (case_sensitive, ignore_case) = (true, false),
            "i" => (case_sensitive, ignore_case) = (false, true),
            "g" => (glob, fixed) = (true, false),
            "regex" => (glob, fixed) = (false, false),
            "F" => (fixed, glob) = (true, false),
            "and" => more_patterns.push(value),
            "a" => absolute = true,
            "relative-path" => absolute = false,
            "l" => list = true,
            "L" => rules.follow = true,
            "no-follow" => rules.follow = false,
            "p" => full_path = true,
            "0" => null = true,
            "d" => rules.most_depth = count("max-depth <depth>", &value)?,
            "min-depth" => least_depth = count("min-depth <depth>", &value)?,
            "exact-depth" => {
                least_depth = count("exact-depth <depth>", &value)?;
                rules.most_depth = least_depth;
            }
            "E" => excluded.push(value),
            "prune" => prune = true,
            "t" => match &value[..] {
                b"f" | b"file" => kinds.files = true,
                b"d" | b"directory" => kinds.directories = true,
                b"l" | b"symlink" => kinds.links = true,
                b"x" | b"executable" => (kinds.executables, kinds.files) = (true, true),
                b"e" | b"empty" => kinds.empty = true,
                b"s" | b"socket" => kinds.sockets = true,
                b"p" | b"pipe" => kinds.pipes = true,
                _ => {
                    return Err(wrong(format!(
                        "'{value}' isn't a valid value for '--type <filetype>'\n  [possible values: file, directory, symlink, executable, empty, socket, pipe]"
                    )));
                }
            },
            "e" => extensions.push(value.trim_start_with(|letter| letter == '.').to_str_lossy().into_owned()),
            "S" => {
                sizes.push(size(&value).ok_or_else(|| {
                    wrong(format!(
                        "Invalid value '{value}' for '--size <size>': '{value}' is not a valid size constraint. See 'fd --help'."
                    ))
                })?)
            }
            "changed-within" => after.push(moment(t, &value)?),
            "changed-before" => before.push(moment(t, &value)?),
            "o" => (user, group) = owner(t, &value).await?,
            "batch-size" => batch_size = count("batch-size <size>", &value)?,
            "ignore-file" => rules.explicit.push(value),
            "c" => {
                color = match &value[..] {
                    b"always" => true,
                    b"never" => false,
                    b"auto" => t.ctx.is_terminal(1) && t.ctx.env("NO_COLOR").is_none(),
                    _ => {
                        return Err(wrong(format!(
                            "'{value}' isn't a valid value for '--color <when>'\n  [possible values: auto, always, never]"
                        )));
                    }
                }
            }
            "j" if count("threads <num>", &value)? == 0 => {
                return Err(wrong("Invalid value '0' for '--threads <num>': must be at least 1".into()));
            }
            "max-results" => {
                most_results = match count("max-results <count>", &value)? {
                    0 => usize::MAX,
                    most => most,
                };
            }
            "1" => most_results = 1,
            "q" => quiet = true,
            "show-errors" => show_errors = true,
            "base-directory" => base_directory = Some(value),
            "path-separator" => path_separator = Some(value),
            "search-path" => search_paths.push(value),
            "strip-cwd-prefix" => strip = true,
            "one-file-system" => rules.one_filesystem = true,
            "h" => return Err(Fail::Help),
            "V" => return Err(Fail::Version),
            _ => {}
        }
    }
    let mut operands = given.operands();
    if let Some(directory) = base_directory {
        let is_directory = t.ctx.stat(&directory, true).is_ok_and(|stat| stat.is_directory());
        if !is_directory {
            return Err(bad(format!("The '--base-directory' path '{directory}' is not a directory.")));
        }
        let path = t.ctx.canonicalize(&directory).map_err(|error| bad(error.strerror().to_owned()))?;
        t.ctx.set_cwd(path.as_str());
    }
    let pattern = if operands.is_empty() { BString::default() } else { operands.remove(0) };
    let implied = operands.is_empty() && search_paths.is_empty();
    let mut paths = if search_paths.is_empty() { operands } else { search_paths };
    if implied {
        paths.push(".".into());
    } else {
        let mut valid = Vec::new();
        for path in paths {
            if t.ctx.stat(&path, true).is_ok_and(|stat| stat.is_directory()) {
                valid.push(path);
            } else {
                super::say(t, &format!("Search path '{path}' is not a directory.")).await?;
            }
        }
        if valid.is_empty() {
            return Err(bad("No valid search paths given.".into()));
        }
        paths = valid;
    }
    if !full_path
        && pattern.contains(&b'/')
        && t.ctx.stat(&pattern, true).is_ok_and(|stat| stat.is_directory())
    {
        return Err(bad(format!(
            "The search pattern '{pattern}' contains a path-separation character ('/') and will not lead to any search results.\n\n\
             If you want to search for all files inside the '{pattern}' directory, use a match-all pattern:\n\n  fd . '{pattern}'\n\n\
             Instead, if you want your pattern to match the full file path, use:\n\n  fd --full-path '{pattern}'"
        )));
    }
    let mut texts = Vec::new();
    for pattern in std::iter::once(&pattern).chain(&more_patterns) {
        let text = pattern.to_str().map_err(|_| bad("The pattern is not valid UTF-8".into()))?;
        texts.push(if glob && !text.is_empty() {
            let glob = globset::GlobBuilder::new(text).literal_separator(true).build();
            glob.map_err(|error| bad(error.to_string()))?.regex().to_owned()
        } else if fixed {
            regex_syntax::escape(text)
        } else {
            text.to_owned()
        });
    }
    let capital = texts.iter().any(|text| crate::rg::has_capital(text));
    let ignore_case = ignore_case || !case_sensitive && !capital;
    let patterns = texts.iter().map(|text| regex(text, ignore_case)).collect::<Result<Vec<_>, _>>()?;
    let extensions = if extensions.is_empty() {
        None
    } else {
        let any: Vec<String> = extensions.iter().map(|text| regex_syntax::escape(text)).collect();
        Some(regex(&format!(r".\.(?:{})$", any.join("|")), true)?)
    };
    if kinds.empty && !kinds.files && !kinds.directories {
        (kinds.files, kinds.directories) = (true, true);
    }
    if no_ignore > 0 {
        rules.ignore_files.clear();
        (rules.git, rules.parents) = (false, false);
        no_global = true;
    }
    rules.git &= !no_vcs;
    if !no_global {
        let home = t.ctx.env("HOME").unwrap_or_default();
        let config = t.ctx.env("XDG_CONFIG_HOME").filter(|path| !path.is_empty());
        let config = config.unwrap_or_else(|| crate::path::join(&home, b".config"));
        let file = crate::path::join(&config, b"fd/ignore");
        if t.ctx.stat(&file, true).is_ok_and(|stat| stat.is_regular()) {
            rules.explicit.insert(0, file);
        }
    }
    if !excluded.is_empty() {
        let cwd = t.ctx.cwd();
        let mut builder = OverrideBuilder::new(&*cwd);
        for glob in &excluded {
            builder
                .add(&format!("!{}", glob.to_str_lossy()))
                .map_err(|error| bad(format!("Malformed exclude pattern: {error}")))?;
        }
        rules.overrides = builder.build().map_err(|_| bad("Mismatch in exclude patterns".into()))?;
    }
    let action = action(commands, list, batch_size)?;
    let colors = color.then(|| Colors::new(&t.ctx.environment()));
    let prefix = implied && !strip && (null || !matches!(action, Action::Print));
    let plan = Plan {
        patterns,
        full_path,
        extensions,
        kinds,
        sizes,
        after,
        before,
        user,
        group,
        least_depth,
        most_results,
        absolute,
        null,
        quiet,
        prune,
        show_errors,
        path_separator,
        colors,
        action,
    };
    Ok(Arguments { plan, rules, paths, implied, prefix })
}

fn action(commands: Vec<Given>, list: bool, batch_size: usize) -> Result<Action, Fail> {
    if list {
        let words = ["ls", "-l", "--human-readable", "--directory", "--color=never"].map(BString::from);
        return Ok(Action::Batch(vec![Template::new(&words, true)], batch_size));
    }
    let Some((_, batch)) = commands.first() else { return Ok(Action::Print) };
    let batch = *batch;
    if commands.iter().any(|(_, other)| *other != batch) {
        return Err(wrong(
            "The argument '--exec <cmd>...' cannot be used with '--exec-batch <cmd>...'".into(),
        ));
    }
    let mut templates = Vec::new();
    for (words, _) in &commands {
        if words.is_empty() {
            let name = if batch { "exec-batch" } else { "exec" };
            return Err(wrong(format!(
                "The argument '--{name} <cmd>...' requires a value but none was supplied"
            )));
        }
        let template = Template::new(words, batch);
        if batch && template.places() > 1 {
            return Err(wrong("Only one placeholder allowed for batch commands".into()));
        }
        if batch && template.begins_with_place() {
            return Err(wrong("First argument of exec-batch is expected to be a fixed executable".into()));
        }
        templates.push(template);
    }
    Ok(if batch { Action::Batch(templates, batch_size) } else { Action::Execute(templates) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations() {
        assert_eq!(size(b"+10k"), Some(Size::AtLeast(10_000)));
        assert_eq!(size(b"-1Ki"), Some(Size::AtMost(1024)));
        assert_eq!(size(b"7b"), Some(Size::Exactly(7)));
        assert_eq!(size(b"7"), None);
        assert_eq!(duration("1h 30min"), Some(5_400_000_000_000));
        assert_eq!(duration("soon"), None);
    }

    #[test]
    fn commands_end_at_a_semicolon() {
        let words = |text: &str| text.split(' ').map(BString::from).collect::<Vec<_>>();
        let (rest, commands) = take_commands(words("-Hx a {} ; p -X b c"));
        assert_eq!(rest, words("-H p"));
        assert_eq!(commands, [(words("a {}"), false), (words("b c"), true)]);
    }
}
