//! Stages that run at the same time: parallel branches, and maps over lists.
//!
//! Each branch goes on with a copy of what is known. What the branches found out is put together
//! in declared order, whichever ended first. All branches end before the construct does; the first
//! in order that gave no answer decides why it stops.

use super::label::{item_text, items};
use super::memory::{Memory, to_json};
use super::record::{Log, WorkflowEvent};
use super::run::{Flow, Runner, Running, excerpt};
use super::spec::{MapOver, Parallel, WorkflowStage};
use futures_util::StreamExt as _;
use nex_trajectory::StopReason;
use serde_json::Value;

/// What one branch came to: its answer, all that it knows, all that it did.
struct Branched {
    flow: Flow<Option<String>>,
    memory: Memory,
    log: Log,
}

impl Runner<'_> {
    pub(super) async fn fork(
        &self,
        parallel: &Parallel,
        name: &str,
        place: &str,
        memory: &mut Memory,
        log: &mut Log,
    ) -> Flow<Option<Value>> {
        log.event(WorkflowEvent::Forked { stage: place.to_owned(), branches: parallel.branches.len() });
        let branches = parallel
            .branches
            .iter()
            .map(|stage| self.branch(std::slice::from_ref(stage), place.to_owned(), memory.clone()));
        let answers = gather(branches.collect(), parallel.max_running, memory, log).await?;
        let mut text = Vec::with_capacity(answers.len());
        let mut by_name = serde_json::Map::new();
        for (stage, answer) in parallel.branches.iter().zip(answers) {
            let Some(answer) = answer else { continue };
            text.push(format!("### {}\n{answer}", stage.name));
            by_name.insert(stage.name.clone(), Value::from(answer));
        }
        if text.is_empty() {
            return Ok(None);
        }
        memory.answer(name, text.join("\n\n"));
        Ok(Some(Value::Object(by_name)))
    }

    pub(super) async fn map(
        &self,
        map: &MapOver,
        name: &str,
        place: &str,
        memory: &mut Memory,
        log: &mut Log,
    ) -> Flow<Option<Value>> {
        let mut list = self.list(map, place, memory)?;
        let left_out = list.len().saturating_sub(map.max_items as usize);
        list.truncate(map.max_items as usize);
        log.event(WorkflowEvent::Mapped { stage: place.to_owned(), items: list.len(), left_out });
        let answers = if map.is_in_order {
            self.in_order(map, &list, place, memory, log).await?
        } else {
            let branches = list.iter().enumerate().map(|(index, item)| {
                let mut memory = memory.clone();
                show_item(&mut memory, index, item);
                self.branch(&map.stages, format!("{place}[{}]", index + 1), memory)
            });
            gather(branches.collect(), map.max_running, memory, log).await?
        };
        let mut text = Vec::with_capacity(list.len());
        for (index, (item, answer)) in list.iter().zip(&answers).enumerate() {
            if let Some(answer) = answer {
                text.push(format!("### {}. {}\n{answer}", index + 1, excerpt(&item_text(item))));
            }
        }
        if text.is_empty() && !list.is_empty() {
            return Ok(None);
        }
        memory.answer(name, text.join("\n\n"));
        Ok(Some(answers.into_iter().flatten().map(Value::from).collect()))
    }

    async fn in_order(
        &self,
        map: &MapOver,
        list: &[Value],
        place: &str,
        memory: &mut Memory,
        log: &mut Log,
    ) -> Flow<Vec<Option<String>>> {
        let outer = memory.locals.clone();
        let mut answers = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            show_item(memory, index, item);
            answers.push(self.stages(&map.stages, &format!("{place}[{}]", index + 1), memory, log).await?);
        }
        memory.locals = outer;
        Ok(answers)
    }

    /// The items that `map` goes over.
    fn list(&self, map: &MapOver, place: &str, memory: &Memory) -> Flow<Vec<Value>> {
        let value = self.evaluate(&map.over, place, memory)?;
        if value.is_undefined() || value.is_none() {
            return Ok(Vec::new());
        }
        if let Some(text) = value.as_str() {
            return Ok(items(text));
        }
        match to_json(&value) {
            Value::Array(items) => Ok(items),
            _ => Err(StopReason::DeadEnd {
                stage: place.to_owned(),
                cause: format!("`{}` gives a {}, where a list or text is wanted", map.over, value.kind()),
            }),
        }
    }

    /// One branch: `stages` at `place`, with a memory and a log of its own.
    fn branch<'s>(
        &'s self,
        stages: &'s [WorkflowStage],
        place: String,
        mut memory: Memory,
    ) -> Running<'s, Branched> {
        Box::pin(async move {
            let mut log = Log::default();
            let flow = self.stages(stages, &place, &mut memory, &mut log).await;
            Branched { flow, memory, log }
        })
    }
}

/// Runs `branches`, `max_running` at the same time; their answers, in order.
async fn gather(
    branches: Vec<Running<'_, Branched>>,
    max_running: u32,
    memory: &mut Memory,
    log: &mut Log,
) -> Flow<Vec<Option<String>>> {
    let ended: Vec<Branched> =
        futures_util::stream::iter(branches).buffered(max_running as usize).collect().await;
    let before = memory.clone();
    let mut answers = Ok(Vec::with_capacity(ended.len()));
    for branch in ended {
        log.append(branch.log);
        memory.merge(branch.memory, &before);
        match (&mut answers, branch.flow) {
            (Ok(answers), Ok(answer)) => answers.push(answer),
            (Ok(_), Err(stop)) => answers = Err(stop),
            (Err(_), _) => {}
        }
    }
    answers
}

fn show_item(memory: &mut Memory, index: usize, item: &Value) {
    memory.locals.insert("item", item.clone());
    memory.locals.insert("index", (index + 1).into());
}
