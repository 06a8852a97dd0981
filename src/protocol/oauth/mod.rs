//! The documents, URLs and texts of OAuth 2.1 as MCP uses it (2026-07-28, "Authorization"). What a client does with
//! them is decided in `auth`.

pub mod callback;
pub mod client_authentication;
pub mod client_url;
pub mod form;
pub mod json_object;
pub mod json_writer;
pub mod jwt;
pub mod leniency;
pub mod listener;
pub mod oauth_error;
pub mod pkce;
pub mod quote;
pub mod record;
pub mod redirect;
pub mod registration;
pub mod resource_metadata;
pub mod scope;
mod secret_buffer;
pub mod server_metadata;
pub mod token_response;
pub mod url;
pub mod well_known;
