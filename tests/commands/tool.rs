//! A command for the tests of `component_command`: an unmodified program for `wasm32-wasip2`, with what it should do as its
//! first argument.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, net, process, thread};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    let mut out = io::stdout();
    match argument(1) {
        "arguments" => writeln!(out, "{arguments:?}")?,
        "variable" => writeln!(out, "{}", env::var(argument(2)).unwrap_or_default())?,
        "runs" => writeln!(out, "{}", RUNS.fetch_add(1, Ordering::Relaxed))?,
        "cat" => {
            io::copy(&mut io::stdin(), &mut out)?;
        }
        "upper" => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            write!(out, "{}", text.to_uppercase())?;
        }
        "count" => writeln!(out, "{}", io::copy(&mut io::stdin(), &mut io::sink())?)?,
        "yes" => loop {
            writeln!(out, "y")?;
        },
        "both" => {
            writeln!(out, "to stdout")?;
            writeln!(io::stderr(), "to stderr")?;
        }
        "terminal" => writeln!(out, "{} {}", io::stdin().is_terminal(), out.is_terminal())?,
        "show" => write!(out, "{}", fs::read_to_string(argument(2))?)?,
        "put" => fs::write(argument(2), argument(3))?,
        "append" => fs::OpenOptions::new().append(true).open(argument(2))?.write_all(argument(3).as_bytes())?,
        "list" => {
            let mut names: Vec<_> = fs::read_dir(argument(2))?
                .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
                .collect::<Result<_, _>>()?;
            names.sort();
            writeln!(out, "{}", names.join(" "))?;
        }
        "hold" => {
            let lists = (0..argument(3).parse().unwrap_or(0)).map(|_| {
                let mut list = fs::read_dir(argument(2))?;
                list.next();
                Ok(list)
            });
            let held: io::Result<Vec<_>> = lists.collect();
            writeln!(out, "{}", held.is_ok())?;
        }
        "tree" => {
            fs::create_dir_all("made/here")?;
            fs::write("made/here/a", "a")?;
            fs::rename("made/here/a", "made/b")?;
            fs::hard_link("made/b", "made/c")?;
            fs::copy("made/c", "made/d")?;
            fs::remove_file("made/c")?;
            fs::remove_dir("made/here")?;
            let data = fs::metadata("made/b")?;
            writeln!(out, "{} {} {}", data.len(), data.is_file(), data.modified()?.elapsed().is_ok())?;
        }
        "clock" => {
            let start = Instant::now();
            thread::sleep(Duration::from_millis(100));
            writeln!(out, "{}", start.elapsed() >= Duration::from_millis(100))?;
        }
        "connect" => writeln!(out, "{:?}", net::TcpStream::connect("127.0.0.1:80").map(drop).map_err(|e| e.kind()))?,
        "bind" => writeln!(out, "{:?}", net::UdpSocket::bind("127.0.0.1:0").map(drop).map_err(|e| e.kind()))?,
        "resolve" => {
            let resolved = net::ToSocketAddrs::to_socket_addrs("example.org:80");
            writeln!(out, "{}", resolved.is_err())?;
        }
        "fail" => process::exit(1),
        "panic" => panic!("on purpose"),
        "spin" => loop {
            std::hint::black_box(());
        },
        "eat" => {
            let mut kept = Vec::new();
            loop {
                kept.push(vec![1u8; 1 << 20]);
                std::hint::black_box(&kept);
            }
        }
        "deep" => writeln!(out, "{}", depth(1))?,
        other => {
            writeln!(io::stderr(), "tool: {other}: no such thing")?;
            process::exit(1);
        }
    }
    Ok(())
}

/// Recurses without end.
#[allow(unconditional_recursion)]
fn depth(from: u64) -> u64 {
    let here = std::hint::black_box([from; 64]);
    depth(here[0] + 1) + here[1]
}
