use super::*;
use crate::{Sampling, ToolSet, Transcript};
use nex_trajectory::{Message, Usage};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Takes a second and `tokens`; notes how many are under way.
struct Slow {
    tokens: u64,
    under_way: AtomicU32,
    most: AtomicU32,
}

#[async_trait]
impl ChatModel for Slow {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "test".into(), model: "slow".into() }
    }

    async fn complete(&self, _: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let mut reply = ChatReply::new(Message::assistant("ok"), self.identity());
        reply.usage = Usage { prompt_tokens: self.tokens, ..Usage::default() };
        Ok(reply)
    }
}

/// Asks `count` times at once; seconds until all are done and the most that were under way.
async fn run(limits: Limits, tokens: u64, count: usize) -> (f64, u32) {
    let slow = Slow { tokens, under_way: AtomicU32::new(0), most: AtomicU32::new(0) };
    let model = Arc::new(Limited::new(slow, &limits).expect("limits"));
    let start = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..count {
        let model = model.clone();
        callers.spawn(async move {
            let (transcript, tools, sampling) =
                (Transcript::default(), ToolSet::new(Arc::default()), Sampling::default());
            let request = ChatRequest {
                transcript: &transcript,
                tools: &tools,
                sampling: &sampling,
                session: "s",
                agent: "a",
            };
            model.complete(&request).await.expect("a reply");
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("no panic");
    }
    (start.elapsed().as_secs_f64(), model.inner.most.load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_under_way() {
    let (seconds, most) = run(Limits { max_concurrent: Some(3), ..Limits::default() }, 1, 9).await;
    assert_eq!(most, 3);
    assert!((3.0..3.1).contains(&seconds), "{seconds}");
    assert_eq!(run(Limits::default(), 1, 9).await.1, 9);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_start_in_a_minute() {
    // One a second after the first: the tenth starts after 9 seconds.
    let (seconds, _) = run(Limits { requests_per_minute: Some(60), ..Limits::default() }, 1, 10).await;
    assert!((10.0..10.1).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_tokens_go_in_a_minute() {
    // One at a time, 100 tokens each, 60 a second: what was booked is settled by what was used.
    let limits = Limits { max_concurrent: Some(1), tokens_per_minute: Some(3600), ..Limits::default() };
    let (seconds, _) = run(limits, 100, 200).await;
    let per_second = 200.0 * 100.0 / seconds;
    assert!((50.0..61.0).contains(&per_second), "{per_second}");
}

#[test]
fn a_limit_of_zero_is_refused() {
    for name in ["max_concurrent", "requests_per_minute", "tokens_per_minute"] {
        let limits: Limits = serde_json::from_str(&format!("{{\"{name}\": 0}}")).expect("limits");
        let slow = Slow { tokens: 1, under_way: AtomicU32::new(0), most: AtomicU32::new(0) };
        let Err(error) = Limited::new(slow, &limits) else { panic!("{name} of 0 was taken") };
        assert!(error.to_string().contains(name));
    }
}
