//! How old tokens are: when they end, and which ones are newer.

use std::time::SystemTime;

use crate::protocol::oauth::record::{OAuthRecord, RecordedTokens};

/// The longest time before their end at which tokens are renewed, in seconds.
const MAX_RENEWAL_MARGIN: u64 = 60;

/// The tokens are renewed when this part of their lifetime is left.
const RENEWAL_PART: u64 = 10;

/// Whether the access token can be used for a while. `now` is in seconds since 1970.
pub(super) fn is_fresh(tokens: &RecordedTokens, now: u64) -> bool {
    let Some(expires_at) = tokens.expires_at else { return true };
    let lifetime = expires_at.saturating_sub(tokens.issued_at.unwrap_or(expires_at));
    now < expires_at.saturating_sub(MAX_RENEWAL_MARGIN.min(lifetime / RENEWAL_PART))
}

/// Seconds since 1970.
pub(super) fn unix_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether the access token has not ended. `now` is in seconds since 1970.
pub(super) fn is_usable(tokens: &RecordedTokens, now: u64) -> bool {
    tokens.expires_at.is_none_or(|expires_at| now < expires_at)
}

/// Whether another process has stored another access token, which is not older and can still be used.
pub(super) fn is_newer(stored: &OAuthRecord, current: Option<&OAuthRecord>) -> bool {
    let Some(tokens) = &stored.tokens else { return false };
    let current_token = current.and_then(|record| record.tokens.as_ref()).map(|tokens| &tokens.access_token);
    current_token != Some(&tokens.access_token) && !is_older(stored, current) && is_fresh(tokens, unix_time())
}

/// Whether the stored tokens were issued before the current ones.
pub(super) fn is_older(stored: &OAuthRecord, current: Option<&OAuthRecord>) -> bool {
    let issued_at = |record: &OAuthRecord| record.tokens.as_ref().and_then(|tokens| tokens.issued_at);
    match (issued_at(stored), current.and_then(issued_at)) {
        (Some(stored), Some(current)) => stored < current,
        _ => false,
    }
}
