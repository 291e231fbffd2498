//! Three trees become one: the library's merge, put into index and files, with git's words about conflicts.

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::merge::tree::apply_index_entries::RemovalMode;
use gix::merge::tree::{Conflict, FileFavor, Resolution, ResolutionFailure, TreatAsUnresolved};

use crate::error::{Result, library};
use crate::index::Index;
use crate::session::Session;
use crate::switch::{self, Verb};
use crate::walk;

/// The names of the sides in conflict markers.
pub struct Labels<'a> {
    /// The common ancestor.
    pub base: &'a str,
    /// This side.
    pub ours: &'a str,
    /// The other one.
    pub theirs: &'a str,
}

/// What came of a merge.
pub struct Merged {
    /// The tree; with conflict markers where there are conflicts.
    pub tree: ObjectId,
    /// What there is to say about files, in the order of their paths.
    pub messages: Vec<String>,
    /// Entries of conflicts: path, stage, mode, content.
    stages: Vec<(BString, u8, u32, ObjectId)>,
}

impl Merged {
    /// Whether everything was decided.
    pub fn is_clean(&self) -> bool {
        self.stages.is_empty()
    }

    /// The paths in conflict.
    pub fn conflicts(&self) -> Vec<BString> {
        let mut paths: Vec<BString> = self.stages.iter().map(|(path, ..)| path.clone()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Brings the result into index and files, from the tree they have now.
    pub fn apply(&self, session: &Session<'_>, index: &mut Index, from: Option<ObjectId>) -> Result {
        switch::two_way(session, index, from, Some(self.tree), Verb::Merge)?;
        for (path, ..) in &self.stages {
            index.remove(path.as_bstr());
        }
        for (path, stage, mode, id) in &self.stages {
            index.set_stage(path.as_bstr(), *stage, *mode, *id);
        }
        Ok(())
    }
}

fn words(conflict: &Conflict, labels: &Labels<'_>) -> Vec<(BString, String)> {
    let (ours, theirs) = conflict.changes_in_resolution();
    let path = ours.location().to_owned();
    let mut said = Vec::new();
    let both_added = conflict.entries()[0].is_none();
    if let Some(content) = conflict.content_merge() {
        let there = match &conflict.resolution {
            Ok(Resolution::OursModifiedTheirsRenamedAndChangedThenRename { .. }) => {
                theirs.location().to_owned()
            }
            _ => path.clone(),
        };
        let kind = if both_added { "add/add" } else { "content" };
        said.push((there.clone(), format!("Auto-merging {there}")));
        if content.resolution == gix::merge::blob::Resolution::Conflict {
            said.push((there.clone(), format!("CONFLICT ({kind}): Merge conflict in {there}")));
        }
    }
    if let Err(failure) = &conflict.resolution {
        let entries = conflict.entries();
        let text = match failure {
            ResolutionFailure::OursModifiedTheirsDeleted => {
                // Which side deleted is seen from the entries that are left.
                let (gone, kept) = if entries[1].is_some() {
                    (labels.theirs, labels.ours)
                } else {
                    (labels.ours, labels.theirs)
                };
                Some(format!(
                    "CONFLICT (modify/delete): {path} deleted in {gone} and modified in {kept}.  Version {kept} of {path} left in tree."
                ))
            }
            ResolutionFailure::OursDeletedTheirsRenamed => {
                let (old, new) = (theirs.source_location(), theirs.location());
                let (renamed, gone) = if entries[2].is_some() {
                    (labels.theirs, labels.ours)
                } else {
                    (labels.ours, labels.theirs)
                };
                Some(format!(
                    "CONFLICT (rename/delete): {old} renamed to {new} in {renamed}, but deleted in {gone}."
                ))
            }
            ResolutionFailure::OursRenamedTheirsRenamedDifferently { .. } => Some(format!(
                "CONFLICT (rename/rename): {} renamed to {} in {} and to {} in {}.",
                ours.source_location(),
                ours.location(),
                labels.ours,
                theirs.location(),
                labels.theirs
            )),
            ResolutionFailure::OursAddedTheirsAddedTypeMismatch { .. } => Some(format!(
                "CONFLICT (distinct types): {path} had different types on each side; renamed one of them so each can be recorded somewhere."
            )),
            ResolutionFailure::SubmoduleMerge | ResolutionFailure::SubmoduleAddAdd => {
                Some(format!("CONFLICT (submodule): Merge conflict in {path}"))
            }
            ResolutionFailure::OursModifiedTheirsDirectoryThenOursRenamed {
                renamed_unique_path_to_modified_blob: new,
            } => Some(format!(
                "CONFLICT (file/directory): directory in the way of {path} from {}; moving it to {new} instead.",
                labels.ours
            )),
            ResolutionFailure::OursDirectoryTheirsNonDirectoryTheirsRenamed {
                renamed_unique_path_of_theirs: new,
            } => Some(format!(
                "CONFLICT (file/directory): directory in the way of {path} from {}; moving it to {new} instead.",
                labels.theirs
            )),
            _ => Some(format!("CONFLICT (content): Merge conflict in {path}")),
        };
        said.extend(text.map(|text| (path, text)));
    }
    said
}

/// Merges two trees that come from a third.
pub fn trees(
    session: &Session<'_>,
    base: ObjectId,
    ours: ObjectId,
    theirs: ObjectId,
    labels: &Labels<'_>,
    favor: Option<FileFavor>,
) -> Result<Merged> {
    let options = session.repo.tree_merge_options().map_err(library)?.with_file_favor(favor);
    let names = gix::merge::blob::builtin_driver::text::Labels {
        ancestor: Some(labels.base.as_bytes().as_bstr()),
        current: Some(labels.ours.as_bytes().as_bstr()),
        other: Some(labels.theirs.as_bytes().as_bstr()),
    };
    let mut outcome = session.repo.merge_trees(base, ours, theirs, names, options).map_err(library)?;
    let tree = outcome.tree.write().map_err(library)?.detach();
    let mut messages: Vec<(BString, String)> =
        outcome.conflicts.iter().flat_map(|conflict| words(conflict, labels)).collect();
    messages.sort_by(|one, other| one.0.cmp(&other.0));
    messages.dedup();
    let mut state = session.repo.index_from_tree(&tree).map_err(library)?.into_parts().0;
    let mut stages = Vec::new();
    if outcome.index_changed_after_applying_conflicts(
        &mut state,
        TreatAsUnresolved::git(),
        RemovalMode::Prune,
    ) {
        for entry in state.entries().iter().filter(|entry| entry.stage_raw() > 0) {
            let stage = u8::try_from(entry.stage_raw()).unwrap_or(1);
            stages.push((entry.path(&state).to_owned(), stage, entry.mode.bits(), entry.id));
        }
    }
    Ok(Merged { tree, messages: messages.into_iter().map(|(_, text)| text).collect(), stages })
}

/// The tree that two commits come from; several are merged first.
pub fn base_tree(
    session: &Session<'_>,
    one: ObjectId,
    other: ObjectId,
) -> Result<Option<(ObjectId, String)>> {
    let bases = walk::bases(session, one, other)?;
    match bases.as_slice() {
        [] => Ok(None),
        [base] => Ok(Some((session.tree_of(*base)?, session.short(*base)))),
        several => {
            let options = session.repo.tree_merge_options().map_err(library)?;
            let found = session.repo.virtual_merge_base(several.iter().copied(), options).map_err(library)?;
            Ok(Some((found.tree_id.detach(), "merged common ancestors".into())))
        }
    }
}

/// The paths in conflict, as a remark at the end of a message.
pub fn remark(paths: &[BString]) -> String {
    let mut text = String::from("\n# Conflicts:\n");
    for path in paths {
        text.push_str(&format!("#\t{path}\n"));
    }
    text
}

/// A name as the user wrote it, for messages: what kind of thing it is.
pub fn describe(session: &Session<'_>, name: &BStr) -> String {
    let kinds =
        [("refs/heads/", "branch"), ("refs/tags/", "tag"), ("refs/remotes/", "remote-tracking branch")];
    for (prefix, kind) in kinds {
        if crate::refs::find(session, format!("{prefix}{name}").as_bytes().as_bstr()).is_some() {
            return format!("{kind} '{name}'");
        }
    }
    format!("commit '{name}'")
}
