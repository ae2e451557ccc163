//! The laws that every format keeps, checked on arbitrary conversations and hostile text.
//!
//! `NEX_LAW_CASES` sets how many cases each law is tried on (2,000 by default; CI takes more). A
//! failure names its seed, which is the whole case.

mod generate;

pub(crate) use generate::{Generator, Owned, example, weather};

use crate::engine::LOOKED_AT;
use crate::{
    ParseOptions, ParsedReply, RenderOptions, Rendered, ReplyBlock, ReplyDelta, SpanKind, ToolCallFormat,
    Toolset, json,
};
use nex_trajectory::{CallId, ContentBlock, Message, Role, ToolSpec};
use std::collections::HashMap;

/// A format under the laws, and what it has no place for.
pub(crate) struct Laws {
    pub(crate) format: &'static dyn ToolCallFormat,
    /// What its parser looks for.
    pub(crate) tags: &'static [&'static str],
    /// The declarations can be read back whole from the text.
    pub(crate) keeps_tools: bool,
    /// Results say whether they are errors.
    pub(crate) keeps_errors: bool,
    /// A system message that the template writes itself.
    pub(crate) default_system: Option<&'static str>,
    /// A system message becomes the beginning of the last question, as the template has it.
    pub(crate) merges_system: bool,
    /// A reply that ends early is read as far as it went; not so for formats that are one document.
    pub(crate) has_tail: bool,
    /// Makes of any conversation one that an agent of this format could have, where its tools are fixed.
    pub(crate) adapt: fn(&mut Owned),
    /// A reply is text or one call, and never shows reasoning: most cases are made so.
    pub(crate) is_terse: bool,
}

impl Laws {
    pub(crate) fn of(format: &'static dyn ToolCallFormat, tags: &'static [&'static str]) -> Self {
        Self {
            format,
            tags,
            keeps_tools: true,
            keeps_errors: false,
            default_system: None,
            merges_system: false,
            has_tail: true,
            adapt: |_| {},
            is_terse: false,
        }
    }
}

fn cases() -> u64 {
    std::env::var("NEX_LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

/// Makes a module of tests, one a law.
macro_rules! laws {
    ($laws:expr) => {
        mod laws {
            use super::*;
            #[test]
            fn what_is_representable_comes_back_equal() {
                $laws.round_trip();
            }
            #[test]
            fn spans_tile_the_text_and_only_the_models_words_are_trained_on() {
                $laws.masks();
            }
            #[test]
            fn every_split_gives_the_same() {
                $laws.splits();
            }
            #[test]
            fn deltas_add_up_to_the_reply() {
                $laws.deltas();
            }
            #[test]
            fn a_tail_cut_anywhere_keeps_every_finished_call() {
                $laws.tails();
            }
            #[test]
            fn long_replies_are_read_in_linear_time() {
                $laws.linear();
            }
            #[test]
            fn no_bytes_make_it_panic() {
                $laws.no_panic();
            }
            #[test]
            fn repairing_changes_nothing_that_is_well_formed() {
                $laws.repairs();
            }
        }
    };
}
pub(crate) use laws;

impl Laws {
    fn conversation(&self, seed: u64) -> Owned {
        self.adapted(&mut self.generator(seed))
    }

    fn generator(&self, seed: u64) -> Generator {
        Generator::new(seed, self.tags).terse(self.is_terse)
    }

    fn adapted(&self, generator: &mut Generator) -> Owned {
        let mut owned = generator.conversation();
        (self.adapt)(&mut owned);
        owned
    }

    /// `parse(render(x)) == x`, and enough of the cases are representable for that to say something.
    pub(crate) fn round_trip(&self) {
        let (mut held, mut with_calls) = (0, 0);
        for seed in 0..cases() {
            let owned = self.conversation(seed);
            let Ok(rendered) = self.format.render(&owned.sample(), &RenderOptions::default()) else {
                continue;
            };
            held += 1;
            with_calls += usize::from(owned.nodes.iter().any(|node| node.message.calls().next().is_some()));
            let given = self.format.parse_conversation(&rendered.text, Some(&owned.tools));
            let given = given.unwrap_or_else(|e| panic!("case {seed}: {e}\n{}", rendered.text));
            let sent = self.canonical(owned.messages());
            assert_eq!(self.canonical(given.messages), sent, "case {seed}:\n{}", rendered.text);
            if self.keeps_tools {
                let read = self.format.parse_conversation(&rendered.text, None).expect("it was read before");
                assert_eq!(read.tools, owned.tools, "case {seed}:\n{}", rendered.text);
                assert_eq!(self.canonical(read.messages), sent, "case {seed}:\n{}", rendered.text);
            }
        }
        assert!(held * 5 > cases() as usize, "only {held} of {} are representable", cases());
        assert!(with_calls * 10 > cases() as usize, "only {with_calls} of {} have calls", cases());
    }

    /// What was read back is written the same, ids of the wire included. For formats whose own ids
    /// replace those of a conversation.
    pub(crate) fn rewrites(&self) {
        for seed in 0..cases() {
            let owned = self.conversation(seed);
            let options = RenderOptions::default();
            let Ok(rendered) = self.format.render(&owned.sample(), &options) else { continue };
            let read = self.format.parse_conversation(&rendered.text, Some(&owned.tools));
            let read = Owned::of(owned.tools, read.unwrap_or_else(|e| panic!("case {seed}: {e}")).messages);
            let again = self.format.render(&read.sample(), &options);
            let again = again.unwrap_or_else(|e| panic!("case {seed}: {e}\n{}", rendered.text));
            assert_eq!(again.text, rendered.text, "case {seed}");
        }
    }

    pub(crate) fn masks(&self) {
        for seed in 0..cases() {
            let owned = self.conversation(seed);
            let Ok(rendered) = self.format.render(&owned.sample(), &RenderOptions::default()) else {
                continue;
            };
            let mut at = 0;
            for span in &rendered.spans {
                assert_eq!(span.start, at, "case {seed}: a gap or an overlap\n{}", rendered.text);
                assert!(
                    span.end > span.start && rendered.text.is_char_boundary(span.end),
                    "case {seed}: {span:?}"
                );
                assert!(!span.is_trainable || span.kind.is_models(), "case {seed}: {span:?} is trained on");
                at = span.end;
            }
            assert_eq!(at, rendered.text.len(), "case {seed}");
            let mut own = owned.nodes.iter().filter(|n| n.message.role == Role::Assistant);
            let says = |n: &&nex_trajectory::Node| {
                !n.is_synthetic && (n.message.calls().next().is_some() || !n.message.text().is_empty())
            };
            if own.any(|node| says(&node)) {
                assert!(
                    rendered.trainable_bytes() > 0,
                    "case {seed}: nothing is trained on\n{}",
                    rendered.text
                );
            }
            let prompt = RenderOptions { prompt_for_reply: true, ..RenderOptions::default() };
            let prompted = self.format.render(&owned.sample(), &prompt).expect("the prompt adds no refusal");
            assert!(prompted.text.starts_with(&rendered.text), "case {seed}: the prompt only adds");
        }
    }

    pub(crate) fn splits(&self) {
        for seed in 0..cases() {
            let mut generator = self.generator(seed);
            let owned = self.adapted(&mut generator);
            let toolset = Toolset::new(&owned.tools);
            let mut replies: Vec<Vec<u8>> = vec![generator.bytes(), generator.hostile().into_bytes()];
            replies.extend(self.replies(&owned).into_iter().map(|(reply, _)| reply.into_bytes()));
            for reply in replies {
                let options = ParseOptions {
                    repair: generator.below(2) == 0,
                    starts_in_reasoning: generator.below(8) == 0,
                };
                let whole = self.pieces(&reply, &[], &toolset, options);
                let each: Vec<usize> = (1..reply.len()).collect();
                let seen = String::from_utf8_lossy(&reply).into_owned();
                assert_eq!(
                    self.pieces(&reply, &each, &toolset, options),
                    whole,
                    "case {seed}, byte by byte: {seen:?}"
                );
                let mut cuts: Vec<usize> = (0..3).map(|_| generator.below(reply.len() + 1)).collect();
                cuts.sort_unstable();
                assert_eq!(
                    self.pieces(&reply, &cuts, &toolset, options),
                    whole,
                    "case {seed}, cut at {cuts:?}: {seen:?}"
                );
            }
        }
    }

    pub(crate) fn deltas(&self) {
        for seed in 0..cases() {
            let mut generator = self.generator(seed);
            let owned = self.adapted(&mut generator);
            let toolset = Toolset::new(&owned.tools);
            let mut replies =
                vec![generator.hostile(), format!("{}{}", generator.text(), generator.hostile())];
            replies.extend(self.replies(&owned).into_iter().map(|(reply, _)| reply));
            for reply in replies {
                let mut parser = self.format.parser(&toolset, ParseOptions::default());
                let mut deltas = Vec::new();
                for byte in reply.as_bytes() {
                    parser.push(&[*byte]);
                    parser.take_deltas(&mut deltas);
                }
                let whole = parser.finish_into(Some(&mut deltas));
                assert_eq!(joined(deltas), whole.blocks, "case {seed}: {reply:?}");
            }
        }
    }

    pub(crate) fn tails(&self) {
        if !self.has_tail {
            return;
        }
        for seed in 0..cases() {
            let owned = self.conversation(seed);
            let toolset = Toolset::new(&owned.tools);
            for (reply, options) in self.replies(&owned) {
                let whole = self.format.parse(&reply, &toolset, options);
                let calls: Vec<_> = whole.calls().collect();
                for cut in (0..=reply.len()).filter(|cut| reply.is_char_boundary(*cut)) {
                    let kept = self.format.parse(&reply[..cut], &toolset, options);
                    let kept: Vec<_> = kept.calls().collect();
                    let finished = calls.iter().filter(|call| call.span.end <= cut).count();
                    assert!(
                        kept.len() >= finished,
                        "case {seed}: {finished} calls were finished: {:?}",
                        &reply[..cut]
                    );
                    assert_eq!(kept[..finished], calls[..finished], "case {seed}: {:?}", &reply[..cut]);
                }
            }
        }
    }

    /// The adversary's long inputs cost no more a byte than short ones: counted, not timed.
    pub(crate) fn linear(&self) {
        let mut generator = Generator::new(1, self.tags);
        let mut units: Vec<String> = self.tags.iter().map(|tag| tag.to_string()).collect();
        units.extend(self.tags.iter().map(|tag| tag[..tag.floor_char_boundary(tag.len() - 1)].to_owned()));
        units.extend(["<", "\"", " ", "\n", "{", "[", "x", "{\"a\": \"", "a=\"", "\\"].map(str::to_owned));
        units.extend((0..40).map(|_| generator.hostile()));
        units.retain(|unit| !unit.is_empty());
        for unit in &units {
            for start in self.tags.iter().chain(&[""]) {
                let text = format!("{start}{}", unit.repeat(12_000 / unit.len() + 1));
                LOOKED_AT.with(|count| count.set(0));
                let bytes: Vec<usize> = (1..text.len()).collect();
                self.pieces(text.as_bytes(), &bytes, &Toolset::default(), ParseOptions::default());
                let looked_at = LOOKED_AT.with(std::cell::Cell::get);
                // Some bytes are looked at again while a tag may be under way.
                assert!(
                    looked_at <= 64 * text.len(),
                    "{start}{unit:?}…: {looked_at} looks at {} bytes",
                    text.len()
                );
            }
        }
    }

    pub(crate) fn no_panic(&self) {
        for seed in 0..cases() {
            let mut generator = self.generator(seed);
            let tools = self.adapted(&mut generator).tools;
            let bytes = generator.bytes();
            for repair in [false, true] {
                let options = ParseOptions { repair, starts_in_reasoning: generator.below(4) == 0 };
                let reply = self.pieces(&bytes, &[], &Toolset::new(&tools), options);
                let length = String::from_utf8_lossy(&bytes).len();
                for call in reply.calls() {
                    assert!(
                        call.span.start <= call.span.end && call.span.end <= length,
                        "case {seed}: {call:?}"
                    );
                }
                assert!(
                    reply.defects.iter().all(|d| d.offset_bytes.is_none_or(|at| at <= length as u64)),
                    "case {seed}"
                );
                assert!(repair || reply.repairs.is_empty(), "case {seed}: a repair that was not asked for");
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let _ = self.format.parse_conversation(&text, None);
            if let Ok(rendered) =
                self.format.render(&self.adapted(&mut generator).sample(), &RenderOptions::default())
            {
                let cut = rendered.text.floor_char_boundary(generator.below(rendered.text.len() + 1));
                let _ = self.format.parse_conversation(&rendered.text[..cut], Some(&tools));
                let _ = self.format.parse_conversation(&format!("{}{text}", &rendered.text[..cut]), None);
            }
        }
    }

    pub(crate) fn repairs(&self) {
        for seed in 0..cases() {
            let owned = self.conversation(seed);
            let toolset = Toolset::new(&owned.tools);
            for (reply, options) in self.replies(&owned) {
                let strict = self.format.parse(&reply, &toolset, options);
                let repaired = self.format.parse(&reply, &toolset, ParseOptions { repair: true, ..options });
                assert_eq!(repaired, strict, "case {seed}: {reply:?}");
            }
        }
    }

    fn pieces(&self, reply: &[u8], cuts: &[usize], tools: &Toolset, options: ParseOptions) -> ParsedReply {
        let mut parser = self.format.parser(tools, options);
        let mut from = 0;
        for cut in cuts {
            parser.push(&reply[from..*cut]);
            from = *cut;
        }
        parser.push(&reply[from..]);
        parser.finish()
    }

    /// The replies in the rendered conversation, as a model would have written them.
    fn replies(&self, owned: &Owned) -> Vec<(String, ParseOptions)> {
        match self.format.render(&owned.sample(), &RenderOptions::default()) {
            Ok(rendered) => replies(&rendered),
            Err(_) => Vec::new(),
        }
    }

    /// The conversation in the one form in which a format gives it back: texts joined, empty ones
    /// left out, ids numbered through, JSON in one spelling, what the format has no place for removed.
    fn canonical(&self, mut messages: Vec<Message>) -> Vec<Message> {
        if self.merges_system && messages.first().is_some_and(|first| first.role == Role::System) {
            let system = messages.remove(0).text();
            let question = messages.iter_mut().rfind(|message| message.role == Role::User);
            if let Some(question) = question.filter(|_| !system.is_empty()) {
                *question = Message::user(format!("{system}\n\n{}", question.text()));
            }
        }
        let mut out: Vec<Message> = Vec::new();
        let mut ids: HashMap<CallId, (CallId, String)> = HashMap::new();
        let mut made = 0;
        for (index, message) in messages.into_iter().enumerate() {
            let role = message.role;
            if index == 0
                && role == Role::System
                && self.default_system.is_some_and(|text| message.text() == text)
            {
                continue;
            }
            let mut content: Vec<ContentBlock> = Vec::new();
            for block in message.content {
                match block {
                    ContentBlock::Reasoning { text, .. } if text.is_empty() => {}
                    ContentBlock::Text { text } if text.is_empty() => {}
                    ContentBlock::Reasoning { text, .. } => match content.last_mut() {
                        Some(ContentBlock::Reasoning { text: last, .. }) => *last += &format!("\n{text}"),
                        _ => content.push(ContentBlock::Reasoning { text, signature: None }),
                    },
                    ContentBlock::Text { text } => match content.last_mut() {
                        Some(ContentBlock::Text { text: last }) => *last += &format!("\n{text}"),
                        _ => content.push(ContentBlock::Text { text }),
                    },
                    ContentBlock::ToolCall(mut call) => {
                        let id = CallId(format!("call_{made}"));
                        made += 1;
                        ids.insert(std::mem::replace(&mut call.id, id.clone()), (id, call.name.clone()));
                        call.arguments.0 = canonical_json(call.arguments.as_text());
                        content.push(ContentBlock::ToolCall(call));
                    }
                    ContentBlock::ToolResult(mut result) => {
                        if let Some((id, name)) = ids.get(&result.call_id).cloned() {
                            (result.call_id, result.name) = (id, name);
                        }
                        result.is_error &= self.keeps_errors;
                        if result.content.iter().all(|block| matches!(block, ContentBlock::Text { .. })) {
                            result.content = vec![ContentBlock::Text { text: result.text() }];
                        }
                        content.push(ContentBlock::ToolResult(result));
                    }
                    image => content.push(image),
                }
            }
            match out.last_mut() {
                Some(last) if role == Role::Tool && last.role == Role::Tool => last.content.extend(content),
                _ => out.push(Message { role, content }),
            }
        }
        out
    }
}

/// The replies in `rendered`, as a model would have written them.
pub(crate) fn replies(rendered: &Rendered) -> Vec<(String, ParseOptions)> {
    let mut replies: Vec<(String, ParseOptions)> = Vec::new();
    let mut is_open = false;
    for span in &rendered.spans {
        let text = &rendered.text[span.start..span.end];
        if span.kind.is_models() && span.kind != SpanKind::EndOfTurn {
            if !is_open {
                let starts_in_reasoning = rendered.text[..span.start].trim_end().ends_with("<think>");
                replies.push((String::new(), ParseOptions { repair: false, starts_in_reasoning }));
                is_open = true;
            }
            replies.last_mut().expect("one was opened").0.push_str(text);
        } else {
            is_open = false;
        }
    }
    replies
}

/// One spelling of a JSON text; a text that is none stays.
fn canonical_json(text: &str) -> String {
    if text.trim().is_empty() {
        return "{}".to_owned();
    }
    if !json::is_value(text) {
        return text.to_owned();
    }
    let mut spaced = String::new();
    json::push_respaced(&mut spaced, text);
    let mut out = String::new();
    let mut rest = spaced.as_str();
    while let Some(start) = rest.find('"') {
        out.push_str(&rest[..start]);
        let mut end = start + 1;
        while rest.as_bytes()[end] != b'"' {
            end += if rest.as_bytes()[end] == b'\\' { 2 } else { 1 };
        }
        let quoted = &rest[start..=end];
        match json::unescape(quoted) {
            Some(text) => json::push_string(&mut out, &text),
            None => out.push_str(quoted),
        }
        rest = &rest[end + 1..];
    }
    out + rest
}

/// Deltas with neighbours of one kind joined.
fn joined(deltas: Vec<ReplyDelta>) -> Vec<ReplyBlock> {
    let mut blocks: Vec<ReplyBlock> = Vec::new();
    for delta in deltas {
        match (delta, blocks.last_mut()) {
            (ReplyDelta::Text(new), Some(ReplyBlock::Text(text))) => text.push_str(&new),
            (ReplyDelta::Reasoning(new), Some(ReplyBlock::Reasoning(text))) => text.push_str(&new),
            (ReplyDelta::Text(new), _) => blocks.push(ReplyBlock::Text(new)),
            (ReplyDelta::Reasoning(new), _) => blocks.push(ReplyBlock::Reasoning(new)),
            (ReplyDelta::Call(call), _) => blocks.push(ReplyBlock::Call(call)),
        }
    }
    blocks
}

/// A reply in few lines: blocks, defects with their offsets, repairs.
pub(crate) fn describe(reply: &ParsedReply) -> String {
    let mut out = String::new();
    for block in &reply.blocks {
        match block {
            ReplyBlock::Reasoning(text) => out += &format!("reasoning {text:?}\n"),
            ReplyBlock::Text(text) => out += &format!("text {text:?}\n"),
            ReplyBlock::Call(call) => {
                let id = call.id.as_ref().map(|id| format!(" id {id}")).unwrap_or_default();
                out += &format!("call {} {} at {:?}{id}\n", call.name, call.arguments.as_text(), call.span);
            }
        }
    }
    for defect in &reply.defects {
        let at = defect.offset_bytes.map(|at| format!(" at {at}")).unwrap_or_default();
        out += &format!("defect {:?}{at}: {}\n", defect.kind, defect.message);
    }
    for repair in &reply.repairs {
        out += &format!("repair {:?} at {}: {}\n", repair.kind, repair.offset_bytes, repair.message);
    }
    out
}

/// The parts of `rendered` that are trained on, a line each.
pub(crate) fn describe_mask(rendered: &Rendered) -> String {
    let trained = rendered.spans.iter().filter(|span| span.is_trainable);
    trained.map(|span| format!("{:?} {:?}\n", span.kind, &rendered.text[span.start..span.end])).collect()
}

/// The tools of `example`, for parsing.
pub(crate) fn weather_tools() -> Toolset {
    let tools: [ToolSpec; 1] = [weather()];
    Toolset::new(&tools)
}
