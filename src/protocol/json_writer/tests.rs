use proptest::prelude::*;

use super::reference::{WriterCall, WrittenScalar, check, expected};
use super::*;
use crate::protocol::json::Json;
use crate::status::Status;

fn written(write: impl FnOnce(&mut JsonWriter)) -> JsonWriter {
    let mut writer = JsonWriter::default();
    write(&mut writer);
    writer
}

/// The text of one value.
fn text(write: impl FnOnce(&mut JsonWriter)) -> String {
    let writer = written(write);
    assert!(writer.check().is_ok(), "{:?}", writer.check());
    assert_eq!(writer.text_and_nul(), format!("{}\0", writer.text()));
    writer.text().to_owned()
}

/// The status and the message of the error; there must be no text.
fn failure(write: impl FnOnce(&mut JsonWriter)) -> (Status, String) {
    let writer = written(write);
    assert_eq!((writer.text(), writer.text_and_nul()), ("", "\0"));
    let error = writer.check().unwrap_err();
    (error.status(), error.to_string())
}

fn invalid_argument(why: &str) -> (Status, String) {
    (MCP_INVALID_ARGUMENT, format!("JSON writer, after {why}"))
}

#[test]
fn all_kinds_of_values_are_written() {
    let text = text(|w| {
        w.begin_object(None);
        w.string(Some("s"), "x");
        w.base64(Some("b"), b"\x00\xff\x10");
        w.int64(Some("i"), i64::MIN);
        w.uint64(Some("u"), u64::MAX);
        w.double(Some("d"), 0.5);
        w.bool(Some("t"), true);
        w.bool(Some("f"), false);
        w.null(Some("n"));
        w.json(Some("j"), "[1, 2]");
        w.raw(Some("r"), " {\"x\" : 1}\n");
        w.begin_array(Some("a"));
        w.null(None);
        w.begin_object(None);
        w.end();
        w.begin_array(None);
        w.end();
        w.end();
        w.string(Some(""), "last");
        w.end();
    });
    let expected = concat!(
        r#"{"s":"x","b":"AP8Q","i":-9223372036854775808,"u":18446744073709551615,"d":0.5,"t":true,"f":false,"#,
        r#""n":null,"j":[1, 2],"r":{"x" : 1},"a":[null,{},[]],"":"last"}"#
    );
    assert_eq!(text, expected);
}

#[test]
fn texts_and_keys_are_escaped() {
    let string = |value: &str| text(|w| w.string(None, value));
    assert_eq!(string("a\"b\\c/\n\r\t\u{8}\u{1f}"), r#""a\"b\\c/\n\r\t\u0008\u001f""#);
    assert_eq!(string("\u{7f}é€😀"), "\"\u{7f}é€😀\"");
    assert_eq!(string("\0a\0"), r#""\u0000a\u0000""#);
    assert_eq!(string("brackets [ and {"), r#""brackets [ and {""#);
    let key = text(|w| {
        w.begin_object(None);
        w.null(Some("\"{\n"));
        w.null(Some("next"));
        w.end();
    });
    assert_eq!(key, r#"{"\"{\n":null,"next":null}"#);
}

#[test]
fn doubles_are_short_and_read_back_the_same() {
    let double = |value: f64| text(|w| w.double(None, value));
    let numbers = [
        (0.0, "0"),
        (-0.0, "-0.0"),
        (1.0, "1"),
        (-7.0, "-7"),
        (0.1, "0.1"),
        (1.0 / 3.0, "0.3333333333333333"),
        (123456789.0, "123456789"),
        (9007199254740993.0, "9007199254740992"),
        (1e300, "1e300"),
        (5e-324, "5e-324"),
        (1.5e-7, "1.5e-7"),
        (f64::MAX, "1.7976931348623157e308"),
    ];
    for (value, text) in numbers {
        assert_eq!(double(value), text);
        let read = Json::parse(text.to_owned()).unwrap().root().double();
        assert_eq!(read.map(f64::to_bits), Ok(value.to_bits()), "{text}");
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(
            failure(|w| w.double(None, value)),
            invalid_argument("0 bytes: NaN and infinity are not JSON numbers")
        );
    }
}

#[test]
fn a_value_at_the_top_may_be_any() {
    assert_eq!(text(|w| w.string(None, "x")), "\"x\"");
    assert_eq!(text(|w| w.raw(None, " 1 ")), "1");
    assert_eq!(text(|w| w.base64(None, b"")), "\"\"");
}

type WrongCalls = fn(&mut JsonWriter);

#[test]
fn each_wrong_call_is_an_error_and_the_first_one_is_kept() {
    let cases: [(WrongCalls, &str); 9] = [
        (|w| w.end(), "0 bytes: no array or object is open, so none can end"),
        (|w| w.null(Some("a")), "0 bytes: the outermost value cannot have a key: it must be NULL"),
        (|w| w.begin_object(Some("a")), "0 bytes: the outermost value cannot have a key: it must be NULL"),
        (
            |w| w.raw(None, "[1,"),
            "0 bytes: the raw text is not valid JSON: EOF while parsing a value at line 1 column 3",
        ),
        (
            |w| {
                w.begin_object(None);
                w.int64(None, 1);
            },
            "1 bytes: a value in an object needs a key",
        ),
        (
            |w| {
                w.begin_array(None);
                w.null(None);
                w.null(Some("a"));
            },
            "5 bytes: a value in an array cannot have a key: it must be NULL",
        ),
        (
            |w| {
                w.int64(None, 12);
                w.null(None);
            },
            "2 bytes: the value is complete, so no other one can follow",
        ),
        (
            |w| {
                w.begin_array(None);
                w.end();
                w.end();
            },
            "2 bytes: no array or object is open, so none can end",
        ),
        (|w| w.fail(Error::new(MCP_INVALID_ARGUMENT, "the key is NULL")), "0 bytes: the key is NULL"),
    ];
    for (write, why) in cases {
        assert_eq!(failure(write), invalid_argument(why));
        let later = |w: &mut JsonWriter| {
            write(w);
            w.end();
            w.null(None);
            w.double(None, f64::NAN);
            w.fail(Error::new(MCP_TOO_LARGE, "another error"));
        };
        assert_eq!(failure(later), invalid_argument(why));
        let again = text(|w| {
            later(w);
            w.reset();
            w.null(None);
        });
        assert_eq!(again, "null");
    }
}

#[test]
fn an_incomplete_value_has_no_text() {
    assert_eq!(failure(|_| {}), (MCP_INVALID_ARGUMENT, "JSON writer: no value was written".to_owned()));
    let open = |w: &mut JsonWriter| {
        w.begin_object(None);
        w.begin_array(Some("a"));
    };
    assert_eq!(failure(open), invalid_argument("6 bytes: 2 arrays and objects were not ended"));
    let mut writer = written(open);
    writer.end();
    assert_eq!(writer.text(), "");
    writer.end();
    assert_eq!(writer.text(), "{\"a\":[]}");
    writer.reset();
    assert!(writer.text().is_empty() && writer.check().is_err());
}

#[test]
fn arrays_and_objects_are_limited_to_128_levels() {
    let nested = |depth: usize| {
        move |w: &mut JsonWriter| {
            (0..depth).for_each(|_| w.begin_array(None));
            (0..depth).for_each(|_| w.end());
        }
    };
    assert_eq!(text(nested(MAX_DEPTH)), "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH));
    let why = "JSON writer, after 128 bytes: more than 128 arrays and objects are open";
    assert_eq!(failure(nested(MAX_DEPTH + 1)), (MCP_TOO_LARGE, why.to_owned()));
}

#[test]
fn a_text_is_limited_to_64_mib() {
    let longest = "1".repeat(MAX_LENGTH);
    assert_eq!(text(|w| w.json(None, &longest)).len(), MAX_LENGTH);
    let more = longest.clone() + "1";
    let bytes = vec![0; MAX_LENGTH / 4 * 3];
    let too_large: [&dyn Fn(&mut JsonWriter); 4] = [
        &|w| w.json(None, &more),
        &|w| w.base64(None, &bytes),
        &|w| {
            w.begin_array(None);
            w.json(None, &longest);
        },
        &|w| {
            w.begin_array(None);
            w.json(None, &longest[10..]);
            // Fits without the escapes.
            w.string(None, "\n\n\n\n");
        },
    ];
    for write in too_large {
        let (status, why) = failure(write);
        assert_eq!(status, MCP_TOO_LARGE);
        assert!(why.ends_with("the text would be longer than 67108864 bytes"), "{why}");
    }
}

fn any_key() -> impl Strategy<Value = Option<String>> {
    prop_oneof![3 => Just(None), 2 => any::<String>().prop_map(Some), 1 => "[a-c]".prop_map(Some)]
}

fn any_scalar() -> impl Strategy<Value = WrittenScalar> {
    let raw = prop_oneof![
        Just(r#"{"a":[1,"x"],"b":{}}"#),
        Just(" [ ] "),
        Just("1.50e3"),
        Just(r#""\ud800""#),
        Just("1e999"),
        Just("{"),
        Just("1 2"),
        Just(""),
    ];
    prop_oneof![
        any::<String>().prop_map(WrittenScalar::String),
        "[\\x00-\\x22\\\\é]{0,20}".prop_map(WrittenScalar::String),
        any::<Vec<u8>>().prop_map(WrittenScalar::Base64),
        any::<i64>().prop_map(WrittenScalar::Int64),
        any::<u64>().prop_map(WrittenScalar::Uint64),
        prop::num::f64::ANY.prop_map(WrittenScalar::Double),
        any::<bool>().prop_map(WrittenScalar::Bool),
        Just(WrittenScalar::Null),
        raw.prop_map(|text| WrittenScalar::Raw(text.to_owned())),
    ]
}

/// Calls in any order: most of them are wrong in their place.
fn any_call() -> impl Strategy<Value = WriterCall> {
    prop_oneof![
        2 => any_key().prop_map(WriterCall::BeginObject),
        2 => any_key().prop_map(WriterCall::BeginArray),
        4 => Just(WriterCall::End),
        1 => Just(WriterCall::Invalid),
        4 => (any_key(), any_scalar()).prop_map(|(key, scalar)| WriterCall::Scalar(key, scalar)),
    ]
}

/// The calls that write a value. Only its outermost call lacks the key, if there is one.
fn right_calls() -> impl Strategy<Value = Vec<WriterCall>> {
    let leaf = any_scalar().prop_map(|scalar| vec![WriterCall::Scalar(None, scalar)]);
    leaf.prop_recursive(6, 64, 6, |inner| {
        let members = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
        let object = members.prop_map(|members| {
            let members = members.into_iter().flat_map(|(key, calls)| with_key(calls, key));
            [WriterCall::BeginObject(None)].into_iter().chain(members).chain([WriterCall::End]).collect()
        });
        let array = prop::collection::vec(inner, 0..6).prop_map(|elements| {
            let elements = elements.into_iter().flatten();
            [WriterCall::BeginArray(None)].into_iter().chain(elements).chain([WriterCall::End]).collect()
        });
        prop_oneof![object, array]
    })
}

fn with_key(mut calls: Vec<WriterCall>, name: String) -> Vec<WriterCall> {
    if let Some(WriterCall::BeginObject(key) | WriterCall::BeginArray(key) | WriterCall::Scalar(key, _)) =
        calls.first_mut()
    {
        *key = Some(name);
    }
    calls
}

fn run(calls: &[WriterCall]) -> JsonWriter {
    written(|writer| {
        for call in calls {
            match call {
                WriterCall::BeginObject(key) => writer.begin_object(key.as_deref()),
                WriterCall::BeginArray(key) => writer.begin_array(key.as_deref()),
                WriterCall::End => writer.end(),
                WriterCall::Invalid => writer.fail(Error::new(MCP_INVALID_ARGUMENT, "an argument is NULL")),
                WriterCall::Scalar(key, scalar) => write_scalar(writer, key.as_deref(), scalar),
            }
        }
    })
}

fn write_scalar(writer: &mut JsonWriter, key: Option<&str>, scalar: &WrittenScalar) {
    match scalar {
        WrittenScalar::String(text) => writer.string(key, text),
        WrittenScalar::Base64(bytes) => writer.base64(key, bytes),
        WrittenScalar::Int64(number) => writer.int64(key, *number),
        WrittenScalar::Uint64(number) => writer.uint64(key, *number),
        WrittenScalar::Double(number) => writer.double(key, *number),
        WrittenScalar::Bool(value) => writer.bool(key, *value),
        WrittenScalar::Null => writer.null(key),
        WrittenScalar::Raw(text) => writer.raw(key, text),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(calls in right_calls()) {
        let writer = run(&calls);
        check(writer.text(), writer.check().is_ok(), &expected(&calls));
    }

    #[test]
    fn calls_in_any_order_write_a_value_or_report_an_error(calls in prop::collection::vec(any_call(), 0..12)) {
        let writer = run(&calls);
        check(writer.text(), writer.check().is_ok(), &expected(&calls));
    }

    #[test]
    fn the_parser_reads_the_same_double(number in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
        let text = text(|w| w.double(None, number));
        let json = Json::parse(text).unwrap();
        prop_assert_eq!(json.root().double().map(f64::to_bits), Ok(number.to_bits()));
    }

    #[test]
    fn the_parser_reads_the_same_text(value: String) {
        let json = Json::parse(text(|w| w.string(None, &value))).unwrap();
        prop_assert_eq!(json.root().string().unwrap(), value);
    }
}
