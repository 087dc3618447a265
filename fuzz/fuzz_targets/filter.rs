#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ayb_fuzz::rules::filter(input));
