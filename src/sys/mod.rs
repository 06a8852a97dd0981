//! The ground floor: small safe wrappers over libc and the processor. What differs between systems stays in here.

pub mod callback;
pub mod child;
pub mod exec;
pub mod file;
pub mod lock;
pub mod lookup;
pub mod memory;
pub mod panics;
pub mod pipe;
pub mod process;
pub mod short;
pub mod signal;
pub mod socket;
pub mod text;
pub mod thread;
pub mod vector;
pub mod wait;
mod waitable;
