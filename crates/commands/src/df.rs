//! `df`: how much the filesystem of the session may hold, and holds. There is one, mounted at the root.

use bstr::{BString, ByteSlice};
use wasmsh_os::Space;

use crate::find_expr::FILESYSTEM;
use crate::human::Units;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "df",
    usage: &["[OPTION]... [FILE]..."],
    about: "Show information about the file system on which each FILE resides,\n\
            or all file systems by default.",
    options: &[
        Opt::flag("a,all", "include pseudo, duplicate, inaccessible file systems"),
        Opt::value("B,block-size", "SIZE", "scale sizes by SIZE before printing them"),
        Opt::flag("h,human-readable", "print sizes in powers of 1024 (e.g., 1023M)"),
        Opt::flag("H,si", "print sizes in powers of 1000 (e.g., 1.1G)"),
        Opt::flag("i,inodes", "list inode information instead of block usage"),
        Opt::flag("k", "like --block-size=1K"),
        Opt::flag("m", ""),
        Opt::flag("l,local", "limit listing to local file systems"),
        Opt::flag("no-sync", "do not invoke sync before getting usage info (default)"),
        Opt::optional(
            "output",
            "FIELD_LIST",
            "use the output format defined by FIELD_LIST,\nor print all fields if FIELD_LIST is omitted.",
        ),
        Opt::flag("P,portability", "use the POSIX output format"),
        Opt::flag("sync", "invoke sync before getting usage info"),
        Opt::flag("total", "elide all entries insignificant to available space,\nand produce a grand total"),
        Opt::value("t,type", "TYPE", "limit listing to file systems of type TYPE"),
        Opt::flag("T,print-type", "print file system type"),
        Opt::value("x,exclude-type", "TYPE", "limit listing to file systems not of type TYPE"),
        Opt::flag("v", "(ignored)"),
    ],
    more: "FIELD_LIST is a comma-separated list of columns to be included.  Valid\n\
           field names are: 'source', 'fstype', 'itotal', 'iused', 'iavail', 'ipcent',\n\
           'size', 'used', 'avail', 'pcent', 'file' and 'target'.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// A column: its name, its heading, its least width, whether it stands on the left.
type Field = (&'static str, &'static str, usize, bool);

const FIELDS: [Field; 12] = [
    ("source", "Filesystem", 14, true),
    ("fstype", "Type", 4, true),
    ("itotal", "Inodes", 5, false),
    ("iused", "IUsed", 5, false),
    ("iavail", "IFree", 5, false),
    ("ipcent", "IUse%", 4, false),
    ("size", "", 5, false),
    ("used", "Used", 5, false),
    ("avail", "Avail", 5, false),
    ("pcent", "Use%", 4, false),
    ("file", "File", 0, true),
    ("target", "Mounted on", 0, true),
];

fn field(name: &[u8]) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.0.as_bytes() == name)
}

/// What the size of a block is called in the heading.
fn block_name(size: u64, posix: bool) -> String {
    if posix {
        return size.to_string();
    }
    let powers = |base: u64| (1..6).take_while(|power| size.is_multiple_of(base.pow(*power))).count();
    let text = match powers(1024) > powers(1000) {
        true => Units::Binary.show(size),
        false => format!("{}B", Units::Decimal.show(size)),
    };
    text.replace(".0", "")
}

fn percent(used: u64, total: u64) -> String {
    match total {
        0 => "-".into(),
        total => format!("{}%", (u128::from(used) * 100).div_ceil(total.into())),
    }
}

async fn run(t: &mut Tool) -> Done {
    let posixly = t.ctx.env("POSIXLY_CORRECT").is_some();
    let preset = ["DF_BLOCK_SIZE", "BLOCK_SIZE", "BLOCKSIZE"].iter().find_map(|name| t.ctx.env(name));
    let mut units = preset.and_then(|text| Units::parse(&text)).unwrap_or(Units::Blocks(if posixly {
        512
    } else {
        1024
    }));
    let (mut inodes, mut posix, mut with_type, mut total) = (false, false, false, false);
    let mut output: Option<Vec<&'static Field>> = None;
    let (mut chosen, mut excluded) = (Vec::new(), Vec::new());
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "B" => {
                let text = value.unwrap_or_default();
                units = Units::parse(&text)
                    .ok_or_else(|| Fail::Message(format!("invalid -B argument '{text}'"), 1))?;
            }
            "h" => units = Units::Binary,
            "H" => units = Units::Decimal,
            "k" => units = Units::Blocks(1024),
            "m" => units = Units::Blocks(1 << 20),
            "i" => inodes = true,
            "P" => posix = true,
            "T" => with_type = true,
            "total" => total = true,
            "t" => chosen.push(value.unwrap_or_default()),
            "x" => excluded.push(value.unwrap_or_default()),
            "output" => {
                let list = output.get_or_insert_default();
                for name in value.iter().flat_map(|value| value.split(|byte| *byte == b',')) {
                    let option = "option --output: field";
                    let found = field(name)
                        .ok_or_else(|| Fail::Usage(format!("{option} {} unknown", t.quote(name))))?;
                    if list.iter().any(|other| other.0 == found.0) {
                        let message = format!("{option} {} used more than once", t.quote(name));
                        return Err(Fail::Usage(message));
                    }
                    list.push(found);
                }
            }
            _ => {}
        }
        let clash = [(inodes, "-i"), (posix, "-P"), (with_type, "-T")].into_iter().find(|(given, _)| *given);
        if let (Some((_, option)), Some(_)) = (clash, &output) {
            let message = format!("options {option} and --output are mutually exclusive");
            return Err(Fail::Usage(message));
        }
    }
    if let Some(both) = chosen.iter().find(|name| excluded.contains(name)) {
        let message = format!("file system type {} both selected and excluded", t.quote(both));
        return Err(Fail::Message(message, 1));
    }
    let scaled = matches!(units, Units::Binary | Units::Decimal);
    let plain = output.is_none();
    let fields = match output {
        Some(list) if list.is_empty() => FIELDS.iter().collect(),
        Some(list) => list,
        None => {
            let middle = if inodes { 2..6 } else { 6..10 };
            let picked = [0..1, 1..1 + usize::from(with_type), middle, 11..12];
            picked.into_iter().flatten().filter_map(|index| FIELDS.get(index)).collect()
        }
    };
    // Where there are files they are what is asked for; each is on the one filesystem.
    let operands = options.operands();
    let mut files: Vec<BString> = Vec::new();
    for name in &operands {
        match t.ctx.stat(name, true) {
            Ok(_) => files.push(name.clone()),
            Err(error) => {
                t.error(format!("{}: {}", quote_name(name), error.strerror())).await?;
            }
        }
    }
    if operands.is_empty() {
        files.push("-".into());
    } else if files.is_empty() {
        return Ok(());
    }
    let kept = chosen.is_empty() || chosen.iter().any(|name| name == FILESYSTEM);
    if !kept || excluded.iter().any(|name| name == FILESYSTEM) {
        return Err(Fail::Message("no file systems processed".into(), 1));
    }
    let space = t.ctx.kernel().fs().space();
    let mut rows =
        vec![fields.iter().map(|field| heading(field, units, scaled, plain, posix)).collect::<Vec<String>>()];
    for file in &files {
        rows.push(fields.iter().map(|field| cell(field.0, units, &space, &file.to_str_lossy())).collect());
    }
    if total {
        let source = fields.iter().any(|field| field.0 == "source");
        rows.push(
            fields
                .iter()
                .map(|field| match field.0 {
                    "source" => "total".into(),
                    "target" if !source => "total".into(),
                    "fstype" | "file" | "target" => "-".into(),
                    name => cell(name, units, &space, ""),
                })
                .collect(),
        );
    }
    let widths: Vec<usize> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let cells = rows.iter().filter_map(|row| row.get(index));
            cells.map(|text| text.chars().count()).max().unwrap_or(0).max(field.2)
        })
        .collect();
    for row in rows {
        let mut line = String::new();
        let last = row.len().saturating_sub(1);
        for (index, ((text, field), width)) in row.iter().zip(&fields).zip(&widths).enumerate() {
            if index > 0 {
                line.push(' ');
            }
            if !field.3 {
                line.push_str(&format!("{text:>width$}"));
            } else if index == last {
                line.push_str(text);
            } else {
                line.push_str(&format!("{text:<width$}"));
            }
        }
        line.push('\n');
        t.out.put(line.as_bytes());
    }
    Ok(())
}

fn heading(field: &Field, units: Units, scaled: bool, plain: bool, posix: bool) -> String {
    let blocks = match units {
        Units::Blocks(size) | Units::Suffixed(size, _) => size,
        Units::Binary | Units::Decimal => 1,
    };
    match field.0 {
        "size" if scaled => "Size".into(),
        "size" => format!("{}-blocks", block_name(blocks, posix)),
        "avail" if plain && !scaled => "Available".into(),
        "pcent" if posix && !scaled => "Capacity".into(),
        _ => field.1.into(),
    }
}

fn cell(name: &str, units: Units, space: &Space, file: &str) -> String {
    // Inodes are counted one by one.
    let count = |value: u64| match units {
        Units::Binary | Units::Decimal => units.show(value),
        _ => value.to_string(),
    };
    match name {
        "source" | "fstype" => FILESYSTEM.into(),
        "itotal" => count(space.inodes),
        "iused" => count(space.inodes_used),
        "iavail" => count(space.inodes.saturating_sub(space.inodes_used)),
        "ipcent" => percent(space.inodes_used, space.inodes.max(space.inodes_used)),
        "size" => units.show(space.bytes),
        "used" => units.show(space.bytes_used),
        "avail" => units.show(space.bytes.saturating_sub(space.bytes_used)),
        "pcent" => percent(space.bytes_used, space.bytes.max(space.bytes_used)),
        "file" => file.into(),
        _ => "/".into(),
    }
}
