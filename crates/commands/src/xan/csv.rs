//! Rows of separated values as a stream, on `csv-core`, and their writing.

use bstr::{BString, ByteSlice};
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use wasmsh_os::Input;

use crate::{Done, Fail, Tool};

/// The fields of one row.
pub(super) type Row = Vec<BString>;

/// The separator that a name of a file tells.
pub(super) fn separator_of(name: &[u8]) -> u8 {
    match name.rsplit_once_str(b".").map_or(&b""[..], |(_, extension)| extension) {
        b"tsv" | b"tab" => b'\t',
        b"ssv" | b"scsv" => b';',
        b"psv" => b'|',
        _ => b',',
    }
}

/// Rows that are read one by one.
pub(super) struct Rows {
    input: Input,
    reader: Reader,
    name: BString,
    /// How many fields each row has, known from the first.
    width: Option<usize>,
    line: u64,
    ended: bool,
}

impl Rows {
    /// `-` is standard input.
    pub(super) async fn open(t: &mut Tool, name: &BString, separator: Option<u8>) -> Result<Rows, Fail> {
        let input = t.open(name).await.map_err(|error| failed(name, error))?;
        let separator = separator.unwrap_or_else(|| separator_of(name));
        let reader = ReaderBuilder::new().delimiter(separator).build();
        Ok(Rows { input, reader, name: name.clone(), width: None, line: 0, ended: false })
    }

    /// The next row; rows of another width than the first are an error.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, Fail> {
        let (mut row, mut field) = (Row::new(), Vec::new());
        let mut buffer = [0; 1024];
        loop {
            if self.ended {
                return Ok(None);
            }
            let bytes = self.input.fill().await.map_err(|error| failed(&self.name, error))?;
            let (result, read, written) = self.reader.read_field(bytes, &mut buffer);
            self.ended = bytes.is_empty() && matches!(result, ReadFieldResult::End);
            self.input.consume(read);
            field.extend_from_slice(buffer.get(..written).unwrap_or_default());
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    row.push(BString::from(std::mem::take(&mut field)));
                    if record_end {
                        break;
                    }
                }
                ReadFieldResult::End => return Ok(None),
            }
        }
        if self.line == 0
            && let Some(first) = row.first_mut()
            && let Some(rest) = first.strip_prefix(b"\xef\xbb\xbf")
        {
            *first = rest.into();
        }
        let width = *self.width.get_or_insert(row.len());
        if row.len() != width {
            return Err(Fail::Message(
                format!(
                    "{}: row {} has {} fields, but the first row has {width}",
                    self.name,
                    self.line,
                    row.len()
                ),
                1,
            ));
        }
        self.line += 1;
        Ok(Some(row))
    }

    /// All rows that are left.
    pub(super) async fn rest(&mut self, t: &mut Tool) -> Result<Vec<Row>, Fail> {
        let ceiling = t.ctx.kernel().ceilings().expansion_bytes;
        let (mut all, mut bytes) = (Vec::new(), 0);
        while let Some(row) = self.next().await? {
            bytes += row.iter().map(|field| field.len() as u64 + 32).sum::<u64>();
            if bytes > ceiling {
                return Err(Fail::Message(format!("{}: too large to be held in memory", self.name), 1));
            }
            all.push(row);
        }
        Ok(all)
    }
}

pub(super) fn failed(name: &[u8], error: wasmsh_os::Errno) -> Fail {
    Fail::Message(format!("{}: {}", name.as_bstr(), error.strerror()), 1)
}

/// How rows are written.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) separator: u8,
    pub(super) quote: u8,
    pub(super) always: bool,
    pub(super) ending: &'static [u8],
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { separator: b',', quote: b'"', always: false, ending: b"\n" }
    }
}

impl Shape {
    /// Appends a row.
    pub(super) fn write(&self, row: &[BString], out: &mut Vec<u8>) {
        for (index, field) in row.iter().enumerate() {
            if index > 0 {
                out.push(self.separator);
            }
            let special =
                |byte: &u8| *byte == self.separator || *byte == self.quote || matches!(byte, b'\n' | b'\r');
            // A row of one empty field would be no row at all.
            if self.always || field.iter().any(special) || field.is_empty() && row.len() == 1 {
                out.push(self.quote);
                for byte in field.iter() {
                    if *byte == self.quote {
                        out.push(self.quote);
                    }
                    out.push(*byte);
                }
                out.push(self.quote);
            } else {
                out.extend_from_slice(field);
            }
        }
        out.extend_from_slice(self.ending);
    }
}

/// Writes a row to the output.
pub(super) async fn put(t: &mut Tool, row: &[BString]) -> Done {
    Shape::default().write(row, t.out.buffer());
    t.out.drain().await?;
    Ok(())
}
