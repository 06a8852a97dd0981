//! Content of tool results, prompts, sampling messages and resources.

use std::ffi::c_char;

use super::document::{find, mcp_json, read_or};
use super::json_content::mcp_json_string;
use crate::protocol::json::{Kind, Value};

/// The types of content. A later version may add values.
///
/// Since 0.1.0.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum mcp_content_type {
    /// Another type, or not a valid content: `mcp_json_text` returns the JSON. Sampling also has the
    /// types "tool_use" and "tool_result".
    MCP_CONTENT_OTHER = 0,
    /// A text (`mcp_content_text`).
    MCP_CONTENT_TEXT = 1,
    /// An image: its bytes (`mcp_content_data`) and their type (`mcp_content_mime_type`).
    MCP_CONTENT_IMAGE = 2,
    /// Sound: its bytes (`mcp_content_data`) and their type (`mcp_content_mime_type`).
    MCP_CONTENT_AUDIO = 3,
    /// The URI of a resource (`mcp_content_uri`), to be read with `mcp_read_resource`; `mcp_json_member`
    /// returns its "name".
    MCP_CONTENT_RESOURCE_LINK = 4,
    /// A resource: its URI (`mcp_content_uri`), and its text (`mcp_content_text`) or its bytes
    /// (`mcp_content_data`).
    MCP_CONTENT_RESOURCE = 5,
}

/// Returns the type of a content (specification 2026-07-28, "Tools": Tool Result), which is an object
/// inside a result: an element of the "content" of a tool's result, the "content" of a prompt's or
/// sampling's message (or an element of it, if it is an array), or an element of the "contents" of
/// `mcp_read_resource`, which is an `MCP_CONTENT_RESOURCE`. `MCP_CONTENT_OTHER` for other values, and
/// for NULL.
///
/// It is also `MCP_CONTENT_OTHER` if a member that the type requires is missing or has another JSON
/// type: so `mcp_content_text` of a text, `mcp_content_data` and `mcp_content_mime_type` of an image or
/// audio, and `mcp_content_uri` of a link are never NULL. A server may still leave out each member of a
/// resource.
///
/// ```
/// const mcp_json *content = mcp_json_first(mcp_json_member(result, "content"));
/// for (; content; content = mcp_json_next(content)) {
///   switch (mcp_content_type_of(content)) {
///   case MCP_CONTENT_TEXT: puts(mcp_content_text(content)); break;
///   case MCP_CONTENT_RESOURCE_LINK: printf("see %s\n", mcp_content_uri(content)); break;
///   case MCP_CONTENT_OTHER: puts(mcp_json_text(content)); break;
///   default: // an image, audio, or an embedded resource
///     if (mcp_content_text(content))
///       puts(mcp_content_text(content));
///     else if (mcp_json_copy_base64(mcp_content_data(content), bytes, sizeof bytes, &length, &error) == MCP_OK)
///       show(mcp_content_mime_type(content), bytes, length);
///   }
/// }
/// ```
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_content_type_of(content: Option<&mcp_json>) -> mcp_content_type {
    read_or(content, mcp_content_type::MCP_CONTENT_OTHER, |content| Some(type_of(content.value())))
}

/// Returns the text of a content: of a text, or of a resource that is a text; NULL if there is none,
/// for other types, and for NULL.
///
/// An embedded NUL and an unpaired surrogate are shown as U+FFFD, as by `mcp_json_string`.
///
/// The result is created once, and valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_content_text(content: Option<&mcp_json>) -> *const c_char {
    mcp_json_string(find(content, text_of))
}

/// Returns the MIME type of a content, such as "image/png": of an image, of audio, of a resource, or
/// of the resource that a link refers to; NULL if there is none, for other types, and for NULL.
///
/// The result is created once, and valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_content_mime_type(content: Option<&mcp_json>) -> *const c_char {
    mcp_json_string(find(content, |content| match type_of(content) {
        mcp_content_type::MCP_CONTENT_TEXT | mcp_content_type::MCP_CONTENT_OTHER => None,
        _ => part(content).member("mimeType"),
    }))
}

/// Returns the URI of a resource or of a link to one; NULL for other types, and for NULL.
///
/// The result is created once, and valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_content_uri(content: Option<&mcp_json>) -> *const c_char {
    mcp_json_string(find(content, |content| match type_of(content) {
        mcp_content_type::MCP_CONTENT_RESOURCE_LINK | mcp_content_type::MCP_CONTENT_RESOURCE => {
            part(content).member("uri")
        }
        _ => None,
    }))
}

/// Returns the bytes of a content, a string in base64 that `mcp_json_copy_base64` decodes: of an
/// image, of audio, or of a resource that is not a text; NULL for other types, and for NULL.
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_content_data(content: Option<&mcp_json>) -> Option<&mcp_json> {
    find(content, |content| match type_of(content) {
        mcp_content_type::MCP_CONTENT_IMAGE | mcp_content_type::MCP_CONTENT_AUDIO => content.member("data"),
        mcp_content_type::MCP_CONTENT_RESOURCE => part(content).member("blob"),
        _ => None,
    })
}

/// The text of a content, as `mcp_content_text` returns it.
pub fn text_of(content: Value<'_>) -> Option<Value<'_>> {
    match type_of(content) {
        mcp_content_type::MCP_CONTENT_TEXT => content.member("text"),
        mcp_content_type::MCP_CONTENT_RESOURCE => part(content).member("text"),
        _ => None,
    }
}

fn type_of(content: Value) -> mcp_content_type {
    let Some(name) = content.member("type") else {
        // The contents of a resource have no type.
        let is_resource = content.member("uri").is_some();
        return if is_resource { mcp_content_type::MCP_CONTENT_RESOURCE } else { mcp_content_type::MCP_CONTENT_OTHER };
    };
    let has = |name, kind| content.member(name).is_some_and(|member| member.kind() == kind);
    let has_string = |name| has(name, Kind::String);
    match name.text().as_deref() {
        Some("text") if has_string("text") => mcp_content_type::MCP_CONTENT_TEXT,
        Some("image") if has_string("data") && has_string("mimeType") => mcp_content_type::MCP_CONTENT_IMAGE,
        Some("audio") if has_string("data") && has_string("mimeType") => mcp_content_type::MCP_CONTENT_AUDIO,
        Some("resource_link") if has_string("uri") => mcp_content_type::MCP_CONTENT_RESOURCE_LINK,
        Some("resource") if has("resource", Kind::Object) => mcp_content_type::MCP_CONTENT_RESOURCE,
        _ => mcp_content_type::MCP_CONTENT_OTHER,
    }
}

/// The object with the members of a valid content: of an embedded resource, the resource. Another content may have a
/// member "resource", too, which means nothing.
fn part(content: Value<'_>) -> Value<'_> {
    let is_embedded = content.member("type").and_then(Value::text).is_some_and(|name| name == "resource");
    content.member("resource").filter(|_| is_embedded).unwrap_or(content)
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::ffi::document::OwnedDocument;
    use crate::protocol::json::Json;

    /// The type, and what each function returns.
    fn read(text: &str) -> (i32, [Option<String>; 4]) {
        let document = OwnedDocument::new(Json::parse(text.into()).unwrap());
        // SAFETY: the document exists.
        let content = unsafe { document.pointer().as_ref() };
        let string = |text: *const c_char| {
            // SAFETY: NULL, or a text of the document.
            (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
        };
        let texts = [
            string(mcp_content_text(content)),
            string(mcp_content_mime_type(content)),
            string(mcp_content_uri(content)),
            string(mcp_json_string(mcp_content_data(content))),
        ];
        (mcp_content_type_of(content) as i32, texts)
    }

    #[test]
    fn the_members_of_each_type_are_read() {
        let some = |texts: [&str; 4]| texts.map(|text| (!text.is_empty()).then(|| text.to_owned()));
        for (text, kind, texts) in [
            (r#"{"type":"text","text":"a","data":"b","uri":"c"}"#, 1, ["a", "", "", ""]),
            (r#"{"type":"image","data":"AA==","mimeType":"image/png","uri":"c"}"#, 2, ["", "image/png", "", "AA=="]),
            (r#"{"type":"audio","data":"AA==","mimeType":"audio/wav"}"#, 3, ["", "audio/wav", "", "AA=="]),
            (r#"{"type":"resource_link","uri":"u","name":"n","text":"t"}"#, 4, ["", "", "u", ""]),
            (r#"{"type":"resource","resource":{"uri":"u","text":"t","mimeType":"m"}}"#, 5, ["t", "m", "u", ""]),
            (r#"{"type":"resource","resource":{"uri":"u","blob":"AA"}}"#, 5, ["", "", "u", "AA"]),
            (r#"{"type":"resource","resource":{},"uri":"u","text":"t"}"#, 5, ["", "", "", ""]),
            (r#"{"uri":"u","mimeType":"m","blob":"AA"}"#, 5, ["", "m", "u", "AA"]),
            (r#"{"type":"tool_use","uri":"u","text":"t","data":"d"}"#, 0, ["", "", "", ""]),
            (r#"{"type":7,"text":7}"#, 0, ["", "", "", ""]),
            ("[]", 0, ["", "", "", ""]),
            ("7", 0, ["", "", "", ""]),
        ] {
            assert_eq!(read(text), (kind, some(texts)), "{text}");
        }
        assert_eq!(mcp_content_type_of(None) as i32, 0);
        assert!(mcp_content_text(None).is_null() && mcp_content_data(None).is_none());
    }

    #[test]
    fn a_content_without_a_member_that_its_type_requires_is_of_another_type() {
        for text in [
            r#"{"type":"text"}"#,
            r#"{"type":"text","text":7}"#,
            r#"{"type":"text","text":null,"mimeType":"m"}"#,
            r#"{"type":"image","mimeType":"image/png"}"#,
            r#"{"type":"image","data":"AA=="}"#,
            r#"{"type":"audio","data":[],"mimeType":"audio/wav"}"#,
            r#"{"type":"audio","data":"AA==","mimeType":{}}"#,
            r#"{"type":"resource_link","name":"n","mimeType":"m"}"#,
            r#"{"type":"resource_link","uri":false}"#,
            r#"{"type":"resource","uri":"u","text":"t"}"#,
            r#"{"type":"resource","resource":7,"uri":"u","mimeType":"m"}"#,
            r#"{"type":null,"uri":"u","text":"t"}"#,
            r#"{"text":"t"}"#,
        ] {
            assert_eq!(read(text), (0, [const { None }; 4]), "{text}");
        }
    }

    #[test]
    fn only_an_embedded_resource_is_read_from_the_member_resource() {
        let other = r#""resource":{"text":"a","mimeType":"b","uri":"c","blob":"d","data":"d"}"#;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        for (members, kind, texts) in [
            (r#""type":"text","text":"t""#, 1, ["t", "", "", ""]),
            (r#""type":"image","data":"AA==","mimeType":"m""#, 2, ["", "m", "", "AA=="]),
            (r#""type":"audio","data":"AA==","mimeType":"m""#, 3, ["", "m", "", "AA=="]),
            (r#""type":"resource_link","uri":"u""#, 4, ["", "", "u", ""]),
            (r#""uri":"u","text":"t""#, 5, ["t", "", "u", ""]),
            (r#""type":"tool_use""#, 0, ["", "", "", ""]),
        ] {
            let text = format!("{{{members},{other}}}");
            assert_eq!(read(&text), (kind, texts.map(some)), "{text}");
        }
    }
}
