//! Formats whose reply is one JSON document: it can be read only when it is whole. Of one that is
//! broken or cut off, the parts that are whole are read all the same.

use crate::builder::{ReplyBuilder, TextRules};
use crate::engine::{Frame, Grammar, Scan};
use crate::json::{JsonScan, Step};
use std::ops::Range;

/// Reads a reply at its end.
pub(crate) struct WholeDocument(pub(crate) fn(&str, &mut ReplyBuilder));

impl Grammar for WholeDocument {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        if scan.is_end {
            (self.0)(scan.text, scan.out);
            scan.at = scan.text.len();
        }
    }
}

/// Nothing stands around such a document, and its parts are told apart by their keys.
pub(crate) static FRAME: Frame = Frame {
    reasoning: None,
    text: TextRules { before_call: "", allows_text_after_call: true },
    turn_ends: &[],
};

/// Where objects that begin with one of `openers` stand whole in `text`, from `from` on. An object
/// inside another that is whole does not count.
pub(crate) fn whole_objects(text: &str, from: usize, openers: &[&str]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(next) = memchr::memchr(b'{', &text.as_bytes()[at..]) {
        at += next;
        let mut end = at;
        if openers.iter().any(|opener| text.as_bytes()[at..].starts_with(opener.as_bytes()))
            && let Step::Done(done) = JsonScan::default().feed(text.as_bytes(), &mut end)
        {
            found.push(at..done);
            at = done;
        } else {
            at += 1;
        }
    }
    found
}
