#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tspm::fuzzing::config_text(data));
