//! Drawing a task: a library, a question on it, the proof.

use super::desk::SearchDesk;
use super::graph::NOW;
use super::library::Library;
use super::operations::operations;
use super::question::{Question, draw};
use super::verify::judge;
use super::{SEARCH_WORLD, SearchDials, SearchError};
use crate::files::{FileReply, Order, follow};
use crate::task::{Briefing, Dials, Faults, GENERATOR_VERSION, InitialState, Task, TaskLimits, is_success};
use crate::text::Language;
use nex_trajectory::{TaskId, TaskRecord};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

/// Questions that are begun before a task counts as impossible.
const ATTEMPTS: u64 = 60;

pub(crate) fn task(
    seed: u64,
    common: &Dials,
    dials: &SearchDials,
    language: Language,
) -> Result<Task, SearchError> {
    let unreachable = |reason| SearchError::Unreachable { seed, dials: Box::new(dials.clone()), reason };
    if common.check().is_err() {
        return Err(unreachable("a dial is out of its range"));
    }
    if let Some(fault) = dials.fault() {
        return Err(unreachable(fault));
    }
    let library = Arc::new(Library::new(seed, language, dials));
    let mut reason = "nothing was drawn";
    for attempt in 0..ATTEMPTS {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((1 << 42) + attempt);
        let drawn = draw(&library, dials, &mut rng).and_then(|question| {
            let task = finish(question, seed, common, dials, language);
            prove(&task, &library, dials.faults).map(|()| task)
        });
        match drawn {
            Ok(task) => return Ok(task),
            Err(cause) => reason = cause,
        }
    }
    Err(unreachable(reason))
}

fn finish(question: Question, seed: u64, common: &Dials, dials: &SearchDials, language: Language) -> Task {
    let calls = u32::try_from(question.plan.steps.len()).unwrap_or(u32::MAX);
    let mut shown = common.as_map();
    shown.insert("search".to_owned(), serde_json::to_value(dials).unwrap_or_default());
    Task {
        record: TaskRecord {
            id: task_id(seed, common, dials, language),
            world: SEARCH_WORLD.to_owned(),
            seed,
            language: language.as_str().to_owned(),
            instruction: question.ask,
            difficulty: common.difficulty().as_str().to_owned(),
            dials: shown,
            oracle_calls: calls,
        },
        dials: common.clone(),
        briefing: briefing(language),
        tools: operations().iter().map(|operation| operation.name.to_owned()).collect(),
        state: InitialState { seed, ..InitialState::default() },
        faults: Faults { transient: dials.faults, ..Faults::default() },
        plan: question.plan,
        checks: question.checks,
        // A page is read in parts, and searches may have to be tried twice.
        limits: TaskLimits { max_turns: 4 * calls + 12, max_calls: 8 * calls + 20 },
    }
}

/// The oracle must be accepted, and neither idleness nor a bare claim may be worth anything.
fn prove(task: &Task, library: &Arc<Library>, faults: f64) -> Result<(), &'static str> {
    let mut desk = SearchDesk::new(Arc::clone(library), faults, task.record.seed);
    let answer =
        follow(&task.plan, Order::Plan, &mut |operation, arguments| match desk.call(operation, arguments) {
            Ok(value) => FileReply { value, is_error: false },
            Err(value) => FileReply { value, is_error: true },
        })?;
    if !is_success(&judge(task, library, desk.log(), Some(&answer))) {
        return Err("the oracle's run is not accepted");
    }
    let (idle, claimed) = (judge(task, library, &[], None), judge(task, library, &[], Some(&answer)));
    if idle.total > 0.0 || claimed.total > 0.0 { Err("a claim without reading is rewarded") } else { Ok(()) }
}

fn task_id(seed: u64, common: &Dials, dials: &SearchDials, language: Language) -> TaskId {
    let common = serde_json::to_string(common).unwrap_or_default();
    let dials = serde_json::to_string(dials).unwrap_or_default();
    let text = format!("{SEARCH_WORLD} {GENERATOR_VERSION} {seed} {common} {dials} {language}");
    let hash = blake3::hash(text.as_bytes()).to_hex();
    TaskId::new(format!("{SEARCH_WORLD}-{language}-{}", &hash[..12]))
}

pub(crate) fn briefing(language: Language) -> Briefing {
    let (role, fact, policies) = match language {
        Language::En => (
            "You answer questions from a reference library on instrument making. Everything you need stands on its pages; you reach them by search and by links.",
            format!("The year is {NOW}. A question without a year is about the present."),
            [
                "Read the page before you rely on it. Different things can have similar names.",
                "Pages in the archive have been superseded: take what holds today from the current page, and cite that one.",
                "End with two lines. `Answer:` gives the value alone, without other names or numbers. `Sources:` gives the urls of the pages that state each fact on the way, and no others.",
            ],
        ),
        Language::Zh => (
            "你根据一座测量仪器资料库回答问题。所需的一切都在它的页面上，可以搜索，也可以顺着链接查阅。",
            format!("现在是{NOW}年。问题没有写明年份时，问的是现在。"),
            [
                "引用之前先读页面。名称相近的可能是不同的人或物。",
                "存档中的页面已被取代：现状以现行页面为准，并引用现行页面。",
                "最后写两行：“答案：”后面只写答案本身，不写别的名称或数字；“来源：”后面写出途中每一项事实所在页面的网址，不写其他网址。",
            ],
        ),
    };
    Briefing { role: role.to_owned(), facts: vec![fact], policies: policies.map(str::to_owned).to_vec() }
}
