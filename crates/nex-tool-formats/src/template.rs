//! Any model's own chat template (feature `templates`): a [`Sample`] in, [`Rendered`] text out.
//!
//! The template is the Jinja text that a model's tokenizer carries. It is run as Hugging Face's
//! `apply_chat_template` runs it, and its output is the same to the byte; what minijinja would do
//! otherwise is closed in `environment` and `python`. Time is an argument: a template that prints
//! the date fails unless it is given one. A template's run is bounded.
//!
//! The loss mask comes from the template's own `{% generation %}` blocks if it has them. Otherwise
//! growing beginnings of the conversation are rendered: what lies between the prompt that the
//! model is given and the same conversation with its reply is the model's. That holds only if the
//! template is *append-only* for this conversation, that is, if later messages change nothing of
//! what was rendered before. Templates that drop the reasoning of earlier turns are not;
//! [`NotAppendOnly`] then names the message and shows both texts. The last turn alone can still be
//! trained on ([`MaskedTurns::Last`]). The cost is quadratic in the number of turns.
//!
//! Invariants: spans tile the text; only what the model wrote is trainable, its end-of-turn mark
//! included where the template writes one. What a template writes around contents is scaffold, its
//! tool declarations too. Nothing says that a template's text can be read back: for that there are
//! the formats.

mod conversation;
mod environment;
mod error;
mod generation;
mod layout;
mod python;
mod turns;

pub use error::{NotAppendOnly, TemplateError};

use crate::{Rendered, Sample};
use chrono::NaiveDateTime;
use conversation::{Conversation, Shape};
use generation::Marks;
use minijinja::{Environment, Value};
use serde_json::{Map, Value as Json, json};

/// A compiled chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    name: String,
    env: Environment<'static>,
    has_marks: bool,
    shape: Shape,
}

/// What a template is given besides the conversation.
#[derive(Clone, Debug, Default)]
pub struct TemplateOptions {
    /// Variables by name: `bos_token`, `eos_token`, and what the model's card documents
    /// (`enable_thinking`, `reasoning_effort` …).
    pub variables: Map<String, Json>,
    /// What `strftime_now` tells. None: a template that asks for it fails.
    pub date: Option<NaiveDateTime>,
    /// How the arguments of calls are passed.
    pub arguments: ArgumentsAs,
    /// Which of the model's turns are trainable.
    pub turns: MaskedTurns,
    /// Whether a template may silently leave out what the model wrote in a masked turn, as some do
    /// with reasoning, with calls, or with text beside calls.
    pub may_leave_out: bool,
}

/// How a template is given the arguments of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgumentsAs {
    /// As the template takes them; found out by a trial when the template is compiled.
    #[default]
    Detected,
    /// As a JSON object, which most templates take. Text that is no JSON is passed as text.
    Object,
    /// As the JSON text that the model wrote.
    Text,
}

/// Which of the model's turns are trainable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskedTurns {
    /// All that the model wrote.
    #[default]
    All,
    /// The last one; works with templates that rewrite earlier turns.
    Last,
}

impl ChatTemplate {
    /// Compiles a template; `name` is for messages to people.
    ///
    /// # Errors
    /// [`TemplateError::Syntax`] with the line.
    pub fn new(name: impl Into<String>, source: &str) -> Result<Self, TemplateError> {
        let name = name.into();
        let env = environment::compile(source).map_err(|error| TemplateError::syntax(&name, &error))?;
        let has_marks = generation::is_marked(source);
        let mut template = Self { name, env, has_marks, shape: Shape::default() };
        template.shape = Shape {
            has_text_arguments: template.prefers_text_arguments(),
            has_parts: template.prefers_parts(),
        };
        Ok(template)
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the template marks the model's text itself, by `{% generation %}`.
    pub fn has_generation_marks(&self) -> bool {
        self.has_marks
    }

    /// Renders a sample with its loss mask.
    ///
    /// # Errors
    /// The sample has something that chat messages or the template have no place for; the template
    /// raises or fails; or its turns cannot be told apart ([`TemplateError::NotAppendOnly`]).
    pub fn render(&self, sample: &Sample<'_>, options: &TemplateOptions) -> Result<Rendered, TemplateError> {
        let conversation = self.conversation(sample, options)?;
        let run = Run { template: self, conversation: &conversation, options };
        let marks = match self.has_marks {
            true => Some(Marks::unused_in(conversation.texts()).ok_or(TemplateError::NoFreeMarks)?),
            false => None,
        };
        let output = run.render(conversation.messages(), false, marks.unwrap_or_default())?;
        let (text, turns) = match marks {
            Some(marks) => {
                let (text, ranges) = marks.take_out(&output);
                let turns = run.marked_turns(&text, ranges)?;
                (text, turns)
            }
            None => {
                let turns = run.turns_by_prefixes(&output)?;
                (output, turns)
            }
        };
        if !options.may_leave_out {
            run.nothing_left_out(&text, &turns)?;
        }
        Ok(run.lay_out(&text, &turns))
    }

    /// Renders a sample without a mask; with `adds_generation_prompt`, up to where the model is to
    /// go on.
    ///
    /// # Errors
    /// As [`ChatTemplate::render`], but a template need not be append-only.
    pub fn render_text(
        &self,
        sample: &Sample<'_>,
        adds_generation_prompt: bool,
        options: &TemplateOptions,
    ) -> Result<String, TemplateError> {
        let conversation = self.conversation(sample, options)?;
        let run = Run { template: self, conversation: &conversation, options };
        run.render(conversation.messages(), adds_generation_prompt, Marks::default())
    }

    /// Renders OpenAI-style messages as they are. Keys that are null are left out, and reasoning
    /// is also passed as `thinking`, as transformers does it. `tools` may be null.
    ///
    /// # Errors
    /// The template raises or fails.
    pub fn render_messages(
        &self,
        messages: &[Json],
        tools: &Json,
        adds_generation_prompt: bool,
        options: &TemplateOptions,
    ) -> Result<String, TemplateError> {
        let conversation = Conversation::from_messages(messages, tools);
        let run = Run { template: self, conversation: &conversation, options };
        run.render(conversation.messages(), adds_generation_prompt, Marks::default())
    }

    fn conversation<'a>(
        &self,
        sample: &Sample<'a>,
        options: &TemplateOptions,
    ) -> Result<Conversation<'a>, TemplateError> {
        let has_text_arguments = match options.arguments {
            ArgumentsAs::Detected => self.shape.has_text_arguments,
            ArgumentsAs::Object => false,
            ArgumentsAs::Text => true,
        };
        Ok(Conversation::of(sample, Shape { has_text_arguments, ..self.shape })?)
    }

    /// Whether the template fails on arguments that are an object, or prints them as Python would,
    /// and does neither with a text.
    fn prefers_text_arguments(&self) -> bool {
        let call = |arguments: Json| {
            let function = json!({"name": "probe", "arguments": arguments});
            let calls = json!([{"id": "probe0001", "type": "function", "function": function}]);
            let messages = [
                json!({"role": "user", "content": "probe"}),
                json!({"role": "assistant", "content": "", "tool_calls": calls}),
            ];
            let declared = json!({"name": "probe", "description": "probe", "parameters": {
                "type": "object", "properties": {"argument": {"type": "string", "description": "probe"}}}});
            let options = TemplateOptions { date: Some(NaiveDateTime::default()), ..Default::default() };
            self.render_messages(
                &messages,
                &json!([{"type": "function", "function": declared}]),
                false,
                &options,
            )
        };
        let prints_python = |text: &String| text.contains("'argument': 'probe'");
        let object = call(json!({"argument": "probe"}));
        if object.as_ref().is_ok_and(|text| !prints_python(text)) {
            return false;
        }
        call(json!("{\"argument\": \"probe\"}")).is_ok_and(|text| !prints_python(&text))
    }

    /// Whether the template prints contents that are lists of parts, and none that are strings.
    fn prefers_parts(&self) -> bool {
        const PROBE: &str = "ProbedContent";
        let shows = |content: Json| {
            let messages = [json!({"role": "user", "content": content})];
            self.probe(&messages, &Json::Null).is_ok_and(|text| text.contains(PROBE))
        };
        !shows(PROBE.into()) && shows(json!([{"type": "text", "text": PROBE}]))
    }

    fn probe(&self, messages: &[Json], tools: &Json) -> Result<String, TemplateError> {
        let options = TemplateOptions { date: Some(NaiveDateTime::default()), ..Default::default() };
        self.render_messages(messages, tools, false, &options)
    }
}

/// One conversation with one template.
struct Run<'a> {
    template: &'a ChatTemplate,
    conversation: &'a Conversation<'a>,
    options: &'a TemplateOptions,
}

impl Run<'_> {
    fn render(
        &self,
        messages: &[Value],
        adds_generation_prompt: bool,
        marks: Marks,
    ) -> Result<String, TemplateError> {
        let mut variables: Vec<(String, Value)> = self
            .options
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), python::value_of(value)))
            .collect();
        variables.extend([
            ("messages".to_owned(), Value::from(messages.to_vec())),
            ("tools".to_owned(), self.conversation.tools.clone()),
            ("documents".to_owned(), Value::from(())),
            ("add_generation_prompt".to_owned(), Value::from(adds_generation_prompt)),
        ]);
        environment::render(&self.template.env, variables, self.options.date, marks)
            .map_err(|error| TemplateError::failed(&self.template.name, &error))
    }
}
