//! Exact edits: the least run of whole lines that turns one text into another and occurs once.

/// Replacement of one text by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) old: String,
    pub(super) new: String,
}

/// The edits that turn `from` into `to`, one for each place where they differ. The two texts must
/// differ by changed lines only; applied in order each `old` occurs exactly once.
pub(super) fn edits(from: &str, to: &str) -> Vec<Edit> {
    let mut now: Vec<String> = lines(from);
    let goal = lines(to);
    if now.len() != goal.len() {
        return vec![Edit { old: from.to_owned(), new: to.to_owned() }];
    }
    let mut edits = Vec::new();
    let mut at = 0;
    while at < goal.len() {
        if now[at] == goal[at] {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < goal.len() && now[end] != goal[end] {
            end += 1;
        }
        let (mut first, mut last) = (at, end);
        let text = now.concat();
        let is_unique = |part: &str| text.find(part) == text.rfind(part);
        while !is_unique(&now[first..last].concat()) {
            match first.checked_sub(1) {
                Some(earlier) => first = earlier,
                None => last += 1,
            }
        }
        let new = [&now[first..at], &goal[at..end], &now[end..last]].concat().concat();
        edits.push(Edit { old: now[first..last].concat(), new });
        now[at..end].clone_from_slice(&goal[at..end]);
        at = end;
    }
    edits
}

/// Lines with their ends.
fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// How many lines differ: removed and added ones, by the longest common subsequence of lines.
pub(super) fn changed_lines(from: &str, to: &str) -> usize {
    let (mut from, mut to): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    from.drain(..same);
    to.drain(..same);
    let same = from.iter().rev().zip(to.iter().rev()).take_while(|(a, b)| a == b).count();
    from.truncate(from.len() - same);
    to.truncate(to.len() - same);
    // What is left of a honest change is short; a rewrite need not be measured exactly.
    if from.len() * to.len() > 4_000_000 {
        return from.len() + to.len();
    }
    let mut row = vec![0_usize; to.len() + 1];
    for a in &from {
        let mut diagonal = 0;
        for (column, b) in to.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = if a == b { diagonal + 1 } else { above.max(row[column]) };
            diagonal = above;
        }
    }
    from.len() + to.len() - 2 * row[to.len()]
}

/// The lines of `to` that `from` does not have, counted with how often they occur.
pub(super) fn added_lines<'a>(from: &str, to: &'a str) -> Vec<&'a str> {
    let mut had: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for line in from.lines() {
        *had.entry(line).or_default() += 1;
    }
    let is_new = |line: &&str| match had.get_mut(*line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    to.lines().filter(is_new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_unique_and_lead_to_the_goal() {
        let cases = [
            ("a\nb\nc\n", "a\nx\nc\n", 1),
            ("x\na\nx\na\n", "x\na\nx\nb\n", 1),
            ("a\na\na\n", "a\na\nb\n", 1),
            ("a\na\n", "b\na\n", 1),
            ("1\n2\n3\n4\n", "one\n2\n3\nfour\n", 2),
            ("same", "same", 0),
        ];
        for (from, to, count) in cases {
            let edits = edits(from, to);
            assert_eq!(edits.len(), count, "{from:?}");
            let mut text = from.to_owned();
            for edit in edits {
                assert_eq!(text.matches(&edit.old).count(), 1, "{from:?} {edit:?}");
                text = text.replacen(&edit.old, &edit.new, 1);
            }
            assert_eq!(text, to);
        }
    }

    #[test]
    fn changed_lines_count_both_sides() {
        for (from, to, count) in
            [("a\nb\n", "a\nb\n", 0), ("a\nb\n", "a\nc\n", 2), ("a\n", "a\nb\n", 1), ("a\nb\nc\n", "b\n", 2)]
        {
            assert_eq!(changed_lines(from, to), count, "{from:?} {to:?}");
        }
        assert_eq!(added_lines("a\nb\n", "a\na\nc\n"), ["a", "c"]);
    }
}
