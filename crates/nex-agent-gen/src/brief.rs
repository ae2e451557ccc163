//! [`Brief`]: what a sentence asks for, as far as it can be told without a model.
//!
//! In: any text. Out: hints, each of which may be absent. It never fails: an empty, foreign or
//! hostile sentence gives no hints, and what contradicts itself is settled and told.

use crate::framework::WorkflowPattern;
use serde::{Deserialize, Serialize};

/// Characters of a sentence that are read; what comes behind is told as left out.
const MAX_CHARACTERS: usize = 4_000;

/// What a sentence asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The sentence, without control characters, cut where it is endless.
    pub sentence: String,
    /// The pattern that its words name.
    pub pattern: Option<WorkflowPattern>,
    /// The number of agents that it gives.
    pub agents: Option<usize>,
    /// What was cut, or settled where the sentence contradicts itself.
    pub notes: Vec<String>,
}

impl Brief {
    /// What `sentence` asks for.
    pub fn of(sentence: &str) -> Self {
        let mut notes = Vec::new();
        let clean: String = sentence.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut sentence: String = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((at, _)) = sentence.char_indices().nth(MAX_CHARACTERS) {
            sentence.truncate(at);
            notes.push(format!("only the first {MAX_CHARACTERS} characters were read"));
        }
        let words = sentence.to_lowercase();
        let mut asked: Vec<(WorkflowPattern, &str)> = WorkflowPattern::ALL
            .into_iter()
            .filter_map(|pattern| Some((pattern, longest_cue(pattern, &words)?)))
            .collect();
        // The more specific words win; `team` is in `teams of two layers` too.
        asked.sort_by_key(|(_, cue)| std::cmp::Reverse(cue.len()));
        let agents = agent_count(&words);
        let mut pattern = asked.first().map(|(pattern, _)| *pattern);
        let others = asked.iter().skip(1).filter(|(_, cue)| !asked[0].1.contains(cue));
        for (other, cue) in others {
            let taken = asked[0].0;
            notes.push(format!(
                "`{}` asks for {taken}, `{cue}` for {other}: the former was taken",
                asked[0].1
            ));
        }
        if let (Some(asked_for), Some(count)) = (pattern, agents)
            && !asked_for.agent_counts().contains(&count)
        {
            notes.push(format!("{count} agents do not make a {asked_for}: the number was taken"));
            pattern = None;
        }
        Self { sentence, pattern, agents, notes }
    }
}

fn longest_cue(pattern: WorkflowPattern, words: &str) -> Option<&'static str> {
    pattern.cues().iter().copied().filter(|cue| has_word(words, cue)).max_by_key(|cue| cue.len())
}

/// Whether `cue` stands in `words`, not as a part of a longer word.
pub(crate) fn has_word(words: &str, cue: &str) -> bool {
    words.match_indices(cue).any(|(at, _)| {
        let before = words[..at].chars().next_back();
        let after = words[at + cue.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// The number in `nine agents`, `4 careful specialists`.
fn agent_count(words: &str) -> Option<usize> {
    const NUMBERS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    const AGENTS: [&str; 6] = ["agent", "agents", "specialists", "workers", "members", "people"];
    let tokens: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).filter(|t| !t.is_empty()).collect();
    let number = |token: &str| {
        let spelled = NUMBERS.iter().position(|number| *number == token).map(|at| at + 1);
        spelled.or_else(|| token.parse().ok())
    };
    tokens.iter().enumerate().find_map(|(at, token)| {
        let count = number(token)?;
        let follows = tokens[at + 1..].iter().take(2).any(|next| AGENTS.contains(next));
        (follows && count >= 1).then_some(count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_name_patterns_and_numbers() {
        let mut table = String::new();
        for sentence in [
            "a code reviewer system with two layers",
            "a hospital ward with discharge rules, two teams and an auditor",
            "nine agents in a pipeline for film permits",
            "a single agent that works as a pipeline",
            "a hub of 40 agents",
            "steamship tickets",
            "",
            "医院的出院流程",
            "7 careful specialists\u{0}\u{1b}[31m under a team lead",
        ] {
            let Brief { pattern, agents, notes, .. } = Brief::of(sentence);
            let pattern = pattern.map_or("-", WorkflowPattern::as_str);
            table += &format!("{sentence:?}: {pattern}, {agents:?} {notes:?}\n");
        }
        expect_test::expect![[r#"
            "a code reviewer system with two layers": two_layers, None []
            "a hospital ward with discharge rules, two teams and an auditor": three_layers, None []
            "nine agents in a pipeline for film permits": sequential, Some(9) []
            "a single agent that works as a pipeline": single_agent, None ["`single agent` asks for single_agent, `pipeline` for sequential: the former was taken"]
            "a hub of 40 agents": -, Some(40) ["40 agents do not make a hub_and_spoke: the number was taken"]
            "steamship tickets": -, None []
            "": -, None []
            "医院的出院流程": -, None []
            "7 careful specialists\0\u{1b}[31m under a team lead": two_layers, Some(7) []
        "#]].assert_eq(&table);
    }

    proptest! {
        #[test]
        fn no_sentence_makes_it_panic(sentence in "\\PC{0,200}|(a|team| |,|9|\u{1b}|é){0,40}") {
            let brief = Brief::of(&sentence);
            prop_assert!(!brief.sentence.chars().any(char::is_control));
        }
    }
}
