//! Headers with credentials. Each value is in memory once, is wiped when the last request that uses it has ended, and
//! is never printed.

use ::http::{HeaderName, HeaderValue, header};
use bytes::Bytes;
use zeroize::Zeroizing;

use super::request_headers::RequestHeaders;
use super::secrets::Secrets;
use crate::error::{Error, Result};
use crate::protocol::headers::{check_name, check_token, check_value};
use crate::status::MCP_INVALID_ARGUMENT;

/// The limit for all values together, in bytes. Servers accept far less.
const MAX_BYTES: usize = 64 * 1024;

/// A static, because the iterator of [`HeaderSet::all`] needs a reference, and a constant has no address.
static AUTHORIZATION: HeaderName = header::AUTHORIZATION;

/// Headers with credentials. No `Debug`: they must not be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderSet {
    bearer: Option<HeaderValue>,
    custom: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderSet {
    /// Sets the bearer token, or removes it.
    pub fn set_bearer(&mut self, token: Option<&str>) -> Result<()> {
        let bearer = match token {
            Some(token) => {
                check_token(token).map_err(invalid)?;
                Some(secret_value(&["Bearer ", token])?)
            }
            None => None,
        };
        self.edit(|set| set.bearer = bearer)
    }

    /// Sets a header, replacing one of the same name, or removes it.
    pub fn set_header(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        check_name(name).map_err(invalid)?;
        let value = match value {
            Some(value) => {
                check_value(value).map_err(invalid)?;
                Some(secret_value(&[value])?)
            }
            None => None,
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| invalid(e.to_string()))?;
        self.edit(|set| {
            set.custom.retain(|(old, _)| *old != name);
            if let Some(value) = value {
                set.custom.push((name, value));
            }
        })
    }

    /// Applies `change`, or fails and changes nothing if the set would be too large.
    fn edit(&mut self, change: impl FnOnce(&mut HeaderSet)) -> Result<()> {
        let mut set = self.clone();
        change(&mut set);
        if set.size() > MAX_BYTES {
            return Err(invalid(format!("the headers would be larger than {MAX_BYTES} bytes together")));
        }
        *self = set;
        Ok(())
    }

    /// Adds the headers to a request. The bearer token takes precedence over a custom `Authorization` header.
    pub fn apply(&self, headers: &mut RequestHeaders) {
        for (name, value) in self.all() {
            headers.set(name.clone(), value.clone());
        }
    }

    pub fn has_authorization(&self) -> bool {
        self.all().any(|(name, _)| *name == AUTHORIZATION)
    }

    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Adds the values to `secrets`. The scheme of an `Authorization` value is not a secret.
    pub fn add_to(&self, secrets: &mut Secrets) {
        for (name, value) in self.all() {
            let Ok(value) = str::from_utf8(value.as_bytes()) else { continue };
            match value.split_once(' ') {
                Some((_, credentials)) if *name == AUTHORIZATION => secrets.add(credentials),
                _ => secrets.add(value),
            }
        }
    }

    fn size(&self) -> usize {
        self.all().map(|(_, value)| value.len()).sum()
    }

    /// All headers. The bearer token is last, because a later header of the same name replaces an earlier one.
    fn all(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let custom = self.custom.iter().map(|(name, value)| (name, value));
        custom.chain(self.bearer.iter().map(|value| (&AUTHORIZATION, value)))
    }
}

/// A header value in memory that is wiped when it is freed.
pub fn secret_value(parts: &[&str]) -> Result<HeaderValue> {
    // Allocate the exact size: growing a buffer would leave copies in memory.
    let mut text = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
    let bytes = Bytes::from_owner(text);
    let mut value = HeaderValue::from_maybe_shared(bytes)
        .map_err(|_| invalid("the header value contains a character that HTTP does not allow".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn invalid(why: String) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, why)
}
