//! Property tests of header values and of JSON, with generated texts and values.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::header_arguments::{HeaderArgument, argument_value, header_value};
use super::json::{Json, Kind, Value};
use super::messages::quoted;

/// Decodes a header value as a server does (2026-07-28, "Value Encoding").
fn decoded(value: &str) -> String {
    match value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap(),
        None => value.to_owned(),
    }
}

/// Any text; often one that looks like an encoded value.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\t]{0,20}",
        "\\PC{0,20}",
        "=\\?base64\\?[A-Za-z0-9+/=?]{0,8}(\\?=)?",
        Just("=?base64?=".to_owned()),
    ]
}

/// The text of a JSON value, a few levels deep, with keys that must be escaped in a JSON Pointer.
fn any_json() -> impl Strategy<Value = String> {
    let key = || prop_oneof!["[~/a01]{0,4}", any::<String>()].prop_map(|key| quoted(&key));
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|text| quoted(&text)),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        let member = (key(), inner.clone()).prop_map(|(key, value)| format!("{key}: {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|elements| format!("[ {} ]", elements.join(" ,"))),
            prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// Checks that a JSON Pointer (RFC 6901) finds `value`, and each value inside of it. Of members with the same name,
/// only the one that the lookup returns is checked.
fn check_pointers(root: Value, value: Value, pointer: &str) {
    assert_eq!(root.at(pointer).map(Value::raw), Some(value.raw()), "{pointer:?}");
    for (index, child) in value.children().enumerate() {
        let token = match child.key() {
            Some(key) => key.replace('~', "~0").replace('/', "~1"),
            None => index.to_string(),
        };
        let pointer = format!("{pointer}/{token}");
        let child = if value.kind() == Kind::Object { root.at(&pointer).unwrap() } else { child };
        check_pointers(root, child, &pointer);
    }
}

proptest! {
    #[test]
    fn a_header_value_is_safe_and_decodes_to_the_text(text in any_text()) {
        let value = header_value(&text);
        prop_assert!(value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)), "{value:?}");
        prop_assert_eq!(value.trim_matches([' ', '\t']), &*value);
        prop_assert_eq!(decoded(&value), text);
    }

    #[test]
    fn an_argument_in_a_header_equals_that_in_the_body(text in any_text(), number in any::<i64>(), flag: bool) {
        let arguments = format!(r#"{{"t":{},"n":{number},"f":{flag},"z":null}}"#, quoted(&text));
        let arguments = Json::parse(arguments).unwrap();
        let header = |name: &str| {
            let argument = HeaderArgument { header: String::new(), path: vec![name.into()] };
            argument_value(&arguments, &argument)
        };
        prop_assert_eq!(header("t").map(|value| decoded(&value)), Some(text));
        let is_safe = number.unsigned_abs() < 1 << 53;
        prop_assert_eq!(header("n"), is_safe.then(|| number.to_string()));
        prop_assert_eq!(header("f"), Some(flag.to_string()));
        prop_assert_eq!(header("z"), None);
    }

    #[test]
    fn every_value_is_found_by_its_pointer(text in any_json()) {
        let json = Json::parse(text).unwrap();
        check_pointers(json.root(), json.root(), "");
    }

    #[test]
    fn any_pointer_is_accepted_without_a_panic(text in any_json(), pointer in "(/[~/a01-]{0,3}){0,5}|\\PC{0,6}") {
        let json = Json::parse(text).unwrap();
        let _ = json.root().at(&pointer);
    }
}
