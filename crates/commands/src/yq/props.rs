//! Java properties, and assignments of shell variables: documents as lines of paths and values.

use std::rc::Rc;

use super::Settings;
use super::node::{Id, Kind, MAX_DEPTH, Res, Tree, fault, too_deep};

/// A value that is a scalar, with its path and the comments that go with it.
struct Leaf {
    path: Vec<(String, bool)>,
    id: Id,
    comments: Vec<String>,
}

fn leaves(
    tree: &Tree,
    id: Id,
    path: &mut Vec<(String, bool)>,
    comments: &mut Vec<String>,
    found: &mut Vec<Leaf>,
) -> Res<()> {
    tree.visit(path.len())?;
    let real = tree.real(id);
    let node = tree.n(real);
    let own = |id: Id, comments: &mut Vec<String>, all: bool| {
        let node = tree.n(id);
        let side = if all { node.side.as_deref() } else { None };
        for text in [node.head.as_deref(), side].into_iter().flatten() {
            comments.extend(super::write::comment_lines(text).filter(|line| !line.trim().is_empty()));
        }
    };
    match node.kind {
        Kind::Scalar | Kind::Alias => {
            own(id, comments, true);
            found.push(Leaf { path: path.clone(), id: real, comments: std::mem::take(comments) });
        }
        Kind::Seq => {
            for (index, member) in node.content.iter().enumerate() {
                path.push((index.to_string(), true));
                if tree.n(tree.real(*member)).kind != Kind::Scalar {
                    own(*member, comments, false);
                }
                leaves(tree, *member, path, comments, found)?;
                path.pop();
            }
        }
        Kind::Map => {
            for (key, value) in tree.entries(real) {
                own(key, comments, false);
                path.push((tree.n(tree.real(key)).value.to_string(), false));
                leaves(tree, value, path, comments, found)?;
                path.pop();
            }
        }
    }
    Ok(())
}

fn all_leaves(tree: &Tree, id: Id, out: &mut String) -> Res<Vec<Leaf>> {
    let mut found = Vec::new();
    leaves(tree, id, &mut Vec::new(), &mut Vec::new(), &mut found)?;
    if let Some(leading) = tree.n(id).leading.as_deref() {
        for line in leading.lines().filter(|line| line.trim_start().starts_with('#')) {
            out.push_str(line);
            out.push('\n');
        }
    }
    Ok(found)
}

pub(super) fn encode(tree: &Tree, id: Id, settings: &Settings) -> Res<String> {
    let mut out = String::new();
    let found = all_leaves(tree, id, &mut out)?;
    let escape = |text: &str, key: bool| {
        let mut out = String::new();
        for letter in text.chars() {
            match letter {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                ' ' | ':' | '=' if key => {
                    out.push('\\');
                    out.push(letter);
                }
                letter => out.push(letter),
            }
        }
        out
    };
    for (index, leaf) in found.iter().enumerate() {
        if !leaf.comments.is_empty() {
            if index > 0 {
                out.push('\n');
            }
            for line in &leaf.comments {
                out.push_str(line);
                out.push('\n');
            }
        }
        let value = &tree.n(leaf.id).value;
        if leaf.path.is_empty() {
            out.push_str(value);
            out.push('\n');
            continue;
        }
        let mut key = String::new();
        for (step, index) in &leaf.path {
            if *index && settings.props_brackets {
                key.push_str(&format!("[{step}]"));
                continue;
            }
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(step);
        }
        out.push_str(&escape(&key, true));
        out.push_str(&settings.props_separator);
        if tree.is_null(leaf.id) {
        } else if settings.unwrap == Some(false) && value.contains(' ') {
            out.push_str(&format!("\"{}\"", escape(value, false)));
        } else {
            out.push_str(&escape(value, false));
        }
        out.push('\n');
    }
    Ok(out)
}

pub(super) fn shell(tree: &Tree, id: Id, settings: &Settings) -> Res<String> {
    let mut out = String::new();
    for leaf in all_leaves(tree, id, &mut out)? {
        let value = &tree.n(leaf.id).value;
        let steps: Vec<&str> = leaf.path.iter().map(|(step, _)| step.as_str()).collect();
        let joined =
            if steps.is_empty() { "value".to_owned() } else { steps.join(&settings.shell_separator) };
        let mut name: String =
            joined.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
        if name.starts_with(|letter: char| letter.is_ascii_digit()) {
            name.insert(0, '_');
        }
        out.push_str(&name);
        out.push('=');
        let simple =
            value.chars().all(|letter| letter.is_ascii_alphanumeric() || "_@%+:,./-".contains(letter));
        if tree.is_null(leaf.id) || simple {
            out.push_str(if tree.is_null(leaf.id) { "" } else { value });
        } else if !value.contains('\'') {
            out.push_str(&format!("'{value}'"));
        } else if !value.contains(['"', '$', '`', '\\', '!']) {
            out.push_str(&format!("\"{value}\""));
        } else {
            out.push_str(&format!("'{}'", value.replace('\'', "'\"'\"'")));
        }
        out.push('\n');
    }
    Ok(out)
}

/// Reads properties; keys are paths, numbers in them are places in sequences, values are texts.
pub(super) fn decode(tree: &mut Tree, text: &str) -> Res {
    let root = tree.map();
    let mut comments: Vec<String> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix(['#', '!']) {
            comments.push(format!("# {}", comment.trim()));
            continue;
        }
        let mut whole = line.to_owned();
        while (whole.len() - whole.trim_end_matches('\\').len()) & 1 == 1 {
            whole.pop();
            match lines.next() {
                Some(next) => whole.push_str(next.trim_start()),
                None => break,
            }
        }
        let (key, value) = key_and_value(&whole);
        let steps: Vec<&str> = key.split('.').collect();
        if steps.len() > MAX_DEPTH {
            return Err(too_deep());
        }
        let mut at = root;
        for (index, step) in steps.iter().enumerate() {
            let next = steps.get(index + 1);
            let is_index = |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
            let child = match next {
                None => tree.string(value.as_str()),
                Some(next) if is_index(next) => tree.seq(),
                Some(_) => tree.map(),
            };
            let found = match tree.n(at).kind {
                Kind::Seq => {
                    let Ok(place) = step.parse::<usize>() else {
                        return fault(format!("cannot index array with '{step}'"));
                    };
                    if place > tree.n(at).content.len() + 100_000 {
                        return fault(format!("the index {place} is too far beyond its array"));
                    }
                    while tree.n(at).content.len() < place {
                        let null = tree.null();
                        tree.push(at, null);
                    }
                    tree.n(at).content.get(place).copied()
                }
                Kind::Map => tree.get(at, step),
                _ => return fault(format!("cannot set {key}: a part of it is a value")),
            };
            at = match found {
                Some(found) if next.is_some() && !tree.is_null(found) => found,
                Some(found) => {
                    tree.assign(found, child, true)?;
                    found
                }
                None => {
                    if tree.n(at).kind == Kind::Seq {
                        tree.push(at, child)
                    } else {
                        tree.put_named(at, step, child)
                    }
                    child
                }
            };
        }
        if !comments.is_empty() {
            let text: Rc<str> = Rc::from(std::mem::take(&mut comments).join("\n"));
            let holder = match tree.n(at).key {
                super::node::Key::Node(key) => key,
                _ => at,
            };
            tree.m(holder).head = Some(text);
        }
        tree.check()?;
    }
    Ok(root)
}

fn key_and_value(line: &str) -> (String, String) {
    let mut key = String::new();
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.peek().copied() {
        match letter {
            '=' | ':' => {
                letters.next();
                while letters.peek().is_some_and(|letter| letter.is_whitespace()) {
                    letters.next();
                }
                break;
            }
            letter if letter.is_whitespace() => {
                while letters.peek().is_some_and(|letter| letter.is_whitespace()) {
                    letters.next();
                }
                if letters.peek().is_some_and(|letter| !matches!(letter, '=' | ':')) {
                    break;
                }
            }
            '\\' => {
                letters.next();
                key.extend(unescape(&mut letters));
            }
            letter => {
                key.push(letter);
                letters.next();
            }
        }
    }
    let mut value = String::new();
    while let Some(letter) = letters.next() {
        if letter == '\\' { value.extend(unescape(&mut letters)) } else { value.push(letter) }
    }
    (key, value.trim_end().to_owned())
}

fn unescape(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    Some(match letters.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'f' => '\x0c',
        'u' => {
            let digits: String = letters.by_ref().take(4).collect();
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
        }
        other => other,
    })
}
