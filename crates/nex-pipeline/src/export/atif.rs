//! `atif`: Harbor's Agent Trajectory Interchange Format, v1.8: one document a branch of the
//! outermost agent, a line each or (with `file_each`) a file each.
//!
//! A reply and its results are one step; sub-agents stand in `subagent_trajectories`, referred to
//! from the result of the call that started them, from an observation of the step else. A branch
//! that begins like an earlier one marks what it repeats as copied, as it does what the runtime
//! wrote: neither may be trained on. `session_id` is the episode, `trajectory_id` the branch;
//! reward, outcome, task and driver stand in `extra` of the outermost document.
//!
//! Kept in `extra` where ATIF has no key: `is_error`, finish and stop reasons, defects, timing.
//! Lost: borders between text blocks and their order among calls, signatures of reasoning, the ids of prompt tokens (they
//! would repeat the history at every step; sampled ids and their log-probabilities are kept).
//! Arguments that are no JSON object have no place, and the branch is left out.

mod document;
mod steps;

use super::branch::Branch;
use super::prepared::Prepared;
use super::target::{About, Shape, Target};
use nex_trajectory::Episode;

#[derive(Debug)]
pub(super) struct Atif {
    pub(super) file_each: bool,
}

impl Target for Atif {
    fn about(&self) -> About {
        About {
            name: "atif",
            file_name: if self.file_each { "atif" } else { "atif.jsonl" },
            reader: "Harbor: ATIF-v1.8",
            loses: "borders between text blocks, signatures of reasoning, prompt token ids",
        }
    }

    fn shape(&self) -> Shape {
        if self.file_each { Shape::Folder } else { Shape::Lines }
    }

    fn episode(&self, episode: Episode, out: &mut Prepared) {
        let root = &episode.trajectory;
        let mut seen = vec![false; root.nodes.len()];
        for leaf in root.leaves() {
            let branch = Branch::of(&episode, root, leaf);
            // Sub-agents hang on nodes, and a node that is repeated does not start them again.
            let document = branch.check().and_then(|()| document::document(&branch, &mut seen, true));
            let taken = match document {
                Ok(document) if document.has_replies() => {
                    let taken = out.line(&document);
                    if taken.is_ok() && self.file_each {
                        out.name_line(&file_name(&branch));
                    }
                    taken
                }
                // Nothing in it was sampled, by the outermost agent or below it.
                Ok(_) => continue,
                Err(reason) => Err(reason),
            };
            out.count(taken);
        }
    }

    fn sample(&self, _branch: &Branch<'_>, _out: &mut Prepared) -> Result<(), String> {
        Err("its grain is the outermost branch".to_owned())
    }
}

/// A file's name: the branch's id, with nothing in it that a file system minds.
fn file_name(branch: &Branch<'_>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '#');
    let plain: String = branch.id().chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    format!("{plain}.json")
}
