//! Observations become dynamics.

use super::distance::{Rate, quantile};
use super::latency::{LatencyFit, fit_latency};
use super::observe::{Ending, Observation, observe};
use crate::spec::{DynamicsSpec, RateLimitSpec};
use nex_tools::mcp::recording::Recording;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A reply that is larger than this many times the median for its arguments is verbose.
const VERBOSE_FACTOR: f64 = 1.25;
/// Version of [`Imitation`].
const IMITATION_VERSION: u32 = 1;

/// How dynamics are learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImitateConfig {
    /// Calls at the beginning of each session and tool whose latency is left out.
    pub warm_up: usize,
    /// Of the bootstrap, and of what is compared with the recording.
    pub seed: u64,
}

impl Default for ImitateConfig {
    fn default() -> Self {
        Self { warm_up: 1, seed: 0 }
    }
}

/// What was learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imitation {
    /// 1.
    pub version: u32,
    /// What the server calls itself.
    pub server: String,
    /// The server as a whole.
    pub whole: Fit,
    /// Each of its tools, by name.
    pub tools: BTreeMap<String, Fit>,
    /// The server's rate limit, where one was met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitFit>,
    /// What to know before these numbers are trusted.
    pub notes: Vec<String>,
}

/// What was learned from some calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// For a world's file.
    pub dynamics: DynamicsSpec,
    /// Calls that were recorded.
    pub calls: usize,
    /// Calls that get an error with these arguments each time; they count for nothing else.
    pub deserved_errors: usize,
    /// Where two calls or more succeeded.
    pub latency: Option<LatencyFit>,
    /// Passing errors, all kinds together, rate limits apart.
    pub transient: Rate,
    /// Errors by kind.
    pub errors: BTreeMap<String, Rate>,
    /// Replies, of calls that succeeded.
    pub replies: SizeFit,
}

/// The sizes of replies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeFit {
    /// Bytes of the result's JSON at the median; 0 of nothing.
    pub median_bytes: f64,
    /// At 95 %.
    pub p95_bytes: f64,
    /// Replies that say that they were cut.
    pub truncated: Rate,
    /// Replies that are larger than others for the same arguments.
    pub verbose: Rate,
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateLimitFit {
    /// For a world's file.
    pub spec: RateLimitSpec,
    /// The window is between these, in seconds: the last refusal, and the next call that was served.
    pub window_interval_s: (f64, f64),
    /// Calls that were refused.
    pub refused: usize,
}

/// Nothing can be learned.
#[derive(Debug, thiserror::Error)]
pub enum ImitateError {
    /// No call is recorded.
    #[error(
        "the recording has no calls; `nex world imitate` makes some itself, or a client makes them through `nex mcp record`"
    )]
    NoCalls,
    /// Every call got an error that its arguments seem to deserve.
    #[error(
        "each of the {calls} recorded calls was refused, as far as can be told for its arguments: give calls that the server can do, with --calls FILE"
    )]
    NothingWorked {
        /// How many there are.
        calls: usize,
    },
}

/// Learns dynamics from `recording`.
///
/// # Errors
/// No call of it says anything.
pub fn imitate(recording: &Recording, config: &ImitateConfig) -> Result<Imitation, ImitateError> {
    let observed = observe(recording, config.warm_up);
    if observed.is_empty() {
        return Err(ImitateError::NoCalls);
    }
    let deserved = deserved_groups(&observed);
    let all: Vec<&Observation> = observed.iter().collect();
    let mut whole = fit(&all, &deserved, config.seed);
    if whole.deserved_errors == whole.calls {
        return Err(ImitateError::NothingWorked { calls: whole.calls });
    }
    let rate_limit = rate_limit(&observed);
    whole.dynamics.rate_limit = rate_limit.map(|limit| limit.spec);
    let mut by_tool: BTreeMap<String, Vec<&Observation>> = BTreeMap::new();
    for seen in &observed {
        by_tool.entry(seen.tool.clone()).or_default().push(seen);
    }
    let tools: BTreeMap<String, Fit> =
        by_tool.into_iter().map(|(tool, seen)| (tool, fit(&seen, &deserved, config.seed))).collect();
    let notes = notes(&whole, &tools, recording);
    let opening = &recording.sessions[0].opened;
    let told = nex_tools::mcp::ServerIdentity::of(&opening.opening, opening.era);
    let server = if told.name.is_empty() { opening.label.clone() } else { told.name };
    Ok(Imitation { version: IMITATION_VERSION, server, whole, tools, rate_limit, notes })
}

/// For each group whether all of its calls got an error that their arguments may deserve.
fn deserved_groups(observed: &[Observation]) -> Vec<bool> {
    let count = observed.iter().map(|seen| seen.group + 1).max().unwrap_or(0);
    let (mut has_good, mut has_bad) = (vec![false; count], vec![false; count]);
    for seen in observed {
        has_good[seen.group] |= seen.ending == Ending::Ok;
        has_bad[seen.group] |= seen.ending.may_be_deserved();
    }
    has_good.into_iter().zip(has_bad).map(|(good, bad)| bad && !good).collect()
}

fn fit(seen: &[&Observation], deserved: &[bool], seed: u64) -> Fit {
    let is_deserved = |o: &Observation| deserved[o.group] && o.ending.may_be_deserved();
    let counted: Vec<&Observation> = seen.iter().copied().filter(|o| !is_deserved(o)).collect();
    let good: Vec<&Observation> = counted.iter().copied().filter(|o| o.ending == Ending::Ok).collect();
    let latencies: Vec<u64> = good.iter().filter(|o| !o.is_warm_up).map(|o| o.latency_us).collect();
    let latency = fit_latency(&latencies, seed);
    let mut errors: BTreeMap<String, usize> = BTreeMap::new();
    for o in counted.iter().filter(|o| o.ending != Ending::Ok) {
        *errors.entry(o.ending.as_str().to_owned()).or_default() += 1;
    }
    let admitted = counted.iter().filter(|o| o.ending != Ending::RateLimited).count();
    let transient = Rate::new(admitted - good.len(), admitted);
    let replies = sizes(&good);
    let some = |rate: Rate| (rate.hits > 0).then(|| (rate.share * 1e4).round() / 1e4);
    let dynamics = DynamicsSpec {
        latency_ms: latency.as_ref().map(|latency| latency.spec),
        transient_fault: some(transient),
        truncate: some(replies.truncated),
        verbose: some(replies.verbose),
        ..DynamicsSpec::default()
    };
    Fit {
        dynamics,
        calls: seen.len(),
        deserved_errors: seen.len() - counted.len(),
        latency,
        transient,
        errors: errors.into_iter().map(|(kind, hits)| (kind, Rate::new(hits, counted.len()))).collect(),
        replies,
    }
}

fn sizes(good: &[&Observation]) -> SizeFit {
    let mut groups: HashMap<usize, Vec<f64>> = HashMap::new();
    for o in good {
        groups.entry(o.group).or_default().push(o.bytes as f64);
    }
    let (mut verbose, mut comparable) = (0, 0);
    for sizes in groups.values_mut().filter(|sizes| sizes.len() >= 3) {
        sizes.sort_by(f64::total_cmp);
        let usual = quantile(sizes, 0.5);
        verbose += sizes.iter().filter(|size| **size > VERBOSE_FACTOR * usual).count();
        comparable += sizes.len();
    }
    let mut bytes: Vec<f64> = good.iter().map(|o| o.bytes as f64).collect();
    bytes.sort_by(f64::total_cmp);
    let at = |share| if bytes.is_empty() { 0.0 } else { quantile(&bytes, share) };
    SizeFit {
        median_bytes: at(0.5),
        p95_bytes: at(0.95),
        truncated: Rate::new(good.iter().filter(|o| o.is_cut).count(), good.len()),
        verbose: Rate::new(verbose, comparable),
    }
}

/// The first limit that was met from a session's beginning: calls up to the first refusal, and the
/// time until one is served again.
fn rate_limit(observed: &[Observation]) -> Option<RateLimitFit> {
    let refused = observed.iter().filter(|o| o.ending == Ending::RateLimited).count();
    let first = observed.iter().position(|o| o.ending == Ending::RateLimited)?;
    let session = observed[first].session;
    let of_session: Vec<&Observation> = observed.iter().filter(|o| o.session == session).collect();
    let met = of_session.iter().position(|o| o.ending == Ending::RateLimited)?;
    let start_us = of_session.first()?.at_us;
    let calls = u32::try_from(met).ok()?.max(1);
    let since = |o: &Observation| o.at_us.saturating_sub(start_us) as f64 / 1e6;
    let again = of_session[met..].iter().position(|o| o.ending != Ending::RateLimited).map(|at| met + at);
    let last_refused = of_session[again.map_or(of_session.len() - 1, |at| at - 1)];
    let low = since(last_refused);
    let high = again.map_or(f64::INFINITY, |at| since(of_session[at]));
    // Servers count in whole seconds: the nearest to the middle, or to what is known.
    let middle = if high.is_finite() { (low + high) / 2.0 } else { low };
    let window_s = middle.round().max(1.0) as u32;
    let high = if high.is_finite() { high } else { low };
    Some(RateLimitFit { spec: RateLimitSpec { calls, window_s }, window_interval_s: (low, high), refused })
}

fn notes(whole: &Fit, tools: &BTreeMap<String, Fit>, recording: &Recording) -> Vec<String> {
    let mut notes = Vec::new();
    match &whole.latency {
        None => notes.push("too few calls succeeded: no latency was learned".to_owned()),
        Some(latency) if latency.calls < 30 => {
            notes.push(format!("the latency rests on {} calls only: make more, with --repeats", latency.calls));
        }
        Some(latency) if latency.ks > 2.0 * latency.ks_by_chance => notes.push(format!(
            "one log-normal does not tell all of this latency (distance {:.3}, {:.3} by chance): tools differ, or there are several modes; see the tools",
            latency.ks, latency.ks_by_chance
        )),
        Some(_) => {}
    }
    for (tool, fit) in tools.iter().filter(|(_, fit)| fit.deserved_errors > 0) {
        notes.push(format!(
            "{} calls of `{tool}` get an error each time with their arguments, and count for nothing else",
            fit.deserved_errors
        ));
    }
    if !recording.damaged.is_empty() {
        notes.push(format!("{} damaged lines of the recording were left out", recording.damaged.len()));
    }
    notes
}
