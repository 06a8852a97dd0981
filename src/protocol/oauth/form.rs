//! Form encoding (`application/x-www-form-urlencoded`): the bodies of token requests, and query strings (RFC 6749,
//! appendix B).

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::secret_buffer::SecretBuffer;

/// Encodes names and values. All characters except the unreserved ones are percent-encoded, also spaces: a plus sign
/// would be wrong for a recipient that decodes it as a URI.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let mut buffer = SecretBuffer::with_capacity(1024);
    let mut separator = "";
    for (name, value) in pairs {
        buffer.push(separator);
        push_encoded(&mut buffer, name);
        buffer.push("=");
        push_encoded(&mut buffer, value);
        separator = "&";
    }
    buffer.finish()
}

/// Encodes a single name or value.
pub fn encode_component(text: &str) -> Zeroizing<String> {
    let mut buffer = SecretBuffer::with_capacity(3 * text.len());
    push_encoded(&mut buffer, text);
    buffer.finish()
}

/// Adds parameters to the query of a URL without a fragment. The URL's own parameters are kept (RFC 6749, section 3.1).
pub fn add_to_query<'a>(url: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let query = encode(pairs);
    let separator = match url.split_once('?') {
        None => "?",
        Some((_, known)) if known.is_empty() || known.ends_with('&') => "",
        Some(_) => "&",
    };
    let mut buffer = SecretBuffer::with_capacity(url.len() + query.len() + 1);
    buffer.push(url);
    buffer.push(separator);
    buffer.push(&query);
    buffer.finish()
}

/// Appends the text, percent-encoded except for unreserved characters (RFC 3986, section 2.3).
fn push_encoded(buffer: &mut SecretBuffer, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            buffer.push_char(byte.into());
        } else {
            buffer.push("%");
            buffer.push_char(DIGITS[usize::from(byte >> 4)].into());
            buffer.push_char(DIGITS[usize::from(byte & 15)].into());
        }
    }
}

/// The decoded parameters of a query string, without its question mark. No `Debug`: an authorization code is a secret.
pub struct QueryParameters<'a>(Vec<(Cow<'a, str>, Zeroizing<String>)>);

impl<'a> QueryParameters<'a> {
    pub fn parse(query: &'a str) -> QueryParameters<'a> {
        let parameters = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_component(name), Zeroizing::new(decode_component(value).into_owned()))
        });
        QueryParameters(parameters.collect())
    }

    /// The value of a parameter that may occur only once (RFC 6749, section 3.1). An empty value is like a missing one.
    pub fn single(&self, name: &str) -> Result<Option<&str>, String> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next().filter(|value| !value.is_empty());
        match values.next() {
            None => Ok(value),
            Some(_) => Err(format!("the parameter {name} occurs more than once")),
        }
    }
}

/// Decodes a name or a value. A percent sign without two hexadecimal digits is kept, and bytes that are not UTF-8 are
/// replaced.
pub fn decode_component(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = if byte == b'%' { after.get(..2).and_then(hexadecimal) } else { None };
        bytes.push(match (byte, escaped) {
            (_, Some(decoded)) => decoded,
            (b'+', None) => b' ',
            (other, None) => other,
        });
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = 16 * digit(*digits.first()?)? + digit(*digits.get(1)?)?;
    value.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_encoded() {
        // RFC 6749, appendix B, with %20 in the place of the plus sign.
        assert_eq!(*encode_component(" %&+£€"), "%20%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(decode_component("+%25%26%2B%C2%A3%E2%82%AC"), " %&+£€");
    }

    #[test]
    fn pairs_are_encoded_in_order() {
        let pairs = [("grant_type", "authorization_code"), ("resource", "https://h/m?a=b"), ("x", "")];
        let expected = "grant_type=authorization_code&resource=https%3A%2F%2Fh%2Fm%3Fa%3Db&x=";
        assert_eq!(*encode(pairs), expected);
        assert_eq!(*encode([]), "");
    }

    #[test]
    fn parameters_are_added_to_a_query() {
        let add = |url| add_to_query(url, [("a", "b c")]).to_string();
        assert_eq!(add("https://h/authorize"), "https://h/authorize?a=b%20c");
        assert_eq!(add("https://h/authorize?"), "https://h/authorize?a=b%20c");
        assert_eq!(add("https://h/authorize?tenant=1"), "https://h/authorize?tenant=1&a=b%20c");
        assert_eq!(add("https://h/authorize?tenant=1&"), "https://h/authorize?tenant=1&a=b%20c");
    }

    #[test]
    fn queries_are_decoded() {
        let parameters = QueryParameters::parse("code=a%2Bb+c&&state=%zz%4&e=%FF&empty&%73ingle=1&x=a=b");
        let single = |name| parameters.single(name).unwrap().map(str::to_owned);
        assert_eq!(single("code").as_deref(), Some("a+b c"));
        assert_eq!(single("state").as_deref(), Some("%zz%4"));
        assert_eq!(single("e").as_deref(), Some("\u{FFFD}"));
        assert_eq!((single("empty"), single("missing")), (None, None));
        assert_eq!((single("single").as_deref(), single("x").as_deref()), (Some("1"), Some("a=b")));
    }

    #[test]
    fn repeated_parameters_are_rejected() {
        for query in ["code=1&code=2", "code=1&code=1", "code=&code=1", "code&c%6Fde", "a=b&code=1&code"] {
            assert!(QueryParameters::parse(query).single("code").is_err(), "{query}");
        }
        assert_eq!(QueryParameters::parse("a=1&a=2&code=3").single("code"), Ok(Some("3")));
    }
}
