//! The ground floor: small safe wrappers over libc. What differs between operating systems stays in here.

pub mod child;
pub mod lookup;
pub mod panics;
pub mod process;
pub mod signal;
pub mod socket;
pub mod thread;
pub mod wait;
