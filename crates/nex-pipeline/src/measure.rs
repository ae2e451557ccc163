//! [`Measurement`]: episodes in, [`RunMetrics`] out.
//!
//! Fed in plan order, so that sums of floats, and with them the file, are the same in every run.

use crate::in_order::EpisodesInOrder;
use crate::run_folder::read_json;
use crate::{PipelineError, RunFolder};
use indexmap::IndexMap;
use nex_gym::rollout::failure_reason;
use nex_trajectory::run::{Count, Histogram, RunMetrics, SuccessRow};
use nex_trajectory::{Episode, Outcome, Role, Usage};
use std::collections::BTreeMap;

/// Collects the figures of a run, one episode at a time, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct Measurement {
    planned_tasks: u64,
    planned_episodes: u64,
    episodes: u64,
    scored: u64,
    successes: u64,
    samples: IndexMap<String, u64>,
    slices: BTreeMap<(&'static str, String), Slice>,
    stops: BTreeMap<String, u64>,
    failures: BTreeMap<String, u64>,
    defects: BTreeMap<String, u64>,
    turns: BTreeMap<u64, u64>,
    tool_calls: BTreeMap<u64, u64>,
    usage: Usage,
    total_turns: u64,
    total_calls: u64,
    call_errors: u64,
    reward_sum: f64,
}

#[derive(Clone, Debug, Default)]
struct Slice {
    episodes: u64,
    successes: u64,
    reward_sum: f64,
}

impl Measurement {
    /// A measurement of a run that planned this many tasks and episodes.
    pub fn new(planned_tasks: u64, planned_episodes: u64) -> Self {
        Self { planned_tasks, planned_episodes, ..Self::default() }
    }

    /// The same, of a run that holds `episodes` tasks, each tried once.
    #[must_use]
    pub fn planned(self, episodes: u64) -> Self {
        Self { planned_tasks: episodes, planned_episodes: episodes, ..self }
    }

    /// Adds one episode.
    pub fn add(&mut self, episode: &Episode) {
        self.episodes += 1;
        *self.stops.entry(episode.stop().name().to_owned()).or_default() += 1;
        self.add_trajectory(episode);
        if let Some(reward) = &episode.reward {
            self.scored += 1;
            self.reward_sum += reward.total;
            let is_success = episode.outcome == Outcome::Success;
            self.successes += u64::from(is_success);
            for (axis, value) in [
                ("difficulty", &episode.task.difficulty),
                ("world", &episode.task.world),
                ("harness", &episode.harness),
                ("language", &episode.task.language),
            ] {
                let slice = self.slices.entry((axis, value.clone())).or_default();
                slice.episodes += 1;
                slice.successes += u64::from(is_success);
                slice.reward_sum += reward.total;
            }
        }
        if let Some(reason) = failure_reason(episode) {
            *self.failures.entry(reason).or_default() += 1;
        }
    }

    fn add_trajectory(&mut self, episode: &Episode) {
        let turns = episode.trajectory.turn_count() as u64;
        let calls = episode.trajectory.call_count() as u64;
        *self.turns.entry(turns).or_default() += 1;
        *self.tool_calls.entry(calls).or_default() += 1;
        self.total_turns += turns;
        self.total_calls += calls;
        episode.trajectory.walk(&mut |trajectory| {
            for node in &trajectory.nodes {
                for defect in &node.defects {
                    let kind = serde_json::to_value(defect.kind).ok();
                    let name = kind.as_ref().and_then(|k| k.as_str()).unwrap_or("unknown");
                    *self.defects.entry(name.to_owned()).or_default() += 1;
                }
                if let Some(turn) = &node.turn {
                    self.usage.add(&turn.usage);
                }
                if node.message.role == Role::Tool {
                    self.call_errors += node.message.results().filter(|r| r.is_error).count() as u64;
                }
            }
        });
    }

    /// Adds `count` samples of `format` that an export wrote.
    pub fn add_samples(&mut self, format: &str, count: u64) {
        *self.samples.entry(format.to_owned()).or_default() += count;
    }

    /// The figures.
    pub fn finish(self) -> RunMetrics {
        let mut funnel = vec![
            count("tasks_planned", self.planned_tasks),
            count("episodes_planned", self.planned_episodes),
            count("episodes_finished", self.episodes),
            count("episodes_scored", self.scored),
            count("episodes_succeeded", self.successes),
        ];
        funnel.extend(self.samples.iter().map(|(format, n)| count(&format!("samples_{format}"), *n)));
        let success = self
            .slices
            .into_iter()
            .map(|((axis, value), slice)| SuccessRow {
                axis: axis.to_owned(),
                value,
                episodes: slice.episodes,
                successes: slice.successes,
                mean_reward: ratio(slice.reward_sum, slice.episodes),
            })
            .collect();
        let totals = IndexMap::from([
            ("success_rate".to_owned(), ratio(self.successes as f64, self.scored).into()),
            ("mean_reward".to_owned(), ratio(self.reward_sum, self.scored).into()),
            ("turns".to_owned(), self.total_turns.into()),
            ("tool_calls".to_owned(), self.total_calls.into()),
            ("tool_errors".to_owned(), self.call_errors.into()),
            ("prompt_tokens".to_owned(), self.usage.prompt_tokens.into()),
            ("completion_tokens".to_owned(), self.usage.completion_tokens.into()),
        ]);
        RunMetrics {
            funnel,
            success,
            stops: by_count(self.stops),
            failures: by_count(self.failures),
            defects: by_count(self.defects),
            turns: Histogram { bins: self.turns.into_iter().collect() },
            tool_calls: Histogram { bins: self.tool_calls.into_iter().collect() },
            totals,
        }
    }
}

/// The figures of a finished or unfinished run, from its episodes. Sample counts are taken from the
/// metrics of its last export, if there was one.
///
/// # Errors
/// The folder is no run folder or cannot be read.
pub fn measure_run(folder: &RunFolder) -> Result<RunMetrics, PipelineError> {
    let planned = planned_of(folder)?;
    let mut measurement = Measurement::new(planned.0, planned.1);
    for episode in EpisodesInOrder::open(folder)?.iter() {
        measurement.add(&episode?);
    }
    if folder.metrics_path().exists() {
        let last: RunMetrics = read_json(&folder.metrics_path())?;
        for row in &last.funnel {
            if let Some(format) = row.name.strip_prefix("samples_") {
                measurement.add_samples(format, row.count);
            }
        }
    }
    Ok(measurement.finish())
}

/// Tasks and episodes that the run's recipe plans.
pub(crate) fn planned_of(folder: &RunFolder) -> Result<(u64, u64), PipelineError> {
    let recipe = folder.read_manifest()?.recipe;
    let number = |key: &str| recipe.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let (episodes, attempts) = (number("episodes"), number("attempts").max(1));
    Ok((episodes.div_ceil(attempts), episodes))
}

fn count(name: &str, count: u64) -> Count {
    Count { name: name.to_owned(), count }
}

/// Most frequent first; the same count by name.
fn by_count(counts: BTreeMap<String, u64>) -> Vec<Count> {
    let mut rows: Vec<Count> = counts.into_iter().map(|(name, n)| count(&name, n)).collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn ratio(sum: f64, count: u64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    // Four places: more would be noise to a reader.
    (1e4 * sum / count as f64).round() / 1e4
}
