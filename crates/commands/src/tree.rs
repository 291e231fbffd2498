//! Walks a tree as `rg` and `fd` do: hidden files, ignore files, globs and file types decide what is left out. It stands
//! on the matchers of `ignore`; directories and files are read through [`wasmsh_os::Ctx`].

use std::path::Path;

use bstr::{BString, ByteSlice};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::overrides::Override;
use ignore::types::Types;
use wasmsh_os::{Ctx, Entry, Errno, Stat};

use crate::path::join;

/// What is left out of a walk.
pub(crate) struct Rules {
    /// Names that begin with a dot are shown.
    pub(crate) hidden: bool,
    /// Names of ignore files that count anywhere, the strongest first.
    pub(crate) ignore_files: Vec<&'static str>,
    /// `.gitignore`.
    pub(crate) git: bool,
    /// The user's file of git.
    pub(crate) git_global: bool,
    /// `.git/info/exclude`.
    pub(crate) git_exclude: bool,
    /// The files of git count only below a `.git`.
    pub(crate) require_git: bool,
    /// The ignore files of the directories above count.
    pub(crate) parents: bool,
    /// Ignore files that were named, the last is the strongest.
    pub(crate) explicit: Vec<BString>,
    /// Ignore files match letters of both cases.
    pub(crate) ignore_case: bool,
    /// Globs of the command line.
    pub(crate) overrides: Override,
    /// File types of the command line.
    pub(crate) types: Types,
    /// Symbolic links are followed.
    pub(crate) follow: bool,
    /// Levels below an operand.
    pub(crate) most_depth: usize,
    /// Stay in the filesystem of the operand.
    pub(crate) one_filesystem: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            hidden: false,
            ignore_files: Vec::new(),
            git: true,
            git_global: true,
            git_exclude: true,
            require_git: true,
            parents: true,
            explicit: Vec::new(),
            ignore_case: false,
            overrides: Override::empty(),
            types: Types::empty(),
            follow: false,
            most_depth: usize::MAX,
            one_filesystem: false,
        }
    }
}

/// A file that a walk has come to.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// As the operand says it, and below it.
    pub(crate) path: BString,
    /// Of what a link leads to, if links are followed.
    pub(crate) stat: Stat,
    /// 0: an operand.
    pub(crate) depth: usize,
}

/// What ignore files of one directory say.
struct Ignores {
    /// The length of the directory's absolute path with a slash behind it.
    base: usize,
    /// With the place of its name in [`Rules::ignore_files`].
    custom: Vec<(usize, Gitignore)>,
    git: Option<Gitignore>,
    exclude: Option<Gitignore>,
    has_git: bool,
}

/// A directory that is being walked.
struct Level {
    path: BString,
    /// Without links, and with a slash behind it.
    absolute: String,
    entries: std::vec::IntoIter<Entry>,
    depth: usize,
    identity: (u64, u64),
}

/// A walk below one operand after the other, the names of a directory in order.
pub(crate) struct Walk {
    rules: Rules,
    explicit: Vec<Gitignore>,
    global: Option<Gitignore>,
    /// From the root down to the directory of the innermost level.
    ignores: Vec<Ignores>,
    levels: Vec<Level>,
    /// How many of `ignores` belong to directories above the operand.
    above: usize,
    /// The directory that the next step enters.
    enter: Option<(BString, usize, Stat)>,
    device: u64,
    /// The operand is the current directory, unsaid: names are shown without it.
    implied: bool,
    cwd: String,
}

impl Walk {
    /// Reads the ignore files that hold everywhere. The second value: messages about them.
    pub(crate) async fn new(ctx: &Ctx, rules: Rules) -> (Walk, Vec<String>) {
        let mut messages = Vec::new();
        let mut explicit = Vec::new();
        for file in &rules.explicit {
            match ctx.read_file(file).await {
                Ok(text) => explicit.push(gitignore(&text, rules.ignore_case)),
                Err(error) => messages.push(format!("{file}: {}", error.strerror())),
            }
        }
        let global =
            if rules.git && rules.git_global { global_ignores(ctx, rules.ignore_case).await } else { None };
        let mut cwd = ctx.cwd().to_string();
        if !cwd.ends_with('/') {
            cwd.push('/');
        }
        let walk = Walk {
            rules,
            explicit,
            global,
            ignores: Vec::new(),
            levels: Vec::new(),
            above: 0,
            enter: None,
            device: 0,
            implied: false,
            cwd,
        };
        (walk, messages)
    }

    /// Begins anew at an operand; what it is comes back.
    ///
    /// # Errors
    /// It is not there.
    pub(crate) fn begin(&mut self, ctx: &Ctx, path: &[u8], implied: bool) -> Result<Found, Errno> {
        let stat = ctx.stat(path, true)?;
        self.levels.clear();
        self.ignores.clear();
        self.above = 0;
        self.device = stat.device;
        self.implied = implied;
        self.enter = None;
        let found = Found { path: path.into(), stat, depth: 0 };
        if stat.is_directory() {
            self.enter = Some((found.path.clone(), 0, stat));
        }
        Ok(found)
    }

    /// The directory that was returned last is not entered.
    pub(crate) fn skip(&mut self) {
        self.enter = None;
    }

    /// The next file below the operand. An error is that of a directory, or of a link that leads nowhere.
    pub(crate) async fn next(&mut self, ctx: &Ctx) -> Option<Result<Found, (BString, Errno)>> {
        loop {
            if let Some((path, depth, stat)) = self.enter.take()
                && depth < self.rules.most_depth
                && let Err(error) = self.open(ctx, path.clone(), depth, &stat).await
            {
                return Some(Err((path, error)));
            }
            let level = self.levels.last_mut()?;
            let Some(entry) = level.entries.next() else {
                if let Some(level) = self.levels.pop() {
                    let base = level.absolute.len();
                    if self.ignores.len() > self.above
                        && self.ignores.last().is_some_and(|last| last.base == base)
                    {
                        self.ignores.pop();
                    }
                }
                continue;
            };
            ctx.tick().await;
            let depth = level.depth + 1;
            let path = if self.implied && level.depth == 0 {
                BString::from(entry.name.as_bytes())
            } else {
                join(&level.path, entry.name.as_bytes())
            };
            let mut absolute = level.absolute.clone();
            absolute.push_str(&entry.name);
            let mut stat = entry.stat;
            if self.rules.follow && stat.is_symbolic_link() {
                match ctx.stat(&path, true) {
                    Ok(target) => stat = target,
                    Err(_) if self.is_ignored(&path, &absolute, &entry.name, false) => continue,
                    Err(error) => return Some(Err((path, error))),
                }
            }
            if self.is_ignored(&path, &absolute, &entry.name, stat.is_directory()) {
                continue;
            }
            if stat.is_directory() && !(self.rules.one_filesystem && stat.device != self.device) {
                self.enter = Some((path.clone(), depth, stat));
            }
            return Some(Ok(Found { path, stat, depth }));
        }
    }

    async fn open(&mut self, ctx: &Ctx, path: BString, depth: usize, stat: &Stat) -> Result<(), Errno> {
        let identity = (stat.device, stat.inode);
        if self.rules.follow && self.levels.iter().any(|level| level.identity == identity) {
            return Err(Errno::Loop);
        }
        let mut absolute = match self.levels.last() {
            Some(level) if !self.rules.follow => {
                let mut absolute = level.absolute.clone();
                absolute.push_str(&crate::path::base_name(&path).to_str_lossy());
                absolute
            }
            _ => ctx.canonicalize(&path)?,
        };
        let mut entries = ctx.read_directory(&path)?;
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        if depth == 0 && self.rules.parents {
            let above: Vec<usize> = absolute.match_indices('/').map(|(slash, _)| slash).collect();
            for slash in above {
                let directory = absolute.get(..=slash).unwrap_or_default();
                // The operand itself comes below.
                if directory.len() < absolute.len() {
                    self.read_ignores(ctx, directory, None).await;
                }
            }
            self.above = self.ignores.len();
        }
        if !absolute.ends_with('/') {
            absolute.push('/');
        }
        self.read_ignores(ctx, &absolute, Some(&entries)).await;
        self.levels.push(Level { path, absolute, entries: entries.into_iter(), depth, identity });
        Ok(())
    }

    /// Reads the ignore files of a directory; `entries` are its names, if they are known.
    async fn read_ignores(&mut self, ctx: &Ctx, directory: &str, entries: Option<&[Entry]>) {
        let read = async |name: &str| -> Option<Gitignore> {
            let first = name.split('/').next().unwrap_or(name);
            if let Some(entries) = entries
                && entries.binary_search_by(|entry| entry.name.as_str().cmp(first)).is_err()
            {
                return None;
            }
            let text = ctx.read_file(format!("{directory}{name}").as_bytes()).await.ok()?;
            Some(gitignore(&text, self.rules.ignore_case))
        };
        let mut custom = Vec::new();
        for (index, name) in self.rules.ignore_files.iter().enumerate() {
            custom.extend(read(name).await.map(|matcher| (index, matcher)));
        }
        let git = if self.rules.git { read(".gitignore").await } else { None };
        let exclude =
            if self.rules.git && self.rules.git_exclude { read(".git/info/exclude").await } else { None };
        let has_git = match entries {
            Some(entries) => entries.iter().any(|entry| entry.name == ".git"),
            None => ctx.stat(format!("{directory}.git").as_bytes(), true).is_ok(),
        };
        if has_git || !custom.is_empty() || git.is_some() {
            self.ignores.push(Ignores { base: directory.len(), custom, git, exclude, has_git });
        }
    }

    fn is_ignored(&self, path: &BString, absolute: &str, name: &str, is_directory: bool) -> bool {
        let path = path.to_str_lossy();
        let shown = Path::new(&*path);
        let chosen = self.rules.overrides.matched(shown, is_directory);
        if !chosen.is_none() {
            return chosen.is_ignore();
        }
        let mut chosen = match self.verdict(absolute, is_directory) {
            Verdict::Ignore => return true,
            Verdict::Keep => true,
            Verdict::Nothing => false,
        };
        if !self.rules.types.is_empty() {
            match self.rules.types.matched(shown, is_directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => chosen = true,
                Match::None => {}
            }
        }
        !chosen && !self.rules.hidden && name.starts_with('.')
    }

    /// What the ignore files say, the nearest first, and each kind before the next.
    fn verdict(&self, absolute: &str, is_directory: bool) -> Verdict {
        let (mut git, mut exclude) = (Verdict::Nothing, Verdict::Nothing);
        let any_git = !self.rules.require_git || self.ignores.iter().any(|ignores| ignores.has_git);
        let mut saw_git = false;
        let of = |matcher: &Gitignore, path: &str| match matcher.matched(Path::new(path), is_directory) {
            Match::Ignore(_) => Verdict::Ignore,
            Match::Whitelist(_) => Verdict::Keep,
            Match::None => Verdict::Nothing,
        };
        for ignores in self.ignores.iter().rev() {
            let below = absolute.get(ignores.base..).unwrap_or(absolute);
            if any_git && !saw_git {
                if git == Verdict::Nothing
                    && let Some(matcher) = &ignores.git
                {
                    git = of(matcher, below);
                }
                if exclude == Verdict::Nothing
                    && let Some(matcher) = &ignores.exclude
                {
                    exclude = of(matcher, below);
                }
            }
            saw_git |= ignores.has_git;
        }
        // A stronger name counts before a nearer directory.
        let custom = (0..self.rules.ignore_files.len())
            .flat_map(|name| self.ignores.iter().rev().map(move |ignores| (name, ignores)))
            .flat_map(|(name, ignores)| {
                let below = absolute.get(ignores.base..).unwrap_or(absolute);
                let same = ignores.custom.iter().filter(move |(index, _)| *index == name);
                same.map(move |(_, matcher)| of(matcher, below))
            })
            .find(|verdict| *verdict != Verdict::Nothing)
            .unwrap_or_default();
        let below = absolute.strip_prefix(&self.cwd).unwrap_or(absolute);
        let global = self.global.as_ref().filter(|_| any_git).map_or(Verdict::Nothing, |all| of(all, below));
        let explicit = || {
            let mut verdicts = self.explicit.iter().rev().map(|matcher| of(matcher, below));
            verdicts.find(|verdict| *verdict != Verdict::Nothing).unwrap_or_default()
        };
        [custom, git, exclude, global]
            .into_iter()
            .find(|verdict| *verdict != Verdict::Nothing)
            .unwrap_or_else(explicit)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Verdict {
    #[default]
    Nothing,
    Ignore,
    Keep,
}

/// The matcher of an ignore file's text. Lines that are no globs are left out.
fn gitignore(text: &[u8], ignore_case: bool) -> Gitignore {
    let mut builder = GitignoreBuilder::new(".");
    // Always a valid setting.
    let _ = builder.case_insensitive(ignore_case);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for line in text.lines() {
        if let Ok(line) = line.to_str() {
            let _ = builder.add_line(None, line);
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// The file that `core.excludesFile` of git names, or the default one.
async fn global_ignores(ctx: &Ctx, ignore_case: bool) -> Option<Gitignore> {
    let home = ctx.env("HOME").unwrap_or_default();
    let config = ctx.env("XDG_CONFIG_HOME").filter(|path| !path.is_empty());
    let config = config.unwrap_or_else(|| join(&home, b".config"));
    let mut named = None;
    for file in [join(&home, b".gitconfig"), join(&config, b"git/config")] {
        if let Ok(text) = ctx.read_file(&file).await {
            named = named.or_else(|| excludes_file(&text, &home));
        }
    }
    let file = named.unwrap_or_else(|| join(&config, b"git/ignore"));
    let text = ctx.read_file(&file).await.ok()?;
    Some(gitignore(&text, ignore_case))
}

fn excludes_file(text: &[u8], home: &[u8]) -> Option<BString> {
    let line = text.lines().find_map(|line| {
        let (name, value) = line.split_once_str("=")?;
        name.trim_ascii().eq_ignore_ascii_case(b"excludesfile").then(|| value.trim_ascii())
    })?;
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    Some(match line.strip_prefix(b"~/") {
        Some(rest) => join(home, rest),
        None => line.into(),
    })
}
