//! How long files take: create, open, stat, list, write, read, append, snapshot.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::rc::Rc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use wasmsh_vfs::{Entropy, FileSystem, OpenFlags, Timestamp, Vfs};

struct Zeroes;

impl Entropy for Zeroes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn fresh() -> Vfs {
    Vfs::new(Rc::new(Timestamp::default), Rc::new(Zeroes)).unwrap()
}

const MIB_10: usize = 10 << 20;

/// 5,000 small files in 50 directories.
fn many() -> (Vfs, Vec<String>) {
    let fs = fresh();
    let mut paths = Vec::new();
    for i in 0..50 {
        fs.make_directory(&format!("/workspace/d{i}"), 0o755).unwrap();
        for j in 0..100 {
            let path = format!("/workspace/d{i}/file-{j}.txt");
            fs.write_file(&path, b"a line of text\n", 0o644).unwrap();
            paths.push(path);
        }
    }
    (fs, paths)
}

fn small(c: &mut Criterion) {
    let mut group = c.benchmark_group("5,000 files");
    group.throughput(Throughput::Elements(5000));
    group.bench_function("create", |b| b.iter(|| black_box(many())));
    let (fs, paths) = many();
    group.bench_function("stat", |b| {
        b.iter(|| paths.iter().map(|p| fs.stat_at(p, true).unwrap().size).sum::<u64>())
    });
    group.bench_function("open, read, close", |b| {
        b.iter(|| {
            for path in &paths {
                let file = fs.open(path, OpenFlags::READ, 0).unwrap();
                black_box(file.read(4096).unwrap());
            }
        });
    });
    group.bench_function("list", |b| {
        b.iter(|| {
            (0..50).map(|i| fs.read_directory(&format!("/workspace/d{i}")).unwrap().len()).sum::<usize>()
        });
    });
    group.bench_function("append to one", |b| {
        b.iter_batched(
            fresh,
            |fs| {
                let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::APPEND;
                for _ in 0..5000 {
                    fs.open("/workspace/f", how, 0o644).unwrap().write(b"a line of text\n").unwrap();
                }
                fs
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("snapshot and restore", |b| {
        b.iter(|| {
            let mut reader = fs.take_snapshot().unwrap();
            let other = fresh();
            let mut writer = other.restore_snapshot();
            loop {
                let bytes = reader.next(1 << 16);
                if bytes.is_empty() {
                    break;
                }
                writer.push(&bytes).unwrap();
            }
            writer.finish().unwrap();
            other
        });
    });
    group.finish();
}

fn large(c: &mut Criterion) {
    let mut group = c.benchmark_group("10 MiB");
    group.throughput(Throughput::Bytes(MIB_10 as u64));
    let bytes = vec![7u8; MIB_10];
    let how = OpenFlags::WRITE | OpenFlags::CREATE;
    group.bench_function("write at once", |b| {
        b.iter_batched(
            fresh,
            |fs| {
                fs.write_file("/workspace/f", &bytes, 0o644).unwrap();
                fs
            },
            BatchSize::LargeInput,
        );
    });
    for piece in [4096, 65_536] {
        group.bench_function(format!("write in {piece}"), |b| {
            b.iter_batched(
                fresh,
                |fs| {
                    let file = fs.open("/workspace/f", how, 0o644).unwrap();
                    bytes.chunks(piece).for_each(|piece| file.write(piece).unwrap());
                    drop(file);
                    fs
                },
                BatchSize::LargeInput,
            );
        });
    }
    let fs = fresh();
    fs.write_file("/workspace/f", &bytes, 0o644).unwrap();
    group.bench_function("read at once", |b| b.iter(|| fs.read_file("/workspace/f").unwrap()));
    group.bench_function("read in 65536", |b| {
        let mut buffer = Vec::new();
        b.iter(|| {
            let file = fs.open("/workspace/f", OpenFlags::READ, 0).unwrap();
            loop {
                buffer.clear();
                if file.read_into(&mut buffer, 65_536).unwrap() == 0 {
                    break;
                }
            }
        });
    });
    group.bench_function("copy, and write a byte to the copy", |b| {
        b.iter(|| {
            fs.copy_file("/workspace/f", "/workspace/g", 0o644).unwrap();
            fs.open("/workspace/g", how, 0).unwrap().write_at(5_000_000, b"x").unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, small, large);
criterion_main!(benches);
