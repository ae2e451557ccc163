//! Reading a whole conversation back.

use super::{
    BEGIN, END, Mistral, QUESTION_CLOSE, QUESTION_OPEN, RESULT_CLOSE, RESULT_MIDDLE, RESULT_OPEN, Results,
    SYSTEM_CLOSE, SYSTEM_OPEN, TOOLS_CLOSE, TOOLS_OPEN,
};
use crate::builder::name_of;
use crate::declared::tools_in_array;
use crate::json;
use crate::reading::{ConversationBuilder, first_of};
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{CallId, ContentBlock, Message, ToolSpec};

/// The marks with which another turn begins.
const STARTS: [&str; 4] = [QUESTION_OPEN, RESULT_OPEN, SYSTEM_OPEN, TOOLS_OPEN];

pub(super) fn parse(
    format: &Mistral,
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let read = Reading { gap: format.gap, text };
    // They may stand behind replies that call them.
    if let Some(at) = text.find(TOOLS_OPEN) {
        let (declared, at, _) = read.inside(at, TOOLS_OPEN, TOOLS_CLOSE)?;
        out.declare(tools_in_array(declared, at)?);
    }
    let mut at = if text.starts_with(BEGIN) { BEGIN.len() } else { 0 };
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(TOOLS_OPEN) {
            (_, _, at) = read.inside(at, TOOLS_OPEN, TOOLS_CLOSE)?;
        } else if rest.starts_with(SYSTEM_OPEN) {
            let (content, _, after) = read.inside(at, SYSTEM_OPEN, SYSTEM_CLOSE)?;
            out.message(Message::system(content));
            at = after;
        } else if rest.starts_with(QUESTION_OPEN) {
            let (content, _, after) = read.inside(at, QUESTION_OPEN, QUESTION_CLOSE)?;
            out.message(Message::user(content));
            at = after;
        } else if rest.starts_with(RESULT_OPEN) {
            let (content, content_at, after) = read.inside(at, RESULT_OPEN, RESULT_CLOSE)?;
            result(format, content, content_at, &mut out)?;
            at = after;
        } else {
            let end = first_of(text, at, &[END, STARTS[0], STARTS[1], STARTS[2], STARTS[3]]);
            out.reply(format, &text[at..end], ParseOptions::default());
            at = if text[end..].starts_with(END) { end + END.len() } else { end };
        }
    }
    Ok(out.finish())
}

struct Reading<'a> {
    gap: &'a str,
    text: &'a str,
}

impl<'a> Reading<'a> {
    /// What stands between `open`, which is at `at`, and `close`; where it begins, and where it all ends.
    fn inside(
        &self,
        at: usize,
        open: &str,
        close: &str,
    ) -> Result<(&'a str, usize, usize), ConversationError> {
        let inside = &self.text[at + open.len()..];
        let inside = inside.strip_prefix(self.gap).unwrap_or(inside);
        let (content, after) = inside
            .split_once(close)
            .ok_or_else(|| ConversationError::new(at, format!("{open} is not closed")))?;
        Ok((content, self.text.len() - inside.len(), self.text.len() - after.len()))
    }
}

fn result(
    format: &Mistral,
    content: &str,
    at: usize,
    out: &mut ConversationBuilder,
) -> Result<(), ConversationError> {
    let fail = |message: String| ConversationError::new(at, message);
    let (id, text) = match format.results {
        Results::Bare => {
            return if out.result(content, false) {
                Ok(())
            } else {
                Err(fail("a result without a call before it".to_owned()))
            };
        }
        Results::Id => {
            let (id, text) = content
                .split_once(RESULT_MIDDLE)
                .ok_or_else(|| fail(format!("a result has an id and {RESULT_MIDDLE}")))?;
            (id.to_owned(), text.strip_prefix(format.gap).unwrap_or(text).to_owned())
        }
        Results::Object => {
            let members =
                json::members(content).ok_or_else(|| fail("a result is a JSON object".to_owned()))?;
            let member = |key: &str| members.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
            let id = member("call_id")
                .and_then(name_of)
                .ok_or_else(|| fail("a result has a `call_id`".to_owned()))?;
            let value = member("content").ok_or_else(|| fail("a result has a `content`".to_owned()))?;
            // A value that is no string stands as the text that it is.
            (id, name_of(value).unwrap_or_else(|| value.to_owned()))
        }
    };
    out.result_of(CallId(id), vec![ContentBlock::Text { text }], false);
    Ok(())
}
