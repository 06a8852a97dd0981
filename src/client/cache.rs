//! Results that are kept as long as the server says that they are fresh, where the program wants that (2026-07-28, "Caching").

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::auth::authorizer::Authorizer;
use crate::call::headers::HeaderSet;
use crate::protocol::incoming::Notification;
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::sys::lock::{Mutex, MutexGuard};

/// The results of one client.
#[derive(Default)]
pub struct Cache {
    is_wanted: AtomicBool,
    /// Counts what made something stale: an answer from before that is not kept.
    changes: AtomicU64,
    kept: Mutex<CachedResults>,
}

/// What is kept. Each operation takes time that does not depend on how much that is, but for what it removes.
#[derive(Default)]
struct CachedResults {
    /// By the method, and the parameters as text.
    by_method: HashMap<String, HashMap<String, CachedResult>>,
    /// When each becomes stale, with a number that tells those of one time apart, and its key.
    stale: BTreeMap<(Instant, u64), CacheKey>,
    number: u64,
    /// Of all results and their keys, in bytes.
    size: usize,
}

pub type CacheKey = (String, String);

struct CachedResult {
    result: Json,
    until: (Instant, u64),
    /// What a private result was asked for with.
    context: Option<CacheContext>,
}

/// The credentials that requests carry: a private result belongs to them alone.
#[derive(Clone)]
pub struct CacheContext {
    fixed: Arc<HeaderSet>,
    issued: Option<Arc<HeaderSet>>,
}

impl CacheContext {
    pub fn of(authorizer: &Authorizer) -> CacheContext {
        let issued = authorizer.custom_auth.current().map(|scheme| scheme.last().headers);
        CacheContext { fixed: authorizer.credentials.current(), issued }
    }

    pub fn is(&self, other: &CacheContext) -> bool {
        // What a callback gives next is not known before it is asked: only the very same answer is the same.
        let same = |a: &Option<Arc<HeaderSet>>, b: &Option<Arc<HeaderSet>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        self.fixed == other.fixed && same(&self.issued, &other.issued)
    }
}

/// How long a result is fresh, and for whom.
pub struct Freshness {
    /// Zero where the server does not say.
    pub ttl: Duration,
    pub is_private: bool,
}

impl Freshness {
    pub fn of(result: &Json) -> Freshness {
        let root = RawValue::of(result);
        let ttl = root.member("ttlMs").and_then(RawValue::uint64).unwrap_or(0);
        let scope = root.member("cacheScope").and_then(RawValue::text);
        Freshness { ttl: Duration::from_millis(ttl), is_private: scope.as_deref() != Some("public") }
    }
}

impl Cache {
    pub fn set_wanted(&self, is_wanted: bool) {
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
        if !is_wanted {
            *self.lock() = CachedResults::default();
        }
    }

    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// Counts what made something stale.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    pub fn get(&self, (method, params): &CacheKey, context: &CacheContext) -> Option<Json> {
        let kept = self.lock();
        let found = kept.by_method.get(method)?.get(params)?;
        let is_ours = found.context.as_ref().is_none_or(|theirs| theirs.is(context));
        (is_ours && Instant::now() < found.until.0).then(|| found.result.clone())
    }

    /// Keeps a result, if it may be kept; `most` bytes at most are kept in all.
    pub fn put(&self, key: CacheKey, result: &Json, context: CacheContext, most: usize) {
        let Freshness { ttl, is_private } = Freshness::of(result);
        let Some(until) = Instant::now().checked_add(ttl).filter(|_| !ttl.is_zero()) else { return };
        let mut kept = self.lock();
        kept.remove(&key);
        kept.remove_stale(Instant::now());
        if kept.size + size(&key, result) <= most {
            kept.insert(key, result, until, is_private.then_some(context));
        }
    }

    /// Forgets what a change makes stale.
    pub fn invalidate(&self, notice: &Notification) {
        let methods: &[&str] = match notice.method.as_str() {
            "notifications/tools/list_changed" => &["tools/list"],
            "notifications/prompts/list_changed" => &["prompts/list"],
            "notifications/resources/list_changed" => &["resources/list", "resources/templates/list"],
            "notifications/resources/updated" => &["resources/read"],
            _ => return,
        };
        self.changes.fetch_add(1, Ordering::SeqCst);
        let mut kept = self.lock();
        methods.iter().for_each(|method| kept.remove_method(method));
    }

    fn lock(&self) -> MutexGuard<'_, CachedResults> {
        self.kept.lock()
    }
}

impl CachedResults {
    fn insert(&mut self, key: CacheKey, result: &Json, until: Instant, context: Option<CacheContext>) {
        self.number += 1;
        self.size += size(&key, result);
        let until = (until, self.number);
        self.stale.insert(until, key.clone());
        let (method, params) = key;
        let kept = CachedResult { result: result.clone(), until, context };
        self.by_method.entry(method).or_default().insert(params, kept);
    }

    fn remove(&mut self, key: &CacheKey) {
        let removed = self.by_method.get_mut(&key.0).and_then(|kept| kept.remove(&key.1));
        if let Some(removed) = removed {
            self.stale.remove(&removed.until);
            self.size -= size(key, &removed.result);
        }
    }

    fn remove_stale(&mut self, now: Instant) {
        while let Some(first) = self.stale.first_entry().filter(|first| first.key().0 <= now) {
            let key = first.remove();
            self.remove(&key);
        }
    }

    fn remove_method(&mut self, method: &str) {
        for (params, removed) in self.by_method.remove(method).unwrap_or_default() {
            let key = (method.to_owned(), params);
            self.stale.remove(&removed.until);
            self.size -= size(&key, &removed.result);
        }
    }
}

/// How much of the limit a result takes.
fn size(key: &CacheKey, result: &Json) -> usize {
    key.0.len() + key.1.len() + result.text().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_leaves_nothing_behind() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let key = |method: &str, params: &str| (method.to_owned(), params.to_owned());
        let result = Json::parse("{}".into()).unwrap();
        let mut results = CachedResults::default();
        let count = |results: &CachedResults| results.by_method.values().map(HashMap::len).sum::<usize>();

        for params in ["1", "2", "3"] {
            results.insert(key("a", params), &result, now, None);
            results.insert(key("b", params), &result, later, None);
        }
        assert_eq!((count(&results), results.stale.len(), results.size), (6, 6, 6 * 4));
        results.remove(&key("b", "1"));
        results.remove(&key("b", "1"));
        results.remove(&key("c", "1"));
        assert_eq!((count(&results), results.stale.len(), results.size), (5, 5, 5 * 4));
        results.remove_stale(now);
        assert_eq!((count(&results), results.stale.len(), results.size), (2, 2, 2 * 4));
        results.remove_method("b");
        assert_eq!((count(&results), results.stale.len(), results.size), (0, 0, 0));
    }
}
