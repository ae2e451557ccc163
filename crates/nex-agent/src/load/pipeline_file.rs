//! The keys of a pipeline file.

use super::Loader;
use crate::fields::Fields;
use crate::yaml::Yaml;
use crate::{Limits, PipelineSpec, StageSpec};
use std::path::Path;
use std::time::Duration;

impl Loader<'_> {
    /// The pipeline that `root`, the content of `file`, describes.
    pub(super) fn pipeline(&mut self, root: &Yaml, file: &Path) -> Option<PipelineSpec> {
        let mut found = Vec::new();
        let mut fields = Fields::of(root, "the pipeline", file, &mut found)?;
        fields.take("type");
        let name = fields.required_text("name").unwrap_or_default();
        let description = fields.text("description").unwrap_or_default();
        let default = Limits::default();
        let limits = Limits {
            max_tool_calls: fields.count("max_tool_calls", 0).unwrap_or(default.max_tool_calls),
            token_budget: fields.whole("token_budget", 1, u64::MAX),
            timeout: fields.seconds("timeout").map_or(default.timeout, Duration::from_secs_f64),
            max_depth: fields.count("max_depth", 0).unwrap_or(default.max_depth),
            ..default
        };
        let entries = fields.list("stages");
        if entries.is_empty() {
            fields.error(root.at, "the pipeline has no `stages`; list at least one");
        }
        let mut stages: Vec<StageSpec> = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(stage) = self.stage(entry, &mut fields) else { continue };
            if stages.iter().any(|known| known.name == stage.name) {
                fields.error(entry.at, format!("two stages are named `{}`; rename one", stage.name));
            }
            stages.push(stage);
        }
        fields.finish();
        self.found.append(&mut found);
        Some(PipelineSpec { name, description, stages, limits, source: file.display().to_string() })
    }

    fn stage(&mut self, entry: &Yaml, outer: &mut Fields<'_, '_>) -> Option<StageSpec> {
        let file = outer.file();
        let mut fields = Fields::of(entry, "the stage", file, outer.found())?;
        let name = fields.text("name");
        let path = fields.take("config_path");
        let inline = fields.take("agent");
        let instruction = fields.text("instruction");
        fields.finish();
        let agent = self.named_agent(entry, path, inline, file, "the stage")?;
        Some(StageSpec { name: name.unwrap_or_else(|| agent.name.clone()), agent, instruction })
    }
}
