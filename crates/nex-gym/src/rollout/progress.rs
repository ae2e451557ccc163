//! [`Progress`]: how far a rollout is.

use nex_trajectory::{Episode, Outcome, StopReason};
use std::collections::BTreeMap;

/// How far a rollout is. Whoever shows it knows the time, and so the rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Episodes that an earlier run made.
    pub skipped: u64,
    /// Episodes started by this run.
    pub started: u64,
    /// Episodes under way.
    pub running: u64,
    /// Episodes that the verifier accepts.
    pub succeeded: u64,
    /// Episodes that it does not.
    pub failed: u64,
    /// Episodes whose surroundings failed, after all retries.
    pub infra: u64,
    /// Episodes cut short because the rollout was told to stop.
    pub cancelled: u64,
    /// Times that an episode was run again.
    pub retries: u64,
    /// Failed and infra episodes by reason.
    pub reasons: BTreeMap<String, u64>,
}

impl Progress {
    /// Episodes that this run finished.
    pub fn finished(&self) -> u64 {
        self.succeeded + self.failed + self.infra
    }

    /// Share of successes among the scored episodes.
    pub fn success_rate(&self) -> Option<f64> {
        let scored = self.succeeded + self.failed;
        (scored > 0).then(|| self.succeeded as f64 / scored as f64)
    }

    pub(crate) fn add(&mut self, episode: &Episode, retries: u32) {
        self.running -= 1;
        self.retries += u64::from(retries);
        if episode.trajectory.stop == StopReason::Cancelled {
            self.cancelled += 1;
            return;
        }
        match episode.outcome {
            Outcome::Success => self.succeeded += 1,
            Outcome::Failure => self.failed += 1,
            Outcome::Infra => self.infra += 1,
            // A rollout's episodes are all judged.
            Outcome::Unscored => {}
        }
        if let Some(reason) = failure_reason(episode) {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }
}

/// Why `episode` is no success although it was judged, in a word that can be counted: the infra failure's kind, the stop
/// reason if that is no answer, else the first reward part that is not full.
pub fn failure_reason(episode: &Episode) -> Option<String> {
    if matches!(episode.outcome, Outcome::Success | Outcome::Unscored) {
        return None;
    }
    Some(match (episode.stop(), &episode.reward) {
        (StopReason::Infra(failure), _) => format!("infra: {}", failure.kind),
        (stop, _) if !stop.is_answer() => stop.name().to_owned(),
        (_, Some(reward)) => {
            let part = reward.parts.iter().find(|part| part.weight > 0.0 && part.score < 1.0);
            part.map_or_else(|| "reward".to_owned(), |part| part.name.clone())
        }
        (_, None) => "infra: no verdict".to_owned(),
    })
}
