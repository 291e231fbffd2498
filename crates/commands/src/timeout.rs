//! `timeout`: runs a program and ends it after a while.

use std::task::Poll;

use wasmsh_os::{Child, Errno, Exit, Group, Signal, Spawn, Target};

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "timeout",
    usage: &["[OPTION] DURATION COMMAND [ARG]...", "[OPTION]"],
    about: "Start COMMAND, and kill it if still running after DURATION.",
    options: &[
        Opt::flag(
            "preserve-status",
            "exit with the same status as COMMAND, even when the\ncommand times out",
        ),
        Opt::flag(
            "foreground",
            "when not running timeout directly from a shell prompt,\nallow COMMAND to read from the TTY and get TTY signals;\nin this mode, children of COMMAND will not be timed out",
        ),
        Opt::value(
            "k,kill-after",
            "DURATION",
            "also send a KILL signal if COMMAND is still running\nthis long after the initial signal was sent",
        ),
        Opt::value(
            "s,signal",
            "SIGNAL",
            "specify the signal to be sent on timeout;\nSIGNAL may be a name like 'HUP' or a number",
        ),
        Opt::flag("v,verbose", "diagnose to stderr any signal sent upon timeout"),
    ],
    more: "DURATION is a floating point number with an optional suffix:\n\
           's' for seconds (the default), 'm' for minutes, 'h' for hours or 'd' for days.\n\
           A duration of 0 disables the associated timeout.\n\n\
           If the command times out, and --preserve-status is not set, then exit with\n\
           status 124.  Otherwise, exit with the status of COMMAND.",
    usage_status: 125,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut preserve, mut foreground, mut verbose) = (false, false, false);
    let mut signal = Signal::Term;
    let mut kill_after = None;
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "preserve-status" => preserve = true,
            "foreground" => foreground = true,
            "k" => kill_after = Some(duration(t, &value)?),
            "s" => {
                let number = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
                signal = number
                    .and_then(Signal::from_number)
                    .or_else(|| Signal::from_name(&value))
                    .ok_or_else(|| Fail::Usage(format!("{}: invalid signal", t.quote(&value))))?;
            }
            _ => verbose = true,
        }
    }
    let mut words = options.operands();
    if words.len() < 2 {
        return Err(Fail::Usage(String::new()));
    }
    let limit = duration(t, &words.remove(0))?;
    let program = words.first().cloned().unwrap_or_default();
    t.out.flush().await?;
    let group = if foreground { Group::Inherit } else { Group::New };
    let spawn =
        Spawn { program: program.clone(), arguments: words, inherit: true, group, ..Spawn::default() };
    let pid = match t.ctx.spawn(spawn) {
        Ok(pid) => pid,
        Err(error) => {
            let status = if error == Errno::NoEntry { 127 } else { 126 };
            let message = format!("failed to run command {}: {}", t.quote(&program), error.strerror());
            return Err(Fail::Message(message, status));
        }
    };
    let target = if foreground { Target::Process(pid) } else { Target::Group(pid) };
    let mut steps = vec![(signal, limit)];
    if let Some(after) = kill_after.filter(|_| signal != Signal::Kill) {
        steps.push((Signal::Kill, after));
    }
    let (mut sent, mut exit) = (None, None);
    for (signal, limit) in steps {
        exit = wait(t, pid, limit).await;
        if exit.is_some() {
            break;
        }
        if verbose {
            let message = format!("sending signal {} to command {}", signal.name(), t.quote(&program));
            t.warn(message).await?;
        }
        sent = Some(signal);
        // It may have ended just now.
        let _ = t.ctx.kill(target, Some(signal));
        let _ = t.ctx.kill(target, Some(Signal::Cont));
    }
    let exit = match exit {
        Some(exit) => exit,
        None => wait(t, pid, 0).await.unwrap_or(Exit::Code(125)),
    };
    t.status = match (sent, preserve) {
        (Some(Signal::Kill), false) => 137,
        (Some(_), false) => 124,
        _ => exit.status(),
    };
    Ok(())
}

fn duration(t: &Tool, text: &[u8]) -> Result<u64, Fail> {
    match crate::sleep::duration(text) {
        Some(seconds) => Ok((seconds * 1e9).ceil() as u64),
        None => Err(Fail::Usage(format!("invalid time interval {}", t.quote(text)))),
    }
}

/// Waits at most `limit` nanoseconds; 0: for ever.
async fn wait(t: &Tool, pid: wasmsh_os::Pid, limit: u64) -> Option<Exit> {
    let mut sleep = (limit > 0).then(|| t.ctx.sleep(limit));
    std::future::poll_fn(|_| {
        if let Poll::Ready(result) = t.ctx.poll_wait(Child::Process(pid), false) {
            return Poll::Ready(match result {
                Ok((_, wasmsh_os::ChildState::Ended(exit))) => Some(exit),
                _ => Some(Exit::Code(125)),
            });
        }
        match sleep.as_mut().map(wasmsh_os::Sleep::poll_elapsed) {
            Some(Poll::Ready(())) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    })
    .await
}
