//! `which` and `whereis`: where programs are.

use bstr::BString;
use wasmsh_os::AccessMode;

use crate::path::{base_name, join};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static WHICH: Command = Command {
    name: "which",
    usage: &["[-a] COMMAND..."],
    about: "Print the files that commands lead to, as PATH finds them.",
    options: &[Opt::flag("a", "print all matching pathnames of each argument")],
    more: "",
    usage_status: 2,
    main: |ctx| start(&WHICH, ctx, which),
};

pub(crate) static WHEREIS: Command = Command {
    name: "whereis",
    usage: &["[options] [-BMS <dir>... -f] <name>"],
    about: "Locate the binary, source, and manual-page files for a command.",
    options: &[
        Opt::flag("b", "search only for binaries"),
        Opt::flag("m", "search only for manuals and infos"),
        Opt::flag("s", "search only for sources"),
        Opt::flag("u", "search for unusual entries"),
        Opt::flag("l", "output effective lookup paths"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&WHEREIS, ctx, whereis),
};

fn is_program(t: &Tool, path: &[u8]) -> bool {
    t.ctx.stat(path, true).is_ok_and(|stat| stat.is_regular())
        && t.ctx.access(path, AccessMode::EXECUTE).is_ok()
}

async fn which(t: &mut Tool) -> Done {
    let mut all = false;
    let mut options = t.options_in_order();
    loop {
        match options.next() {
            Ok(Some(_)) => all = true,
            Ok(None) => break,
            Err(Fail::Usage(message)) => {
                let letter = message.split('\'').nth(1).unwrap_or_default();
                t.err.put(format!("Illegal option -{letter}\n").as_bytes());
                t.out.put(b"Usage: /usr/bin/which [-a] args\n");
                let _ = t.err.flush().await;
                return Err(Fail::Status(2));
            }
            Err(other) => return Err(other),
        }
    }
    let names = options.operands();
    if names.is_empty() {
        return Err(Fail::Status(1));
    }
    let path = t.ctx.env("PATH").unwrap_or_default();
    for name in &names {
        let candidates: Vec<BString> = if name.contains(&b'/') {
            vec![name.clone()]
        } else {
            let directories = path.split(|byte| *byte == b':');
            directories
                .map(|directory| if directory.is_empty() { b"." } else { directory })
                .map(|directory| join(directory, name))
                .collect()
        };
        let mut found = false;
        for candidate in &candidates {
            if !is_program(t, candidate) {
                continue;
            }
            t.out.put(candidate);
            t.out.put(b"\n");
            found = true;
            if !all {
                break;
            }
        }
        if !found {
            t.status = 1;
        }
    }
    Ok(())
}

const BINARIES: [&str; 8] =
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/lib", "/opt"];
const MANUALS: [&str; 2] = ["/usr/share/man/man1", "/usr/share/info"];
const SOURCES: [&str; 1] = ["/usr/src"];

async fn whereis(t: &mut Tool) -> Done {
    let (mut binaries, mut manuals, mut sources) = (false, false, false);
    let mut list = false;
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        match name {
            "b" => binaries = true,
            "m" => manuals = true,
            "s" => sources = true,
            "l" => list = true,
            _ => {}
        }
    }
    let names = options.operands();
    if !(binaries || manuals || sources) {
        (binaries, manuals, sources) = (true, true, true);
    }
    let mut places: Vec<BString> = Vec::new();
    let path = t.ctx.env("PATH").unwrap_or_default();
    let of_path = path.split(|byte| *byte == b':').map(BString::from);
    let mut wanted: Vec<BString> = Vec::new();
    if binaries {
        wanted.extend(BINARIES.iter().map(|place| BString::from(*place)).chain(of_path));
    }
    if manuals {
        wanted.extend(MANUALS.iter().map(|place| BString::from(*place)));
    }
    if sources {
        wanted.extend(SOURCES.iter().map(|place| BString::from(*place)));
    }
    // A directory that is reached in two ways counts once.
    let mut seen = Vec::new();
    for place in wanted {
        if let Ok(stat) = t.ctx.stat(&place, true)
            && stat.is_directory()
            && !seen.contains(&(stat.device, stat.inode))
        {
            seen.push((stat.device, stat.inode));
            places.push(place);
        }
    }
    if list {
        for place in &places {
            t.out.put(format!("bin: {place}\n").as_bytes());
        }
    }
    if names.is_empty() && !list {
        return Err(Fail::Usage("not enough arguments".into()));
    }
    for name in &names {
        let base = base_name(name).to_owned();
        let stem = base.split(|byte| *byte == b'.').next().unwrap_or_default().to_owned();
        t.out.put(&stem);
        t.out.put(b":");
        for place in &places {
            for entry in t.ctx.read_directory(place).unwrap_or_default() {
                let entry_stem = entry.name.split('.').next().unwrap_or_default();
                if entry_stem.as_bytes() == stem && !entry.stat.is_directory() {
                    t.out.put(b" ");
                    let path = join(place, entry.name.as_bytes());
                    t.out.put(&path);
                }
            }
            t.ctx.tick().await;
        }
        t.out.put(b"\n");
    }
    Ok(())
}
