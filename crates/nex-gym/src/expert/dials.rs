//! [`ExpertDials`] and the mistakes that they make in one episode (Nexus-1 §1).

use super::facts::SourceKey;
use nex_world::task::{Task, ValueSource};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How often the expert errs, as probabilities an episode; all 0 is the flawless expert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpertDials {
    /// It takes a wrong value early (another row, a transposed id) and goes on with it.
    pub error_propagation: f64,
    /// After an error it tries the same again with small variations, then gives up.
    pub shallow_exploration: f64,
    /// It ignores what a reply says: further pages, the value it was to report, that a write is
    /// still to be done.
    pub feedback_neglect: f64,
    /// Of its mistakes, the share that it notices at a later reply and repairs.
    pub recovery: f64,
}

/// One mistake that the expert makes in an episode.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Mistake {
    pub(crate) kind: MistakeKind,
    /// Where in the plan.
    pub(crate) step: usize,
    /// The operation of that step.
    pub(crate) operation: String,
    /// Whether the expert repairs it.
    pub(crate) recovers: bool,
    /// What is wrong.
    pub(crate) form: Form,
    /// Whether the episode got that far.
    pub(crate) was_played: bool,
}

/// The three kinds of Nexus-1 §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MistakeKind {
    ErrorPropagation,
    ShallowExploration,
    FeedbackNeglect,
}

/// How a mistake looks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub(crate) enum Form {
    /// A call gets a wrong value for this argument; where the value was read, all later uses of it
    /// are wrong too.
    WrongArgument { argument: String },
    /// A call that fails is made again with small variations.
    Variations { argument: Option<String> },
    /// A value is reported that the replies do not hold.
    MadeUpAnswer {
        slot: String,
        #[serde(skip)]
        source: SourceKey,
    },
    /// A write is taken for done.
    SkippedWrite,
}

impl ExpertDials {
    /// Whether no mistake can happen.
    pub fn is_flawless(&self) -> bool {
        self.error_propagation <= 0.0 && self.shallow_exploration <= 0.0 && self.feedback_neglect <= 0.0
    }

    /// The mistakes of the episode with `seed`. A kind that finds no place in the plan is left out.
    pub(crate) fn draw(&self, task: &Task, seed: u64) -> Vec<Mistake> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut mistakes = Vec::new();
        // The same numbers are drawn whatever the dials are: turning one up adds mistakes and
        // changes none.
        let mut kind =
            |chance: f64, recovery: f64, place: &dyn Fn(&mut ChaCha8Rng, bool) -> Option<Mistake>| {
                let happens = rng.random::<f64>() < chance;
                let recovers = rng.random::<f64>() < recovery;
                let mut inner = ChaCha8Rng::seed_from_u64(rng.random());
                if happens {
                    mistakes.extend(place(&mut inner, recovers));
                }
            };
        kind(self.error_propagation, self.recovery, &|rng, recovers| wrong_argument(task, rng, recovers));
        kind(self.shallow_exploration, self.recovery, &|rng, recovers| variations(task, rng, recovers));
        kind(self.feedback_neglect, self.recovery, &|rng, recovers| neglect(task, rng, recovers));
        // Two mistakes at one step would hide each other.
        let mut seen = Vec::new();
        mistakes.retain(|mistake| {
            let is_new = !seen.contains(&mistake.step);
            seen.push(mistake.step);
            is_new
        });
        mistakes
    }
}

fn mistake(task: &Task, kind: MistakeKind, step: usize, recovers: bool, form: Form) -> Mistake {
    let operation = task.plan.steps[step].operation.clone();
    Mistake { kind, step, operation, recovers, form, was_played: false }
}

/// Arguments whose value can be taken wrong: `(step, argument, was it read from a reply)`, of steps
/// that are to succeed.
fn places(task: &Task) -> Vec<(usize, &str, bool)> {
    let steps = task.plan.steps.iter().enumerate().filter(|(_, step)| step.fails_with.is_none());
    steps
        .flat_map(|(index, step)| {
            step.arguments.iter().filter_map(move |(name, source)| match source {
                ValueSource::Literal { value } => {
                    let text = value.as_str()?;
                    (text.chars().count() >= 4).then_some((index, name.as_str(), false))
                }
                _ => Some((index, name.as_str(), true)),
            })
        })
        .collect()
}

fn wrong_argument(task: &Task, rng: &mut ChaCha8Rng, recovers: bool) -> Option<Mistake> {
    let places = places(task);
    let is_write = |step: usize| task.plan.steps[step].is_write;
    // What is to be repaired must not have changed the world.
    let mut fitting: Vec<_> =
        places.iter().filter(|(step, _, was_read)| *was_read && !(recovers && is_write(*step))).collect();
    if fitting.is_empty() {
        fitting = places.iter().filter(|(step, _, was_read)| *was_read || !is_write(*step)).collect();
    }
    // Early: among the first half, at least one.
    let early = fitting.len().div_ceil(2);
    let (step, argument, _) = pick(&fitting[..early], rng)?;
    let form = Form::WrongArgument { argument: (*argument).to_owned() };
    Some(mistake(task, MistakeKind::ErrorPropagation, *step, recovers, form))
}

fn variations(task: &Task, rng: &mut ChaCha8Rng, recovers: bool) -> Option<Mistake> {
    let kind = MistakeKind::ShallowExploration;
    // An operation that is down asks for another way: the natural place.
    if let Some(step) = task.plan.steps.iter().position(|step| step.fails_with.is_some()) {
        return Some(mistake(task, kind, step, recovers, Form::Variations { argument: None }));
    }
    let places = places(task);
    let is_write = |step: usize| task.plan.steps[step].is_write;
    let fitting: Vec<_> = places.iter().filter(|(step, _, was_read)| *was_read || !is_write(*step)).collect();
    let (step, argument, _) = pick(&fitting, rng)?;
    let form = Form::Variations { argument: Some((*argument).to_owned()) };
    Some(mistake(task, kind, *step, recovers, form))
}

fn neglect(task: &Task, rng: &mut ChaCha8Rng, recovers: bool) -> Option<Mistake> {
    let kind = MistakeKind::FeedbackNeglect;
    let mut forms: Vec<(usize, Form)> = Vec::new();
    for (slot, source) in &task.plan.answer.slots {
        let base = source.steps().into_iter().rfind(|step| !(recovers && task.plan.steps[*step].is_write));
        forms.extend(
            base.map(|step| (step, Form::MadeUpAnswer { slot: slot.clone(), source: SourceKey::of(source) })),
        );
    }
    let steps = task.plan.steps.iter().enumerate();
    let mut writes = steps.filter(|(_, step)| step.is_write && step.fails_with.is_none());
    forms.extend(writes.next_back().map(|(step, _)| (step, Form::SkippedWrite)));
    let (step, form) = pick(&forms, rng)?.clone();
    Some(mistake(task, kind, step, recovers, form))
}

fn pick<'a, T>(items: &'a [T], rng: &mut ChaCha8Rng) -> Option<&'a T> {
    (!items.is_empty()).then(|| &items[rng.random_range(0..items.len())])
}
