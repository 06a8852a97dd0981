use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::IgnoredAny;

use super::super::json_index::NODE;
use super::super::json_scanner;
use super::super::raw_value::RawValue;
use super::*;

/// What arrays and objects consist of, and what makes them invalid.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "[]",
    "{}",
    "1",
    "-0.5e+3",
    "01",
    "1.",
    "-",
    "true",
    "nul",
    "null",
    "false,",
    "\"",
    "\"a\"",
    "\"\":",
    "\"b\":",
    "\"é\"",
    "\"\\\\\"",
    "\"\\\"\"",
    "\"\\u00e9\"",
    "\"\\u12g4\"",
    "\"\\x\"",
    "\\",
    "\\\"",
    "\"\n\"",
    "\"[{,:}]\"",
    " ",
    "\t",
    "\r\n",
    "\0",
    "é",
    "x",
    "\"a\":1,",
    "[1,2],",
];

/// The text of an array or an object, a few levels deep.
fn container() -> impl Strategy<Value = String> {
    let leaf = select(vec!["0", "-1.5E9", "true", "null", "\"\"", "\"a]\\\"}\"", "\"\\\\\"", "[]", "{ }"])
        .prop_map(str::to_owned);
    let nested = leaf.prop_recursive(4, 100, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(|values| format!("[{}]", values.join(","))),
            vec(inner, 0..8).prop_map(|values| {
                let members: Vec<String> = values.iter().map(|value| format!("\"k\": {value}")).collect();
                format!("{{{}}}", members.join(" ,\n"))
            }),
        ]
    });
    nested.prop_map(|value| format!("[{value}]"))
}

fn is_valid(text: &str) -> bool {
    let expected = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert_eq!(json_scanner::check(text).is_ok(), expected, "{text:?}");
    expected
}

proptest! {
    #[test]
    fn the_same_texts_are_valid_as_for_serde_json(
        pieces in vec(select(PIECES), 0..20),
        before in 0..140_usize,
        is_object: bool,
    ) {
        let text = format!("{}\"{}\"", if is_object { "{\"a\":[" } else { "[" }, "x".repeat(before));
        let end = if is_object { "]}" } else { "]" };
        is_valid(&format!("{text},{}{end}", pieces.concat()));
        is_valid(&format!("{text},{}", pieces.concat()));
    }

    #[test]
    fn a_changed_text_is_valid_if_it_is_for_serde_json(
        value in container(),
        spaces in 0..70_usize,
        at: prop::sample::Index,
        piece in select(PIECES),
    ) {
        let text = format!("{}{value}", " ".repeat(spaces));
        assert!(is_valid(&text));
        let at = spaces + at.index(value.len());
        is_valid(&text[..at]);
        is_valid(&format!("{}{}", &text[..at], &text[at + 1..]));
        is_valid(&format!("{}{piece}{}", &text[..at], &text[at..]));
        is_valid(&format!("{}{piece}{}", &text[..at], &text[at + 1..]));
    }
}

#[test]
fn an_error_in_a_long_string_is_found() {
    for invalid in ["\n", "\\x", "\\u12", "\u{1f}"] {
        for before in [0, 63, 64, 65, 1000] {
            for after in [0, 63, 64, 1000] {
                let string = |middle: &str| format!("\"{}{middle}{}\"", "x".repeat(before), "y".repeat(after));
                assert!(is_valid(&format!("[{},{}]", string("é"), string("\\n"))));
                assert!(!is_valid(&format!("[{},1]", string(invalid))));
                assert!(!is_valid(&format!("{{{}:1}}", string(invalid))));
            }
        }
    }
}

/// Records the index of a text while it is checked.
fn recorded(text: &str, max_nodes: usize) -> Option<Vec<JsonNode>> {
    let start = text.len() - text.trim_start().len();
    let mut index = IndexBuilder::default();
    index.record(start, text.len(), max_nodes);
    assert_eq!(walk(text.as_bytes(), start, &mut index), Some(text.trim_end().len()));
    index.finish()
}

/// Finds the nodes by scanning each value again.
fn expected(text: &str, value: &str, (last, member): (bool, bool), nodes: &mut Vec<JsonNode>) {
    let offset = |part: &str| (part.as_ptr() as usize - text.as_ptr() as usize) as u32;
    let kind = RawValue::from_validated(value).kind();
    let node = nodes.len();
    let (start, end) = (offset(value), offset(value) + value.len() as u32);
    nodes.push(JsonNode { start, end, next: 0, count: 0, kind, last, member });
    let mut children = json_scanner::children(value).peekable();
    while let Some((key, child)) = children.next() {
        if !key.is_empty() {
            let next = nodes.len() as u32 + 1;
            nodes.push(JsonNode { start: offset(key), end: offset(key) + key.len() as u32, next, ..NODE });
        }
        nodes[node].count += 1;
        expected(text, child, (children.peek().is_none(), kind == Kind::Object), nodes);
    }
    nodes[node].next = nodes.len() as u32;
}

#[test]
fn the_index_has_all_values_and_keys() {
    let long = "x".repeat(5000);
    for text in [
        "[]",
        "{}",
        r#"{"a":[1,{"b":null,"c":[]},"x\"y\\"],"d":{},"e":true,"f":-12,"g":"\u00e4\n"}"#,
        " [ 1 , [ ] , { } , [ [ [ 2 ] ] ] , \"]\" ] ",
        &format!(r#"[{{"{long}":["{long}"]}},{}"{long}"]"#, r#"{"a":"b"},"#.repeat(1000)),
        &format!(r#"[{}{}]"#, "[1,[2]],".repeat(500), long.replace('x', "3")),
        &format!("{}{}", "[".repeat(300), "]".repeat(300)),
    ] {
        let mut nodes = Vec::new();
        expected(text.trim_start(), text.trim(), (true, false), &mut nodes);
        assert_eq!(recorded(text, usize::MAX).as_ref(), Some(&nodes), "{text}");
        assert_eq!(index(text.trim()), nodes, "{text}");
    }
}

#[test]
fn a_scalar_has_one_node() {
    for (text, kind) in [("1", Kind::Number), ("\"a\"", Kind::String), ("true", Kind::Bool), ("null", Kind::Null)] {
        let node = JsonNode { end: text.len() as u32, next: 1, kind, last: true, ..NODE };
        assert_eq!(index(text), [node], "{text}");
    }
}

#[test]
fn a_text_with_too_many_values_has_no_index() {
    let text = format!("[{}[[1]]]", "1,".repeat(97));
    assert_eq!(recorded(&text, 101).map(|nodes| nodes.len()), Some(101));
    for max_nodes in [1, 16, 17, 97, 98, 99, 100] {
        assert_eq!(recorded(&text, max_nodes), None, "{max_nodes}");
    }
}

#[test]
fn little_room_is_made_for_a_long_string_after_small_values() {
    let text = format!("[{}\"{}\"]", "1,".repeat(100), "x".repeat(1_000_000));
    let mut index = IndexBuilder::default();
    index.record(0, text.len(), usize::MAX);
    assert_eq!(walk(text.as_bytes(), 0, &mut index), Some(text.len()));
    assert!(index.capacity() <= 65 * 64, "{}", index.capacity());
    assert_eq!(index.finish().map(|nodes| (nodes.len(), nodes.capacity())), Some((102, 102)));
}

#[test]
fn nodes_are_moved_rarely_for_small_values_after_a_long_string() {
    const STRING_END: usize = 1 << 30;
    let end = STRING_END + 200_000;
    let mut index = IndexBuilder::default();
    index.record(0, end, usize::MAX);
    index.open(Kind::Array, 0);
    index.scalar(Kind::String, 1, STRING_END);
    let mut capacities = vec![index.capacity()];
    for at in (STRING_END + 1..end).step_by(2) {
        index.scalar(Kind::Number, at, at + 1);
        capacities.push(index.capacity());
    }
    capacities.dedup();
    assert!(capacities.len() < 60, "{}", capacities.len());
}

#[test]
fn the_results_of_a_text_share_the_limit_of_nodes() {
    let text = format!("[{}1]", "1,".repeat(600_000));
    let mut index = IndexBuilder::default();
    let is_recorded = |text: &str| {
        index.record_checked(0, text.len());
        assert_eq!(walk(text.as_bytes(), 0, &mut index), Some(text.len()));
        index.finish().is_some()
    };
    assert_eq!([&text, &text, "[1]", &text].map(is_recorded), [true, false, true, false]);
}
