//! An ordinary program of the standard library, built for `wasm32-wasip2`.

use std::fmt::Debug;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::panic::Location;
use std::time::{Duration, Instant, SystemTime};

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("files") => {
            if let Err(error) = files() {
                eprintln!("{error}");
            }
        }
        Some("streams") => streams(),
        Some("leak") => leak(),
        Some("chance") => chance(),
        Some("sleep") => sleep(),
        Some("exit") => std::process::exit(arguments.next().unwrap().parse().unwrap()),
        other => panic!("what is {other:?}?"),
    }
}

/// A failure is told, since after a trap nobody could ask for the output.
trait At<T> {
    fn at(self) -> Result<T, String>;
}

impl<T, E: Debug> At<T> for Result<T, E> {
    #[track_caller]
    fn at(self) -> Result<T, String> {
        let line = Location::caller().line();
        self.map_err(|error| format!("line {line}: {error:?}"))
    }
}

#[track_caller]
fn that(holds: bool) -> Result<(), String> {
    if holds { Ok(()) } else { Err("it does not hold") }.at()
}

#[track_caller]
fn same<A: Debug + PartialEq<B>, B: Debug>(is: A, should: B) -> Result<(), String> {
    if is == should { Ok(()) } else { Err(format!("{is:?}, not {should:?}")) }.at()
}

fn files() -> Result<(), String> {
    fs::create_dir_all("/workspace/a/b").at()?;
    same(
        fs::create_dir("/workspace/a").map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::AlreadyExists),
    )?;
    fs::write("/workspace/a/one", "eins").at()?;
    fs::rename("/workspace/a/one", "/workspace/a/b/two").at()?;
    same(fs::read_to_string("/workspace/a/b/two").at()?, "eins")?;
    same(File::open("/workspace/a/one").map(drop).map_err(|error| error.kind()), Err(ErrorKind::NotFound))?;

    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open("/workspace/f").at()?;
    file.write_all(b"0123456789").at()?;
    file.seek(SeekFrom::Start(3)).at()?;
    let mut four = [0; 4];
    file.read_exact(&mut four).at()?;
    same(&four, b"3456")?;
    same(file.stream_position().at()?, 7)?;
    file.seek(SeekFrom::End(-2)).at()?;
    file.write_all(b"EIGHT").at()?;
    file.set_len(100_000).at()?;
    same(file.metadata().at()?.len(), 100_000)?;
    file.set_len(12).at()?;
    file.sync_all().at()?;
    file.rewind().at()?;
    let mut text = String::new();
    file.read_to_string(&mut text).at()?;
    same(text, "01234567EIGH")?;
    let then = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 5);
    file.set_times(FileTimes::new().set_modified(then).set_accessed(then)).at()?;
    same(file.metadata().at()?.modified().at()?, then)?;
    drop(file);

    let mut append = OpenOptions::new().append(true).open("/workspace/f").at()?;
    append.write_all(b"+").at()?;
    append.write_all(b"+").at()?;
    same(fs::metadata("/workspace/f").at()?.len(), 14)?;
    that(fs::metadata("/workspace/f").at()?.modified().at()? > then)?;

    fs::hard_link("/workspace/f", "/workspace/g").at()?;
    fs::write("/workspace/g", "both").at()?;
    same(fs::read("/workspace/f").at()?, b"both")?;
    same(fs::copy("/workspace/f", "/workspace/h").at()?, 4)?;

    let mut names: Vec<(String, bool)> = fs::read_dir("/workspace")
        .at()?
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            (entry.file_name().into_string().unwrap_or_default(), entry.file_type().expect("a type").is_dir())
        })
        .collect();
    names.sort();
    println!("{names:?}");

    let big: Vec<u8> = (0..3_000_000u32).map(|i| (i * 7) as u8).collect();
    fs::write("/workspace/big", &big).at()?;
    same(fs::read("/workspace/big").at()?, big)?;

    // Made by whoever prepared this: a link to an absolute path, and one up.
    same(fs::read_to_string("/workspace/absolute").at()?, "both")?;
    same(fs::read_link("/workspace/absolute").at()?.to_str(), Some("/workspace/f"))?;
    that(fs::symlink_metadata("/workspace/absolute").at()?.file_type().is_symlink())?;
    same(fs::read_to_string("/workspace/a/../f").at()?, "both")?;

    that(fs::remove_dir("/workspace/a").is_err())?;
    that(fs::exists("/workspace/a/b/two").at()?)?;
    fs::remove_dir_all("/workspace/a").at()?;
    fs::remove_file("/workspace/g").at()?;
    that(!fs::exists("/workspace/a").at()?)?;
    same(
        fs::write("/etc/hosts", "").map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::PermissionDenied),
    )?;
    same(File::open("/dev/null").at()?.read(&mut four).at()?, 0)?;
    File::open("/dev/zero").at()?.read_exact(&mut four).at()?;
    same(four, [0; 4])?;
    println!("done");
    Ok(())
}

fn streams() {
    let name = std::env::var("NAME").unwrap();
    println!("{name}");
    eprintln!("to the other");
    let lines: Vec<String> = BufReader::new(std::io::stdin()).lines().map(Result::unwrap).collect();
    println!("{}", lines.join("|"));
    println!("{:?}", std::env::args().collect::<Vec<_>>());
    let variables: Vec<(String, String)> = std::env::vars().collect();
    println!("{variables:?}");
}

fn leak() {
    for i in 0..5 {
        std::mem::forget(File::create(format!("/workspace/leak{i}")).unwrap());
    }
    println!("leaked");
}

fn chance() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut bytes = [0; 16];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    let keys = std::collections::HashSet::from(["a", "b", "c", "d", "e", "f", "g"]);
    println!("{now:?} {bytes:?} {keys:?}");
}

fn sleep() {
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(30));
    assert!(start.elapsed() >= Duration::from_millis(30));
    println!("awake");
}
