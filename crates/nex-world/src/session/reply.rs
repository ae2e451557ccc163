//! What a call gives back.

use super::chance::Chance;
use super::record::{Fault, LogEntry};
use crate::json::write_string;
use crate::schema::Schema;
use crate::world::World;
use std::borrow::Cow;

/// What a call gave back.
#[derive(Clone, Debug, PartialEq)]
pub struct OpReply {
    /// JSON: the result, or `{"error": {"code", "message"}}`.
    pub text: String,
    /// Whether the call was refused.
    pub is_error: bool,
    /// The error's code.
    pub error: Option<String>,
    /// The call's number in its session, from 0.
    pub index: u32,
    /// Virtual milliseconds that it took.
    pub latency_ms: u32,
    /// What the world did to it on purpose.
    pub faults: Vec<Fault>,
    /// Policies that it broke, where they are not enforced, as positions in the world's.
    pub violations: Vec<u16>,
}

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

/// The result of a call that was done.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) violations: Vec<u16>,
    pub(super) has_changed: bool,
    pub(super) is_truncated: bool,
}

impl Refusal {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, message: String) -> Self {
        Self { code: code.into(), message }
    }
}

impl Reply {
    /// Adds fields that nobody needs, as chatty services do.
    pub(super) fn add_noise(&mut self, chance: &Chance, world: &World) {
        use std::fmt::Write;
        if self.text.pop() != Some('}') {
            return;
        }
        let comma = if self.text.ends_with('{') { "" } else { "," };
        let noise = chance.noise;
        write!(
            self.text,
            "{comma}\"_meta\":{{\"request_id\":\"{noise:016x}\",\"served_by\":\"{}-{}\",\"schema\":\"2.{}\",\"cache\":\"{}\",\"links\":{{\"self\":\"/v2/requests/{:08x}\",\"docs\":\"/v2/docs\"}},\"deprecated\":[],\"debug\":null}}}}",
            world.name,
            noise % 7,
            noise % 13,
            if noise.is_multiple_of(3) { "hit" } else { "miss" },
            noise >> 32,
        )
        .expect("writing to a string does not fail");
    }
}

impl OpReply {
    pub(super) fn new(result: Result<Reply, Refusal>, entry: &LogEntry, _schema: &Schema) -> Self {
        let (text, error) = match result {
            Ok(reply) => (reply.text, None),
            Err(refusal) => (error_text(&refusal), Some(refusal.code.into_owned())),
        };
        Self {
            text,
            is_error: error.is_some(),
            error,
            index: entry.index,
            latency_ms: entry.latency_ms,
            faults: entry.faults.clone(),
            violations: entry.violations.clone(),
        }
    }

    pub(super) fn refused(index: u32, refusal: Refusal) -> Self {
        Self {
            text: error_text(&refusal),
            is_error: true,
            error: Some(refusal.code.into_owned()),
            index,
            latency_ms: 0,
            faults: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// The reply as a JSON tree.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).expect("a reply is JSON")
    }
}

fn error_text(refusal: &Refusal) -> String {
    let mut text = String::with_capacity(refusal.message.len() + 48);
    text.push_str("{\"error\":{\"code\":");
    write_string(&mut text, &refusal.code);
    text.push_str(",\"message\":");
    write_string(&mut text, &refusal.message);
    text.push_str("}}");
    text
}
