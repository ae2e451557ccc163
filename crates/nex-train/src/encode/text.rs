//! The encoding without structure: the text of a tool-call format, tags as ordinary text.

use super::{EncodedSample, TokenKind};
use crate::{Link, PolicyTokenizer, TrainError};
use nex_tool_formats::{RenderOptions, Rendered, Sample, SpanKind, ToolCallFormat};

fn render(format: &dyn ToolCallFormat, sample: &Sample<'_>) -> Result<Rendered, TrainError> {
    format.render(sample, &RenderOptions::default()).map_err(|fault| TrainError::Sequence {
        what: format!("sample in format `{}`", format.name()),
        reason: fault.to_string(),
    })
}

pub(super) fn texts(format: &dyn ToolCallFormat, sample: &Sample<'_>) -> Result<Vec<String>, TrainError> {
    let rendered = render(format, sample)?;
    Ok(rendered.spans.iter().map(|span| rendered.text[span.start..span.end].to_owned()).collect())
}

/// Each span by itself. The n-th output after a reply answers the n-th call of that reply, which is how
/// formats without call ids pair them.
pub(super) fn encode(
    tokenizer: &PolicyTokenizer,
    format: &dyn ToolCallFormat,
    encoded: &mut EncodedSample,
    sample: &Sample<'_>,
) -> Result<(), TrainError> {
    let rendered = render(format, sample)?;
    let mut calls = std::collections::VecDeque::new();
    for span in &rendered.spans {
        let start = encoded.tokens.len();
        for token in tokenizer.encode(&rendered.text[span.start..span.end])? {
            encoded.push(token, kind_of(span.kind), span.is_trainable);
        }
        let range = start..encoded.tokens.len();
        match span.kind {
            SpanKind::Call => calls.push_back(range),
            SpanKind::Observation => {
                if let Some(call) = calls.pop_front() {
                    encoded.links.push(Link { call, output: range });
                }
            }
            SpanKind::EndOfTurn => encoded.reply_ends.push(range.end),
            SpanKind::User => calls.clear(),
            _ => {}
        }
    }
    Ok(())
}

fn kind_of(kind: SpanKind) -> TokenKind {
    match kind {
        SpanKind::System | SpanKind::Scaffold => TokenKind::System,
        SpanKind::User => TokenKind::Task,
        SpanKind::Reasoning => TokenKind::Reasoning,
        SpanKind::AssistantText => TokenKind::Answer,
        SpanKind::Call => TokenKind::Call,
        SpanKind::EndOfTurn => TokenKind::End,
        SpanKind::Observation => TokenKind::Observation,
    }
}
