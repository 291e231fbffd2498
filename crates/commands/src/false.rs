//! `false`: does nothing, unsuccessfully.

use crate::{Command, Done, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "false",
    usage: &["[ignored command line arguments]", "OPTION"],
    about: "Exit with a status code indicating failure.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    t.status = 1;
    crate::r#true::lone_option(t)
}
