//! NexAU: an agent spec in YAML becomes a recursive ReAct loop and its trajectory.
//!
//! ```text
//! agent.yaml ── load_agent ──> AgentSpec ── Agent::compile ──> Agent ── run(task, RunContext) ──> Trajectory
//! ```
//!
//! [`AgentSpec`] is an agent as data, with every file it names read. [`Agent`] is that spec
//! compiled: templates parsed, schemas compiled, tools bound; it is shared by any number of runs.
//! [`RunContext`] is what one run needs besides: the model, the environment's tools, the clock.
//! A [`Pipeline`] is a fixed sequence of agents, a [`Workflow`] puts agents together by routers,
//! parallel branches, loops and votes; a [`Runnable`] is any of them. Loops are bounded by
//! [`Limits`], and an [`Observer`] may watch.
//!
//! Invariants: a run never fails, it stops for a named reason; what the model does wrong is a
//! defect in the record; every call has exactly one result, in call order; the same spec, model
//! and clock give the same record.
//!
//! ```
//! # use std::sync::Arc;
//! use nex_agent::{Agent, AgentSpec, RunContext, SystemClock, ToolBindings};
//! # use nex_llm::{ChatModel, ChatReply, ChatRequest, LlmError};
//! # use nex_trajectory::{Message, ModelIdentity};
//! # struct Parrot;
//! # #[async_trait::async_trait]
//! # impl ChatModel for Parrot {
//! #     fn identity(&self) -> ModelIdentity {
//! #         ModelIdentity { provider: "doc".into(), model: "parrot".into() }
//! #     }
//! #     async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
//! #         let text = request.transcript.messages().last().map(|m| m.text()).unwrap_or_default();
//! #         Ok(ChatReply::new(Message::assistant(text), self.identity()))
//! #     }
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let model = Arc::new(Parrot);
//! let spec = AgentSpec::new("helper").with_prompt("You are {{ agent_name }}.");
//! let agent = Agent::compile(spec, &ToolBindings::new())?;
//! let context = RunContext::new("run-1", model, Arc::new(SystemClock::start()));
//! let record = agent.run("Hello", context).await;
//! assert_eq!(record.answer.as_deref(), Some("Hello"));
//! # Ok::<(), nex_agent::AgentError>(())
//! # }).unwrap();
//! ```

pub mod agent;
pub mod binding;
mod calls;
pub mod clock;
pub mod context;
pub mod diagnostic;
mod fields;
pub mod limits;
pub mod load;
mod nearest;
pub mod observer;
pub mod pipeline;
mod prompt;
mod prompt_tokens;
mod reply;
mod run;
pub mod runnable;
pub mod spec;
mod spending;
pub mod sub_agent;
mod substitute;
pub mod workflow;
mod yaml;

pub use agent::{Agent, fits as tool_name_fits};
pub use binding::{BindingRequest, ToolBindings, ToolFactory};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use context::{RunContext, ToolFailurePolicy};
pub use diagnostic::{AgentError, Diagnostic, Severity};
pub use limits::{Limits, LimitsOverride};
pub use load::{LoadOptions, check, load_agent, load_agent_text, load_runnable};
pub use observer::Observer;
pub use pipeline::{Pipeline, PipelineSpec, StageSpec};
pub use runnable::{Runnable, RunnableSpec};
pub use spec::{AgentSpec, LlmConfig, McpEntry, PromptBlock, SubAgentEntry, ToolEntry};
pub use sub_agent::AGENT_TOOL;
pub use workflow::{Workflow, WorkflowSpec};
