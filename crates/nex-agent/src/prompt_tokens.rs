//! The prompt's token ids, where the server names them, laid on the nodes that added them.
//!
//! A server names the whole prompt each turn. What the branch already holds is cut off, the rest
//! belongs to the messages since the last reply and is kept on the latest of them, so that the
//! branch's spans in order are exactly the prompt. Where the server tokenised the history anew and
//! differently, nothing is kept: a wrong span would be trained on.

use nex_trajectory::{Node, TokenSpan};

/// Lays `prompt` on the last of `nodes`, the branch that the model was asked with.
pub(crate) fn place(nodes: &mut [Node], prompt: Vec<u32>) {
    let mut rest = prompt.as_slice();
    for span in nodes.iter().filter_map(|node| node.tokens.as_ref()) {
        match rest.strip_prefix(span.ids.as_slice()) {
            Some(tail) => rest = tail,
            None => return,
        }
    }
    let Some(last) = nodes.last_mut() else { return };
    if last.tokens.is_some() || rest.is_empty() {
        return;
    }
    last.tokens = Some(TokenSpan {
        is_sampled: vec![false; rest.len()],
        logprobs: Vec::new(),
        is_content: Vec::new(),
        ids: rest.to_vec(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use nex_trajectory::Message;

    #[test]
    fn spans_of_a_branch_are_the_prompt() {
        let mut nodes = vec![Node::new(None, Message::system("s")), Node::new(None, Message::user("u"))];
        place(&mut nodes, vec![1, 2, 3]);
        let mut reply = Node::new(None, Message::assistant("a"));
        reply.tokens = Some(TokenSpan { ids: vec![4, 5], ..TokenSpan::default() });
        nodes.extend([reply, Node::new(None, Message::user("next"))]);
        place(&mut nodes, vec![1, 2, 3, 4, 5, 6]);
        let ids: Vec<u32> =
            nodes.iter().filter_map(|node| node.tokens.as_ref()).flat_map(|t| t.ids.clone()).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5, 6]);

        nodes.push(Node::new(None, Message::user("retokenised")));
        place(&mut nodes, vec![1, 2, 9, 4, 5, 6, 7]);
        assert!(nodes.last().is_some_and(|node| node.tokens.is_none()));
    }
}
