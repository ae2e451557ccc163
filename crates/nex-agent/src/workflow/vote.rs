//! Votes: several voters answer the same question, in one round or in several of debate, and one
//! label wins.
//!
//! In each round no voter sees what the others say in it. The ballots are counted in declared
//! order, so the winner does not depend on who was faster.

use super::label::{find_label, last_line, normalise};
use super::memory::Memory;
use super::record::{Log, WorkflowEvent};
use super::run::{Flow, Runner, Running, blame, excerpt};
use super::spec::{Vote, judge_place, voter_place};
use futures_util::StreamExt as _;
use nex_trajectory::StopReason;
use serde_json::{Value, json};

/// What a voter is told if it has no instruction of its own.
const VOTER_INSTRUCTION: &str = "{{ task }}{% if previous %}\n\nThe stage before you reported:\n{{ previous }}{% endif %}{% if others %}\n\n\nYou answered:\n{{ own }}\n\nThe others answered:\n{% for other in others %}\n### {{ other.voter }}\n{{ other.answer }}\n\n{% endfor %}Think again, then give your answer.{% endif %}\n\n\nEnd with a line that holds only {% if labels %}one of these: {{ labels | join(', ') }}{% else %}your answer{% endif %}";

/// What a judge is told if it has no instruction of its own.
const JUDGE_INSTRUCTION: &str = "{{ task }}{% if previous %}\n\nThe stage before you reported:\n{{ previous }}{% endif %}\n\n\nThese answers were given:\n{% for ballot in ballots %}\n### {{ ballot.voter }}\n{{ ballot.answer }}\n\n{% endfor %}Decide between them. End with a line that holds only {% if labels %}one of these: {{ labels | join(', ') }}{% else %}the answer{% endif %}";

/// The last answer of a voter; none where it gave none in the last round.
struct Ballot {
    answer: Option<String>,
    label: Option<String>,
}

impl Runner<'_> {
    /// The answer that wins.
    pub(super) async fn vote(
        &self,
        vote: &Vote,
        name: &str,
        place: &str,
        memory: &Memory,
        log: &mut Log,
    ) -> Flow<String> {
        let labels: Vec<&str> = vote.labels.iter().map(String::as_str).collect();
        let mut said: Vec<Option<String>> = vec![None; vote.voters.len()];
        let mut logs = Vec::new();
        for round in 1..=vote.rounds {
            let ended = self.round(vote, round, name, place, &said, memory).await;
            logs = Vec::with_capacity(ended.len());
            let mut first_stop = None;
            for (at, (flow, own_log)) in ended.into_iter().enumerate() {
                let is_last = round == vote.rounds;
                if is_last {
                    logs.push(own_log)
                } else {
                    log.append(own_log)
                }
                match flow {
                    Ok(answer) => said[at] = Some(answer),
                    Err(stop) => {
                        said[at] = None;
                        // What broke weighs more than what a model failed at.
                        if first_stop
                            .as_ref()
                            .is_none_or(|first: &StopReason| stop.is_infra() && !first.is_infra())
                        {
                            first_stop = Some(stop);
                        }
                    }
                }
            }
            if let Some(stop) = first_stop
                && (stop.is_infra() || said.iter().all(Option::is_none))
            {
                logs.into_iter().for_each(|own_log| log.append(own_log));
                return Err(stop);
            }
        }
        let ballots = count(said, logs, &labels, log);
        let (winner, by) = self.decide(vote, name, place, &ballots, memory, log).await?;
        let ballots = vote.voters.iter().zip(ballots);
        log.event(WorkflowEvent::Voted {
            stage: place.to_owned(),
            ballots: ballots.map(|(voter, ballot)| (voter.name.clone(), ballot.label)).collect(),
            winner: winner.clone(),
            by: by.to_owned(),
        });
        Ok(winner)
    }

    /// One round: what each voter says, and its run.
    async fn round(
        &self,
        vote: &Vote,
        round: u32,
        name: &str,
        place: &str,
        said: &[Option<String>],
        memory: &Memory,
    ) -> Vec<(Flow<String>, Log)> {
        let voters: Vec<Running<'_, (Flow<String>, Log)>> = vote
            .voters
            .iter()
            .enumerate()
            .map(|(at, voter)| {
                let mut told = memory.clone();
                let others = vote.voters.iter().zip(said).enumerate().filter(|(other, _)| *other != at);
                let others: Vec<Value> = others
                    .filter_map(|(_, (voter, answer))| {
                        Some(json!({"voter": voter.name, "answer": answer.as_ref()?}))
                    })
                    .collect();
                told.locals.insert("round", round.into());
                told.locals.insert("labels", vote.labels.clone().into());
                told.locals.insert("others", others.into());
                told.locals.insert("own", said[at].clone().into());
                let running: Running<'_, (Flow<String>, Log)> = Box::pin(async move {
                    let mut log = Log::default();
                    let key = voter_place(name, &voter.name);
                    let place = format!("{place}[{round}]/{}", voter.name);
                    let said = self
                        .assignment(&voter.assignment, &key, &place, VOTER_INSTRUCTION, &told, &mut log)
                        .await;
                    (said, log)
                });
                running
            })
            .collect();
        futures_util::stream::iter(voters).buffered(vote.max_running as usize).collect().await
    }

    /// The winner and by what it won.
    async fn decide(
        &self,
        vote: &Vote,
        name: &str,
        place: &str,
        ballots: &[Ballot],
        memory: &Memory,
        log: &mut Log,
    ) -> Flow<(String, &'static str)> {
        let leaders = leaders(ballots, &vote.labels);
        let Some(first) = leaders.first() else {
            let cause = "no answer could be counted".to_owned();
            return Err(StopReason::DeadEnd { stage: place.to_owned(), cause });
        };
        // Without labels the winner's own words are the answer, not their normal form.
        let in_words = |label: &str| {
            let of_label = ballots.iter().find(|ballot| ballot.label.as_deref() == Some(label));
            let is_free = vote.labels.is_empty();
            of_label
                .and_then(|ballot| ballot.answer.clone())
                .filter(|_| is_free)
                .unwrap_or_else(|| label.to_owned())
        };
        let is_tie = leaders.len() > 1;
        let Some(judge) = vote.judge.as_ref().filter(|_| vote.is_judged || is_tie) else {
            return Ok((in_words(first), if is_tie { "tie_order" } else { "majority" }));
        };
        let choice: Vec<&str> = match (vote.labels.is_empty(), vote.is_judged) {
            (true, _) => Vec::new(),
            (false, true) => vote.labels.iter().map(String::as_str).collect(),
            (false, false) => leaders.iter().map(String::as_str).collect(),
        };
        let seen: Vec<Value> = vote
            .voters
            .iter()
            .zip(ballots)
            .filter_map(|(voter, ballot)| {
                Some(json!({"voter": voter.name, "answer": ballot.answer.as_ref()?}))
            })
            .collect();
        let mut told = memory.clone();
        told.locals.insert("labels", choice.clone().into());
        told.locals.insert("ballots", seen.into());
        let key = judge_place(name);
        let said = self.assignment(judge, &key, &judge_place(place), JUDGE_INSTRUCTION, &told, log).await?;
        if choice.is_empty() {
            return Ok((said, "judge"));
        }
        match find_label(&said, &choice) {
            Some(index) => Ok((choice[index].to_owned(), "judge")),
            None => {
                blame(log, &format!("`{}` names none of: {}", excerpt(&said), choice.join(", ")));
                Ok((in_words(first), if is_tie { "tie_order" } else { "majority" }))
            }
        }
    }
}

/// The ballots of the last round; answers that name no label are a defect of their runs.
fn count(said: Vec<Option<String>>, logs: Vec<Log>, labels: &[&str], log: &mut Log) -> Vec<Ballot> {
    let mut ballots = Vec::with_capacity(said.len());
    for (answer, mut own_log) in said.into_iter().zip(logs) {
        let label = answer.as_deref().and_then(|answer| {
            if labels.is_empty() {
                return Some(normalise(last_line(answer))).filter(|label| !label.is_empty());
            }
            let found = find_label(answer, labels).map(|index| labels[index].to_owned());
            if found.is_none() {
                blame(&mut own_log, &format!("`{}` names none of: {}", excerpt(answer), labels.join(", ")));
            }
            found
        });
        log.append(own_log);
        ballots.push(Ballot { answer, label });
    }
    ballots
}

/// The labels with the most ballots, in the order in which they are declared, else given.
fn leaders(ballots: &[Ballot], labels: &[String]) -> Vec<String> {
    let mut counts: indexmap::IndexMap<&str, usize> =
        labels.iter().map(|label| (label.as_str(), 0)).collect();
    for label in ballots.iter().filter_map(|ballot| ballot.label.as_deref()) {
        *counts.entry(label).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or_default();
    let leading = counts.into_iter().filter(|(_, count)| most > 0 && *count == most);
    leading.map(|(label, _)| label.to_owned()).collect()
}
