//! The headers that requests carry to be authorised: one copy of each value in memory, wiped when the last request that uses it has
//! ended, and never printed.

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use zeroize::Zeroizing;

use super::secrets::Secrets;
use crate::error::{Error, Result};
use crate::protocol::headers::{check_name, check_token, check_value};
use crate::status::MCP_INVALID_ARGUMENT;

/// The most bytes that all values have together: servers take far less.
const MAX_BYTES: usize = 64 * 1024;

/// A place to refer to: the constant is made anew wherever it stands.
static AUTHORIZATION: HeaderName = header::AUTHORIZATION;

/// The headers of one request. No `Debug`: nothing may print it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderSet {
    bearer: Option<HeaderValue>,
    custom: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderSet {
    /// Sets the token, or removes it.
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

    /// Sets a header in place of one of the same name, or removes it.
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

    /// Changes the set, unless it would be too large then.
    fn edit(&mut self, change: impl FnOnce(&mut HeaderSet)) -> Result<()> {
        let mut set = self.clone();
        change(&mut set);
        if set.size() > MAX_BYTES {
            return Err(invalid(format!("the headers would be larger than {MAX_BYTES} bytes together")));
        }
        *self = set;
        Ok(())
    }

    /// Adds the headers to a request. The bearer token beats an `Authorization` header of the caller's own.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in self.all() {
            headers.insert(name, value.clone());
        }
    }

    pub fn has_authorization(&self) -> bool {
        self.all().any(|(name, _)| *name == AUTHORIZATION)
    }

    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Adds what must not be shown. The scheme in front of an `Authorization` value is no secret.
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

    /// The bearer token last: of two headers of one name, the later one counts.
    fn all(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let custom = self.custom.iter().map(|(name, value)| (name, value));
        custom.chain(self.bearer.iter().map(|value| (&AUTHORIZATION, value)))
    }
}

/// A header value over memory that wipes itself.
fn secret_value(parts: &[&str]) -> Result<HeaderValue> {
    // The room is exact from the start: a buffer that grows leaves copies behind.
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
