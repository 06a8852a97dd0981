//! The answer to an elicitation: what a person left out is filled in with the schema's defaults (2025-11-25, "Elicitation").

use std::collections::HashSet;

use super::json::Value;
use super::messages::quoted;
use super::params::members;

/// The text of `content`, an object, with the defaults of `schema` for what it leaves out.
pub fn filled(content: &str, schema: Option<Value>) -> String {
    let given = members(content).unwrap_or_default();
    let names: HashSet<&str> = given.iter().map(|(name, _)| &**name).collect();
    let mut parts: Vec<String> = given.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
    let properties = schema.and_then(|schema| schema.member("properties"));
    for property in properties.into_iter().flat_map(Value::children) {
        let Some(name) = property.key() else { continue };
        if let Some(default) = property.member("default").filter(|_| !names.contains(&*name)) {
            parts.push(format!("{}:{}", quoted(&name), default.raw()));
        }
    }
    format!("{{{}}}", parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::json::Json;

    #[test]
    fn defaults_stand_in_for_what_is_left_out() {
        let schema =
            r#"{"type":"object","properties":{"a":{"default":"x"},"b":{"default":5},"c":{},"d\n":{"default":[true]}}}"#;
        let schema = Json::parse(schema.into()).unwrap();
        assert_eq!(filled(r#"{"b": 7}"#, Some(schema.root())), r#"{"b":7,"a":"x","d\n":[true]}"#);
        assert_eq!(filled("{}", None), "{}");
    }
}
