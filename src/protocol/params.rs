//! The parameters of a request: members that are JSON text already, and what stands in `_meta` beside them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::json_scanner::{self, InvalidJson, Scanner};
use super::json_strings;
use super::message_text::MessageText;

/// See the module. The values are JSON text, which is spliced in as it is.
#[derive(Clone, Debug, Default)]
pub struct Params<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    meta: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Members of `_meta` that many requests share, as they stand between its braces.
    shared_meta: &'a str,
}

impl<'a> Params<'a> {
    pub fn new() -> Params<'a> {
        Params::default()
    }

    /// Adds a member, or replaces the one of that name.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, json: impl Into<Cow<'a, str>>) {
        put(&mut self.members, name.into(), json.into());
    }

    pub fn remove(&mut self, name: &str) {
        self.members.retain(|(known, _)| known != name);
    }

    pub fn with(mut self, name: &'static str, json: impl Into<Cow<'a, str>>) -> Params<'a> {
        self.set(name, json);
        self
    }

    /// The same as [`Params::set`] for a member of `_meta`.
    pub fn set_meta(&mut self, name: impl Into<Cow<'a, str>>, json: impl Into<Cow<'a, str>>) {
        put(&mut self.meta, name.into(), json.into());
    }

    pub fn share_meta(&mut self, members: &'a str) {
        self.shared_meta = members;
    }

    /// The members of an object, with those of its `_meta` where they belong; why the text is none, otherwise.
    pub fn from_object(object: &'a str) -> Result<Params<'a>, String> {
        let mut members_of_params = distinct(members(object)?);
        let mut meta = Vec::new();
        if let Some(at) = members_of_params.iter().position(|(name, _)| name == "_meta") {
            let (_, object) = members_of_params.remove(at);
            meta = distinct(members(object).map_err(|why| format!("its _meta: {why}"))?);
        }
        let own =
            |members: Vec<_>| members.into_iter().map(|(name, value): (_, &'a str)| (name, value.into())).collect();
        Ok(Params { members: own(members_of_params), meta: own(meta), shared_meta: "" })
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.has_no_meta()
    }

    fn has_no_meta(&self) -> bool {
        self.meta.is_empty() && self.shared_meta.is_empty()
    }

    /// About how much room the text will need, without what is large.
    pub fn length(&self) -> usize {
        let all = self.members.iter().chain(&self.meta);
        let room = |(name, value): &(Cow<str>, Cow<str>)| name.len() + MessageText::room(value) + 8;
        self.shared_meta.len() + all.map(room).sum::<usize>() + 16
    }

    /// The object as a text of its own.
    pub fn to_json(&self) -> String {
        let mut text = MessageText::with_capacity(self.length());
        self.write(&mut text);
        text.into_string()
    }

    /// Writes the object.
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
            if !self.members.is_empty() {
                text.push(",");
            }
        }
        write_members(text, &self.members);
        text.push("}");
    }
}

/// Each name once, with its last value, where it stands first.
fn distinct<'a>(members: Vec<(Cow<'a, str>, &'a str)>) -> Vec<(Cow<'a, str>, &'a str)> {
    let mut places = HashMap::with_capacity(members.len());
    let mut distinct: Vec<(Cow<str>, &str)> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let at = *places.entry(name.clone()).or_insert(distinct.len());
        match distinct.get_mut(at) {
            Some(member) => member.1 = value,
            None => distinct.push((name, value)),
        }
    }
    distinct
}

fn put<'a>(members: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>, name: Cow<'a, str>, json: Cow<'a, str>) {
    match members.iter_mut().find(|(known, _)| *known == name) {
        Some(member) => member.1 = json,
        None => members.push((name, json)),
    }
}

fn write_members<'t>(text: &mut MessageText<'t>, members: &'t [(Cow<str>, Cow<str>)]) {
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push(",");
        }
        text.push_quoted(name);
        text.push(":");
        text.splice(value);
    }
}

/// The members of an object, their values as text; why the text is none, otherwise.
pub fn members<'a>(object: &'a str) -> Result<Vec<(Cow<'a, str>, &'a str)>, String> {
    let mut members = Vec::new();
    let object = json_scanner::object(object)?;
    let look = |scanner: &mut Scanner<'a>, key: &'a str| {
        members.push((json_strings::decode(key), scanner.value()?));
        Ok(())
    };
    Scanner::new(object).members(look).map_err(|InvalidJson| json_scanner::why(object))?;
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(params: &Params) -> String {
        params.to_json()
    }

    #[test]
    fn members_and_meta_stand_where_they_belong() {
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
    fn an_object_is_taken_apart() {
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
