//! Results that are kept as long as the server says that they are fresh, where the program wants that (2026-07-28, "Caching").

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Client;
use super::call::Call;
use super::incoming::Notice;
use super::operation::Operation;
use crate::auth::credentials::HeaderSet;
use crate::error::Result;
use crate::protocol::json::{Json, Value};
use crate::protocol::version::Era;

/// The results of one client.
#[derive(Default)]
pub struct Cache {
    is_wanted: AtomicBool,
    /// Counts what made something stale: an answer from before that is not kept.
    changes: AtomicU64,
    kept: Mutex<HashMap<Key, Kept>>,
}

/// The method, and the parameters as text.
type Key = (String, String);

struct Kept {
    result: Json,
    until: Instant,
    /// What a private result was asked for with.
    context: Option<Context>,
}

/// The credentials that requests carry: a private result belongs to them alone.
#[derive(Clone)]
pub struct Context {
    fixed: Arc<HeaderSet>,
    granted: Option<Arc<HeaderSet>>,
}

impl Context {
    pub fn of(client: &Client) -> Context {
        let granted = client.schemes.current().map(|scheme| scheme.last().headers);
        Context { fixed: client.credentials.current(), granted }
    }

    pub fn is(&self, other: &Context) -> bool {
        // What a callback gives next is not known before it is asked: only the very same answer is the same.
        let same = |a: &Option<Arc<HeaderSet>>, b: &Option<Arc<HeaderSet>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        self.fixed == other.fixed && same(&self.granted, &other.granted)
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
        let root = result.root();
        let ttl = root.member("ttlMs").and_then(|value| value.uint64().ok()).unwrap_or(0);
        let scope = root.member("cacheScope").and_then(Value::text);
        Freshness { ttl: Duration::from_millis(ttl), is_private: scope.as_deref() != Some("public") }
    }
}

impl Cache {
    pub fn set_wanted(&self, is_wanted: bool) {
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
        if !is_wanted {
            self.lock().clear();
        }
    }

    fn get(&self, key: &Key, context: &Context) -> Option<Json> {
        let kept = self.lock();
        let found = kept.get(key)?;
        let is_ours = found.context.as_ref().is_none_or(|theirs| theirs.is(context));
        (is_ours && Instant::now() < found.until).then(|| found.result.clone())
    }

    /// Keeps a result, if it may be kept; `most` bytes at most are kept in all.
    fn put(&self, key: Key, result: &Json, context: Context, most: usize) {
        let Freshness { ttl, is_private } = Freshness::of(result);
        let Some(until) = Instant::now().checked_add(ttl).filter(|_| !ttl.is_zero()) else { return };
        let mut kept = self.lock();
        kept.retain(|_, kept| Instant::now() < kept.until);
        let size: usize = kept.values().map(|kept| kept.result.text().len()).sum();
        if size + result.text().len() <= most {
            let context = is_private.then_some(context);
            kept.insert(key, Kept { result: result.clone(), until, context });
        }
    }

    /// Forgets what a change makes stale.
    pub fn invalidate(&self, notice: &Notice) {
        let methods: &[&str] = match notice.method.as_str() {
            "notifications/tools/list_changed" => &["tools/list"],
            "notifications/prompts/list_changed" => &["prompts/list"],
            "notifications/resources/list_changed" => &["resources/list", "resources/templates/list"],
            "notifications/resources/updated" => &["resources/read"],
            _ => return,
        };
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.lock().retain(|(method, _), _| !methods.contains(&method.as_str()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Performs an operation, or gives what it brought before.
    pub(super) fn cached(&self, call: &Call, operation: Operation) -> Result<Json> {
        if !self.cache.is_wanted.load(Ordering::Relaxed) || call.has_extras() {
            return self.perform(call, operation);
        }
        let key = (operation.method.name(Era::Modern).to_owned(), operation.params.to_json());
        let context = Context::of(self);
        if let Some(result) = self.cache.get(&key, &context) {
            return Ok(result);
        }
        let changes = self.cache.changes.load(Ordering::SeqCst);
        let (result, rounds) = self.perform_counted(call, operation)?;
        let is_of_now = changes == self.cache.changes.load(Ordering::SeqCst);
        // What came of inputs depends on them, and they are not part of the key.
        if rounds == 0 && is_of_now {
            self.cache.put(key, &result, context, self.settings.limits().message);
        }
        Ok(result)
    }
}
