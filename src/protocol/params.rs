//! The `params` of a request, including `_meta`. The values are JSON text, which is inserted unchanged.

use std::borrow::Cow;
use std::collections::HashMap;

use super::json_scanner::{self, InvalidJson, Scanner};
use super::json_strings;
use super::message_text::MessageText;

/// A name and a value in JSON text.
type Member<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters of a request.
#[derive(Clone, Debug, Default)]
pub struct Params<'a> {
    members: Members<'a>,
    meta: Vec<Member<'a>>,
    /// Members of `_meta` that requests of a session share, as JSON text without the braces.
    shared_meta: &'a str,
}

/// Not a `Cow`, whose lifetime could not be shortened.
#[derive(Clone, Debug)]
enum Members<'a> {
    Owned(Vec<Member<'a>>),
    Borrowed(&'a [Member<'a>]),
}

impl<'a> Members<'a> {
    fn list(&self) -> &[Member<'a>] {
        match self {
            Members::Owned(list) => list,
            Members::Borrowed(list) => list,
        }
    }

    fn to_mut(&mut self) -> &mut Vec<Member<'a>> {
        if let Members::Borrowed(list) = self {
            *self = Members::Owned(list.to_vec());
        }
        match self {
            Members::Owned(list) => list,
            Members::Borrowed(_) => unreachable!("it was replaced"),
        }
    }
}

impl Default for Members<'_> {
    fn default() -> Self {
        Members::Borrowed(&[])
    }
}

impl<'a> Params<'a> {
    pub fn new() -> Params<'a> {
        Params::default()
    }

    /// The same parameters. Their members are copied if they are changed, those of `_meta` at once.
    pub fn borrowed(&self) -> Params<'_> {
        let members = Members::Borrowed(self.members.list());
        Params { members, meta: self.meta.clone(), shared_meta: self.shared_meta }
    }

    /// Adds a member, or replaces the one with the same name.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, json: impl Into<Cow<'a, str>>) {
        put(self.members.to_mut(), name.into(), json.into());
    }

    pub fn remove(&mut self, name: &str) {
        self.members.to_mut().retain(|(known, _)| known != name);
    }

    pub fn with(mut self, name: &'static str, json: impl Into<Cow<'a, str>>) -> Params<'a> {
        self.set(name, json);
        self
    }

    /// Adds a member of `_meta`, or replaces the one with the same name.
    pub fn set_meta(&mut self, name: impl Into<Cow<'a, str>>, json: impl Into<Cow<'a, str>>) {
        put(&mut self.meta, name.into(), json.into());
    }

    /// Adds members of `_meta`, or replaces those with the same names. The time is linear, unlike that of many calls of
    /// [`Params::set_meta`].
    pub fn extend_meta(&mut self, members: Vec<(Cow<'a, str>, &'a str)>) {
        let members = members.into_iter().map(|(name, json)| (name, Cow::Borrowed(json)));
        self.meta = distinct(std::mem::take(&mut self.meta).into_iter().chain(members));
    }

    /// Sets the members of `_meta` that requests of a session share, as JSON text without the braces.
    pub fn share_meta(&mut self, members: &'a str) {
        self.shared_meta = members;
    }

    /// Parses an object; the members of its `_meta` become members of this `_meta`. The error describes invalid text.
    pub fn from_object(object: &'a str) -> Result<Params<'a>, String> {
        let mut all = distinct(members(object)?);
        let mut meta = Vec::new();
        if let Some(at) = all.iter().position(|(name, _)| name == "_meta") {
            let (_, object) = all.remove(at);
            meta = distinct(members(object).map_err(|why| format!("its _meta: {why}"))?);
        }
        let to_cow = |members: Vec<(_, &'a str)>| members.into_iter().map(|(name, value)| (name, value.into()));
        Ok(Params { members: Members::Owned(to_cow(all).collect()), meta: to_cow(meta).collect(), shared_meta: "" })
    }

    pub fn is_empty(&self) -> bool {
        self.members.list().is_empty() && self.has_no_meta()
    }

    fn has_no_meta(&self) -> bool {
        self.meta.is_empty() && self.shared_meta.is_empty()
    }

    /// Estimates the capacity that [`Params::write`] needs: the bytes that it copies.
    pub fn copied_length(&self) -> usize {
        let all = self.members.list().iter().chain(&self.meta);
        let length = |(name, value): &(Cow<str>, Cow<str>)| name.len() + MessageText::copied_length(value) + 8;
        self.shared_meta.len() + all.map(length).sum::<usize>() + 16
    }

    /// The object as one string.
    pub fn to_json(&self) -> String {
        let mut text = MessageText::with_capacity(self.copied_length());
        self.write(&mut text);
        text.into_string()
    }

    /// Appends the object to `text`.
    pub fn write<'t>(&'t self, text: &mut MessageText<'t>) {
        text.push("{");
        if !self.has_no_meta() {
            text.push(r#""_meta":{"#);
            text.push(self.shared_meta);
            if !self.shared_meta.is_empty() && !self.meta.is_empty() {
                text.push(",");
            }
            write_members(text, &self.meta);
            text.push("}");
            if !self.members.list().is_empty() {
                text.push(",");
            }
        }
        write_members(text, self.members.list());
        text.push("}");
    }
}

/// Removes duplicate names: a name keeps its first position and gets its last value.
pub fn distinct<'a, V>(members: impl IntoIterator<Item = (Cow<'a, str>, V)>) -> Vec<(Cow<'a, str>, V)> {
    let members = members.into_iter();
    let mut positions = HashMap::with_capacity(members.size_hint().0);
    let mut distinct: Vec<(Cow<str>, V)> = Vec::with_capacity(members.size_hint().0);
    for (name, value) in members {
        let at = *positions.entry(name.clone()).or_insert(distinct.len());
        match distinct.get_mut(at) {
            Some(member) => member.1 = value,
            None => distinct.push((name, value)),
        }
    }
    distinct
}

fn put<'a>(members: &mut Vec<Member<'a>>, name: Cow<'a, str>, json: Cow<'a, str>) {
    match members.iter_mut().find(|(known, _)| *known == name) {
        Some(member) => member.1 = json,
        None => members.push((name, json)),
    }
}

fn write_members<'t>(text: &mut MessageText<'t>, members: &'t [Member]) {
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(",");
        }
        text.push_quoted(name);
        text.push(":");
        text.splice(value);
    }
}

/// Parses an object into names and JSON text. The error describes invalid text.
pub fn members<'a>(object: &'a str) -> Result<Vec<(Cow<'a, str>, &'a str)>, String> {
    let mut members = Vec::new();
    let object = json_scanner::object(object)?;
    let visit = |scanner: &mut Scanner<'a>, key: &'a str| {
        members.push((json_strings::decode(key), scanner.value()?));
        Ok(())
    };
    Scanner::new(object).members(visit).map_err(|InvalidJson| json_scanner::syntax_error(object))?;
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(params: &Params) -> String {
        params.to_json()
    }

    #[test]
    fn members_and_meta_are_written_to_their_objects() {
        let mut params = Params::new().with("name", r#""x""#).with("arguments", "{ }");
        assert_eq!(written(&params), r#"{"name":"x","arguments":{ }}"#);
        params.set_meta("progressToken", "7");
        assert_eq!(written(&params), r#"{"_meta":{"progressToken":7},"name":"x","arguments":{ }}"#);
        params.share_meta(r#""a":1"#);
        params.set("name", "2");
        assert_eq!(written(&params), r#"{"_meta":{"a":1,"progressToken":7},"name":2,"arguments":{ }}"#);
        assert_eq!(written(&Params::new()), "{}");
    }

    #[test]
    fn borrowed_parameters_change_without_the_others() {
        let mut params = Params::new().with("a", "1").with("b", "2");
        params.set_meta("m", "3");
        let mut borrowed = params.borrowed();
        assert_eq!(written(&borrowed), written(&params));
        borrowed.set_meta("n", "4");
        borrowed.set("a", "5");
        borrowed.remove("b");
        assert_eq!(written(&borrowed), r#"{"_meta":{"m":3,"n":4},"a":5}"#);
        assert_eq!(written(&params), r#"{"_meta":{"m":3},"a":1,"b":2}"#);
    }

    #[test]
    fn meta_is_extended_like_by_single_members() {
        let extra = r#"{"b":3,"c":4,"\u0063":5,"a":6}"#;
        let (mut extended, mut single) = (Params::new(), Params::new());
        for params in [&mut extended, &mut single] {
            params.set_meta("a", "1");
            params.set_meta("b", "2");
        }
        extended.extend_meta(members(extra).unwrap());
        members(extra).unwrap().into_iter().for_each(|(name, value)| single.set_meta(name, value));
        assert_eq!(written(&extended), r#"{"_meta":{"a":6,"b":3,"c":5}}"#);
        assert_eq!(written(&extended), written(&single));
    }

    #[test]
    fn an_object_is_split_into_members_and_meta() {
        let params = Params::from_object(r#" {"a":[1, 2],"_meta":{"k\n":"v"},"b":{"_meta":1}} "#).unwrap();
        assert_eq!(written(&params), r#"{"_meta":{"k\n":"v"},"a":[1, 2],"b":{"_meta":1}}"#);
        let params =
            Params::from_object(r#"{"a":1,"_meta":{"x":1,"x":2},"b":2,"\u0061":3,"_meta":{"y":1,"y":2}}"#).unwrap();
        assert_eq!(written(&params), r#"{"_meta":{"y":2},"a":3,"b":2}"#);
        for bad in ["", "[]", "1", "{", r#"{"_meta":1}"#, r#"{"a":1"#] {
            assert!(Params::from_object(bad).is_err(), "{bad}");
        }
    }
}
