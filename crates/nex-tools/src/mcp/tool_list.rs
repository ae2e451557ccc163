//! The tools that a server lists, compiled once per list.
//!
//! The list's hash covers names, descriptions and schemas, so that a server which changes what it
//! told a model (by upgrade or by malice) is noticed.

use super::annotations::ToolAnnotations;
use crate::ToolDeclaration;
use indexmap::IndexMap;
use nex_trajectory::ToolSpec;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// Tools whose names start so are for the harness and are never shown to an agent.
pub const CONTROL_PREFIX: &str = "nex_";

/// A server's list of tools.
pub struct ToolList {
    tools: IndexMap<String, Listed>,
    hash: String,
    refused: Vec<(String, String)>,
}

struct Listed {
    declaration: Arc<ToolDeclaration>,
    hash: blake3::Hash,
    raw: Value,
}

/// How one list differs from another.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ToolListDrift {
    /// Names that are new.
    pub added: Vec<String>,
    /// Names that are gone.
    pub removed: Vec<String>,
    /// Names whose description or schema is another.
    pub changed: Vec<String>,
}

/// A tool as it stands in the answer to `tools/list`.
#[derive(Clone, Debug)]
pub(super) struct WireTool {
    name: String,
    description: Option<String>,
    input_schema: Option<Value>,
    /// All of it, fields that we do not know too.
    raw: Value,
}

#[derive(Deserialize)]
struct WireFields {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(rename = "inputSchema", default)]
    input_schema: Option<Value>,
}

impl WireTool {
    /// The tool that `raw` is.
    pub(super) fn read(raw: Value) -> Result<Self, serde_json::Error> {
        let WireFields { name, description, input_schema } = WireFields::deserialize(&raw)?;
        Ok(Self { name, description, input_schema, raw })
    }
}

impl<'de> Deserialize<'de> for WireTool {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::read(Value::deserialize(input)?).map_err(serde::de::Error::custom)
    }
}

/// One page of that answer.
#[derive(Deserialize)]
pub(super) struct ListPage {
    #[serde(default)]
    pub(super) tools: Vec<WireTool>,
    #[serde(rename = "nextCursor", default)]
    pub(super) next_cursor: Option<String>,
}

impl ToolList {
    pub(super) fn hash_of(tools: &[WireTool]) -> String {
        let mut hasher = blake3::Hasher::new();
        for tool in tools {
            hasher.update(tool_hash(tool).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    pub(super) fn compile(tools: Vec<WireTool>) -> Self {
        let mut list = Self { hash: Self::hash_of(&tools), tools: IndexMap::new(), refused: Vec::new() };
        for tool in tools {
            let hash = tool_hash(&tool);
            let spec = ToolSpec {
                name: tool.name.clone(),
                description: tool.description.unwrap_or_default(),
                input_schema: tool.input_schema.unwrap_or_else(|| serde_json::json!({"type": "object"})),
            };
            if list.tools.contains_key(&tool.name) {
                list.refused.push((tool.name, "the server lists this name twice".to_owned()));
                continue;
            }
            match ToolDeclaration::new(spec) {
                Ok(declaration) => {
                    let listed = Listed { declaration: Arc::new(declaration), hash, raw: tool.raw };
                    list.tools.insert(tool.name, listed);
                }
                Err(error) => list.refused.push((tool.name, error.cause)),
            }
        }
        list
    }

    /// The names, in the server's order, control tools among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }

    /// The declaration of the tool `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<ToolDeclaration>> {
        self.tools.get(name).map(|listed| &listed.declaration)
    }

    /// The tools as the server listed them, with annotations and whatever else it says of them.
    pub fn raw(&self) -> impl Iterator<Item = &Value> {
        self.tools.values().map(|listed| &listed.raw)
    }

    /// What the server says of the manners of the tool `name`.
    pub fn annotations(&self, name: &str) -> ToolAnnotations {
        self.tools.get(name).map_or_else(ToolAnnotations::default, |listed| ToolAnnotations::of(&listed.raw))
    }

    /// BLAKE3 over names, descriptions and schemas, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Tools that cannot be used, and why: a schema that is none, or a name listed twice.
    pub fn refused(&self) -> &[(String, String)] {
        &self.refused
    }

    /// Whether the tool `name` is the same in both lists, or in neither.
    pub(super) fn has_same(&self, name: &str, other: &Self) -> bool {
        let hash = |list: &Self| list.tools.get(name).map(|listed| listed.hash);
        hash(self) == hash(other)
    }

    /// What is different in `newer`, if anything is.
    pub fn drift(&self, newer: &Self) -> Option<ToolListDrift> {
        if self.hash == newer.hash {
            return None;
        }
        let mut drift = ToolListDrift::default();
        for (name, listed) in &newer.tools {
            match self.tools.get(name) {
                None => drift.added.push(name.clone()),
                Some(before) if before.hash != listed.hash => drift.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        let gone = self.tools.keys().filter(|name| !newer.tools.contains_key(*name));
        drift.removed = gone.cloned().collect();
        Some(drift)
    }

    /// The declarations that an agent may see.
    pub(super) fn offered(&self) -> impl Iterator<Item = &Arc<ToolDeclaration>> {
        let offered = self.tools.iter().filter(|(name, _)| !name.starts_with(CONTROL_PREFIX));
        offered.map(|(_, listed)| &listed.declaration)
    }
}

fn tool_hash(tool: &WireTool) -> blake3::Hash {
    let text = serde_json::json!([tool.name, tool.description, tool.input_schema]).to_string();
    blake3::hash(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(tools: Value) -> ToolList {
        ToolList::compile(serde_json::from_value(tools).expect("tools"))
    }

    #[test]
    fn drift_is_named() {
        let before = list(json!([{"name": "a"}, {"name": "b", "description": "safe"}, {"name": "c"}]));
        let after = list(json!([{"name": "a"}, {"name": "b", "description": "evil"}, {"name": "d"}]));
        assert_eq!(before.drift(&before), None);
        let drift = before.drift(&after).expect("they differ");
        let expected =
            ToolListDrift { added: vec!["d".into()], removed: vec!["c".into()], changed: vec!["b".into()] };
        assert_eq!(drift, expected);
    }

    #[test]
    fn broken_tools_are_left_out_and_named() {
        let list = list(json!([
            {"name": "ok", "inputSchema": {"type": "object"}},
            {"name": "ok"},
            {"name": "bad", "inputSchema": {"type": "no-such-type"}},
            {"name": "nex_reset"},
        ]));
        assert_eq!(list.names().collect::<Vec<_>>(), ["ok", "nex_reset"]);
        assert_eq!(list.offered().count(), 1);
        let refused: Vec<_> = list.refused().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(refused, ["ok", "bad"]);
    }
}
