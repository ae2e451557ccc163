//! YAML as a tree in which every value knows its line and column.
//!
//! In: the text of a file. Out: a [`Yaml`] tree or one [`Diagnostic`]. YAML 1.2: `yes`, `no`, `on`
//! and `off` are text. Duplicate keys, several documents, alias bombs, deep nesting and huge input
//! are refused before they cost anything.

use crate::Diagnostic;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;
use std::fmt;
use std::path::Path;

/// Larger files are no agent files.
pub(crate) const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Deeper nesting is no agent file. Well below what recursion over the tree can bear.
const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 100_000;
/// Events that aliases may add.
const MAX_ALIAS_EVENTS: usize = 20_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Yaml {
    pub(crate) at: (u64, u64),
    pub(crate) node: YamlNode,
    /// Its text was put together from `${…}`, so it may stand for a number or a truth value.
    pub(crate) is_substituted: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum YamlNode {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(Key, Yaml)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: (u64, u64),
    pub(crate) name: String,
}

impl Yaml {
    /// Parses `text`, the content of `file`.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, Diagnostic> {
        if text.len() > MAX_FILE_BYTES {
            let message = format!("the file has {} bytes, at most {MAX_FILE_BYTES} are read", text.len());
            return Err(Diagnostic::error(file, None, message));
        }
        let options = serde_saphyr::options! {
            strict_booleans: true,
            with_snippet: false,
            duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
            reject_unsupported_tags: true,
            budget: serde_saphyr::budget! {
                max_documents: 1,
                max_depth: MAX_DEPTH,
                max_nodes: MAX_NODES,
                max_events: 2 * MAX_NODES,
                max_aliases: 1_000,
                max_anchors: 1_000,
                flow_nesting_limit: MAX_DEPTH,
            },
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: MAX_ALIAS_EVENTS,
                max_replay_stack_depth: 16,
            },
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let at = error.location().map(|at| (at.line(), at.column())).filter(|(line, _)| *line > 0);
            Diagnostic::error(file, at, describe(&error, text, at))
        })
    }

    /// What kind of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.node {
            YamlNode::Null => "nothing",
            YamlNode::Bool(_) => "a truth value",
            YamlNode::Number(_) => "a number",
            YamlNode::Text(_) => "text",
            YamlNode::List(_) => "a list",
            YamlNode::Map(_) => "a map",
        }
    }

    /// The value as JSON.
    pub(crate) fn to_json(&self) -> Value {
        match &self.node {
            YamlNode::Null => Value::Null,
            YamlNode::Bool(yes) => Value::Bool(*yes),
            YamlNode::Number(number) => Value::Number(number.clone()),
            YamlNode::Text(text) => Value::String(text.clone()),
            YamlNode::List(items) => items.iter().map(Yaml::to_json).collect(),
            YamlNode::Map(entries) => {
                entries.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect()
            }
        }
    }

    /// The value under `key`, where this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Yaml> {
        match &self.node {
            YamlNode::Map(entries) => entries.iter().find(|(k, _)| k.name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// What is wrong, in the words of someone who writes agent files.
fn describe(error: &serde_saphyr::Error, text: &str, at: Option<(u64, u64)>) -> String {
    use serde_saphyr::Error as E;
    match error.without_snippet() {
        E::DuplicateMappingKey { key: Some(key), .. } => {
            return format!("key `{key}` stands twice in this map; remove one");
        }
        E::DuplicateMappingKey { key: None, .. } => return "a key stands twice in this map".to_owned(),
        E::Budget { .. } => {
            return format!(
                "more than an agent file may hold: one document, at most {MAX_DEPTH} levels and {MAX_NODES} values"
            );
        }
        E::AliasReplayLimitExceeded { .. }
        | E::AliasExpansionLimitExceeded { .. }
        | E::AliasReplayStackDepthExceeded { .. } => {
            return format!(
                "its aliases add more than {MAX_ALIAS_EVENTS} values; write them out or use `variables`"
            );
        }
        E::RecursiveReferencesRequireWeakTypes { .. } => return "an anchor contains itself".to_owned(),
        E::NonFiniteFloat { .. } => return "a number must be finite".to_owned(),
        _ => {}
    }
    let message = error.without_snippet().to_string();
    // The place stands before the message already.
    let message = message.rfind(" at line ").map_or(message.as_str(), |place| &message[..place]);
    // The parser names the place where a text began; the tab may stand on the next line.
    let nearby = at.map_or(0, |(line, _)| line as usize - 1);
    let has_tab = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
    let hint = match text.lines().skip(nearby).take(2).any(has_tab) {
        true => "; indent with spaces, YAML allows no tabs there",
        false => "",
    };
    format!("{}{hint}", message.trim_end_matches('.'))
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<YamlNode>::deserialize(deserializer)?;
        Ok(Self { at: (referenced.line(), referenced.column()), node: value, is_substituted: false })
    }
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = YamlNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }
    fn visit_none<E>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<YamlNode, E> {
        Ok(YamlNode::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<YamlNode, E> {
        Ok(YamlNode::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<YamlNode, E> {
        Ok(YamlNode::Number(value.into()))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<YamlNode, E> {
        Number::from_f64(value).map(YamlNode::Number).ok_or_else(|| E::custom("a number must be finite"))
    }
    fn visit_str<E>(self, value: &str) -> Result<YamlNode, E> {
        Ok(YamlNode::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<YamlNode, E> {
        Ok(YamlNode::Text(value))
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<YamlNode, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<YamlNode, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(YamlNode::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<YamlNode, A::Error> {
        let mut map: Vec<(Key, Yaml)> = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let key = Key { at: (key.referenced.line(), key.referenced.column()), name: key.value };
            map.push((key, entries.next_value()?));
        }
        Ok(YamlNode::Map(map))
    }
}
