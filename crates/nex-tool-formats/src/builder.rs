//! The reply under construction: what the grammars write to.
//!
//! Text and reasoning may be added in any pieces; the result depends only on what they add up to.
//! Every call is checked against the tools here, so no format has to.

use crate::json;
use crate::reply::{ParsedCall, ParsedReply, Repair, ReplyBlock, ReplyDelta};
use crate::toolset::{Toolset, Types};
use nex_trajectory::{Arguments, CallId, Defect, DefectKind};
use std::collections::HashSet;
use std::ops::Range;

const BLANKS: [char; 4] = [' ', '\n', '\r', '\t'];

/// What a format's template puts around text, which is therefore not part of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextRules {
    /// Between text and the first call. What of its end stands there is taken off the text.
    pub(crate) before_call: &'static str,
    /// Text after a call is normal, not a defect.
    pub(crate) allows_text_after_call: bool,
}

/// Collects one reply.
#[derive(Debug)]
pub(crate) struct ReplyBuilder {
    rules: TextRules,
    tools: Toolset,
    /// Calls that are no JSON or have no end are to be mended.
    pub(crate) is_repairing: bool,
    blocks: Vec<ReplyBlock>,
    defects: Vec<Defect>,
    repairs: Vec<Repair>,
    /// There was a call, so text is text after a call.
    has_call: bool,
    /// The text block under way was reported as text after a call.
    is_told: bool,
    /// Blocks, and bytes of the block behind them, that were given out as deltas.
    published: (usize, usize),
}

impl ReplyBuilder {
    pub(crate) fn new(rules: TextRules, tools: &Toolset, is_repairing: bool) -> Self {
        Self {
            rules,
            tools: tools.clone(),
            is_repairing,
            blocks: Vec::new(),
            defects: Vec::new(),
            repairs: Vec::new(),
            has_call: false,
            is_told: false,
            published: (0, 0),
        }
    }

    pub(crate) fn tools(&self) -> &Toolset {
        &self.tools
    }

    /// The types that an argument may have.
    pub(crate) fn types(&self, tool: &str, argument: &str) -> Types {
        self.tools.types(tool, argument)
    }

    /// Adds text, which stands at `offset` of the reply.
    pub(crate) fn text(&mut self, text: &str, offset: usize) {
        if text.is_empty() {
            return;
        }
        self.open_text();
        if self.has_call
            && !self.is_told
            && !self.rules.allows_text_after_call
            && let Some(at) = text.find(|c| !BLANKS.contains(&c))
        {
            self.is_told = true;
            let message = "text after a call, where the format has none";
            self.defects.push(Defect::new(DefectKind::TextAfterCall, message).at(offset + at));
        }
        self.append(text);
    }

    /// Adds a call that could not be read, as the text that it is. Its defects are the caller's to
    /// report.
    pub(crate) fn unread_call(&mut self, text: &str) {
        if !text.is_empty() {
            self.open_text();
            self.is_told = true;
            self.append(text);
        }
    }

    fn open_text(&mut self) {
        if !matches!(self.blocks.last(), Some(ReplyBlock::Text(_))) {
            self.blocks.push(ReplyBlock::Text(String::new()));
            self.is_told = false;
        }
    }

    fn append(&mut self, more: &str) {
        match self.blocks.last_mut() {
            Some(ReplyBlock::Text(text) | ReplyBlock::Reasoning(text)) => text.push_str(more),
            _ => unreachable!("a block was opened"),
        }
    }

    /// Adds reasoning.
    pub(crate) fn reasoning(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.drop_blank_text();
        if !matches!(self.blocks.last(), Some(ReplyBlock::Reasoning(_))) {
            self.blocks.push(ReplyBlock::Reasoning(String::new()));
        }
        self.append(text);
    }

    /// The reasoning under way is over: one line break at its end belongs to the template.
    pub(crate) fn end_reasoning(&mut self, template_end: &str) {
        if let Some(ReplyBlock::Reasoning(text)) = self.blocks.last_mut() {
            if text.ends_with(template_end) {
                text.truncate(text.len() - template_end.len());
            }
            if text.is_empty() {
                self.blocks.pop();
            }
        }
    }

    /// Adds a call, checked against the tools.
    pub(crate) fn call(&mut self, id: Option<CallId>, name: String, arguments: String, span: Range<usize>) {
        let before = self.rules.before_call;
        if let Some(ReplyBlock::Text(text)) = self.blocks.last_mut() {
            let mut from = 0;
            while !text.ends_with(&before[from..]) {
                from += 1;
            }
            text.truncate(text.len() - (before.len() - from));
            if text.is_empty() {
                self.blocks.pop();
            }
        }
        self.drop_blank_text();
        let (defects, start) = (&mut self.defects, span.start);
        self.tools.check(&name, &arguments, |defect| defects.push(defect.at(start)));
        let arguments = Arguments::from_text(arguments);
        self.blocks.push(ReplyBlock::Call(ParsedCall { id, name, arguments, span }));
        self.has_call = true;
    }

    /// After a call, text that is only white space is the template's.
    fn drop_blank_text(&mut self) {
        if let (true, Some(ReplyBlock::Text(text))) = (self.has_call, self.blocks.last())
            && text.trim_matches(BLANKS).is_empty()
        {
            self.blocks.pop();
        }
    }

    pub(crate) fn defect(&mut self, kind: DefectKind, offset: usize, message: impl Into<String>) {
        self.defects.push(Defect::new(kind, message).at(offset));
    }

    pub(crate) fn repair(&mut self, kind: DefectKind, offset: usize, message: impl Into<String>) {
        self.repairs.push(Repair { kind, offset_bytes: offset, message: message.into() });
    }

    /// Gives out what is new and will stay. White space at the end of a text waits: a call may follow.
    pub(crate) fn take_deltas(&mut self, is_over: bool, out: &mut Vec<ReplyDelta>) {
        while let Some(block) = self.blocks.get(self.published.0) {
            let is_open = !is_over && self.published.0 + 1 == self.blocks.len();
            let from = self.published.1;
            let new = |text: &str| {
                let end = if is_open { text.trim_end_matches(BLANKS).len().max(from) } else { text.len() };
                (text[from.min(end)..end].to_owned(), end)
            };
            let (delta, end) = match block {
                ReplyBlock::Call(call) => (ReplyDelta::Call(call.clone()), 0),
                ReplyBlock::Text(text) => {
                    let (new, end) = new(text);
                    (ReplyDelta::Text(new), end)
                }
                ReplyBlock::Reasoning(text) => {
                    let (new, end) = new(text);
                    (ReplyDelta::Reasoning(new), end)
                }
            };
            if !matches!(&delta, ReplyDelta::Text(new) | ReplyDelta::Reasoning(new) if new.is_empty()) {
                out.push(delta);
            }
            if is_open && !matches!(block, ReplyBlock::Call(_)) {
                self.published.1 = end;
                return;
            }
            self.published = (self.published.0 + 1, 0);
        }
    }

    /// The reply is over; deltas may still be taken.
    pub(crate) fn close(&mut self) {
        self.drop_blank_text();
        let says_something =
            self.blocks.iter().any(|b| matches!(b, ReplyBlock::Call(_) | ReplyBlock::Text(_)));
        if !says_something {
            self.defects.push(Defect::new(DefectKind::EmptyReply, "neither text nor a call"));
        }
        let mut ids: HashSet<&CallId> = HashSet::new();
        for block in &self.blocks {
            let ReplyBlock::Call(ParsedCall { id: Some(id), span, .. }) = block else { continue };
            if !ids.insert(id) {
                let message = format!("another call of this reply has the id `{id}` too");
                self.defects.push(Defect::new(DefectKind::DuplicateCallId, message).at(span.start));
            }
        }
        // Bytes that are no UTF-8 are noticed before what they stand in is read, or after: by the pieces.
        self.defects.sort_by_key(|defect| (defect.offset_bytes, defect.kind != DefectKind::InvalidUtf8));
    }

    pub(crate) fn finish(self) -> ParsedReply {
        ParsedReply { blocks: self.blocks, defects: self.defects, repairs: self.repairs }
    }
}

/// The text of a JSON string that names a tool; what stands there, if it is none.
pub(crate) fn name_of(json: &str) -> Option<String> {
    json::unescape(json).map(|name| name.into_owned())
}
