//! What a server says of itself and of the manners of its tools.
//!
//! In: JSON as a server sent it. Out: the few facts that others decide by. All of it is the server's
//! own word: a tool that says it only reads may do anything.

use super::opening::STATELESS_VERSION;
use super::spec::Era;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The annotations of a tool. What a server leaves out is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolAnnotations {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It changes nothing.
    #[serde(alias = "readOnlyHint", skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// It may destroy something.
    #[serde(alias = "destructiveHint", skip_serializing_if = "Option::is_none")]
    pub destructive: Option<bool>,
    /// The second of two equal calls changes nothing more.
    #[serde(alias = "idempotentHint", skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
    /// It reaches things outside of its server, such as the web.
    #[serde(alias = "openWorldHint", skip_serializing_if = "Option::is_none")]
    pub open_world: Option<bool>,
}

impl ToolAnnotations {
    /// The annotations of a tool as listed; none where they are malformed.
    pub fn of(listed: &Value) -> Self {
        listed.get("annotations").and_then(|found| Self::deserialize(found).ok()).unwrap_or_default()
    }

    /// The server says that the tool only reads, and does not contradict itself.
    pub fn says_read_only(&self) -> bool {
        self.read_only == Some(true) && self.destructive != Some(true)
    }

    /// The server says nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a server says of itself when it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// Its name; empty where it gives none.
    pub name: String,
    /// Its version; empty where it gives none.
    pub version: String,
    /// The version of the protocol that is spoken.
    pub protocol: String,
    /// The generation of the protocol.
    pub era: Era,
}

impl ServerIdentity {
    /// Out of the answer to `initialize` or to `server/discover`.
    pub fn of(opening: &Value, era: Era) -> Self {
        let in_meta = opening.pointer("/_meta/io.modelcontextprotocol~1serverInfo");
        let told = opening.get("serverInfo").or(in_meta);
        let text = |key: &str| told.and_then(|info| info[key].as_str()).unwrap_or_default().to_owned();
        let protocol = match era {
            Era::Stateless => STATELESS_VERSION,
            Era::Handshake => opening["protocolVersion"].as_str().unwrap_or_default(),
        };
        Self { name: text("name"), version: text("version"), protocol: protocol.to_owned(), era }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_plain_word_counts_as_reading() {
        let says =
            |annotations: Value| ToolAnnotations::of(&json!({"annotations": annotations})).says_read_only();
        assert!(says(json!({"readOnlyHint": true})));
        assert!(!says(json!({"readOnlyHint": true, "destructiveHint": true})));
        assert!(!says(json!({"readOnlyHint": "yes"})), "malformed annotations are none");
        assert!(!says(json!({})) && !says(json!(null)));
    }

    #[test]
    fn both_eras_name_their_server() {
        let old = json!({"protocolVersion": "2025-06-18", "serverInfo": {"name": "a", "version": "1"}});
        let new = json!({"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "b", "version": "2"}}});
        let told = |opening: &Value, era| {
            let ServerIdentity { name, version, protocol, .. } = ServerIdentity::of(opening, era);
            [name, version, protocol].join(" ")
        };
        assert_eq!(told(&old, Era::Handshake), "a 1 2025-06-18");
        assert_eq!(told(&new, Era::Stateless), "b 2 2026-07-28");
        assert_eq!(told(&json!([]), Era::Handshake), "  ");
    }
}
