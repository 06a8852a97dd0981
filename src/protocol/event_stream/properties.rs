//! Compares the parser with the reference implementation on thousands of generated streams of difficult pieces.

use super::reference::{check_every_prefix, check_limit, interpret, parse, parse_directly};
use super::*;

/// Lines without their line ends, which are generated separately. They are short, so that a stream has many.
const PIECES: &[&[u8]] = &[
    b"data: a",
    b"data:b",
    b"data:  c",
    b"data:",
    b"data: ",
    b"data",
    b"data:x:y",
    b"data: {\"id\":1}",
    b"data : d",
    b" data: e",
    b"Data: f",
    b"data\t: g",
    b"data: \xFF\xE2\x82",
    b"data: \xE2\x82\xAC",
    b"d\xFFata: h",
    b"event: message",
    b"event:endpoint",
    b"event:",
    b"event",
    b"event: \xC3",
    b"id: 1",
    b"id:22",
    b"id:  3",
    b"id:",
    b"id",
    b"id: 4\x005",
    b"id: \0",
    b"id\0: 6",
    b"id: \xE4\xB8\xAD",
    b"id: \xF0\x9F",
    b"retry: 1000",
    b"retry:007",
    b"retry:",
    b"retry",
    b"retry: +1",
    b"retry: -1",
    b"retry:  5",
    b"retry: 5 ",
    b"retry: 1e3",
    b"retry: \xD9\xA3",
    b"retry: 18446744073709551615",
    b"retry: 18446744073709551616",
    b"retry: 99999999999999999999999",
    b":",
    b": ping - 2026-11-23 05:34:44",
    b":data: no",
    b"::",
    b"unknown: value",
    b"unknown",
    b" ",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xEF\xBB\xBFdata: i",
    b"\xEF\xBBdata: j",
    b"",
];

const LINE_ENDS: &[&[u8]] =
    &[b"\n", b"\r", b"\r\n", b"\n\r", b"\n\n", b"\r\r", b"\r\n\r\n", b"\r\r\n", b"\n\r\n", b"\r\n\n", b""];

const STARTS: &[&[u8]] = &[b"", b"", b"", b"\xEF\xBB\xBF", b"\xEF\xBB\xBF\xEF\xBB\xBF", b"\xEF\xBB", b"\n\xEF\xBB\xBF"];

/// Marsaglia's xorshift with a fixed seed: the same streams in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }

    fn one_of(&mut self, choices: &[&'static [u8]]) -> &'static [u8] {
        choices[self.below(choices.len())]
    }

    /// Half of the streams use one kind of line end, as servers do; the others mix them.
    fn stream(&mut self) -> Vec<u8> {
        let line_ends = match self.below(6) {
            0 => &LINE_ENDS[0..1],
            1 => &LINE_ENDS[1..2],
            2 => &LINE_ENDS[2..3],
            _ => LINE_ENDS,
        };
        let mut stream = self.one_of(STARTS).to_vec();
        for _ in 0..self.below(12) {
            let (piece, line_end) = (self.one_of(PIECES), self.one_of(line_ends));
            for _ in 0..[1, 1, 1, 4][self.below(4)] {
                stream.extend_from_slice(piece);
                stream.extend_from_slice(line_end);
            }
            if self.below(3) == 0 {
                stream.extend_from_slice(self.one_of(line_ends));
            }
        }
        stream
    }

    fn parts<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(self.below(bytes.len().min(20) + 1));
            parts.push(part);
            bytes = rest;
        }
        parts
    }
}

fn for_each_stream(count: usize, mut check: impl FnMut(&mut Random, &[u8])) {
    let mut random = Random(0x6C69_626D_6370_0003);
    for _ in 0..count {
        let stream = random.stream();
        check(&mut random, &stream);
    }
}

#[test]
fn the_parser_agrees_with_the_standard_after_every_byte() {
    for_each_stream(3000, |_, bytes| check_every_prefix(bytes));
}

#[test]
fn the_parser_agrees_with_the_standard_for_every_split_of_the_bytes() {
    for_each_stream(5000, |random, bytes| {
        let expected = interpret(bytes);
        assert_eq!(parse([bytes]), expected, "{}", bytes.escape_ascii());
        for cut in 0..=bytes.len() {
            assert_eq!(parse([&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}: {}", bytes.escape_ascii());
        }
        for _ in 0..10 {
            let parts = random.parts(bytes);
            assert_eq!(parse(parts.iter().copied()), expected, "{parts:?}");
            let (most, long) = (random.below(30) + 1, random.below(20));
            let direct = parse_directly(bytes, most, long);
            assert_eq!(direct, expected, "by {most}, long from {long}: {}", bytes.escape_ascii());
        }
    });
}

#[test]
fn the_limit_does_not_depend_on_how_the_bytes_are_split() {
    for_each_stream(5000, |random, bytes| check_limit(bytes, random.below(40)));
}

#[test]
fn generated_streams_contain_events_ids_retry_times_and_oversized_events() {
    let (mut events, mut ids, mut retries, mut too_large) = (0, 0, 0, 0);
    for_each_stream(5000, |random, bytes| {
        let outcome = interpret(bytes);
        events += outcome.events.len();
        ids += usize::from(!outcome.last_id.is_empty());
        retries += usize::from(outcome.retry_ms.is_some());
        too_large += usize::from(EventStream::new(random.below(40)).feed(bytes, &mut Vec::new()).is_err());
    });
    assert!(events > 2000 && ids > 500 && retries > 500, "{events} events, {ids} ids, {retries} retries");
    assert!((1000..4000).contains(&too_large), "{too_large} too large");
}

#[test]
fn the_parser_agrees_with_the_standard_on_the_fuzzing_seeds() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/event_stream");
    let seeds: Vec<_> = std::fs::read_dir(seeds).expect("the seeds").map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() >= 12, "{} seeds", seeds.len());
    for seed in seeds {
        check_every_prefix(&std::fs::read(&seed).unwrap());
    }
}

#[test]
fn an_id_is_used_once_its_event_is_complete() {
    let mut stream = EventStream::new(1000);
    let mut events = Vec::new();
    let mut feed = |text: &str| {
        stream.feed(text.as_bytes(), &mut events).unwrap();
        (events.len(), stream.last_id().map(str::to_owned))
    };
    assert_eq!(feed("id: 1\ndata: one\n"), (0, None), "resuming after 1 now would lose its event");
    assert_eq!(feed("\n"), (1, Some("1".into())));
    assert_eq!(feed("id: 2\n"), (1, Some("1".into())));
    assert_eq!(feed("data: two\r"), (1, Some("1".into())));
    assert_eq!(feed("\r"), (2, Some("2".into())));
    assert_eq!(feed("id: 3\n\n"), (2, Some("3".into())), "a blank line without data also completes an id");
    assert_eq!(feed("data: no id\n\n"), (3, Some("3".into())));
    assert_eq!(feed("id\n"), (3, Some("3".into())));
    assert_eq!(feed("\n"), (3, Some(String::new())));
}

#[test]
fn a_retry_time_that_does_not_fit_is_the_maximum() {
    let mut stream = EventStream::new(1000);
    stream.feed(b"retry: 5\nretry: 18446744073709551616\n", &mut Vec::new()).unwrap();
    assert_eq!(stream.retry_ms(), Some(u64::MAX));
    stream.feed(b"retry: 0000000000000000000000007\n", &mut Vec::new()).unwrap();
    assert_eq!(stream.retry_ms(), Some(7));
}
