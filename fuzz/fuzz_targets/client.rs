#![no_main]

#[path = "../memory.rs"]
mod memory;

use memory::{Counting, MEMORY};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcp::fuzzing::client(bytes, MEMORY));
