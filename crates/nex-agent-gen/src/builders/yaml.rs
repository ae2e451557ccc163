//! Reading what a model wrote as YAML, within a budget.

use serde::de::DeserializeOwned;

/// `text` as a `T`. Alias bombs, deep nesting, several documents and double keys are refused before they
/// cost anything.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let is_mark = |line: &&str| matches!(line.trim_end(), "---" | "...") || line.starts_with("--- ");
    let mut content =
        text.lines().skip_while(|line| line.trim().is_empty() || line.starts_with('#') || is_mark(line));
    if content.any(|line| is_mark(&line)) {
        return Err("it holds a mark of a further document, `---` or `...`; send one document".to_owned());
    }
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: 40,
            max_nodes: 20_000,
            max_events: 80_000,
            max_aliases: 100,
            max_anchors: 100,
            max_merge_keys: 100,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 5_000,
            max_replay_stack_depth: 8,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().filter(|at| at.line() > 0);
        let said = error.without_snippet().to_string();
        let said = said.rfind(" at line ").map_or(said.as_str(), |at| &said[..at]);
        match place {
            Some(at) => format!("line {}, column {}: {said}", at.line(), at.column()),
            None => said.to_owned(),
        }
    })
}

/// Lines of `text` without the indentation that all have in common with the first.
pub(super) fn dedent(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let indent = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    let mut out = String::with_capacity(text.len());
    for line in lines {
        out.push_str(line.get(indent..).unwrap_or_default().trim_end());
        out.push('\n');
    }
    out
}

/// `text` with `spaces` before each line that is not empty.
pub(super) fn indent(text: &str, spaces: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if !line.is_empty() {
            out.push_str(&" ".repeat(spaces));
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// Whether no line of `text` begins with a key, as `kind: get`, `- id: x` or `{kind: get}` do.
pub(super) fn is_prose(text: &str) -> bool {
    !text.lines().any(|line| {
        let line = line.trim_start().trim_start_matches(['-', '{', '[', ' ']);
        line.split_once(':').is_some_and(|(key, _)| {
            !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-\"'".contains(&byte))
        })
    })
}

/// The YAML in a model's answer: without the fence that many put around it.
pub(super) fn unfenced(text: &str) -> &str {
    let trimmed = text.trim_matches(|c: char| c == '\n' || c == '\r' || c == ' ');
    let Some(rest) = trimmed.strip_prefix("```") else { return text };
    let Some((_, body)) = rest.split_once('\n') else { return text };
    body.trim_end().strip_suffix("```").unwrap_or(text)
}
