//! What can be wrong in a reply's calls before any of them runs: ids and repetition.

use nex_trajectory::{CallId, ContentBlock, Defect, DefectKind, Message, ToolCall};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Gives every call of `message` an id of its own. `node` is the message's number in the record,
/// so that new ids are unique in the run and the same in every run.
pub(crate) fn repair_call_ids(message: &mut Message, node: usize, defects: &mut Vec<Defect>) {
    let calls = message.content.iter_mut().filter_map(|block| match block {
        ContentBlock::ToolCall(call) => Some(call),
        _ => None,
    });
    let mut seen: HashSet<String> = HashSet::new();
    for (index, call) in calls.enumerate() {
        if !call.id.as_str().is_empty() && (index == 0 || !seen.contains(call.id.as_str())) {
            seen.insert(call.id.0.clone());
            continue;
        }
        let old = std::mem::replace(&mut call.id, CallId::new(format!("call_{node}_{index}")));
        while !seen.insert(call.id.0.clone()) {
            call.id.0.push('x');
        }
        if !old.as_str().is_empty() {
            let message = format!("two calls share the id `{old}`; the later one became `{}`", call.id);
            defects.push(Defect::new(DefectKind::DuplicateCallId, message).of_call(call.id.clone()));
        }
    }
}

/// Watches for a model that makes the same calls again and again.
#[derive(Default)]
pub(crate) struct Repetition {
    last: Option<u64>,
    streak: u32,
    last_had_errors: bool,
}

/// What [`Repetition::look_at`] found in one reply.
pub(crate) struct Finding {
    pub(crate) defects: Vec<Defect>,
    /// The limit is reached: the calls are not to be run again.
    pub(crate) is_loop: bool,
}

impl Repetition {
    /// Looks at the calls of the next reply.
    pub(crate) fn look_at(&mut self, message: &Message, max_repeats: u32) -> Finding {
        let mut defects = Vec::new();
        let mut hasher = DefaultHasher::new();
        for call in message.calls() {
            (&call.name, call.arguments.as_text()).hash(&mut hasher);
        }
        let signature = hasher.finish();
        if self.last == Some(signature) {
            self.streak += 1;
        } else {
            self.streak = 1;
        }
        self.last = Some(signature);
        // To try again after an error is reasonable; to ask again what was answered is not.
        let is_loop = self.streak >= max_repeats && self.streak > 1;
        if is_loop || (self.streak > 1 && !self.last_had_errors) {
            let text =
                format!("the same calls as in the turn before, for the {}th time in a row", self.streak);
            defects.push(Defect::new(DefectKind::RepeatedCall, text));
        }
        repeated_within(message, &mut defects);
        Finding { defects, is_loop }
    }

    /// Notes whether any call of the last reply gave an error.
    pub(crate) fn note_errors(&mut self, had_errors: bool) {
        self.last_had_errors = had_errors;
    }

    /// How often in a row the last calls were made.
    pub(crate) fn streak(&self) -> u32 {
        self.streak
    }
}

/// One defect for each call that stands more than once in `message`.
fn repeated_within(message: &Message, defects: &mut Vec<Defect>) {
    let mut calls = message.calls();
    let (Some(_), Some(_)) = (calls.next(), calls.next()) else { return };
    let mut counts: indexmap::IndexMap<(&str, &str), (usize, &ToolCall)> = indexmap::IndexMap::new();
    for call in message.calls() {
        let entry = counts.entry((&call.name, call.arguments.as_text())).or_insert((0, call));
        *entry = (entry.0 + 1, call);
    }
    for (count, call) in counts.into_values().filter(|(count, _)| *count > 1) {
        let text = format!("the same call of `{}` {count} times in one reply", call.name);
        defects.push(Defect::new(DefectKind::RepeatedCall, text).of_call(call.id.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nex_trajectory::{Arguments, Role};

    fn message(calls: &[(&str, &str, &str)]) -> Message {
        let block = |(id, name, arguments): &(&str, &str, &str)| {
            let (id, name) = (CallId::from(*id), (*name).to_owned());
            ContentBlock::ToolCall(ToolCall { id, name, arguments: Arguments::from_text(*arguments) })
        };
        Message { role: Role::Assistant, content: calls.iter().map(block).collect() }
    }

    #[test]
    fn every_call_gets_an_id_of_its_own() {
        let mut message = message(&[("a", "x", ""), ("a", "x", ""), ("", "y", ""), ("call_7_2", "z", "")]);
        let mut defects = Vec::new();
        repair_call_ids(&mut message, 7, &mut defects);
        let ids: Vec<&str> = message.calls().map(|call| call.id.as_str()).collect();
        assert_eq!(ids, ["a", "call_7_1", "call_7_2", "call_7_3"]);
        assert_eq!(defects.len(), 2, "the empty id is no defect: {defects:?}");
    }

    #[test]
    fn a_retry_after_an_error_is_no_defect_until_the_limit() {
        let mut repetition = Repetition::default();
        let reply = message(&[("1", "get", "{}")]);
        let mut seen = Vec::new();
        for _ in 0..4 {
            let finding = repetition.look_at(&reply, 4);
            seen.push((finding.defects.len(), finding.is_loop));
            repetition.note_errors(true);
        }
        assert_eq!(seen, [(0, false), (0, false), (0, false), (1, true)]);
        repetition.note_errors(false);
        let other = message(&[("1", "get", "{\"a\":1}")]);
        assert!(!repetition.look_at(&other, 4).is_loop, "other arguments start anew");
        assert_eq!(repetition.look_at(&other, 4).defects.len(), 1, "asked again what was answered");
    }
}
