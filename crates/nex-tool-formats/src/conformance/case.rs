//! What one case is: a message, what is done to its text, and what must come of it.

use super::damage::Damage;
use nex_trajectory::{Arguments, CallId, ContentBlock, DefectKind, Message, Role, ToolCall, ToolSpec};

/// One case. It knows no format: the text is what a format's own renderer makes of the message.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique, and stable: `base.plain`, `batch.5.a`, `gap.3`.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// Which list it belongs to.
    pub group: Group,
    /// The tools that the model was told about.
    pub tools: Vec<ToolSpec>,
    /// What the model says. Its strings may hold the slots of [`Slot`].
    pub message: Message,
    /// What is done with the message's text.
    pub probe: Probe,
}

/// The lists of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// The twenty-one of the baseline.
    Base,
    /// A whole reply at once.
    Batch,
    /// A reply in pieces.
    Stream,
    /// Spellings that only some formats have.
    Fmt,
    /// Values without types on the wire.
    Xml,
    /// The envelopes of gpt-oss.
    Harmony,
    /// What the published taxonomy lists as tested by nobody.
    Gap,
    /// What it does not list.
    Nex,
}

/// What is done with a case's text.
#[derive(Clone, Debug)]
pub enum Probe {
    /// It is read as it is: everything comes back, and nothing is found wrong.
    RoundTrip,
    /// It is read in two pieces, cut at every byte: each time as if it had come whole.
    EverySplit,
    /// It ends at every byte of its last call: the calls before that one survive, the last comes
    /// back whole or not at all, and a reply without it has a defect.
    EveryCut,
    /// Many parsers read it, all at once: none disturbs another.
    Together,
    /// It is changed first.
    Damaged(Damage, Expected),
    /// Replies written by hand, `(format, reply)`; formats without one have no such variant.
    Written(&'static [(&'static str, &'static str)], Expected),
}

/// What must come of a reply that is not simply right.
#[derive(Clone, Debug)]
pub struct Expected {
    /// One a call of the message, in order.
    pub calls: Vec<Fate>,
    /// What becomes of the text.
    pub text: TextRule,
    /// What must be found wrong.
    pub defects: Findings,
    /// Each call comes with an id of its own that stands in the reply.
    pub has_ids: bool,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes back exactly.
    Whole,
    /// It comes back exactly, or not at all.
    WholeOrGone,
    /// It comes back in any state, or not at all: the damage is inside it.
    Damaged,
    /// It must not come back as a call.
    Gone,
}

/// What becomes of the text around the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRule {
    /// It is the message's text.
    Same,
    /// It holds this.
    Holds(&'static str),
    /// No matter.
    Any,
}

/// What must be found wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Findings {
    /// Nothing at all.
    None,
    /// A defect of one of these kinds.
    OneOf(&'static [DefectKind]),
    /// A defect, whichever.
    Some,
    /// A defect, whichever, if a call is gone.
    SomeIfGone,
    /// No matter.
    Any,
}

/// A private-use character that stands for a format's own mark in a case's strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// What a call begins with.
    CallOpen,
    /// What a call ends with.
    CallClose,
    /// What an argument's value ends with.
    ValueClose,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CallOpen, Self::CallClose, Self::ValueClose];

    /// The character.
    pub fn char(self) -> char {
        match self {
            Self::CallOpen => '\u{E000}',
            Self::CallClose => '\u{E001}',
            Self::ValueClose => '\u{E002}',
        }
    }
}

impl Group {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 8] =
        [Self::Base, Self::Batch, Self::Stream, Self::Fmt, Self::Xml, Self::Harmony, Self::Gap, Self::Nex];

    /// The word for it in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Batch => "batch",
            Self::Stream => "stream",
            Self::Fmt => "fmt",
            Self::Xml => "xml",
            Self::Harmony => "harmony",
            Self::Gap => "gap",
            Self::Nex => "nex",
        }
    }
}

impl Expected {
    /// All calls and the text survive, and nothing is wrong.
    pub(super) fn whole(calls: usize) -> Self {
        Self {
            calls: vec![Fate::Whole; calls],
            text: TextRule::Same,
            defects: Findings::None,
            has_ids: false,
        }
    }

    /// These fates, any text, and a defect of one of `kinds`.
    pub(super) fn defect(calls: &[Fate], kinds: &'static [DefectKind]) -> Self {
        Self { calls: calls.to_vec(), text: TextRule::Any, defects: Findings::OneOf(kinds), has_ids: false }
    }

    /// These fates, and nothing else matters.
    pub(super) fn calls(calls: &[Fate]) -> Self {
        Self { calls: calls.to_vec(), text: TextRule::Any, defects: Findings::Any, has_ids: false }
    }

    pub(super) fn text(mut self, text: TextRule) -> Self {
        self.text = text;
        self
    }

    pub(super) fn with_ids(mut self) -> Self {
        self.has_ids = true;
        self
    }

    pub(super) fn finds(mut self, defects: Findings) -> Self {
        self.defects = defects;
        self
    }
}

impl Case {
    /// A case of `group` with the tools of [`super::tools`].
    pub(super) fn new(
        group: Group,
        id: &'static str,
        title: &'static str,
        message: Message,
        probe: Probe,
    ) -> Self {
        Self { id, title, group, tools: super::tools::all(), message, probe }
    }

    pub(super) fn with_tools(mut self, tools: Vec<ToolSpec>) -> Self {
        self.tools = tools;
        self
    }
}

/// A message of calls alone: `(tool, arguments as JSON text)`.
pub(super) fn calls(calls: &[(&str, &str)]) -> Message {
    says("", calls)
}

/// A message of text and calls.
pub(super) fn says(text: &str, calls: &[(&str, &str)]) -> Message {
    let mut content = Vec::new();
    if !text.is_empty() {
        content.push(ContentBlock::Text { text: text.to_owned() });
    }
    content.extend(calls.iter().enumerate().map(|(index, (name, arguments))| call(index, name, arguments)));
    Message { role: Role::Assistant, content }
}

/// A message of reasoning, text and calls.
pub(super) fn thinks(reasoning: &str, text: &str, calls: &[(&str, &str)]) -> Message {
    let mut message = says(text, calls);
    let reasoning = ContentBlock::Reasoning { text: reasoning.to_owned(), signature: None };
    message.content.insert(0, reasoning);
    message
}

/// Call number `index` of a message. Its id has nine letters and digits, which all formats take.
pub(super) fn call(index: usize, name: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: CallId(format!("call{index:05}")),
        name: name.to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}
