//! Reading the result of a call as the expert does: JSON, or an error with its code.

use nex_trajectory::ToolResult;
use nex_world::task::TRANSIENT_CODES;
use serde_json::Value;

/// What a call gave.
pub(crate) enum Reading {
    /// A reply.
    Reply(Value),
    /// An error, by its code.
    Refused { code: String },
}

/// Reads `result`.
pub(crate) fn read(result: &ToolResult) -> Reading {
    let value: Option<Value> = serde_json::from_str(&result.text()).ok();
    let code = value.as_ref().and_then(|value| value.pointer("/error/code")).and_then(Value::as_str);
    match (value.as_ref(), code) {
        (_, Some(code)) => Reading::Refused { code: code.to_owned() },
        (Some(_), None) if !result.is_error => Reading::Reply(value.unwrap_or_default()),
        _ => Reading::Refused { code: "unreadable".to_owned() },
    }
}

/// Whether the same call may succeed later.
pub(crate) fn is_transient(code: &str) -> bool {
    TRANSIENT_CODES.contains(&code)
}

/// Whether a reply holds no row: what a search with a wrong word gives.
pub(crate) fn is_empty(reply: &Value) -> bool {
    let Some(object) = reply.as_object() else { return true };
    object.get("count").is_some_and(|count| count == 0)
}
