//! NexAU: an agent spec in YAML becomes a recursive ReAct loop and its trajectory.
//!
//! [`AgentSpec`] is an agent as data, [`RunContext`] what one run needs besides. Loops are bounded
//! by [`Limits`], time comes from a [`Clock`], and an [`Observer`] may watch.

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
mod yaml;

pub use agent::Agent;
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
