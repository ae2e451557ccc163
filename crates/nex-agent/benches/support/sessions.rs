//! Many sessions at once against a chat-completions server: by the agent loop, or by a bare loop
//! over `reqwest` that does nothing but the necessary (the floor).

use nex_agent::{Agent, AgentSpec, RunContext, SystemClock, ToolBindings};
use nex_llm::{ChatModel, ModelConfig};
use nex_tools::{FnTool, Tool, ToolOutput};
use nex_trajectory::ToolSpec;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) base: String,
    pub(crate) model: String,
    pub(crate) at_once: usize,
    pub(crate) total: usize,
    pub(crate) stream: bool,
}

/// The agent loop with everything on: record (serialised at the end), retries, validation.
pub(crate) struct Loop {
    agent: Agent,
    model: Arc<dyn ChatModel>,
    environment: Arc<[Arc<dyn Tool>]>,
    clock: Arc<SystemClock>,
}

impl Loop {
    pub(crate) fn new(load: &Load) -> Self {
        let config = ModelConfig {
            base_url: Some(load.base.clone()),
            api_key: Some(nex_llm::ApiKey::new("none")),
            stream: load.stream,
            ..ModelConfig::default()
        };
        let model = nex_llm::open_model(&format!("openai:{}", load.model), &config).expect("a model");
        Self { agent: agent(), model, environment: environment(), clock: Arc::new(SystemClock::start()) }
    }

    /// One session; whether it ended with the right answer.
    pub(crate) async fn session(&self, number: usize) -> bool {
        let context = RunContext::new(format!("s{number}"), self.model.clone(), self.clock.clone())
            .with_environment(self.environment.clone());
        let task = format!("Task number {number}: use the tools until you are done.");
        let record = self.agent.run(&task, context).await;
        let line = serde_json::to_vec(&record).expect("a record is JSON");
        if !line.is_empty() && record.answer.as_deref().is_some_and(|answer| answer.starts_with("DONE")) {
            return true;
        }
        eprintln!("session {number} stopped: {:?}", record.stop);
        false
    }
}

pub(crate) fn agent() -> Agent {
    let mut spec = AgentSpec::new("bench")
        .with_prompt(
            "You are {{ agent_name }}, a helpful agent with {{ tools|length }} tools, on {{ date }}.",
        )
        .with_environment_tool("*");
    spec.limits.timeout = Duration::from_secs(3600);
    Agent::compile(spec, &ToolBindings::new()).expect("the spec is right")
}

pub(crate) fn environment() -> Arc<[Arc<dyn Tool>]> {
    let spec = |name: &str, description: &str, properties: Value, required: Value| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: json!({"type": "object", "properties": properties, "required": required}),
    };
    let add = spec(
        "add",
        "Add two whole numbers.",
        json!({"a": {"type": "integer"}, "b": {"type": "integer"}}),
        json!(["a", "b"]),
    );
    let echo = spec("echo", "Give back the text.", json!({"text": {"type": "string"}}), json!(["text"]));
    let add = FnTool::new(add, |arguments| {
        let number = |key: &str| arguments[key].as_i64().unwrap_or(0);
        Ok(ToolOutput::text((number("a") + number("b")).to_string()))
    });
    let echo = FnTool::new(echo, |arguments| Ok(ToolOutput::text(arguments["text"].as_str().unwrap_or(""))));
    Arc::new([Arc::new(add.expect("a schema")) as Arc<dyn Tool>, Arc::new(echo.expect("a schema"))])
}

/// Runs `session` for all numbers below `total`, at most `at_once` at a time; how many went well,
/// and how long all took.
pub(crate) async fn run_all<S, F>(load: &Load, session: S) -> (usize, Duration)
where
    S: Fn(usize) -> F + Send + Sync + 'static,
    F: Future<Output = bool> + Send,
{
    let start = Instant::now();
    let session = Arc::new(session);
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..load.at_once.min(load.total) {
        let (session, next, total) = (session.clone(), next.clone(), load.total);
        workers.spawn(async move {
            let mut good = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return good;
                }
                good += usize::from(session(number).await);
            }
        });
    }
    let good = workers.join_all().await.into_iter().sum();
    (good, start.elapsed())
}
