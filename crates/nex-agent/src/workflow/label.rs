//! What an answer says: the label it names, the list it holds.

use serde_json::Value;

/// `text` for comparison: lower case, without the marks that models put around a word.
pub(crate) fn normalise(text: &str) -> String {
    let is_mark = |c: char| c.is_whitespace() || "*_`\"'#.,:;!()[]{}<>。，：；！「」“”".contains(c);
    text.trim_matches(is_mark).split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The index of the one of `labels` that `answer` names.
///
/// The whole answer, else its last line, else that line after its last colon, else the only label
/// that stands in the answer as a word. None where there is no such label, or several.
pub(crate) fn find_label(answer: &str, labels: &[&str]) -> Option<usize> {
    let wanted: Vec<String> = labels.iter().map(|label| normalise(label)).collect();
    let last = last_line(answer);
    let after_colon = last.rsplit([':', '：']).next().unwrap_or(last);
    for candidate in [answer, last, after_colon] {
        let candidate = normalise(candidate);
        if let Some(index) = wanted.iter().position(|label| *label == candidate) {
            return Some(index);
        }
    }
    let answer = answer.to_lowercase();
    let mut named = (0..wanted.len()).filter(|index| stands_in(&wanted[*index], &answer));
    match (named.next(), named.next()) {
        (Some(index), None) => Some(index),
        _ => None,
    }
}

/// The last line that holds anything.
pub(crate) fn last_line(answer: &str) -> &str {
    answer.lines().rev().find(|line| !normalise(line).is_empty()).unwrap_or_default().trim()
}

/// Whether `label` stands in `text` with no letter or digit at its sides.
fn stands_in(label: &str, text: &str) -> bool {
    if label.is_empty() {
        return false;
    }
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    text.match_indices(label).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + label.len()..].chars().next())
    })
}

/// The items that `answer` lists: a JSON list, alone, fenced or within other text, else one item a
/// line without bullets and numbers.
pub(crate) fn items(answer: &str) -> Vec<Value> {
    let text = answer.trim();
    if let Some(items) = json_list(text) {
        return items;
    }
    // A list within other text begins a line; `[1]` in a sentence is none.
    if let (Some(start), Some(end)) = (text.find("\n[").map(|at| at + 1), text.rfind(']'))
        && start < end
        && let Some(items) = json_list(&text[start..=end])
    {
        return items;
    }
    let lines = text.lines().map(|line| without_bullet(line.trim())).filter(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with("```")).map(Value::from).collect()
}

fn json_list(text: &str) -> Option<Vec<Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Array(items)) => Some(items),
        _ => None,
    }
}

/// The line without `- `, `* `, `• `, `3. ` or `3) ` before it.
fn without_bullet(line: &str) -> &str {
    for bullet in ["- ", "* ", "• "] {
        if let Some(rest) = line.strip_prefix(bullet) {
            return rest.trim_start();
        }
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    match line[digits..].strip_prefix(['.', ')']) {
        Some(rest) if digits > 0 && rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => line,
    }
}

/// An item as text: text as it is, other values as JSON.
pub(crate) fn item_text(item: &Value) -> String {
    item.as_str().map_or_else(|| item.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_are_found_in_what_models_write() {
        let labels = ["refund", "exchange", "no-refund", "Other case"];
        for (answer, expected) in [
            ("refund", Some(0)),
            ("  **Refund**. ", Some(0)),
            ("It is broken.\n\nLabel: exchange", Some(1)),
            ("I would not say refund.\nno-refund", Some(2)),
            ("OTHER  CASE", Some(3)),
            ("This calls for an exchange, I think.", Some(1)),
            ("refund or exchange?", None),
            ("no-refund it is", Some(2)),
            ("refunds", None),
            ("", None),
        ] {
            assert_eq!(find_label(answer, &labels), expected, "{answer:?}");
        }
        assert_eq!(find_label("结论：退款。", &["退款", "换货"]), Some(0));
    }

    #[test]
    fn lists_are_found_in_what_models_write() {
        for (answer, expected) in [
            (r#"["a", {"b": 1}]"#, vec![json!("a"), json!({"b": 1})]),
            ("Here you are:\n```json\n[\"a\", \"b\"]\n```", vec![json!("a"), json!("b")]),
            (
                "- a\n* b\n\n3. c\n4) d\n2.5 e",
                vec![json!("a"), json!("b"), json!("c"), json!("d"), json!("2.5 e")],
            ),
            ("as [1] says", vec![json!("as [1] says")]),
            ("a [1] and b [x]", vec![json!("a [1] and b [x]")]),
            ("[]", vec![]),
            ("  ", vec![]),
        ] {
            assert_eq!(items(answer), expected, "{answer:?}");
        }
    }
}
