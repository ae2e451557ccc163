use super::*;
use crate::{Sampling, ToolSet, Transcript};
use std::sync::Arc;

/// Fails as the list says, then answers; notes when it was asked.
struct Failing {
    errors: Mutex<Vec<LlmError>>,
    asked_at: Mutex<Vec<Instant>>,
}

#[async_trait]
impl ChatModel for Failing {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "test".into(), model: "failing".into() }
    }

    async fn complete(&self, _: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        self.asked_at.lock().push(Instant::now());
        match self.errors.lock().pop() {
            Some(error) => Err(error),
            None => Ok(ChatReply::new(nex_trajectory::Message::assistant("ok"), self.identity())),
        }
    }
}

fn failing(mut errors: Vec<LlmError>, policy: RetryPolicy) -> Retrying<Failing> {
    errors.reverse();
    Retrying::new(Failing { errors: Mutex::new(errors), asked_at: Mutex::default() }, policy)
}

async fn ask(model: &Retrying<Failing>, session: &str) -> Result<u32, &'static str> {
    let (transcript, tools) = (Transcript::default(), ToolSet::new(Arc::default()));
    let sampling = Sampling::default();
    let request =
        ChatRequest { transcript: &transcript, tools: &tools, sampling: &sampling, session, agent: "a" };
    model.complete(&request).await.map(|reply| reply.attempts).map_err(|error| error.kind())
}

/// The waits between requests, in milliseconds.
fn waits(model: &Retrying<Failing>) -> Vec<u128> {
    let asked_at = model.inner.asked_at.lock();
    asked_at.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect()
}

fn limited(retry_after: Option<u64>) -> LlmError {
    LlmError::RateLimited {
        endpoint: "e".into(),
        message: "m".into(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn server() -> LlmError {
    LlmError::Server { endpoint: "e".into(), status: 500, message: "m".into(), retry_after: None }
}

fn broken() -> LlmError {
    LlmError::BrokenReply { endpoint: "e".into(), cause: "c".into() }
}

#[tokio::test(start_paused = true)]
async fn waits_double_with_jitter_up_to_the_cap() {
    let policy = RetryPolicy { max_delay: Duration::from_secs(3), ..RetryPolicy::default() };
    let model = failing(vec![server(), broken(), limited(None), server(), server()], policy.clone());
    assert_eq!(ask(&model, "s").await, Ok(6));
    for (wait, full) in waits(&model).into_iter().zip([500, 1000, 2000, 3000, 3000]) {
        assert!((full / 2..=full + 1).contains(&wait), "{wait} of {full}");
    }
    // Chance is an argument: the same session waits the same, another one otherwise.
    let same = failing(vec![server(), broken(), limited(None), server(), server()], policy.clone());
    ask(&same, "s").await.expect("a reply");
    assert_eq!(waits(&same), waits(&model));
    let other = failing(vec![server(), broken(), limited(None), server(), server()], policy);
    ask(&other, "t").await.expect("a reply");
    assert_ne!(waits(&other), waits(&model));
}

#[tokio::test(start_paused = true)]
async fn the_server_s_wait_is_kept() {
    let model = failing(vec![limited(Some(8)), limited(Some(0))], RetryPolicy::default());
    assert_eq!(ask(&model, "s").await, Ok(3));
    let waits = waits(&model);
    assert!((8000..=9001).contains(&waits[0]), "{waits:?}");
    assert!(waits[1] <= 1, "{waits:?}");
    let model = failing(vec![limited(Some(301))], RetryPolicy::default());
    assert_eq!(ask(&model, "s").await, Err("rate_limited"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_heal_is_asked_once() {
    let endpoint = || "e".to_owned();
    let message = || "m".to_owned();
    for error in [
        LlmError::Unauthorized { endpoint: endpoint(), status: 401, message: message() },
        LlmError::Rejected { endpoint: endpoint(), status: 404, message: message() },
        LlmError::ContextTooLong { endpoint: endpoint(), message: message() },
        LlmError::ReplyTooLarge { endpoint: endpoint(), limit_bytes: 1 },
        LlmError::NotRecorded { source_name: endpoint(), wanted: message() },
        LlmError::Misconfigured(message()),
    ] {
        assert!(!error.is_retryable());
        let model = failing(vec![error.clone()], RetryPolicy::default());
        assert_eq!(ask(&model, "s").await, Err(error.kind()));
    }
    // After a failure that may heal, too.
    let model = failing(vec![server(), LlmError::Misconfigured(message())], RetryPolicy::default());
    assert_eq!(ask(&model, "s").await, Err("misconfigured"));
}

#[tokio::test(start_paused = true)]
async fn attempts_and_time_are_bounded() {
    let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    let model = failing(vec![server(); 9], policy);
    assert_eq!(ask(&model, "s").await, Err("model_server_error"));
    assert_eq!(model.inner.asked_at.lock().len(), 3);
    let policy = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
    let model = failing(vec![server()], policy);
    assert_eq!(ask(&model, "s").await, Err("model_server_error"));
    let policy =
        RetryPolicy { max_attempts: u32::MAX, total: Duration::from_secs(60), ..RetryPolicy::default() };
    let model = failing(vec![server(); 99], policy);
    let start = Instant::now();
    assert_eq!(ask(&model, "s").await, Err("model_server_error"));
    assert!(start.elapsed() <= Duration::from_secs(60) && model.inner.asked_at.lock().len() > 5);
}

#[tokio::test(start_paused = true)]
async fn all_callers_share_one_budget_of_retries() {
    let policy = RetryPolicy {
        budget_burst: 4.0,
        budget_per_second: 2.0,
        budget_per_reply: 0.0,
        base_delay: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    let model = Arc::new(failing(vec![server(); 20], policy));
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let model = model.clone();
        callers.spawn(async move { ask(&model, &number.to_string()).await });
    }
    let start = Instant::now();
    while let Some(done) = callers.join_next().await {
        assert_eq!(done.expect("no panic"), Ok(2));
    }
    // 4 retries at once, the other 16 at 2 a second.
    let took = start.elapsed().as_millis();
    assert!((7990..=8010).contains(&took), "{took}");
}
