//! The seam: [`ToolCallFormat`], and the formats by name.

use crate::{Conversation, ParsedReply, Rendered, ReplyDelta, Sample, Toolset, Unrepresentable};
use nex_trajectory::ToolSpec;
use std::fmt;
use thiserror::Error;

/// A way to write tool calls as text.
pub trait ToolCallFormat: fmt::Debug + Send + Sync {
    /// The name in recipes and on the command line.
    fn name(&self) -> &'static str;

    /// What people should know about it.
    fn about(&self) -> About;

    /// A parser for one reply that arrives in pieces. `tools` tell the types of bare values, and
    /// what is called wrongly.
    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser>;

    /// Reads one whole reply. Never fails: what is wrong becomes a defect, and text that could not
    /// be read as a call stays text, so that the record has all that the model wrote.
    fn parse(&self, reply: &str, tools: &Toolset, options: ParseOptions) -> ParsedReply {
        let mut parser = self.parser(tools, options);
        parser.push_str(reply);
        parser.finish()
    }

    /// Writes a whole conversation, with the spans of its loss mask.
    ///
    /// # Errors
    /// Something in it would not survive: the reason names message and cause.
    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable>;

    /// Whether [`ToolCallFormat::render`] accepts this.
    ///
    /// # Errors
    /// The reason why it does not.
    fn representable(&self, sample: &Sample<'_>) -> Result<(), Unrepresentable> {
        self.render(sample, &RenderOptions::default()).map(drop)
    }

    /// Reads back what [`ToolCallFormat::render`] wrote, or what others wrote in this format.
    ///
    /// Call ids are made (`call_0`, `call_1` …) where the format has none. `tools` are those that
    /// the agent had, where they are known from elsewhere; otherwise they are read from the text,
    /// which not every format declares them in so that nothing is lost.
    ///
    /// # Errors
    /// The text has not the shape of a conversation. A reply that is malformed inside is no error.
    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError>;
}

/// What people should know about a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name as people say it.
    pub title: &'static str,
    /// Models and programs that speak it.
    pub models: &'static str,
    /// What it cannot hold, in a few words.
    pub limits: &'static str,
}

/// How a reply is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Mend calls that are not well formed where what was meant is clear, and record what was
    /// mended. Without it such calls stay text.
    pub repair: bool,
    /// The prompt had opened the reasoning already, so the reply begins inside it.
    pub starts_in_reasoning: bool,
}

/// How a conversation is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// Which turns keep their reasoning.
    pub reasoning: ReasoningHistory,
    /// How the arguments of calls are spaced.
    pub arguments: ArgumentText,
    /// End with what the template puts before a reply, as a prompt for the model.
    pub prompt_for_reply: bool,
    /// The day, for templates that tell it.
    pub date: Date,
}

/// Which turns keep their reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReasoningHistory {
    /// All: nothing is lost, and each turn is the prefix of the next.
    #[default]
    All,
    /// Those that the model's own template keeps; several drop what lies before the last question.
    AsTemplate,
}

/// How the arguments of calls are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgumentText {
    /// As the model wrote them, to the byte.
    #[default]
    Verbatim,
    /// As the template's `tojson` would: `", "` and `": "`. Values do not change.
    Respaced,
}

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Default for Date {
    /// The day that Llama's template has where it is told none.
    fn default() -> Self {
        Self { year: 2024, month: 7, day: 26 }
    }
}

/// Reads one reply as its bytes arrive.
pub trait ReplyParser: Send {
    /// Takes further bytes; they may end inside a tag, an escape or a character.
    fn push(&mut self, bytes: &[u8]);

    /// Takes further text: as [`ReplyParser::push`], where it is known to be UTF-8.
    fn push_str(&mut self, text: &str) {
        self.push(text.as_bytes());
    }

    /// Appends what has become certain since the last time.
    fn take_deltas(&mut self, deltas: &mut Vec<ReplyDelta>);

    /// The reply is over. What was pushed in any number of pieces gives the same result. The last
    /// deltas are appended to `deltas` where one is given.
    fn finish_into(self: Box<Self>, deltas: Option<&mut Vec<ReplyDelta>>) -> ParsedReply;

    /// The reply is over.
    fn finish(self: Box<Self>) -> ParsedReply {
        self.finish_into(None)
    }
}

/// A text that is no conversation of the format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {offset_bytes}: {message}")]
pub struct ConversationError {
    /// Where it ceases to be one.
    pub offset_bytes: usize,
    /// What was found, and what should be there.
    pub message: String,
}

impl ConversationError {
    pub(crate) fn new(offset_bytes: usize, message: impl Into<String>) -> Self {
        Self { offset_bytes, message: message.into() }
    }
}

/// All formats, in the order in which they are listed to people.
pub fn all() -> &'static [&'static dyn ToolCallFormat] {
    &[
        &crate::OpenAi,
        &crate::Anthropic,
        &crate::HERMES,
        &crate::QWEN3,
        &crate::QwenXml::Qwen3Coder,
        &crate::QwenXml::Qwen35,
        &crate::Glm::V45,
        &crate::Glm::V47,
        &crate::MiniMaxM2,
        &crate::DEEPSEEK_V3,
        &crate::DEEPSEEK_V3_1,
        &crate::DeepSeekV32,
        &crate::KimiK2,
        &crate::NexAu,
        &crate::Cline,
        &crate::OpenHands,
        &crate::TerminusXml,
        &crate::TerminusJson,
        &crate::Llama3,
        &crate::Pythonic::LLAMA_4,
        &crate::Pythonic::LFM2,
        &crate::MISTRAL_V3,
        &crate::MISTRAL_V3_TEKKEN,
        &crate::MISTRAL_V7,
        &crate::MISTRAL_V11,
        &crate::MISTRAL_V13,
        &crate::GptOss,
    ]
}

/// The format called `name`.
///
/// # Errors
/// There is none; the message lists those there are.
pub fn by_name(name: &str) -> Result<&'static dyn ToolCallFormat, UnknownFormat> {
    let known = || all().iter().map(|format| format.name()).collect();
    all()
        .iter()
        .copied()
        .find(|format| format.name() == name)
        .ok_or_else(|| UnknownFormat { name: name.to_owned(), known: known() })
}

/// No format has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown tool-call format `{name}`; known formats: {}", known.join(", "))]
pub struct UnknownFormat {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}
