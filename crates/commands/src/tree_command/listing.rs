//! `--fromfile`: a tree of names that are read, a path on each line, in the place of a walk.

use std::collections::HashMap;

use bstr::BString;
use wasmsh_os::{Errno, FileType, Stat, Timestamp};

use super::options::Plan;
use super::walk::{Node, lists, sort};
use crate::Tool;

/// A name with all that is below it; the paths are kept in one table, each by its number.
struct Place {
    name: BString,
    children: Vec<usize>,
    directory: bool,
}

/// Nothing is known of what is listed but whether it is a directory.
pub(super) fn unknown(directory: bool) -> Stat {
    Stat {
        device: 0,
        inode: 0,
        kind: if directory { FileType::Directory } else { FileType::Regular },
        mode: 0,
        links: 1,
        uid: 0,
        gid: 0,
        device_number: 0,
        size: 0,
        blocks: 0,
        accessed: Timestamp::default(),
        modified: Timestamp::default(),
        changed: Timestamp::default(),
    }
}

/// The entries at the top of the list that `root` names; `.` is standard input.
///
/// # Errors
/// The list cannot be read.
pub(super) async fn read(t: &mut Tool, plan: &Plan, root: &BString) -> Result<Vec<Node>, Errno> {
    let mut input = if root == "." { t.ctx.stdin()? } else { t.ctx.open_input(root).await? };
    let mut places = vec![Place { name: root.clone(), children: Vec::new(), directory: true }];
    let mut known: HashMap<(usize, BString), usize> = HashMap::new();
    while let Some(line) = input.line(b'\n').await? {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut at = 0;
        for name in line.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            if let Some(place) = places.get_mut(at) {
                place.directory = true;
            }
            let next = places.len();
            let number = *known.entry((at, name.into())).or_insert(next);
            if number == next {
                places.push(Place { name: name.into(), children: Vec::new(), directory: false });
                if let Some(place) = places.get_mut(at) {
                    place.children.push(number);
                }
            }
            at = number;
        }
        if line.ends_with(b"/")
            && let Some(place) = places.get_mut(at)
        {
            place.directory = true;
        }
    }
    Ok(nodes(plan, root, &places))
}

/// Makes nodes of the places: top down for paths and for what is listed, bottom up for what is inside.
fn nodes(plan: &Plan, root: &BString, places: &[Place]) -> Vec<Node> {
    let mut made: Vec<Option<Node>> = Vec::new();
    made.resize_with(places.len(), || None);
    let mut parents = vec![0; places.len()];
    for (number, place) in places.iter().enumerate() {
        for child in &place.children {
            if let Some(parent) = parents.get_mut(*child) {
                *parent = number;
            }
        }
        if number == 0 {
            continue;
        }
        let parent = parents.get(number).copied().unwrap_or(0);
        let (path, free) = match made.get(parent).and_then(Option::as_ref) {
            Some(above) => (above.path.clone(), above.free),
            None if parent == 0 => (root.clone(), false),
            // What is above it is not listed.
            None => continue,
        };
        let mut node = Node {
            name: place.name.clone(),
            path: [&path[..], b"/", &place.name].concat().into(),
            stat: unknown(place.directory),
            link: None,
            size: 0,
            free,
            children: Some(Vec::new()),
        };
        // Patterns are for files here, whatever the other options say of directories.
        let wanted = place.directory || lists(plan, &mut node);
        let bare = plan.prune && place.directory && place.children.is_empty();
        if wanted
            && !bare
            && let Some(slot) = made.get_mut(number)
        {
            *slot = Some(node);
        }
    }
    // A place stands behind the one above it in the table.
    let mut top = Vec::new();
    for number in (1..places.len()).rev() {
        let Some(mut node) = made.get_mut(number).and_then(Option::take) else { continue };
        if let Some(children) = &mut node.children {
            children.reverse();
            sort(plan, children);
        }
        match parents.get(number) {
            Some(0) | None => top.push(node),
            Some(parent) => {
                let above = made.get_mut(*parent).and_then(Option::as_mut);
                if let Some(children) = above.and_then(|above| above.children.as_mut()) {
                    children.push(node);
                }
            }
        }
    }
    top.reverse();
    sort(plan, &mut top);
    top
}
