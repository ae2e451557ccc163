//! Text in, calls and defects out, and back: one file per tool-call format, with loss masks.
