use super::*;
use serde_json::Value as Reference;

fn json(text: &str) -> Json {
    Json::parse(text.to_owned()).unwrap()
}

/// Compares a value with that of serde_json, recursively.
fn assert_same(ours: Value, reference: &Reference) {
    match reference {
        Reference::Null => assert_eq!(ours.kind(), Kind::Null),
        Reference::Bool(b) => assert_eq!(ours.bool(), Ok(*b)),
        Reference::Number(n) => {
            assert_eq!(ours.int64().ok(), n.as_i64());
            assert_eq!(ours.double().ok(), n.as_f64());
        }
        Reference::String(s) => assert_eq!(ours.string().unwrap(), s.as_str()),
        Reference::Array(list) => {
            assert_eq!(ours.size(), list.len());
            assert_eq!(ours.children().count(), list.len());
            ours.children().zip(list).for_each(|(a, b)| assert_same(a, b));
        }
        Reference::Object(map) => {
            assert_eq!(ours.children().count(), ours.size());
            for (key, value) in map {
                assert_same(ours.member(key).unwrap(), value);
            }
        }
    }
}

#[test]
fn the_index_agrees_with_serde_json() {
    let texts = [
        r#"{"a":[1,{"b":null,"c":[]},"x\"y\\"],"d":{},"e":true,"f":-12,"g":"\u00e4\n"}"#,
        "[]",
        "{}",
        " [ 1 , [ ] , { } , [ [ [ 2 ] ] ] , \"]\" ] ",
        "\"\\\\\"",
        "null",
        "-3.5",
        r#"{"":{"":""}}"#,
    ];
    for text in texts {
        assert_same(json(text).root(), &serde_json::from_str(text).unwrap());
    }
}

#[test]
fn the_last_of_duplicate_members_is_found() {
    let doc = json(r#"{"a":{"x":[1,2]},"b":2,"a":3}"#);
    let keys: Vec<_> = doc.root().children().map(|c| c.key().unwrap().into_owned()).collect();
    assert_eq!(keys, ["a", "b", "a"]);
    assert_eq!(doc.root().member("a").unwrap().int64(), Ok(3), "the last one");
    assert!(doc.root().key().is_none());
    assert!(doc.root().next().is_none());
}

#[test]
fn members_are_found_by_their_decoded_names() {
    let doc = json(r#"{"":0,"a":1,"ab":2,"\u0062":3,"\n":4,"\\n":5,"a\u00e4":6,"\ud83d\ude00x":7,"c\u0000":8}"#);
    for (value, name) in ["", "a", "ab", "b", "\n", "\\n", "aä", "😀x", "c\0"].into_iter().enumerate() {
        assert_eq!(doc.root().member(name).unwrap().int64(), Ok(value as i64), "{name:?}");
    }
    for missing in ["c", "b ", "A", "\\u0062", "\\\\n", "a\\u00e4", "a\u{fffd}", "x", "aa", "abc"] {
        assert!(doc.root().member(missing).is_none(), "{missing:?}");
    }
    assert!(doc.root().member_named(b"a\xe4").is_none(), "not UTF-8");
    for other in ["{}", "[]", "[\"a\",1]", "\"a\""] {
        assert!(json(other).root().member("a").is_none(), "{other}");
    }
}

#[test]
fn pointers_follow_rfc_6901() {
    let text = r#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"~1":9,"k\"l":6}"#;
    let doc = json(text);
    let int = |pointer| doc.root().at(pointer).and_then(|v| v.int64().ok());
    assert_eq!(doc.root().at("").unwrap().raw(), text);
    assert_eq!(doc.root().at("/foo/1").unwrap().string().unwrap(), "baz");
    assert_eq!(int("/"), Some(0));
    assert_eq!(int("/a~1b"), Some(1));
    assert_eq!(int("/m~0n"), Some(8));
    assert_eq!(int("/~01"), Some(9));
    assert_eq!(int("/k\"l"), Some(6));
    for missing in ["foo", "/foo/2", "/foo/01", "/foo/-", "/foo/+1", "/m~n", "/m~2n", "/m~", "/foo/0/x", "/x"] {
        assert!(doc.root().at(missing).is_none(), "{missing}");
    }
}

#[test]
fn integers_are_recognized_in_any_notation() {
    let int = |text: &str| json(text).root().int64();
    assert_eq!(int("5"), Ok(5));
    assert_eq!(int("5.0"), Ok(5));
    assert_eq!(int("-0"), Ok(0));
    assert_eq!(int("50e-1"), Ok(5));
    assert_eq!(int("0.5e1"), Ok(5));
    assert_eq!(int("-1.20e2"), Ok(-120));
    assert_eq!(int("0e999999999"), Ok(0));
    assert_eq!(int("-0.0E+99999999999999999999"), Ok(0));
    assert_eq!(int("-9223372036854775808"), Ok(i64::MIN));
    for range in ["9223372036854775808", "5.5", "1e19", "1e999999999", "5e-1"] {
        assert!(matches!(int(range), Err(JsonConversionError::Range(_))), "{range}");
    }
    assert_eq!(json("18446744073709551615").root().uint64(), Ok(u64::MAX));
    assert!(json("-1").root().uint64().is_err());
    assert!(matches!(json("1e400").root().double(), Err(JsonConversionError::Range(_))));
    assert_eq!(int("\"5\""), Err(JsonConversionError::Mismatch(Kind::String)));
}

#[test]
fn a_part_of_a_document_is_a_document_that_shares_the_text() {
    let text = r#" {"a":[1,{"b":null,"c":[]},"x\"y"],"d":{},"e":{"f":{"g":[[2],3]}},"h":-12,"i":"\u00e4"} "#;
    let whole = json(text);
    for value in (0..whole.len()).map(|index| whole.value(index)) {
        let part = value.to_json();
        assert!(part.indexed_root().is_some());
        assert_eq!((part.text(), part.text().as_ptr()), (value.raw(), value.raw().as_ptr()));
        assert_same(part.root(), &serde_json::from_str(value.raw()).unwrap());
        assert!(part.root().key().is_none() && part.root().next().is_none());
        let parsed = json(value.raw());
        assert_eq!(part.len(), parsed.len());
        for (copied, expected) in (0..part.len()).map(|index| (part.value(index), parsed.value(index))) {
            assert_eq!((copied.raw(), copied.raw_key()), (expected.raw(), expected.raw_key()));
            assert_eq!(copied.next().map(Value::node_index), expected.next().map(Value::node_index));
        }
        // A part of a part.
        let last = part.root().children().last().map(|last| (last.raw(), last.to_json()));
        assert!(last.is_none_or(|(raw, last)| last.text() == raw && last.root().size() <= part.len()));
    }
}

#[test]
fn unpaired_surrogates_are_replaced() {
    let doc = json(r#"{"a\ud800":"\ude00","b":"\ud83d\ude00"}"#);
    let first = doc.root().member("a\u{fffd}").unwrap();
    assert_eq!((first.string().unwrap(), first.string_length()), ("\u{fffd}".into(), Ok(3)));
    assert_eq!((first.key().unwrap(), first.raw_key()), ("a\u{fffd}".into(), Some(r#""a\ud800""#)));
    assert_eq!(doc.root().member("b").unwrap().string().unwrap(), "😀");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let doc = json(&deep);
    assert_eq!(doc.len(), 200_000);
}

#[test]
fn invalid_json_is_rejected() {
    for bad in ["", "{", "[1,]", "nul", "1 2", "{\"a\"}", "\"\n\""] {
        assert!(Json::parse(bad.into()).is_err(), "{bad:?}");
    }
}
