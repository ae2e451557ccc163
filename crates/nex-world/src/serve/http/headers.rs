//! Headers that MCP gives a meaning.

use crate::serve::rpc::{HEADER_MISMATCH, RpcError};
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;

pub(super) const SESSION_ID: &str = "mcp-session-id";
pub(super) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// The one value of a header, as text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Refuses a body that is no JSON, and a client that does not take JSON.
///
/// # Errors
/// 415 and 406.
pub(super) fn check_media(headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let is_json = |value: &str| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    };
    if !text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|value| is_json(&value)) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"));
    }
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    let takes = |range: &str| {
        is_json(range)
            || ["*/*", "application/*"].contains(&range.split(';').next().unwrap_or_default().trim())
    };
    let takes_json = accepted.peek().is_none()
        || accepted.any(|value| value.to_str().is_ok_and(|value| value.split(',').any(takes)));
    if !takes_json {
        return Err((StatusCode::NOT_ACCEPTABLE, "answers are application/json"));
    }
    Ok(())
}

/// Refuses a request of 2026-07-28 whose headers and body say different things, as somebody
/// between us may have gone by the headers.
///
/// # Errors
/// [`HEADER_MISMATCH`].
pub(super) fn check_agreement(
    headers: &HeaderMap,
    method: &str,
    name: Option<&str>,
    version: &str,
) -> Result<(), RpcError> {
    let agree = |header: &'static str, expected: &str| {
        let mut values = headers.get_all(header).iter();
        let given = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
        let decoded = given.and_then(decode);
        match decoded.as_deref() == Some(expected) {
            true => Ok(()),
            false => {
                let message = format!("header {header} is not once the same as in the body");
                Err(RpcError::new(HEADER_MISMATCH, message))
            }
        }
    };
    agree(PROTOCOL_VERSION, version)?;
    agree(METHOD, method)?;
    match name {
        Some(name) if method == "tools/call" => agree(NAME, name),
        _ => Ok(()),
    }
}

/// A header's value; `=?base64?…?=` stands for what a header cannot hold.
fn decode(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|inner| inner.strip_suffix("?=")) {
        None => Some(value.to_owned()),
        Some(inner) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(inner).ok()?;
            String::from_utf8(bytes).ok()
        }
    }
}
