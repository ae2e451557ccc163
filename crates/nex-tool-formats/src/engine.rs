//! One machine for all formats: bytes in any pieces in, a reply out.
//!
//! The machine decodes UTF-8, keeps the text, reads reasoning where a format has it in front, and
//! lets the format's [`Grammar`] read the rest. A grammar decides only on what further text cannot
//! change; so the pieces in which the bytes came do not matter, which every format's laws check.

use crate::builder::{ReplyBuilder, TextRules};
use crate::reply::{ParsedReply, ReplyDelta};
use crate::utf8::Utf8Decoder;
use crate::{ParseOptions, ReplyParser, Toolset};
use nex_trajectory::DefectKind;

/// How one format's replies are read, behind the reasoning.
pub(crate) trait Grammar: Send {
    /// Understands as much of `scan` as is certain, and moves `scan.at` behind it. Called after
    /// every push, and once with `scan.is_end` set, when everything must be used up.
    fn scan(&mut self, scan: &mut Scan<'_>);

    /// The tags that open a call, where they depend on the tools: inside reasoning they are a defect.
    fn call_openers(&self) -> &[String] {
        &[]
    }
}

/// The text that has arrived, and the reply it becomes.
pub(crate) struct Scan<'a> {
    /// Everything so far.
    pub(crate) text: &'a str,
    /// Up to here it is understood; between characters.
    pub(crate) at: usize,
    /// Nothing more will come.
    pub(crate) is_end: bool,
    /// The reply.
    pub(crate) out: &'a mut ReplyBuilder,
}

/// What a search for tags found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The tag of this index stands at this offset.
    Tag { at: usize, index: usize },
    /// None begins before this offset; there one may begin, or the text ends.
    NoneBefore(usize),
}

impl Scan<'_> {
    /// The first of `tags` from `from` on; at one place, the longest.
    pub(crate) fn find_from(&self, from: usize, tags: &[&str]) -> Found {
        let bytes = self.text.as_bytes();
        let mut at = from;
        loop {
            let Some(next) = next_first_byte(&bytes[at..], tags) else {
                looked_at(bytes.len() - at + 1);
                return Found::NoneBefore(bytes.len());
            };
            looked_at(next + 1);
            at += next;
            let rest = &bytes[at..];
            let mut found: Option<usize> = None;
            for (index, tag) in tags.iter().enumerate() {
                let tag = tag.as_bytes();
                if rest.starts_with(tag) {
                    if found.is_none_or(|best| tags[best].len() < tag.len()) {
                        found = Some(index);
                    }
                } else if !self.is_end && rest.len() < tag.len() && tag.starts_with(rest) {
                    return Found::NoneBefore(at);
                }
            }
            if let Some(index) = found {
                return Found::Tag { at, index };
            }
            at += 1;
        }
    }

    /// The first of `tags` that is not understood yet.
    pub(crate) fn find(&self, tags: &[&str]) -> Found {
        self.find_from(self.at, tags)
    }

    /// Whether the text at `at` is `tag`; none while that is not certain.
    pub(crate) fn starts_with(&self, at: usize, tag: &str) -> Option<bool> {
        let rest = &self.text.as_bytes()[at..];
        if rest.len() >= tag.len() || self.is_end {
            return Some(rest.starts_with(tag.as_bytes()));
        }
        if tag.as_bytes().starts_with(rest) { None } else { Some(false) }
    }

    /// The first offset from `from` on that is no white space, or the length.
    pub(crate) fn skip_blank(&self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let blank = |b: &u8| matches!(b, b' ' | b'\n' | b'\r' | b'\t');
        let blanks = bytes[from..].iter().take_while(|b| blank(b)).count();
        looked_at(blanks + 1);
        from + blanks
    }

    /// Takes the text up to `end` as text of the reply.
    pub(crate) fn take_text(&mut self, end: usize) {
        if end > self.at {
            self.out.text(&self.text[self.at..end], self.at);
            self.at = end;
        }
    }
}

/// Counts `bytes` looked at, so that a test can show that reading is linear without a clock.
#[inline]
pub(crate) fn looked_at(bytes: usize) {
    #[cfg(test)]
    LOOKED_AT.with(|count| count.set(count.get() + bytes));
    #[cfg(not(test))]
    let _ = bytes;
}

#[cfg(test)]
thread_local! {
    pub(crate) static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The first of `tags` in `text` from `from` on, as offset and index; at one place, the first listed.
pub(crate) fn first_tag(text: &str, from: usize, tags: &[&str]) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += next_first_byte(&bytes[at..], tags)?;
        if let Some(index) = tags.iter().position(|tag| bytes[at..].starts_with(tag.as_bytes())) {
            return Some((at, index));
        }
        at += 1;
    }
}

/// The first byte with which one of `tags` begins.
fn next_first_byte(bytes: &[u8], tags: &[&str]) -> Option<usize> {
    let mut firsts = [0u8; 3];
    let mut count = 0;
    for tag in tags {
        let first = tag.as_bytes()[0];
        if !firsts[..count].contains(&first) {
            if count == firsts.len() {
                return bytes.iter().position(|byte| tags.iter().any(|tag| tag.as_bytes()[0] == *byte));
            }
            firsts[count] = first;
            count += 1;
        }
    }
    match count {
        1 => memchr::memchr(firsts[0], bytes),
        2 => memchr::memchr2(firsts[0], firsts[1], bytes),
        _ => memchr::memchr3(firsts[0], firsts[1], firsts[2], bytes),
    }
}

/// What a format's replies look like around its calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// How reasoning stands in front of the answer, in formats that have it there.
    pub(crate) reasoning: Option<ReasoningFrame>,
    /// What the template puts around text.
    pub(crate) text: TextRules,
    /// The marks with which a model ends its turn, should the server have left one in.
    pub(crate) turn_ends: &'static [&'static str],
}

/// How reasoning stands in front of the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReasoningFrame {
    /// The tag that opens it.
    pub(crate) open: &'static str,
    /// The tag that closes it, then those that open a call: inside reasoning they are a defect.
    pub(crate) tags: &'static [&'static str],
    /// What the template puts behind the opening tag and before the closing one.
    pub(crate) inside: &'static str,
    /// What it puts behind the closing tag: ASCII, line breaks.
    pub(crate) after: &'static str,
}

/// Reads one reply with a grammar.
pub(crate) struct Machine<G> {
    frame: &'static Frame,
    decoder: Utf8Decoder,
    text: String,
    at: usize,
    phase: Phase,
    /// Up to here the text was searched for the mark that ends the turn.
    end_searched: usize,
    /// Such a mark, and up to where only white space follows it.
    end_mark: Option<(usize, usize)>,
    grammar: G,
    out: ReplyBuilder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Reasoning may begin; up to `seen` there is only white space.
    Start {
        seen: usize,
    },
    /// Behind the opening tag, where the template has a line break.
    Opened,
    Reasoning {
        open_at: usize,
    },
    /// Behind the closing tag, where the template has this much more.
    Closed {
        left: &'static str,
    },
    Answer,
}

impl<G: Grammar> Machine<G> {
    pub(crate) fn new(frame: &'static Frame, grammar: G, tools: &Toolset, options: ParseOptions) -> Self {
        let phase = match frame.reasoning {
            None => Phase::Answer,
            Some(_) if options.starts_in_reasoning => Phase::Opened,
            Some(_) => Phase::Start { seen: 0 },
        };
        Self {
            frame,
            decoder: Utf8Decoder::default(),
            text: String::new(),
            at: 0,
            phase,
            end_searched: 0,
            end_mark: None,
            grammar,
            out: ReplyBuilder::new(frame.text, tools, options.repair),
        }
    }

    fn scan(&mut self, is_end: bool) {
        // The end-of-turn mark waits until it is certain that nothing but white space follows it.
        let visible = if self.frame.turn_ends.is_empty() { self.text.len() } else { self.visible(is_end) };
        let mut scan = Scan { text: &self.text[..visible], at: self.at, is_end, out: &mut self.out };
        if let Some(reasoning) = &self.frame.reasoning {
            if let Phase::Start { seen } = &mut self.phase {
                *seen = scan.skip_blank(*seen);
            }
            let openers = self.grammar.call_openers();
            while let Some(next) = next_phase(self.phase, reasoning, openers, &mut scan) {
                self.phase = next;
            }
        }
        if self.phase == Phase::Answer {
            self.grammar.scan(&mut scan);
        }
        self.at = scan.at;
        debug_assert!(!is_end || self.at == visible, "a grammar uses up everything at the end");
    }

    /// How much of the text may be looked at: not what may be the mark that ends the turn.
    fn visible(&mut self, is_end: bool) -> usize {
        let scan = Scan { text: &self.text, at: self.at, is_end, out: &mut self.out };
        loop {
            if let Some((at, blank_until)) = self.end_mark {
                let blank_until = scan.skip_blank(blank_until);
                if blank_until == scan.text.len() {
                    self.end_mark = Some((at, blank_until));
                    return at;
                }
                // It was no end: it is looked at as any other text.
                self.end_mark = None;
            }
            match scan.find_from(self.end_searched, self.frame.turn_ends) {
                Found::NoneBefore(end) => {
                    self.end_searched = end;
                    return end;
                }
                Found::Tag { at, index } => {
                    self.end_searched = at + self.frame.turn_ends[index].len();
                    self.end_mark = Some((at, self.end_searched));
                }
            }
        }
    }
}

fn next_phase(
    phase: Phase,
    frame: &ReasoningFrame,
    openers: &[String],
    scan: &mut Scan<'_>,
) -> Option<Phase> {
    match phase {
        Phase::Start { seen } => {
            if scan.starts_with(seen, frame.open)? {
                scan.at = seen + frame.open.len();
                Some(Phase::Opened)
            } else {
                Some(Phase::Answer)
            }
        }
        Phase::Opened => {
            let is_there = scan.starts_with(scan.at, frame.inside)?;
            let open_at = scan.at.saturating_sub(frame.open.len());
            scan.at += if is_there { frame.inside.len() } else { 0 };
            Some(Phase::Reasoning { open_at })
        }
        Phase::Reasoning { open_at } => scan_reasoning(open_at, frame, openers, scan),
        Phase::Closed { left: "" } => Some(Phase::Answer),
        Phase::Closed { left } => {
            let first = &left[..1];
            if scan.starts_with(scan.at, first)? {
                scan.at += 1;
                Some(Phase::Closed { left: &left[1..] })
            } else {
                Some(Phase::Answer)
            }
        }
        Phase::Answer => None,
    }
}

fn scan_reasoning(
    open_at: usize,
    frame: &ReasoningFrame,
    openers: &[String],
    scan: &mut Scan<'_>,
) -> Option<Phase> {
    let joined: Vec<&str>;
    let mut tags = frame.tags;
    if !openers.is_empty() {
        joined = frame.tags.iter().copied().chain(openers.iter().map(String::as_str)).collect();
        tags = &joined;
    }
    loop {
        match scan.find(tags) {
            Found::Tag { at, index: 0 } => {
                scan.out.reasoning(&scan.text[scan.at..at]);
                scan.out.end_reasoning(frame.inside);
                scan.at = at + frame.tags[0].len();
                return Some(Phase::Closed { left: frame.after });
            }
            Found::Tag { at, index } => {
                let message = "a call inside reasoning is not executed";
                scan.out.defect(DefectKind::CallInsideReasoning, at, message);
                let end = at + tags[index].len();
                scan.out.reasoning(&scan.text[scan.at..end]);
                scan.at = end;
            }
            Found::NoneBefore(end) => {
                scan.out.reasoning(&scan.text[scan.at..end]);
                scan.at = end;
                if !scan.is_end {
                    return None;
                }
                let message = format!("{} is not closed", frame.open);
                scan.out.defect(DefectKind::UnclosedTag, open_at, message);
                scan.out.end_reasoning(frame.inside);
                return Some(Phase::Answer);
            }
        }
    }
}

impl<G: Grammar> ReplyParser for Machine<G> {
    fn push(&mut self, bytes: &[u8]) {
        let out = &mut self.out;
        self.decoder.push(bytes, &mut self.text, |at| invalid_utf8(out, at));
        self.scan(false);
    }

    fn push_str(&mut self, text: &str) {
        if !self.decoder.is_between_characters() {
            return self.push(text.as_bytes());
        }
        self.text.push_str(text);
        self.scan(false);
    }

    fn take_deltas(&mut self, deltas: &mut Vec<ReplyDelta>) {
        self.out.take_deltas(false, deltas);
    }

    fn finish_into(mut self: Box<Self>, deltas: Option<&mut Vec<ReplyDelta>>) -> ParsedReply {
        let out = &mut self.out;
        self.decoder.finish(&mut self.text, |at| invalid_utf8(out, at));
        self.scan(true);
        self.out.close();
        if let Some(deltas) = deltas {
            self.out.take_deltas(true, deltas);
        }
        self.out.finish()
    }
}

fn invalid_utf8(out: &mut ReplyBuilder, at: usize) {
    out.defect(DefectKind::InvalidUtf8, at, "bytes that are not UTF-8 were replaced");
}
