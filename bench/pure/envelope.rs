//! Parses the envelope of a message, but not its result:
//! `cargo bench --manifest-path bench/pure/Cargo.toml --bench envelope`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mcp::benching;

fn answer(text: &str) -> String {
    format!(
        concat!(
            r#"{{"jsonrpc":"2.0","id":17,"result":{{"content":[{{"type":"text","text":"{}"}}],"isError":false,"#,
            r#""resultType":"complete"}}}}"#
        ),
        text
    )
}

/// The text of the benchmark: lines of 63 characters and a newline, which is escaped in JSON.
fn text(length: usize) -> String {
    let unit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+\\n";
    unit.repeat(length / 64)
}

/// JSON inside of text: an escape every few bytes.
fn json_text(length: usize) -> String {
    let unit = r#"{\"id\":1234,\"name\":\"alpha\",\"tags\":[\"x\",\"yy\"],\"note\":\"a\\nb\",\"ok\":true},"#;
    unit.repeat(length / unit.len())
}

/// Like a result of tools/list: many short strings and no long one.
fn tools(count: usize) -> String {
    let tool = |number: usize| {
        format!(
            concat!(
                r#"{{"name":"tool{}","description":"Does \"this\" and that","inputSchema":{{"type":"object","#,
                r#""properties":{{"a":{{"type":"string"}},"b":{{"type":"integer","minimum":-1.5e3}}}}}}}}"#
            ),
            number
        )
    };
    let tools: Vec<String> = (0..count).map(tool).collect();
    format!(r#"{{"jsonrpc":"2.0","id":17,"result":{{"tools":[{}]}}}}"#, tools.join(","))
}

fn read(criterion: &mut Criterion) {
    let messages = [
        ("ping", r#"{"jsonrpc":"2.0","id":17,"result":{}}"#.to_owned()),
        ("echo 100 B", answer(&text(100))),
        ("echo 1 MB, escapes", answer(&text(1_000_000))),
        ("echo 1 MB, JSON in text", answer(&json_text(1_000_000))),
        ("echo 1 MB, plain", answer(&"x".repeat(1_000_000))),
        ("echo 1 MB, beyond ASCII", answer(&"äöü世界".repeat(83_333))),
        ("5,000 tools", tools(5_000)),
    ];
    let mut group = criterion.benchmark_group("envelope");
    for (name, message) in messages {
        group.throughput(Throughput::Bytes(message.len() as u64));
        // Parsing consumes the text: each iteration gets a copy, which is not measured.
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || message.clone(),
                |message| benching::envelope(black_box(message)),
                BatchSize::LargeInput,
            );
        });
    }
}

criterion_group!(benches, read);
criterion_main!(benches);
