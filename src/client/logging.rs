//! The server's log messages: how severe they have to be, and who receives them (2025-11-25 and 2026-07-28, "Logging").

use std::sync::Arc;

use super::Client;
use super::exchange::Rules;
use super::operation::Operation;
use crate::call::context::Call;
use crate::error::{Error, Result};
use crate::protocol::incoming::Notice;
use crate::protocol::json::Json;
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::status::MCP_INVALID_ARGUMENT;
use crate::sys::lock::RwLock;

/// From the least severe on (RFC 5424, section 6.2.1).
const LEVELS: &[&str] = &["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Receives the parameters of `notifications/message`.
pub type Hook = dyn Fn(&Json) + Send + Sync;

/// What a client wants to hear of its server's log.
#[derive(Default)]
pub struct Logging {
    hook: RwLock<Option<Arc<Hook>>>,
    level: RwLock<Option<&'static str>>,
}

impl Logging {
    /// Replaces the hook. The old one is handed back instead of dropped here, so that its end runs under no lock.
    pub fn set_hook(&self, hook: Option<Arc<Hook>>) -> Option<Arc<Hook>> {
        std::mem::replace(&mut *self.hook.write(), hook)
    }

    pub fn has_hook(&self) -> bool {
        self.hook.read().is_some()
    }

    pub fn tell(&self, notice: &Notice) {
        let hook = self.hook.read().clone();
        if let (Some(hook), Some(params)) = (hook, &notice.params) {
            hook(params);
        }
    }

    /// The level that was set last.
    pub fn level(&self) -> Option<&'static str> {
        *self.level.read()
    }
}

impl Client {
    /// From which level on the server sends its log. A legacy server is told; a modern one reads it in every request.
    pub fn set_logging_level(&self, call: &Call, level: &str) -> Result<()> {
        let known = LEVELS.iter().copied().find(|known| *known == level);
        let Some(level) = known else {
            let why = format!("{level:?} is no logging level; those are {}", LEVELS.join(", "));
            return Err(Error::new(MCP_INVALID_ARGUMENT, why));
        };
        let (session, _) = self.session(call)?;
        if session.era == Era::Legacy {
            if self.logging.has_hook() {
                // Messages that belong to no call come there; the hook may be younger than the session.
                self.stand(call, &session)?;
            }
            self.perform(call, logging_level(level))?;
        }
        *self.logging.level.write() = Some(level);
        Ok(())
    }
}

/// The request that sets the level on legacy servers.
pub fn logging_level<'a>(level: &str) -> Operation<'a> {
    Operation::new("logging/setLevel", Params::new().with("level", quoted(level)), Rules::REPEATABLE)
}
