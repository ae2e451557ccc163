//! JSON as text: scanned, taken apart and written without losing a byte of what a model wrote.
//!
//! Numbers keep their digits, objects their key order and white space. Invariant: what the scanner
//! calls a value is what `serde_json` reads as one (but for its limit on lone surrogates).

mod escape;
mod plain;
mod repair;
mod scan;
mod text;

pub use escape::write_string;
pub(crate) use escape::{escape_tags, push_string, unescape};
pub use plain::skip_plain;
pub(crate) use repair::repair;
pub(crate) use scan::{JsonScan, Member, Step};
pub use text::same_value;
pub(crate) use text::{error, is_object, is_value, members, push_respaced};
