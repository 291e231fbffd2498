//! `find`: searches a tree of files.

use bstr::{BString, ByteSlice};
use wasmsh_os::{AccessMode, Child, Errno, Exit, FileType, Output, Spawn, Stat, Timestamp};

use crate::find_expr::{Compare, ESCAPES, Expression, FILESYSTEM, Node, Parser, Primary, Which};
use crate::mode::mode_string;
use crate::path::join;
use crate::time::{Moment, zone};
use crate::users::Users;
use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "find",
    usage: &["[-H] [-L] [-P] [-Olevel] [-D debugopts] [path...] [expression]"],
    about: "Search for files in a directory hierarchy.  Default path is the current\n\
            directory; default expression is -print.",
    options: &[],
    more: "Operators (decreasing precedence; -and is implicit where no others are given):\n\
           \x20     ( EXPR )   ! EXPR   -not EXPR   EXPR1 -a EXPR2   EXPR1 -and EXPR2\n\
           \x20     EXPR1 -o EXPR2   EXPR1 -or EXPR2   EXPR1 , EXPR2\n\n\
           Options: -daystart -depth -maxdepth LEVELS -mindepth LEVELS -mount -regextype TYPE -xdev\n\n\
           Tests (N can be +N or -N or N): -amin N -anewer FILE -atime N -cmin N -cnewer FILE\n\
           \x20     -ctime N -empty -executable -false -gid N -group NAME -iname PATTERN\n\
           \x20     -inum N -ipath PATTERN -iregex PATTERN -links N -lname PATTERN -mmin N\n\
           \x20     -mtime N -name PATTERN -newer FILE -newerXY FILE -nouser -nogroup\n\
           \x20     -path PATTERN -perm [-/]MODE -readable -regex PATTERN -samefile FILE\n\
           \x20     -size N[bcwkMG] -true -type [cdpfls] -uid N -user NAME -writable -xtype [cdpfls]\n\n\
           Actions: -delete -print0 -printf FORMAT -fprintf FILE FORMAT -print\n\
           \x20     -fprint0 FILE -fprint FILE -ls -fls FILE -prune -quit\n\
           \x20     -exec COMMAND ; -exec COMMAND {} + -ok COMMAND ;\n\
           \x20     -execdir COMMAND ; -execdir COMMAND {} + -okdir COMMAND ;",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    Never,
    CommandLine,
    Always,
}

/// A file that is looked at.
struct Found {
    path: BString,
    /// Where in it the part begins that was found below the starting point.
    start: usize,
    stat: Stat,
    depth: usize,
}

struct Search {
    expression: Expression,
    follow: Follow,
    users: Users,
    outputs: Vec<Output>,
    /// The pending arguments of each `-exec … +`, and the directory they belong to.
    batches: Vec<(Vec<BString>, usize, Option<BString>)>,
    now: Timestamp,
    quit: bool,
    pruned: bool,
}

async fn run(t: &mut Tool) -> Done {
    let arguments = t.arguments();
    match arguments.first().map(|word| &word[..]) {
        Some(b"--help" | b"-help") => return Err(Fail::Help),
        Some(b"--version" | b"-version") => return Err(Fail::Version),
        _ => {}
    }
    let mut follow = Follow::Never;
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        match &word[..] {
            b"-P" => follow = Follow::Never,
            b"-H" => follow = Follow::CommandLine,
            b"-L" => follow = Follow::Always,
            b"-D" => at += 1,
            b"--" => {
                at += 1;
                break;
            }
            [b'-', b'O', ..] => {}
            _ => break,
        }
        at += 1;
    }
    let begins_expression =
        |word: &BString| (word.starts_with(b"-") && word.len() > 1) || matches!(&word[..], b"(" | b"!");
    let rest = arguments.get(at..).unwrap_or_default();
    let paths = rest.iter().take_while(|word| !begins_expression(word)).count();
    let (paths, words) = rest.split_at(paths);
    if words.iter().any(|word| word == "-follow") {
        follow = Follow::Always;
    }
    let users = Users::load(&t.ctx).await;
    let (expression, warnings) = Parser::new(t, words, &users).parse()?;
    for warning in warnings {
        t.warn(warning).await?;
    }
    let mut outputs = Vec::new();
    for file in &expression.outputs {
        match t.ctx.create_output(file, false).await {
            Ok(output) => outputs.push(output),
            Err(error) => return Err(Fail::Message(format!("{}: {}", t.quote(file), error.strerror()), 1)),
        }
    }
    let batches = (0..expression.batches).map(|_| (Vec::new(), 0, None)).collect();
    let now = t.ctx.now();
    let mut search = Search { expression, follow, users, outputs, batches, now, quit: false, pruned: false };
    let (mut paths, mut empty) = (paths.to_vec(), Vec::new());
    if let Some(file) = search.expression.starting_points.clone() {
        if let Some(extra) = paths.first() {
            let text = format!(
                "extra operand {}\nfind: file operands cannot be combined with -files0-from",
                t.quote(extra)
            );
            return Err(Fail::Message(text, 1));
        }
        let cannot = |error: Errno| {
            Fail::Message(format!("cannot open {} for reading: {}", t.quote(&file), error.strerror()), 1)
        };
        let mut text = Vec::new();
        t.open(&file).await.map_err(cannot)?.read_to_end(&mut text).await.map_err(cannot)?;
        let text = text.strip_suffix(b"\0").unwrap_or(&text);
        let shown = if file == "-" { "(standard input)".into() } else { file.clone() };
        for (index, name) in text.split(|byte| *byte == 0).enumerate() {
            if name.is_empty() && !text.is_empty() {
                empty.push(format!("{}:{}: invalid zero-length file name", t.quote(&shown), index + 1));
            } else if !name.is_empty() {
                paths.push(name.into());
            }
        }
    } else if paths.is_empty() {
        paths.push(".".into());
    }
    for path in paths {
        search.tree(t, path).await?;
        if search.quit {
            break;
        }
    }
    for message in empty {
        t.error(message).await?;
    }
    search.finish(t).await
}

enum Step {
    Visit(Found),
    /// The directory is done: for `-depth`.
    Leave(Found, bool),
}

impl Search {
    async fn tree(&mut self, t: &mut Tool, root: BString) -> Done {
        let stat = match t.ctx.stat(&root, self.follow != Follow::Never) {
            Ok(stat) => stat,
            Err(_) if self.follow != Follow::Never && t.ctx.stat(&root, false).is_ok() => {
                match t.ctx.stat(&root, false) {
                    Ok(stat) => stat,
                    Err(error) => return self.tell(t, &root, error).await,
                }
            }
            Err(error) => return self.tell(t, &root, error).await,
        };
        let device = stat.device;
        let start = root.len();
        let mut steps = vec![Step::Visit(Found { path: root, start, stat, depth: 0 })];
        // Directories on the way, to tell a loop of links.
        let mut above: Vec<(u64, u64)> = Vec::new();
        while let Some(step) = steps.pop() {
            t.ctx.tick().await;
            let found = match step {
                Step::Leave(found, entered) => {
                    if entered {
                        above.pop();
                    }
                    if self.expression.depth_first && found.depth >= self.expression.least_depth {
                        self.pruned = false;
                        self.evaluate(t, &found).await?;
                        if self.quit {
                            return Ok(());
                        }
                    }
                    continue;
                }
                Step::Visit(found) => found,
            };
            if !self.expression.depth_first || !found.stat.is_directory() {
                self.pruned = false;
                if found.depth >= self.expression.least_depth {
                    self.evaluate(t, &found).await?;
                }
                if self.quit {
                    return Ok(());
                }
                if !found.stat.is_directory() || self.pruned {
                    continue;
                }
            }
            let stays = self.expression.one_filesystem && found.stat.device != device;
            if found.depth >= self.expression.most_depth || stays {
                steps.push(Step::Leave(found, false));
                continue;
            }
            let identity = (found.stat.device, found.stat.inode);
            if self.follow == Follow::Always && above.contains(&identity) {
                t.error(format!(
                    "File system loop detected; {} is part of the same file system loop as {}.",
                    t.quote(&found.path),
                    t.quote(crate::path::parent(&found.path))
                ))
                .await?;
                continue;
            }
            let entries = match t.ctx.read_directory(&found.path) {
                Ok(entries) => entries,
                Err(error) => {
                    self.tell(t, &found.path, error).await?;
                    steps.push(Step::Leave(found, false));
                    continue;
                }
            };
            above.push(identity);
            let mut children = Vec::with_capacity(entries.len());
            for entry in entries {
                let path = join(&found.path, entry.name.as_bytes());
                let mut stat = entry.stat;
                if self.follow == Follow::Always && stat.is_symbolic_link() {
                    stat = t.ctx.stat(&path, true).unwrap_or(stat);
                }
                children.push(Step::Visit(Found { path, start, stat, depth: found.depth + 1 }));
            }
            steps.push(Step::Leave(found, true));
            steps.extend(children.into_iter().rev());
        }
        Ok(())
    }

    async fn tell(&mut self, t: &mut Tool, path: &[u8], error: Errno) -> Done {
        t.error(format!("{}: {}", t.quote(path), error.strerror())).await
    }

    async fn evaluate(&mut self, t: &mut Tool, found: &Found) -> Done {
        // An explicit stack: expressions may be as long as the command line.
        enum Task {
            Node(usize),
            Not,
            And(usize),
            Or(usize),
        }
        let mut tasks = vec![Task::Node(self.expression.root)];
        let mut value = true;
        while let Some(task) = tasks.pop() {
            match task {
                Task::Node(index) => match self.expression.nodes.get(index) {
                    Some(Node::Primary(_)) => value = self.primary(t, index, found).await?,
                    Some(Node::Not(inner)) => {
                        tasks.push(Task::Not);
                        tasks.push(Task::Node(*inner));
                    }
                    Some(Node::And(left, right)) => {
                        tasks.push(Task::And(*right));
                        tasks.push(Task::Node(*left));
                    }
                    Some(Node::Or(left, right)) => {
                        tasks.push(Task::Or(*right));
                        tasks.push(Task::Node(*left));
                    }
                    Some(Node::List(left, right)) => {
                        tasks.push(Task::Node(*right));
                        tasks.push(Task::Node(*left));
                    }
                    None => {}
                },
                Task::Not => value = !value,
                Task::And(right) if value => tasks.push(Task::Node(right)),
                Task::Or(right) if !value => tasks.push(Task::Node(right)),
                Task::And(_) | Task::Or(_) => {}
            }
            if self.quit {
                return Ok(());
            }
        }
        Ok(())
    }

    fn time(&self, stat: &Stat, which: Which) -> Timestamp {
        match which {
            Which::Accessed => stat.accessed,
            Which::Changed => stat.changed,
            Which::Modified => stat.modified,
        }
    }

    async fn primary(&mut self, t: &mut Tool, index: usize, found: &Found) -> Result<bool, Fail> {
        let stat = &found.stat;
        let path = &found.path;
        let Some(Node::Primary(primary)) = self.expression.nodes.get(index) else { return Ok(false) };
        Ok(match primary {
            Primary::Always(value) => *value,
            Primary::Name(glob) => glob.matches(crate::path::base_name(path)),
            Primary::Path(glob) => glob.matches(path),
            Primary::LinkName(glob) => {
                stat.is_symbolic_link()
                    && t.ctx.read_link(path).is_ok_and(|target| glob.matches(target.as_bytes()))
            }
            Primary::Regex(regex) => {
                let span = regex.find_at(path, 0).map_err(|error| Fail::Message(error.to_string(), 1))?;
                span.is_some_and(|span| span.start == 0 && span.end == path.len())
            }
            Primary::Kind(kinds, other_side) => {
                let mut kind = stat.kind;
                if *other_side && (stat.is_symbolic_link() || self.follow == Follow::Always) {
                    let follow = self.follow != Follow::Always;
                    kind = t.ctx.stat(path, follow).map_or(FileType::SymbolicLink, |stat| stat.kind);
                }
                kinds.contains(&kind)
            }
            Primary::Empty => match stat.kind {
                FileType::Regular => stat.size == 0,
                FileType::Directory => match t.ctx.read_directory(path) {
                    Ok(entries) => entries.is_empty(),
                    Err(error) => {
                        self.tell(t, path, error).await?;
                        false
                    }
                },
                _ => false,
            },
            Primary::Size(compare, number, unit) => compare.holds(stat.size.div_ceil(*unit), *number),
            Primary::Links(compare, number) => compare.holds(u64::from(stat.links), *number),
            Primary::Inode(compare, number) => compare.holds(stat.inode, *number),
            Primary::User(uid) => stat.uid == *uid,
            Primary::Group(gid) => stat.gid == *gid,
            Primary::UserIs(compare, number) => compare.holds(u64::from(stat.uid), *number),
            Primary::GroupIs(compare, number) => compare.holds(u64::from(stat.gid), *number),
            Primary::NoUser => self.users.user_name(stat.uid).is_none(),
            Primary::NoGroup => self.users.group_name(stat.gid).is_none(),
            Primary::Readable => t.ctx.access(path, AccessMode::READ).is_ok(),
            Primary::Writable => t.ctx.access(path, AccessMode::WRITE).is_ok(),
            Primary::Executable => t.ctx.access(path, AccessMode::EXECUTE).is_ok(),
            Primary::Permissions(how, change) => {
                let wanted = change.apply(0, stat.is_directory(), 0);
                match how {
                    '-' => stat.mode & wanted == wanted,
                    '/' => wanted == 0 || stat.mode & wanted != 0,
                    _ => stat.mode & 0o7777 == wanted,
                }
            }
            Primary::Age(which, compare, number, unit) => {
                let age = self.now.as_nanos() - self.time(stat, *which).as_nanos();
                let unit = i128::from(*unit) * 1_000_000_000;
                let number = i128::from(*number);
                match compare {
                    // Fractions of a unit do not count, and then more is at least one more.
                    Compare::More => age.div_euclid(unit) > number,
                    Compare::Less => age < number * unit && age.div_euclid(unit) < number,
                    Compare::Same => age.div_euclid(unit) == number,
                }
            }
            Primary::Newer(which, than) => self.time(stat, *which) > *than,
            Primary::SameFile(device, inode) => (stat.device, stat.inode) == (*device, *inode),
            Primary::Used(compare, number) => {
                let days =
                    (stat.accessed.as_nanos() - stat.changed.as_nanos()).div_euclid(86_400_000_000_000);
                u64::try_from(days).is_ok_and(|days| compare.holds(days, *number))
            }
            Primary::Prune => {
                self.pruned = true;
                true
            }
            Primary::Quit => {
                self.quit = true;
                true
            }
            Primary::Delete => {
                if path == "." {
                    return Ok(true);
                }
                let result =
                    if stat.is_directory() { t.ctx.remove_directory(path) } else { t.ctx.remove_file(path) };
                match result {
                    Ok(()) => true,
                    Err(error) => {
                        t.error(format!("cannot delete {}: {}", t.quote(path), error.strerror())).await?;
                        false
                    }
                }
            }
            Primary::Print(output) => {
                let output = *output;
                let out = self.output(t, output);
                out.put(path);
                out.put(b"\n");
                out.drain().await?;
                true
            }
            Primary::Print0(output) => {
                let output = *output;
                let out = self.output(t, output);
                out.put(path);
                out.put(b"\0");
                out.drain().await?;
                true
            }
            Primary::Format(format, output) => {
                let mut text = Vec::new();
                self.format(t, found, format, &mut text);
                let output = *output;
                let out = self.output(t, output);
                out.put(&text);
                out.drain().await?;
                true
            }
            Primary::List(output) => {
                let text = self.list(t, found);
                let output = *output;
                let out = self.output(t, output);
                out.put(text.as_bytes());
                out.drain().await?;
                true
            }
            Primary::Execute { words, in_directory, ask } => {
                let (directory, name) = self.place(found, *in_directory);
                let ask = *ask;
                let words: Vec<BString> = words.iter().map(|word| word.replace("{}", &name).into()).collect();
                if ask {
                    let shown = words.first().map(BString::to_string).unwrap_or_default();
                    let question = format!("< {shown} ... {} > ? ", found.path);
                    if !crate::ask::confirm(t, &question).await? {
                        return Ok(false);
                    }
                }
                self.execute(t, words, directory).await?
            }
            Primary::ExecuteMany { words, in_directory, batch } => {
                let (words, batch) = (words.clone(), *batch);
                let (directory, name) = self.place(found, *in_directory);
                // As much as GNU puts into one command.
                const MOST: usize = 131_072;
                let full = self.batches.get(batch).is_some_and(|(pending, length, at)| {
                    !pending.is_empty() && (*at != directory || length + name.len() > MOST)
                });
                if full {
                    self.flush(t, &words, batch).await?;
                }
                if let Some((pending, length, at)) = self.batches.get_mut(batch) {
                    *length += name.len() + 1;
                    *at = directory;
                    pending.push(name);
                }
                true
            }
        })
    }

    fn output<'a>(&'a mut self, t: &'a mut Tool, place: Option<usize>) -> &'a mut Output {
        match place.and_then(|place| self.outputs.get_mut(place)) {
            Some(output) => output,
            None => &mut t.out,
        }
    }

    /// For `-execdir`: the directory of the file, and its name there.
    fn place(&self, found: &Found, in_directory: bool) -> (Option<BString>, BString) {
        if !in_directory {
            return (None, found.path.clone());
        }
        let directory = crate::path::parent(&found.path);
        (Some(directory.into()), join(b".", crate::path::base_name(&found.path)))
    }

    async fn execute(
        &mut self,
        t: &mut Tool,
        words: Vec<BString>,
        directory: Option<BString>,
    ) -> Result<bool, Fail> {
        t.out.flush().await?;
        for output in &mut self.outputs {
            output.flush().await?;
        }
        let cwd = match &directory {
            None => None,
            Some(directory) => t.ctx.canonicalize(directory).ok().map(std::rc::Rc::from),
        };
        let program = words.first().cloned().unwrap_or_default();
        let spawn =
            Spawn { program: program.clone(), arguments: words, cwd, inherit: true, ..Spawn::default() };
        match t.ctx.spawn(spawn) {
            Ok(pid) => Ok(matches!(t.ctx.wait(Child::Process(pid)).await, Ok((_, Exit::Code(0))))),
            Err(error) => {
                t.warn(format!("{}: {}", t.quote(&program), error.strerror())).await?;
                Ok(false)
            }
        }
    }

    async fn flush(&mut self, t: &mut Tool, words: &[BString], batch: usize) -> Done {
        let Some((pending, length, directory)) = self.batches.get_mut(batch) else { return Ok(()) };
        if pending.is_empty() {
            return Ok(());
        }
        let mut all = words.to_vec();
        all.append(pending);
        *length = 0;
        let directory = directory.take();
        if !self.execute(t, all, directory).await? {
            t.status = 1;
        }
        Ok(())
    }

    async fn finish(&mut self, t: &mut Tool) -> Done {
        let many: Vec<(Vec<BString>, usize)> = self
            .expression
            .nodes
            .iter()
            .filter_map(|node| match node {
                Node::Primary(Primary::ExecuteMany { words, batch, .. }) => Some((words.clone(), *batch)),
                _ => None,
            })
            .collect();
        for (words, batch) in many {
            self.flush(t, &words, batch).await?;
        }
        for output in &mut self.outputs {
            output.flush().await?;
        }
        Ok(())
    }

    fn names(&self, stat: &Stat) -> (String, String) {
        (
            self.users.user_name(stat.uid).map_or_else(|| stat.uid.to_string(), BString::to_string),
            self.users.group_name(stat.gid).map_or_else(|| stat.gid.to_string(), BString::to_string),
        )
    }

    fn list(&self, t: &Tool, found: &Found) -> String {
        let stat = &found.stat;
        let (user, group) = self.names(stat);
        let mut time = Vec::new();
        if let Some(moment) = Moment::new(stat.modified, &zone(&t.ctx)) {
            let age = self.now.seconds - stat.modified.seconds;
            let recent = (-3600..=180 * 86400).contains(&age);
            moment.format(if recent { b"%b %e %H:%M" } else { b"%b %e  %Y" }, &mut time);
        }
        let target = match t.ctx.read_link(&found.path) {
            Ok(target) if stat.is_symbolic_link() => {
                format!(" -> {}", crate::quote::c_style(target.as_bytes(), None))
            }
            _ => String::new(),
        };
        format!(
            "{:9} {:6} {} {:3} {user:<8} {group:<8} {:8} {} {}{target}\n",
            stat.inode,
            stat.blocks.div_ceil(2),
            mode_string(stat),
            stat.links,
            stat.size,
            time.as_bstr(),
            crate::quote::c_style(&found.path, None),
        )
    }

    fn format(&self, t: &Tool, found: &Found, format: &[u8], out: &mut Vec<u8>) {
        let mut rest = format;
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'\\' => {
                    if rest.first() == Some(&b'c') {
                        return;
                    }
                    if !rest.first().is_some_and(|letter| ESCAPES.contains(letter)) {
                        out.push(b'\\');
                        continue;
                    }
                    let (count, _) = crate::escape::escape(rest, crate::escape::Octal::Plain, out);
                    rest = rest.get(count..).unwrap_or_default();
                }
                b'%' => {
                    let crate::escape::Spec { flags, width, precision, rest: more } =
                        crate::escape::spec(rest, b"-+ #0");
                    let Some((&letter, behind)) = more.split_first() else {
                        out.push(b'%');
                        return;
                    };
                    rest = behind;
                    if letter == b'%' {
                        out.push(b'%');
                        continue;
                    }
                    let selector =
                        matches!(letter, b'A' | b'B' | b'C' | b'T').then(|| rest.first().copied()).flatten();
                    if selector.is_some() {
                        rest = rest.get(1..).unwrap_or_default();
                    }
                    match self.field(t, found, letter, selector, flags) {
                        Some(mut text) => {
                            if let Some(precision) = precision {
                                text.truncate(precision);
                            }
                            let padding = (width as usize).saturating_sub(text.len());
                            if flags.contains(&b'-') {
                                out.extend_from_slice(&text);
                                out.resize(out.len() + padding, b' ');
                            } else {
                                let numeric = text.iter().all(u8::is_ascii_digit);
                                let zero = flags.contains(&b'0') && numeric && b"dm".contains(&letter);
                                out.resize(out.len() + padding, if zero { b'0' } else { b' ' });
                                out.extend_from_slice(&text);
                            }
                        }
                        None => out.extend_from_slice(&[b'%', letter]),
                    }
                }
                _ => out.push(byte),
            }
        }
    }

    fn field(
        &self,
        t: &Tool,
        found: &Found,
        letter: u8,
        selector: Option<u8>,
        flags: &[u8],
    ) -> Option<Vec<u8>> {
        let stat = &found.stat;
        let kind = |kind: FileType| match kind {
            FileType::Regular => "f",
            FileType::Directory => "d",
            FileType::SymbolicLink => "l",
            FileType::CharacterDevice => "c",
            FileType::Fifo => "p",
            FileType::Socket => "s",
            FileType::Unknown => "U",
        };
        Some(match letter {
            b'p' => found.path.to_vec(),
            b'f' => {
                let trimmed = crate::path::base_name(&found.path);
                trimmed.to_vec()
            }
            b'h' => match found.path.trim_end_with(|letter| letter == '/').rfind_byte(b'/') {
                Some(0) => Vec::new(),
                Some(slash) => found.path.get(..slash).unwrap_or_default().to_vec(),
                None => b".".to_vec(),
            },
            b'P' => {
                let below = found.path.get(found.start..).unwrap_or_default();
                below.strip_prefix(b"/").unwrap_or(below).to_vec()
            }
            b'H' => found.path.get(..found.start).unwrap_or_default().to_vec(),
            b'd' => found.depth.to_string().into(),
            b's' => stat.size.to_string().into(),
            b'b' => stat.blocks.to_string().into(),
            b'k' => stat.blocks.div_ceil(2).to_string().into(),
            b'm' if flags.contains(&b'#') => format!("0{:o}", stat.mode).into(),
            b'm' => format!("{:o}", stat.mode).into(),
            b'M' => mode_string(stat).into(),
            b'n' => stat.links.to_string().into(),
            b'i' => stat.inode.to_string().into(),
            b'u' => self.names(stat).0.into(),
            b'g' => self.names(stat).1.into(),
            b'U' => stat.uid.to_string().into(),
            b'G' => stat.gid.to_string().into(),
            b'D' => stat.device.to_string().into(),
            b'F' => FILESYSTEM.into(),
            b'l' => match t.ctx.read_link(&found.path) {
                Ok(target) if stat.is_symbolic_link() => target.into_bytes(),
                _ => Vec::new(),
            },
            b'y' => kind(stat.kind).into(),
            b'Y' => match t.ctx.stat(&found.path, true) {
                Ok(stat) => kind(stat.kind).into(),
                Err(Errno::Loop) => "L".into(),
                Err(Errno::NoEntry | Errno::NotDirectory) => "N".into(),
                Err(_) => "?".into(),
            },
            b'S' => {
                let ratio = if stat.size == 0 { 1.0 } else { 512.0 * stat.blocks as f64 / stat.size as f64 };
                let ratio = crate::extended::Extended::parse(ratio.to_string().as_bytes());
                ratio.map_or_else(Vec::new, |(ratio, _)| {
                    ratio.format(b'g', Default::default(), 0, None).into_bytes()
                })
            }
            b'Z' => Vec::new(),
            b'a' | b'A' => self.moment(t, stat.accessed, letter == b'a', selector),
            b'c' | b'C' => self.moment(t, stat.changed, letter == b'c', selector),
            b't' | b'T' => self.moment(t, stat.modified, letter == b't', selector),
            _ => return None,
        })
    }

    fn moment(&self, t: &Tool, at: Timestamp, whole: bool, selector: Option<u8>) -> Vec<u8> {
        let mut text = Vec::new();
        let Some(moment) = Moment::new(at, &zone(&t.ctx)) else { return text };
        // The tenth digit of a fraction is GNU's own.
        match selector {
            _ if whole => moment.format(b"%a %b %e %H:%M:%S.%N0 %Y", &mut text),
            Some(b'@') => moment.format(b"%s.%N0", &mut text),
            Some(b'S') => moment.format(b"%S.%N0", &mut text),
            Some(b'T') => moment.format(b"%H:%M:%S.%N0", &mut text),
            Some(b'X') => moment.format(b"%H:%M:%S.%N0", &mut text),
            Some(b'+') => moment.format(b"%Y-%m-%d+%H:%M:%S.%N0", &mut text),
            // The C library knows no quarters.
            Some(b'q') => text.extend_from_slice(b"%q"),
            Some(letter) => moment.format(&[b'%', letter], &mut text),
            None => {}
        }
        text
    }
}
