//! `git init`.

use std::fs;
use std::path::{Path, PathBuf};

use gix::bstr::{BString, ByteSlice};

use super::config;
use crate::error::{Result, fatal};
use crate::options::{Takes, parse};
use crate::session::Globals;

const HINT: &str = "\
hint: Using 'master' as the name for the initial branch. This default branch name
hint: is subject to change. To configure the initial branch name to use in all
hint: of your new repositories, which will suppress this warning, call:
hint:
hint: \tgit config --global init.defaultBranch <name>
hint:
hint: Names commonly chosen instead of 'master' are 'main', 'trunk' and
hint: 'development'. The just-created branch can be renamed via this command:
hint:
hint: \tgit branch -m <name>
";

/// `git init`.
pub fn init(globals: &Globals, arguments: &[BString]) -> Result {
    let parsed = parse(
        arguments,
        &[
            ("bare", Takes::Nothing),
            ("q quiet", Takes::Nothing),
            ("b initial-branch", Takes::Value),
            ("template", Takes::Value),
            ("object-format", Takes::Value),
        ],
        "git init [-q | --quiet] [--bare] [-b <branch-name> | --initial-branch=<branch-name>] [<directory>]",
    )?;
    if let Some(format) = parsed.value("object-format")
        && format != "sha1"
    {
        return Err(fatal!("unknown hash algorithm '{format}'"));
    }
    let place = match parsed.rest.first() {
        Some(folder) => crate::session::to_path(folder.as_bstr()),
        None => PathBuf::from("."),
    };
    fs::create_dir_all(&place)
        .map_err(|error| fatal!("cannot mkdir {}: {}", place.display(), super::reason(&error)))?;
    let bare = parsed.has("bare");
    let git_dir = if bare { place } else { place.join(".git") };
    let chosen = parsed.value("initial-branch").map(ToOwned::to_owned);
    if let Some(name) = &chosen
        && !crate::refs::is_valid(name.as_bstr())
    {
        return Err(fatal!("invalid initial branch name: '{name}'"));
    }
    let existed = create(globals, &git_dir, bare, chosen, !parsed.has("quiet"))?;
    if !parsed.has("quiet") {
        let mut shown = fs::canonicalize(&git_dir)?.display().to_string();
        if !shown.ends_with('/') {
            shown.push('/');
        }
        let what = if existed { "Reinitialized existing" } else { "Initialized empty" };
        globals.out.line(format!("{what} Git repository in {shown}"))?;
    }
    Ok(())
}

/// Makes a repository's folder; tells whether it was there already.
pub fn create(
    globals: &Globals,
    git_dir: &Path,
    bare: bool,
    branch: Option<BString>,
    advise: bool,
) -> Result<bool> {
    let existed = git_dir.join("HEAD").exists();
    for folder in ["branches", "hooks", "info", "objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        fs::create_dir_all(git_dir.join(folder))
            .map_err(|error| fatal!("cannot mkdir {}: {}", git_dir.display(), super::reason(&error)))?;
    }
    if !existed {
        let branch = match branch.or_else(|| config::global(globals, "init.defaultBranch")) {
            Some(branch) => branch,
            None => {
                if advise {
                    globals.say(HINT)?;
                }
                "master".into()
            }
        };
        fs::write(git_dir.join("HEAD"), format!("ref: refs/heads/{branch}\n"))?;
        let mut text =
            format!("[core]\n\trepositoryformatversion = 0\n\tfilemode = {}\n\tbare = {bare}\n", cfg!(unix));
        if !bare {
            text.push_str("\tlogallrefupdates = true\n");
        }
        fs::write(git_dir.join("config"), text)?;
        fs::write(
            git_dir.join("description"),
            "Unnamed repository; edit this file 'description' to name the repository.\n",
        )?;
        fs::write(
            git_dir.join("info/exclude"),
            "# Patterns here are ignored like those of .gitignore, in this repository alone.\n",
        )?;
    }
    Ok(existed)
}
