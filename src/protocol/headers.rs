//! Checks for headers that the caller sets: the grammar of header fields (RFC 9110, section 5) and of bearer tokens
//! (RFC 6750, section 2.1), and the names that the library reserves. No error message repeats a value: it may be a
//! secret.

/// Checks the name of a header that the caller sets.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the header name is empty".into());
    }
    if let Some(bad) = name.chars().find(|c| !is_token_char(*c)) {
        return Err(format!("the header name contains {}, which RFC 9110 does not allow in a name", describe(bad)));
    }
    if is_reserved(name) {
        return Err(format!("the header {name} is set by libmcp and cannot be changed"));
    }
    Ok(())
}

/// Checks the value of a header that the caller sets.
pub fn check_value(value: &str) -> Result<(), String> {
    if let Some(bad) = value.chars().find(|c| c.is_ascii_control() && *c != '\t') {
        return Err(format!("the header value contains {}, which would break the request", describe(bad)));
    }
    if value != value.trim_matches([' ', '\t']) {
        return Err(
            "the header value begins or ends with white space, which is not part of a value (RFC 9110, 5.5)".into()
        );
    }
    Ok(())
}

/// Checks a bearer token. All visible ASCII characters are allowed, because real tokens contain more of them than RFC
/// 6750 allows: `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
pub fn check_token(token: &str) -> Result<(), String> {
    if token.is_empty() {
        return Err("the bearer token is empty; pass NULL to remove it".into());
    }
    let prefix = token.get(..7).map(str::to_ascii_lowercase);
    if prefix.as_deref() == Some("bearer ") {
        return Err("the bearer token begins with \"Bearer \"; pass the token alone, the prefix is added".into());
    }
    if token.eq_ignore_ascii_case("bearer") {
        return Err("the bearer token is only the word \"Bearer\"".into());
    }
    match token.chars().find(|c| !c.is_ascii_graphic()) {
        Some(bad) => {
            Err(format!("the bearer token contains {}, which is not allowed in a token (RFC 6750, 2.1)", describe(bad)))
        }
        None => Ok(()),
    }
}

/// Whether HTTP framing or MCP uses this header: the caller cannot set it.
fn is_reserved(name: &str) -> bool {
    const RESERVED: &[&str] = &[
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "last-event-id",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let lowercase = name.to_ascii_lowercase();
    lowercase.starts_with("mcp-") || RESERVED.contains(&lowercase.as_str())
}

/// Whether a `token` may contain the character (RFC 9110, section 5.6.2).
pub fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// Describes a character in printable text, so that no control character gets into an error message.
fn describe(c: char) -> String {
    match c {
        '\r' => "a carriage return".into(),
        '\n' => "a line feed".into(),
        ' ' => "a space".into(),
        '\t' => "a tab".into(),
        c if c.is_ascii_control() => format!("the control character 0x{:02X}", c as u32),
        c if !c.is_ascii() => "a character outside ASCII".into(),
        c => format!("'{c}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_and_reserved_names_are_rejected() {
        for good in ["X-API-Key", "authorization", "Cookie", "User-Agent", "x_y!z"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let bad = ["", "a b", "a:b", "a\r\nb", "ä", "Host", "content-LENGTH", "Mcp-Session-Id", "MCP-Protocol-Version"];
        for bad in bad {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn values_with_control_characters_or_outer_space_are_rejected() {
        for good in ["", "a b", "a\tb", "Jürgen", "=?;,"] {
            assert_eq!(check_value(good), Ok(()), "{good}");
        }
        for bad in ["a\r\nb", "a\nb", "\u{1}", "\u{7f}", " a", "a "] {
            assert!(check_value(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_error_for_an_invalid_token_does_not_contain_it() {
        for good in ["abc", "a.b-c_d~e+f/g==", "sk:123", "Bearerabc"] {
            assert_eq!(check_token(good), Ok(()), "{good}");
        }
        for bad in ["", "Bearer zqxw", "bearer zqxw", "BEARER", "zq xw", "zqxw\n", "zqxwé", "zq\u{1}xw"] {
            let message = check_token(bad).unwrap_err();
            assert!(!message.contains("zq"), "{message}");
        }
    }
}
