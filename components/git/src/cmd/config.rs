//! `git config`.

use std::path::PathBuf;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::config::{File, Source};

use crate::error::{Error, Result, fatal, library};
use crate::options::{Takes, parse};
use crate::pattern::Pattern;
use crate::session::Globals;

/// A value of the user's own configuration, for where there is no repository.
pub fn global(globals: &Globals, key: &str) -> Option<BString> {
    let given = globals.overrides.iter().rev().find_map(|text| {
        let (name, value) = text.split_once_str("=").unwrap_or((text, b"true"));
        name.eq_ignore_ascii_case(key.as_bytes()).then(|| BString::from(value))
    });
    given.or_else(|| {
        let places = [Some(PathBuf::from("/etc/gitconfig")), xdg(), home()];
        places.into_iter().flatten().rev().find_map(|path| read(&path, Source::User).ok()?.string(key))
    })
}

fn home() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GIT_CONFIG_GLOBAL") {
        return Some(path.into());
    }
    Some(PathBuf::from(std::env::var_os("HOME")?).join(".gitconfig"))
}

fn xdg() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_CONFIG_HOME") {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".config"),
    };
    Some(base.join("git/config")).filter(|path| path.exists())
}

fn read(path: &std::path::Path, source: Source) -> Result<File> {
    if !path.exists() {
        return Ok(File::new(gix::config::file::Metadata::from(source)));
    }
    File::from_path_no_includes(path.to_owned(), source)
        .map_err(|_| fatal!("bad config line 1 in file {}", path.display()))
}

struct Key {
    section: String,
    subsection: Option<BString>,
    name: String,
}

fn key(text: &BStr) -> Result<Key> {
    let failed = |text: String, status| Err(Error::Failed(text, status));
    let Some(last) = text.rfind_byte(b'.').filter(|at| *at > 0) else {
        return failed(format!("key does not contain a section: {text}"), 2);
    };
    let name = &text[last + 1..];
    if name.is_empty() {
        return failed(format!("key does not contain variable name: {text}"), 2);
    }
    if !name[0].is_ascii_alphabetic()
        || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    {
        return failed(format!("invalid key: {text}"), 1);
    }
    let (section, subsection) = match text[..last].find_byte(b'.') {
        Some(at) => (&text[..at], Some(BString::from(&text[at + 1..last]))),
        None => (&text[..last], None),
    };
    if !section.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
        return failed(format!("invalid key: {text}"), 1);
    }
    Ok(Key {
        section: section.to_str_lossy().into_owned(),
        subsection,
        name: name.to_str_lossy().into_owned(),
    })
}

/// All values, in order, as `key`, value, source, scope.
fn all(file: &File) -> Vec<(BString, Option<BString>, Source)> {
    let mut found = Vec::new();
    for section in file.sections() {
        let header = section.header();
        if header.name() == "gitoxide" {
            // The library's own notes.
            continue;
        }
        let mut base = BString::from(header.name().to_str_lossy().to_lowercase());
        if let Some(sub) = header.subsection_name() {
            base.push(b'.');
            base.extend_from_slice(sub);
        }
        let mut counts: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        for name in section.body().value_names() {
            let name = name.to_string();
            let at = counts.entry(name.to_lowercase()).or_default();
            let values = section.body().values(name.as_str());
            let value = values.get(*at).cloned();
            *at += 1;
            let mut key = base.clone();
            key.push(b'.');
            key.extend_from_slice(name.to_lowercase().as_bytes());
            found.push((key, value, section.meta().source));
        }
    }
    found
}

fn typed(value: BString, kind: Option<&BStr>, name: &BStr) -> Result<BString> {
    let bad = |what: &str| fatal!("bad {what} config value '{value}' for '{name}'");
    Ok(match kind.map(|kind| kind.as_bytes()) {
        Some(b"bool") => match gix::config::Boolean::try_from(value.as_bstr()) {
            Ok(truth) => truth.0.to_string().into(),
            Err(_) => return Err(bad("boolean")),
        },
        Some(b"int") => {
            match gix::config::Integer::try_from(value.as_bstr()).ok().and_then(|number| number.to_decimal())
            {
                Some(number) => number.to_string().into(),
                None => return Err(bad("numeric")),
            }
        }
        Some(b"bool-or-int") => {
            match gix::config::Integer::try_from(value.as_bstr()).ok().and_then(|number| number.to_decimal())
            {
                Some(number) => number.to_string().into(),
                None => return typed(value, Some(b"bool".as_bstr()), name),
            }
        }
        Some(b"path") => match (value.strip_prefix(b"~/"), std::env::var("HOME")) {
            (Some(rest), Ok(home)) => format!("{home}/{}", rest.as_bstr()).into(),
            _ => value,
        },
        _ => value,
    })
}

/// `git config`.
pub fn config(globals: &Globals, arguments: &[BString]) -> Result {
    let mut arguments = arguments.to_vec();
    // The form with words for what to do.
    let mut action = None;
    if let Some(first) = arguments.first()
        && let Some(word) = ["get", "set", "list", "unset", "edit", "rename-section", "remove-section"]
            .iter()
            .find(|word| *word == first)
    {
        action = Some(*word);
        arguments.remove(0);
    }
    let parsed = parse(
        &arguments,
        &[
            ("global", Takes::Nothing),
            ("system", Takes::Nothing),
            ("local", Takes::Nothing),
            ("worktree", Takes::Nothing),
            ("f file", Takes::Value),
            ("get", Takes::Nothing),
            ("get-all all", Takes::Nothing),
            ("get-regexp regexp", Takes::Nothing),
            ("add append", Takes::Nothing),
            ("replace-all", Takes::Nothing),
            ("unset", Takes::Nothing),
            ("unset-all", Takes::Nothing),
            ("rename-section", Takes::Nothing),
            ("remove-section", Takes::Nothing),
            ("l list", Takes::Nothing),
            ("e edit", Takes::Nothing),
            ("type", Takes::Value),
            ("bool", Takes::Nothing),
            ("int", Takes::Nothing),
            ("path", Takes::Nothing),
            ("z null", Takes::Nothing),
            ("name-only", Takes::Nothing),
            ("show-origin", Takes::Nothing),
            ("show-scope", Takes::Nothing),
            ("default", Takes::Value),
            ("includes", Takes::Nothing),
        ],
        "git config [<options>]",
    )?;
    let kind = parsed
        .value("type")
        .or_else(|| parsed.last_of(&["bool", "int", "path"]).map(|kind| kind.as_bytes().as_bstr()));
    let session = globals.discover()?;
    let local = || match &session {
        Some(session) => Ok(session.repo.common_dir().join("config")),
        None => Err(fatal!("--local can only be used inside a git repository")),
    };
    let chosen = if let Some(file) = parsed.value("file") {
        Some((crate::session::to_path(file), Source::Api))
    } else if parsed.has("global") {
        let home = home().ok_or_else(|| fatal!("$HOME not set"))?;
        Some((if home.exists() { home } else { xdg().unwrap_or(home) }, Source::User))
    } else if parsed.has("system") {
        Some((PathBuf::from("/etc/gitconfig"), Source::System))
    } else if parsed.has("local") || parsed.has("worktree") {
        Some((local()?, Source::Local))
    } else {
        None
    };
    let merged = || -> Result<File> {
        if let Some((path, source)) = &chosen {
            return read(path, *source);
        }
        if let Some(session) = &session {
            return Ok(session.repo.config_snapshot().plumbing().clone());
        }
        let mut file = read(&PathBuf::from("/etc/gitconfig"), Source::System)?;
        for path in [xdg(), home()].into_iter().flatten() {
            file.append(read(&path, Source::User)?).map_err(library)?;
        }
        Ok(file)
    };
    let end = if parsed.has("null") { "\0" } else { "\n" };
    let separator = if parsed.has("null") {
        "\n"
    } else if parsed.has("list") || action == Some("list") {
        "="
    } else {
        " "
    };
    let prefix = |source: Source, path: &str| -> String {
        let (scope, kind) = match source {
            Source::System | Source::GitInstallation => ("system", "file"),
            Source::Git | Source::User => ("global", "file"),
            Source::Local | Source::Worktree => ("local", "file"),
            Source::Env | Source::Cli | Source::Api | Source::EnvOverride => ("command", "command line"),
        };
        let mut text = String::new();
        if parsed.has("show-scope") {
            text.push_str(scope);
            text.push('\t');
        }
        if parsed.has("show-origin") {
            text.push_str(&format!("{kind}:{path}\t"));
        }
        text
    };
    let origin = |source: Source| -> String {
        match source {
            Source::User | Source::Git => home().map(|path| path.display().to_string()).unwrap_or_default(),
            Source::System => "/etc/gitconfig".into(),
            Source::Local => ".git/config".into(),
            Source::Api => parsed.value("file").map(ToString::to_string).unwrap_or_default(),
            _ => String::new(),
        }
    };
    let print = |key: &BStr, value: Option<&BString>, source: Source, with_key: bool| -> Result {
        let out = &globals.out;
        out.bytes(prefix(source, &origin(source)))?;
        if with_key {
            out.bytes(key)?;
        }
        if !(with_key && parsed.has("name-only")) {
            match value {
                Some(value) => {
                    if with_key {
                        out.bytes(separator)?;
                    }
                    out.bytes(typed(value.clone(), kind, key)?)?;
                }
                None if !with_key => out.bytes(typed("true".into(), kind, key)?)?,
                None => {}
            }
        }
        out.bytes(end)
    };
    if parsed.has("edit") || action == Some("edit") {
        return Err(Error::Failed("Terminal is dumb, but EDITOR unset".into(), 1));
    }
    if parsed.has("list") || action == Some("list") {
        if let Some((path, _)) = &chosen
            && !path.exists()
        {
            return Err(fatal!("unable to read config file '{}': No such file or directory", path.display()));
        }
        for (key, value, source) in all(&merged()?) {
            print(key.as_bstr(), value.as_ref(), source, true)?;
        }
        return Ok(());
    }
    let rest = &parsed.rest;
    let wrong = || {
        Error::Text(
            "error: wrong number of arguments, should be from 1 to 2\nusage: git config [<options>]\n".into(),
            129,
        )
    };
    if parsed.has("get-regexp") {
        let wanted = rest.first().ok_or_else(wrong)?;
        let pattern = Pattern::new(wanted.as_bstr(), true, false)?;
        let mut any = false;
        for (key, value, source) in all(&merged()?).iter().filter(|(key, ..)| pattern.is_match(key)) {
            any = true;
            print(key.as_bstr(), value.as_ref(), *source, true)?;
        }
        return if any { Ok(()) } else { Err(Error::Status(1)) };
    }
    let edit = |change: &mut dyn FnMut(&mut File) -> Result| -> Result {
        let (path, source) = match &chosen {
            Some(chosen) => chosen.clone(),
            None => match &session {
                Some(_) => (local()?, Source::Local),
                None => return Err(fatal!("not in a git directory")),
            },
        };
        let mut file = read(&path, source)?;
        change(&mut file)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, file.to_bstring()).map_err(|error| {
            Error::Failed(
                format!("could not lock config file {}: {}", path.display(), super::reason(&error)),
                255,
            )
        })
    };
    if action == Some("remove-section") || parsed.has("remove-section") {
        let name = rest.first().ok_or_else(wrong)?;
        return edit(&mut |file| {
            let (section, sub) = section_name(name.as_bstr());
            let mut any = false;
            while file.remove_section(section.as_str(), sub.as_ref().map(|sub| sub.as_bstr())).is_some() {
                any = true;
            }
            if any { Ok(()) } else { Err(fatal!("no such section: {name}")) }
        });
    }
    if action == Some("rename-section") || parsed.has("rename-section") {
        let [old, new] = rest.as_slice() else { return Err(wrong()) };
        return edit(&mut |file| {
            let ((section, sub), (new_section, new_sub)) =
                (section_name(old.as_bstr()), section_name(new.as_bstr()));
            file.rename_section(section.as_str(), sub.as_ref().map(|sub| sub.as_bstr()), new_section, new_sub)
                .map_err(|_| fatal!("no such section: {old}"))
        });
    }
    let name = rest.first().ok_or_else(wrong)?;
    let parts = key(name.as_bstr())?;
    let sub = parts.subsection.as_ref().map(|sub| sub.as_bstr());
    let full: BString = match sub {
        Some(sub) => format!("{}.{sub}.{}", parts.section.to_lowercase(), parts.name.to_lowercase()),
        None => format!("{}.{}", parts.section.to_lowercase(), parts.name.to_lowercase()),
    }
    .into();
    if parsed.has("unset") || parsed.has("unset-all") || action == Some("unset") {
        return edit(&mut |file| {
            let count = file
                .raw_values_by(parts.section.as_str(), sub, parts.name.as_str())
                .map_or(0, |values| values.len());
            if count == 0 {
                return Err(Error::Status(5));
            }
            if count > 1 && !parsed.has("unset-all") && !parsed.has("get-all") {
                return Err(Error::Text(format!("warning: {full} has multiple values\n"), 5));
            }
            if let Ok(mut values) = file.raw_values_mut_by(parts.section.as_str(), sub, parts.name.as_str()) {
                values.delete_all();
            }
            drop_empty(file, &parts.section, sub);
            Ok(())
        });
    }
    let value = rest.get(1).cloned();
    let setting = action == Some("set") || parsed.has("add") || parsed.has("replace-all");
    if (value.is_none() || parsed.has("get") || parsed.has("get-all") || action == Some("get")) && !setting {
        let file = merged()?;
        let found: Vec<_> = all(&file).into_iter().filter(|(key, ..)| *key == full).collect();
        let shown: Vec<_> =
            if parsed.has("get-all") { found } else { found.into_iter().next_back().into_iter().collect() };
        if shown.is_empty() {
            if let Some(default) = parsed.value("default") {
                return print(full.as_bstr(), Some(&default.to_owned()), Source::Cli, false);
            }
            return Err(Error::Status(1));
        }
        for (key, value, source) in &shown {
            print(key.as_bstr(), value.as_ref(), *source, false)?;
        }
        return Ok(());
    }
    let Some(value) = value else { return Err(wrong()) };
    let value =
        if kind.is_some_and(|kind| kind == "path") { value } else { typed(value, kind, name.as_bstr())? };
    edit(&mut |file| {
        let count = file
            .raw_values_by(parts.section.as_str(), sub, parts.name.as_str())
            .map_or(0, |values| values.len());
        if parsed.has("add") {
            let mut section = file.section_mut_or_create_new(parts.section.as_str(), sub).map_err(library)?;
            section.push(parts.name.as_str(), Some(value.as_bstr())).map_err(library)?;
            return Ok(());
        }
        if count > 1 && !parsed.has("replace-all") && !parsed.has("get-all") {
            return Err(Error::Text(
                format!(
                    "warning: {full} has multiple values\nerror: cannot overwrite multiple values with a single value\n       \
                     Use a regexp, --add or --replace-all to change {name}.\n"
                ),
                5,
            ));
        }
        if count > 1
            && let Ok(mut values) = file.raw_values_mut_by(parts.section.as_str(), sub, parts.name.as_str())
        {
            values.delete_all();
        }
        file.set_raw_value_by(parts.section.as_str(), sub, parts.name.clone(), value.as_bstr())
            .map_err(library)?;
        Ok(())
    })
}

fn section_name(text: &BStr) -> (String, Option<BString>) {
    match text.find_byte(b'.') {
        Some(at) => (text[..at].to_str_lossy().into_owned(), Some(text[at + 1..].into())),
        None => (text.to_str_lossy().into_owned(), None),
    }
}

/// Removes a section that holds nothing any more.
fn drop_empty(file: &mut File, section: &str, sub: Option<&BStr>) {
    let empty = file.section(section, sub).is_ok_and(|section| section.body().value_names().next().is_none());
    if empty {
        file.remove_section(section, sub);
    }
}
