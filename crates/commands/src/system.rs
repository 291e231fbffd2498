//! Small commands that tell one thing of the system: `arch`, `hostname`, `logname`, `nproc`, `printenv`, `tty`, `uname`,
//! `whoami`.

use bstr::{BStr, ByteSlice};

use crate::command::command;
use crate::users::Users;
use crate::{Done, Fail, Opt, Tool};

command!(ARCH, "arch", &["[OPTION]..."], "Print machine architecture.", &[], 1, arch);
command!(HOSTNAME, "hostname", &["[-s]"], "Show the name of this host.", HOST_OPTIONS, 1, hostname);
command!(LOGNAME, "logname", &["[OPTION]"], "Print the user's login name.", &[], 1, logname);
command!(
    NPROC,
    "nproc",
    &["[OPTION]..."],
    "Print the number of processing units available to the current process,\n\
     which may be less than the number of online processors",
    &[
        Opt::flag("all", "print the number of installed processors"),
        Opt::value("ignore", "N", "if possible, exclude N processing units"),
    ],
    1,
    nproc
);
command!(
    PRINTENV,
    "printenv",
    &["[OPTION]... [VARIABLE]..."],
    "Print the values of the specified environment VARIABLE(s).\n\
     If no VARIABLE is specified, print name and value pairs for them all.",
    &[Opt::flag("0,null", "end each output line with NUL, not newline")],
    2,
    printenv
);
command!(
    TTY,
    "tty",
    &["[OPTION]..."],
    "Print the file name of the terminal connected to standard input.",
    &[Opt::flag("s,silent,quiet", "print nothing, only return an exit status")],
    2,
    tty
);
command!(
    UNAME,
    "uname",
    &["[OPTION]..."],
    "Print certain system information.  With no OPTION, same as -s.",
    &[
        Opt::flag(
            "a,all",
            "print all information, in the following order,\nexcept omit -p and -i if unknown:"
        ),
        Opt::flag("s,kernel-name,sysname", "print the kernel name"),
        Opt::flag("n,nodename", "print the network node hostname"),
        Opt::flag("r,kernel-release,release", "print the kernel release"),
        Opt::flag("v,kernel-version", "print the kernel version"),
        Opt::flag("m,machine", "print the machine hardware name"),
        Opt::flag("p,processor", "print the processor type (non-portable)"),
        Opt::flag("i,hardware-platform", "print the hardware platform (non-portable)"),
        Opt::flag("o,operating-system", "print the operating system"),
    ],
    1,
    uname
);
command!(
    WHOAMI,
    "whoami",
    &["[OPTION]..."],
    "Print the user name associated with the current effective user ID.\nSame as id -un.",
    &[],
    1,
    whoami
);

const HOST_OPTIONS: &[Opt] = &[
    Opt::flag("s,short", "short host name"),
    Opt::flag("f,fqdn,long", "long host name (FQDN)"),
    Opt::flag("d,domain", "DNS domain name"),
    Opt::flag("i,ip-address", "addresses for the host name"),
    Opt::flag("I,all-ip-addresses", "all addresses for the host"),
];

/// What a program sees of the machine: it is made of WebAssembly.
const MACHINE: &str = "wasm32";

fn no_operands(t: &Tool, options: crate::opts::Options) -> Done {
    match options.operands().first() {
        Some(extra) => Err(t.extra_operand(BStr::new(extra))),
        None => Ok(()),
    }
}

fn only_options(t: &Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    no_operands(t, options)
}

async fn arch(t: &mut Tool) -> Done {
    only_options(t)?;
    t.out.put(format!("{MACHINE}\n").as_bytes());
    Ok(())
}

pub(crate) async fn node_name(t: &Tool) -> String {
    let name = t.ctx.read_file(b"/etc/hostname").await.unwrap_or_default();
    let name = name.lines().next().unwrap_or_default().trim_ascii();
    if name.is_empty() { "localhost".into() } else { name.to_str_lossy().into_owned() }
}

async fn hostname(t: &mut Tool) -> Done {
    let mut options = t.options();
    let mut what = "f";
    while let Some((name, _)) = options.next()? {
        what = name;
    }
    if !options.operands().is_empty() {
        return Err(Fail::Message("you must be root to change the host name".into(), 1));
    }
    let name = node_name(t).await;
    let text = match what {
        "s" => name.split('.').next().unwrap_or_default().to_owned(),
        "d" => name.split_once('.').map_or(String::new(), |(_, domain)| domain.to_owned()),
        "i" | "I" => "127.0.0.1".into(),
        _ => name,
    };
    t.out.put(text.as_bytes());
    t.out.put(b"\n");
    Ok(())
}

async fn user_name(t: &Tool) -> Result<String, Fail> {
    let (uid, _) = t.ctx.user();
    let users = Users::load(&t.ctx).await;
    match users.user_name(uid) {
        Some(name) => Ok(name.to_string()),
        None => Err(Fail::Message(format!("cannot find name for user ID {uid}"), 1)),
    }
}

async fn logname(t: &mut Tool) -> Done {
    only_options(t)?;
    let name = match t.ctx.env("LOGNAME").filter(|name| !name.is_empty()) {
        Some(name) => name.to_string(),
        None => user_name(t).await.map_err(|_| Fail::Message("no login name".into(), 1))?,
    };
    t.out.put(format!("{name}\n").as_bytes());
    Ok(())
}

async fn whoami(t: &mut Tool) -> Done {
    only_options(t)?;
    let name = user_name(t).await?;
    t.out.put(format!("{name}\n").as_bytes());
    Ok(())
}

async fn nproc(t: &mut Tool) -> Done {
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        if name == "ignore" {
            let text = value.unwrap_or_default();
            // There is one, and at least one is always told.
            crate::number::parse_size(&text, b"")
                .map_err(|_| Fail::Message(format!("invalid number to ignore: {}", t.quote(&text)), 1))?;
        }
    }
    no_operands(t, options)?;
    t.out.put(b"1\n");
    Ok(())
}

async fn printenv(t: &mut Tool) -> Done {
    let mut end = b'\n';
    let mut options = t.options_in_order();
    while options.next()?.is_some() {
        end = 0;
    }
    let environment = t.ctx.environment();
    let names = options.operands();
    if names.is_empty() {
        for (name, value) in environment.iter() {
            t.out.put(name);
            t.out.put(b"=");
            t.out.put(value);
            t.out.put_byte(end);
        }
    }
    for name in &names {
        match environment.get(name).filter(|_| !name.contains(&b'=')) {
            Some(value) => {
                t.out.put(value);
                t.out.put_byte(end);
            }
            None => t.status = 1,
        }
    }
    Ok(())
}

async fn tty(t: &mut Tool) -> Done {
    let mut silent = false;
    let mut options = t.options();
    while options.next()?.is_some() {
        silent = true;
    }
    no_operands(t, options)?;
    let terminal = t.ctx.is_terminal(0);
    t.status = u8::from(!terminal);
    if !silent {
        t.out.put(if terminal { b"/dev/tty\n" } else { b"not a tty\n" });
    }
    Ok(())
}

async fn uname(t: &mut Tool) -> Done {
    let mut wanted = [false; 8];
    let letters = ["s", "n", "r", "v", "m", "p", "i", "o"];
    let mut all = false;
    let mut options = t.options();
    while let Some((name, _)) = options.next()? {
        if name == "a" {
            all = true;
        } else if let Some(place) =
            letters.iter().position(|letter| *letter == name).and_then(|at| wanted.get_mut(at))
        {
            *place = true;
        }
    }
    no_operands(t, options)?;
    if all {
        // Processor and platform are left out where they are not known.
        wanted = [true, true, true, true, true, false, false, true];
    } else if !wanted.contains(&true) {
        wanted[0] = true;
    }
    let node = node_name(t).await;
    let version = env!("CARGO_PKG_VERSION");
    let kernel = format!("#1 wasmsh {version}");
    let values = ["Linux", &node, "6.1.0-wasmsh", &kernel, MACHINE, "unknown", "unknown", "GNU/Linux"];
    let shown: Vec<&str> =
        values.into_iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(value, _)| value).collect();
    t.out.put(shown.join(" ").as_bytes());
    t.out.put(b"\n");
    Ok(())
}
