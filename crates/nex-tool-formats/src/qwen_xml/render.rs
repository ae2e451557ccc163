//! Rendering a conversation with its loss mask.

use super::{
    CALL_CLOSE, CALL_OPEN, FUNCTION_CLOSE, FUNCTION_OPEN, PARAMETER_CLOSE, PARAMETER_OPEN, QwenXml,
    THINK_CLOSE, THINK_OPEN, declarations,
};
use crate::chatml::{MARKS, TEXT_END, TURN_END, TURN_START, end_reply, push_turn};
use crate::hermes::{RESPONSE_CLOSE, RESPONSE_OPEN};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::tagged_arguments::arguments_of;
use crate::writing::{in_order, last_question, neighbours, plain_text, refuse, result_text, results};
use crate::{ReasoningHistory, RenderOptions, Rendered, Sample, SpanKind, Toolset, Unrepresentable};
use nex_trajectory::Role;

/// What no value may hold.
const VALUE_TAGS: [&str; 6] = [PARAMETER_CLOSE, FUNCTION_CLOSE, CALL_CLOSE, TURN_START, TURN_END, TEXT_END];

pub(super) fn render(
    dialect: QwenXml,
    sample: &Sample<'_>,
    options: &RenderOptions,
) -> Result<Rendered, Unrepresentable> {
    let mut writer = Writer {
        dialect,
        sample,
        options,
        toolset: Toolset::new(sample.tools),
        pairing: Pairing::default(),
        out: Rendered::for_sample(sample),
    };
    writer.system()?;
    for index in 0..sample.nodes.len() {
        writer.message(index)?;
    }
    let mut out = writer.out;
    if options.prompt_for_reply {
        out.push(SpanKind::Scaffold, false, TURN_START);
        out.push(SpanKind::Scaffold, false, "assistant\n");
        if dialect == QwenXml::Qwen35 {
            out.push(SpanKind::Scaffold, false, "<think>\n");
        }
    }
    Ok(out)
}

struct Writer<'a> {
    dialect: QwenXml,
    sample: &'a Sample<'a>,
    options: &'a RenderOptions,
    toolset: Toolset,
    pairing: Pairing,
    out: Rendered,
}

impl Writer<'_> {
    fn system(&mut self) -> Result<(), Unrepresentable> {
        let system = match self.sample.nodes.first() {
            Some(node) if node.message.role == Role::System => Some(plain_text(0, node, &MARKS)?),
            _ => None,
        };
        if let Some(text) = declarations::system(self.dialect, system.as_deref(), self.sample.tools)
            .map_err(|reason| Unrepresentable { message: 0, role: Role::System, reason })?
        {
            push_turn(&mut self.out, "system", SpanKind::System, &text);
        }
        Ok(())
    }

    fn message(&mut self, index: usize) -> Result<(), Unrepresentable> {
        let node = self.sample.nodes[index];
        match node.message.role {
            Role::System if index == 0 => {}
            Role::System if self.dialect == QwenXml::Qwen35 => {
                let reason = "the format has a system message only at the start";
                return Err(Unrepresentable::new(index, node, reason));
            }
            Role::System => {
                push_turn(&mut self.out, "system", SpanKind::System, &plain_text(index, node, &MARKS)?);
            }
            Role::User => {
                let text = plain_text(index, node, &MARKS)?;
                if text.starts_with(RESPONSE_OPEN) {
                    let reason = "the text begins like a tool's response and would be read as one";
                    return Err(Unrepresentable::new(index, node, reason));
                }
                push_turn(&mut self.out, "user", SpanKind::User, &text);
            }
            Role::Assistant => {
                self.pairing.calls(node.message.calls().map(|call| &call.id));
                self.assistant(index)?;
            }
            Role::Tool => self.tool(index)?,
        }
        Ok(())
    }

    fn assistant(&mut self, index: usize) -> Result<(), Unrepresentable> {
        let node = self.sample.nodes[index];
        let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
        refuse(index, node, &reasoning, &[TURN_START, TURN_END, TEXT_END, THINK_CLOSE, CALL_OPEN])?;
        refuse(index, node, &text, &[TURN_START, TURN_END, TEXT_END, CALL_OPEN, FUNCTION_OPEN])?;
        let has_block = self.has_think_block(index);
        let shows_reasoning = has_block && !reasoning.is_empty();
        if !shows_reasoning && text.trim_start().starts_with(THINK_OPEN) {
            let reason = format!("the text begins with `{THINK_OPEN}` and would be read as reasoning");
            return Err(Unrepresentable::new(index, node, reason));
        }
        let is_trainable = is_trainable(node);
        let out = &mut self.out;
        out.push(SpanKind::Scaffold, false, TURN_START);
        out.push(SpanKind::Scaffold, false, "assistant\n");
        let block = format!("{reasoning}\n{THINK_CLOSE}\n\n");
        match (self.dialect, shows_reasoning) {
            (QwenXml::Qwen3Coder, true) => {
                out.push(SpanKind::Reasoning, is_trainable, &format!("{THINK_OPEN}\n{block}"));
            }
            (QwenXml::Qwen35, true) => {
                out.push(SpanKind::Scaffold, false, "<think>\n");
                out.push(SpanKind::Reasoning, is_trainable, &block);
            }
            (QwenXml::Qwen35, false) if has_block => {
                out.push(SpanKind::Scaffold, false, "<think>\n\n</think>\n\n");
            }
            _ => {}
        }
        out.push(SpanKind::AssistantText, is_trainable, &text);
        let mut before = if text.is_empty() { "" } else { "\n\n" };
        for call in calls {
            let mut body = format!("{before}{CALL_OPEN}\n{FUNCTION_OPEN}{}>\n", call.name);
            for (key, value) in arguments_of(index, node, call, &self.toolset, self.options, &VALUE_TAGS)? {
                for part in [PARAMETER_OPEN, &key, ">\n", &value, "\n", PARAMETER_CLOSE, "\n"] {
                    body.push_str(part);
                }
            }
            body.push_str(FUNCTION_CLOSE);
            body.push('\n');
            body.push_str(CALL_CLOSE);
            out.push(SpanKind::Call, is_trainable, &body);
            before = "\n";
        }
        end_reply(out, is_trainable && ended_itself(node));
        Ok(())
    }

    /// Whether the reply at `index` has a block for reasoning, if only an empty one.
    fn has_think_block(&self, index: usize) -> bool {
        match (self.options.reasoning, self.dialect) {
            (ReasoningHistory::All, _) => true,
            (ReasoningHistory::AsTemplate, QwenXml::Qwen3Coder) => false,
            (ReasoningHistory::AsTemplate, QwenXml::Qwen35) => {
                last_question(self.sample).is_none_or(|question| index > question)
            }
        }
    }

    fn tool(&mut self, index: usize) -> Result<(), Unrepresentable> {
        let node = self.sample.nodes[index];
        let (follows_tool, precedes_tool) = neighbours(self.sample, index, Role::Tool);
        let (before, after) = match self.dialect {
            QwenXml::Qwen3Coder => ("", "\n"),
            QwenXml::Qwen35 => ("\n", ""),
        };
        let scaffold = |out: &mut Rendered, text: &str| out.push(SpanKind::Scaffold, false, text);
        if !follows_tool {
            scaffold(&mut self.out, TURN_START);
            scaffold(&mut self.out, if before.is_empty() { "user\n" } else { "user" });
        }
        for result in results(index, node)? {
            in_order(index, node, result, &mut self.pairing)?;
            let tags = [TURN_START, TURN_END, TEXT_END, RESPONSE_CLOSE.trim_start()];
            let text = result_text(index, node, result, &tags)?;
            scaffold(&mut self.out, before);
            scaffold(&mut self.out, RESPONSE_OPEN);
            self.out.push(SpanKind::Observation, false, &text);
            scaffold(&mut self.out, RESPONSE_CLOSE);
            scaffold(&mut self.out, after);
        }
        if !precedes_tool {
            scaffold(&mut self.out, TURN_END);
            scaffold(&mut self.out, "\n");
        }
        Ok(())
    }
}
