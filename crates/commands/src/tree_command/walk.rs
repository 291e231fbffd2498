//! The walk of `tree`: what is listed, in which order, without recursion.

use std::collections::HashSet;

use bstr::{BStr, BString, ByteSlice};
use wasmsh_os::{FileType, Stat};

use super::listing;
use super::options::{Order, Plan};
use super::print::Printer;
use crate::glob::Glob;
use crate::path::join;
use crate::{Done, Fail, Tool};

/// What the last line counts.
#[derive(Default)]
pub(super) struct Report {
    pub(super) directories: u64,
    pub(super) files: u64,
    pub(super) size: u64,
    pub(super) errors: bool,
}

/// An entry that is listed.
pub(super) struct Node {
    pub(super) name: BString,
    pub(super) path: BString,
    pub(super) stat: Stat,
    /// Of a symbolic link: its target, and what that is.
    pub(super) link: Option<(String, Option<Stat>)>,
    /// With `--du`: of a directory, with all that is in it.
    pub(super) size: u64,
    /// A name that `-P` asks for stands above: all below is listed.
    pub(super) free: bool,
    /// Read already, for `--prune` and `--du`.
    pub(super) children: Option<Vec<Node>>,
}

impl Node {
    /// A directory, or a link to one.
    pub(super) fn is_directory(&self) -> bool {
        match &self.link {
            Some((_, target)) => target.is_some_and(|stat| stat.is_directory()),
            None => self.stat.is_directory(),
        }
    }
}

struct Level {
    nodes: std::vec::IntoIter<Node>,
    /// The rules of the directory's `.gitignore`.
    ignored: usize,
}

/// A line of a `.gitignore`.
struct Rule {
    pattern: Glob,
    directory_only: bool,
    negated: bool,
    /// It has a slash: it is compared with the path below this directory.
    base: Option<BString>,
}

/// Lists `root`.
pub(super) async fn tree(t: &mut Tool, printer: &mut Printer, root: &BString, report: &mut Report) -> Done {
    let mut rules = Vec::new();
    let from_file = printer.plan.from_file;
    let stat = if from_file { Ok(listing::unknown(true)) } else { t.ctx.stat(root, true) };
    let entries = match &stat {
        _ if from_file => listing::read(t, &printer.plan, root).await.ok(),
        Ok(stat) if stat.is_directory() => read(t, &printer.plan, root, false, &mut rules).await.ok(),
        _ => None,
    };
    let Some(mut nodes) = entries else {
        report.errors = stat.is_err() || from_file;
        let stat = stat.ok().filter(|_| !from_file);
        report.files += u64::from(stat.is_some_and(|stat| !stat.is_directory()));
        printer.root_error(t, root, stat);
        return Ok(());
    };
    let Ok(stat) = stat else { return Ok(()) };
    let mut total = stat.size;
    if !from_file && (printer.plan.usage || printer.plan.prune) {
        gather(t, &printer.plan, &mut nodes, stat.device, &mut rules).await?;
        total += nodes.iter().map(|node| node.size).sum::<u64>();
    }
    let limited = nodes.len() > printer.plan.file_limit;
    let root_node = Node {
        name: root.clone(),
        path: root.clone(),
        stat,
        link: None,
        size: total,
        free: false,
        children: None,
    };
    report.size += total;
    if limited {
        report.directories += 1;
        printer.root(t, &root_node, Some(nodes.len()));
        return Ok(());
    }
    report.directories += u64::from(!nodes.is_empty());
    // Where a link leads to a directory that was shown already it is not followed.
    let mut entered: HashSet<(u64, u64)> = HashSet::from([(stat.device, stat.inode)]);
    printer.root(t, &root_node, None);
    let empty = nodes.is_empty();
    printer.open(t, empty);
    let mut levels = vec![Level { nodes: nodes.into_iter(), ignored: 0 }];
    while let Some(depth) = levels.len().checked_sub(1) {
        t.ctx.tick().await;
        t.out.drain().await?;
        let Some(level) = levels.last_mut() else { break };
        let Some(mut node) = level.nodes.next() else {
            if let Some(done) = levels.pop() {
                rules.truncate(rules.len() - done.ignored);
            }
            printer.close(t, levels.last().is_some_and(|level| level.nodes.len() > 0), !levels.is_empty());
            continue;
        };
        let last = level.nodes.len() == 0;
        if node.is_directory() {
            report.directories += 1;
        } else {
            report.files += 1;
        }
        let linked = node.link.as_ref().and_then(|(_, stat)| *stat);
        let real = linked.unwrap_or(node.stat);
        let follows = node.link.is_none() || printer.plan.follow;
        let deep = depth + 1 < printer.plan.level;
        let same = !printer.plan.one_filesystem || real.device == stat.device;
        if !(node.is_directory() && follows && deep && same) {
            printer.entry(t, &node, last, None);
            printer.leaf(t, &node, last);
            continue;
        }
        let id = (real.device, real.inode);
        if linked.is_some() && entered.contains(&id) {
            printer.entry(t, &node, last, Some("recursive, not followed".into()));
            printer.leaf(t, &node, last);
            continue;
        }
        let before = rules.len();
        let children = match node.children.take() {
            Some(children) => Ok(children),
            None => read(t, &printer.plan, &node.path, node.free, &mut rules).await,
        };
        match children {
            Ok(children) if children.len() > printer.plan.file_limit => {
                let note = format!("{} entries exceeds filelimit, not opening dir", children.len());
                printer.entry(t, &node, last, Some(note));
                printer.leaf(t, &node, last);
                rules.truncate(before);
            }
            Ok(children) => {
                printer.entry(t, &node, last, None);
                if children.is_empty() {
                    printer.leaf(t, &node, last);
                    rules.truncate(before);
                    continue;
                }
                printer.enter(t, &node, last);
                entered.insert(id);
                levels.push(Level { nodes: children.into_iter(), ignored: rules.len() - before });
            }
            Err(_) => {
                report.errors = true;
                printer.entry(t, &node, last, Some("error opening dir".into()));
                printer.leaf(t, &node, last);
            }
        }
    }
    Ok(())
}

/// Reads all below `nodes` that the options list, sums it up, and leaves out empty directories. Depth first, on a
/// stack of its own.
async fn gather(
    t: &mut Tool,
    plan: &Plan,
    nodes: &mut Vec<Node>,
    device: u64,
    rules: &mut Vec<Rule>,
) -> Result<(), Fail> {
    struct Frame {
        /// What is still to be looked at, the next one last.
        rest: Vec<Node>,
        done: Vec<Node>,
        owner: Option<Node>,
        rules: usize,
    }
    let reversed = |mut nodes: Vec<Node>| {
        nodes.reverse();
        nodes
    };
    let first =
        Frame { rest: reversed(std::mem::take(nodes)), done: Vec::new(), owner: None, rules: rules.len() };
    let mut frames = vec![first];
    while let Some(depth) = frames.len().checked_sub(1) {
        t.ctx.tick().await;
        let Some(frame) = frames.last_mut() else { break };
        if let Some(node) = frame.rest.pop() {
            let same = !plan.one_filesystem || node.stat.device == device;
            let enters = node.stat.is_directory() && same && depth + 1 < plan.level;
            if !enters {
                let empty = plan.prune && node.is_directory();
                if !empty {
                    frame.done.push(node);
                }
                continue;
            }
            let before = rules.len();
            match read(t, plan, &node.path, node.free, rules).await {
                Ok(children) => {
                    frames.push(Frame {
                        rest: reversed(children),
                        done: Vec::new(),
                        owner: Some(node),
                        rules: before,
                    });
                }
                Err(_) => frame.done.push(node),
            }
            continue;
        }
        let Some(frame) = frames.pop() else { break };
        rules.truncate(frame.rules);
        match frame.owner {
            None => {
                *nodes = frame.done;
            }
            Some(mut owner) => {
                if plan.prune && frame.done.is_empty() {
                    continue;
                }
                owner.size = owner.stat.size + frame.done.iter().map(|node| node.size).sum::<u64>();
                owner.children = Some(frame.done);
                if let Some(parent) = frames.last_mut() {
                    parent.done.push(owner);
                }
            }
        }
    }
    Ok(())
}

/// The entries of a directory that are listed, in order; its `.gitignore` is added to the rules.
async fn read(
    t: &mut Tool,
    plan: &Plan,
    path: &BString,
    free: bool,
    rules: &mut Vec<Rule>,
) -> Result<Vec<Node>, wasmsh_os::Errno> {
    let entries = t.ctx.read_directory(path)?;
    if plan.git_ignore
        && let Ok(text) = t.ctx.read_file(&join(path, b".gitignore")).await
    {
        rules.extend(text.lines().filter_map(|line| rule(line, path)));
    }
    let mut nodes = Vec::new();
    for entry in entries {
        t.ctx.tick().await;
        let name: BString = entry.name.into();
        if name.starts_with(b".") && !plan.all {
            continue;
        }
        let whole = if path == "/" || path.ends_with(b"/") {
            join(path, &name)
        } else {
            let mut whole = path.clone();
            whole.push(b'/');
            whole.extend_from_slice(&name);
            whole
        };
        let link = match entry.stat.kind {
            FileType::SymbolicLink => {
                let target = t.ctx.read_link(&whole).unwrap_or_default();
                Some((target, t.ctx.stat(&whole, true).ok()))
            }
            _ => None,
        };
        let mut node =
            Node { name, path: whole, size: entry.stat.size, stat: entry.stat, link, free, children: None };
        if lists(plan, &mut node) && !(plan.git_ignore && ignored(rules, &node)) {
            nodes.push(node);
        }
    }
    sort(plan, &mut nodes);
    Ok(nodes)
}

pub(super) fn lists(plan: &Plan, node: &mut Node) -> bool {
    let directory = node.is_directory();
    if plan.directories_only && !directory {
        return false;
    }
    let matches = |patterns: &[Glob]| {
        patterns.iter().any(|pattern| {
            pattern.matches(&node.name) || (directory && pattern.matches(&join(&node.name, b"/")))
        })
    };
    if !plan.ignore.is_empty() && matches(&plan.ignore) {
        return false;
    }
    // Directories that can be entered are listed whatever they are called.
    let enters = node.stat.is_directory() || (plan.follow && directory);
    if plan.only.is_empty() || node.free {
        return true;
    }
    if enters {
        node.free = plan.match_directories && matches(&plan.only);
        return !plan.match_directories || node.free || plan.prune;
    }
    matches(&plan.only)
}

fn rule(line: &[u8], base: &BString) -> Option<Rule> {
    let line = line.trim_end_with(|letter| letter == ' ' || letter == '\r');
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    let (negated, line) = match line.strip_prefix(b"!") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (directory_only, line) = match line.strip_suffix(b"/") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let rooted = line.contains(&b'/');
    let line = line.strip_prefix(b"/").unwrap_or(line);
    let base = rooted.then(|| base.clone());
    Some(Rule { pattern: Glob::new(line), directory_only, negated, base })
}

fn ignored(rules: &[Rule], node: &Node) -> bool {
    let matching = rules.iter().rev().find(|rule| {
        if rule.directory_only && !node.is_directory() {
            return false;
        }
        match &rule.base {
            Some(base) => node
                .path
                .strip_prefix(&base[..])
                .and_then(|rest| rest.strip_prefix(b"/"))
                .is_some_and(|below| rule.pattern.matches(below)),
            None => rule.pattern.matches(&node.name),
        }
    });
    matching.is_some_and(|rule| !rule.negated)
}

pub(super) fn sort(plan: &Plan, nodes: &mut [Node]) {
    let by_name = |a: &Node, b: &Node| BStr::new(&a.name).cmp(BStr::new(&b.name));
    if plan.order == Order::None {
        return;
    }
    nodes.sort_by(|a, b| {
        if let Some(directories) = plan.first
            && a.is_directory() != b.is_directory()
        {
            return if directories {
                b.is_directory().cmp(&a.is_directory())
            } else {
                a.is_directory().cmp(&b.is_directory())
            };
        }
        let order = match plan.order {
            Order::Version => {
                crate::version_order::compare(&a.name, &b.name).then_with(|| a.name.cmp(&b.name))
            }
            Order::Size => b.stat.size.cmp(&a.stat.size).then_with(|| by_name(a, b)),
            Order::Modified => {
                a.stat.modified.seconds.cmp(&b.stat.modified.seconds).then_with(|| by_name(a, b))
            }
            Order::Changed => a.stat.changed.seconds.cmp(&b.stat.changed.seconds).then_with(|| by_name(a, b)),
            _ => by_name(a, b),
        };
        if plan.reverse { order.reverse() } else { order }
    });
}
