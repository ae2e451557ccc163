//! Formats that stand in ordinary chat messages, whatever the model's own template is.
//!
//! They have no template, so the turns are written in ChatML as scaffold: a conversation is one
//! text with one mask. Reasoning stands as `<think>` in front of the reply, for formats that have no
//! place of their own for it. Where there is no system message but tools, the declarations stand in
//! a system turn without the line breaks in front of them; that tells the two apart.

use crate::chatml::{self, MARKS, TURN_START, Turn, end_reply, push_turn};
use crate::reading::ConversationBuilder;
use crate::sample::{ReplyParts, ended_itself, is_trainable};
use crate::writing::{keeps_reasoning, plain_text, result_text, results};
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, Sample, SpanKind, ToolCallFormat,
    Toolset, Unrepresentable,
};
use nex_trajectory::{ContentBlock, Message, Role, ToolCall, ToolSpec};

pub(crate) const THINK_OPEN: &str = "<think>";
pub(crate) const THINK_CLOSE: &str = "</think>";

/// What one such format puts into its messages. Reasons of refusal are for a person.
pub(crate) trait ChatText: ToolCallFormat {
    /// What tells that a call begins: no text and no reasoning may hold one of them.
    fn openers(&self, tools: &Toolset) -> Vec<String>;

    /// The declarations of `tools` (at least one), beginning with a line break.
    fn declare(&self, tools: &[ToolSpec]) -> Result<String, String>;

    /// The declarations in a system message.
    fn declared(&self, content: &str) -> Option<Declared>;

    /// The pieces of a reply; `reasoning` only if the format has a place for it.
    fn reply(&self, parts: &ReplyParts<'_>, of: &Sampled<'_>) -> Result<Vec<(SpanKind, String)>, String>;

    /// Whether reasoning stands in the format's own place.
    fn has_own_reasoning(&self) -> bool {
        false
    }

    /// The user turns, each in pieces, that give `results` back, one for each of `calls` from the
    /// first on.
    fn results(&self, calls: &[&ToolCall], results: &[ResultText<'_>]) -> Result<ResultTurns, String>;

    /// The results of `calls` in the content of a user turn; none if it holds the user's words, and
    /// which.
    fn read_user<'a>(&self, content: &'a str, calls: &[ToolCall]) -> UserTurn<'a>;

    /// Whether a user may say `text` after calls of which `calls` wait for a result.
    fn check_user(&self, text: &str, calls: &[ToolCall]) -> Result<(), String>;
}

/// Declarations in a system message.
pub(crate) struct Declared {
    /// Where the system message ends and they begin; none if there is no system message.
    pub(crate) system_end: Option<usize>,
    /// What they declare, as far as they tell it.
    pub(crate) tools: Vec<ToolSpec>,
}

impl Declared {
    /// Finds `opening`, with which declarations begin, and reads what is behind it with `read`.
    pub(crate) fn find(content: &str, opening: &str, read: impl Fn(&str) -> Vec<ToolSpec>) -> Option<Self> {
        if let Some(inside) = content.strip_prefix(opening.trim_start_matches('\n')) {
            return Some(Self { system_end: None, tools: read(inside) });
        }
        let at = memchr::memmem::find(content.as_bytes(), opening.as_bytes())?;
        Some(Self { system_end: Some(at), tools: read(&content[at + opening.len()..]) })
    }
}

/// User turns in pieces.
pub(crate) type ResultTurns = Vec<Vec<(SpanKind, String)>>;

/// What is known when a reply is written.
pub(crate) struct Sampled<'a> {
    pub(crate) tools: &'a Toolset,
    pub(crate) options: &'a RenderOptions,
}

/// A result that is text.
pub(crate) struct ResultText<'a> {
    pub(crate) text: &'a str,
    pub(crate) is_error: bool,
}

/// What a user turn is.
pub(crate) enum UserTurn<'a> {
    /// The user's words.
    Words(&'a str),
    /// Results: which of the waiting calls, the text, whether it is an error.
    Results(Vec<(usize, &'a str, bool)>),
}

/// Writes `sample`.
///
/// # Errors
/// Something in it would not come back.
pub(crate) fn render(
    format: &dyn ChatText,
    sample: &Sample<'_>,
    options: &RenderOptions,
) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let tools = Toolset::new(sample.tools);
    let declarations = match (sample.tools, sample.nodes.first()) {
        ([], _) | (_, None) => String::new(),
        (declared, Some(first)) => {
            let text = format.declare(declared).and_then(|text| free_of(&text, &MARKS).map(|()| text));
            text.map_err(|reason| Unrepresentable::new(0, first, reason))?
        }
    };
    let has_system = sample.nodes.first().is_some_and(|node| node.message.role == Role::System);
    if !has_system && !declarations.is_empty() {
        push_turn(&mut out, "system", SpanKind::System, declarations.trim_start_matches('\n'));
    }
    let openers = format.openers(&tools);
    let mut waiting: Vec<&ToolCall> = Vec::new();
    let mut index = 0;
    while let Some(node) = sample.nodes.get(index).copied() {
        let refused = |reason: String| Unrepresentable::new(index, node, reason);
        match node.message.role {
            Role::System => {
                let mut text = plain_text(index, node, &MARKS)?.into_owned();
                if index == 0 {
                    let end = text.len();
                    text += &declarations;
                    let expected = if declarations.is_empty() { None } else { Some(Some(end)) };
                    if format.declared(&text).map(|declared| declared.system_end) != expected {
                        return Err(refused("the text holds what tool declarations begin with".to_owned()));
                    }
                }
                push_turn(&mut out, "system", SpanKind::System, &text);
            }
            Role::User => {
                let text = plain_text(index, node, &MARKS)?;
                let waiting: Vec<ToolCall> = waiting.iter().map(|call| (*call).clone()).collect();
                format.check_user(&text, &waiting).map_err(refused)?;
                push_turn(&mut out, "user", SpanKind::User, &text);
            }
            Role::Assistant => {
                let mut parts = ReplyParts::of(index, node)?;
                check_reply(format, &parts, &openers).map_err(refused)?;
                let mut pieces = Vec::new();
                if !format.has_own_reasoning() {
                    let reasoning = std::mem::take(&mut parts.reasoning);
                    if !reasoning.is_empty() && keeps_reasoning(sample, index, options) {
                        let block = format!("{THINK_OPEN}\n{reasoning}\n{THINK_CLOSE}\n\n");
                        pieces.push((SpanKind::Reasoning, block));
                    } else if parts.text.trim_start().starts_with(THINK_OPEN) {
                        let reason = "the text begins with `<think>` and would be read as reasoning";
                        return Err(refused(reason.to_owned()));
                    }
                }
                pieces.extend(format.reply(&parts, &Sampled { tools: &tools, options }).map_err(refused)?);
                waiting = parts.calls;
                out.push(SpanKind::Scaffold, false, TURN_START);
                out.push(SpanKind::Scaffold, false, "assistant\n");
                for (kind, text) in &pieces {
                    free_of(text, &MARKS).map_err(refused)?;
                    out.push(*kind, is_trainable(node), text);
                }
                end_reply(&mut out, is_trainable(node) && ended_itself(node));
            }
            Role::Tool => {
                index = push_results(format, sample, index, &mut waiting, &mut out)?;
                continue;
            }
        }
        index += 1;
    }
    if options.prompt_for_reply {
        out.push(SpanKind::Scaffold, false, TURN_START);
        out.push(SpanKind::Scaffold, false, "assistant\n");
    }
    Ok(out)
}

fn check_reply(format: &dyn ChatText, parts: &ReplyParts<'_>, openers: &[String]) -> Result<(), String> {
    for text in [&parts.reasoning, &parts.text] {
        free_of(text, openers)?;
    }
    if format.has_own_reasoning() { Ok(()) } else { free_of(&parts.reasoning, &[THINK_CLOSE]) }
}

/// # Errors
/// `text` holds one of `tags`.
pub(crate) fn free_of(text: &str, tags: &[impl AsRef<str>]) -> Result<(), String> {
    match tags
        .iter()
        .map(AsRef::as_ref)
        .find(|tag| memchr::memmem::find(text.as_bytes(), tag.as_bytes()).is_some())
    {
        None => Ok(()),
        Some(tag) => Err(format!("the text holds `{}`, which the format cannot escape", tag.trim())),
    }
}

/// Writes the results in the tool messages from `first` on; gives the index behind them.
fn push_results(
    format: &dyn ChatText,
    sample: &Sample<'_>,
    first: usize,
    waiting: &mut Vec<&ToolCall>,
    out: &mut Rendered,
) -> Result<usize, Unrepresentable> {
    let mut texts = Vec::new();
    let mut index = first;
    while let Some(node) = sample.nodes.get(index).filter(|node| node.message.role == Role::Tool) {
        for result in results(index, node)? {
            if waiting.get(texts.len()).is_none_or(|call| call.id != result.call_id) {
                let reason = format!(
                    "the result of call `{}` does not stand in the order of the calls, which is all that pairs them",
                    result.call_id
                );
                return Err(Unrepresentable::new(index, node, reason));
            }
            texts.push((result_text(index, node, result, &MARKS)?, result.is_error));
        }
        index += 1;
    }
    let results: Vec<_> =
        texts.iter().map(|(text, is_error)| ResultText { text, is_error: *is_error }).collect();
    let turns = format.results(waiting, &results);
    for turn in turns.map_err(|reason| Unrepresentable::new(first, sample.nodes[first], reason))? {
        out.push(SpanKind::Scaffold, false, TURN_START);
        out.push(SpanKind::Scaffold, false, "user\n");
        for (kind, text) in turn {
            out.push(kind, false, &text);
        }
        out.push(SpanKind::Scaffold, false, chatml::TURN_END);
        out.push(SpanKind::Scaffold, false, "\n");
    }
    waiting.drain(..texts.len());
    Ok(index)
}

/// Reads a conversation back.
///
/// # Errors
/// It is no ChatML.
pub(crate) fn parse(
    format: &dyn ChatText,
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let mut waiting: Vec<ToolCall> = Vec::new();
    for turn in chatml::turns(text) {
        let Turn { role, content, at } = turn?;
        match role {
            "system" if out.is_empty() => match format.declared(content) {
                Some(Declared { system_end, tools }) => {
                    out.declare(tools);
                    if let Some(end) = system_end {
                        out.message(Message::system(&content[..end]));
                    }
                }
                None => out.message(Message::system(content)),
            },
            "system" => out.message(Message::system(content)),
            "user" => match format.read_user(content, &waiting) {
                UserTurn::Words(text) => out.message(Message::user(text)),
                UserTurn::Results(results) => {
                    let answered: Vec<usize> = results.iter().map(|(index, ..)| *index).collect();
                    for (index, text, is_error) in results {
                        let Some(call) = waiting.get(index) else {
                            return Err(ConversationError::new(at, "a result without a call before it"));
                        };
                        let content = vec![ContentBlock::Text { text: text.to_owned() }];
                        out.result_of(call.id.clone(), content, is_error);
                    }
                    let mut index = 0;
                    waiting.retain(|_| {
                        index += 1;
                        !answered.contains(&(index - 1))
                    });
                }
            },
            "assistant" => {
                out.reply(format, content, ParseOptions::default());
                waiting = out.calls_of_last_reply();
            }
            _ => {
                let message = format!("unknown role `{role}`; it is system, user or assistant");
                return Err(ConversationError::new(at, message));
            }
        }
    }
    Ok(out.finish())
}
