//! Small safe wrappers around libc and processor features. All code that differs between operating systems is here.

pub mod browser;
pub mod callback;
pub mod child_process;
mod detached_process;
pub mod dns_lookup;
pub mod exec;
pub mod file;
pub mod listener;
pub mod lock;
pub mod lock_file;
pub mod memory;
pub mod panics;
pub mod pipe;
pub mod pollable_event;
pub mod private_file;
pub mod process;
pub mod short;
pub mod socket;
#[cfg(test)]
pub mod test_folder;
pub mod text;
pub mod thread;
pub mod thread_pool;
pub mod vector;
pub mod wait;
mod waitable;
pub mod wake_group;
