//! The state machine of an authorization, with a scripted network and a scripted user. Expected is what the
//! specification and the RFCs require.

mod clients;
mod discovery;
mod fixture;
mod grants;
mod login;
mod logout;
mod refresh;
mod refusals;
mod step_up;
