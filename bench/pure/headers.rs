//! Encodes and checks header values: `cargo bench --manifest-path bench/pure/Cargo.toml --bench headers`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mcp::benching;

fn encode(criterion: &mut Criterion) {
    let values = [
        ("a tool's name", "get_weather".to_owned()),
        ("a resource", "file:///home/someone/documents/notes/2026/november.md".to_owned()),
        ("beyond ASCII", "Grüße aus 世界".to_owned()),
        ("4 KiB, plain", "x".repeat(4096)),
        ("4 KiB, beyond ASCII", "ü".repeat(2048)),
    ];
    let mut group = criterion.benchmark_group("headers");
    for (name, value) in &values {
        group.throughput(Throughput::Bytes(value.len() as u64));
        group.bench_function(format!("encoded: {name}"), |bencher| {
            bencher.iter(|| benching::header_value(black_box(value)));
        });
    }
    let token = "eyJhbGciOiJSUzI1NiJ9.".repeat(40);
    group.throughput(Throughput::Bytes(token.len() as u64));
    group.bench_function("checked: a token of 840 B", |bencher| {
        bencher.iter(|| benching::is_token(black_box(&token)));
    });
    group.bench_function("checked: a value of 840 B", |bencher| {
        bencher.iter(|| benching::is_header_value(black_box(&token)));
    });
}

criterion_group!(benches, encode);
criterion_main!(benches);
