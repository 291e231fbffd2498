//! `tar -r`, `-u`, `-A` and `--delete`: archives that are changed in their place.

use std::collections::BTreeMap;
use std::rc::Rc;

use bstr::BString;
use wasmsh_os::{Description, Input, OpenFile, Output, Position, Stat, Timestamp};

use super::archive::{Next, Reader, Writer};
use super::args::{Mode, Plan};
use super::create::{Adding, add, end};
use super::names::Selection;
use super::{broken, detect, error, fatal, open_reader, open_update, writer_to};
use crate::compress::stream::Unpacked;
use crate::{Done, Fail, Tool};

/// Opens an archive for reading and writing; it must not be compressed.
async fn open(
    t: &mut Tool,
    plan: &mut Plan,
    create: bool,
) -> Result<(Rc<Description>, Rc<dyn OpenFile>, Reader), Fail> {
    let description = open_update(t, plan, create).await?;
    let Description::File(file) = &*description else {
        return Err(fatal(t, "-: Cannot seek: Illegal seek").await);
    };
    let file = file.clone();
    let mut input = Input::new(t.ctx.clone(), description.clone());
    if detect(t, plan, &mut input).await?.is_some() {
        return Err(fatal(t, "Cannot update compressed archives").await);
    }
    Ok((description, file, Reader::new(Unpacked::new(&t.ctx, input, None))))
}

pub(super) async fn append(t: &mut Tool, plan: &mut Plan) -> Done {
    let (description, file, mut reader) = open(t, plan, true).await?;
    let mut known: BTreeMap<BString, Timestamp> = BTreeMap::new();
    let mut first = true;
    let at = loop {
        t.ctx.tick().await;
        match reader.next().await {
            Ok(Next::Member(member)) => {
                first = false;
                if plan.mode == Mode::Update {
                    known.insert(member.name, member.modified);
                }
            }
            Ok(Next::End { .. }) => break reader.start,
            Ok(Next::Garbage) => {
                if first {
                    return Err(fatal(t, "This does not look like a tar archive").await);
                }
                error(t, "Skipping to next header").await?;
            }
            Err(failure) => return Err(broken(t, plan, failure).await),
        }
    };
    drop(reader);
    // The end is written anew behind what is added.
    let ready = file.set_size(at).and_then(|()| file.seek(Position::Start(at)));
    if let Err(reason) = ready {
        return Err(fatal(t, format!("Cannot seek: {}", reason.strerror())).await);
    }
    let archive = t.ctx.stat_description(&description).ok().filter(Stat::is_regular);
    let out = Output::new(t.ctx.clone(), Some(description));
    let mut adding = Adding::new(writer_to(plan, out, at)?, archive);
    if plan.mode == Mode::Update {
        adding.known = Some(known);
    }
    if plan.mode == Mode::Concatenate {
        concatenate(t, plan, &mut adding.writer).await?;
    } else {
        add(t, plan, &mut adding).await?;
    }
    end(t, plan, &mut adding).await
}

/// Adds the members of other archives.
async fn concatenate(t: &mut Tool, plan: &mut Plan, writer: &mut Writer) -> Done {
    let names = std::mem::take(&mut plan.names);
    let own = plan.archive.take();
    for name in &names {
        plan.archive = Some(name.name.clone());
        // Once for where it ends, once for the bytes.
        let mut reader = open_reader(t, plan).await?;
        let size = loop {
            match reader.next().await {
                Ok(Next::Member(_)) => {}
                Ok(Next::End { .. }) => break reader.start,
                Ok(Next::Garbage) => {
                    return Err(fatal(t, "This does not look like a tar archive").await);
                }
                Err(failure) => return Err(broken(t, plan, failure).await),
            }
        };
        let mut reader = open_reader(t, plan).await?;
        reader.left = size;
        let mut left = size;
        while left > 0 {
            let piece = match reader.piece(left).await {
                Ok(piece) => piece,
                Err(failure) => return Err(broken(t, plan, failure).await),
            };
            let count = piece.len();
            if let Err(failure) = writer.put(piece).await {
                return Err(broken(t, plan, failure.into()).await);
            }
            reader.consume(count);
            left -= count as u64;
        }
    }
    plan.names = names;
    plan.archive = own;
    Ok(())
}

pub(super) async fn delete(t: &mut Tool, plan: &mut Plan) -> Done {
    let (_, file, mut reader) = open(t, plan, false).await?;
    let names = plan.names.iter().map(|name| (name.name.clone(), BString::default())).collect();
    let mut selection = Selection::new(names, plan.matching);
    // What stays moves to the front; it is written where everything is read already.
    let mut to = 0;
    let mut piece = Vec::new();
    loop {
        t.ctx.tick().await;
        let member = match reader.next().await {
            Ok(Next::Member(member)) => member,
            Ok(Next::End { .. }) => break,
            Ok(Next::Garbage) => {
                return Err(fatal(t, "This does not look like a tar archive").await);
            }
            Err(failure) => return Err(broken(t, plan, failure).await),
        };
        let (from, until) = (reader.start, reader.at + reader.left);
        if selection.wants(&member.name, plan.occurrence).is_some() && plan.has_names {
            continue;
        }
        if from == to {
            to = until;
            continue;
        }
        let mut at = from;
        while at < until {
            t.ctx.tick().await;
            piece.clear();
            let wanted = usize::try_from(until - at).unwrap_or(usize::MAX).min(64 * 1024);
            let copied = file
                .read_at_into(at, &mut piece, wanted)
                .and_then(|count| file.write_at(to, &piece).map(|()| count as u64));
            match copied {
                Ok(0) => return Err(broken(t, plan, super::ArchiveError::Truncated).await),
                Ok(count) => (at, to) = (at + count, to + count),
                Err(reason) => {
                    return Err(fatal(t, format!("Cannot write: {}", reason.strerror())).await);
                }
            }
        }
    }
    let size = (to + 1024).next_multiple_of(plan.record);
    let cut = file.set_size(to).and_then(|()| file.set_size(size));
    if let Err(reason) = cut {
        return Err(fatal(t, format!("Cannot write: {}", reason.strerror())).await);
    }
    let missing: Vec<BString> = selection.missing(None).cloned().collect();
    for name in missing {
        error(t, format!("{name}: Not found in archive")).await?;
    }
    Ok(())
}
