//! The store: an append-only folder of checksummed JSONL segments.
//!
//! ```text
//! DIR/
//!   store.lock              held by the one process that writes
//!   segment-000001.jsonl    one record a line, oldest segment first
//!   segment-000002.jsonl
//!   quarantine.jsonl        damaged lines, moved out of the segments with place and reason
//! ```
//!
//! A line is `{"v":1,"crc":"89abcdef","record":{…}}`, so a segment is plain JSONL for any other
//! reader. The CRC-32 is taken over the exact bytes of the record.
//!
//! Invariants:
//! - A record that [`Store::append`] accepted is read back equal, or its loss is reported; a
//!   damaged line is never read as a record.
//! - Records are written by one `write` each, so a crash tears at most the last line. The next
//!   [`Store::open`] cuts it.
//! - One process writes at a time; any number of threads in it, and any number of [`Reader`]s
//!   anywhere.

mod error;
mod line;
mod reader;
mod recover;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{Damage, StoreError};
pub use line::{LINE_VERSION, LineFault, MAX_RECORD_BYTES, decode as decode_line, encode as encode_line};
pub use reader::{Place, Reader, fetch};
pub use recover::{OpenReport, Quarantined, TornTail};
pub use writer::{Durability, Store, StoreOptions};
