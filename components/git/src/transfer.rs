//! Other repositories of the same filesystem: found by path, objects taken over, references compared.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::{Kind, TreeRefIter};

use crate::error::{Error, Result, fatal, library};
use crate::session::{Globals, Session, normal, to_path};

/// A reference there: its name, what it points to, and what that is in the end, if it is a tag.
pub struct There {
    /// `refs/heads/main`.
    pub name: BString,
    /// Where it points.
    pub id: ObjectId,
    /// What a tag object names.
    pub peeled: Option<ObjectId>,
}

/// The path that an address means, or the end for those that need a network.
pub fn place(url: &BStr, base: &Path) -> Result<PathBuf> {
    if let Some(path) = url.strip_prefix(b"file://") {
        return Ok(to_path(path.as_bstr()));
    }
    let text = url.to_str_lossy();
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return Err(match scheme {
            "http" | "https" => fatal!("unable to access '{text}': there is no network here for {host}"),
            "ssh" | "git" | "git+ssh" => fatal!("unable to connect to {host}: there is no network here"),
            other => fatal!("Unable to find remote helper for '{other}'"),
        });
    }
    // HOST:PATH, where no slash stands before the colon.
    if let Some((host, _)) = text.split_once(':')
        && !host.contains('/')
        && !base.join(&*text).exists()
    {
        return Err(fatal!("unable to connect to {host}: there is no network here"));
    }
    Ok(base.join(to_path(url)))
}

/// Opens the repository at a path, as a remote is found: the folder itself, its `.git`, or with `.git` at the end.
pub fn open(globals: &Globals, url: &BStr, base: &Path) -> Result<gix::Repository> {
    let path = place(url, base)?;
    let mut with_end = path.clone().into_os_string();
    with_end.push(".git");
    for candidate in [path.join(".git"), path.clone(), PathBuf::from(with_end)] {
        if candidate.join("HEAD").exists() || candidate.is_file() {
            return globals.open_at(&candidate);
        }
    }
    Err(Error::Text(
        format!(
            "fatal: '{url}' does not appear to be a git repository\nfatal: Could not read from remote repository.\n\n\
             Please make sure you have the correct access rights\nand the repository exists.\n"
        ),
        128,
    ))
}

/// All references of a repository, in the order of their names.
pub fn refs_of(repo: &gix::Repository) -> Result<Vec<There>> {
    let mut found = Vec::new();
    for reference in repo.references().map_err(library)?.all().map_err(library)? {
        let Ok(mut reference) = reference else { continue };
        let name = reference.name().as_bstr().to_owned();
        let id = match reference.target() {
            gix::refs::TargetRef::Object(id) => id.to_owned(),
            gix::refs::TargetRef::Symbolic(_) => match reference.peel_to_id() {
                Ok(id) => id.detach(),
                Err(_) => continue,
            },
        };
        let peeled = repo.find_object(id).ok().filter(|object| object.kind == Kind::Tag);
        let peeled = peeled.and_then(|object| object.peel_tags_to_end().ok()).map(|object| object.id);
        found.push(There { name, id, peeled });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// The branch that is checked out in a repository, and its commit.
pub fn head_of(repo: &gix::Repository) -> (Option<BString>, Option<ObjectId>) {
    let Ok(mut head) = repo.head() else { return (None, None) };
    let name = head.referent_name().map(|name| name.as_bstr().to_owned());
    let id = head.try_peel_to_id().ok().flatten().map(gix::Id::detach);
    (name, id)
}

/// Takes over what `tips` need from one repository to another.
pub fn copy_objects(from: &gix::Repository, to: &gix::Repository, tips: &[ObjectId]) -> Result {
    use gix::objs::Write;
    let mut seen: HashSet<ObjectId> = HashSet::new();
    let mut order = Vec::new();
    let mut waiting: Vec<ObjectId> = tips.to_vec();
    let empty = ObjectId::empty_tree(to.object_hash());
    while let Some(id) = waiting.pop() {
        if id == empty || !seen.insert(id) || to.has_object(id) {
            continue;
        }
        let object = from.find_object(id).map_err(|_| fatal!("bad object {id}"))?;
        match object.kind {
            Kind::Blob => {}
            Kind::Tree => {
                for entry in TreeRefIter::from_bytes(&object.data, from.object_hash()) {
                    let entry = entry.map_err(|_| fatal!("corrupt tree {id}"))?;
                    if !entry.mode.is_commit() {
                        waiting.push(entry.oid.to_owned());
                    }
                }
            }
            Kind::Commit | Kind::Tag => {
                for line in object.data.lines().take_while(|line| !line.is_empty()) {
                    let named = line
                        .strip_prefix(b"tree ")
                        .or_else(|| line.strip_prefix(b"parent "))
                        .or_else(|| line.strip_prefix(b"object "));
                    if let Some(hex) = named {
                        waiting.push(ObjectId::from_hex(hex).map_err(|_| fatal!("corrupt object {id}"))?);
                    }
                }
            }
        }
        order.push(id);
    }
    // What others need comes first, so that nothing there ever names what is missing.
    for id in order.into_iter().rev() {
        let object = from.find_object(id).map_err(library)?;
        to.write_buf(object.kind, &object.data).map_err(library)?;
    }
    Ok(())
}

/// Copies a repository's objects file by file.
pub fn copy_store(from: &Path, to: &Path) -> Result {
    let mut waiting = vec![PathBuf::new()];
    while let Some(inner) = waiting.pop() {
        fs::create_dir_all(to.join(&inner))?;
        for entry in fs::read_dir(from.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                waiting.push(path);
            } else if !entry.file_name().to_string_lossy().starts_with("tmp_") && !to.join(&path).exists() {
                fs::copy(from.join(&path), to.join(&path))?;
            }
        }
    }
    let alternates = to.join("info/alternates");
    if alternates.exists() {
        // What that store borrows is taken over too.
        let list = fs::read(&alternates)?;
        fs::remove_file(&alternates)?;
        for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with(b"#")) {
            copy_store(&from.join(to_path(line.as_bstr())), to)?;
        }
    }
    Ok(())
}

/// The address of a remote: the configured one for a name, else the argument itself.
pub fn url_of(session: &Session<'_>, remote: &BStr, push: bool) -> BString {
    let pushed = session.config(&format!("remote.{remote}.pushurl")).filter(|_| push);
    pushed.or_else(|| session.config(&format!("remote.{remote}.url"))).unwrap_or_else(|| remote.to_owned())
}

/// Relative addresses begin at the root of the working tree.
pub fn base_of(session: &Session<'_>) -> PathBuf {
    session.root().map_or_else(|_| session.repo.git_dir().to_owned(), |root| normal(&root))
}

/// An address as it is shown.
pub fn shown(url: &BStr) -> BString {
    let text = url.trim_end_with(|end| end == '/');
    text.strip_suffix(b".git").unwrap_or(text).into()
}
