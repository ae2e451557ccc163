//! The Arrow schema, and its version.

use super::episode;
use arrow_schema::{Schema, SchemaRef};
use std::sync::Arc;

/// Version of the columns; raised when one is added, removed or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// The key in the file's metadata under which [`SCHEMA_VERSION`] stands.
pub(super) const VERSION_KEY: &str = "nex.episode_schema_version";

/// The Arrow schema of a file of episodes. It is the same for every file of one version: what no
/// episode uses is there, empty.
pub fn arrow_schema() -> SchemaRef {
    let (fields, _) = episode::columns(&[]).into_parts();
    Arc::new(Schema::new(fields))
}
