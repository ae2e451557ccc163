//! Formats whose calls are all of one tool: what a case wants to say goes into its one text.

use super::tools;
use nex_trajectory::{Arguments, ContentBlock, Message, ToolSpec};
use serde_json::{Value, json};

/// The one tool of a format.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnTool {
    /// Its name.
    pub(super) name: &'static str,
    /// The argument that holds text.
    pub(super) text: &'static str,
    /// The argument that holds a number, and that number as each call has it.
    pub(super) number: (&'static str, &'static str),
}

impl OwnTool {
    /// The tool as it is declared.
    pub(super) fn spec(&self) -> ToolSpec {
        let arguments = [(self.text, "string"), (self.number.0, "number")];
        tools::tool(self.name, "The only tool.", &arguments, &[self.text])
    }

    /// `message` with each call turned into one of this tool: its text is the first text among the
    /// call's arguments, or else all of them as JSON.
    pub(super) fn adapt(&self, message: &Message) -> Message {
        let mut message = message.clone();
        for block in &mut message.content {
            let ContentBlock::ToolCall(call) = block else { continue };
            let arguments = call.arguments.to_value().unwrap_or_default();
            let first = arguments.as_object().into_iter().flat_map(|members| members.values());
            let text = first.filter_map(Value::as_str).next();
            let text = text.unwrap_or(call.arguments.as_text());
            call.name = self.name.to_owned();
            call.arguments = Arguments::from_text(format!(
                "{{\"{}\":{},\"{}\":{}}}",
                self.text,
                json!(text),
                self.number.0,
                self.number.1
            ));
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::calls;
    use super::*;

    #[test]
    fn a_call_becomes_one_of_the_own_tool() {
        let own = OwnTool { name: "run", text: "keys", number: ("wait", "0.1") };
        let message = own.adapt(&calls(&[("f", r#"{"n":1,"a":"x\n","b":"y"}"#), ("g", r#"{"n":1}"#)]));
        let written: Vec<_> = message.calls().map(|call| call.arguments.as_text()).collect();
        assert_eq!(written, [r#"{"keys":"x\n","wait":0.1}"#, r#"{"keys":"{\"n\":1}","wait":0.1}"#]);
        assert!(message.calls().all(|call| call.name == "run"));
    }
}
