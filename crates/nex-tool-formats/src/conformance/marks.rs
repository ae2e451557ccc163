//! What the damages and slots need to know of each format: its marks, as facts.

use super::case::Slot;
use super::own_tool::OwnTool;

/// The marks of one format; empty where it has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// The format.
    pub(super) format: &'static str,
    /// What a call begins with.
    pub(super) call_open: &'static str,
    /// What a call ends with.
    pub(super) call_close: &'static str,
    /// What the value of an argument called `content` ends with.
    pub(super) value_close: &'static str,
    /// Where several calls are written otherwise: what each begins and ends with.
    pub(super) of_several: Option<(&'static str, &'static str)>,
    /// What stands around all calls of a reply.
    pub(super) section: Option<(&'static str, &'static str)>,
    /// How calls are written.
    pub(super) wire: Wire,
    /// All calls are one list, so that nothing can stand between two.
    pub(super) is_list: bool,
    /// Arguments are a JSON string that holds JSON.
    pub(super) has_text_arguments: bool,
    /// All calls are of this one tool.
    pub(super) own_tool: Option<OwnTool>,
}

/// How calls are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// The whole reply is one JSON document.
    Document,
    /// A call is a JSON object with a name and arguments.
    JsonEnvelope,
    /// The arguments are a JSON object, the name stands before it.
    JsonArguments,
    /// Each argument is tagged, its text written as it is.
    Tagged,
    /// A call is a Python expression.
    Python,
}

impl Marks {
    const NONE: Self = Self {
        format: "",
        call_open: "",
        call_close: "",
        value_close: "",
        of_several: None,
        section: None,
        wire: Wire::Tagged,
        is_list: false,
        has_text_arguments: false,
        own_tool: None,
    };

    /// The marks of `format`; none if it is not listed here.
    pub(super) fn of(format: &str) -> &'static Self {
        MARKS.iter().find(|marks| marks.format == format).unwrap_or(const { &Self::NONE })
    }

    /// What a call begins with in `reply`.
    pub(super) fn call_open_in(&self, reply: &str) -> &'static str {
        match self.of_several {
            Some((open, _)) if reply.contains(open) => open,
            _ => self.call_open,
        }
    }

    /// What a call ends with in `reply`.
    pub(super) fn call_close_in(&self, reply: &str) -> &'static str {
        match self.of_several {
            Some((_, close)) if reply.contains(close) => close,
            _ => self.call_close,
        }
    }

    /// What stands for `slot` in this format. Where there is no such mark, the quotes and brackets
    /// that end a value elsewhere.
    pub(super) fn slot(&self, slot: Slot) -> &'static str {
        let mark = match slot {
            Slot::CallOpen => self.call_open,
            Slot::CallClose => self.call_close,
            Slot::ValueClose => self.value_close,
        };
        match (mark, slot) {
            ("", Slot::CallOpen) => "[{\"",
            ("", _) => "\"}])",
            _ => mark,
        }
    }
}

const MARKS: &[Marks] = &[
    Marks { format: "openai", wire: Wire::Document, is_list: true, has_text_arguments: true, ..Marks::NONE },
    Marks { format: "anthropic", wire: Wire::Document, is_list: true, ..Marks::NONE },
    Marks { format: "hermes", ..HERMES },
    Marks { format: "qwen3", ..HERMES },
    Marks { format: "qwen3-coder", ..QWEN_XML },
    Marks { format: "qwen3.5", ..QWEN_XML },
    Marks { format: "glm-4.5", ..GLM },
    Marks { format: "glm-4.7", ..GLM },
    Marks {
        format: "minimax-m2",
        call_open: "<invoke name=\"",
        call_close: "</invoke>",
        value_close: "</parameter>",
        section: Some(("<minimax:tool_call>", "</minimax:tool_call>")),
        ..Marks::NONE
    },
    Marks { format: "deepseek-v3", ..DEEPSEEK },
    Marks { format: "deepseek-v3.1", ..DEEPSEEK },
    Marks {
        format: "deepseek-v3.2",
        call_open: "<｜DSML｜invoke name=\"",
        call_close: "</｜DSML｜invoke>",
        value_close: "</｜DSML｜parameter>",
        section: Some(("<｜DSML｜function_calls>", "</｜DSML｜function_calls>")),
        ..Marks::NONE
    },
    Marks {
        format: "kimi-k2",
        call_open: "<|tool_call_begin|>",
        call_close: "<|tool_call_end|>",
        value_close: "<|tool_call_end|>",
        section: Some(("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")),
        wire: Wire::JsonArguments,
        ..Marks::NONE
    },
    Marks {
        format: "nexau",
        call_open: "<tool_use>",
        call_close: "</tool_use>",
        value_close: "</content>",
        of_several: Some(("<parallel_tool>", "</parallel_tool>")),
        ..Marks::NONE
    },
    Marks { format: "cline", value_close: "</content>", ..Marks::NONE },
    Marks {
        format: "openhands",
        call_open: "<function=",
        call_close: "</function>",
        value_close: "</parameter>",
        ..Marks::NONE
    },
    Marks {
        format: "terminus-2-xml",
        call_open: "<keystrokes",
        call_close: "</keystrokes>",
        value_close: "</keystrokes>",
        section: Some(("<commands>", "</commands>")),
        own_tool: Some(TERMINUS_TOOL),
        ..Marks::NONE
    },
    Marks {
        format: "terminus-2-json",
        wire: Wire::Document,
        is_list: true,
        own_tool: Some(TERMINUS_TOOL),
        ..Marks::NONE
    },
    Marks { format: "llama-3", wire: Wire::JsonEnvelope, ..Marks::NONE },
    Marks { format: "llama-4", value_close: "\")]", wire: Wire::Python, is_list: true, ..Marks::NONE },
    Marks {
        format: "lfm2",
        call_open: "<|tool_call_start|>",
        call_close: "<|tool_call_end|>",
        value_close: "')]<|tool_call_end|>",
        wire: Wire::Python,
        is_list: true,
        ..Marks::NONE
    },
    Marks { format: "mistral-v3", ..MISTRAL_LIST },
    Marks { format: "mistral-v3-tekken", ..MISTRAL_LIST },
    Marks { format: "mistral-v7", ..MISTRAL_LIST },
    Marks { format: "mistral-v11", ..MISTRAL_NAMED },
    Marks { format: "mistral-v13", ..MISTRAL_NAMED },
    Marks {
        format: "gpt-oss",
        call_open: " to=functions.",
        call_close: "<|call|>",
        value_close: "<|call|>",
        wire: Wire::JsonArguments,
        ..Marks::NONE
    },
];

/// The keystrokes of Terminus 2, by the name that Harbor's records have for them.
const TERMINUS_TOOL: OwnTool =
    OwnTool { name: "bash_command", text: "keystrokes", number: ("duration", "0.1") };

const HERMES: Marks = Marks {
    call_open: "<tool_call>",
    call_close: "</tool_call>",
    value_close: "</tool_call>",
    wire: Wire::JsonEnvelope,
    ..Marks::NONE
};

const MISTRAL_LIST: Marks = Marks {
    call_open: "[TOOL_CALLS]",
    value_close: "\"}}]",
    wire: Wire::JsonEnvelope,
    is_list: true,
    ..Marks::NONE
};

const MISTRAL_NAMED: Marks = Marks {
    call_open: "[TOOL_CALLS]",
    value_close: "\"}[TOOL_CALLS]",
    wire: Wire::JsonArguments,
    ..Marks::NONE
};

const QWEN_XML: Marks = Marks {
    call_open: "<tool_call>",
    call_close: "</tool_call>",
    value_close: "\n</parameter>",
    ..Marks::NONE
};

const GLM: Marks = Marks {
    call_open: "<tool_call>",
    call_close: "</tool_call>",
    value_close: "</arg_value>",
    ..Marks::NONE
};

const DEEPSEEK: Marks = Marks {
    call_open: "<｜tool▁call▁begin｜>",
    call_close: "<｜tool▁call▁end｜>",
    value_close: "<｜tool▁call▁end｜>",
    section: Some(("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")),
    wire: Wire::JsonArguments,
    ..Marks::NONE
};
