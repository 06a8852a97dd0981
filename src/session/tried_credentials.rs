//! Limits `initialize` after a refused probe to one attempt for the same credentials.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use ::http::header;

use crate::call::headers::HeaderSet;
use crate::call::request_headers::RequestHeaders;
use crate::sys::lock::Mutex;

/// The most credentials that are remembered; the oldest are forgotten.
const MAX_REMEMBERED: usize = 256;

/// The credentials with which `initialize` was tried although the server refused `server/discover`. They are stored as
/// hashes of their values, with a random key: the same values may be set again, or issued again by the auth callback.
#[derive(Default)]
pub struct TriedCredentials {
    key: RandomState,
    hashes: Mutex<VecDeque<u64>>,
}

impl TriedCredentials {
    /// Records the credentials. False if they were recorded before.
    pub fn record_first(&self, credentials: &[Arc<HeaderSet>]) -> bool {
        let hash = self.hash(credentials);
        let mut hashes = self.hashes.lock();
        if hashes.contains(&hash) {
            return false;
        }
        if hashes.len() == MAX_REMEMBERED {
            hashes.pop_front();
        }
        hashes.push_back(hash);
        true
    }

    /// Hashes the `Authorization` header, or all headers if there is none. Other headers may differ in each call.
    fn hash(&self, credentials: &[Arc<HeaderSet>]) -> u64 {
        let mut headers = RequestHeaders::default();
        credentials.iter().for_each(|set| set.apply(&mut headers));
        if let Some(value) = headers.get(&header::AUTHORIZATION) {
            return self.key.hash_one(value);
        }
        // The sum does not depend on the order.
        let mut sum = 0_u64;
        for header in headers.iter() {
            sum = sum.wrapping_add(self.key.hash_one(header));
        }
        sum
    }
}
