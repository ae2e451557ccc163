//! Token masks: [`Rendered`] text and its tokens in, ids with their loss mask out.
//!
//! [`TokenMask::of`] needs no tokenizer, only tokens with their places in the text. With the feature
//! `tokenizers`, [`MaskTokenizer`] loads a Hugging Face `tokenizer.json` and makes them, in one of the
//! two ways of [`TokenSplit`].
//!
//! Invariants: a token of which any byte is not trainable is not trainable, except an
//! end-of-turn special token that takes white space along; ids, mask and kinds have one length.

#[cfg(feature = "tokenizers")]
mod tokenizer;

#[cfg(feature = "tokenizers")]
pub use tokenizer::{MaskTokenizer, TokenSplit, TokenizerError};

use crate::{Rendered, Span, SpanKind};
use std::ops::Range;

/// The label of a token that takes no part in the loss, as PyTorch's cross entropy ignores it.
pub const IGNORED_LABEL: i64 = -100;

/// One token of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// Its bytes in the text. Tokenizers that split a character give all of it to each part, and
    /// some leave out white space before a word: what no token claims belongs to the next one.
    pub bytes: Range<usize>,
    /// It is a special token, which stands for a mark of the chat format.
    pub is_special: bool,
}

/// The tokens of a rendered text, with their loss mask. All vectors have one length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenMask {
    /// Token ids.
    pub ids: Vec<u32>,
    /// The token takes part in the loss.
    pub is_trainable: Vec<bool>,
    /// What the token is; of a token that spans several, the first that is not trainable.
    pub kinds: Vec<SpanKind>,
}

impl TokenMask {
    /// The mask of `tokens`, which are those of `rendered`'s text, in order.
    pub fn of(rendered: &Rendered, tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut mask = Self::default();
        mask.extend(&rendered.spans, tokens, 0..rendered.text.len());
        mask
    }

    /// One label a token: its id, or [`IGNORED_LABEL`] if it is not trainable. Labels stand at their
    /// tokens; the shift by one is the trainer's.
    pub fn labels(&self) -> Vec<i64> {
        let labels = self.ids.iter().zip(&self.is_trainable);
        labels.map(|(id, is_trainable)| if *is_trainable { i64::from(*id) } else { IGNORED_LABEL }).collect()
    }

    /// Tokens that take part in the loss.
    pub fn trainable_tokens(&self) -> usize {
        self.is_trainable.iter().filter(|is_trainable| **is_trainable).count()
    }

    /// Adds the tokens of the stretch `within` of the text that `spans` tile.
    fn extend(&mut self, spans: &[Span], tokens: impl IntoIterator<Item = Token>, within: Range<usize>) {
        let mut first = spans.partition_point(|span| span.end <= within.start);
        let mut claimed = within.start;
        for token in tokens {
            let bytes = token.bytes.start.min(claimed)..token.bytes.end.max(claimed).min(within.end);
            // A part of a split character starts before what is claimed.
            let start = token.bytes.start.min(bytes.end);
            first -= spans[..first].iter().rev().take_while(|span| span.end > start).count();
            while spans.get(first).is_some_and(|span| span.end <= bytes.start) {
                first += 1;
            }
            claimed = bytes.end;
            let touched =
                || spans[first..].iter().take_while(|span| span.start < bytes.end.max(bytes.start + 1));
            self.push(&token, touched);
        }
    }

    fn push<'a, I: Iterator<Item = &'a Span>>(&mut self, token: &Token, touched: impl Fn() -> I) {
        let ends_turn =
            token.is_special && touched().any(|span| span.kind == SpanKind::EndOfTurn && span.is_trainable);
        let least = touched().find(|span| !span.is_trainable);
        let (kind, is_trainable) = match (least, touched().next()) {
            _ if ends_turn => (SpanKind::EndOfTurn, true),
            (Some(span), _) => (span.kind, false),
            (None, Some(span)) => (span.kind, true),
            (None, None) => (SpanKind::Scaffold, false),
        };
        self.ids.push(token.id);
        self.is_trainable.push(is_trainable);
        self.kinds.push(kind);
    }
}

impl Rendered {
    /// The text cut where trainable and other bytes meet: ranges that tile it, each with whether it
    /// is trainable. A trainer that encodes each by itself has the tokens that a model samples.
    pub fn runs(&self) -> impl Iterator<Item = (Range<usize>, bool)> {
        let alike = |a: &Span, b: &Span| a.is_trainable == b.is_trainable;
        self.spans.chunk_by(alike).filter_map(|run| match run {
            [first, .., last] => Some((first.start..last.end, first.is_trainable)),
            [only] => Some((only.start..only.end, only.is_trainable)),
            [] => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `p:` scaffold, `ab` text, `.` end of turn, `\n` scaffold, `é` observation.
    fn rendered() -> Rendered {
        let mut out = Rendered::default();
        out.push(SpanKind::Scaffold, false, "p:");
        out.push(SpanKind::AssistantText, true, "ab");
        out.push(SpanKind::EndOfTurn, true, ".");
        out.push(SpanKind::Scaffold, false, "\n");
        out.push(SpanKind::Observation, false, "é");
        out
    }

    fn token(id: u32, bytes: Range<usize>, is_special: bool) -> Token {
        Token { id, bytes, is_special }
    }

    #[test]
    fn a_token_is_trainable_if_all_of_it_is() {
        use SpanKind::{AssistantText, EndOfTurn, Observation, Scaffold};
        for (tokens, labels, kinds) in [
            // Cut as the spans are; the last character is two tokens.
            (
                vec![(0..2, false), (2..4, false), (4..5, true), (5..6, false), (6..8, false), (6..8, false)],
                vec![-100, 1, 2, -100, -100, -100],
                vec![Scaffold, AssistantText, EndOfTurn, Scaffold, Observation, Observation],
            ),
            // Over the edges; the special token takes the line break along.
            (
                vec![(0..3, false), (3..4, false), (4..6, true), (6..8, false)],
                vec![-100, 1, 2, -100],
                vec![Scaffold, AssistantText, EndOfTurn, Observation],
            ),
            // The same, not special.
            (
                vec![(0..3, false), (3..6, false), (6..8, false)],
                vec![-100; 3],
                vec![Scaffold, Scaffold, Observation],
            ),
            // `:` is claimed by no token, so it belongs to the next.
            (
                vec![(0..1, false), (2..4, false), (4..8, false)],
                vec![-100; 3],
                vec![Scaffold, Scaffold, Scaffold],
            ),
        ] {
            let tokens = tokens.into_iter().enumerate();
            let tokens = tokens.map(|(id, (bytes, is_special))| token(id as u32, bytes, is_special));
            let mask = TokenMask::of(&rendered(), tokens);
            assert_eq!((mask.labels(), mask.kinds.clone()), (labels, kinds));
        }
    }

    #[test]
    fn runs_tile_the_text() {
        let runs: Vec<_> = rendered().runs().collect();
        assert_eq!(runs, [(0..2, false), (2..5, true), (5..8, false)]);
        assert_eq!(Rendered::default().runs().count(), 0);
    }
}
