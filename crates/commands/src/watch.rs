//! `watch`: runs a command again and again, and shows what it writes (procps).
//!
//! On a terminal each time is a screen; elsewhere they stand one below the other.

use bstr::{BString, ByteSlice};
use unicode_width::UnicodeWidthStr;
use wasmsh_os::{Child, Errno, Input, Spawn};

use crate::time::{Moment, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "watch",
    usage: &["[options] command"],
    about: "Execute a command periodically, showing its output.",
    options: &[
        Opt::flag("b,beep", "beep if command has a non-zero exit"),
        Opt::flag("c,color", "interpret ANSI color and style sequences"),
        Opt::optional("d,differences", "PERMANENT", "(ignored)"),
        Opt::flag("e,errexit", "exit if command has a non-zero exit"),
        Opt::flag("g,chgexit", "exit when output from command changes"),
        Opt::value("q,equexit", "CYCLES", "exit when output from command does not change"),
        Opt::value("n,interval", "SECS", "seconds to wait between updates"),
        Opt::flag("p,precise", "attempt run command in precise intervals"),
        Opt::flag("t,no-title", "turn off header"),
        Opt::flag("w,no-wrap", "turn off line wrapping"),
        Opt::flag("x,exec", "pass command to exec instead of \"sh -c\""),
        Opt::flag("h", "display this help and exit"),
        Opt::flag("v", "output version information and exit"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What one run has written, and its status.
async fn once(t: &mut Tool, words: &[BString]) -> Result<(Vec<u8>, u8), Fail> {
    let (reader, writer) = t.ctx.new_pipe();
    let spawn = Spawn {
        program: words.first().cloned().unwrap_or_default(),
        arguments: words.to_vec(),
        inherit: true,
        descriptors: vec![(1, Some(writer.clone())), (2, Some(writer))],
        ..Spawn::default()
    };
    let pid = match t.ctx.spawn(spawn) {
        Ok(pid) => pid,
        Err(error) => {
            let status = if error == Errno::NoEntry { 127 } else { 126 };
            let name = words.first().cloned().unwrap_or_default();
            return Err(Fail::Message(format!("unable to execute '{name}': {}", error.strerror()), status));
        }
    };
    let mut text = Vec::new();
    let mut input = Input::new(t.ctx.clone(), reader);
    if let Err(error) = input.read_to_end(&mut text).await {
        return Err(Fail::Message(error.strerror().into(), 1));
    }
    let status = t.ctx.wait(Child::Process(pid)).await.map_or(125, |(_, exit)| exit.status());
    Ok((text, status))
}

async fn run(t: &mut Tool) -> Done {
    let (mut beep, mut error_ends, mut change_ends, mut title) = (false, false, false, true);
    let (mut precise, mut direct, mut equal_ends, mut seconds) = (false, false, None, 2.0_f64);
    let usage = |t: &Tool| Fail::Bare(t.command.help(&t.name).trim_end().into(), 1);
    if let Some(text) = t.ctx.env("WATCH_INTERVAL") {
        seconds = interval(&text)?;
    }
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "b" => beep = true,
            "e" => error_ends = true,
            "g" => change_ends = true,
            "n" => seconds = interval(&value)?,
            "p" => precise = true,
            "q" => {
                let number = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
                let message = || format!("failed to parse argument: '{value}'");
                equal_ends = Some(number.ok_or_else(|| Fail::Message(message(), 1))?);
            }
            "t" => title = false,
            "x" => direct = true,
            "h" => return Err(Fail::Help),
            "v" => return Err(Fail::Version),
            _ => {}
        }
    }
    let words = options.operands();
    if words.is_empty() {
        return Err(usage(t));
    }
    let shown = BString::from(bstr::join(" ", &words));
    let command = match direct {
        true => words,
        false => vec!["sh".into(), "-c".into(), shown.clone()],
    };
    let seconds = seconds.clamp(0.1, 4_294_967_295.0);
    let period = (seconds * 1e9) as u64;
    let (mut before, mut equal): (Option<Vec<u8>>, u64) = (None, 0);
    let mut next = t.ctx.monotonic();
    loop {
        let (text, status) = once(t, &command).await?;
        let size = t.ctx.kernel().terminal().filter(|_| t.ctx.is_terminal(1));
        if size.is_some() {
            t.out.put(b"\x1b[H\x1b[2J");
        }
        let columns = size.map_or(80, |size| usize::from(size.columns));
        let mut rows = size.map_or(usize::MAX, |size| usize::from(size.rows));
        if title {
            let line = heading(t, seconds, &shown.to_str_lossy(), columns).await;
            t.out.put(line.as_bytes());
            t.out.put(b"\n\n");
            rows = rows.saturating_sub(2);
        }
        // A screen has so many lines; what is longer than that is cut, as on any other.
        let end = match size {
            Some(_) => text.find_iter(b"\n").nth(rows.saturating_sub(1)).unwrap_or(text.len()),
            None => text.len(),
        };
        t.out.write(text.get(..end).unwrap_or_default()).await?;
        if !text.ends_with(b"\n") && !text.is_empty() && size.is_none() {
            t.out.put(b"\n");
        }
        if status != 0 && beep {
            t.out.put(b"\x07");
        }
        t.out.flush().await?;
        if status != 0 && error_ends {
            t.out.put(b"command exit with a non-zero status\n");
            t.status = 8;
            return Ok(());
        }
        let same = before.as_ref() == Some(&text);
        if before.is_some() && change_ends && !same {
            return Ok(());
        }
        equal = if same { equal + 1 } else { 0 };
        if equal_ends.is_some_and(|cycles| equal >= cycles) {
            return Ok(());
        }
        before = Some(text);
        next = next.saturating_add(period);
        let now = t.ctx.monotonic();
        let pause = if precise { next.saturating_sub(now) } else { period };
        t.ctx.sleep(pause).await;
    }
}

/// Seconds, with a point or a comma.
fn interval(text: &[u8]) -> Result<f64, Fail> {
    let number = text.to_str().ok().and_then(|text| text.replace(',', ".").trim().parse::<f64>().ok());
    number.filter(|number| number.is_finite()).ok_or_else(|| {
        Fail::Message(format!("failed to parse argument: '{}': Invalid argument", text.as_bstr()), 1)
    })
}

/// What is run on the left, when and where on the right.
async fn heading(t: &Tool, seconds: f64, command: &str, columns: usize) -> String {
    let mut now = Vec::new();
    if let Some(moment) = Moment::new(t.ctx.now(), &zone(&t.ctx)) {
        moment.format(b"%a %b %e %H:%M:%S %Y", &mut now);
    }
    let host = crate::system::node_name(t).await;
    let right = format!("{host}: {}", now.to_str_lossy());
    let left = format!("Every {seconds:.1}s: ");
    let room = columns.saturating_sub(left.width() + right.width() + 1);
    let command = match command.width() <= room {
        true => command.to_owned(),
        false if room > 3 => {
            let cut: String = command.chars().take(room - 3).collect();
            format!("{cut}...")
        }
        false => String::new(),
    };
    let gap = columns.saturating_sub(left.width() + command.width() + right.width());
    format!("{left}{command}{}{right}", " ".repeat(gap))
}
