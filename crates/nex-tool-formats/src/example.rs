//! One small conversation that shows a format, as far as the format can hold it.

use crate::{RenderOptions, Sample, ToolCallFormat};
use nex_trajectory::{
    Arguments, CallId, ContentBlock, Message, Node, NodeId, Role, ToolCall, ToolResult, ToolSpec,
};
use serde_json::json;

/// A conversation that owns its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The tools declared in it.
    pub tools: Vec<ToolSpec>,
    /// Its messages.
    pub nodes: Vec<Node>,
}

impl Example {
    /// A question about two cities, asked of one tool: reasoning, text and two calls in one turn,
    /// their results, an answer. Where `format` cannot hold it: without reasoning, with one call,
    /// without text beside the call, or in a terminal.
    pub fn of(format: &dyn ToolCallFormat) -> Self {
        let options = RenderOptions::default();
        let variants =
            [(true, true, 2), (true, true, 1), (false, true, 2), (false, true, 1), (false, false, 2)];
        let mut examples =
            variants.map(|(reasoning, text, calls)| Self::with(reasoning, text, calls)).into_iter();
        let fits = |example: &Self| format.render(&example.sample(), &options).is_ok();
        examples
            .find(fits)
            .or_else(|| Some(Self::with(false, false, 1)).filter(fits))
            .unwrap_or_else(Self::in_terminal)
    }

    /// The example for agents whose only tool is a terminal.
    fn in_terminal() -> Self {
        let call = |id: &str, name: &str, arguments: &str| {
            let arguments = Arguments::from_text(arguments);
            ContentBlock::ToolCall(ToolCall { id: id.into(), name: name.to_owned(), arguments })
        };
        let reply = |reasoning: &str, text: &str, call: ContentBlock| Message {
            role: Role::Assistant,
            content: vec![
                ContentBlock::Reasoning { text: reasoning.to_owned(), signature: None },
                ContentBlock::Text { text: text.to_owned() },
                call,
            ],
        };
        let screen = ToolResult {
            call_id: "call_0".into(),
            name: "bash_command".to_owned(),
            content: vec![ContentBlock::Text { text: "$ TZ=Europe/Paris date +%H:%M\n08:15\n$".to_owned() }],
            is_error: false,
        };
        let keystrokes = r#"{"keystrokes": "TZ=Europe/Paris date +%H:%M\n", "duration": 0.1}"#;
        let messages = [
            Message::user("What time is it in Paris?"),
            reply("An idle terminal.", "Ask `date`.", call("call_0", "bash_command", keystrokes)),
            Message::tool(vec![screen]),
            reply("It is 08:15.", "Nothing is left to do.", call("call_1", "mark_task_complete", "{}")),
        ];
        Self::of_messages(Vec::new(), messages.into())
    }

    /// The example as a sample.
    pub fn sample(&self) -> Sample<'_> {
        Sample { tools: &self.tools, nodes: self.nodes.iter().collect() }
    }

    fn with(has_reasoning: bool, has_text: bool, calls: usize) -> Self {
        let cities = [("Paris", "sun"), ("Rome", "rain")];
        let mut reply = Vec::new();
        let mut results = Vec::new();
        if has_reasoning {
            reply.push(ContentBlock::Reasoning {
                text: "Two cities, so I look both up.".to_owned(),
                signature: None,
            });
        }
        if has_text {
            reply.push(ContentBlock::Text { text: "Let me look.".to_owned() });
        }
        for (index, (city, weather)) in cities.into_iter().take(calls).enumerate() {
            let (id, name) = (CallId(format!("call_{index}")), "get_weather".to_owned());
            let arguments =
                Arguments::from_text(format!("{{\"city\": \"{city}\", \"days\": {}}}", index + 1));
            reply.push(ContentBlock::ToolCall(ToolCall { id: id.clone(), name: name.clone(), arguments }));
            let content = vec![ContentBlock::Text { text: weather.to_owned() }];
            results.push(ToolResult { call_id: id, name, content, is_error: false });
        }
        let messages = [
            Message::system("Answer briefly."),
            Message::user("Paris or Rome this week?"),
            Message { role: Role::Assistant, content: reply },
            Message::tool(results),
            Message::assistant("Paris."),
        ];
        let tool = ToolSpec {
            name: "get_weather".to_owned(),
            description: "Weather of a city.".to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city."},
                    "days": {"type": "integer", "description": "Days ahead."},
                },
                "required": ["city"],
            }),
        };
        Self::of_messages(vec![tool], messages.into())
    }

    fn of_messages(tools: Vec<ToolSpec>, messages: Vec<Message>) -> Self {
        let parents = std::iter::once(None).chain((0..).map(|at| Some(NodeId(at))));
        let nodes = parents.zip(messages).map(|(parent, message)| Node::new(parent, message)).collect();
        Self { tools, nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_can_show_one_with_a_call_and_its_mask() {
        for format in crate::all() {
            let example = Example::of(*format);
            let rendered = format.render(&example.sample(), &RenderOptions::default());
            let rendered = rendered.unwrap_or_else(|refusal| panic!("{}: {refusal}", format.name()));
            assert!(rendered.text.contains("Paris") && rendered.trainable_bytes() > 0, "{}", format.name());
        }
    }
}
