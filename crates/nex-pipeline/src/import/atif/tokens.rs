//! Tokens as they were served and sampled: whole prompts in, what each message added out.

use crate::import::fault::Wrong;
use nex_trajectory::TokenSpan;

/// All tokens up to the last reply, and what each node added to them.
#[derive(Debug, Default)]
pub(super) struct Stream {
    served: Vec<u32>,
    spans: Vec<(usize, TokenSpan)>,
    /// Nodes whose tokens are known, from the start.
    known: usize,
    /// A prompt did not begin with what was served before: its history was written anew.
    is_broken: bool,
}

impl Stream {
    /// The reply at node `at` was sampled as `completion` after `prompt`.
    pub(super) fn reply(
        &mut self,
        at: usize,
        prompt: Option<Vec<u32>>,
        completion: Vec<u32>,
        logprobs: Vec<f32>,
    ) -> Result<(), Wrong> {
        if !logprobs.is_empty() && logprobs.len() != completion.len() {
            let message = format!("{} log-probabilities for {} tokens", logprobs.len(), completion.len());
            return Err(Wrong::at("logprobs", message));
        }
        match &prompt {
            Some(prompt) if !self.is_broken && at > self.known && prompt.starts_with(&self.served) => {
                let added = prompt[self.served.len()..].to_vec();
                // The border between the messages before the reply is not known: the last has all.
                self.spans.extend((self.known..at - 1).map(|node| (node, TokenSpan::default())));
                self.spans.push((at - 1, unsampled(added)));
            }
            _ => self.is_broken = true,
        }
        if let Some(mut prompt) = prompt {
            prompt.extend_from_slice(&completion);
            self.served = prompt;
        }
        self.known = at + 1;
        let is_sampled = vec![true; completion.len()];
        self.spans.push((at, TokenSpan { ids: completion, logprobs, is_sampled, is_content: Vec::new() }));
        Ok(())
    }

    /// What node `at` added; nodes are asked for in order.
    pub(super) fn take(&mut self, at: usize) -> Option<TokenSpan> {
        let index = self.spans.iter().position(|(node, _)| *node == at)?;
        Some(self.spans.swap_remove(index).1)
    }
}

fn unsampled(ids: Vec<u32>) -> TokenSpan {
    let is_sampled = vec![false; ids.len()];
    TokenSpan { ids, is_sampled, ..TokenSpan::default() }
}
