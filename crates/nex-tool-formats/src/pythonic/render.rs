//! Rendering a conversation with its loss mask.

use super::{
    CALLS_OPEN, CLOSERS, Dialect, HEADER_CLOSE, HEADER_OPEN, LFM2_MARKS, LFM2_TEXT_START, LFM2_TOOLS_OPEN,
    LIST_CLOSE, LLAMA_4_MARKS, LLAMA_4_TOOLS_OPEN, OPENERS, Pythonic, RESPONSE_CLOSE, RESPONSE_OPEN,
    TEXT_START, THINK_CLOSE, THINK_OPEN, TURN_END, write,
};
use crate::chatml;
use crate::declaration::declaration;
use crate::json::{self, escape_tags};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::writing::{in_order, plain_text, refuse, result_text, results};
use crate::{
    ParseOptions, ReasoningHistory, RenderOptions, Rendered, ReplyBlock, Sample, SpanKind, ToolCallFormat,
    Toolset, Unrepresentable, python_json,
};
use nex_trajectory::{Node, Role, ToolSpec};
use serde_json::Value;

pub(super) fn render(
    format: Pythonic,
    sample: &Sample<'_>,
    options: &RenderOptions,
) -> Result<Rendered, Unrepresentable> {
    let mut writer =
        Writer { format, toolset: Toolset::new(sample.tools), out: Rendered::for_sample(sample) };
    let mut pairing = Pairing::default();
    let first_is_system = sample.nodes.first().is_some_and(|node| node.message.role == Role::System);
    let start = writer.either(TEXT_START, LFM2_TEXT_START);
    writer.out.push(SpanKind::Scaffold, false, start);
    let instructions = match sample.nodes.first() {
        Some(node) if first_is_system => {
            let text = plain_text(0, node, writer.marks())?;
            refuse(0, node, &text, &[LLAMA_4_TOOLS_OPEN])?;
            text.into_owned()
        }
        _ => String::new(),
    };
    writer.system(&instructions, sample.tools);
    for (index, node) in sample.nodes.iter().copied().enumerate().skip(usize::from(first_is_system)) {
        match node.message.role {
            Role::System => {
                writer.turn("system", SpanKind::System, &plain_text(index, node, writer.marks())?);
            }
            Role::User => writer.turn("user", SpanKind::User, &plain_text(index, node, writer.marks())?),
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                writer.assistant(index, node, options)?;
            }
            Role::Tool => {
                for result in results(index, node)? {
                    in_order(index, node, result, &mut pairing)?;
                    writer.result(&result_text(index, node, result, writer.either(&[], writer.marks()))?);
                }
            }
        }
    }
    if options.prompt_for_reply {
        writer.open("assistant");
    }
    Ok(writer.out)
}

struct Writer {
    format: Pythonic,
    toolset: Toolset,
    out: Rendered,
}

impl Writer {
    fn either<T>(&self, llama_4: T, lfm2: T) -> T {
        self.format.either(llama_4, lfm2)
    }

    fn marks(&self) -> &'static [&'static str] {
        self.either(&LLAMA_4_MARKS, &LFM2_MARKS)
    }

    fn open(&mut self, role: &str) {
        let (before, behind) = self.either((HEADER_OPEN, HEADER_CLOSE), (chatml::TURN_START, ""));
        let line = self.either("\n\n", "\n");
        for piece in [before, role, behind, line] {
            self.out.push(SpanKind::Scaffold, false, piece);
        }
    }

    /// Writes a turn that is not the model's.
    fn turn(&mut self, role: &str, kind: SpanKind, text: &str) {
        self.open(role);
        self.out.push(kind, false, text);
        let end = self.either(TURN_END, "<|im_end|>\n");
        self.out.push(SpanKind::Scaffold, false, end);
    }

    fn system(&mut self, instructions: &str, tools: &[ToolSpec]) {
        let mut text = instructions.to_owned();
        if !tools.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            let declared: Vec<Value> = tools.iter().map(declaration).collect();
            match self.format.dialect {
                Dialect::Llama4 => {
                    text.push_str(LLAMA_4_TOOLS_OPEN);
                    let list = python_json::dumps_indented(&declared.into(), b"    ");
                    text.push_str(&escape_tags(&list, &LLAMA_4_MARKS));
                    text.push('\n');
                }
                Dialect::Lfm2 => {
                    text.push_str(LFM2_TOOLS_OPEN);
                    let list: Vec<String> = declared.iter().map(python_json::dumps).collect();
                    text.push_str(&escape_tags(&list.join(", "), &LFM2_MARKS));
                    text.push(']');
                    text.push_str(LIST_CLOSE);
                }
            }
        }
        if !text.is_empty() {
            self.turn("system", SpanKind::System, &text);
        }
    }

    fn result(&mut self, text: &str) {
        match self.format.dialect {
            Dialect::Llama4 => {
                let mut quoted = String::new();
                json::push_string(&mut quoted, text);
                self.turn("ipython", SpanKind::Observation, &escape_tags(&quoted, &LLAMA_4_MARKS));
            }
            Dialect::Lfm2 => {
                self.open("tool");
                self.out.push(SpanKind::Scaffold, false, RESPONSE_OPEN);
                self.out.push(SpanKind::Observation, false, text);
                self.out.push(SpanKind::Scaffold, false, RESPONSE_CLOSE);
                self.out.push(SpanKind::Scaffold, false, "<|im_end|>\n");
            }
        }
    }

    fn assistant(
        &mut self,
        index: usize,
        node: &Node,
        options: &RenderOptions,
    ) -> Result<(), Unrepresentable> {
        let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
        let fail = |reason: String| Err(Unrepresentable::new(index, node, reason));
        let is_llama = self.format.dialect == Dialect::Llama4;
        refuse(index, node, &text, self.marks())?;
        refuse(index, node, &text, &OPENERS)?;
        let shows_reasoning = !reasoning.is_empty() && options.reasoning == ReasoningHistory::All;
        if shows_reasoning {
            if is_llama {
                return fail("the format has no place for reasoning".to_owned());
            }
            refuse(index, node, &reasoning, self.marks())?;
            refuse(index, node, &reasoning, &[THINK_CLOSE, CALLS_OPEN])?;
        } else if !is_llama && text.trim_start().starts_with(THINK_OPEN) {
            return fail(format!("the text begins with `{THINK_OPEN}` and would be read as reasoning"));
        }
        if is_llama && !calls.is_empty() && !text.is_empty() {
            return fail("text beside a call: nothing would tell where the call begins".to_owned());
        }
        if !self.is_read_as_text(&text) {
            return fail("the text has the shape of a call and would be read as one".to_owned());
        }
        let is_trainable = is_trainable(node);
        self.open("assistant");
        if shows_reasoning {
            self.out.push(SpanKind::Reasoning, is_trainable, THINK_OPEN);
            self.out.push(SpanKind::Reasoning, is_trainable, &reasoning);
            self.out.push(SpanKind::Reasoning, is_trainable, THINK_CLOSE);
        }
        self.out.push(SpanKind::AssistantText, is_trainable, &text);
        let last = calls.len().saturating_sub(1);
        for (position, call) in calls.into_iter().enumerate() {
            let python = write::call(call, self.format.dialect)
                .map_err(|reason| Unrepresentable::new(index, node, reason))?;
            let python = escape_tags(&python, self.marks());
            let python = escape_tags(&python, &OPENERS);
            let python = escape_tags(&python, &CLOSERS);
            let before = if position > 0 { ", " } else { self.either("[", "<|tool_call_start|>[") };
            let behind = self.either("]", "]<|tool_call_end|>");
            let behind = if position == last { behind } else { "" };
            self.out.push(SpanKind::Call, is_trainable, &format!("{before}{python}{behind}"));
        }
        self.out.push(
            SpanKind::EndOfTurn,
            is_trainable && ended_itself(node),
            self.either(TURN_END, chatml::TURN_END),
        );
        self.out.push(SpanKind::Scaffold, false, self.either("", "\n"));
        Ok(())
    }

    fn is_read_as_text(&self, text: &str) -> bool {
        if !text.contains('(') {
            return true;
        }
        let reply = self.format.parse(text, &self.toolset, ParseOptions::default());
        // With a defect it is a broken call, which would be mended on request.
        reply.defects.is_empty()
            && matches!(reply.blocks.as_slice(), [ReplyBlock::Text(read)] if read == text)
    }
}
