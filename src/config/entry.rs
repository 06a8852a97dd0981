//! Reads the members of an object in a configuration file, with expanded variables.

use std::cell::Cell;

use super::expansion::{MAX_NAME, VariableLookup, expand};
use crate::protocol::json::{Kind, Value};
use crate::sanitize::shortened;

/// The entry of a server, and the keys that lead to it.
pub struct ConfigEntry<'a> {
    pub key_path: String,
    pub value: Value<'a>,
    pub lookup: &'a VariableLookup<'a>,
    /// The size of all expanded variables so far, in bytes.
    pub expanded: &'a Cell<usize>,
}

impl<'a> ConfigEntry<'a> {
    /// A member that is an object.
    pub fn object(&self, name: &str) -> Result<Option<ConfigEntry<'a>>, String> {
        match self.member(name) {
            None => Ok(None),
            Some(value) if value.kind() == Kind::Object => {
                let key_path = format!("{}.{name}", self.key_path);
                Ok(Some(ConfigEntry { key_path, value, lookup: self.lookup, expanded: self.expanded }))
            }
            Some(_) => Err(self.wrong(name, "it is not an object")),
        }
    }

    /// A member of the entry that is not null.
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        self.value.member(name).filter(|value| value.kind() != Kind::Null)
    }

    pub fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// Whether a member is set. Some hosts write an empty string for an unused one.
    pub fn is_given(&self, name: &str) -> bool {
        self.member(name).is_some_and(|value| value.raw() != "\"\"")
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.member(name) else { return Ok(None) };
        if value.kind() != Kind::String {
            return Err(self.wrong(name, "it is not a string"));
        }
        self.expanded_string(value, name).map(Some)
    }

    /// A path, in which `~` at the beginning is the user's home directory.
    pub fn path(&self, name: &str) -> Result<Option<String>, String> {
        let Some(mut path) = self.text(name)? else { return Ok(None) };
        // Only if the file itself contains the `~`: it is not special in the value of a variable.
        let written = self.member(name).and_then(Value::text).unwrap_or_default();
        if written == "~" || written.starts_with("~/") {
            let home = (self.lookup)("HOME")
                .ok_or_else(|| self.wrong(name, "\"~\" stands for the environment variable HOME, which is not set"))?;
            path.replace_range(..1, &home);
            if path.contains('\0') {
                return Err(self.wrong(name, "it contains a NUL byte"));
            }
        }
        Ok(Some(path))
    }

    /// An object whose values are strings.
    pub fn string_map(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let Some(object) = self.member(name) else { return Ok(Vec::new()) };
        if object.kind() != Kind::Object {
            return Err(self.wrong(name, "it is not an object"));
        }
        let pair = |member: Value<'a>| {
            let key = name_of(member)?;
            let value = self.expanded_string(member, &format!("{name}.{}", shortened(&key, MAX_NAME)))?;
            Ok((key, value))
        };
        members(object).map(pair).collect()
    }

    /// A string with expanded variables. A number or a boolean, in arguments, variables and headers, is used as text.
    pub fn expanded_string(&self, value: Value, key: &str) -> Result<String, String> {
        let text = match value.kind() {
            Kind::String => value.text().ok_or_else(|| self.wrong(key, "it is not valid Unicode"))?,
            Kind::Number | Kind::Bool => value.raw().into(),
            _ => return Err(self.wrong(key, "it is not a string")),
        };
        let text = expand(&text, self.lookup, self.expanded).map_err(|why| self.wrong(key, &why))?;
        if text.contains('\0') {
            return Err(self.wrong(key, "it contains a NUL byte"));
        }
        Ok(text)
    }

    /// The error for a key of the entry.
    pub fn wrong(&self, key: &str, why: &str) -> String {
        let dot = if key.is_empty() { "" } else { "." };
        format!("{}{dot}{key}: {why}", self.key_path)
    }
}

/// The members that are not null.
pub fn members(object: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    object.children().filter(|member| member.kind() != Kind::Null)
}

pub fn name_of(member: Value) -> Result<String, String> {
    let name = member.key();
    name.map(|name| name.into_owned()).ok_or_else(|| "a server has no name".into())
}
