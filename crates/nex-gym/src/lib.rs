//! Task sets, harnesses, the expert driver and rollouts at scale.
//!
//! ```text
//! Assignment = task × environment × harness × attempt
//!     │ Harness::run: open a stage, run the agents, judge what they left
//!     ▼
//! Episode   ── a failure of the surroundings is an episode too, never scored, never an abort
//! ```
//! [`Driver`] says what answers for the agents: the [`Expert`], a reference model, any LLM. Nothing
//! here knows how a policy is trained.

pub mod assignment;
pub mod code;
pub mod dialogue;
pub mod driver;
pub mod environment;
pub mod error;
pub mod expert;
pub mod files;
pub mod framework;
pub mod harness;
pub mod in_process;
pub mod mcp_stdio;
pub mod pattern;
pub mod reference;
pub mod rollout;
pub mod search;
pub mod shell;
pub mod smoke;
pub mod world_profile;

pub use assignment::{Assignment, episode_id, episode_seed};
pub use code::CodeEnvironment;

pub use dialogue::DialogueEnvironment;
pub use driver::{Casting, Driver, DriverNotes, DriverTime, EpisodeModel, SharedModel};
pub use environment::{Environment, Stage, Verdict};
pub use error::GymError;
pub use expert::{Expert, ExpertDials, ExpertModel};
pub use files::FilesEnvironment;
pub use framework::{Framework, framework};
pub use harness::Harness;
pub use in_process::InProcess;
pub use mcp_stdio::McpStdio;
pub use pattern::Pattern;
pub use reference::{NullDriver, NullModel, RandomDriver, RandomToolModel};
pub use rollout::{
    Lane, Order, Progress, Rollout, RolloutControl, RolloutError, RolloutOptions, RolloutSummary,
    failure_reason,
};
pub use search::SearchEnvironment;
pub use shell::ShellEnvironment;
pub use smoke::{SmokeError, SmokeRun, smoke_run};
pub use world_profile::{OperationProfile, WorldProfile};
