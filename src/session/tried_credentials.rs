//! The credentials with which `initialize` was tried although the probe was refused.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use ::http::{HeaderMap, header};

use crate::call::headers::HeaderSet;
use crate::sys::lock::Mutex;

/// So many credentials are remembered with which `initialize` was tried although the probe was refused.
const MAX_PASSED: usize = 256;

/// The credentials with which `initialize` was tried although the probe was refused. Kept as hashes with a key of this client's own:
/// the caller may set the same ones again, for a call or for the client, and the auth callback may give them again.
#[derive(Default)]
pub struct TriedCredentials {
    key: RandomState,
    known: Mutex<VecDeque<u64>>,
}

impl TriedCredentials {
    /// Notes the credentials; false where they are known already.
    pub fn is_first(&self, credentials: &[Arc<HeaderSet>]) -> bool {
        let hash = self.hash(credentials);
        let mut known = self.known.lock();
        if known.contains(&hash) {
            return false;
        }
        if known.len() == MAX_PASSED {
            known.pop_front();
        }
        known.push_back(hash);
        true
    }

    /// Of what is sent last: the `Authorization` header, or, where there is none, all headers. Beside it others may change from call
    /// to call.
    fn hash(&self, credentials: &[Arc<HeaderSet>]) -> u64 {
        let mut headers = HeaderMap::new();
        credentials.iter().for_each(|set| set.apply(&mut headers));
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return self.key.hash_one(value);
        }
        // In whatever order they come.
        headers.iter().fold(0, |sum: u64, header| sum.wrapping_add(self.key.hash_one(header)))
    }
}
