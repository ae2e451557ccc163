//! Running one case in one format.

use super::case::{Case, Expected, Fate, Findings, Probe, TextRule};
use super::compare::Exactness;
use super::prepare::{Mismatch, Prepared, Reply, prepare};
use crate::{ParseOptions, ParsedCall, ParsedReply, ReplyBlock, ReplyDelta, ToolCallFormat, Toolset};
use nex_trajectory::{ContentBlock, Message};
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a reply arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "mode")]
pub enum Mode {
    /// Whole.
    Batch,
    /// In pieces of so many characters.
    Stream {
        /// Characters a piece.
        piece_chars: usize,
    },
    /// In single bytes, so that characters are cut too.
    Bytes,
}

impl Mode {
    /// The modes of a table.
    pub const ALL: [Self; 4] =
        [Self::Batch, Self::Stream { piece_chars: 1 }, Self::Stream { piece_chars: 4 }, Self::Bytes];
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// What must come, came.
    Pass,
    /// The renderer said that the message cannot survive, and that is listed as true.
    Refused {
        /// Why it cannot.
        reason: String,
    },
    /// The case means nothing in this format.
    NotApplicable {
        /// Why not.
        reason: String,
    },
    /// Something else came.
    Fail {
        /// What should have come.
        expected: String,
        /// What came.
        got: String,
    },
}

impl Verdict {
    pub(super) fn not_applicable(reason: &str) -> Self {
        Self::NotApplicable { reason: reason.to_owned() }
    }
}

/// Reads `case` in `format`, the reply arriving as `mode` says.
pub fn run(format: &dyn ToolCallFormat, case: &Case, mode: Mode) -> Verdict {
    let prepared = match catch_unwind(AssertUnwindSafe(|| prepare(format, case))) {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(verdict)) => return verdict,
        Err(_) => return panicked("rendering"),
    };
    let reader = Reader { format, tools: Toolset::new(&prepared.tools) };
    for reply in &prepared.replies {
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let parsed = reader.read(reply, mode)?;
            judge(&prepared, reply, &parsed)?;
            match case.probe {
                Probe::EverySplit => reader.split_everywhere(reply, mode, &parsed),
                Probe::Together => reader.read_together(reply, mode, &parsed),
                _ => Ok(()),
            }
        }));
        match judged {
            Ok(Ok(())) => {}
            Ok(Err(Mismatch { expected, got })) => {
                let reply = String::from_utf8_lossy(&reply.bytes);
                return Verdict::Fail {
                    expected: shortened(&expected),
                    got: format!("{} of the reply {}", shortened(&got), shortened(&format!("{reply:?}"))),
                };
            }
            Err(_) => return panicked("parsing"),
        }
    }
    Verdict::Pass
}

fn panicked(what: &str) -> Verdict {
    Verdict::Fail { expected: "no panic".to_owned(), got: format!("a panic while {what}") }
}

fn shortened(text: &str) -> String {
    const HALF: usize = 300;
    if text.len() <= 2 * HALF {
        return text.to_owned();
    }
    let (head, tail) = (text.floor_char_boundary(HALF), text.ceil_char_boundary(text.len() - HALF));
    format!("{}…{} bytes…{}", &text[..head], tail - head, &text[tail..])
}

struct Reader<'a> {
    format: &'a dyn ToolCallFormat,
    tools: Toolset,
}

impl Reader<'_> {
    fn read(&self, reply: &Reply, mode: Mode) -> Result<ParsedReply, Mismatch> {
        match (mode, std::str::from_utf8(&reply.bytes)) {
            (Mode::Batch, Ok(text)) => Ok(self.format.parse(text, &self.tools, options(reply))),
            (Mode::Stream { piece_chars }, Ok(text)) => {
                let starts: Vec<usize> =
                    text.char_indices().map(|(at, _)| at).step_by(piece_chars.max(1)).skip(1).collect();
                self.read_pieces(reply, &starts)
            }
            // What is no UTF-8 cannot arrive as characters.
            (Mode::Batch, Err(_)) => self.read_pieces(reply, &[]),
            (Mode::Stream { piece_chars }, Err(_)) => {
                let cuts: Vec<usize> = (1..reply.bytes.len()).step_by(piece_chars.max(1)).collect();
                self.read_pieces(reply, &cuts)
            }
            (Mode::Bytes, _) => self.read_pieces(reply, &(1..reply.bytes.len()).collect::<Vec<_>>()),
        }
    }

    /// Pushes what lies between `cuts`, and checks that the deltas add up to the reply.
    fn read_pieces(&self, reply: &Reply, cuts: &[usize]) -> Result<ParsedReply, Mismatch> {
        let mut parser = self.format.parser(&self.tools, options(reply));
        let mut deltas = Vec::new();
        let mut from = 0;
        for &cut in cuts.iter().chain([&reply.bytes.len()]) {
            parser.push(&reply.bytes[from..cut]);
            parser.take_deltas(&mut deltas);
            from = cut;
        }
        let parsed = parser.finish_into(Some(&mut deltas));
        same("deltas that add up to", &parsed.blocks, &joined(deltas))?;
        Ok(parsed)
    }

    fn split_everywhere(&self, reply: &Reply, mode: Mode, whole: &ParsedReply) -> Result<(), Mismatch> {
        for cut in 1..reply.bytes.len() {
            // A byte that does not begin a character is cut at in byte mode only.
            if mode != Mode::Bytes && reply.bytes[cut] & 0xc0 == 0x80 {
                continue;
            }
            let parsed = self.read_pieces(reply, &[cut])?;
            same(&format!("cut at byte {cut},"), whole, &parsed)?;
        }
        Ok(())
    }

    /// Reads the reply with many parsers in many threads, pushing to each in turn.
    fn read_together(&self, reply: &Reply, mode: Mode, whole: &ParsedReply) -> Result<(), Mismatch> {
        let piece = match mode {
            Mode::Batch => reply.bytes.len(),
            Mode::Stream { piece_chars } => piece_chars,
            Mode::Bytes => 1,
        };
        let read_in_turn = || {
            let mut parsers: Vec<_> =
                (0..16).map(|_| self.format.parser(&self.tools, options(reply))).collect();
            for bytes in reply.bytes.chunks(piece.max(1)) {
                parsers.iter_mut().for_each(|parser| parser.push(bytes));
            }
            parsers.into_iter().map(|parser| parser.finish()).collect::<Vec<_>>()
        };
        let parsed: Vec<ParsedReply> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(read_in_turn)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
        });
        same("number of replies:", &64, &parsed.len())?;
        parsed.iter().try_for_each(|parsed| same("beside others,", whole, parsed))
    }
}

fn options(reply: &Reply) -> ParseOptions {
    ParseOptions { starts_in_reasoning: reply.starts_in_reasoning, ..ParseOptions::default() }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, got: &T) -> Result<(), Mismatch> {
    if expected == got {
        return Ok(());
    }
    Err(Mismatch { expected: format!("{what} {expected:?}"), got: format!("{got:?}") })
}

/// Deltas as blocks.
fn joined(deltas: Vec<ReplyDelta>) -> Vec<ReplyBlock> {
    let mut blocks: Vec<ReplyBlock> = Vec::new();
    for delta in deltas {
        match (delta, blocks.last_mut()) {
            (ReplyDelta::Text(more), Some(ReplyBlock::Text(text)))
            | (ReplyDelta::Reasoning(more), Some(ReplyBlock::Reasoning(text))) => text.push_str(&more),
            (ReplyDelta::Text(text), _) => blocks.push(ReplyBlock::Text(text)),
            (ReplyDelta::Reasoning(text), _) => blocks.push(ReplyBlock::Reasoning(text)),
            (ReplyDelta::Call(call), _) => blocks.push(ReplyBlock::Call(call)),
        }
    }
    blocks
}

fn judge(prepared: &Prepared, reply: &Reply, parsed: &ParsedReply) -> Result<(), Mismatch> {
    let got: Vec<(String, String)> =
        parsed.calls().map(|call| (call.name.clone(), call.arguments.as_text().to_owned())).collect();
    prepared.judge_calls(reply, &got, Exactness::Text)?;
    let expected = &reply.expected;
    judge_blocks(&prepared.message, expected, parsed)?;
    judge_defects(expected, got.len(), parsed)?;
    let calls: Vec<&ParsedCall> = parsed.calls().collect();
    if expected.has_ids {
        judge_ids(reply, &calls)?;
    }
    judge_places(reply, &calls, parsed)
}

/// The text; and where nothing is damaged, that text, reasoning and calls stand in their order.
fn judge_blocks(message: &Message, expected: &Expected, parsed: &ParsedReply) -> Result<(), Mismatch> {
    let text = parsed.text();
    match expected.text {
        TextRule::Any => Ok(()),
        TextRule::Holds(part) if text.contains(part) => Ok(()),
        TextRule::Holds(part) => {
            Err(Mismatch { expected: format!("text with {part:?}"), got: format!("text {text:?}") })
        }
        TextRule::Same => {
            let wanted = outline(message.content.iter().map(|block| match block {
                ContentBlock::Reasoning { text, .. } => ("reasoning", text.as_str()),
                ContentBlock::Text { text } => ("text", text.as_str()),
                ContentBlock::ToolCall(call) => ("call", call.name.as_str()),
                ContentBlock::ToolResult(_) | ContentBlock::Image(_) => ("other", ""),
            }));
            let got = outline(parsed.blocks.iter().map(|block| match block {
                ReplyBlock::Reasoning(text) => ("reasoning", text.as_str()),
                ReplyBlock::Text(text) => ("text", text.as_str()),
                ReplyBlock::Call(call) => ("call", call.name.as_str()),
            }));
            same("blocks", &wanted, &got)
        }
    }
}

/// Kinds of blocks and their texts; neighbours of one kind joined by a line break, as a message
/// joins its texts.
fn outline<'a>(blocks: impl Iterator<Item = (&'static str, &'a str)>) -> Vec<(&'static str, String)> {
    let mut outline: Vec<(&'static str, String)> = Vec::new();
    for (kind, text) in blocks.filter(|(kind, text)| *kind == "call" || !text.is_empty()) {
        match outline.last_mut() {
            Some((last, joined)) if *last == kind && kind != "call" => {
                joined.push('\n');
                joined.push_str(text);
            }
            _ => outline.push((kind, text.to_owned())),
        }
    }
    outline
}

fn judge_defects(expected: &Expected, calls: usize, parsed: &ParsedReply) -> Result<(), Mismatch> {
    let found = &parsed.defects;
    let is_gone = calls < expected.calls.iter().filter(|fate| **fate != Fate::Gone).count();
    let (is_right, wanted) = match expected.defects {
        Findings::Any => (true, String::new()),
        Findings::None => (found.is_empty(), "no defect".to_owned()),
        Findings::Some => (!found.is_empty(), "a defect".to_owned()),
        Findings::SomeIfGone => (!is_gone || !found.is_empty(), "a defect, as a call is gone".to_owned()),
        Findings::OneOf(kinds) => {
            (found.iter().any(|defect| kinds.contains(&defect.kind)), format!("a defect of {kinds:?}"))
        }
    };
    if is_right {
        return Ok(());
    }
    Err(Mismatch { expected: wanted, got: format!("defects {found:?}") })
}

fn judge_ids(reply: &Reply, calls: &[&ParsedCall]) -> Result<(), Mismatch> {
    let text = String::from_utf8_lossy(&reply.bytes);
    let ids: Vec<&str> = calls.iter().filter_map(|call| call.id.as_ref()).map(|id| id.as_str()).collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() == calls.len() && ids.iter().all(|id| text.contains(id)) {
        return Ok(());
    }
    Err(Mismatch {
        expected: "an id of the reply's own for each call".to_owned(),
        got: format!("ids {ids:?} for {} calls", calls.len()),
    })
}

/// Calls stand one behind the other within the reply, and so do defects.
fn judge_places(reply: &Reply, calls: &[&ParsedCall], parsed: &ParsedReply) -> Result<(), Mismatch> {
    // Each byte that is no UTF-8 becomes a character of three.
    let length = String::from_utf8_lossy(&reply.bytes).len();
    let mut end = 0;
    for call in calls {
        if call.span.start < end || call.span.end < call.span.start || call.span.end > length {
            return Err(Mismatch {
                expected: format!("a span behind byte {end} and within {length} bytes"),
                got: format!("{:?} of call `{}`", call.span, call.name),
            });
        }
        end = call.span.end;
    }
    match parsed.defects.iter().find(|defect| defect.offset_bytes.is_some_and(|at| at > length as u64)) {
        None => Ok(()),
        Some(defect) => {
            Err(Mismatch { expected: format!("defects within {length} bytes"), got: format!("{defect:?}") })
        }
    }
}
