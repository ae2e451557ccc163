//! What a tool of a server answered, as content for a model.
//!
//! Text and images stay what they are; embedded resources become text with their address above it
//! (or the image that they hold); audio and links become a line that names them. A structured
//! result is shown as JSON only where the server sent no other content.

use crate::ToolOutput;
use nex_trajectory::{ContentBlock, ImageSource};
use serde::Deserialize;
use serde_json::Value;

/// A tool's answer: what the model sees, and the structured result beside it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CallResult {
    /// For the model.
    pub output: ToolOutput,
    /// The result as data, where the server gives it.
    pub structured: Option<Value>,
}

/// A tool's answer as it came over the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum WireAnswer {
    /// A result, which may say that the tool failed.
    Result {
        /// The result's JSON.
        json: String,
        /// The answer was not UTF-8 and was mended.
        is_lossy: bool,
    },
    /// An error of the protocol.
    Refused {
        /// JSON-RPC's code.
        code: i64,
        /// What the server says.
        message: String,
        /// What else it says.
        data: Option<Value>,
    },
}

impl WireAnswer {
    /// Code, message and what fits of the data; empty for a result.
    pub fn refusal_text(&self) -> String {
        match self {
            Self::Result { .. } => String::new(),
            Self::Refused { code, message, data } => refusal_text(*code, message, data.as_ref()),
        }
    }
}

pub(super) fn refusal_text(code: i64, message: &str, data: Option<&Value>) -> String {
    let mut text = format!("{message} (code {code})");
    match data {
        None | Some(Value::Null) => {}
        Some(data) => {
            let data = data.to_string();
            text.push_str(&format!(" {}", &data[..data.floor_char_boundary(1000)]));
        }
    }
    text
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResult {
    #[serde(default)]
    content: Vec<Item>,
    #[serde(default)]
    structured_content: Option<Value>,
    #[serde(default)]
    is_error: Option<bool>,
    #[serde(default)]
    result_type: Option<String>,
}

/// One item of content. All fields in one place: unknown kinds must not break the known ones.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    resource: Option<Resource>,
    #[serde(default)]
    uri: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    blob: Option<String>,
}

/// Reads the result of `tools/call`.
///
/// # Errors
/// It has not the shape of one.
pub(super) fn read_result(json: &str, is_lossy: bool) -> Result<CallResult, serde_json::Error> {
    let raw: RawResult = serde_json::from_str(json)?;
    if raw.result_type.as_deref() == Some("input_required") {
        let text = "the tool asks for input from a person or a model, which is not offered here";
        return Ok(CallResult { output: ToolOutput::error(text), structured: None });
    }
    let mut content: Vec<ContentBlock> = raw.content.into_iter().map(block).collect();
    if content.is_empty()
        && let Some(structured) = &raw.structured_content
    {
        content.push(ContentBlock::Text { text: structured.to_string() });
    }
    let is_error = raw.is_error.unwrap_or(false);
    Ok(CallResult { output: ToolOutput { content, is_error, is_lossy }, structured: raw.structured_content })
}

fn block(item: Item) -> ContentBlock {
    let Item { kind, text, data, mime_type, resource, uri, name } = item;
    let text = match (kind.as_str(), text, data, resource, uri) {
        ("text", Some(text), ..) => text,
        ("image", _, Some(data), ..) => {
            let media_type = mime_type.unwrap_or_else(|| "image/png".to_owned());
            return ContentBlock::Image(ImageSource::Base64 { media_type, data });
        }
        ("audio", _, Some(data), ..) => {
            format!("[audio {} of {} base64 bytes]", mime_type.unwrap_or_default(), data.len())
        }
        ("resource", _, _, Some(resource), _) => return resource_block(resource),
        ("resource_link", _, _, _, Some(uri)) => format!("[resource {uri}] {}", name.unwrap_or_default()),
        (kind, ..) => format!("[content of unknown type `{kind}`]"),
    };
    ContentBlock::Text { text }
}

fn resource_block(resource: Resource) -> ContentBlock {
    let Resource { uri, mime_type, text, blob } = resource;
    let media_type = mime_type.unwrap_or_default();
    let text = match (text, blob) {
        (Some(text), _) => format!("[resource {uri}]\n{text}"),
        (None, Some(data)) if media_type.starts_with("image/") => {
            return ContentBlock::Image(ImageSource::Base64 { media_type, data });
        }
        (None, Some(data)) => format!("[resource {uri}: {media_type}, {} base64 bytes]", data.len()),
        (None, None) => format!("[resource {uri}]"),
    };
    ContentBlock::Text { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_kind_of_content() {
        let json = r#"{"content": [
            {"type": "text", "text": "hi"},
            {"type": "image", "data": "QUJD", "mimeType": "image/png"},
            {"type": "audio", "data": "QUJD", "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "file:///b", "mimeType": "image/gif", "blob": "R0lG"}},
            {"type": "resource", "resource": {"uri": "file:///c", "mimeType": "application/pdf", "blob": "R0lG"}},
            {"type": "resource_link", "uri": "file:///d", "name": "d"},
            {"type": "hologram", "depth": 3}
        ], "structuredContent": {"a": 1}, "isError": true, "extra": 1}"#;
        let result = read_result(json, false).expect("a result");
        expect![[r#"
            ToolOutput {
                content: [
                    Text {
                        text: "hi",
                    },
                    Image(
                        Base64 {
                            media_type: "image/png",
                            data: "QUJD",
                        },
                    ),
                    Text {
                        text: "[audio audio/wav of 4 base64 bytes]",
                    },
                    Text {
                        text: "[resource file:///a]\ninside",
                    },
                    Image(
                        Base64 {
                            media_type: "image/gif",
                            data: "R0lG",
                        },
                    ),
                    Text {
                        text: "[resource file:///c: application/pdf, 4 base64 bytes]",
                    },
                    Text {
                        text: "[resource file:///d] d",
                    },
                    Text {
                        text: "[content of unknown type `hologram`]",
                    },
                ],
                is_error: true,
                is_lossy: false,
            }
        "#]]
        .assert_debug_eq(&result.output);
        assert_eq!(result.structured, Some(serde_json::json!({"a": 1})));
    }

    #[test]
    fn structured_content_alone_is_shown() {
        let shown = |json| read_result(json, false).map(|r| r.output.content).map_err(|e| e.to_string());
        let text = |text: &str| Ok(vec![ContentBlock::Text { text: text.into() }]);
        assert_eq!(shown(r#"{"structuredContent": {"b": 1, "a": 2}}"#), text(r#"{"b":1,"a":2}"#));
        assert_eq!(shown("{}"), Ok(vec![]));
        assert!(shown("[1]").is_err() && shown(r#"{"content": "x"}"#).is_err());
        let asks = read_result(r#"{"resultType": "input_required"}"#, false).expect("a result");
        assert!(asks.output.is_error);
    }
}
