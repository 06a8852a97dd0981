//! OAuth 2.1: tokens from authorization servers.

pub mod keys;
