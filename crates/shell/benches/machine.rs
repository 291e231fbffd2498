//! The hot paths of the machine: `cargo bench -p wasmsh-shell`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wasmsh_shell::session::RunOptions;

#[path = "../tests/support/mod.rs"]
mod support;

/// What is measured, and how many rounds one execution has.
const SCRIPTS: &[(&str, u64, &str)] = &[
    ("loop", 10_000, "for ((i=0;i<10000;i++)); do s=$((s+i)); done"),
    ("while", 10_000, "i=0; while ((i < 10000)); do ((i++)); done"),
    ("for-in", 10_000, "for v in {1..10000}; do :; done"),
    ("call", 10_000, "f() { local x=$1; return 0; }; for ((i=0;i<10000;i++)); do f $i; done"),
    (
        "recursion",
        2584,
        "fib() { local n=$1; if ((n<2)); then R=$n; return; fi; local a; fib $((n-1)); a=$R; fib $((n-2)); R=$((a+R)); }; fib 15",
    ),
    ("substring", 10_000, "s='the quick brown fox'; for ((i=0;i<10000;i++)); do x=${s:i%16:3}; done"),
    ("replace", 10_000, "s='the quick brown fox'; for ((i=0;i<10000;i++)); do x=${s/quick/slow}; done"),
    ("append-element", 10_000, "a=(); for ((i=0;i<10000;i++)); do a+=($i); done"),
    ("map", 10_000, "declare -A m; for ((i=0;i<10000;i++)); do m[k$i]=$i; done"),
    ("test", 10_000, "for ((i=0;i<10000;i++)); do [[ $i == *7 ]] && ((n++)); done"),
    ("printf", 10_000, "for ((i=0;i<10000;i++)); do printf -v x '%05d' $i; done"),
    ("echo", 10_000, "for ((i=0;i<10000;i++)); do echo $i; done"),
    ("substitution", 1000, "for ((i=0;i<1000;i++)); do x=$(echo $i); done"),
    ("pipeline", 1000, "for ((i=0;i<1000;i++)); do echo a | read x; done"),
    (
        "read",
        10_000,
        "while IFS=, read -r a b c; do n=$((n+b)); done < <(for ((i=0;i<10000;i++)); do echo a,$i,c; done)",
    ),
    ("redirection", 1000, "for ((i=0;i<1000;i++)); do echo x >> out; done; rm out"),
];

fn machine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("machine");
    for (name, rounds, script) in SCRIPTS {
        group.throughput(Throughput::Elements(*rounds));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            let session = support::session("/workspace", support::default_environment("/workspace"), &[]);
            let options = RunOptions { fresh: true, ..RunOptions::default() };
            bencher.iter(|| {
                let time = Duration::from_secs(600);
                let status = support::run(&session, script.as_bytes(), &options, None, time, |_, bytes| {
                    black_box(bytes);
                });
                assert!(status.is_some());
            });
        });
    }
    group.finish();
}

fn parser(criterion: &mut Criterion) {
    let text =
        "if [[ $x == a* ]]; then for i in \"${a[@]}\"; do echo \"$i\" | cat > f; done; fi\n".repeat(1000);
    let mut group = criterion.benchmark_group("parser");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("commands", |bencher| {
        bencher.iter(|| {
            let mut parser = wasmsh_syntax::parser::Parser::new(text.as_bytes(), Default::default());
            while let Ok(Some(ast)) = parser.next(&wasmsh_syntax::options::NoAliases) {
                black_box(ast);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, machine, parser);
criterion_main!(benches);
