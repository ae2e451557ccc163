//! Which episodes are trained on, and their samples in tokens.
//!
//! Episodes come from stores of `nex-trajectory`, one at a time and in their order. Each branch in which
//! a model wrote something is one sample. What is left out is counted by reason.

use crate::{EncodedSample, Encoder, EncodingStyle, PolicyTokenizer, TrainError};
use nex_tool_formats::Sample;
use nex_trajectory::store::{Reader, StoreError};
use nex_trajectory::{Episode, Outcome, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which episodes are trained on. Those that the surroundings broke never are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "keep", rename_all = "snake_case", deny_unknown_fields)]
pub enum EpisodeFilter {
    /// Success, and rated at least this on average; unrated ones are left out (Nexus-1 §3 keeps 4 of 5).
    Rated {
        /// The least mean of the stars.
        min_stars: f32,
    },
    /// Success.
    Successful,
    /// Success, failure and unjudged.
    All,
}

impl EpisodeFilter {
    /// The paper's filter: success with a rating of at least 4.
    pub const PAPER: Self = Self::Rated { min_stars: 4.0 };

    /// Whether `episode` is kept.
    ///
    /// # Errors
    /// Why it is not, in words for counting.
    pub fn check(self, episode: &Episode) -> Result<(), &'static str> {
        if episode.outcome == Outcome::Infra || episode.stop().is_infra() {
            return Err("the surroundings failed");
        }
        if self == Self::All {
            return Ok(());
        }
        if episode.outcome != Outcome::Success {
            return Err("no success");
        }
        let Self::Rated { min_stars } = self else { return Ok(()) };
        let count = episode.ratings.len();
        let stars: f32 = episode.ratings.iter().map(|rating| f32::from(rating.stars)).sum();
        match count {
            0 => Err("not rated"),
            _ if stars / count as f32 >= min_stars => Ok(()),
            _ => Err("rated too low"),
        }
    }
}

/// What becomes of samples longer than the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TooLong {
    /// They are left out.
    Skip,
    /// They are cut behind the last reply that fits, and left out where none does.
    #[default]
    CutBehindReply,
}

/// What was read, kept and left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataReport {
    /// Episodes read.
    pub episodes: u64,
    /// Samples kept.
    pub samples: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Those of them that take part in the loss.
    pub action_tokens: u64,
    /// Samples that were cut to fit.
    pub cut: u64,
    /// Tokens of the longest sample before anything was cut.
    pub longest: u64,
    /// Episodes and samples left out, by reason.
    pub left_out: BTreeMap<String, u64>,
}

impl DataReport {
    fn leave_out(&mut self, reason: impl Into<String>) {
        *self.left_out.entry(reason.into()).or_default() += 1;
    }
}

/// Where episodes come from.
#[derive(Clone, Debug)]
pub struct EpisodeSource {
    /// Folders of stores (`runs/NAME/episodes`), read in order.
    pub stores: Vec<PathBuf>,
    /// Which are kept.
    pub filter: EpisodeFilter,
}

impl EpisodeSource {
    /// Calls `visit` with each episode that is kept; counts the others.
    ///
    /// A torn last line, which a writer that was killed leaves, is counted and ends its store.
    ///
    /// # Errors
    /// A store cannot be read or has a damaged line; `visit` fails.
    pub fn visit(
        &self,
        report: &mut DataReport,
        mut visit: impl FnMut(Episode, &mut DataReport) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        for store in &self.stores {
            if !store.is_dir() {
                let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
                return Err(TrainError::io("read", store)(missing));
            }
            for episode in Reader::<Episode>::open(store)? {
                let episode = match episode {
                    Ok(episode) => episode,
                    Err(StoreError::TornTail { .. }) => {
                        report.leave_out("torn last line");
                        continue;
                    }
                    Err(fault) => return Err(fault.into()),
                };
                report.episodes += 1;
                match self.filter.check(&episode) {
                    Ok(()) => visit(episode, report)?,
                    Err(reason) => report.leave_out(reason),
                }
            }
        }
        Ok(())
    }

    /// Trains a tokenizer on the texts of the kept episodes, as `style` writes them, up to `max_bytes`.
    ///
    /// # Errors
    /// As [`EpisodeSource::visit`]; there is no text; the vocabulary is too small.
    pub fn train_tokenizer(
        &self,
        style: &EncodingStyle,
        vocabulary: usize,
        max_bytes: usize,
    ) -> Result<PolicyTokenizer, TrainError> {
        let mut report = DataReport::default();
        let (mut texts, mut bytes) = (Vec::new(), 0);
        self.visit(&mut report, |episode, _| {
            for (_, sample) in branches(&episode) {
                if bytes < max_bytes {
                    // A sample that the format cannot hold is counted when it is encoded.
                    let more = Encoder::texts(style, &sample).unwrap_or_default();
                    bytes += more.iter().map(String::len).sum::<usize>();
                    texts.extend(more);
                }
            }
            Ok(())
        })?;
        if texts.is_empty() {
            return Err(nothing_left(&report));
        }
        PolicyTokenizer::train(texts.iter().map(String::as_str), vocabulary)
    }

    /// The samples of the kept episodes, in tokens, none longer than `context`.
    ///
    /// # Errors
    /// As [`EpisodeSource::visit`]; no sample with action tokens is left.
    pub fn samples(
        &self,
        encoder: &Encoder,
        context: usize,
        too_long: TooLong,
    ) -> Result<(Vec<EncodedSample>, DataReport), TrainError> {
        let mut report = DataReport::default();
        let mut samples = Vec::new();
        self.visit(&mut report, |episode, report| {
            for (id, sample) in branches(&episode) {
                let mut encoded = match encoder.sample(id, &sample) {
                    Ok(encoded) => encoded,
                    Err(TrainError::Sequence { reason, .. }) => {
                        report.leave_out(format!("the format cannot hold it: {reason}"));
                        continue;
                    }
                    Err(fault) => return Err(fault),
                };
                report.longest = report.longest.max(encoded.tokens.len() as u64);
                if encoded.tokens.len() > context {
                    if too_long == TooLong::Skip || !encoded.cut_behind_reply(context) {
                        report.leave_out("longer than the context");
                        continue;
                    }
                    report.cut += 1;
                }
                if encoded.action_tokens() == 0 {
                    report.leave_out("no action tokens");
                    continue;
                }
                report.samples += 1;
                report.tokens += encoded.tokens.len() as u64;
                report.action_tokens += encoded.action_tokens() as u64;
                samples.push(encoded);
            }
            Ok(())
        })?;
        if samples.is_empty() {
            return Err(nothing_left(&report));
        }
        Ok((samples, report))
    }
}

fn nothing_left(report: &DataReport) -> TrainError {
    let counted: Vec<String> =
        report.left_out.iter().map(|(reason, count)| format!("{count} × {reason}")).collect();
    let reason = match (report.episodes, counted.is_empty()) {
        (0, _) => "the stores hold no episodes".to_owned(),
        (episodes, true) => format!("{episodes} episodes in which no model wrote anything"),
        (episodes, false) => format!("{episodes} episodes; left out: {}", counted.join(", ")),
    };
    TrainError::NoActionTokens { reason }
}

/// The branches in which a model wrote something and whose agent the surroundings did not stop: parents
/// first, by leaf. A history that was rewritten on the way is trained on once a branch.
fn branches(episode: &Episode) -> Vec<(String, Sample<'_>)> {
    let mut branches = Vec::new();
    episode.trajectory.walk(&mut |trajectory| {
        if trajectory.stop.is_infra() {
            return;
        }
        for leaf in trajectory.leaves() {
            let sample = Sample::from_branch(trajectory, leaf);
            let is_written =
                |node: &&nex_trajectory::Node| node.message.role == Role::Assistant && !node.is_synthetic;
            if sample.nodes.iter().any(is_written) {
                branches.push((format!("{}#{}", trajectory.id, leaf.0), sample));
            }
        }
    });
    branches
}

#[cfg(test)]
mod tests;
