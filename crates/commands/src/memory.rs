//! `free`: the memory of the session. It is the address space of WebAssembly, of which programs have their part and files
//! theirs.

use bstr::ByteSlice;

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "free",
    usage: &["[options]"],
    about: "Display amount of free and used memory in the session.",
    options: &[
        Opt::flag("b,bytes", "show output in bytes"),
        Opt::flag("kilo", "show output in kilobytes"),
        Opt::flag("mega", "show output in megabytes"),
        Opt::flag("giga", "show output in gigabytes"),
        Opt::flag("tera", "show output in terabytes"),
        Opt::flag("peta", "show output in petabytes"),
        Opt::flag("k,kibi", "show output in kibibytes"),
        Opt::flag("m,mebi", "show output in mebibytes"),
        Opt::flag("g,gibi", "show output in gibibytes"),
        Opt::flag("tebi", "show output in tebibytes"),
        Opt::flag("pebi", "show output in pebibytes"),
        Opt::flag("h,human", "show human-readable output"),
        Opt::flag("si", "use powers of 1000 not 1024"),
        Opt::flag("l,lohi", "show detailed low and high memory statistics"),
        Opt::flag("t,total", "show total for RAM + swap"),
        Opt::flag("v,committed", "show committed memory and commit limit"),
        Opt::value("s,seconds", "N", "repeat printing every N seconds"),
        Opt::value("c,count", "N", "repeat printing N times, then exit"),
        Opt::flag("w,wide", "wide output"),
        Opt::flag("V", "output version information and exit"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What a memory of WebAssembly can grow to.
const TOTAL: u64 = 1 << 32;

/// Bytes of memory that the programs of the session have.
fn programs() -> u64 {
    #[cfg(target_arch = "wasm32")]
    let bytes = core::arch::wasm32::memory_size(0) as u64 * (1 << 16);
    // Elsewhere nobody counts them.
    #[cfg(not(target_arch = "wasm32"))]
    let bytes = 0;
    bytes
}

#[derive(Clone, Copy)]
struct Scale {
    base: u64,
    /// `None`: the one that fits.
    power: Option<u32>,
}

impl Scale {
    fn show(self, bytes: u64) -> String {
        if let Some(power) = self.power {
            return (bytes / self.base.pow(power)).to_string();
        }
        let letters = if self.base == 1000 { ["B", "K", "M", "G"] } else { ["B", "Ki", "Mi", "Gi"] };
        let (mut unit, mut letter) = (1, 0);
        while bytes / unit >= 1000 && letter < 3 {
            unit *= self.base;
            letter += 1;
        }
        let suffix = letters.get(letter).copied().unwrap_or_default();
        match bytes / unit {
            0..10 if letter > 0 => format!("{:.1}{suffix}", bytes as f64 / unit as f64),
            whole => format!("{whole}{suffix}"),
        }
    }
}

async fn run(t: &mut Tool) -> Done {
    let (mut base, mut power, mut decimal) = (1024, Some(1), false);
    let (mut low, mut total, mut committed, mut wide) = (false, false, false, false);
    let (mut interval, mut count) = (None, None);
    let usage = |t: &Tool| Fail::Bare(t.command.help(&t.name).trim_end().into(), 1);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.unwrap_or_default();
        const NAMES: [&str; 6] = ["b", "kilo", "mega", "giga", "tera", "peta"];
        const BINARY: [&str; 6] = ["", "k", "m", "g", "tebi", "pebi"];
        let place = |names: &[&str]| names.iter().position(|other| *other == name).map(|at| at as u32);
        match name {
            "h" => power = None,
            "si" => decimal = true,
            "l" => low = true,
            "t" => total = true,
            "v" => committed = true,
            "w" => wide = true,
            "V" => return Err(Fail::Version),
            "s" => {
                let seconds = crate::sleep::duration(&text).filter(|seconds| *seconds > 0.0);
                let message = || format!("seconds argument `{text}' is not positive number");
                interval = Some(seconds.ok_or_else(|| Fail::Message(message(), 1))?);
            }
            "c" => {
                let number = text.to_str().ok().and_then(|text| text.parse::<u64>().ok());
                let range = if number.is_some() { ": Numerical result out of range" } else { "" };
                let number = number.filter(|number| *number > 0);
                let message = || format!("failed to parse count argument: '{text}'{range}");
                count = Some(number.ok_or_else(|| Fail::Message(message(), 1))?);
            }
            _ => {
                if let Some(at) = place(&NAMES) {
                    (base, power) = (1000, Some(at));
                } else if let Some(at) = place(&BINARY) {
                    (base, power) = (1024, Some(at));
                }
            }
        }
    }
    if !options.operands().is_empty() {
        return Err(usage(t));
    }
    let scale = Scale { base: if decimal { 1000 } else { base }, power };
    let mut left = count.unwrap_or(if interval.is_some() { u64::MAX } else { 1 });
    loop {
        // Files are what Linux counts as shared and as cache, as those of a filesystem in memory.
        let files = t.ctx.kernel().fs().space().bytes_used;
        let used = programs();
        let free = TOTAL.saturating_sub(used.saturating_add(files));
        let names: &[&str] = match wide {
            true => &["total", "used", "free", "shared", "buffers", "cache", "available"],
            false => &["total", "used", "free", "shared", "buff/cache", "available"],
        };
        let names: Vec<String> = names.iter().map(|name| format!("{name:>11}")).collect();
        t.out.put(format!("{:9}{}\n", "", names.join(" ")).as_bytes());
        let mut row = |head: &str, values: &[u64]| {
            let cells: Vec<String> =
                values.iter().map(|value| format!("{:>11}", scale.show(*value))).collect();
            t.out.put(format!("{head:<9}{}\n", cells.join(" ")).as_bytes());
        };
        if wide {
            row("Mem:", &[TOTAL, used, free, files, 0, files, free]);
        } else {
            row("Mem:", &[TOTAL, used, free, files, files, free]);
        }
        if low {
            row("Low:", &[TOTAL, TOTAL - free, free]);
            row("High:", &[0; 3]);
        }
        row("Swap:", &[0; 3]);
        if total {
            row("Total:", &[TOTAL, used, free]);
        }
        if committed {
            row("Comm:", &[TOTAL, TOTAL - free, free]);
        }
        left -= 1;
        if left == 0 {
            return Ok(());
        }
        t.out.put(b"\n");
        t.out.flush().await?;
        t.ctx.sleep((interval.unwrap_or(1.0) * 1e9) as u64).await;
    }
}
