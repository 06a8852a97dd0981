//! The JSON writer, called through the C interface in any order.

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use crate::ffi::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedBytes, SizedText};
use crate::ffi::json::{mcp_json_free, mcp_json_parse};
use crate::ffi::writer::{
    mcp_writer, mcp_writer_base64, mcp_writer_begin_array, mcp_writer_begin_object, mcp_writer_bool, mcp_writer_check,
    mcp_writer_double, mcp_writer_end, mcp_writer_int64, mcp_writer_json, mcp_writer_length, mcp_writer_new,
    mcp_writer_null, mcp_writer_raw, mcp_writer_reset, mcp_writer_string, mcp_writer_text, mcp_writer_uint64,
};
use crate::protocol::json::Json;
use crate::protocol::json_writer::reference::{WriterCall, WrittenScalar, check, expected};
use crate::status::mcp_status::MCP_OK;

/// Each line is a call: a letter, the key and a tab if there is a key, and the value. The text has the value that the
/// calls have written, or there is an error and no text.
pub fn json_writer(bytes: &[u8]) {
    let mut writer = mcp_writer_new();
    let mut calls = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((name, rest)) = line.split_first() else { continue };
        if *name == b'R' {
            mcp_writer_reset(Some(&mut writer));
            calls.clear();
            continue;
        }
        let (key, value) = match rest.iter().position(|byte| *byte == b'\t') {
            Some(tab) => (Some(&rest[..tab]), &rest[tab + 1..]),
            None => (None, rest),
        };
        // In C, a NUL ends the key.
        let until_nul = |key: &[u8]| key.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let key = key.map(|key| CString::new(until_nul(key)).unwrap_or_default());
        calls.extend(call(&mut writer, *name, key.as_deref(), value));
    }
    check_writer(&writer, &calls);
}

/// Makes a call, and returns it for the reference; `None` if there is no such call.
fn call(writer: &mut mcp_writer, name: u8, key: Option<&CStr>, value: &[u8]) -> Option<WriterCall> {
    // SAFETY: NULL or NUL-terminated, and valid until this function returns.
    let c_key = unsafe { CText::new(key.map_or(null(), CStr::as_ptr)) };
    // SAFETY: the value has this length.
    let (c_text, c_bytes, length) = unsafe {
        (SizedText::new(value.as_ptr().cast()), SizedBytes::new(value.as_ptr().cast()), BufferSize::new(value.len()))
    };
    let text = str::from_utf8(value).ok();
    let writer = Some(writer);
    let scalar = match name {
        b'}' => {
            mcp_writer_end(writer);
            return Some(WriterCall::End);
        }
        b'{' => {
            mcp_writer_begin_object(writer, c_key);
            return Some(with_key(key, WriterCall::BeginObject));
        }
        b'[' => {
            mcp_writer_begin_array(writer, c_key);
            return Some(with_key(key, WriterCall::BeginArray));
        }
        b's' => {
            mcp_writer_string(writer, c_key, c_text, length);
            text.map(|text| WrittenScalar::String(text.to_owned()))
        }
        b'b' => {
            mcp_writer_base64(writer, c_key, c_bytes, length);
            Some(WrittenScalar::Base64(value.to_vec()))
        }
        b'i' => {
            let number = text.and_then(|text| text.parse().ok()).unwrap_or_default();
            mcp_writer_int64(writer, c_key, number);
            Some(WrittenScalar::Int64(number))
        }
        b'u' => {
            let number = text.and_then(|text| text.parse().ok()).unwrap_or_default();
            mcp_writer_uint64(writer, c_key, number);
            Some(WrittenScalar::Uint64(number))
        }
        b'd' => {
            let number = text.and_then(|text| text.parse().ok()).unwrap_or_default();
            mcp_writer_double(writer, c_key, number);
            Some(WrittenScalar::Double(number))
        }
        b't' | b'f' => {
            mcp_writer_bool(writer, c_key, name == b't');
            Some(WrittenScalar::Bool(name == b't'))
        }
        b'n' => {
            mcp_writer_null(writer, c_key);
            Some(WrittenScalar::Null)
        }
        b'r' => {
            mcp_writer_raw(writer, c_key, c_text, length);
            text.map(|text| WrittenScalar::Raw(text.to_owned()))
        }
        b'j' => {
            // NULL if the value is not JSON.
            let document = mcp_json_parse(c_text, length, null_param());
            // SAFETY: NULL, or valid until it is freed.
            mcp_writer_json(writer, c_key, unsafe { document.as_ref() });
            // SAFETY: the document is not used after this.
            unsafe { mcp_json_free(SharedHandle::new(document)) };
            text.map(|text| WrittenScalar::Raw(text.to_owned()))
        }
        _ => return None,
    };
    Some(match scalar {
        Some(scalar) => with_key(key, |key| WriterCall::Scalar(key, scalar)),
        None => WriterCall::Invalid,
    })
}

fn with_key(key: Option<&CStr>, call: impl FnOnce(Option<String>) -> WriterCall) -> WriterCall {
    match key.map(CStr::to_str).transpose() {
        Ok(key) => call(key.map(str::to_owned)),
        Err(_) => WriterCall::Invalid,
    }
}

fn check_writer(writer: &mcp_writer, calls: &[WriterCall]) {
    // SAFETY: the text is NUL-terminated, and the writer does not change.
    let text = unsafe { CStr::from_ptr(mcp_writer_text(Some(writer))) }.to_str().expect("UTF-8");
    assert_eq!(text.len(), mcp_writer_length(Some(writer)));
    let is_right = mcp_writer_check(Some(writer), null_param()) == MCP_OK;
    check(text, is_right, &expected(calls));
    assert_eq!(Json::parse(text.to_owned()).is_ok(), is_right, "{text:?}");
}

fn null_param<'a, T>() -> OutParam<'a, T> {
    // SAFETY: NULL is allowed.
    unsafe { OutParam::new(null_mut()) }
}
