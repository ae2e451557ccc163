//! Laws of generated tasks, over every built-in world: the oracle is accepted, everyone else is not.

use crate::task::resolve::plain_text;
use crate::task::{
    Check, Dials, Difficulty, FactKind, Task, TaskError, generate_task, is_success, run_oracle, verify,
};
use crate::text::Language;
use crate::world::World;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const LANGUAGES: [Language; 2] = [Language::En, Language::Zh];

fn builtin_worlds() -> Vec<Arc<World>> {
    crate::builtin_worlds().iter().map(|world| world.load().expect("built-in worlds are sound")).collect()
}

/// Tasks of all worlds, languages and presets, some seeds each.
fn for_each_task(seeds: std::ops::Range<u64>, mut visit: impl FnMut(&Arc<World>, &Task)) {
    let mut made = 0;
    for world in &builtin_worlds() {
        for language in LANGUAGES {
            for difficulty in [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard] {
                for seed in seeds.clone() {
                    match generate_task(world, seed, &Dials::preset(difficulty), language) {
                        Ok(task) => {
                            made += 1;
                            visit(world, &task);
                        }
                        Err(cause) => panic!("{cause}"),
                    }
                }
            }
        }
    }
    assert!(made > 0);
}

#[test]
fn the_oracle_is_accepted_and_the_idle_are_not() {
    for_each_task(0..3, |world, task| {
        let run = run_oracle(world, task).expect("the plan works");
        let reward = verify(world, task, &run.export, Some(&run.answer));
        assert!(is_success(&reward), "{}: {reward:?}", task.record.id);
        let idle = task.session(world).expect("a session").export();
        for answer in [None, Some(""), Some("Done. Everything was done as asked.")] {
            let reward = verify(world, task, &idle, answer);
            assert_eq!(reward.total, 0.0, "{answer:?} {}: {reward:?}", task.record.id);
        }
        // Declining blindly is no solution where declining is right.
        let blind = verify(world, task, &idle, Some("I cannot do that, the rules do not allow it."));
        assert!(!is_success(&blind), "{}: {blind:?}", task.record.id);
        assert_eq!(verify(world, task, &idle, None).total, 0.0);
    });
}

#[test]
fn actions_without_the_answer_and_answers_without_the_actions_are_not_enough() {
    for_each_task(3..5, |world, task| {
        let run = run_oracle(world, task).expect("the plan works");
        let idle = task.session(world).expect("a session").export();
        let has_facts = task.checks.iter().any(|check| matches!(check, Check::Says(_)));
        let has_goals =
            task.checks.iter().any(|check| !matches!(check, Check::Says(_) | Check::NotCalled { .. }));
        if has_facts {
            assert!(!is_success(&verify(world, task, &run.export, None)), "{}", task.record.id);
        }
        if has_goals {
            let claim = verify(world, task, &idle, Some(&run.answer));
            assert!(!is_success(&claim), "{}", task.record.id);
            assert_eq!(claim.parts[0].score, 0.0, "{}", task.record.id);
        }
    });
}

#[test]
fn changes_that_nobody_asked_for_cost() {
    let mut tried = 0;
    for_each_task(5..7, |world, task| {
        let run = run_oracle(world, task).expect("the plan works");
        let mut spoiled = run.export.clone();
        // A record of the last entity with rows goes missing that no check is about.
        let Some(records) = spoiled.state.0.values_mut().rev().find(|records| records.len() > 2) else {
            return;
        };
        let about = serde_json::to_string(&task.checks).expect("checks are JSON");
        let Some(id) = records.keys().find(|id| !about.contains(id.as_str())).cloned() else { return };
        records.shift_remove(&id);
        let reward = verify(world, task, &spoiled, Some(&run.answer));
        tried += 1;
        assert!(!is_success(&reward) && reward.parts[3].score < 1.0, "{}: {reward:?}", task.record.id);
    });
    assert!(tried > 0);
}

#[test]
fn the_wrong_target_is_not_accepted() {
    let mut tried = 0;
    for_each_task(7..9, |world, task| {
        let mut wrong = task.clone();
        for check in &mut wrong.checks {
            match check {
                Check::Field { entity, id, .. } | Check::Deleted { entity, id } => {
                    let start = world
                        .initial_state(task.state.seed, task.record.language.parse().expect("a language"))
                        .expect("a state");
                    let schema = world.schema();
                    let def = schema.entity_named(entity).expect("an entity");
                    let other =
                        start.records(def.id).map(|record| schema.id_text(record)).find(|other| other != id);
                    let Some(other) = other else { continue };
                    *id = other;
                    tried += 1;
                }
                Check::Called { arguments, .. } if !arguments.is_empty() => {
                    arguments[0] = json!("XXX-1");
                    tried += 1;
                }
                Check::Created { fields, .. } if !fields.is_empty() => {
                    let last = fields.len() - 1;
                    fields[last] = json!("another");
                    fields[0] = json!("another");
                    tried += 1;
                }
                _ => continue,
            }
            break;
        }
        if wrong == *task {
            return;
        }
        let run = run_oracle(world, task).expect("the plan works");
        let reward = verify(world, &wrong, &run.export, Some(&run.answer));
        assert!(!is_success(&reward), "{}: {reward:?}", task.record.id);
    });
    assert!(tried > 0);
}

/// Words alone earn nothing: neither a refusal nor a claim that all is done.
#[test]
fn whoever_made_no_call_earns_nothing_by_words() {
    for_each_task(13..16, |world, task| {
        let session = task.session(world).expect("a session");
        for words in [
            "I cannot do that, the rules forbid it.",
            "I have nothing to say.",
            "Done, all of it.",
            "规定不允许，无法办理。",
        ] {
            let reward = verify(world, task, &session.export(), Some(words));
            assert_eq!(reward.total, 0.0, "{} for `{words}`: {reward:?}", task.record.id);
        }
    });
}

#[test]
fn an_answer_that_lists_everything_says_nothing() {
    for_each_task(9..11, |world, task| {
        let facts: Vec<_> = task.checks.iter().filter(|check| matches!(check, Check::Says(_))).collect();
        if facts.is_empty() {
            return;
        }
        let run = run_oracle(world, task).expect("the plan works");
        let mut dump = run.answer.clone();
        for number in 0..400 {
            dump.push_str(&format!(" {number} {number}.50"));
        }
        for day in 1..=28 {
            dump.push_str(&format!(" 2026-03-{day:02} 2026-02-{day:02}"));
        }
        for check in &facts {
            if let Check::Says(fact) = check {
                for decoy in &fact.decoys {
                    dump.push_str(&format!(" {decoy}"));
                }
            }
        }
        let is_measured = facts.iter().any(|check| match check {
            Check::Says(fact) => fact.kind != FactKind::Refusal,
            _ => false,
        });
        if is_measured {
            let reward = verify(world, task, &run.export, Some(&dump));
            assert!(!is_success(&reward), "{}: {reward:?}", task.record.id);
        }
    });
}

/// Calls offered tools with arguments of the right type, taken from the replies where they fit.
fn random_agent(
    world: &Arc<World>,
    task: &Task,
    rng: &mut impl Rng,
) -> (crate::session::SessionExport, String) {
    let mut session = task.session(world).expect("a session");
    let mut seen: Vec<Value> = Vec::new();
    for _ in 0..task.limits.max_calls.min(40) {
        let name = &task.tools[rng.random_range(0..task.tools.len())];
        let op = world.operation(name).expect("offered tools are the world's");
        let mut arguments = Map::new();
        for arg in &op.args {
            if arg.optional && rng.random_bool(0.5) {
                continue;
            }
            let value = match seen.len() {
                0 => json!("x"),
                n => seen[rng.random_range(0..n)].clone(),
            };
            arguments.insert(arg.name.clone(), value);
        }
        let reply = session.call(name, &Value::Object(arguments));
        let body: Value = serde_json::from_str(&reply.text).unwrap_or_default();
        gather(&body, &mut seen);
        for word in task.record.instruction.split_whitespace().take(8) {
            seen.push(json!(word.trim_matches(['.', ',', '“', '”'])));
        }
    }
    let answer = seen.last().map(plain_text).unwrap_or_default();
    (session.export(), answer)
}

fn gather(value: &Value, seen: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, seen)),
        Value::Object(object) => object.values().for_each(|item| gather(item, seen)),
        other if seen.len() < 400 => seen.push(other.clone()),
        _ => {}
    }
}

#[test]
fn a_random_agent_gets_little() {
    let (mut total, mut tasks) = (0.0, 0);
    for_each_task(11..14, |world, task| {
        let mut rng = ChaCha8Rng::seed_from_u64(task.record.seed);
        let (export, answer) = random_agent(world, task, &mut rng);
        let reward = verify(world, task, &export, Some(&answer));
        assert!(!is_success(&reward), "{}", task.record.id);
        total += reward.total;
        tasks += 1;
    });
    let mean = total / f64::from(tasks);
    assert!(mean < 0.1, "a random agent gets {mean}");
}

#[test]
fn breaking_a_rule_costs() {
    let dials =
        Dials { policy_traps: 1, hops: 4, breadth: 1, faults: 0.0, ..Dials::preset(Difficulty::Medium) };
    let (mut declined, mut led) = (0, 0);
    for world in builtin_worlds().iter().filter(|world| !world.policies().is_empty()) {
        for seed in 0..8 {
            let Ok(task) = generate_task(world, seed, &dials, Language::En) else { continue };
            let run = run_oracle(world, &task).expect("the plan works");
            assert!(is_success(&verify(world, &task, &run.export, Some(&run.answer))));
            let forbidden = task.checks.iter().find_map(|check| match check {
                Check::NotCalled { operation, arguments } => Some((operation.clone(), arguments.clone())),
                _ => None,
            });
            let mut breached = run.export.clone();
            match forbidden {
                // The forbidden call is in the log, as if the world had let it pass.
                Some((operation, arguments)) => {
                    declined += 1;
                    let Some(mut call) = breached.log.first().cloned() else { continue };
                    call.operation = operation;
                    call.arguments = Value::Object(arguments.into_iter().collect());
                    call.outcome = crate::session::Outcome::Ok;
                    breached.log.push(call);
                }
                None => {
                    led += 1;
                    let Some(call) = breached.log.last_mut() else { continue };
                    call.outcome = crate::session::Outcome::Ok;
                    call.violations.push("a_rule".to_owned());
                }
            }
            let reward = verify(world, &task, &breached, Some(&run.answer));
            assert!(!is_success(&reward) && reward.parts[2].score < 1.0, "{}: {reward:?}", task.record.id);
        }
    }
    assert!(declined > 0 && led > 0, "{declined} declined, {led} led through a remedy");
}

#[test]
fn tasks_are_functions_of_their_arguments() {
    for world in &builtin_worlds() {
        for language in LANGUAGES {
            let dials = Dials::preset(Difficulty::Hard);
            let make = || serde_json::to_string(&generate_task(world, 5, &dials, language).expect("a task"));
            assert_eq!(make().expect("tasks are JSON"), make().expect("tasks are JSON"), "{}", world.name());
            let task = generate_task(world, 5, &dials, language).expect("a task");
            let text = serde_json::to_string(&task).expect("tasks are JSON");
            let back: Task = serde_json::from_str(&text).expect("tasks read back");
            assert_eq!(serde_json::to_string(&back).expect("tasks are JSON"), text);
        }
    }
}

#[test]
fn the_hops_dial_sets_the_calls() {
    for world in &builtin_worlds() {
        let mut reached = 0;
        for hops in 1..=20u8 {
            let dials =
                Dials { hops, breadth: 1, faults: 0.0, policy_traps: 0, ..Dials::preset(Difficulty::Medium) };
            match generate_task(world, 3, &dials, Language::En) {
                Ok(task) => {
                    assert_eq!(task.record.oracle_calls, u32::from(hops), "{}", world.name());
                    assert_eq!(task.plan.steps.len(), usize::from(hops));
                    reached = hops;
                }
                Err(TaskError::Unreachable { longest, .. }) => {
                    assert!(hops > 12, "{} reaches no {hops} hops (longest {longest})", world.name());
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(reached >= 12, "{} reaches {reached}", world.name());
    }
}

#[test]
fn instructions_give_no_id_away_and_keep_to_their_language() {
    for_each_task(14..18, |world, task| {
        let instruction = &task.record.instruction;
        for entity in world.schema().entities() {
            let leaks = instruction.match_indices(&entity.prefix).any(|(at, prefix)| {
                instruction[at + prefix.len()..].chars().take(3).filter(char::is_ascii_digit).count() == 3
            });
            assert!(!leaks, "{instruction}");
        }
        assert!(!instruction.contains(['{', '}']), "{instruction}");
        let chinese = instruction.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
        match task.record.language.as_str() {
            "en" => assert_eq!(chinese, 0, "{instruction}"),
            _ => {
                assert!(chinese > 5, "{instruction}");
                for word in [" the ", " of ", " and ", "please", "whose"] {
                    assert!(!instruction.to_lowercase().contains(word), "{instruction}");
                }
            }
        }
    });
}

#[test]
fn dials_out_of_range_are_refused() {
    let world = &builtin_worlds()[0];
    let dials = Dials { hops: 21, ..Dials::default() };
    let refused = generate_task(world, 1, &dials, Language::En).expect_err("21 hops are too many");
    assert_eq!(refused.to_string(), "dial `hops` is 21; it goes from 1 to 20");
}
