//! Drawing a task: a caller, a story for them, the proof.

use super::domain::{Domain, Family};
use super::records::{Record, Records};
use super::script::{MESSAGE, Script};
use super::session::{Stage, Terms};
use super::user::{Persona, RuleUser};
use super::verify::judge;
use super::{DialogueError, DialogueWorld};
use crate::files::{FileReply, Order, follow};
use crate::session::{SessionOptions, WorldSession};
use crate::task::{
    AnswerPlan, Briefing, Dials, Faults, GENERATOR_VERSION, InitialState, OraclePlan, Task, TaskLimits,
    ValueSource, is_success,
};
use crate::text::Language;
use crate::world::World;
use indexmap::IndexMap;
use nex_trajectory::{TaskId, TaskRecord};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

/// A task with what its session needs and the task does not say.
pub(crate) struct Story {
    pub(crate) task: Task,
    pub(crate) persona: Persona,
    pub(crate) terms: Terms,
}

/// The story of a seed: a pure function of the arguments.
pub(crate) fn story(
    world: &Arc<World>,
    domain: &'static Domain,
    seed: u64,
    dials: &Dials,
    language: Language,
) -> Result<Story, DialogueError> {
    let unreachable = |reason: &str| DialogueError::Unreachable {
        world: domain.name,
        seed,
        dials: Box::new(dials.clone()),
        reason: reason.to_owned(),
    };
    if dials.check().is_err() {
        return Err(unreachable("a dial is out of its range"));
    }
    let session = session(world, seed, language).map_err(|cause| unreachable(&cause))?;
    let records = Records::of(&session);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1 << 43);
    let mut customers: Vec<Record<'_>> = records.all("customer").collect();
    customers.shuffle(&mut rng);
    // The family is drawn first, so that rare ones are not crowded out by common ones.
    let mut families: Vec<&Family> = domain.families.iter().collect();
    families.shuffle(&mut rng);
    // Harder tasks need the user's hands more often.
    if rng.random_bool((f64::from(dials.hops.min(12)) / 12.0).min(0.8)) {
        families.sort_by_key(|family| !family.is_dual);
    }
    let mut reason = "no caller has such a case".to_owned();
    for family in families {
        for customer in &customers {
            let mut script = Script {
                language,
                domain,
                world,
                records: &records,
                customer: *customer,
                rng: rng.clone(),
                ambiguity: dials.ambiguity,
                opening: String::new(),
                steps: Vec::new(),
                says: String::new(),
                slots: IndexMap::new(),
                checks: Vec::new(),
                facts: Vec::new(),
                actions: Vec::new(),
                looks: Vec::new(),
                consent: None,
                needs_consent: Vec::new(),
                protected: Vec::new(),
                id: ValueSource::literal(""),
            };
            if (family.write)(&mut script).is_none() {
                continue;
            }
            let story = finish(script, family, seed, dials);
            match prove(&story, session.clone()) {
                Ok(()) => return Ok(story),
                Err(cause) => reason = format!("{}: {cause}", family.name),
            }
            // One caller of a family is like another: if this one fails, the family does.
            break;
        }
    }
    Err(unreachable(&reason))
}

/// A session of the world in the state of a seed, with nothing that goes wrong.
pub(crate) fn session(world: &Arc<World>, seed: u64, language: Language) -> Result<WorldSession, String> {
    let options = SessionOptions { language, calm: true, ..SessionOptions::default() };
    WorldSession::new(Arc::clone(world), seed, options).map_err(|cause| cause.to_string())
}

fn finish(mut script: Script<'_>, family: &Family, seed: u64, dials: &Dials) -> Story {
    let spare = 8 - (4.0 * dials.fuzziness) as i32;
    let persona = script.persona(spare);
    let calls = u32::try_from(script.steps.len()).unwrap_or(u32::MAX);
    let domain = script.domain;
    let language = script.language;
    let terms = Terms {
        customer: script.customer.id.to_owned(),
        needs_consent: script.needs_consent,
        protected: script.protected.into_iter().filter(|value| !value.is_empty()).collect(),
    };
    let mut shown = dials.as_map();
    shown.insert("family".to_owned(), family.name.into());
    shown.insert("dual".to_owned(), family.is_dual.into());
    let of_agent = script
        .world
        .operations()
        .iter()
        .map(|operation| operation.name.clone())
        .filter(|name| !domain.of_user.contains(&name.as_str()));
    let task = Task {
        record: TaskRecord {
            id: task_id(domain.name, seed, dials, language),
            world: domain.name.to_owned(),
            seed,
            language: language.as_str().to_owned(),
            instruction: script.opening,
            difficulty: dials.difficulty().as_str().to_owned(),
            dials: shown,
            oracle_calls: calls,
        },
        dials: dials.clone(),
        briefing: briefing(script.world, language),
        tools: of_agent.chain([MESSAGE.to_owned()]).collect(),
        state: InitialState { seed, ..InitialState::default() },
        faults: Faults::default(),
        plan: OraclePlan {
            steps: script.steps,
            answer: AnswerPlan { template: script.says, slots: script.slots, wording: IndexMap::new() },
        },
        checks: script.checks,
        limits: TaskLimits { max_turns: 3 * calls + 12, max_calls: 4 * calls + 16 },
    };
    Story { task, persona, terms }
}

/// Role and rules, and how to speak.
pub(crate) fn briefing(world: &World, language: Language) -> Briefing {
    let mut policies: Vec<String> =
        world.policies().iter().map(|policy| policy.text.get(language).to_owned()).collect();
    let (fact, closing) = match language {
        Language::En => (
            "The user's first words are the request. Whatever you say to them before you are done goes through message_user; your last message closes the conversation.",
            "Close with a message to the user that says what was done and every value that they asked for.",
        ),
        Language::Zh => (
            "用户的第一句话就是请求。办完之前对用户说的话都通过 message_user；你的最后一条消息结束对话。",
            "最后用一条消息向用户说明办了什么，并写明用户要的每一个数值。",
        ),
    };
    policies.push(closing.to_owned());
    Briefing { role: world.role().get(language).to_owned(), facts: vec![fact.to_owned()], policies }
}

/// The oracle must be accepted, and neither idleness nor a bare claim may be worth anything.
fn prove(story: &Story, session: WorldSession) -> Result<(), &'static str> {
    let mut stage = Stage::new(session.clone(), RuleUser::new(story.persona.clone()));
    // Failures that the plan expects are no failures of the plan.
    let plan = &story.task.plan;
    let answer = {
        let mut made = 0;
        let call = &mut |operation: &str, arguments: &serde_json::Value| {
            let expected = plan.steps.get(made).and_then(|step| step.fails_with.clone());
            made += 1;
            match (stage.call(operation, arguments), expected) {
                (Ok(value), None) => FileReply { value, is_error: false },
                (Err(value), Some(code)) if value.pointer("/error/code") == Some(&code.as_str().into()) => {
                    FileReply { value, is_error: false }
                }
                (Ok(value) | Err(value), _) => FileReply { value, is_error: true },
            }
        };
        follow(plan, Order::Plan, call)?
    };
    if stage.ended.is_some() {
        return Err("the user leaves before the plan is through");
    }
    if !is_success(&judge(&story.task, &story.terms, &stage, Some(&answer))) {
        return Err("the oracle's run is not accepted");
    }
    let idle = Stage::new(session, RuleUser::new(story.persona.clone()));
    for answer in [None, Some(answer.as_str())] {
        if judge(&story.task, &story.terms, &idle, answer).total > 0.0 {
            return Err("a claim without action is rewarded");
        }
    }
    Ok(())
}

fn task_id(world: &str, seed: u64, dials: &Dials, language: Language) -> TaskId {
    let dials = serde_json::to_string(dials).unwrap_or_default();
    let text = format!("{world} {GENERATOR_VERSION} {seed} {dials} {language}");
    let hash = blake3::hash(text.as_bytes()).to_hex();
    TaskId::new(format!("{world}-{language}-{}", &hash[..12]))
}

impl DialogueWorld {
    /// The story that `task` was drawn from.
    pub(crate) fn story_of(&self, task: &Task) -> Result<Story, DialogueError> {
        let record = &task.record;
        let language = record.language.parse::<Language>().ok().filter(|_| record.world == self.name());
        let language = language.ok_or_else(|| DialogueError::OtherWorld {
            task: record.id.to_string(),
            found: record.world.clone(),
            language: record.language.clone(),
            world: self.name(),
        })?;
        story(&self.world, self.domain, task.state.seed, &task.dials, language)
    }
}
