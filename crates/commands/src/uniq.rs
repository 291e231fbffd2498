//! `uniq`: leaves out repeated lines.

use bstr::{BStr, ByteSlice};

use crate::lines::body;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "uniq",
    usage: &["[OPTION]... [INPUT [OUTPUT]]"],
    about: "Filter adjacent matching lines from INPUT (or standard input),\n\
            writing to OUTPUT (or standard output).\n\n\
            With no options, matching lines are merged to the first occurrence.",
    options: &[
        Opt::flag("c,count", "prefix lines by the number of occurrences"),
        Opt::flag("d,repeated", "only print duplicate lines, one for each group"),
        Opt::flag("D", "print all duplicate lines"),
        Opt::optional(
            "all-repeated",
            "METHOD",
            "like -D, but allow separating groups\nwith an empty line;\nMETHOD={none(default),prepend,separate}",
        ),
        Opt::value("f,skip-fields", "N", "avoid comparing the first N fields"),
        Opt::optional(
            "group",
            "METHOD",
            "show all items, separating groups with an empty line;\nMETHOD={separate(default),prepend,append,both}",
        ),
        Opt::flag("i,ignore-case", "ignore differences in case when comparing"),
        Opt::value("s,skip-chars", "N", "avoid comparing the first N characters"),
        Opt::flag("u,unique", "only print unique lines"),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
        Opt::value("w,check-chars", "N", "compare no more than N characters in lines"),
        Opt::value("#", "N", ""),
    ],
    more: "A field is a run of blanks (usually spaces and/or TABs), then non-blank\n\
           characters.  Fields are skipped before chars.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    None,
    Prepend,
    Separate,
    Append,
    Both,
}

struct Plan {
    count: bool,
    repeated: bool,
    unique: bool,
    all_repeated: Option<Between>,
    group: Option<Between>,
    fields: usize,
    characters: usize,
    check: usize,
    ignore_case: bool,
    end: u8,
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        count: false,
        repeated: false,
        unique: false,
        all_repeated: None,
        group: None,
        fields: 0,
        characters: 0,
        check: usize::MAX,
        ignore_case: false,
        end: b'\n',
    };
    let mut arguments = t.arguments();
    // `+N` of old is `-s N`.
    for argument in &mut arguments {
        if argument == "--" {
            break;
        }
        if let Some(digits) = argument.strip_prefix(b"+")
            && !digits.is_empty()
            && digits.iter().all(u8::is_ascii_digit)
        {
            let mut option = b"-s".to_vec();
            option.extend_from_slice(digits);
            *argument = option.into();
        }
    }
    let mut options = t.options_of(arguments);
    let mut obsolete = Vec::new();
    while let Some((name, value)) = options.next()? {
        let number = |what: &str| -> Result<usize, Fail> {
            let text = value.as_deref().map(|text| &text[..]).unwrap_or_default();
            match crate::number::parse_size_or_largest(text, b"") {
                (value, None | Some(crate::number::Trouble::Overflow)) => {
                    Ok(usize::try_from(value).unwrap_or(usize::MAX))
                }
                _ => Err(Fail::Message(format!("{}: invalid number of {what}", text.as_bstr()), 1)),
            }
        };
        match name {
            "c" => plan.count = true,
            "d" => plan.repeated = true,
            "D" => plan.all_repeated = Some(Between::None),
            "all-repeated" => {
                let words = &[("none", "none"), ("prepend", "prepend"), ("separate", "separate")];
                plan.all_repeated = Some(match &value {
                    None => Between::None,
                    Some(word) => match crate::choice::choose(t, "--all-repeated", word, words)? {
                        "prepend" => Between::Prepend,
                        "separate" => Between::Separate,
                        _ => Between::None,
                    },
                });
            }
            "group" => {
                let words = &[
                    ("prepend", "prepend"),
                    ("append", "append"),
                    ("separate", "separate"),
                    ("both", "both"),
                ];
                plan.group = Some(match &value {
                    None => Between::Separate,
                    Some(word) => match crate::choice::choose(t, "--group", word, words)? {
                        "prepend" => Between::Prepend,
                        "append" => Between::Append,
                        "both" => Between::Both,
                        _ => Between::Separate,
                    },
                });
            }
            "f" => plan.fields = number("fields to skip")?,
            "i" => plan.ignore_case = true,
            "s" => plan.characters = number("bytes to skip")?,
            "u" => plan.unique = true,
            "z" => plan.end = 0,
            "w" => plan.check = number("bytes to compare")?,
            _ => {
                obsolete.extend_from_slice(&value.unwrap_or_default());
                plan.fields = std::str::from_utf8(&obsolete)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(usize::MAX);
            }
        }
    }
    if plan.group.is_some() && (plan.count || plan.repeated || plan.unique || plan.all_repeated.is_some()) {
        return Err(Fail::Usage("--group is mutually exclusive with -c/-d/-D/-u".into()));
    }
    if plan.count && plan.all_repeated.is_some() {
        return Err(Fail::Usage("printing all duplicated lines and repeat counts is meaningless".into()));
    }
    let operands = options.operands();
    if let Some(extra) = operands.get(2) {
        return Err(t.extra_operand(BStr::new(extra)));
    }
    let name: &[u8] = operands.first().map_or(b"-", |name| name);
    let cannot = |name: &[u8], error: wasmsh_os::Errno| {
        Fail::Message(format!("{}: {}", quote_name(name), error.strerror()), 1)
    };
    let mut input = t.open(name).await.map_err(|error| cannot(name, error))?;
    if let Some(output) = operands.get(1).filter(|output| *output != "-") {
        t.out = t.ctx.create_output(output, false).await.map_err(|error| cannot(output, error))?;
    }
    let mut first: Vec<u8> = Vec::new();
    let mut repeats = 0_u64;
    let mut groups = 0_u64;
    loop {
        let line = match input.line(plan.end).await {
            Ok(line) => line,
            Err(error) => {
                return Err(Fail::Message(
                    format!("error reading {}: {}", t.quote(name), error.strerror()),
                    1,
                ));
            }
        };
        let Some(line) = line else { break };
        let line = body(line, plan.end);
        if repeats > 0 && plan.same(&first, line) {
            repeats += 1;
            if plan.group.is_some() {
                put(t, line, plan.end).await?;
            } else if let Some(between) = plan.all_repeated {
                if repeats == 2 {
                    if between == Between::Prepend || (between == Between::Separate && groups > 0) {
                        t.out.put_byte(plan.end);
                    }
                    groups += 1;
                    put(t, &first, plan.end).await?;
                }
                if !plan.unique {
                    put(t, line, plan.end).await?;
                }
            }
            continue;
        }
        if repeats > 0 {
            plan.finish(t, &first, repeats).await?;
        }
        if let Some(between) = plan.group {
            let before = matches!(between, Between::Prepend | Between::Both)
                || (between == Between::Separate && groups > 0);
            if before && !(between == Between::Both && groups > 0) {
                t.out.put_byte(plan.end);
            }
            put(t, line, plan.end).await?;
            groups += 1;
        }
        first.clear();
        first.extend_from_slice(line);
        repeats = 1;
    }
    if repeats > 0 {
        plan.finish(t, &first, repeats).await?;
    }
    t.out.flush().await?;
    Ok(())
}

async fn put(t: &mut Tool, line: &[u8], end: u8) -> Done {
    t.out.put(line);
    t.out.put_byte(end);
    Ok(t.out.drain().await?)
}

impl Plan {
    async fn finish(&self, t: &mut Tool, first: &[u8], repeats: u64) -> Done {
        if let Some(between) = self.group {
            if matches!(between, Between::Append | Between::Both) {
                t.out.put_byte(self.end);
            }
            return Ok(());
        }
        if self.all_repeated.is_some() {
            return Ok(());
        }
        let wanted = match (self.repeated, self.unique) {
            (false, false) => true,
            (true, false) => repeats > 1,
            (false, true) => repeats == 1,
            (true, true) => false,
        };
        if !wanted {
            return Ok(());
        }
        if self.count {
            t.out.put(format!("{repeats:7} ").as_bytes());
        }
        put(t, first, self.end).await
    }

    fn key<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        let mut rest = line;
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
        for _ in 0..self.fields {
            if rest.is_empty() {
                break;
            }
            let blanks = rest.iter().take_while(|byte| blank(byte)).count();
            rest = rest.get(blanks..).unwrap_or_default();
            let letters = rest.iter().take_while(|byte| !blank(byte)).count();
            rest = rest.get(letters..).unwrap_or_default();
        }
        let rest = rest.get(self.characters.min(rest.len())..).unwrap_or_default();
        rest.get(..self.check.min(rest.len())).unwrap_or_default()
    }

    fn same(&self, a: &[u8], b: &[u8]) -> bool {
        let (a, b) = (self.key(a), self.key(b));
        if self.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b }
    }
}
