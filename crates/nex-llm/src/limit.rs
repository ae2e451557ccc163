//! What one endpoint may be asked at once and in a minute.
//!
//! Callers wait in order of arrival; nobody is refused. Tokens are booked ahead by what replies
//! have cost so far and settled by what the reply says.

use crate::{ChatModel, ChatReply, ChatRequest, LlmError};
use async_trait::async_trait;
use nex_trajectory::ModelIdentity;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

/// Limits of one endpoint; unset means none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests under way at once.
    pub max_concurrent: Option<u32>,
    /// Requests that may start in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens, prompt and completion, in a minute.
    pub tokens_per_minute: Option<u64>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// Tokens that a reply is taken to cost before one has been seen.
const FIRST_GUESS_TOKENS: f64 = 1000.0;

/// Replies over which their cost is averaged.
const MEMORY_REPLIES: f64 = 16.0;

/// Requests are spread over the minute.
const REQUEST_BURST_SECONDS: f64 = 1.0;

/// Tokens may come in lumps: replies differ in size, and what was booked too much comes back.
const TOKEN_BURST_SECONDS: f64 = 10.0;

/// A model whose callers wait for room. Time is tokio's.
pub struct Limited<M> {
    inner: M,
    room: Option<Semaphore>,
    requests: Option<Mutex<Meter>>,
    tokens: Option<Mutex<TokenMeter>>,
}

/// A bucket that fills steadily and may be overdrawn; who overdraws it waits.
struct Meter {
    per_second: f64,
    capacity: f64,
    left: f64,
    filled_at: Option<Instant>,
}

struct TokenMeter {
    meter: Meter,
    /// What a reply costs: the mean of the last ones.
    usual: f64,
    /// Replies seen, up to [`MEMORY_REPLIES`].
    replies: f64,
}

impl Meter {
    /// Fills `amount` in a minute and holds `burst_seconds` of it, but at least 1.
    fn per_minute(amount: f64, burst_seconds: f64) -> Self {
        let per_second = amount / 60.0;
        let capacity = (per_second * burst_seconds).max(1.0);
        Self { per_second, capacity, left: capacity, filled_at: None }
    }

    /// Takes `amount` and says how long to wait until it is really there.
    fn take(&mut self, amount: f64, now: Instant) -> Duration {
        let idle =
            self.filled_at.map_or(Duration::ZERO, |filled_at| now.saturating_duration_since(filled_at));
        self.filled_at = Some(now);
        self.left = (self.left + idle.as_secs_f64() * self.per_second).min(self.capacity) - amount;
        if self.left >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-self.left / self.per_second).unwrap_or(Duration::MAX)
    }
}

impl<M> Limited<M> {
    /// `inner` under `limits`. Share one such model between all callers of an endpoint.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`]: a limit of 0, under which nothing could ever be asked.
    pub fn new(inner: M, limits: &Limits) -> Result<Self, LlmError> {
        let zero = [
            ("max_concurrent", limits.max_concurrent == Some(0)),
            ("requests_per_minute", limits.requests_per_minute == Some(0)),
            ("tokens_per_minute", limits.tokens_per_minute == Some(0)),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, is_zero)| *is_zero) {
            return Err(LlmError::Misconfigured(format!(
                "limit `{name}` is 0, so nothing could be asked; leave it out for no limit"
            )));
        }
        Ok(Self {
            inner,
            room: limits.max_concurrent.map(|count| Semaphore::new(count as usize)),
            requests: limits
                .requests_per_minute
                .map(|count| Mutex::new(Meter::per_minute(f64::from(count), REQUEST_BURST_SECONDS))),
            tokens: limits.tokens_per_minute.map(|count| {
                let meter = Meter::per_minute(count as f64, TOKEN_BURST_SECONDS);
                Mutex::new(TokenMeter { meter, usual: FIRST_GUESS_TOKENS, replies: 0.0 })
            }),
        })
    }

    /// Books one request ahead; gives the wait and the tokens booked.
    fn book(&self) -> (Duration, f64) {
        let now = Instant::now();
        let mut wait = Duration::ZERO;
        if let Some(requests) = &self.requests {
            wait = requests.lock().take(1.0, now);
        }
        let Some(tokens) = &self.tokens else { return (wait, 0.0) };
        let mut tokens = tokens.lock();
        let booked = tokens.usual;
        (wait.max(tokens.meter.take(booked, now)), booked)
    }

    fn settle(&self, booked: f64, used: Option<f64>) {
        let Some(tokens) = &self.tokens else { return };
        let mut tokens = tokens.lock();
        if let Some(used) = used {
            tokens.replies = (tokens.replies + 1.0).min(MEMORY_REPLIES);
            tokens.usual += (used - tokens.usual) / tokens.replies;
        }
        tokens.meter.left += booked - used.unwrap_or(0.0);
    }
}

#[async_trait]
impl<M: ChatModel> ChatModel for Limited<M> {
    fn identity(&self) -> ModelIdentity {
        self.inner.identity()
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let _permit = match &self.room {
            Some(room) => Some(room.acquire().await.expect("the semaphore is never closed")),
            None => None,
        };
        let (wait, booked) = self.book();
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let reply = self.inner.complete(request).await;
        let used = reply.as_ref().ok().map(|reply| reply.usage.total_tokens() as f64);
        self.settle(booked, used);
        reply
    }
}

#[cfg(test)]
mod tests;
