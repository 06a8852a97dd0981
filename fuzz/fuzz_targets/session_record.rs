#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mcp::fuzzing::session_record(bytes));
