//! OAuth 2.1: tokens from authorization servers.

pub mod folder_store;
pub mod keys;
