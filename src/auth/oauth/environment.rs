//! What an authorization needs of the client of an MCP server.

use std::sync::Arc;

use crate::error::Result;
use crate::http::foreign::{ForeignHttp, ForeignRequest, ForeignResponse};
use crate::net::address_policy::AddressExceptions;
use crate::status::{MCP_INSECURE, MCP_OAUTH_FAILED, MCP_TIMEOUT};
use crate::sys::wait::WaitContext;

/// What an authorization needs of the client of an MCP server.
pub struct OAuthEnvironment {
    /// The name of the application, for registrations.
    pub client_name: String,
    pub sender: Arc<dyn SendForeign>,
}

/// Sends requests to authorization servers. A trait, because tests and fuzzers script the responses.
pub trait SendForeign: Send + Sync {
    fn send(
        &self,
        request: &ForeignRequest,
        exceptions: AddressExceptions,
        wait_context: &WaitContext,
    ) -> Result<ForeignResponse>;
}

impl SendForeign for ForeignHttp {
    fn send(
        &self,
        request: &ForeignRequest,
        exceptions: AddressExceptions,
        wait_context: &WaitContext,
    ) -> Result<ForeignResponse> {
        ForeignHttp::send(self, request, exceptions, wait_context).map_err(|mut error| {
            // The address policy of authorization servers, and not `mcp_set_require_https`.
            let is_refused_address = error.status() == MCP_INSECURE;
            // The limit for a request passed, and not that of the call.
            let is_silent_server = error.status() == MCP_TIMEOUT && wait_context.check().is_ok();
            if is_refused_address || is_silent_server {
                error.report_mut().status = MCP_OAUTH_FAILED;
            }
            error
        })
    }
}
