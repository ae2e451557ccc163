//! Formats whose reply is one JSON document: it can be read only when it is whole.

use crate::builder::{ReplyBuilder, TextRules};
use crate::engine::{Frame, Grammar, Scan};

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
