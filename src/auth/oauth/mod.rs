//! OAuth 2.1 as the specification has it (2026-07-28, "Authorization"): logins of a user, and tokens for programs.

pub mod authorization;
pub mod callbacks;
pub mod client;
mod client_identity;
mod discovery;
pub mod environment;
mod folder_store;
mod grants;
mod issue;
mod keys;
pub mod login;
mod logout;
mod pending_login;
pub mod record_store;
mod refresh;
mod registration_store;
mod renewal;
pub mod renewal_progress;
pub mod report;
pub mod settings;
#[cfg(any(test, fuzzing))]
pub mod shared_store;
mod steps;
mod token_age;
mod token_request;

#[cfg(test)]
mod tests;
