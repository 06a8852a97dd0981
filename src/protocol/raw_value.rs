//! Reads single members of valid JSON text by scanning it again, without an index. A call needs few members of a
//! response, which may be large.

use std::borrow::Cow;

use super::json::{Json, Kind, whole_number};
use super::{json_scanner, json_strings};

/// A value in valid JSON text.
#[derive(Clone, Copy, Debug)]
pub struct RawValue<'a>(&'a str);

impl<'a> RawValue<'a> {
    pub fn of(json: &'a Json) -> RawValue<'a> {
        RawValue(json.text())
    }

    /// A value whose text was validated as a part of a larger text.
    pub fn from_validated(text: &'a str) -> RawValue<'a> {
        RawValue(text)
    }

    pub fn raw(self) -> &'a str {
        self.0
    }

    pub fn kind(self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The member `name` of an object; of members with the same name, the last. [`Json::raw_member`] is faster if there
    /// is an index.
    pub fn member(self, name: &str) -> Option<RawValue<'a>> {
        (self.kind() == Kind::Object).then(|| json_scanner::member(self.0, name).map(RawValue))?
    }

    /// Follows a path of member names.
    pub fn at(self, names: &[&str]) -> Option<RawValue<'a>> {
        names.iter().try_fold(self, |value, name| value.member(name))
    }

    /// The elements of an array, with empty keys, or the members of an object, with their keys as JSON text. Scalars
    /// have none.
    pub fn children(self) -> impl Iterator<Item = (&'a str, RawValue<'a>)> {
        json_scanner::children(self.0).map(|(key, value)| (key, RawValue(value)))
    }

    /// The decoded text, if this is a string.
    pub fn text(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| json_strings::decode(self.0))
    }

    pub fn double(self) -> Option<f64> {
        let number: f64 = self.number()?.parse().ok()?;
        number.is_finite().then_some(number)
    }

    pub fn int64(self) -> Option<i64> {
        whole_number(self.number()?)?.try_into().ok()
    }

    pub fn uint64(self) -> Option<u64> {
        whole_number(self.number()?)?.try_into().ok()
    }

    fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then_some(self.0)
    }
}

impl Json {
    /// The member `name` of an object; of members with the same name, the last. It is taken from the index if the index
    /// exists, which is not built for this.
    pub fn raw_member(&self, name: &str) -> Option<RawValue<'_>> {
        match self.indexed_root() {
            Some(root) => root.member(name).map(|value| RawValue(value.raw())),
            None => RawValue::of(self).member(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_index() {
        let text = concat!(
            r#" { "a" : [ 1 , "t\u0077o" , {} , [ ] , null , true ] , "\u0062" : {"c":{"d":5.0}} , "#,
            r#""a" : [ -3 , 1e99 , 1e999 ], "e":{} } "#
        );
        let json = Json::parse(text.into()).unwrap();
        assert!(json.indexed_root().is_some());
        let not_indexed = Json::from_validated(text.into());
        assert_eq!(not_indexed.raw_member("b").map(RawValue::raw), json.raw_member("b").map(RawValue::raw));
        assert_eq!(not_indexed.raw_member("a").map(RawValue::raw), Some("[ -3 , 1e99 , 1e999 ]"));
        assert!(not_indexed.indexed_root().is_none());
        let (raw, value) = (RawValue::of(&json), json.root());
        assert_eq!(raw.raw(), value.raw());
        for name in ["a", "b", "e", "x"] {
            let (raw, value) = (raw.member(name), value.member(name));
            assert_eq!(raw.map(RawValue::raw), value.map(|value| value.raw()), "{name}");
            let found = raw.into_iter().flat_map(RawValue::children);
            let values = value.into_iter().flat_map(|value| value.children());
            let found = found.map(|(key, raw)| (key.to_owned(), raw.raw().to_owned(), raw.kind(), raw.double()));
            let expected = values.map(|value| {
                let key = value.raw_key().unwrap_or_default().to_owned();
                (key, value.raw().to_owned(), value.kind(), value.double().ok())
            });
            assert!(found.eq(expected), "{name}");
        }
        assert_eq!(raw.at(&["b", "c", "d"]).and_then(RawValue::int64), Some(5));
        assert_eq!(raw.at(&["b", "c", "d", "e"]).map(RawValue::raw), None);
        let json = Json::parse(r#"[1,"t\u0077o"]"#.into()).unwrap();
        let texts: Vec<_> = RawValue::of(&json).children().map(|(_, raw)| (raw.text(), raw.uint64())).collect();
        assert_eq!(texts, [(None, Some(1)), (Some("two".into()), None)]);
        assert_eq!(RawValue("-1").uint64(), None);
        assert_eq!(RawValue::of(&Json::parse("7".into()).unwrap()).children().count(), 0);
    }
}
