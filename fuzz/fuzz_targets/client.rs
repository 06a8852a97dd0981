#![no_main]

use mcp::fuzzing::memory::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcp::fuzzing::client(bytes));
