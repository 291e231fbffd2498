//! Pages of `pr`: header, rows, trailer.

use bstr::{BString, ByteSlice};
use unicode_width::UnicodeWidthStr;
use wasmsh_os::Errno;

use super::options::{HEADER, Plan};
use super::row::Row;
use super::source::{Source, State};
use crate::quote::quote_name;
use crate::time::{Moment, zone};
use crate::{Done, Fail, Tool};

/// A document being printed.
struct Document<'a> {
    plan: &'a Plan,
    date: BString,
    title: BString,
    page: u64,
    /// The number of the next line.
    number: i64,
    sources: Vec<Source>,
}

/// Prints files as one document: one file, or all in parallel.
pub(super) async fn print(t: &mut Tool, plan: &Plan, files: &[BString]) -> Done {
    let mut sources = Vec::new();
    let mut at = t.ctx.now();
    let mut failed = true;
    for file in files {
        let input = match t.open(file).await {
            Ok(input) => Some(input),
            Err(error) => {
                t.status = 1;
                if !plan.quiet {
                    t.file_error(file, error).await?;
                }
                None
            }
        };
        if let Some(input) = &input {
            failed = false;
            if file != "-"
                && !plan.merge
                && let Ok(stat) = t.ctx.stat_description(input.description())
            {
                at = stat.modified;
            }
        }
        // A file that cannot be opened has no column; an empty one has.
        if input.is_some() {
            sources.push(Source::new(input, file.clone()));
        }
    }
    if failed {
        return Ok(());
    }
    let mut date = Vec::new();
    if let Some(moment) = Moment::new(at, &zone(&t.ctx)) {
        moment.format(&plan.date, &mut date);
    }
    let file = files.first().filter(|file| *file != "-" && !plan.merge).cloned();
    let title = plan.header.clone().or(file).unwrap_or_default();
    let mut document = Document { plan, date: date.into(), title, page: 1, number: 1, sources };
    document.run(t).await
}

impl Document<'_> {
    async fn run(&mut self, t: &mut Tool) -> Done {
        while self.page <= self.plan.last_page {
            // That it has ended is seen on a page of its own, when the last one was full.
            let unseen = self.is_open();
            for source in &mut self.sources {
                source.begin().await.map_err(|error| unreadable(source, error))?;
            }
            if self.sources.iter().all(|source| source.state == State::Closed) {
                let (first, last) = (self.plan.first_page, self.page - u64::from(!unseen));
                if last < first && self.page > 1 {
                    t.warn(format!("starting page number {first} exceeds page count {last}")).await?;
                }
                return Ok(());
            }
            if self.page == self.plan.first_page
                && let Some(number) = self.plan.first_number
            {
                self.number = number;
            }
            if self.page >= self.plan.first_page && self.plan.framed {
                self.header(t);
            }
            let rows = if self.plan.columns > 1 && !self.plan.merge && !self.plan.across {
                self.down(t).await?
            } else {
                self.rows(t).await?
            };
            if self.page >= self.plan.first_page {
                self.trailer(t, rows);
            }
            t.out.drain().await?;
            self.page += 1;
        }
        Ok(())
    }

    fn header(&mut self, t: &mut Tool) {
        let page = format!("Page {}", self.page);
        let out = t.out.buffer();
        let blanks = |count: i64, out: &mut Vec<u8>| {
            out.resize(out.len() + usize::try_from(count).unwrap_or(0), b' ');
        };
        blanks(self.plan.margin, out);
        out.extend_from_slice(b"\n\n");
        blanks(self.plan.margin, out);
        let width = |text: &[u8]| i64::try_from(text.to_str_lossy().width()).unwrap_or(i64::MAX);
        let free = self.plan.width - width(&self.date) - width(&self.title) - width(page.as_bytes());
        out.extend_from_slice(&self.date);
        blanks((free / 2).max(1), out);
        out.extend_from_slice(&self.title);
        blanks((free - free / 2).max(1), out);
        out.extend_from_slice(page.as_bytes());
        out.extend_from_slice(b"\n\n\n");
    }

    /// What follows so many rows.
    fn trailer(&self, t: &mut Tool, rows: u64) {
        let out = t.out.buffer();
        if !self.plan.framed {
            if self.plan.keep_feeds && self.sources.iter().any(|source| source.state == State::Held) {
                out.push(b'\x0c');
            }
        } else if self.plan.form_feed {
            if rows == 0 {
                out.push(b'\n');
            }
            out.push(b'\x0c');
        } else {
            let lines = self.plan.body * if self.plan.double { 2 } else { 1 } + HEADER;
            let blank = usize::try_from(lines.saturating_sub(rows)).unwrap_or(0);
            out.resize(out.len() + blank, b'\n');
        }
    }

    fn is_open(&self) -> bool {
        self.sources.iter().any(|source| source.state == State::Open)
    }

    /// Rows that are written as they are read. How many lines they took.
    async fn rows(&mut self, t: &mut Tool) -> Result<u64, Fail> {
        let plan = self.plan;
        let shown = self.page >= plan.first_page;
        let cells = if plan.merge { self.sources.len() } else { plan.columns };
        let mut texts: Vec<Option<Vec<u8>>> = vec![None; cells];
        let mut lines = 0;
        for _ in 0..plan.body {
            for (index, text) in texts.iter_mut().enumerate() {
                let source = self.sources.get_mut(if plan.merge { index } else { 0 });
                let Some(source) = source else { continue };
                let mut line = text.take().unwrap_or_default();
                if source.line(plan, &mut line).await.map_err(|error| unreadable(source, error))? {
                    *text = Some(line);
                }
            }
            if texts.iter().all(Option::is_none) {
                return Ok(lines);
            }
            let first = self.number;
            self.number += if plan.merge { 1 } else { texts.iter().flatten().count() as i64 };
            if shown {
                self.row(t, texts.iter().map(Option::as_deref), |index| first + index as i64);
                lines += 1;
                if plan.double && self.is_open() {
                    t.out.put(b"\n");
                    lines += 1;
                }
            }
            t.out.drain().await?;
            t.ctx.tick().await;
        }
        self.note_full();
        Ok(lines)
    }

    /// The page has no more room: a form feed that comes next is no end of a page.
    fn note_full(&mut self) {
        for source in &mut self.sources {
            source.filled = source.state == State::Open;
        }
    }

    /// Columns that are filled one after the other, and as long as each other. How many lines they took.
    async fn down(&mut self, t: &mut Tool) -> Result<u64, Fail> {
        let plan = self.plan;
        let most = usize::try_from(plan.body).unwrap_or(usize::MAX).saturating_mul(plan.columns);
        let mut texts = Vec::new();
        let Some(source) = self.sources.first_mut() else { return Ok(0) };
        while texts.len() < most {
            let mut line = Vec::new();
            if !source.line(plan, &mut line).await.map_err(|error| unreadable(source, error))? {
                break;
            }
            line.shrink_to_fit();
            texts.push(line);
        }
        if texts.len() == most {
            self.note_full();
        }
        let first = self.number;
        self.number += texts.len() as i64;
        if self.page < plan.first_page {
            return Ok(0);
        }
        let (each, more) = (texts.len() / plan.columns, texts.len() % plan.columns);
        // Where a column begins: the first ones have a line more.
        let begin = |column: usize| column * each + column.min(more);
        let rows = each + usize::from(more > 0);
        let mut lines = 0;
        for row in 0..rows {
            let index = |column: usize| {
                let index = begin(column) + row;
                (index < begin(column + 1)).then_some(index)
            };
            let cells = (0..plan.columns)
                .map(|column| index(column).and_then(|index| texts.get(index)).map(Vec::as_slice));
            self.row(t, cells, |column| first + (begin(column) + row) as i64);
            lines += 1;
            if plan.double && (row + 1 < rows || self.is_open()) {
                t.out.put(b"\n");
                lines += 1;
            }
            t.out.drain().await?;
            t.ctx.tick().await;
        }
        Ok(lines)
    }

    fn row<'c>(
        &self,
        t: &mut Tool,
        cells: impl Iterator<Item = Option<&'c [u8]>>,
        number: impl Fn(usize) -> i64,
    ) {
        let plan = self.plan;
        let out = t.out.buffer();
        let mut row = Row::new(plan);
        let cells: Vec<_> = cells.collect();
        // Columns without text are marked as long as more can come.
        let marked = if plan.merge && self.is_open() { cells.len() } else { 0 };
        let marked = marked.max(cells.iter().rposition(Option::is_some).map_or(0, |last| last + 1));
        if plan.numbers.is_some() || cells.iter().flatten().any(|cell| !cell.is_empty()) {
            row.margin(out);
        }
        let mut start = 0;
        if plan.merge
            && let Some(numbers) = plan.numbers
        {
            row.number(number(0), numbers, out);
            start = numbers.width;
        }
        let between = i64::try_from(plan.separator.len()).unwrap_or(0);
        for (index, cell) in cells.into_iter().take(marked).enumerate() {
            if index > 0 {
                if plan.align {
                    row.pad_to(start - between);
                }
                row.separator(out);
            }
            if let Some(numbers) = plan.numbers.filter(|_| !plan.merge) {
                row.number(number(index), numbers, out);
            }
            row.text(cell.unwrap_or_default(), out);
            start += plan.column + between;
        }
        if !plan.tabify {
            row.flush(out);
        }
        out.push(b'\n');
    }
}

fn unreadable(source: &Source, error: Errno) -> Fail {
    Fail::Message(format!("{}: {}", quote_name(&source.name), error.strerror()), 1)
}
