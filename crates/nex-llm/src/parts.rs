//! The parts of a reply while it comes in, and what they make when it is complete.
//!
//! Text and reasoning grow in the block that is open; anything else opens a new one, so that blocks
//! stand in the order in which they were produced. A half reply is dropped with its parts.

use nex_trajectory::{Arguments, CallId, ContentBlock, Defect, DefectKind, ToolCall};
use std::borrow::Cow;

/// Content blocks in the order of their first piece.
#[derive(Default)]
pub(crate) struct Parts {
    content: Vec<ContentBlock>,
}

impl Parts {
    /// Adds to the open text, or opens one.
    pub(crate) fn text(&mut self, piece: Cow<'_, str>) {
        match self.content.last_mut() {
            _ if piece.is_empty() => {}
            Some(ContentBlock::Text { text }) => text.push_str(&piece),
            _ => self.content.push(ContentBlock::Text { text: piece.into_owned() }),
        }
    }

    /// Adds to the open reasoning, or opens one.
    pub(crate) fn reasoning(&mut self, piece: Cow<'_, str>) {
        match self.content.last_mut() {
            _ if piece.is_empty() => {}
            Some(ContentBlock::Reasoning { text, signature: None }) => text.push_str(&piece),
            _ => self.content.push(ContentBlock::Reasoning { text: piece.into_owned(), signature: None }),
        }
    }

    /// Adds a block as it is and gives its place.
    pub(crate) fn block(&mut self, block: ContentBlock) -> usize {
        self.content.push(block);
        self.content.len() - 1
    }

    /// Opens a call and gives its place.
    pub(crate) fn call(&mut self, id: &str, name: &str, arguments: String) -> usize {
        let call = ToolCall { id: CallId::new(id), name: name.to_owned(), arguments: Arguments(arguments) };
        self.block(ContentBlock::ToolCall(call))
    }

    /// The call at `place`.
    pub(crate) fn call_at(&mut self, place: usize) -> Option<&mut ToolCall> {
        match self.content.get_mut(place) {
            Some(ContentBlock::ToolCall(call)) => Some(call),
            _ => None,
        }
    }

    /// The block at `place`.
    pub(crate) fn block_at(&mut self, place: usize) -> Option<&mut ContentBlock> {
        self.content.get_mut(place)
    }

    /// Whether a call is among the blocks.
    pub(crate) fn has_calls(&self) -> bool {
        self.content.iter().any(|block| matches!(block, ContentBlock::ToolCall(_)))
    }

    /// The blocks that hold something, with an id on each call. Where the model gave none, or gave one twice, the id is
    /// made from the conversation's length and the call's place: unique and the same in every run.
    pub(crate) fn finish(mut self, message_count: usize) -> (Vec<ContentBlock>, Vec<Defect>) {
        let mut defects = Vec::new();
        self.content.retain(|block| match block {
            ContentBlock::Text { text } => !text.is_empty(),
            ContentBlock::Reasoning { text, signature } => !text.is_empty() || signature.is_some(),
            _ => true,
        });
        for place in 0..self.content.len() {
            let (before, rest) = self.content.split_at_mut(place);
            let ContentBlock::ToolCall(call) = &mut rest[0] else { continue };
            let is_double = before
                .iter()
                .any(|block| matches!(block, ContentBlock::ToolCall(other) if other.id == call.id));
            if call.id.as_str().is_empty() || is_double {
                let made = CallId::new(format!("call_{message_count}_{place}"));
                if is_double {
                    defects.push(
                        Defect::new(
                            DefectKind::DuplicateCallId,
                            format!(
                                "call id `{}` stands twice in one reply; the later call is now `{made}`",
                                call.id
                            ),
                        )
                        .of_call(made.clone()),
                    );
                }
                call.id = made;
            }
        }
        self.content.shrink_to_fit();
        (self.content, defects)
    }
}
