//! `cp`: copies files and directories.

use std::collections::BTreeSet;

use bstr::{BString, ByteSlice};

use crate::copy::{Copier, Existing, Follow};
use crate::targets::{Backup, backup_suffix, targets};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "cp",
    usage: &[
        "[OPTION]... [-T] SOURCE DEST",
        "[OPTION]... SOURCE... DIRECTORY",
        "[OPTION]... -t DIRECTORY SOURCE...",
    ],
    about: "Copy SOURCE to DEST, or multiple SOURCE(s) to DIRECTORY.",
    options: &[
        Opt::flag("a,archive", "same as -dR --preserve=all"),
        Opt::flag("attributes-only", "don't copy the file data, just the attributes"),
        Opt::optional("backup", "CONTROL", "make a backup of each existing destination file"),
        Opt::flag("b", "like --backup but does not accept an argument"),
        Opt::flag("copy-contents", "copy contents of special files when recursive"),
        Opt::flag("d", "same as --no-dereference --preserve=links"),
        Opt::flag("f,force", "if an existing destination file cannot be\nopened, remove it and try again"),
        Opt::flag("i,interactive", "prompt before overwrite"),
        Opt::flag("H", "follow command-line symbolic links in SOURCE"),
        Opt::flag("l,link", "hard link files instead of copying"),
        Opt::flag("L,dereference", "always follow symbolic links in SOURCE"),
        Opt::flag("n,no-clobber", "do not overwrite an existing file"),
        Opt::flag("P,no-dereference", "never follow symbolic links in SOURCE"),
        Opt::flag("p", "same as --preserve=mode,ownership,timestamps"),
        Opt::optional("preserve", "ATTR_LIST", "preserve the specified attributes"),
        Opt::value("no-preserve", "ATTR_LIST", "don't preserve the specified attributes"),
        Opt::flag("parents", "use full source file name under DIRECTORY"),
        Opt::flag("R,r,recursive", "copy directories recursively"),
        Opt::optional("reflink", "WHEN", "control clone/CoW copies (always done here)"),
        Opt::flag(
            "remove-destination",
            "remove each existing destination file before\nattempting to open it",
        ),
        Opt::value("sparse", "WHEN", "control creation of sparse files"),
        Opt::flag("strip-trailing-slashes", "remove any trailing slashes from each SOURCE\nargument"),
        Opt::flag("s,symbolic-link", "make symbolic links instead of copying"),
        Opt::value("S,suffix", "SUFFIX", "override the usual backup suffix"),
        Opt::value("t,target-directory", "DIRECTORY", "copy all SOURCE arguments into DIRECTORY"),
        Opt::flag("T,no-target-directory", "treat DEST as a normal file"),
        Opt::flag(
            "u,update",
            "copy only when the SOURCE file is newer\nthan the destination file or when the\ndestination file is missing",
        ),
        Opt::flag("v,verbose", "explain what is being done"),
        Opt::flag("x,one-file-system", "stay on this file system"),
        Opt::flag("Z", ""),
        Opt::optional("context", "CTX", ""),
    ],
    more: "The backup suffix is '~', unless set with --suffix or SIMPLE_BACKUP_SUFFIX.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

impl Copier {
    /// A copier that does nothing special.
    pub(crate) fn new(t: &Tool) -> Copier {
        Copier {
            recursive: false,
            follow: Follow::Always,
            existing: Existing::Overwrite,
            force: false,
            remove_first: false,
            update: false,
            verbose: false,
            hard_link: false,
            symbolic_link: false,
            keep_mode: false,
            keep_times: false,
            keep_owner: false,
            keep_links: false,
            attributes_only: false,
            plain_mode: false,
            one_filesystem: false,
            copy_contents: false,
            backup: Backup::None,
            suffix: backup_suffix(t, None),
            made: Vec::new(),
            links: Default::default(),
            top: Default::default(),
        }
    }

    fn preserve(&mut self, t: &Tool, list: &[u8], keep: bool) -> Result<(), Fail> {
        for word in list.split(|byte| *byte == b',') {
            let option = if keep { "--preserve" } else { "--no-preserve" };
            match crate::choice::choose(t, option, word, ATTRIBUTES)? {
                "mode" => {
                    self.keep_mode = keep;
                    self.plain_mode = !keep;
                }
                "timestamps" => self.keep_times = keep,
                "ownership" => self.keep_owner = keep,
                "links" => self.keep_links = keep,
                "all" => {
                    (self.keep_mode, self.keep_times, self.keep_owner, self.keep_links) =
                        (keep, keep, keep, keep);
                    self.plain_mode = !keep;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

const ATTRIBUTES: &[(&str, &str)] = &[
    ("mode", "mode"),
    ("timestamps", "timestamps"),
    ("ownership", "ownership"),
    ("links", "links"),
    ("context", "context"),
    ("xattr", "xattr"),
    ("all", "all"),
];

const REFLINK: &[(&str, &str)] = &[("auto", "auto"), ("always", "always"), ("never", "never")];
const SPARSE: &[(&str, &str)] = &[("never", "never"), ("auto", "auto"), ("always", "always")];

async fn run(t: &mut Tool) -> Done {
    let mut copier = Copier::new(t);
    let mut follow = None;
    let (mut backup, mut suffix, mut directory) = (None, None, None);
    let (mut no_directory, mut parents, mut strip) = (false, false, false);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "a" => {
                follow = Some(Follow::Never);
                copier.recursive = true;
                copier.preserve(t, b"all", true)?;
            }
            "attributes-only" => copier.attributes_only = true,
            "backup" | "b" => backup = Some(value),
            "copy-contents" => copier.copy_contents = true,
            "d" => (follow, copier.keep_links) = (Some(Follow::Never), true),
            "f" => copier.force = true,
            "i" => copier.existing = Existing::Ask,
            "H" => follow = Some(Follow::CommandLine),
            "l" => copier.hard_link = true,
            "L" => follow = Some(Follow::Always),
            "n" => copier.existing = Existing::Keep,
            "P" => follow = Some(Follow::Never),
            "p" => copier.preserve(t, b"mode,ownership,timestamps", true)?,
            "preserve" => {
                let list = value.unwrap_or_else(|| "mode,ownership,timestamps".into());
                copier.preserve(t, &list, true)?;
            }
            "no-preserve" => copier.preserve(t, &value.unwrap_or_default(), false)?,
            "parents" => parents = true,
            "R" => copier.recursive = true,
            "remove-destination" => copier.remove_first = true,
            "strip-trailing-slashes" => strip = true,
            "s" => copier.symbolic_link = true,
            "S" => suffix = value,
            "t" => directory = value,
            "T" => no_directory = true,
            "u" => copier.update = true,
            "v" => copier.verbose = true,
            "x" => copier.one_filesystem = true,
            // Holes and shared storage are the filesystem's own business.
            "reflink" => {
                if let Some(when) = value {
                    crate::choice::choose(t, "--reflink", &when, REFLINK)?;
                }
            }
            "sparse" => {
                crate::choice::choose(t, "--sparse", &value.unwrap_or_default(), SPARSE)?;
            }
            _ => {}
        }
    }
    copier.follow =
        follow.unwrap_or(if copier.recursive && !copier.hard_link { Follow::Never } else { Follow::Always });
    if backup.is_some() || suffix.is_some() {
        if copier.existing == Existing::Keep {
            return Err(Fail::Usage("options --backup and --no-clobber are mutually exclusive".into()));
        }
        copier.backup = Backup::parse(t, backup.flatten().as_ref().map(|word| &word[..]))?;
        copier.suffix = backup_suffix(t, suffix);
    }
    if copier.hard_link && copier.symbolic_link {
        return Err(Fail::Usage("cannot make both hard and symbolic links".into()));
    }
    let mut operands = options.operands();
    if strip {
        for operand in &mut operands {
            let length = operand.trim_end_with(|letter| letter == '/').len().max(1);
            operand.truncate(length);
        }
    }
    let found = targets(t, operands, directory, no_directory, None)?;
    if parents && !found.into_directory {
        return Err(Fail::Usage("with --parents, the destination must be a directory".into()));
    }
    // By device, inode and name.
    let mut seen: BTreeSet<(u64, u64, BString)> = BTreeSet::new();
    for (source, mut target) in found.pairs {
        if copier.backup == Backup::None
            && found.into_directory
            && !parents
            && let Ok(stat) = t.ctx.stat(&source, copier.follow != Follow::Never)
            && (copier.recursive || !stat.is_directory())
        {
            let this = (stat.device, stat.inode, BString::from(crate::path::base_name(&source)));
            if !seen.insert(this) {
                let what = if stat.is_directory() { "directory" } else { "file" };
                let name = crate::quote::quote_always(&source);
                t.warn(format!("warning: source {what} {name} specified more than once")).await?;
                continue;
            }
        }
        if parents {
            let root: BString = crate::path::parent(&target).into();
            target = crate::path::join(&root, source.trim_start_with(|letter| letter == '/'));
            let made = crate::mkdir::make_parents(t, &target, false).await?;
            if !made.0 {
                continue;
            }
            if copier.verbose {
                let length = crate::path::join(&root, b"").len();
                for parent in made.1 {
                    let from = parent.get(length..).unwrap_or_default();
                    t.out.put(format!("{} -> {}\n", from.as_bstr(), parent).as_bytes());
                }
            }
        } else if found.into_directory && matches!(crate::path::base_name(&source), b"." | b"..") {
            // The contents go into the directory itself.
            target = crate::path::parent(&target).into();
        }
        copier.copy(t, &source, &target).await?;
    }
    Ok(())
}
