//! The oracle plan of a code task: look, read, put right, run the tests.

use super::edit::Edit;
use indexmap::IndexMap;
use nex_world::Language;
use nex_world::task::{AnswerPlan, OraclePlan, PlanStep, ValueSource};

/// A known repair.
pub(super) struct Repair<'a> {
    pub(super) language: Language,
    pub(super) path: &'a str,
    /// The function in which the (first) bug lies; empty if none is known.
    pub(super) search_word: &'a str,
    pub(super) edits: &'a [Edit],
    /// A public test is known to fail.
    pub(super) runs_tests_first: bool,
}

pub(super) fn plan(repair: &Repair<'_>) -> OraclePlan {
    let say = |english: String, chinese: String| match repair.language {
        Language::En => english,
        Language::Zh => chinese,
    };
    let path = repair.path;
    let mut steps: Vec<PlanStep> = Vec::new();
    let mut add = |operation: &str, arguments: &[(&str, &str)], is_write: bool, reason: String| {
        let arguments: IndexMap<String, ValueSource> = arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), ValueSource::literal(*value)))
            .collect();
        // One after another, as a person works.
        let depends_on = steps.len().checked_sub(1).into_iter().collect();
        let operation = operation.to_owned();
        steps.push(PlanStep {
            operation,
            arguments,
            reason,
            depends_on,
            is_write,
            paging: None,
            fails_with: None,
        });
    };
    let reason = say("First I look at what is in the repository.".into(), "先看看仓库里有什么。".into());
    add("list_files", &[], false, reason);
    let word = repair.search_word.rsplit('.').next().unwrap_or_default();
    if !word.is_empty() {
        let reason = say(format!("Where does `{word}` occur?"), format!("`{word}` 出现在哪里？"));
        add("search", &[("pattern", word)], false, reason);
    }
    let reason =
        say(format!("I read `{path}`, which the report points to."), format!("阅读报告所指的 `{path}`。"));
    add("read_file", &[("path", path)], false, reason);
    if repair.runs_tests_first {
        let reason = say("I run the tests to see the failure.".into(), "运行测试，确认失败。".into());
        add("run_tests", &[], false, reason);
    }
    for edit in repair.edits {
        let (old, new) = (first_difference(&edit.old, &edit.new), first_difference(&edit.new, &edit.old));
        let reason = say(
            format!("`{old}` explains what is reported; it has to be `{new}`."),
            format!("`{old}` 正是所报告现象的原因，应改为 `{new}`。"),
        );
        let arguments =
            [("path", path), ("old_string", edit.old.as_str()), ("new_string", edit.new.as_str())];
        add("edit_file", &arguments, true, reason);
    }
    let reason = say("I run the tests to check the change.".into(), "运行测试，检验改动。".into());
    add("run_tests", &[], false, reason);
    let lines: Vec<String> = repair
        .edits
        .iter()
        .map(|edit| {
            format!(
                "`{}` → `{}`",
                first_difference(&edit.old, &edit.new),
                first_difference(&edit.new, &edit.old)
            )
        })
        .collect();
    let joined = lines.join(say("; ".into(), "；".into()).as_str()).replace('{', "(").replace('}', ")");
    let template = say(
        format!("Fixed in {path}: {joined}. The public tests pass."),
        format!("已在 {path} 中修复：{joined}。公开测试全部通过。"),
    );
    OraclePlan { steps, answer: AnswerPlan { template, ..AnswerPlan::default() } }
}

/// The first line of `text` that `other` does not have at its place, trimmed.
fn first_difference(text: &str, other: &str) -> String {
    let mut others = other.lines();
    let line = text.lines().find(|line| others.next() != Some(line));
    line.or(text.lines().next()).unwrap_or_default().trim().to_owned()
}
