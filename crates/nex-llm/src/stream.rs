//! An HTTP reply's events, handed to whoever builds the message.

use crate::LlmError;
use crate::endpoint::{Endpoint, Incoming};
use crate::sse::SseDecoder;
use std::time::Duration;
use tokio::time::timeout;

/// How long the end of the body is waited for once the reply is complete: the connection can then
/// be used again, but a server that keeps it open holds nobody up.
const END_WAIT: Duration = Duration::from_secs(1);

/// Whether more events are needed.
pub(crate) enum Progress {
    Open,
    /// The reply said that it is complete; what follows is not read.
    Complete,
}

/// Gives each event's data to `take` until the reply is complete or the body ends.
pub(crate) async fn read_events(
    endpoint: &Endpoint,
    incoming: &mut Incoming<'_>,
    mut take: impl FnMut(&str) -> Result<Progress, LlmError> + Send,
) -> Result<(), LlmError> {
    let mut decoder = SseDecoder::with_limit(endpoint.max_reply_bytes());
    while let Some(piece) = incoming.chunk().await? {
        decoder.feed(&piece);
        while let Some(event) = decoder.next_event().map_err(|error| endpoint.broken(error.to_string()))? {
            if let Progress::Complete = take(event.data)? {
                let _ = timeout(END_WAIT, async { while let Ok(Some(_)) = incoming.chunk().await {} }).await;
                return Ok(());
            }
        }
    }
    Ok(())
}
