//! Why things were left out, counted, each reason with the first few places.

use crate::import::Fault;
use serde::Serialize;
use std::collections::BTreeMap;

/// Reasons that are told apart; more are counted together.
const MAX_REASONS: usize = 1000;
/// Examples that are kept of each.
const MAX_EXAMPLES: usize = 3;

/// Reasons with their counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Reasons(BTreeMap<String, Reason>);

/// One reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// How often.
    pub count: u64,
    /// The first few, as `file:line: …`.
    pub examples: Vec<String>,
}

impl Reasons {
    /// Counts `count` times `reason`; `example` is asked for while there is room.
    pub fn add(&mut self, reason: &str, count: u64, example: impl FnOnce() -> String) {
        let reason =
            if self.0.len() < MAX_REASONS || self.0.contains_key(reason) { reason } else { "other reasons" };
        if !self.0.contains_key(reason) {
            self.0.insert(reason.to_owned(), Reason::default());
        }
        let entry = self.0.get_mut(reason).expect("just made");
        entry.count += count;
        if entry.examples.len() < MAX_EXAMPLES {
            entry.examples.push(example());
        }
    }

    /// Counts a record that cannot be read: by its fault, whatever numbers stand in it.
    pub fn add_fault(&mut self, fault: &Fault) {
        let mut reason = String::new();
        if !fault.key.is_empty() {
            reason = format!("`{}`: ", fault.key);
        }
        self.add(&without_numbers(&(reason + &fault.message)), 1, || fault.to_string());
    }

    /// Adds those of `other`.
    pub fn take(&mut self, other: Self) {
        for (reason, more) in other.0 {
            let mut examples = more.examples.into_iter();
            self.add(&reason, more.count, || examples.next().unwrap_or_default());
            let entry = self.0.get_mut(&reason).into_iter();
            for entry in entry {
                let room = MAX_EXAMPLES - entry.examples.len();
                entry.examples.extend(examples.by_ref().take(room));
            }
        }
    }

    /// How many in all.
    pub fn count(&self) -> u64 {
        self.0.values().map(|reason| reason.count).sum()
    }

    /// How often `reason`.
    pub fn count_of(&self, reason: &str) -> u64 {
        self.0.get(reason).map_or(0, |reason| reason.count)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reasons, the most frequent first.
    pub fn by_count(&self) -> Vec<(&str, &Reason)> {
        let mut rows: Vec<(&str, &Reason)> =
            self.0.iter().map(|(name, reason)| (name.as_str(), reason)).collect();
        rows.sort_by_key(|(name, reason)| (std::cmp::Reverse(reason.count), *name));
        rows
    }
}

/// Each run of digits as `…`, so that the same fault in another place is the same reason.
fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut is_in_number = false;
    for c in text.chars() {
        if c.is_ascii_digit() {
            if !is_in_number {
                plain.push('…');
            }
            is_in_number = true;
        } else {
            is_in_number = false;
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_by_kind_with_the_first_places() {
        let fault = |line: u64| Fault {
            file: "f".to_owned(),
            line,
            key: format!("messages[{line}].role"),
            message: "is missing".to_owned(),
        };
        let (mut first, mut second) = (Reasons::default(), Reasons::default());
        (1..=2).for_each(|line| first.add_fault(&fault(line)));
        (3..=9).for_each(|line| second.add_fault(&fault(line)));
        first.take(second);
        let [(reason, found)] = first.by_count()[..] else { panic!("{first:?}") };
        assert_eq!((reason, found.count), ("`messages[…].role`: is missing", 9));
        let places: Vec<&str> = found.examples.iter().map(|e| e.split(": ").next().unwrap()).collect();
        assert_eq!(places, ["f:1", "f:2", "f:3"]);
    }

    #[test]
    fn ever_new_reasons_do_not_grow_without_bound() {
        let mut reasons = Reasons::default();
        for n in 0..5000u32 {
            let word: String = n.to_string().bytes().map(|digit| (digit - b'0' + b'a') as char).collect();
            reasons.add(&word, 1, || word.clone());
        }
        assert_eq!((reasons.count(), reasons.by_count().len()), (5000, MAX_REASONS + 1));
    }
}
