//! Running a task's plan, to prove the task.

use super::desk::{Desk, FileCall, FileReply};
use super::tree::FileTree;
use crate::task::{OraclePlan, TRANSIENT_CODES, Task, render_answer, resolve_arguments};
use serde_json::Value;

/// How often a call is made again after a fault that may pass.
const MAX_RETRIES: u32 = 12;
/// Pages that one list may have.
const MAX_PAGES: u32 = 200;

/// The order in which the plan's steps are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they stand.
    Plan,
    /// Whatever can be read, before anything is written.
    ReadsFirst,
    /// Whatever can be written, before anything else is read.
    WritesFirst,
}

/// What the plan's run left.
pub(crate) struct FilesRun {
    pub(crate) after: FileTree,
    pub(crate) log: Vec<FileCall>,
    pub(crate) answer: String,
}

/// Runs the plan of `task` on `before`, in memory.
pub(crate) fn run_plan(task: &Task, before: &FileTree, order: Order) -> Result<FilesRun, &'static str> {
    let mut desk = Desk::new(before.clone(), task.faults.clone(), task.record.seed);
    let answer = follow(&task.plan, order, &mut |operation, arguments| desk.call(operation, arguments))?;
    Ok(FilesRun { after: desk.store().clone(), log: desk.log().to_vec(), answer })
}

/// Makes the calls of `plan` and gives its answer.
pub(crate) fn follow(plan: &OraclePlan, order: Order, call: &mut Call<'_>) -> Result<String, &'static str> {
    let mut replies: Vec<Option<Value>> = vec![None; plan.steps.len()];
    let mut is_done = vec![false; plan.steps.len()];
    while let Some(step) = next(plan, &is_done, order) {
        replies[step] = Some(perform(plan, step, &replies, call)?);
        is_done[step] = true;
    }
    if is_done.contains(&false) {
        return Err("a step of the plan waits for one behind it");
    }
    render_answer(&plan.answer, &replies).map_err(|_| "the answer cannot be rendered")
}

type Call<'a> = dyn FnMut(&str, &Value) -> FileReply + 'a;

fn next(plan: &OraclePlan, is_done: &[bool], order: Order) -> Option<usize> {
    let mut ready = (0..plan.steps.len())
        .filter(|step| !is_done[*step] && plan.steps[*step].depends_on.iter().all(|need| is_done[*need]));
    match order {
        Order::Plan => ready.next(),
        Order::ReadsFirst => ready.min_by_key(|step| plan.steps[*step].is_write),
        Order::WritesFirst => ready.min_by_key(|step| !plan.steps[*step].is_write),
    }
}

/// Makes one step's call, with all its pages.
fn perform(
    plan: &OraclePlan,
    step: usize,
    replies: &[Option<Value>],
    call: &mut Call<'_>,
) -> Result<Value, &'static str> {
    let step = &plan.steps[step];
    let mut arguments = resolve_arguments(step, replies).map_err(|_| "an argument cannot be looked up")?;
    let mut whole: Option<Value> = None;
    for _ in 0..MAX_PAGES {
        let page = answered(&step.operation, &arguments, call)?;
        let cursor = step.paging.as_ref().and_then(|paging| paging.next_cursor(&page)).cloned();
        let whole = match (&step.paging, &mut whole) {
            (Some(paging), Some(whole)) => {
                paging.append(whole, page);
                whole
            }
            _ => whole.insert(page),
        };
        match (&step.paging, cursor) {
            (Some(paging), Some(cursor)) => arguments[paging.argument.as_str()] = cursor,
            _ => return Ok(whole.take()),
        }
    }
    Err("a list has too many pages")
}

/// The reply of one call, made again while a fault may pass.
fn answered(operation: &str, arguments: &Value, call: &mut Call<'_>) -> Result<Value, &'static str> {
    for _ in 0..=MAX_RETRIES {
        let reply = call(operation, arguments);
        if !reply.is_error {
            return Ok(reply.value);
        }
        let code = reply.value.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
        if !TRANSIENT_CODES.contains(&code) {
            return Err("a call of the plan is refused");
        }
    }
    Err("a fault of a call does not pass")
}
