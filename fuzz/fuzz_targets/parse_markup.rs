#![no_main]

use libfuzzer_sys::fuzz_target;
use nex_fuzz::{Family, parse};

fuzz_target!(|data: &[u8]| parse(Family::Markup, data));
