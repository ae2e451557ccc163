//! Asking again, by the class of the error.
//!
//! What may heal is asked again after an exponential wait with jitter, or after the wait that the
//! server names. Three things bound it: attempts, time, and a bucket of retries that all callers of
//! one endpoint share, so that an endpoint in trouble is not stormed. What cannot heal (a bad key, a
//! bad request, a conversation too long) is never asked again.

use crate::config::{from_ms, to_ms};
use crate::{ChatModel, ChatReply, ChatRequest, LlmError};
use async_trait::async_trait;
use nex_trajectory::ModelIdentity;
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often and how fast to ask again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Requests for one reply, the first included; 1 never asks again.
    pub max_attempts: u32,
    /// The first wait; each later one is twice as long. Between half of it and all of it is waited.
    #[serde(rename = "base_delay_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub base_delay: Duration,
    /// No wait of our own is longer.
    #[serde(rename = "max_delay_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub max_delay: Duration,
    /// A server that asks for more than this is not waited for.
    #[serde(rename = "max_retry_after_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub max_retry_after: Duration,
    /// No retry starts later than this after the first request.
    #[serde(rename = "total_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub total: Duration,
    /// Retries that all callers together may start at once.
    pub budget_burst: f64,
    /// Retries that come back to the bucket each second.
    pub budget_per_second: f64,
    /// Retries that come back to the bucket with each reply.
    pub budget_per_reply: f64,
    /// Seeds the jitter.
    pub seed: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(300),
            total: Duration::from_secs(1800),
            budget_burst: 256.0,
            budget_per_second: 32.0,
            budget_per_reply: 1.0,
            seed: 0,
        }
    }
}

/// A model that is asked again where that may help. Time is tokio's.
pub struct Retrying<M> {
    inner: M,
    policy: RetryPolicy,
    bucket: Mutex<Bucket>,
}

/// Retries left, as a debt that time and replies pay back.
struct Bucket {
    left: f64,
    filled_at: Option<Instant>,
}

impl<M> Retrying<M> {
    /// `inner` under `policy`. Share one such model between all callers of an endpoint: the bucket
    /// is its.
    pub fn new(inner: M, policy: RetryPolicy) -> Self {
        let bucket = Mutex::new(Bucket { left: policy.budget_burst, filled_at: None });
        Self { inner, policy, bucket }
    }

    /// How long until the shared bucket grants one more retry; takes it.
    fn take_from_bucket(&self, now: Instant) -> Duration {
        let mut bucket = self.bucket.lock();
        let idle =
            bucket.filled_at.map_or(Duration::ZERO, |filled_at| now.saturating_duration_since(filled_at));
        bucket.filled_at = Some(now);
        let refill = idle.as_secs_f64() * self.policy.budget_per_second;
        bucket.left = (bucket.left + refill).min(self.policy.budget_burst) - 1.0;
        if bucket.left >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-bucket.left / self.policy.budget_per_second).unwrap_or(Duration::MAX)
    }

    fn give_to_bucket(&self, retries: f64) {
        let mut bucket = self.bucket.lock();
        bucket.left = (bucket.left + retries).min(self.policy.budget_burst);
    }

    /// What to wait before attempt `attempt + 1`, or none where asking again is no use.
    fn delay(&self, error: &LlmError, attempt: u32, rng: &mut ChaCha8Rng) -> Option<Duration> {
        let asked = match error {
            LlmError::Connect { .. } | LlmError::Timeout { .. } | LlmError::BrokenReply { .. } => None,
            LlmError::RateLimited { retry_after, .. } | LlmError::Server { retry_after, .. } => *retry_after,
            LlmError::ReplyTooLarge { .. }
            | LlmError::Unauthorized { .. }
            | LlmError::ContextTooLong { .. }
            | LlmError::Rejected { .. }
            | LlmError::NotRecorded { .. }
            | LlmError::Misconfigured(_) => return None,
        };
        let doubled =
            self.policy.base_delay.saturating_mul(1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        let own = doubled.min(self.policy.max_delay).mul_f64(rng.random_range(0.5..=1.0));
        match asked {
            Some(asked) if asked > self.policy.max_retry_after => None,
            // A little more than asked, so that not all callers come back in the same instant.
            Some(asked) => Some(asked + own.min(asked / 8)),
            None => Some(own),
        }
    }

    fn rng(&self, request: &ChatRequest<'_>) -> ChaCha8Rng {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.policy.seed.to_le_bytes());
        hasher.update(&(request.transcript.messages().len() as u64).to_le_bytes());
        hasher.update(request.session.as_bytes());
        ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
    }
}

#[async_trait]
impl<M: ChatModel> ChatModel for Retrying<M> {
    fn identity(&self) -> ModelIdentity {
        self.inner.identity()
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let give_up_at = Instant::now() + self.policy.total;
        let error = match self.inner.complete(request).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        self.ask_again(request, error, give_up_at).await
    }
}

impl<M: ChatModel> Retrying<M> {
    /// After the first attempt failed with `error`. Apart, so that the usual case stays small.
    async fn ask_again(
        &self,
        request: &ChatRequest<'_>,
        mut error: LlmError,
        give_up_at: Instant,
    ) -> Result<ChatReply, LlmError> {
        let mut rng = self.rng(request);
        for attempt in 1..self.policy.max_attempts {
            let Some(delay) = self.delay(&error, attempt, &mut rng) else { return Err(error) };
            let now = Instant::now();
            let wait = delay.max(self.take_from_bucket(now));
            if now.checked_add(wait).is_none_or(|start| start > give_up_at) {
                self.give_to_bucket(1.0);
                return Err(error);
            }
            tracing::debug!(session = request.session, attempt, ?wait, %error, "asking the model again");
            sleep(wait).await;
            match self.inner.complete(request).await {
                Ok(mut reply) => {
                    self.give_to_bucket(self.policy.budget_per_reply);
                    reply.attempts += attempt;
                    return Ok(reply);
                }
                Err(next) => error = next,
            }
        }
        Err(error)
    }
}

#[cfg(test)]
mod tests;
