//! JSON-RPC messages: bytes in, one message out; and how errors are written.

use crate::json::write_string;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::Write;

pub(super) const PARSE_ERROR: i32 = -32700;
pub(super) const INVALID_REQUEST: i32 = -32600;
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
pub(super) const INVALID_PARAMS: i32 = -32602;
pub(super) const INTERNAL_ERROR: i32 = -32603;
/// MCP 2026-07-28: HTTP headers and body disagree.
pub(super) const HEADER_MISMATCH: i32 = -32020;
/// MCP 2026-07-28: a version that is not served here.
pub(super) const UNSUPPORTED_VERSION: i32 = -32022;

/// One message from a client.
pub(super) enum Incoming<'a> {
    Request(Request<'a>),
    Notification {
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
    /// An answer; we ask nothing, so it is nobody's.
    Answer,
    /// No message; where its id could be read, the answer names it.
    Bad(Option<&'a RawValue>, RpcError),
}

/// A request.
pub(super) struct Request<'a> {
    /// A string or an integer, as it was written.
    pub(super) id: &'a RawValue,
    pub(super) method: Cow<'a, str>,
    pub(super) params: Option<&'a RawValue>,
}

/// An error in JSON-RPC's shape.
#[derive(Debug, PartialEq)]
pub(super) struct RpcError {
    pub(super) code: i32,
    pub(super) message: String,
    /// JSON.
    pub(super) data: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a JSON-RPC message")]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// What is there is there, a null too.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(input).map(Some)
}

impl RpcError {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub(super) fn unknown_method(method: &str) -> Self {
        let shown = &method[..method.floor_char_boundary(100)];
        Self::new(METHOD_NOT_FOUND, format!("method `{shown}` is not served here"))
    }
}

/// The message that `text` is.
pub(super) fn read(text: &str) -> Incoming<'_> {
    if text.trim_start().starts_with('[') {
        let error = RpcError::new(INVALID_REQUEST, "batches are not served; send one message at a time");
        return Incoming::Bad(None, error);
    }
    let wire: Wire<'_> = match serde_json::from_str(text) {
        Ok(wire) => wire,
        Err(cause) => {
            let (code, what) = match cause.classify() {
                serde_json::error::Category::Data => (INVALID_REQUEST, "this is no JSON-RPC message"),
                _ => (PARSE_ERROR, "this is no JSON"),
            };
            return Incoming::Bad(None, RpcError::new(code, format!("{what}: {cause}")));
        }
    };
    match (wire.method, wire.id) {
        (Some(method), Some(id)) if is_id(id.get()) => {
            Incoming::Request(Request { id, method, params: wire.params })
        }
        (Some(_), Some(_)) => {
            let error = RpcError::new(INVALID_REQUEST, "the id must be a string or an integer");
            Incoming::Bad(None, error)
        }
        (Some(method), None) => Incoming::Notification { method, params: wire.params },
        (None, _) if wire.result.is_some() || wire.error.is_some() => Incoming::Answer,
        (None, id) => {
            let id = id.filter(|id| is_id(id.get()));
            Incoming::Bad(id, RpcError::new(INVALID_REQUEST, "the message has no method"))
        }
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with('"') || text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes the answer to request `id`: the result that `fill` writes, or its error in place of it.
pub(super) fn write_answer<T>(
    out: &mut String,
    id: &RawValue,
    fill: impl FnOnce(&mut String) -> Result<T, RpcError>,
) -> Result<T, i32> {
    let start = out.len();
    out.push_str("{\"jsonrpc\":\"2.0\",\"id\":");
    out.push_str(id.get());
    out.push_str(",\"result\":");
    match fill(out) {
        Ok(value) => {
            out.push('}');
            Ok(value)
        }
        Err(error) => {
            out.truncate(start);
            write_error(out, Some(id), &error);
            Err(error.code)
        }
    }
}

/// Writes an error answer.
pub(super) fn write_error(out: &mut String, id: Option<&RawValue>, error: &RpcError) {
    let id = id.map_or("null", RawValue::get);
    write!(out, "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{},\"message\":", error.code)
        .expect("writing to a string does not fail");
    write_string(out, &error.message);
    if let Some(data) = &error.data {
        out.push_str(",\"data\":");
        out.push_str(data);
    }
    out.push_str("}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> String {
        match read(text) {
            Incoming::Request(request) => format!("request {} {}", request.id, request.method),
            Incoming::Notification { method, .. } => format!("notification {method}"),
            Incoming::Answer => "answer".to_owned(),
            Incoming::Bad(id, error) => {
                format!("bad {} {}", id.map_or("-", RawValue::get), error.code)
            }
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let table = [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping"),
            (r#"{"id":"a\"b","method":"pi\u006eg"}"#, r#"request "a\"b" ping"#),
            (r#"{"id":-7,"method":"ping"}"#, "request -7 ping"),
            (r#"{"id":90071992547409931,"method":"ping"}"#, "request 90071992547409931 ping"),
            (r#"{"method":"notifications/initialized"}"#, "notification notifications/initialized"),
            (r#"{"id":1,"result":null}"#, "answer"),
            (r#"{"id":null,"error":{"code":-32700}}"#, "answer"),
            (r#"{"id":null,"method":"ping"}"#, "bad - -32600"),
            (r#"{"id":1.5,"method":"ping"}"#, "bad - -32600"),
            (r#"{"id":{},"method":"ping"}"#, "bad - -32600"),
            (r#"{"id":4}"#, "bad 4 -32600"),
            (r#"{"id":4,"method":7}"#, "bad - -32600"),
            (r#"{"id":4,"id":5,"method":"ping"}"#, "bad - -32600"),
            ("{}", "bad - -32600"),
            ("7", "bad - -32600"),
            (r#" [{"id":1,"method":"ping"}]"#, "bad - -32600"),
            (r#"{"id":1,"method":"#, "bad - -32700"),
            ("hello", "bad - -32700"),
        ];
        for (text, expected) in table {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn a_deep_message_is_read_without_harm() {
        let deep =
            format!(r#"{{"id":1,"method":"ping","params":{}1{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
        assert!(["request 1 ping", "bad - -32700"].contains(&kind(&deep).as_str()));
    }
}
