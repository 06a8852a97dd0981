//! The response to an elicitation: members that the user left out get the schema's defaults (2025-11-25,
//! "Elicitation").

use std::collections::HashSet;

use super::json::Value;
use super::messages::quoted;
use super::params::members;

/// Adds the defaults of `schema` to the object `content`, for the members that it lacks.
pub fn fill_defaults(content: &str, schema: Option<Value>) -> String {
    let given = members(content).unwrap_or_default();
    let names: HashSet<&str> = given.iter().map(|(name, _)| &**name).collect();
    let mut filled: Vec<String> = given.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
    let properties = schema.and_then(|schema| schema.member("properties"));
    for property in properties.into_iter().flat_map(Value::children) {
        let Some(name) = property.key() else { continue };
        if let Some(default) = property.member("default").filter(|_| !names.contains(&*name)) {
            filled.push(format!("{}:{}", quoted(&name), default.raw()));
        }
    }
    format!("{{{}}}", filled.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::json::Json;

    #[test]
    fn missing_members_get_the_schemas_defaults() {
        let schema =
            r#"{"type":"object","properties":{"a":{"default":"x"},"b":{"default":5},"c":{},"d\n":{"default":[true]}}}"#;
        let schema = Json::parse(schema.into()).unwrap();
        assert_eq!(fill_defaults(r#"{"b": 7}"#, Some(schema.root())), r#"{"b":7,"a":"x","d\n":[true]}"#);
        assert_eq!(fill_defaults("{}", None), "{}");
    }
}
