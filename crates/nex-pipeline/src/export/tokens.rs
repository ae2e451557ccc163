//! The token ids of a branch: as they were served and sampled, where the record has them.
//!
//! Token in, token out (see `token_source` for the other way): recorded ids are concatenated, never decoded and encoded again. A branch
//! of which some messages have ids and others not is refused, as are log-probabilities that some
//! replies have and others not: neither is filled in. Synthetic messages are never trained on.

use super::branch::Branch;
use nex_trajectory::{Node, Role, TokenSpan};

/// The tokens of one sample. All vectors have one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TokenSequence {
    pub(super) ids: Vec<u32>,
    /// The model sampled this token: it takes part in the loss.
    pub(super) is_trained: Vec<bool>,
    /// Behaviour log-probabilities in nats, 0 where nothing was sampled; none where not recorded.
    pub(super) logprobs: Option<Vec<f32>>,
}

impl TokenSequence {
    /// What `branch` was in tokens.
    ///
    /// # Errors
    /// The record has no token ids for it, or not all.
    pub(super) fn of(branch: &Branch<'_>) -> Result<Self, String> {
        let nodes = &branch.sample.nodes;
        if nodes.iter().all(|node| node.tokens.is_none()) {
            return Err("no token ids in the record".to_owned());
        }
        let mut sequence = Self { logprobs: Some(Vec::new()), ..Self::default() };
        for node in nodes {
            let Some(tokens) = &node.tokens else {
                return Err("token ids of some messages only".to_owned());
            };
            sequence.append(node, tokens)?;
        }
        if !sequence.is_trained.contains(&true) {
            return Err("no token that the model sampled".to_owned());
        }
        Ok(sequence)
    }

    fn append(&mut self, node: &Node, tokens: &TokenSpan) -> Result<(), String> {
        let is_reply = node.message.role == Role::Assistant && !node.is_synthetic;
        let is_sampled = if is_reply { tokens.is_sampled.as_slice() } else { &[] };
        if is_reply && is_sampled.len() != tokens.ids.len() {
            return Err("a reply whose record does not say which tokens were sampled".to_owned());
        }
        let samples = is_sampled.iter().any(|sampled| *sampled);
        match (tokens.logprobs.len() == tokens.ids.len(), samples) {
            (true, true) => {
                match &mut self.logprobs {
                    Some(all) => all.extend(tokens.logprobs.iter().zip(is_sampled).map(
                        |(logprob, sampled)| {
                            if *sampled { *logprob } else { 0.0 }
                        },
                    )),
                    None => return Err("log-probabilities of some replies only".to_owned()),
                }
            }
            (false, true) => {
                if self.is_trained.contains(&true) && self.logprobs.is_some() {
                    return Err("log-probabilities of some replies only".to_owned());
                }
                self.logprobs = None;
            }
            (_, false) => {
                if let Some(all) = &mut self.logprobs {
                    all.resize(all.len() + tokens.ids.len(), 0.0);
                }
            }
        }
        self.ids.extend_from_slice(&tokens.ids);
        if is_reply {
            self.is_trained.extend_from_slice(is_sampled);
        } else {
            self.is_trained.resize(self.ids.len(), false);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use nex_trajectory::Message;

    fn node(message: Message, ids: &[u32], logprobs: &[f32], is_sampled: &[bool]) -> Node {
        let tokens = TokenSpan {
            ids: ids.to_vec(),
            logprobs: logprobs.to_vec(),
            is_sampled: is_sampled.to_vec(),
            is_content: Vec::new(),
        };
        Node { tokens: Some(tokens), ..Node::new(None, message) }
    }

    fn check(nodes: &[Node], expected: Expect) {
        let mut sequence = TokenSequence { logprobs: Some(Vec::new()), ..TokenSequence::default() };
        let told = nodes
            .iter()
            .try_for_each(|node| sequence.append(node, node.tokens.as_ref().unwrap()))
            .map_or_else(|reason| reason, |()| format!("{sequence:?}"));
        expected.assert_eq(&told);
    }

    #[test]
    fn sampled_tokens_are_trained_and_nothing_is_filled_in() {
        let user = || node(Message::user("u"), &[1, 2], &[], &[]);
        let reply = || node(Message::assistant("a"), &[3, 4, 5], &[9.0, -0.5, -0.25], &[false, true, true]);
        let bare = || node(Message::assistant("b"), &[6], &[], &[true]);
        check(
            &[user(), reply()],
            expect![
                "TokenSequence { ids: [1, 2, 3, 4, 5], is_trained: [false, false, false, true, true], logprobs: Some([0.0, 0.0, 0.0, -0.5, -0.25]) }"
            ],
        );
        check(
            &[user(), bare()],
            expect!["TokenSequence { ids: [1, 2, 6], is_trained: [false, false, true], logprobs: None }"],
        );
        check(&[reply(), bare()], expect!["log-probabilities of some replies only"]);
        check(&[bare(), reply()], expect!["log-probabilities of some replies only"]);
        check(
            &[node(Message::assistant("c"), &[7], &[-1.0], &[])],
            expect!["a reply whose record does not say which tokens were sampled"],
        );
    }

    #[test]
    fn a_synthetic_reply_is_not_trained_on() {
        let synthetic = Node { is_synthetic: true, ..node(Message::assistant("s"), &[8], &[-1.0], &[true]) };
        check(
            &[synthetic],
            expect!["TokenSequence { ids: [8], is_trained: [false], logprobs: Some([0.0]) }"],
        );
    }
}
