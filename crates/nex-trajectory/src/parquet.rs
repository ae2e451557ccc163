//! Episodes as Parquet: one row an episode, every field, both directions.
//!
//! The columns that one filters and groups by come first and are plain: `id`, `world`, `task_id`,
//! `seed`, `language`, `difficulty`, `harness`, `driver`, `attempt`, `outcome`, `reward` (null
//! where there is none), `turns`, `calls`, `stop`. After them stands the whole record:
//! `trajectories` is a list of structs, the outermost agent first, each sub-agent after its parent
//! with `parent` (index in this list), `parent_node` and `parent_call`; each has its list of
//! `nodes` (`parent` is an index into it), each node its list of content `blocks`. Blocks inside a
//! tool result follow it in the same list, with `inside` its index. Maps of open content (`dials`,
//! `notes`, `input_schema`, the details of `stop_reason`) are JSON text.
//!
//! Invariants: reading back gives an equal episode; the schema depends on nothing but
//! [`SCHEMA_VERSION`], which stands in the file's metadata as `nex.episode_schema_version`; memory
//! is bounded by one row group. Same episodes, same bytes.

mod column;
mod episode;
mod error;
mod message;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod trajectory;
mod writer;

pub use error::ParquetError;
pub use reader::EpisodeReader;
pub use schema::{SCHEMA_VERSION, arrow_schema};
pub use writer::EpisodeWriter;
