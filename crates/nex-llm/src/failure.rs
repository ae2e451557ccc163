//! From an HTTP status and a provider's error object to an [`LlmError`].
//!
//! The only place that looks at a provider's words: everything later matches on the error's class.
//! Codes and types decide first; a few phrases are needed because several servers answer a
//! conversation that is too long with a bare 400.

use crate::LlmError;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Characters of a server's words that an error keeps.
const MESSAGE_CHARS: usize = 600;

/// What a server said about its failure.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    /// `error.code`, or `error.type` where there is no code, or both joined by a space.
    pub(crate) labels: String,
    pub(crate) message: String,
    /// A status inside the error object.
    pub(crate) status: Option<u16>,
}

impl Complaint {
    /// Reads an error body of any of the shapes in use; text that is no JSON is taken as it is.
    pub(crate) fn of_body(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self { message: clip(String::from_utf8_lossy(body).trim()), ..Self::default() };
        };
        Self::of_value(&value)
    }

    fn of_value(value: &Value) -> Self {
        let body = match value.get("error") {
            Some(Value::Null) | None => value,
            Some(inner) => inner,
        };
        if let Value::String(text) = body {
            return Self { message: clip(text), ..Self::default() };
        }
        let mut complaint = Self::default();
        for key in ["code", "type", "status"] {
            match body.get(key) {
                Some(Value::String(label)) => {
                    complaint.labels.push_str(label);
                    complaint.labels.push(' ');
                    complaint.status = complaint.status.or_else(|| label.parse().ok().filter(is_failure));
                }
                Some(Value::Number(number)) => {
                    let status = number.as_u64().and_then(|status| u16::try_from(status).ok());
                    complaint.status = complaint.status.or(status.filter(is_failure));
                }
                _ => {}
            }
        }
        complaint.message =
            ["message", "detail", "error_description"].iter().find_map(|key| body.get(*key)).map_or_else(
                || clip(&body.to_string()),
                |said| said.as_str().map_or_else(|| clip(&said.to_string()), clip),
            );
        complaint
    }

    /// The status that this complaint stands for, where it came without one (inside a stream).
    pub(crate) fn implied_status(&self) -> u16 {
        if let Some(status) = self.status {
            return status;
        }
        let has = |label: &str| self.labels.contains(label);
        match () {
            () if has("rate_limit") || has("insufficient_quota") => 429,
            () if has("overloaded") => 529,
            () if has("authentication") || has("invalid_api_key") => 401,
            () if has("permission") => 403,
            () if has("not_found") => 404,
            () if has("request_too_large") => 413,
            () if has("invalid_request") || has("context_length") || has("BadRequest") => 400,
            () if has("timeout") => 504,
            () => 500,
        }
    }

    /// The error for `status` at `endpoint`.
    pub(crate) fn into_error(self, endpoint: &str, status: u16, retry_after: Option<Duration>) -> LlmError {
        let endpoint = endpoint.to_owned();
        let message = if self.message.is_empty() { "no message".to_owned() } else { self.message.clone() };
        match status {
            401 | 403 => LlmError::Unauthorized { endpoint, status, message },
            // Money that ran out does not come back by waiting.
            429 if self.labels.contains("insufficient_quota") => {
                LlmError::Rejected { endpoint, status, message }
            }
            429 => LlmError::RateLimited { endpoint, message, retry_after },
            413 => LlmError::ContextTooLong { endpoint, message },
            400 | 422 if self.is_about_length() => LlmError::ContextTooLong { endpoint, message },
            // The server asks for a repeat: request timeout, conflict, too early.
            408 | 409 | 425 | 500..=599 => LlmError::Server { endpoint, status, message, retry_after },
            200..=299 => {
                LlmError::BrokenReply { endpoint, cause: format!("status {status} without a reply") }
            }
            _ => LlmError::Rejected { endpoint, status, message },
        }
    }

    fn is_about_length(&self) -> bool {
        const PHRASES: [&str; 6] = [
            "maximum context length",
            "prompt is too long",
            "exceed context limit",
            "exceeds the available context size",
            "context window",
            "longer than the model's context length",
        ];
        self.labels.contains("context_length")
            || self.labels.contains("exceed_context_size")
            || PHRASES.iter().any(|phrase| self.message.contains(phrase))
    }
}

fn is_failure(status: &u16) -> bool {
    (400..=599).contains(status)
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

/// What the server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date.
///
/// A date is counted from the server's own `date` header, so that a wrong clock here does no harm.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|ms| ms.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let asked = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = asked.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = text(DATE.as_str())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now);
    Some(until.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(status: u16, body: &str, expected: Expect) {
        let error = Complaint::of_body(body.as_bytes()).into_error("E", status, None);
        expected.assert_eq(&format!("{} | {} | {error}", error.kind(), error.is_retryable()));
    }

    #[test]
    fn every_class_of_failure_has_its_error() {
        check(
            401,
            r#"{"error":{"message":"no such key","code":"invalid_api_key"}}"#,
            expect!["unauthorized | false | E refuses the key (status 401): no such key"],
        );
        check(403, "", expect!["unauthorized | false | E refuses the key (status 403): no message"]);
        check(
            404,
            r#"{"detail":"Not Found"}"#,
            expect!["request_rejected | false | E rejects the request (status 404): Not Found"],
        );
        check(408, "late", expect!["model_server_error | true | E failed with status 408: late"]);
        check(
            429,
            r#"{"error":{"message":"slow down","type":"requests"}}"#,
            expect!["rate_limited | true | E limits the rate: slow down"],
        );
        check(
            429,
            r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#,
            expect!["request_rejected | false | E rejects the request (status 429): pay"],
        );
        check(
            400,
            r#"{"error":{"message":"too many","code":"context_length_exceeded"}}"#,
            expect!["context_too_long | false | conversation too long for E: too many"],
        );
        check(
            400,
            r#"{"object":"error","message":"This model's maximum context length is 8 tokens","code":400}"#,
            expect![
                "context_too_long | false | conversation too long for E: This model's maximum context length is 8 tokens"
            ],
        );
        check(
            400,
            r#"{"error":"bad"}"#,
            expect!["request_rejected | false | E rejects the request (status 400): bad"],
        );
        check(
            500,
            "<html>oops</html>",
            expect!["model_server_error | true | E failed with status 500: <html>oops</html>"],
        );
        check(
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            expect!["model_server_error | true | E failed with status 529: Overloaded"],
        );
        check(302, "", expect!["request_rejected | false | E rejects the request (status 302): no message"]);
        check(204, "", expect!["broken_reply | true | reply of E broke off: status 204 without a reply"]);
    }

    #[test]
    fn a_wait_is_read_in_milliseconds_seconds_and_as_a_date() {
        let wait = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().expect("a header value"));
            }
            retry_after(&headers)
        };
        assert_eq!(
            wait(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(Duration::from_millis(250))
        );
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(
            wait(&[date, ("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")]),
            Some(Duration::from_secs(30))
        );
        assert_eq!(wait(&[date, ("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", "-3")]), None);
        assert_eq!(wait(&[]), None);
    }
}
