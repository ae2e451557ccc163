#![no_main]

use libfuzzer_sys::fuzz_target;
use nex_fuzz::{Script, round_trip};

fuzz_target!(|script: Script| round_trip(&script));
