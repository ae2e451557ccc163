//! The five builders: NexAU agents in YAML, which come with the crate.

use nex_agent::{AgentError, LoadOptions, RunnableSpec, load_runnable};
use std::path::Path;

/// The file that leads.
const ENTRY: &str = "meta_agent.yaml";

/// The builders' files by name, the one that leads first.
pub const BUILDER_FILES: [(&str, &str); 5] = [
    (ENTRY, include_str!("../../builders/meta_agent.yaml")),
    ("framework_builder.yaml", include_str!("../../builders/framework_builder.yaml")),
    ("agent_builder.yaml", include_str!("../../builders/agent_builder.yaml")),
    ("world_builder.yaml", include_str!("../../builders/world_builder.yaml")),
    ("tool_builder.yaml", include_str!("../../builders/tool_builder.yaml")),
];

/// Writes the builders' files into `folder`, which is made.
///
/// # Errors
/// The folder or a file cannot be written.
pub fn write_builders(folder: &Path) -> Result<(), std::io::Error> {
    std::fs::create_dir_all(folder)?;
    BUILDER_FILES.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}

/// The builders in `folder`, as any user's agents are loaded.
pub(super) fn load(folder: &Path) -> Result<RunnableSpec, AgentError> {
    load_runnable(
        folder.join(ENTRY),
        &LoadOptions { root: Some(folder.to_owned()), ..LoadOptions::default() },
    )
}
