//! Every text format: `{"id", "episode", "agent", …, "reward", "text", "spans"}`.
//!
//! `text` is the whole conversation as the model is trained on it; `spans` tile it in bytes and
//! say which take part in the loss. What a format loses is said in its file.

use super::branch::Branch;
use super::prepared::Prepared;
use super::target::{About, Target};
use nex_tool_formats::{RenderOptions, ToolCallFormat};

#[derive(Debug)]
pub(super) struct Text {
    format: &'static dyn ToolCallFormat,
    file_name: &'static str,
}

impl Text {
    pub(super) fn new(format: &'static dyn ToolCallFormat) -> Self {
        // One short string a target and process: the table of targets hands out static names.
        Self { format, file_name: Box::leak(format!("{}.jsonl", format.name()).into_boxed_str()) }
    }
}

impl Target for Text {
    fn about(&self) -> About {
        About {
            name: self.format.name(),
            file_name: self.file_name,
            reader: "trainers that take text with a loss mask",
            loses: "is_error and signatures of reasoning where the format has no place for them",
        }
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let rendered = self
            .format
            .render(&branch.sample, &RenderOptions::default())
            .map_err(|refusal| refusal.reason)?;
        out.text_line(&branch.source(), &rendered)
    }
}
