//! Parses event streams: `cargo bench --manifest-path bench/pure/Cargo.toml --bench event_stream`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mcp::benching;

/// The typical size of a read from a socket, and the maximum size of a reused buffer.
const PARTS: [usize; 2] = [16 * 1024, 1024 * 1024];

fn event(data: usize) -> String {
    let text = "x".repeat(data);
    format!("event: message\nid: 17\ndata: {{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"text\":\"{text}\"}}}}\n\n")
}

fn streams() -> [(&'static str, String); 4] {
    [
        ("one event of 1 MB", event(1_000_000)),
        ("events of 100 B", event(100).repeat(5_000)),
        ("lines of 80 B", format!("data: {}\n", "x".repeat(73)).repeat(12_500) + "\n"),
        ("comments", ": ping - 2026-11-23 05:34:44\n\n".repeat(30_000)),
    ]
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event_stream");
    for (name, stream) in streams() {
        group.throughput(Throughput::Bytes(stream.len() as u64));
        for part in PARTS {
            let id = BenchmarkId::new(name, format!("{} KiB at a time", part / 1024));
            group.bench_function(id, |bencher| {
                bencher.iter(|| benching::event_stream(black_box(stream.as_bytes()), part));
            });
        }
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
