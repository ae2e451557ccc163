//! What one forward pass reads: tokens of one or more samples side by side.

use crate::TrainError;
use std::ops::Range;

/// Samples packed into one row. They share matrix products and nothing else: each attends only to
/// itself and counts its positions from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedRow {
    /// Token ids of all samples, one after the other.
    pub tokens: Vec<u32>,
    /// Where each sample stands; they tile `tokens`, none is empty.
    pub segments: Vec<Range<usize>>,
    /// What is to be predicted, by position.
    pub targets: Vec<Target>,
    /// Calls and their outputs, in order of the output.
    pub links: Vec<Link>,
}

/// One prediction that takes part in the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The logits at this position of the row …
    pub position: usize,
    /// … are to predict this token.
    pub token: u32,
    /// The loss is multiplied by this.
    pub weight: f32,
}

/// A tool call's tokens and its output's tokens, for the tool-aware attention bias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The call.
    pub call: Range<usize>,
    /// Its output; behind the call, in the same sample.
    pub output: Range<usize>,
}

impl PackedRow {
    /// Adds a sample: its tokens, whether each takes part in the loss (the first never does, nothing
    /// predicts it), and its links, all counted from the sample's start.
    pub fn push(&mut self, tokens: &[u32], is_action: &[bool], links: &[Link]) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.segments.push(start..self.tokens.len());
        for (index, token) in tokens.iter().enumerate().skip(1) {
            if is_action[index] {
                self.targets.push(Target { position: start + index - 1, token: *token, weight: 1.0 });
            }
        }
        let moved = |range: &Range<usize>| range.start + start..range.end + start;
        self.links
            .extend(links.iter().map(|link| Link { call: moved(&link.call), output: moved(&link.output) }));
    }

    /// Whether a model can read it.
    ///
    /// # Errors
    /// It is too long, names tokens or positions that do not exist, or its segments do not tile it.
    pub fn check(&self, vocabulary: usize, context: usize, capacity: usize) -> Result<(), TrainError> {
        let fault = |reason: String| Err(TrainError::Sequence { what: "packed row".to_owned(), reason });
        let length = self.tokens.len();
        if length == 0 || length > capacity {
            return fault(format!("it has {length} tokens; 1 to {capacity} are possible"));
        }
        if let Some(token) = self.tokens.iter().chain(self.targets.iter().map(|t| &t.token)).max()
            && *token as usize >= vocabulary
        {
            return fault(format!("token {token} is outside the vocabulary of {vocabulary}"));
        }
        let mut end = 0;
        for segment in &self.segments {
            if segment.start != end || segment.is_empty() || segment.len() > context {
                return fault(format!(
                    "sample at {}..{} does not follow {end} or is longer than the context of {context}",
                    segment.start, segment.end
                ));
            }
            end = segment.end;
        }
        if end != length {
            return fault(format!("its samples end at {end}, its tokens at {length}"));
        }
        if let Some(target) = self.targets.iter().find(|t| t.position >= length) {
            return fault(format!("a target at {} lies behind its end", target.position));
        }
        for Link { call, output } in &self.links {
            let is_inside = call.end <= output.start
                && self.segments.iter().any(|s| s.start <= call.start && output.end <= s.end);
            if !is_inside {
                return fault(format!("call {call:?} and output {output:?} are not in order in one sample"));
            }
        }
        Ok(())
    }
}
