//! Which file a path of a command component's means.
//!
//! WASI programs have directories and paths relative to them. Their C library keeps a list of the directories that they
//! were given, by name, finds the one whose name a path begins with, and strips names and paths of leading slashes
//! before. A program that was given `/` therefore asks for `a/b` in it when it was told `/a/b`, and when it was told
//! `a/b`, unless it has asked for its working directory, which few do. For those that have not, what they were told is
//! concluded from their arguments, and from what exists.

/// What is known about the program's paths.
pub(crate) struct Place<'a> {
    /// The working directory, absolute.
    pub(crate) cwd: &'a str,
    /// The program's arguments, its name left out.
    pub(crate) arguments: &'a [String],
}

/// A path and its beginning, up to the first slash.
fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// The part of an argument that may be a path: after `=`, as in `--output=FILE`.
fn operand(argument: &str) -> &str {
    if argument.starts_with('-') {
        argument.split_once('=').map_or(argument, |(_, path)| path)
    } else {
        argument
    }
}

impl Place<'_> {
    /// The absolute path that `path`, which was asked for in the root directory, means.
    pub(crate) fn resolve(&self, path: &str, mut exists: impl FnMut(&str) -> bool) -> String {
        let (below_root, below_cwd) = (format!("/{path}"), join(self.cwd, path));
        if self.cwd == "/" {
            return below_root;
        }
        let begin = first(path);
        if begin == ".." {
            return below_cwd;
        }
        let operands = || self.arguments.iter().map(|argument| operand(argument));
        if begin == "." || begin.is_empty() {
            // `/` becomes `.` on the way.
            return if operands().any(|operand| operand == "/") { below_root } else { below_cwd };
        }
        let absolute =
            operands().any(|operand| operand.strip_prefix('/').is_some_and(|rest| first(rest) == begin));
        let relative = operands().any(|operand| first(operand.trim_start_matches("./")) == begin);
        let here = match (absolute, relative) {
            (true, false) => false,
            (false, true) => true,
            _ => match (exists(&format!("/{begin}")), exists(&join(self.cwd, begin))) {
                (true, true) => exists(&below_cwd) || !exists(&below_root),
                (root, _) => !root,
            },
        };
        if here { below_cwd } else { below_root }
    }
}

/// A path below a directory.
pub(crate) fn join(directory: &str, path: &str) -> String {
    format!("{}/{path}", directory.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(arguments: &[&str], path: &str, existing: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let place = Place { cwd: "/srv", arguments: &arguments };
        place.resolve(path, |path| existing.contains(&path))
    }

    #[test]
    fn what_the_arguments_say_counts_first() {
        let both = ["/tmp", "/srv/tmp", "/tmp/x", "/srv/tmp/x"];
        assert_eq!(resolve(&["/tmp/x"], "tmp/x", &both), "/tmp/x");
        assert_eq!(resolve(&["tmp/x"], "tmp/x", &both), "/srv/tmp/x");
        assert_eq!(resolve(&["./tmp/x"], "tmp/x", &both), "/srv/tmp/x");
        assert_eq!(resolve(&["--out=/tmp/y"], "tmp/y", &both), "/tmp/y");
        assert_eq!(resolve(&["--out=tmp/y"], "tmp/y", &["/tmp"]), "/srv/tmp/y");
        assert_eq!(resolve(&["mkdir", "tmp"], "tmp", &["/tmp"]), "/srv/tmp");
    }

    #[test]
    fn otherwise_what_exists_counts() {
        assert_eq!(resolve(&[], "etc/passwd", &["/etc"]), "/etc/passwd");
        assert_eq!(resolve(&[], "new", &["/etc"]), "/srv/new");
        assert_eq!(resolve(&[], "lib/a", &["/lib", "/srv/lib", "/srv/lib/a"]), "/srv/lib/a");
        assert_eq!(resolve(&[], "lib/a", &["/lib", "/srv/lib", "/lib/a"]), "/lib/a");
    }

    #[test]
    fn dots_mean_the_working_directory() {
        assert_eq!(resolve(&[], ".", &[]), "/srv/.");
        assert_eq!(resolve(&["/"], ".", &[]), "/.");
        assert_eq!(resolve(&[], "../x", &["/x"]), "/srv/../x");
        let root = Place { cwd: "/", arguments: &[] };
        assert_eq!(root.resolve("x", |_| false), "/x");
    }
}
