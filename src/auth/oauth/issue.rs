//! Issues credentials: one call renews the tokens, the others wait for it.

use std::sync::Arc;

use super::authorization::{Authorization, Entry};
use super::environment::OAuthEnvironment;
use super::renewal::Renewal;
use super::renewal_progress::{RenewalOutcome, SharedOutcome};
use crate::call::callback_scope::run_callback;
use crate::call::context::CallContext;
use crate::call::issued_credentials::{CredentialGeneration, CredentialRefusal};
use crate::call::retry::is_of_this_call;
use crate::error::Result;
use crate::status::MCP_LOGIN_REQUIRED;

impl Authorization {
    /// The credentials of a request. After `refusal`, newer ones than the refused ones.
    pub fn issue(
        self: &Arc<Self>,
        call: &CallContext,
        environment: &OAuthEnvironment,
        refusal: Option<&CredentialRefusal>,
    ) -> Result<RenewalOutcome> {
        let refused = refusal.map(|refusal| match refusal.generation {
            CredentialGeneration { source_id, refreshes } if source_id == self.id => refreshes,
            // This authorization was set meanwhile.
            _ => 0,
        });
        let status = refusal.map(|refusal| refusal.http_status);
        loop {
            match self.enter(call, refused) {
                Entry::Use(issued) => return Ok(RenewalOutcome::Issued(issued)),
                Entry::Renew(turn) => {
                    let renewal = Renewal { authorization: self, call, environment, turn: &turn };
                    // A log callback, too, must not wait for this renewal on its own thread.
                    let outcome = run_callback(self.owner(), || renewal.run(refusal));
                    let outcome = outcome.map_err(|error| call.secrets().sanitize_error(error));
                    turn.end(SharedOutcome { of_status: status, outcome: outcome.clone() });
                    return outcome;
                }
                Entry::Wait(progress) => {
                    call.wait_for(progress.event(refused.is_some()), &progress.clock)?;
                    match progress.outcome() {
                        // A request that was not refused may not need the token that the other call did not get.
                        Some(SharedOutcome { outcome: Err(error), of_status })
                            if !is_of_this_call(&error)
                                && (status.is_some() || of_status.is_none())
                                && !(call.is_login && error.status() == MCP_LOGIN_REQUIRED) =>
                        {
                            return Err(error);
                        }
                        // The tokens end soon, but could not be renewed: not each call tries it.
                        Some(SharedOutcome { outcome: Ok(issued @ RenewalOutcome::Issued(_)), of_status: None })
                            if status.is_none() =>
                        {
                            return Ok(issued);
                        }
                        Some(SharedOutcome { outcome: Ok(useless @ RenewalOutcome::Useless(_)), of_status })
                            if of_status == status && !call.is_login =>
                        {
                            return Ok(useless);
                        }
                        // There are newer tokens, or this call has to try.
                        _ => {}
                    }
                }
            }
        }
    }

    /// Runs a step that no renewal may overlap.
    pub fn in_turn<T>(
        self: &Arc<Self>,
        call: &CallContext,
        environment: &OAuthEnvironment,
        run: impl FnOnce(&Renewal) -> Result<T>,
    ) -> Result<T> {
        let turn = loop {
            match self.try_begin(call) {
                Entry::Renew(turn) => break turn,
                Entry::Wait(progress) => call.wait_for(progress.event(true), &progress.clock)?,
                Entry::Use(_) => {}
            }
        };
        let renewal = Renewal { authorization: self, call, environment, turn: &turn };
        run_callback(self.owner(), || run(&renewal))
    }
}
