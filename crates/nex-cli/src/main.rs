//! The binary `nex`.
fn main() {}
