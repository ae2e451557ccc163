//! A small YAML writer: a tree of texts, bare scalars, lists and maps becomes readable YAML.
//!
//! Maps keep their order. Short inner nodes stand on one line; the outer levels are always blocks.

use std::fmt::Write;

/// Widest line on which a node is still written in one piece.
const WIDTH: usize = 108;
/// Levels from the root that are always written as blocks: sections and their entries.
const BLOCK_LEVELS: usize = 3;

/// A piece of YAML.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A string; quoted where YAML needs it.
    Text(String),
    /// Written as it is: numbers, booleans, moments.
    Bare(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in order.
    Map(Vec<(String, Node)>),
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Self::Bare(flag.to_string())
    }
}

impl From<u32> for Node {
    fn from(number: u32) -> Self {
        Self::Bare(number.to_string())
    }
}

impl<T: Into<Node>> From<Vec<T>> for Node {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

/// A map of the given entries.
pub(super) fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::Map(entries.into_iter().map(|(key, node)| (key.to_owned(), node)).collect())
}

impl Node {
    /// A bare scalar.
    pub(super) fn bare(text: impl Into<String>) -> Self {
        Self::Bare(text.into())
    }

    /// The map with one more entry at its end; other nodes are left as they are.
    pub(super) fn with(mut self, key: &str, node: impl Into<Node>) -> Self {
        if let Self::Map(entries) = &mut self {
            entries.push((key.to_owned(), node.into()));
        }
        self
    }

    /// The whole as a document.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.block(0, 0, &mut out);
        out
    }

    fn block(&self, level: usize, indent: usize, out: &mut String) {
        match self {
            Self::Map(entries) => {
                for (at, (key, node)) in entries.iter().enumerate() {
                    if level == 0 && at > 0 && matches!(node, Self::Map(_)) {
                        out.push('\n');
                    }
                    let _ = write!(out, "{:indent$}{key}:", "");
                    node.after_key(level + 1, indent + 2, indent + key.len() + 2, out);
                }
            }
            Self::List(items) => {
                for item in items {
                    let line = item.inline();
                    let Self::Map(entries) = item else {
                        let _ = writeln!(out, "{:indent$}- {line}", "");
                        continue;
                    };
                    if indent + 2 + line.len() <= WIDTH && level >= BLOCK_LEVELS {
                        let _ = writeln!(out, "{:indent$}- {line}", "");
                        continue;
                    }
                    for (at, (key, node)) in entries.iter().enumerate() {
                        let _ = write!(out, "{:indent$}{}{key}:", "", if at == 0 { "- " } else { "  " });
                        node.after_key(level + 2, indent + 4, indent + key.len() + 4, out);
                    }
                }
            }
            scalar => {
                let _ = writeln!(out, "{:indent$}{}", "", scalar.inline());
            }
        }
    }

    fn after_key(&self, level: usize, indent: usize, used: usize, out: &mut String) {
        let is_empty = match self {
            Self::Map(entries) => entries.is_empty(),
            Self::List(items) => items.is_empty(),
            _ => true,
        };
        let line = self.inline();
        let is_short = used + line.len() <= WIDTH && (level >= BLOCK_LEVELS || matches!(self, Self::List(_)));
        if is_empty || (is_short && self.depth() <= 3) {
            let _ = writeln!(out, " {line}");
        } else {
            out.push('\n');
            self.block(level, indent, out);
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::Map(entries) => 1 + entries.iter().map(|(_, node)| node.depth()).max().unwrap_or(0),
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    fn inline(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::Bare(text) => text.clone(),
            Self::List(items) => format!("[{}]", join(items.iter().map(Self::inline))),
            Self::Map(entries) => {
                format!("{{{}}}", join(entries.iter().map(|(key, node)| format!("{key}: {}", node.inline()))))
            }
        }
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// The text plain where every reader takes it for the same string, else in double quotes.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-.;()'’“”/<>=+".contains(c))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    // Spans of time: `-3d`.
    let is_span = text
        .strip_suffix(['m', 'h', 'd', 'w'])
        .map(|number| number.strip_prefix('-').unwrap_or(number))
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    if is_plain || is_span { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        let texts =
            ["true", "a: b", "- x", "it's", "say “hi”, then go", "\"q\" \\ \n", "12", "", "No", "ü{x}"];
        for text in texts {
            let yaml = map([("key", text.into())]).document();
            let back: std::collections::BTreeMap<String, String> =
                serde_saphyr::from_str(&yaml).expect("it is YAML");
            assert_eq!(back["key"], text, "{yaml}");
        }
    }
}
