//! Cassettes: the replies of any model, kept in a file and given again for the same requests.
//!
//! A cassette is JSON lines, appended one whole line at a time. A request is known by the digests
//! of its messages, its tools, its sampling and its agent; equal requests are told apart by their
//! number. Digests of a growing conversation are chained, so recording costs what a turn adds.
//!
//! Invariant: the same cassette and the same requests give the same replies to the byte, times
//! included. Where equal requests of several sessions are recorded, each session gets its own.

mod record;
mod replay;

pub use record::Recording;
pub use replay::Replay;

use crate::{ChatReply, ChatRequest};
use nex_trajectory::Message;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Characters of the last message that a line keeps, for the person who reads it.
const PREVIEW_CHARS: usize = 80;

/// What a request is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct RequestKey {
    agent: String,
    message_count: usize,
    /// Chained digest of all messages.
    messages: String,
    tools: String,
    sampling: String,
}

/// One line of a cassette.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    key: RequestKey,
    /// From 1, among equal requests.
    occurrence: u32,
    session: Cow<'a, str>,
    /// The start of the last message, for the person who reads it.
    preview: Cow<'a, str>,
    reply: Cow<'a, ChatReply>,
}

impl RequestKey {
    fn of(request: &ChatRequest<'_>) -> Self {
        let messages = request.transcript.with_encoded(
            "digest",
            |_, message, digest| *digest = chain(digest, message).to_vec(),
            hex,
        );
        let tools = request.tools.encoded("digest", |specs| digest_of(specs).to_vec());
        Self {
            agent: request.agent.to_owned(),
            message_count: request.transcript.messages().len(),
            messages,
            tools: hex(&tools),
            sampling: hex(&digest_of(request.sampling)),
        }
    }
}

/// The digest of a conversation that goes on with `message`, after the one of all before.
fn chain(before: &[u8], message: &Message) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    serde_json::to_writer(&mut hasher, message).expect("messages serialise, and a hasher takes every write");
    *hasher.finalize().as_bytes()
}

fn digest_of(value: &(impl Serialize + ?Sized)) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    serde_json::to_writer(&mut hasher, value).expect("requests serialise, and a hasher takes every write");
    *hasher.finalize().as_bytes()
}

/// Half of the digest is enough: 128 bits.
fn hex(digest: &[u8]) -> String {
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The start of `message`, with its role.
fn preview(message: Option<&Message>) -> String {
    let Some(message) = message else { return "no message".to_owned() };
    let text = match message.results().next() {
        Some(result) => result.text(),
        None => message.text(),
    };
    let clipped: String = text.chars().take(PREVIEW_CHARS).collect();
    format!("{}: {clipped}", message.role.as_str())
}

#[cfg(test)]
mod tests;
