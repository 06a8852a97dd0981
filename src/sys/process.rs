//! Which process this is: a client made before `fork` must not be used in the child.

/// The process id, asked for each time (libc keeps no copy, and a fork changes it).
pub fn id() -> u32 {
    std::process::id()
}
