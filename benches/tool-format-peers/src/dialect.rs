//! Which of our formats is which parser of the peers.

/// One of our formats, and what others call it.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// Our name.
    pub format: &'static str,
    /// The name in tool-parser's registry; empty if it has none.
    pub tool_parser: &'static str,
    /// The name in dynamo-parsers' map; empty if it has none.
    pub dynamo: &'static str,
    /// Marks that a tokenizer has as one token, so that a server never sees half of one.
    pub marks: &'static [&'static str],
}

/// All formats that at least one peer reads. dynamo reads gpt-oss too, but only with a vocabulary that
/// it fetches from the network when it is first needed; without one it finds nothing, so it is left out.
pub const DIALECTS: &[Dialect] = &[
    dialect("hermes", "qwen", "hermes", &["<tool_call>", "</tool_call>"]),
    dialect("qwen3", "qwen", "hermes", &["<tool_call>", "</tool_call>"]),
    dialect("qwen3-coder", "qwen_coder", "qwen3_coder", &["<tool_call>", "</tool_call>"]),
    dialect("qwen3.5", "qwen_xml", "qwen3_coder", &["<tool_call>", "</tool_call>"]),
    // dynamo has one parser for both generations of GLM.
    dialect("glm-4.5", "glm45_moe", "glm47", GLM),
    dialect("glm-4.7", "glm47_moe", "glm47", GLM),
    dialect("minimax-m2", "minimax_m2", "minimax_m2", &["<minimax:tool_call>", "</minimax:tool_call>"]),
    dialect("deepseek-v3", "deepseek", "deepseek_v3", DEEPSEEK),
    dialect("deepseek-v3.1", "deepseek31", "deepseek_v3_1", DEEPSEEK),
    dialect("deepseek-v3.2", "deepseek32", "deepseek_v3_2", &["｜DSML｜"]),
    dialect(
        "kimi-k2",
        "kimik2",
        "kimi_k2",
        &[
            "<|tool_calls_section_begin|>",
            "<|tool_calls_section_end|>",
            "<|tool_call_begin|>",
            "<|tool_call_argument_begin|>",
            "<|tool_call_end|>",
        ],
    ),
    dialect("llama-3", "llama", "llama3_json", &["<|python_tag|>"]),
    dialect("llama-4", "pythonic", "pythonic", &[]),
    dialect("mistral-v3", "mistral", "mistral", MISTRAL),
    dialect("mistral-v3-tekken", "mistral", "mistral", MISTRAL),
    dialect("mistral-v7", "mistral", "mistral", MISTRAL),
    dialect("mistral-v11", "mistral", "mistral", MISTRAL),
    dialect("mistral-v13", "mistral", "mistral", MISTRAL),
];

const GLM: &[&str] =
    &["<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"];
const DEEPSEEK: &[&str] = &[
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>",
];
const MISTRAL: &[&str] = &["[TOOL_CALLS]", "[ARGS]"];

const fn dialect(
    format: &'static str,
    tool_parser: &'static str,
    dynamo: &'static str,
    marks: &'static [&'static str],
) -> Dialect {
    Dialect { format, tool_parser, dynamo, marks }
}

/// What is known of `format`.
pub fn of(format: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| dialect.format == format)
}

/// `text` in pieces of `chars` characters.
pub fn pieces(text: &str, chars: usize) -> Vec<&str> {
    let mut starts: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(chars.max(1)).collect();
    starts.push(text.len());
    // Of an empty text this is one start without an end.
    starts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

/// `text` in pieces of `chars` characters, cut where a mark begins and ends; the `marks` whole.
pub fn tokens<'a>(text: &'a str, chars: usize, marks: &[&str]) -> Vec<&'a str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let first = marks.iter().filter_map(|mark| Some((rest.find(mark)?, mark.len()))).min();
        let (at, length) = first.unwrap_or((rest.len(), 0));
        tokens.extend(pieces(&rest[..at], chars));
        if length > 0 {
            tokens.push(&rest[at..at + length]);
        }
        rest = &rest[at + length..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_whole() {
        assert_eq!(tokens("aéb<x>cd<x>", 2, &["<x>"]), ["aé", "b", "<x>", "cd", "<x>"]);
        assert_eq!(tokens("<x>", 1, &[]), ["<", "x", ">"]);
        assert_eq!(pieces("aéb🌍", 3), ["aéb", "🌍"]);
        assert!(tokens("", 2, &["<x>"]).is_empty());
    }
}
