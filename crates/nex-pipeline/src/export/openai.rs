//! `openai`: chat fine-tuning lines, `{"messages": […], "tools": […]}`, and a file of origins.
//!
//! A line holds nothing but what OpenAI's fine-tuning takes (and most trainers with it), so the
//! origins stand in `openai.ids.jsonl`, line by line. Assistant messages that the runtime wrote
//! have `"weight": 0`; the rest of what is kept and lost is said in `nex_tool_formats::OpenAi`.

use super::branch::Branch;
use super::prepared::Prepared;
use super::target::{About, Shape, Target};
use nex_tool_formats::{RenderOptions, ToolCallFormat};

#[derive(Debug)]
pub(super) struct OpenAi;

impl Target for OpenAi {
    fn about(&self) -> About {
        About {
            name: "openai",
            file_name: "openai.jsonl",
            reader: "OpenAI fine-tuning, and trainers that take its shape",
            loses: "is_error, signatures of reasoning",
        }
    }

    fn shape(&self) -> Shape {
        Shape::LinesAndIds
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let rendered = nex_tool_formats::OpenAi
            .render(&branch.sample, &RenderOptions::default())
            .map_err(|refusal| refusal.reason)?;
        out.id_line(&branch.source())?;
        out.lines.extend_from_slice(rendered.text.as_bytes());
        out.lines.push(b'\n');
        Ok(())
    }
}
