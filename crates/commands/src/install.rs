//! `install`: copies files and sets their attributes; makes directories.

use bstr::BString;
use wasmsh_os::NewTime;

use crate::copy::Copier;
use crate::mode::ModeChange;
use crate::path::{join, parent};
use crate::quote::{quote_always, quote_name};
use crate::targets::{Backup, backup_suffix, targets};
use crate::users::Users;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "install",
    usage: &[
        "[OPTION]... [-T] SOURCE DEST",
        "[OPTION]... SOURCE... DIRECTORY",
        "[OPTION]... -t DIRECTORY SOURCE...",
        "[OPTION]... -d DIRECTORY...",
    ],
    about: "Copy files into destination locations you choose, and set their attributes.\n\
            In the fourth form, create all components of the given DIRECTORY(ies).",
    options: &[
        Opt::optional("backup", "CONTROL", "make a backup of each existing destination file"),
        Opt::flag("b", "like --backup but does not accept an argument"),
        Opt::flag("c", "(ignored)"),
        Opt::flag(
            "C,compare",
            "compare content of source and destination files, and\nif no change to content, ownership, and permissions,\ndo not modify the destination at all",
        ),
        Opt::flag(
            "d,directory",
            "treat all arguments as directory names; create all\ncomponents of the specified directories",
        ),
        Opt::flag(
            "D",
            "create all leading components of DEST except the last,\nor all components of --target-directory,\nthen copy SOURCE to DEST",
        ),
        Opt::value("g,group", "GROUP", "set group ownership, instead of process' current group"),
        Opt::value("m,mode", "MODE", "set permission mode (as in chmod), instead of rwxr-xr-x"),
        Opt::value("o,owner", "OWNER", "set ownership (super-user only)"),
        Opt::flag(
            "p,preserve-timestamps",
            "apply access/modification times of SOURCE files\nto corresponding destination files",
        ),
        Opt::flag("s,strip", "strip symbol tables"),
        Opt::value("strip-program", "PROGRAM", "program used to strip binaries"),
        Opt::value("S,suffix", "SUFFIX", "override the usual backup suffix"),
        Opt::value("t,target-directory", "DIRECTORY", "copy all SOURCE arguments into DIRECTORY"),
        Opt::flag("T,no-target-directory", "treat DEST as a normal file"),
        Opt::flag("v,verbose", "print the name of each directory as it is created"),
        Opt::flag("preserve-context", "preserve SELinux security context"),
        Opt::flag(
            "Z",
            "set SELinux security context of destination\nfile and each created directory to default type",
        ),
        Opt::optional("context", "CTX", ""),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

struct Plan {
    mode: ModeChange,
    owner: Option<u32>,
    group: Option<u32>,
    compare: bool,
    times: bool,
    strip: Option<BString>,
    verbose: bool,
}

async fn run(t: &mut Tool) -> Done {
    let Some(default) = ModeChange::parse(b"755") else { return Ok(()) };
    let mut plan = Plan {
        mode: default,
        owner: None,
        group: None,
        compare: false,
        times: false,
        strip: None,
        verbose: false,
    };
    let (mut directories, mut leading, mut no_directory) = (false, false, false);
    let mut backup = Backup::None;
    let (mut suffix, mut target): (Option<BString>, Option<BString>) = (None, None);
    let (mut owner, mut group): (Option<BString>, Option<BString>) = (None, None);
    let mut strip = false;
    let mut program: BString = "strip".into();
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.clone().unwrap_or_default();
        match name {
            "backup" => backup = Backup::parse(t, value.as_deref().map(|word| &word[..]))?,
            "b" => backup = Backup::parse(t, None)?,
            "C" => plan.compare = true,
            "d" => directories = true,
            "D" => leading = true,
            "g" => group = value,
            "m" => {
                plan.mode = ModeChange::parse(&text)
                    .ok_or_else(|| Fail::Message(format!("invalid mode {}", t.quote(&text)), 1))?;
            }
            "o" => owner = value,
            "p" => plan.times = true,
            "s" => strip = true,
            "strip-program" => program = text,
            "S" => {
                suffix = value;
                if backup == Backup::None {
                    backup = Backup::parse(t, None)?;
                }
            }
            "t" => target = value,
            "T" => no_directory = true,
            "v" => plan.verbose = true,
            _ => {}
        }
    }
    if directories && strip {
        return Err(Fail::Message("the strip option may not be used when installing a directory".into(), 1));
    }
    if directories && target.is_some() {
        return Err(Fail::Message("target directory not allowed when installing a directory".into(), 1));
    }
    if plan.compare && plan.times {
        return Err(Fail::Usage(
            "options --compare (-C) and --preserve-timestamps are mutually exclusive".into(),
        ));
    }
    if plan.compare && strip {
        return Err(Fail::Usage("options --compare (-C) and --strip are mutually exclusive".into()));
    }
    plan.strip = strip.then_some(program);
    let users = Users::load(&t.ctx).await;
    if let Some(name) = &owner {
        let uid = users.uid_of(name);
        plan.owner = Some(uid.ok_or_else(|| Fail::Message(format!("invalid user {}", t.quote(name)), 1))?);
    }
    if let Some(name) = &group {
        let gid = users.gid_of(name);
        plan.group = Some(gid.ok_or_else(|| Fail::Message(format!("invalid group {}", t.quote(name)), 1))?);
    }
    let files = options.operands();
    if directories {
        if files.is_empty() {
            return Err(Fail::Usage("missing file operand".into()));
        }
        for file in &files {
            directory(t, &plan, file).await?;
        }
        return Ok(());
    }
    if leading && let Some(target) = &target {
        all_directories(t, &plan, target).await?;
    } else if leading
        && files.len() == 2
        && let Some(last) = files.last()
    {
        let above = parent(last).to_owned();
        all_directories(t, &plan, &above).await?;
    }
    if let Some(target) = &target
        && let Err(error) = t.ctx.stat(target, true)
    {
        let message = format!("failed to access {}: {}", quote_always(target), error.strerror());
        return Err(Fail::Message(message, 1));
    }
    let targets = targets(t, files, target, no_directory, None)?;
    let mut copier = Copier::new(t);
    copier.backup = backup;
    copier.suffix = backup_suffix(t, suffix);
    copier.remove_first = true;
    copier.copy_contents = true;
    copier.verbose = plan.verbose;
    for (source, target) in &targets.pairs {
        file(t, &plan, &mut copier, source, target).await?;
    }
    Ok(())
}

/// Makes a directory and those above it.
async fn all_directories(t: &mut Tool, plan: &Plan, path: &[u8]) -> Done {
    if t.ctx.stat(path, true).is_ok_and(|stat| stat.is_directory()) {
        return Ok(());
    }
    let mut whole = BString::default();
    if path.starts_with(b"/") {
        whole.push(b'/');
    }
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        whole = join(&whole, part);
        if t.ctx.stat(&whole, true).is_ok_and(|stat| stat.is_directory()) {
            continue;
        }
        match t.ctx.make_directory(&whole, 0o755) {
            Ok(()) if plan.verbose => {
                let text = format!("{}: creating directory {}\n", t.name, quote_always(&whole));
                t.out.put(text.as_bytes());
            }
            Ok(()) => {}
            Err(error) => {
                let message =
                    format!("cannot create directory {}: {}", quote_always(&whole), error.strerror());
                return t.error(message).await;
            }
        }
    }
    Ok(())
}

/// `-d`.
async fn directory(t: &mut Tool, plan: &Plan, path: &BString) -> Done {
    if !t.ctx.stat(path, true).is_ok_and(|stat| stat.is_directory()) {
        all_directories(t, plan, path).await?;
        if t.status != 0 && t.ctx.stat(path, true).is_err() {
            return Ok(());
        }
    }
    attributes(t, plan, path, true).await
}

async fn attributes(t: &mut Tool, plan: &Plan, path: &BString, directory: bool) -> Done {
    let shown = quote_always(path);
    if (plan.owner.is_some() || plan.group.is_some())
        && let Err(error) = t.ctx.set_owner(path, plan.owner, plan.group, true)
    {
        return t.error(format!("cannot change ownership of {shown}: {}", error.strerror())).await;
    }
    let mode = plan.mode.apply(0, directory, 0);
    if let Err(error) = t.ctx.set_mode(path, mode, true) {
        return t.error(format!("cannot change permissions of {shown}: {}", error.strerror())).await;
    }
    Ok(())
}

async fn file(t: &mut Tool, plan: &Plan, copier: &mut Copier, source: &BString, target: &BString) -> Done {
    let stat = match t.ctx.stat(source, true) {
        Ok(stat) => stat,
        Err(error) => {
            return t.error(format!("cannot stat {}: {}", quote_always(source), error.strerror())).await;
        }
    };
    if stat.is_directory() {
        return t.error(format!("omitting directory {}", quote_always(source))).await;
    }
    if plan.compare && same(t, plan, source, target).await {
        return Ok(());
    }
    if !copier.copy(t, source, target).await? {
        return Ok(());
    }
    if let Some(program) = &plan.strip {
        let words = vec![program.clone(), target.clone()];
        let spawn = wasmsh_os::Spawn {
            program: program.clone(),
            arguments: words,
            inherit: true,
            ..wasmsh_os::Spawn::default()
        };
        let ended = match t.ctx.spawn(spawn) {
            Ok(pid) => {
                t.ctx.wait(wasmsh_os::Child::Process(pid)).await.is_ok_and(|(_, state)| state.status() == 0)
            }
            Err(error) => {
                let message = format!("cannot run {}: {}", quote_name(program), error.strerror());
                t.error(message).await?;
                true
            }
        };
        if !ended {
            t.error("strip process terminated abnormally").await?;
        }
        if t.status != 0 {
            let _ = t.ctx.remove_file(target);
            return Ok(());
        }
    }
    if plan.times {
        let (accessed, modified) = (NewTime::At(stat.accessed), NewTime::At(stat.modified));
        if let Err(error) = t.ctx.set_times(target, accessed, modified, true) {
            let message = format!("cannot set timestamps for {}: {}", quote_always(target), error.strerror());
            t.error(message).await?;
        }
    }
    attributes(t, plan, target, false).await
}

/// Whether nothing would change.
async fn same(t: &Tool, plan: &Plan, source: &BString, target: &BString) -> bool {
    let (Ok(from), Ok(to)) = (t.ctx.stat(source, true), t.ctx.stat(target, false)) else { return false };
    let owned = plan.owner.is_none_or(|uid| uid == to.uid) && plan.group.is_none_or(|gid| gid == to.gid);
    if !to.is_regular() || from.size != to.size || !owned || to.mode != plan.mode.apply(0, false, 0) {
        return false;
    }
    let (Ok(mut a), Ok(mut b)) = (t.ctx.open_input(source).await, t.ctx.open_input(target).await) else {
        return false;
    };
    loop {
        let (Ok(left), Ok(right)) = (a.fill().await, b.fill().await) else { return false };
        let count = left.len().min(right.len());
        if count == 0 {
            return left.is_empty() && right.is_empty();
        }
        if left.get(..count) != right.get(..count) {
            return false;
        }
        a.consume(count);
        b.consume(count);
    }
}
