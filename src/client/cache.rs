//! The optional cache of results: entries stay as long as the server says that they are fresh (2026-07-28, "Caching").

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::auth::authorizer::Authorizer;
use crate::auth::credential_source::IssuedIdentity;
use crate::call::headers::HeaderSet;
use crate::protocol::incoming::Notification;
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::sys::lock::{Mutex, MutexGuard};

/// The cached results of one client.
#[derive(Default)]
pub struct Cache {
    is_enabled: AtomicBool,
    /// The number of invalidations so far: a result that was requested before the last one is not cached.
    invalidations: AtomicU64,
    results: Mutex<CachedResults>,
}

/// The entries of the cache. The time of an operation does not depend on the number of entries, except those it
/// removes.
#[derive(Default)]
struct CachedResults {
    /// The results of each method, by the JSON text of the parameters. A list, because few methods have such results.
    by_method: Vec<(String, HashMap<String, CachedResult>)>,
    /// The keys in order of expiry; a sequence number makes equal times unique.
    by_expiry: BTreeMap<(Instant, u64), CacheKey>,
    last_number: u64,
    /// The size of all results and their keys, in bytes.
    size: usize,
}

/// The method, and the JSON text of the parameters.
pub type CacheKey = (String, String);

struct CachedResult {
    result: Json,
    /// That of the entry when it was added: the index of a result may be built later.
    size: usize,
    /// The key in `by_expiry`.
    expiry: (Instant, u64),
    /// The credentials that a private result was requested with; `None` for a public result.
    context: Option<CacheContext>,
}

/// The credentials of a request. A private result is returned only to requests with the same credentials.
#[derive(Clone)]
pub struct CacheContext {
    fixed: Arc<HeaderSet>,
    issued: Option<IssuedIdentity>,
}

impl CacheContext {
    pub fn of(authorizer: &Authorizer) -> CacheContext {
        let issued = authorizer.source().map(|source| source.identity());
        CacheContext { fixed: authorizer.credentials.current(), issued }
    }

    pub fn matches(&self, other: &CacheContext) -> bool {
        self.fixed == other.fixed && self.issued == other.issued
    }
}

/// How long a result may be cached, and whether only for the same credentials.
pub struct Freshness {
    /// Zero if the server sent no `ttlMs`.
    pub ttl: Duration,
    pub is_private: bool,
}

impl Freshness {
    pub fn of(result: &Json) -> Freshness {
        let ttl = result.raw_member("ttlMs").and_then(RawValue::uint64).unwrap_or(0);
        let scope = result.raw_member("cacheScope").and_then(RawValue::text);
        Freshness { ttl: Duration::from_millis(ttl), is_private: scope.as_deref() != Some("public") }
    }
}

impl Cache {
    /// Turns the cache on or off. Turning it off removes all entries.
    pub fn set_enabled(&self, is_enabled: bool) {
        self.is_enabled.store(is_enabled, Ordering::Relaxed);
        if !is_enabled {
            *self.lock() = CachedResults::default();
        }
    }

    pub fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Relaxed)
    }

    /// The number of invalidations so far.
    pub fn invalidations(&self) -> u64 {
        self.invalidations.load(Ordering::SeqCst)
    }

    pub fn get(&self, (method, params): &CacheKey, context: &CacheContext) -> Option<Json> {
        let mut results = self.lock();
        let found = results.of_method(method)?.get(params)?;
        let has_access = found.context.as_ref().is_none_or(|owner| owner.matches(context));
        (has_access && Instant::now() < found.expiry.0).then(|| found.result.clone())
    }

    /// Stores a result, unless the server forbids it or the cache would exceed `max_bytes`.
    pub fn put(&self, key: CacheKey, result: &Json, context: CacheContext, max_bytes: usize) {
        let Freshness { ttl, is_private } = Freshness::of(result);
        let Some(expiry) = Instant::now().checked_add(ttl).filter(|_| !ttl.is_zero()) else { return };
        let mut results = self.lock();
        results.remove(&key);
        results.remove_stale(Instant::now());
        if results.size + size(&key, result) <= max_bytes {
            results.insert(key, result, expiry, is_private.then_some(context));
        }
    }

    /// Removes the results that a change notification makes stale.
    pub fn invalidate(&self, notification: &Notification) {
        let methods: &[&str] = match notification.method.as_str() {
            "notifications/tools/list_changed" => &["tools/list"],
            "notifications/prompts/list_changed" => &["prompts/list"],
            "notifications/resources/list_changed" => &["resources/list", "resources/templates/list"],
            "notifications/resources/updated" => &["resources/read"],
            _ => return,
        };
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        let mut results = self.lock();
        methods.iter().for_each(|method| results.remove_method(method));
    }

    fn lock(&self) -> MutexGuard<'_, CachedResults> {
        self.results.lock()
    }
}

impl CachedResults {
    fn insert(&mut self, key: CacheKey, result: &Json, expiry: Instant, context: Option<CacheContext>) {
        self.last_number += 1;
        let size = size(&key, result);
        self.size += size;
        let expiry = (expiry, self.last_number);
        self.by_expiry.insert(expiry, key.clone());
        let (method, params) = key;
        let cached = CachedResult { result: result.clone(), size, expiry, context };
        match self.of_method(&method) {
            Some(by_params) => drop(by_params.insert(params, cached)),
            None => self.by_method.push((method, HashMap::from([(params, cached)]))),
        }
    }

    fn of_method(&mut self, method: &str) -> Option<&mut HashMap<String, CachedResult>> {
        self.by_method.iter_mut().find(|(known, _)| known == method).map(|(_, by_params)| by_params)
    }

    fn remove(&mut self, key: &CacheKey) {
        let removed = self.of_method(&key.0).and_then(|by_params| by_params.remove(&key.1));
        if let Some(removed) = removed {
            self.by_expiry.remove(&removed.expiry);
            self.size -= removed.size;
        }
    }

    fn remove_stale(&mut self, now: Instant) {
        while let Some(first) = self.by_expiry.first_entry().filter(|first| first.key().0 <= now) {
            let key = first.remove();
            self.remove(&key);
        }
    }

    fn remove_method(&mut self, method: &str) {
        for removed in self.of_method(method).map(std::mem::take).unwrap_or_default().into_values() {
            self.by_expiry.remove(&removed.expiry);
            self.size -= removed.size;
        }
    }
}

/// The bytes of an entry that count against the limit of the cache.
fn size(key: &CacheKey, result: &Json) -> usize {
    key.0.len() + key.1.len() + result.text().len() + result.index_size()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_results_updates_the_expiry_index_and_the_size() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let key = |method: &str, params: &str| (method.to_owned(), params.to_owned());
        let result = Json::from_validated("{}".into());
        let mut results = CachedResults::default();
        let count =
            |results: &CachedResults| results.by_method.iter().map(|(_, by_params)| by_params.len()).sum::<usize>();

        for params in ["1", "2", "3"] {
            results.insert(key("a", params), &result, now, None);
            results.insert(key("b", params), &result, later, None);
        }
        assert_eq!((count(&results), results.by_expiry.len(), results.size), (6, 6, 6 * 4));
        assert!(result.len() == 1 && result.index_size() > 0, "its index was built");
        results.remove(&key("b", "1"));
        results.remove(&key("b", "1"));
        results.remove(&key("c", "1"));
        assert_eq!((count(&results), results.by_expiry.len(), results.size), (5, 5, 5 * 4));
        results.remove_stale(now);
        assert_eq!((count(&results), results.by_expiry.len(), results.size), (2, 2, 2 * 4));
        results.remove_method("b");
        assert_eq!((count(&results), results.by_expiry.len(), results.size), (0, 0, 0));
    }
}
