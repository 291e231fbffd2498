//! `true`: does nothing, successfully.

use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "true",
    usage: &["[ignored command line arguments]", "OPTION"],
    about: "Exit with a status code indicating success.",
    options: &[],
    more: "",
    usage_status: 0,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    lone_option(t)
}

/// `--help` and `--version` count only when they stand alone.
pub(crate) fn lone_option(t: &Tool) -> Done {
    match &t.arguments()[..] {
        [only] if only == "--help" => Err(Fail::Help),
        [only] if only == "--version" => Err(Fail::Version),
        _ => Ok(()),
    }
}
