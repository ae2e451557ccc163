//! NexGAP (Nex-N1 §2.3), its execution and export stages: a recipe becomes a run folder.
//!
//! ```text
//! Recipe ─▶ plan (tasks.jsonl) ─▶ execute (episodes/) ─▶ measure (metrics.json) ─▶ export (dataset/)
//! ```
//! Every stage can be killed anywhere and goes on where it was: the plan is a function of the
//! recipe, an episode's id is a function of the plan, and finished episodes are found in the store.

mod card;
pub mod convert;
pub mod error;
pub mod execute;
pub mod export;
pub mod framework_source;
pub mod import;
pub mod in_order;
pub mod measure;
mod ordered;
pub mod plan;
pub mod reasons;
pub mod recipe;
pub mod run_folder;
pub mod synthesis;
mod topology;
pub mod world_source;

pub use error::PipelineError;
pub use framework_source::FrameworkSource;
pub use recipe::Recipe;
pub use run_folder::RunFolder;
pub use synthesis::Synthesis;
pub use world_source::WorldSource;
