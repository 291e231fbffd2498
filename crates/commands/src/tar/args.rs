//! The command line of `tar`: options, bundles without a dash, and where each option stands among the names.

use bstr::{BString, ByteSlice};
use wasmsh_os::Timestamp;

use super::header::Dialect;
use super::list::Columns;
use super::names::{BACKUPS, Matching, Pattern, VCS};
use super::sparse::Version;
use super::transform::{self, Substitution};
use crate::compress::codec::Format;
use crate::lines::next_line;
use crate::mode::ModeChange;
use crate::path::join;
use crate::time::{Moment, zone};
use crate::users::Users;
use crate::{Fail, Opt, Tool};

pub(super) const OPTIONS: &[Opt] = &[
    Opt::flag("A,catenate,concatenate", "append tar files to an archive"),
    Opt::flag("c,create", "create a new archive"),
    Opt::flag("d,diff,compare", "find differences between archive and file system"),
    Opt::flag("delete", "delete from the archive (not on mag tapes!)"),
    Opt::flag("r,append", "append files to the end of an archive"),
    Opt::flag("t,list", "list the contents of an archive"),
    Opt::flag("u,update", "only append files newer than copy in archive"),
    Opt::flag("x,extract,get", "extract files from an archive"),
    Opt::value("f,file", "ARCHIVE", "use archive file or device ARCHIVE"),
    Opt::value("C,directory", "DIR", "change to directory DIR"),
    Opt::flag("z,gzip,gunzip,ungzip", "filter the archive through gzip"),
    Opt::flag("j,bzip2", "filter the archive through bzip2"),
    Opt::flag("J,xz", "filter the archive through xz"),
    Opt::flag("lzma", "filter the archive through lzma"),
    Opt::flag("zstd", "filter the archive through zstd"),
    Opt::flag("Z,compress,uncompress", "filter the archive through compress"),
    Opt::flag("lzip,lzop", ""),
    Opt::flag("a,auto-compress", "use archive suffix to determine the compression program"),
    Opt::flag("no-auto-compress", "do not use archive suffix to determine the compression program"),
    Opt::value("I,use-compress-program", "PROG", "filter through PROG (must accept -d)"),
    Opt::flag("v,verbose", "verbosely list files processed"),
    Opt::flag("h,dereference", "follow symlinks; archive and dump the files they point to"),
    Opt::flag("hard-dereference", "follow hard links; archive and dump the files they refer to"),
    Opt::flag("k,keep-old-files", "don't replace existing files when extracting, treat them as errors"),
    Opt::flag("skip-old-files", "don't replace existing files when extracting, silently skip over them"),
    Opt::flag("keep-newer-files", "don't replace existing files that are newer than their archive copies"),
    Opt::flag("overwrite", "overwrite existing files when extracting"),
    Opt::flag("overwrite-dir", "overwrite metadata of existing directories when extracting (default)"),
    Opt::flag("no-overwrite-dir", "preserve metadata of existing directories"),
    Opt::flag("keep-directory-symlink", "preserve existing symlinks to directories when extracting"),
    Opt::flag("U,unlink-first", "remove each file prior to extracting over it"),
    Opt::flag("m,touch", "don't extract file modified time"),
    Opt::flag("p,preserve-permissions,same-permissions", "extract information about file permissions"),
    Opt::flag("no-same-permissions", "apply the user's umask when extracting permissions from the archive"),
    Opt::flag("same-owner", "try extracting files with the same ownership as exists in the archive"),
    Opt::flag("o,no-same-owner,old-archive", "extract files as yourself"),
    Opt::flag(
        "s,preserve-order,same-order",
        "member arguments are listed in the same order as the files in the archive",
    ),
    Opt::flag("O,to-stdout", "extract files to standard output"),
    Opt::flag("P,absolute-names", "don't strip leading '/'s from file names"),
    Opt::value(
        "strip-components,strip-path",
        "NUMBER",
        "strip NUMBER leading components from file names on extraction",
    ),
    Opt::value("transform,xform", "EXPRESSION", "use sed replace EXPRESSION to transform file names"),
    Opt::flag("show-transformed-names,show-stored-names", "show file or archive names after transformation"),
    Opt::value("exclude", "PATTERN", "exclude files, given as a PATTERN"),
    Opt::value("X,exclude-from", "FILE", "exclude patterns listed in FILE"),
    Opt::flag("exclude-vcs", "exclude version control system directories"),
    Opt::flag("exclude-backups", "exclude backup and lock files"),
    Opt::flag(
        "exclude-caches",
        "exclude contents of directories containing CACHEDIR.TAG, except for the tag",
    ),
    Opt::flag("exclude-caches-under", "exclude everything under directories containing CACHEDIR.TAG"),
    Opt::flag("exclude-caches-all", "exclude directories containing CACHEDIR.TAG"),
    Opt::value(
        "exclude-tag",
        "FILE",
        "exclude contents of directories containing FILE, except for FILE itself",
    ),
    Opt::value("exclude-tag-under", "FILE", "exclude everything under directories containing FILE"),
    Opt::value("exclude-tag-all", "FILE", "exclude directories containing FILE"),
    Opt::flag("wildcards", "use wildcards"),
    Opt::flag("no-wildcards", "verbatim string matching"),
    Opt::flag("wildcards-match-slash", "wildcards match '/'"),
    Opt::flag("no-wildcards-match-slash", "wildcards do not match '/'"),
    Opt::flag("anchored", "patterns match file name start"),
    Opt::flag("no-anchored", "patterns match after any '/'"),
    Opt::flag("ignore-case", "ignore case"),
    Opt::flag("no-ignore-case", "case sensitive matching"),
    Opt::value("T,files-from", "FILE", "get names to extract or create from FILE"),
    Opt::flag("null", "-T reads null-terminated names"),
    Opt::flag("no-null", ""),
    Opt::flag("verbatim-files-from", "-T reads file names verbatim (no escape or option handling)"),
    Opt::flag("no-verbatim-files-from", "-T treats file names starting with dash as options (default)"),
    Opt::flag("unquote", "unquote input file or member names (default)"),
    Opt::flag("no-unquote", "do not unquote input file or member names"),
    Opt::value("add-file", "FILE", "add given FILE to the archive"),
    Opt::flag("no-recursion", "avoid descending automatically in directories"),
    Opt::flag("recursion", "recurse into directories (default)"),
    Opt::value("sort", "ORDER", "directory sorting order: none (default), name or inode"),
    Opt::value("mtime", "DATE-OR-FILE", "set mtime for added files from DATE-OR-FILE"),
    Opt::flag("clamp-mtime", "only set time when the file is more recent than what was given with --mtime"),
    Opt::value("N,newer,after-date", "DATE-OR-FILE", "only store files newer than DATE-OR-FILE"),
    Opt::value("newer-mtime", "DATE", "compare date and time when data changed only"),
    Opt::value("owner", "NAME", "force NAME as owner for added files"),
    Opt::value("group", "NAME", "force NAME as group for added files"),
    Opt::value("mode", "CHANGES", "force (symbolic) mode CHANGES for added files"),
    Opt::flag("numeric-owner", "always use numbers for user/group names"),
    Opt::value(
        "H,format",
        "FORMAT",
        "create archive of the given format: gnu, oldgnu, pax, posix, ustar, v7",
    ),
    Opt::flag("posix", "same as --format=posix"),
    Opt::flag("portability", ""),
    Opt::value("V,label", "TEXT", "create archive with volume name TEXT"),
    Opt::value("b,blocking-factor", "BLOCKS", "BLOCKS x 512 bytes per record"),
    Opt::value("record-size", "NUMBER", "NUMBER of bytes per record, multiple of 512"),
    Opt::flag("i,ignore-zeros", "ignore zeroed blocks in archive (means EOF)"),
    Opt::flag("S,sparse", "handle sparse files efficiently"),
    // Whether records come whole, and whether archives may be searched, is nothing to ask for here: all that is
    // read is read on to the end of the record, and no name is that of another host.
    Opt::flag("B,read-full-records,n,seek,no-seek,force-local,no-check-device,check-device", ""),
    Opt::optional("occurrence", "NUMBER", "process only the NUMBERth occurrence of each file in the archive"),
    Opt::value("K,starting-file", "MEMBER-NAME", "begin at member MEMBER-NAME when reading the archive"),
    Opt::optional("one-top-level", "DIR", "create a subdirectory to avoid having loose files extracted"),
    Opt::flag("one-file-system", "stay in local file system when creating archive"),
    Opt::flag("remove-files", "remove files after adding them to the archive"),
    Opt::flag("R,block-number", "show block number within archive with each message"),
    Opt::flag("full-time", "print file time to its full resolution"),
    Opt::flag("utc", "print file modification times in UTC"),
    Opt::optional("totals", "SIGNAL", "print total bytes after processing the archive"),
    Opt::flag("ignore-failed-read", "do not exit with nonzero on unreadable files"),
    Opt::flag("acls", ""),
    Opt::flag("xattrs", ""),
    Opt::flag("selinux", ""),
    // Times of directories are always set at the end, and there is no program that an archive could start.
    Opt::flag("no-acls,no-xattrs,no-selinux,restrict,delay-directory-restore,no-delay-directory-restore", ""),
    Opt::value("warning", "KEYWORD", "warning control"),
    Opt::value("quoting-style", "STYLE", "set name quoting style: escape, or literal"),
    // Files are read without a trace here.
    Opt::optional("atime-preserve", "METHOD", ""),
    Opt::flag("W,verify", ""),
    Opt::flag("exclude-vcs-ignores", ""),
    Opt::flag("recursive-unlink", ""),
    Opt::flag("no-quote-chars", ""),
    Opt::value("quote-chars", "STRING", ""),
    Opt::value("pax-option", "keyword[[:]=value]", ""),
    Opt::value("sparse-version", "MAJOR[.MINOR]", ""),
    Opt::value("hole-detection", "TYPE", ""),
    Opt::value("level", "NUMBER", ""),
    Opt::value("g,listed-incremental", "FILE", ""),
    Opt::flag("G,incremental", ""),
    Opt::flag("M,multi-volume", ""),
    Opt::value("index-file", "FILE", ""),
    Opt::value("rmt-command", "COMMAND", ""),
    Opt::value("rsh-command", "COMMAND", ""),
    Opt::value("to-command", "COMMAND", ""),
    Opt::optional("checkpoint", "N", ""),
    Opt::value("checkpoint-action", "ACTION", ""),
    Opt::flag("l,check-links", "print a message if not all links are dumped"),
    Opt::flag("?,usage", ""),
];

/// What a sandbox has no use for, or what is not here.
const REFUSED: &[&str] = &[
    "W",
    "exclude-vcs-ignores",
    "recursive-unlink",
    "no-quote-chars",
    "quote-chars",
    "pax-option",
    "level",
    "g",
    "G",
    "M",
    "index-file",
    "rmt-command",
    "rsh-command",
    "to-command",
    "checkpoint",
    "checkpoint-action",
];

/// What `--warning` can turn off.
const WARNINGS: &[&str] = &[
    "all",
    "alone-zero-block",
    "bad-dumpdir",
    "cachedir",
    "contiguous-cast",
    "file-changed",
    "file-ignored",
    "file-removed",
    "file-shrank",
    "file-unchanged",
    "filename-with-nuls",
    "ignore-archive",
    "ignore-newer",
    "new-directory",
    "rename-directory",
    "symlink-cast",
    "timestamp",
    "unknown-cast",
    "unknown-keyword",
    "xdev",
    "decompress-program",
    "existing-file",
    "xattr-write",
    "record-size",
    "failed-read",
];

/// Directories that hold a file of this name are left out.
#[derive(Clone)]
pub(super) struct Tag {
    pub(super) name: BString,
    /// The file must begin as the specification of cache directories says.
    pub(super) cache: bool,
    pub(super) leaves: Leaves,
}

/// What of a directory with a tag is put into the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// The directory and the tag.
    Tag,
    /// The directory.
    Directory,
    Nothing,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Create,
    Extract,
    List,
    Compare,
    Append,
    Update,
    Concatenate,
    Delete,
}

/// How the archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not, or as its first bytes say.
    Unknown,
    Named(Format),
}

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Replace,
    Keep,
    Skip,
    KeepNewer,
    Overwrite,
    UnlinkFirst,
}

/// An owner that is forced.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) name: BString,
    pub(super) id: Option<u64>,
}

/// A name of the command line or of a list.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) name: BString,
    /// The directory that it is looked up in; empty: the current one.
    pub(super) directory: BString,
    /// How many exclusions stand before it.
    pub(super) excludes: usize,
    pub(super) recursive: bool,
}

/// All that the command line says.
pub(super) struct Plan {
    pub(super) mode: Mode,
    /// `None`: the standard streams.
    pub(super) archive: Option<BString>,
    pub(super) packing: Packing,
    /// The compression was asked for, rather than found out.
    pub(super) named_by_option: bool,
    pub(super) level: Option<i32>,
    pub(super) names: Vec<Name>,
    /// Names were given, even if a list was empty.
    pub(super) has_names: bool,
    /// The last directory of `-C`.
    pub(super) directory: BString,
    pub(super) excludes: Vec<Pattern>,
    pub(super) matching: Matching,
    pub(super) wildcards_given: bool,
    pub(super) verbose: u8,
    pub(super) dereference: bool,
    pub(super) hard_dereference: bool,
    pub(super) existing: Existing,
    pub(super) touch: bool,
    pub(super) same_permissions: bool,
    pub(super) same_owner: bool,
    pub(super) to_stdout: bool,
    pub(super) absolute: bool,
    pub(super) strip: usize,
    pub(super) transform: Vec<Substitution>,
    pub(super) show_transformed: bool,
    pub(super) sort_inode: bool,
    pub(super) mtime: Option<Timestamp>,
    pub(super) clamp: bool,
    pub(super) newer: Option<Timestamp>,
    pub(super) owner: Option<Owner>,
    pub(super) group: Option<Owner>,
    pub(super) mode_change: Option<ModeChange>,
    pub(super) dialect: Dialect,
    pub(super) label: Option<BString>,
    pub(super) record: u64,
    /// Holes of files are left out.
    pub(super) sparse: bool,
    pub(super) sparse_version: Version,
    /// They are found by reading alone.
    pub(super) raw_holes: bool,
    pub(super) ignore_zeros: bool,
    pub(super) occurrence: Option<u64>,
    pub(super) starting: Option<BString>,
    pub(super) top_level: Option<BString>,
    pub(super) one_filesystem: bool,
    pub(super) remove_files: bool,
    pub(super) block_number: bool,
    pub(super) totals: bool,
    pub(super) ignore_failed_read: bool,
    pub(super) columns: Columns,
    pub(super) users: Users,
    pub(super) tags: Vec<Tag>,
    pub(super) check_links: bool,
    /// Directories that are there keep what they have.
    pub(super) keep_directories: bool,
    pub(super) keep_directory_links: bool,
    /// The kinds of warnings that are not given.
    silenced: Vec<&'static str>,
}

impl Plan {
    /// Whether warnings of a kind are given.
    pub(super) fn says(&self, kind: &str) -> bool {
        !self.silenced.contains(&kind)
    }

    /// `--warning=KEYWORD`, `no-KEYWORD`, `none`.
    fn warning(&mut self, t: &Tool, word: &[u8]) -> Result<(), Fail> {
        let (off, name) = match word.strip_prefix(b"no-") {
            Some(name) => (true, name),
            None if word == b"none" => (true, &b"all"[..]),
            None => (false, word),
        };
        let Some(kind) = WARNINGS.iter().find(|kind| kind.as_bytes() == name) else {
            let mut text =
                format!("invalid argument {} for ‘--warning’\nValid arguments are:", t.quote(word));
            for kind in WARNINGS {
                text.push_str(&format!("\n  - {}", t.quote(kind.as_bytes())));
            }
            return Err(Fail::Bare(format!("tar: {text}"), 2));
        };
        let all = if *kind == "all" { WARNINGS } else { std::slice::from_ref(kind) };
        self.silenced.retain(|kind| !all.contains(kind));
        if off {
            self.silenced.extend(all);
        }
        Ok(())
    }
}

fn hint(text: &str) -> Fail {
    Fail::Bare(format!("tar: {text}\nTry 'tar --help' or 'tar --usage' for more information."), 2)
}

/// A bundle without a dash, `tar xzf ARCHIVE`, as options with one.
fn unbundle(mut arguments: Vec<BString>) -> Result<Vec<BString>, Fail> {
    let Some(first) = arguments.first().filter(|first| !first.starts_with(b"-")).cloned() else {
        return Ok(arguments);
    };
    let mut rest = arguments.split_off(1).into_iter();
    let mut all = Vec::new();
    for letter in first.iter() {
        all.push(BString::from([b'-', *letter]));
        let takes = OPTIONS.iter().any(|option| {
            matches!(option.arg, crate::Arg::Required(_))
                && option.names.split(',').any(|name| name.as_bytes() == [*letter])
        });
        if takes {
            let Some(value) = rest.next() else {
                let letter = [*letter];
                return Err(Fail::Bare(
                    format!(
                        "tar: Old option '{}' requires an argument.\nTry 'tar --help' or 'tar --usage' for more information.",
                        letter.as_bstr()
                    ),
                    2,
                ));
            };
            all.push(value);
        }
    }
    all.extend(rest);
    Ok(all)
}

fn set_mode(mode: &mut Option<Mode>, new: Mode) -> Result<(), Fail> {
    if mode.is_some_and(|mode| mode != new) {
        return Err(hint(
            "You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option",
        ));
    }
    *mode = Some(new);
    Ok(())
}

/// Reads the command line, and the lists that it names.
pub(super) async fn read(t: &mut Tool) -> Result<Plan, Fail> {
    let is_root = t.ctx.user().0 == 0;
    let mut matching =
        Matching { wildcards: false, anchored: true, ignore_case: false, slash: true, recursive: true };
    let mut plan = Plan {
        mode: Mode::List,
        archive: None,
        packing: Packing::Unknown,
        named_by_option: false,
        level: None,
        names: Vec::new(),
        has_names: false,
        directory: BString::default(),
        excludes: Vec::new(),
        matching,
        wildcards_given: false,
        verbose: 0,
        dereference: false,
        hard_dereference: false,
        existing: Existing::Replace,
        touch: false,
        same_permissions: is_root,
        same_owner: is_root,
        to_stdout: false,
        absolute: false,
        strip: 0,
        transform: Vec::new(),
        show_transformed: false,
        sort_inode: false,
        mtime: None,
        clamp: false,
        newer: None,
        owner: None,
        group: None,
        mode_change: None,
        dialect: Dialect::Gnu,
        label: None,
        record: 20 * 512,
        sparse: false,
        sparse_version: Version::V1_0,
        raw_holes: false,
        ignore_zeros: false,
        occurrence: None,
        starting: None,
        top_level: None,
        one_filesystem: false,
        remove_files: false,
        block_number: false,
        totals: false,
        ignore_failed_read: false,
        columns: Columns::new(),
        users: Users::load(&t.ctx).await,
        tags: Vec::new(),
        check_links: false,
        keep_directories: false,
        keep_directory_links: false,
        silenced: Vec::new(),
    };
    let mut mode = None;
    // What changes with the place among the names: before how many operands it stands.
    let mut events: Vec<(usize, Event)> = Vec::new();
    // Exclusions match anywhere, by wildcards, unless something else was said before.
    let (mut exclude_wildcards, mut exclude_anchored) = (true, false);
    let (mut auto, mut top_level) = (false, false);
    let mut reading = Reading { end: b'\n', verbatim: false, unquote: true };
    let mut archives = 0;
    // Dates that were given in words, as they were understood.
    let mut dates: Vec<(&str, BString, Option<Timestamp>)> = Vec::new();
    let arguments = unbundle(t.arguments())?;
    if arguments.is_empty() {
        return Err(no_mode());
    }
    let mut options = t.options_of(arguments);
    let wrong = |message: String| {
        (format!("tar: {message}\nTry 'tar --help' or 'tar --usage' for more information."), 64)
    };
    while let Some((name, value)) = options.next().map_err(|fail| match fail {
        Fail::Usage(message) => {
            let (text, status) = wrong(message);
            Fail::Bare(text, status)
        }
        other => other,
    })? {
        let place = options.operands_so_far();
        let value = value.unwrap_or_default();
        let exclude = Matching { wildcards: exclude_wildcards, anchored: exclude_anchored, ..matching };
        match name {
            "A" => set_mode(&mut mode, Mode::Concatenate)?,
            "c" => set_mode(&mut mode, Mode::Create)?,
            "d" => set_mode(&mut mode, Mode::Compare)?,
            "delete" => set_mode(&mut mode, Mode::Delete)?,
            "r" => set_mode(&mut mode, Mode::Append)?,
            "t" => {
                set_mode(&mut mode, Mode::List)?;
                plan.verbose = plan.verbose.saturating_add(1);
            }
            "u" => set_mode(&mut mode, Mode::Update)?,
            "x" => set_mode(&mut mode, Mode::Extract)?,
            "f" => {
                archives += 1;
                plan.archive = if value == "-" { None } else { Some(value) };
            }
            "C" => events.push((place, Event::Directory(value))),
            "z" => plan.packing = Packing::Named(Format::Gzip),
            "j" => plan.packing = Packing::Named(Format::Bzip2),
            "J" => plan.packing = Packing::Named(Format::Xz),
            "lzma" => plan.packing = Packing::Named(Format::Lzma),
            "zstd" => plan.packing = Packing::Named(Format::Zstd),
            "Z" | "lzip" => {
                let program = if name == "Z" { "compress" } else { name };
                t.err.put(format!("tar (child): {program}: Cannot exec: No such file or directory\ntar (child): Error is not recoverable: exiting now\n").as_bytes());
                return Err(super::fatal(t, "Child returned status 2").await);
            }
            "a" => auto = true,
            "no-auto-compress" => auto = false,
            "I" => program(t, &mut plan, &value).await?,
            "v" => plan.verbose = plan.verbose.saturating_add(1),
            "h" => plan.dereference = true,
            "hard-dereference" => plan.hard_dereference = true,
            "k" => plan.existing = Existing::Keep,
            "skip-old-files" => plan.existing = Existing::Skip,
            "keep-newer-files" => plan.existing = Existing::KeepNewer,
            "overwrite" => plan.existing = Existing::Overwrite,
            "U" => plan.existing = Existing::UnlinkFirst,
            "m" => plan.touch = true,
            "p" => plan.same_permissions = true,
            "no-same-permissions" => plan.same_permissions = false,
            "same-owner" => plan.same_owner = true,
            "o" => plan.same_owner = false,
            "O" => plan.to_stdout = true,
            "P" => plan.absolute = true,
            "strip-components" => {
                plan.strip = value
                    .to_str()
                    .ok()
                    .and_then(|digits| digits.parse().ok())
                    .ok_or_else(|| hint(&format!("{value}: Invalid number of elements")))?;
            }
            "transform" => {
                let all = transform::parse(&value).map_err(|text| hint(&text))?;
                plan.transform.extend(all);
            }
            "show-transformed-names" => plan.show_transformed = true,
            "exclude" => {
                events.push((place, Event::Exclude(format!("--exclude {}", t.quote(&value)))));
                plan.excludes.push(Pattern::new(&value, exclude));
            }
            "X" => {
                for line in list(t, &value, b'\n').await? {
                    let line = line.trim_ascii_end();
                    if !line.is_empty() {
                        plan.excludes.push(Pattern::new(line, exclude));
                    }
                }
                events.push((place, Event::Exclude(format!("--exclude-from {}", t.quote(&value)))));
            }
            "exclude-vcs" | "exclude-backups" => {
                let all = if name == "exclude-vcs" { VCS } else { BACKUPS };
                let how = Matching { wildcards: true, anchored: false, ..matching };
                plan.excludes.extend(all.iter().map(|text| Pattern::new(text.as_bytes(), how)));
                events.push((place, Event::Exclude(String::new())));
            }
            "wildcards" => (matching.wildcards, exclude_wildcards, plan.wildcards_given) = (true, true, true),
            "no-wildcards" => {
                (matching.wildcards, exclude_wildcards, plan.wildcards_given) = (false, false, true);
            }
            "wildcards-match-slash" => matching.slash = true,
            "no-wildcards-match-slash" => matching.slash = false,
            "anchored" => (matching.anchored, exclude_anchored) = (true, true),
            "no-anchored" => (matching.anchored, exclude_anchored) = (false, false),
            "ignore-case" => matching.ignore_case = true,
            "no-ignore-case" => matching.ignore_case = false,
            "T" => events.push((place, Event::List(value, reading))),
            "null" => (reading.end, reading.verbatim) = (0, true),
            "no-null" => (reading.end, reading.verbatim) = (b'\n', false),
            "verbatim-files-from" => reading.verbatim = true,
            "no-verbatim-files-from" => reading.verbatim = false,
            "unquote" => reading.unquote = true,
            "no-unquote" => reading.unquote = false,
            "exclude-caches"
            | "exclude-caches-under"
            | "exclude-caches-all"
            | "exclude-tag"
            | "exclude-tag-under"
            | "exclude-tag-all" => {
                let cache = name.starts_with("exclude-caches");
                let leaves = match name.rsplit('-').next() {
                    Some("under") => Leaves::Directory,
                    Some("all") => Leaves::Nothing,
                    _ => Leaves::Tag,
                };
                let name = if cache { "CACHEDIR.TAG".into() } else { value };
                plan.tags.push(Tag { name, cache, leaves });
            }
            "overwrite-dir" => plan.keep_directories = false,
            "no-overwrite-dir" => plan.keep_directories = true,
            "keep-directory-symlink" => plan.keep_directory_links = true,
            "l" => plan.check_links = true,
            "warning" => plan.warning(t, &value)?,
            "acls" => t.warn("POSIX ACL support is not available").await?,
            "xattrs" => t.warn("XATTR support is not available").await?,
            "selinux" => t.warn("SELinux support is not available").await?,
            "quoting-style" if value == "escape" => plan.columns.literal = false,
            "quoting-style" if value == "literal" => plan.columns.literal = true,
            "quoting-style" => {
                return Err(hint(&format!("option --quoting-style={value} is not available here")));
            }
            name if REFUSED.contains(&name) => return Err(t.refused(name)),
            "add-file" => events.push((place, Event::File(value))),
            "no-recursion" => events.push((place, Event::Recursion(false))),
            "recursion" => events.push((place, Event::Recursion(true))),
            "sort" => match &value[..] {
                b"none" | b"name" => plan.sort_inode = false,
                b"inode" => plan.sort_inode = true,
                _ => {
                    return Err(Fail::Bare(
                        format!(
                            "tar: invalid argument {} for ‘--sort’\nValid arguments are:\n  - ‘none’\n  - ‘name’\n  - ‘inode’",
                            t.quote(&value)
                        ),
                        2,
                    ));
                }
            },
            "mtime" => {
                plan.mtime = Some(date(t, &value).await?);
                if !value.starts_with(b"/") && !value.starts_with(b".") {
                    dates.push(("--mtime", value, plan.mtime));
                }
            }
            "clamp-mtime" => plan.clamp = true,
            "N" | "newer-mtime" => {
                plan.newer = Some(date(t, &value).await?);
                if !value.starts_with(b"/") && !value.starts_with(b".") {
                    dates.push(("--after-date", value, plan.newer));
                }
            }
            "owner" => plan.owner = Some(owner(&value, |name| plan.users.user(name).map(|user| user.uid))),
            "group" => plan.group = Some(owner(&value, |name| plan.users.group(name).map(|group| group.gid))),
            "mode" => {
                plan.mode_change = Some(
                    ModeChange::parse(&value)
                        .ok_or_else(|| Fail::Message("Invalid mode given on option".into(), 2))?,
                );
            }
            "numeric-owner" => plan.columns.numeric = true,
            "H" => {
                plan.dialect = match &value[..] {
                    b"gnu" | b"oldgnu" => Dialect::Gnu,
                    b"pax" | b"posix" => Dialect::Pax,
                    b"ustar" => Dialect::Ustar,
                    b"v7" => Dialect::V7,
                    _ => return Err(hint(&format!("{value}: Invalid archive format"))),
                };
            }
            "posix" => plan.dialect = Dialect::Pax,
            "portability" => plan.dialect = Dialect::V7,
            "V" => plan.label = Some(value),
            "b" | "record-size" => {
                let unit = if name == "b" { 512 } else { 1 };
                let count: Option<u64> = value.to_str().ok().and_then(|digits| digits.parse().ok());
                match count.and_then(|count| count.checked_mul(unit)) {
                    Some(size) if size > 0 && size.is_multiple_of(512) => plan.record = size,
                    _ if name == "b" => return Err(hint(&format!("{value}: Invalid blocking factor"))),
                    _ => return Err(hint("Record size must be a multiple of 512.")),
                }
            }
            "S" => plan.sparse = true,
            "sparse-version" => {
                plan.sparse = true;
                plan.sparse_version = match &value[..] {
                    b"0" | b"0.0" => Version::V0_0,
                    b"0.1" => Version::V0_1,
                    b"1" | b"1.0" => Version::V1_0,
                    _ => return Err(hint(&format!("{value}: there is no such version of sparse members"))),
                };
            }
            "hole-detection" => {
                plan.sparse = true;
                plan.raw_holes = match &value[..] {
                    b"raw" => true,
                    b"seek" => false,
                    _ => {
                        return Err(Fail::Bare(
                            format!(
                                "tar: invalid argument {} for ‘--hole-detection’\nValid arguments are:\n  - ‘raw’\n  - ‘seek’",
                                t.quote(&value)
                            ),
                            2,
                        ));
                    }
                };
            }
            "i" => plan.ignore_zeros = true,
            "occurrence" => {
                plan.occurrence =
                    Some(value.to_str().ok().and_then(|digits| digits.parse().ok()).unwrap_or(1));
            }
            "K" => plan.starting = Some(value),
            "one-top-level" => {
                top_level = true;
                plan.top_level = if value.is_empty() { None } else { Some(value) };
            }
            "one-file-system" => plan.one_filesystem = true,
            "remove-files" => plan.remove_files = true,
            "R" => plan.block_number = true,
            "full-time" => plan.columns.full_time = true,
            "utc" => plan.columns.utc = true,
            "totals" => plan.totals = true,
            "ignore-failed-read" => plan.ignore_failed_read = true,
            "?" => return Err(Fail::Help),
            _ => {}
        }
    }
    let operands = options.operands();
    let Some(mode) = mode else { return Err(no_mode()) };
    plan.mode = mode;
    if archives > 1 {
        return Err(hint("Multiple archive files require '-M' option"));
    }
    plan.matching = matching;
    if plan.verbose > 0 {
        for (option, text, time) in dates {
            let mut shown = Vec::new();
            if let Some(moment) = time.and_then(|time| Moment::new(time, &zone(&t.ctx))) {
                moment.format(b"%Y-%m-%d %H:%M:%S", &mut shown);
            }
            if shown != text {
                t.warn(format!("Option {option}: Treating date '{text}' as {}", shown.as_bstr())).await?;
            }
        }
    }
    plan.named_by_option = plan.packing != Packing::Unknown;
    if auto && !plan.named_by_option && mode == Mode::Create {
        plan.packing = by_suffix(plan.archive.as_deref().map(Vec::as_slice).unwrap_or_default());
    }
    if plan.named_by_option && matches!(mode, Mode::Append | Mode::Update | Mode::Delete | Mode::Concatenate)
    {
        return Err(hint("Cannot update compressed archives"));
    }
    if top_level && plan.top_level.is_none() {
        plan.top_level = Some(stem(plan.archive.as_deref().map(Vec::as_slice).unwrap_or_default()));
    }
    names(t, &mut plan, operands, events).await?;
    Ok(plan)
}

fn no_mode() -> Fail {
    hint("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options")
}

/// How lists of names are read.
#[derive(Clone, Copy)]
struct Reading {
    /// What ends a name.
    end: u8,
    /// No line is an option.
    verbatim: bool,
    /// Escapes stand for other letters.
    unquote: bool,
}

/// A name of a list without its escapes.
fn unquoted(name: &[u8]) -> BString {
    let mut out = Vec::new();
    let mut rest = name;
    while let Some(at) = rest.find_byte(b'\\') {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let digits = rest.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
        let (byte, used) = match rest.first() {
            Some(_) if digits > 0 => {
                let value =
                    rest.iter().take(digits).fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                (value as u8, digits)
            }
            Some(b'a') => (7, 1),
            Some(b'b') => (8, 1),
            Some(b'f') => (12, 1),
            Some(b'n') => (b'\n', 1),
            Some(b'r') => (b'\r', 1),
            Some(b't') => (b'\t', 1),
            Some(b'v') => (11, 1),
            Some(b'?') => (127, 1),
            Some(b'\\') => (b'\\', 1),
            _ => (b'\\', 0),
        };
        out.push(byte);
        rest = rest.get(used..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.into()
}

enum Event {
    Directory(BString),
    /// A list of names.
    List(BString, Reading),
    File(BString),
    Recursion(bool),
    /// An exclusion, as it is told when no name follows.
    Exclude(String),
}

/// Puts names, lists and what changes between them into their order.
async fn names(
    t: &mut Tool,
    plan: &mut Plan,
    operands: Vec<BString>,
    events: Vec<(usize, Event)>,
) -> Result<(), Fail> {
    let is_writing = matches!(plan.mode, Mode::Create | Mode::Append | Mode::Update);
    let count = operands.len();
    let mut operands = operands.into_iter();
    let mut taken = 0;
    let mut recursive = true;
    let (mut excludes, mut useless) = (0, Vec::new());
    for (place, event) in events {
        while taken < place {
            if let Some(name) = operands.next() {
                plan.names.push(Name { name, directory: plan.directory.clone(), excludes, recursive });
            }
            taken += 1;
        }
        match event {
            Event::Directory(directory) => {
                plan.directory = if plan.directory.is_empty() || directory.starts_with(b"/") {
                    directory
                } else {
                    join(&plan.directory, &directory)
                };
                if !t.ctx.stat(&plan.directory, true).is_ok_and(|stat| stat.is_directory()) {
                    let reason = match t.ctx.stat(&plan.directory, true) {
                        Ok(_) => wasmsh_os::Errno::NotDirectory,
                        Err(reason) => reason,
                    };
                    let text = format!("{}: Cannot open: {}", plan.directory, reason.strerror());
                    return Err(super::fatal(t, text).await);
                }
            }
            Event::Recursion(new) => recursive = new,
            Event::File(name) => {
                plan.names.push(Name { name, directory: plan.directory.clone(), excludes, recursive });
            }
            Event::Exclude(text) => {
                if is_writing && place >= count && count > 0 && !text.is_empty() {
                    useless.push(text);
                } else {
                    excludes = plan.excludes.len();
                }
            }
            Event::List(file, reading) => {
                plan.has_names = true;
                for (index, name) in list(t, &file, reading.end).await?.into_iter().enumerate() {
                    if name.is_empty() {
                        continue;
                    }
                    let directory = name.strip_prefix(b"-C").map(<[u8]>::trim_ascii_start);
                    if let Some(directory @ [_, ..]) = directory
                        && !reading.verbatim
                    {
                        plan.directory = if directory.starts_with(b"/") || plan.directory.is_empty() {
                            directory.into()
                        } else {
                            join(&plan.directory, directory)
                        };
                        continue;
                    }
                    if !reading.verbatim && name.starts_with(b"-") {
                        let line = index + 1;
                        super::error(t, format!("{file}:{line}: unrecognized option")).await?;
                        continue;
                    }
                    let name = if reading.unquote { unquoted(&name) } else { name };
                    plan.names.push(Name { name, directory: plan.directory.clone(), excludes, recursive });
                }
            }
        }
    }
    for name in operands {
        plan.names.push(Name { name, directory: plan.directory.clone(), excludes, recursive });
    }
    plan.has_names |= !plan.names.is_empty();
    if !useless.is_empty() {
        t.warn("The following options were used after any non-optional arguments in archive create or update mode.  These options are positional and affect only arguments that follow them.  Please, rearrange them properly.").await?;
        for text in useless {
            super::error(t, format!("{text} has no effect")).await?;
        }
    }
    Ok(())
}

/// The lines of a file of names or patterns.
async fn list(t: &mut Tool, file: &[u8], end: u8) -> Result<Vec<BString>, Fail> {
    let mut input = match t.open(file).await {
        Ok(input) => input,
        Err(reason) => {
            let text = format!("{}: Cannot stat: {}", file.as_bstr(), reason.strerror());
            return Err(super::fatal(t, text).await);
        }
    };
    let mut lines = Vec::new();
    while let Some(line) = next_line(t, &mut input, file, end).await? {
        lines.push(line.strip_suffix(&[end]).unwrap_or(line).into());
    }
    Ok(lines)
}

/// A date, or the time of a file that is named by a path.
async fn date(t: &mut Tool, text: &[u8]) -> Result<Timestamp, Fail> {
    if text.starts_with(b"/") || text.starts_with(b".") {
        return match t.ctx.stat(text, true) {
            Ok(stat) => Ok(stat.modified),
            Err(reason) => {
                let text = format!("{}: Cannot stat: {}", text.as_bstr(), reason.strerror());
                Err(super::fatal(t, text).await)
            }
        };
    }
    match crate::date_parse::parse(text, t.ctx.now(), &zone(&t.ctx)) {
        Some(time) => Ok(time),
        None => {
            t.warn(format!("Substituting 1970-01-01 for unknown date format {}", t.quote(text))).await?;
            Ok(Timestamp::default())
        }
    }
}

/// `NAME`, `NAME:ID`, or `ID`.
fn owner(text: &[u8], find: impl Fn(&[u8]) -> Option<u32>) -> Owner {
    let number =
        |text: &[u8]| text.to_str().ok().and_then(|digits| digits.trim_start_matches('+').parse().ok());
    match text.split_once_str(":") {
        Some((name, id)) => Owner { name: name.into(), id: number(id) },
        None => match (find(text), number(text)) {
            (Some(id), _) => Owner { name: text.into(), id: Some(id.into()) },
            (None, Some(id)) => Owner { name: BString::default(), id: Some(id) },
            (None, None) => Owner { name: text.into(), id: None },
        },
    }
}

/// The program of `-I`: one of those whose formats are known.
async fn program(t: &mut Tool, plan: &mut Plan, text: &[u8]) -> Result<(), Fail> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    let format = match crate::path::base_name(name) {
        b"gzip" | b"pigz" | b"gunzip" => Format::Gzip,
        b"bzip2" | b"pbzip2" | b"lbzip2" | b"bunzip2" => Format::Bzip2,
        b"xz" | b"pixz" | b"unxz" => Format::Xz,
        b"lzma" | b"unlzma" => Format::Lzma,
        b"zstd" | b"zstdmt" | b"unzstd" => Format::Zstd,
        _ => {
            t.err.put(
                format!(
                    "tar (child): {}: Cannot exec: No such file or directory\ntar (child): Error is not recoverable: exiting now\n",
                    name.as_bstr()
                )
                .as_bytes(),
            );
            return Err(super::fatal(t, "Child returned status 2").await);
        }
    };
    plan.packing = Packing::Named(format);
    for word in words {
        if let Some(level) = word.strip_prefix(b"-").and_then(|digits| digits.to_str().ok())
            && let Ok(level) = level.parse()
        {
            plan.level = Some(level);
        }
    }
    Ok(())
}

const SUFFIXES: &[(&str, Format)] = &[
    (".gz", Format::Gzip),
    (".tgz", Format::Gzip),
    (".taz", Format::Gzip),
    (".bz2", Format::Bzip2),
    (".tz2", Format::Bzip2),
    (".tbz2", Format::Bzip2),
    (".tbz", Format::Bzip2),
    (".xz", Format::Xz),
    (".txz", Format::Xz),
    (".lzma", Format::Lzma),
    (".tlz", Format::Lzma),
    (".zst", Format::Zstd),
    (".tzst", Format::Zstd),
];

fn by_suffix(archive: &[u8]) -> Packing {
    let found = SUFFIXES.iter().find(|(suffix, _)| archive.ends_with(suffix.as_bytes()));
    found.map_or(Packing::Unknown, |(_, format)| Packing::Named(*format))
}

/// The archive's name without what says how it is packed, for `--one-top-level`.
fn stem(archive: &[u8]) -> BString {
    let base = crate::path::base_name(archive);
    let mut stem = base;
    for (suffix, _) in SUFFIXES {
        if let Some(shorter) = stem.strip_suffix(suffix.as_bytes()) {
            stem = shorter;
            break;
        }
    }
    stem.strip_suffix(b".tar").unwrap_or(stem).into()
}
