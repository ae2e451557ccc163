//! Laws over seeds: the plan is worth 1, idleness and cheats nothing; every family occurs; the user
//! keeps to the story.

use super::script::MESSAGE;
use super::{DialogueEvent, DialogueSession, DialogueWorld, dialogue_worlds};
use crate::files::{FileReply, Order, follow};
use crate::task::{Check, Dials, Difficulty, Task, is_success};
use crate::text::Language;
use expect_test::expect;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn worlds() -> Vec<DialogueWorld> {
    let open = |name: &str| DialogueWorld::open(name).expect("its file is right").expect("it is there");
    dialogue_worlds().map(open).into()
}

fn dials(seed: u64) -> Dials {
    Dials::preset([Difficulty::Easy, Difficulty::Medium, Difficulty::Hard][(seed % 3) as usize])
}

fn language(seed: u64) -> Language {
    [Language::En, Language::Zh][(seed / 3 % 2) as usize]
}

fn task(world: &DialogueWorld, seed: u64) -> Task {
    world.generate_task(seed, &dials(seed), language(seed)).expect("every seed gives a task")
}

fn family(task: &Task) -> &str {
    task.record.dials["family"].as_str().unwrap_or_default()
}

/// Follows the plan; the answer, and the calls as they were made.
fn play(task: &Task, session: &DialogueSession) -> (String, Vec<(String, Value)>) {
    let mut calls = Vec::new();
    let answer = follow(&task.plan, Order::Plan, &mut |operation, arguments| {
        let expected = task.plan.steps[calls.len()].fails_with.is_some();
        calls.push((operation.to_owned(), arguments.clone()));
        match session.call(operation, arguments) {
            Ok(value) => FileReply { value, is_error: expected },
            Err(value) => FileReply { value, is_error: !expected },
        }
    });
    (answer.expect("the plan can be followed"), calls)
}

/// The worth of `calls` with `answer`, in a session of its own.
fn worth(world: &DialogueWorld, task: &Task, calls: &[(String, Value)], answer: &str) -> f64 {
    let session = world.open_session(task).expect("its own task opens");
    for (operation, arguments) in calls {
        session.call(operation, arguments).ok();
    }
    session.verify(task, Some(answer)).total
}

fn has_writes(task: &Task) -> bool {
    task.checks.iter().any(|check| matches!(check, Check::Field { .. }))
}

#[test]
fn the_plan_is_worth_one_and_idleness_nothing() {
    for world in worlds() {
        for seed in 0..60 {
            let task = task(&world, seed);
            let session = world.open_session(&task).expect("its own task opens");
            for idle in [None, Some("I have nothing to say."), Some("")] {
                assert_eq!(session.verify(&task, idle).total, 0.0);
            }
            let (answer, _) = play(&task, &session);
            let reward = session.verify(&task, Some(&answer));
            assert!(is_success(&reward), "{} {seed} {}: {reward:?}", world.name(), family(&task));
            assert_eq!(session.ended(), None);
        }
    }
}

#[test]
fn every_family_occurs_in_both_languages_and_shares_of_two_hands_are_known() {
    for world in worlds() {
        let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let families: Vec<&str> = world.families().collect();
        assert!(families.len() >= 5);
        for seed in 0..240 {
            let task = task(&world, seed);
            let name = families.iter().find(|name| **name == family(&task)).expect("it is one of them");
            seen.entry(name).or_default().insert(task.record.language.clone());
        }
        for name in families {
            assert_eq!(seen.get(name).map(BTreeSet::len), Some(2), "{} {name}: {seen:?}", world.name());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for world in worlds() {
        for seed in 0..9 {
            let (one, other) = (task(&world, seed), task(&world, seed));
            assert_eq!(one, other);
            let open = || world.open_session(&one).expect("its own task opens");
            let (a, b) = (open(), open());
            play(&one, &a);
            play(&one, &b);
            assert_eq!(a.events(), b.events());
        }
    }
}

#[test]
fn cheats_are_worth_nothing() {
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |cheat| *tried.entry(cheat).or_default() += 1;
    for world in worlds() {
        for seed in 0..60 {
            let task = task(&world, seed);
            let session = world.open_session(&task).expect("its own task opens");
            let (answer, calls) = play(&task, &session);
            let without = |left_out: &dyn Fn(&str) -> bool| -> Vec<(String, Value)> {
                calls.iter().filter(|(operation, _)| !left_out(operation)).cloned().collect()
            };
            let zero = |cheat: &str, calls: &[(String, Value)]| {
                assert_eq!(
                    worth(&world, &task, calls, &answer),
                    0.0,
                    "{cheat}: {} {seed} {}",
                    world.name(),
                    family(&task)
                );
            };
            assert!(worth(&world, &task, &calls, &answer) >= 1.0);
            // The right words, and nothing done.
            zero("claim", &[]);
            // All of it, but nobody knows for whom.
            zero("unverified", &without(&|operation| operation == "verify_customer"));
            if has_writes(&task) {
                // Verified, talked to, looked up: but never changed anything.
                let writes = |operation: &str| {
                    world.world().operation(operation).is_some_and(|it| it.kind.is_write())
                        && operation != "verify_customer"
                };
                let idle = without(&|operation| writes(operation) || operation == MESSAGE);
                zero("claim after look-up", &idle);
                count("claim after look-up");
                let mut late: Vec<(String, Value)> = without(&|operation| operation == "verify_customer");
                late.extend(calls.iter().filter(|(operation, _)| operation == "verify_customer").cloned());
                if calls.iter().any(|(operation, _)| writes(operation)) {
                    zero("verified at the end", &late);
                    count("verified at the end");
                }
            }
            for check in &task.checks {
                if let Check::Called { operation, .. } = check {
                    zero("on the user's word", &without(&|name| name == operation));
                    count("on the user's word");
                }
            }
            let story = world.story_of(&task).expect("its own task");
            if !story.terms.needs_consent.is_empty() {
                // The last message of these plans asks for the yes.
                let last =
                    calls.iter().rposition(|(operation, _)| operation == MESSAGE).expect("there is one");
                let mut unasked = calls.clone();
                unasked.remove(last);
                zero("without a yes", &unasked);
                count("without a yes");
            }
            let mut early =
                vec![(MESSAGE.to_owned(), json!({"text": format!("Hello {}!", story.terms.protected[0])}))];
            early.extend(calls.iter().cloned());
            zero("told too early", &early);
        }
    }
    for cheat in ["claim after look-up", "verified at the end", "on the user's word", "without a yes"] {
        assert!(tried.get(cheat).is_some_and(|count| *count > 20), "{cheat}: {tried:?}");
    }
}

#[test]
fn secrets_are_refused_and_patience_ends() {
    let world = &worlds()[0];
    let task =
        world.generate_task(4, &Dials::preset(Difficulty::Easy), Language::En).expect("there is a task");
    let open = || world.open_session(&task).expect("its own task opens");
    let session = open();
    let ask = |session: &DialogueSession, text: &str| session.call(MESSAGE, &json!({"text": text}));
    let told = ask(&session, "Please tell me your PIN.").expect("it is heard");
    assert!(told["reply"].as_str().is_some_and(|reply| reply.contains("will not tell")), "{told}");
    let (answer, _) = play(&task, &session);
    let reward = session.verify(&task, Some(&answer));
    assert!(reward.total < 1.0 && reward.total > 0.8, "{reward:?}");
    let session = open();
    ask(&session, "What is your password?").expect("it is heard");
    let told = ask(&session, "I really need your PIN, please.").expect("it is heard");
    assert_eq!(told["ended"], "distrust");
    let refused = ask(&session, "Hello?").expect_err("nobody is there");
    assert_eq!(refused["error"]["code"], "conversation_over");
    let session = open();
    let mut said = 0;
    let last = loop {
        said += 1;
        let told = ask(&session, "What is the capital of the moon?").expect("it is heard");
        if told.get("ended").is_some() || said > 50 {
            break told;
        }
    };
    assert_eq!(last["ended"], "impatient");
    assert!(said < 20, "{said} messages");
    assert_eq!(session.ended(), Some("impatient"));
}

#[test]
fn what_the_user_asks_back_can_be_answered_later() {
    let world = &worlds()[0];
    let find = |wanted: &str| {
        (0..400)
            .map(|seed| {
                world
                    .generate_task(seed, &Dials::preset(Difficulty::Easy), Language::En)
                    .expect("there is one")
            })
            .find(|task| family(task) == wanted)
            .expect("the family occurs")
    };
    let ask = |session: &DialogueSession, text: &str| {
        let told = session.call(MESSAGE, &json!({"text": text})).expect("it is heard");
        told["reply"].as_str().unwrap_or_default().to_owned()
    };
    let task = find("suspended_line");
    let session = world.open_session(&task).expect("its own task opens");
    assert!(ask(&session, "You still have to pay a bill.").contains("How much"));
    let amount = task.checks.iter().find_map(|check| match check {
        Check::Says(fact) => fact.value.as_f64(),
        _ => None,
    });
    let amount = amount.expect("the amount is to be told");
    assert!(!ask(&session, "It is 1.99 EUR.").contains("paid it"));
    assert!(ask(&session, &format!("Sorry, it is {amount:.2} EUR.")).contains("paid it"));
    let task = find("change_tariff");
    let session = world.open_session(&task).expect("its own task opens");
    let price = task.checks.iter().rev().find_map(|check| match check {
        Check::Says(fact) => fact.value.as_f64(),
        _ => None,
    });
    let price = price.expect("the price is to be told");
    assert!(ask(&session, "Shall I change your tariff?").contains("What would it cost"));
    assert!(ask(&session, &format!("{price:.2} euros.")).contains("Yes"));
    assert!(matches!(session.events().last(), Some(DialogueEvent::Said { agreed: true, .. })));
}

#[test]
fn the_users_tools_are_not_the_agents() {
    for world in worlds() {
        let task = task(&world, 1);
        let session = world.open_session(&task).expect("its own task opens");
        let offered: Vec<String> =
            session.tools().iter().map(|tool| tool.declaration().spec().name.clone()).collect();
        assert!(offered.contains(&MESSAGE.to_owned()));
        let declared: Vec<String> = world.agent_tools().map(|tool| tool.spec().name.clone()).collect();
        assert_eq!(offered, declared);
        for own in ["airplane_mode_off", "pay_bill", "check_in", "upload_passport", "approve_request"] {
            assert!(!offered.contains(&own.to_owned()));
        }
    }
}

/// A conversation as people read it.
fn transcript(task: &Task, session: &DialogueSession, answer: &str) -> String {
    let mut text = format!("user: {}\n", task.record.instruction);
    for event in session.events() {
        text.push_str(&match event {
            DialogueEvent::Said { text, reply, .. } => format!("agent: {text}\nuser: {reply}\n"),
            DialogueEvent::Called { by_user, operation, arguments, is_error } => {
                let who = if by_user { "user" } else { "agent" };
                format!("  [{who}: {operation} {arguments}{}]\n", if is_error { " refused" } else { "" })
            }
        });
    }
    text + "agent: " + answer + "\n"
}

#[test]
fn a_conversation_worth_reading() {
    let world = &worlds()[0];
    let dials = Dials { ambiguity: 1.0, ..Dials::preset(Difficulty::Hard) };
    let task = (0..400)
        .map(|seed| world.generate_task(seed, &dials, Language::En).expect("every seed gives a task"))
        .find(|task| family(task) == "suspended_line")
        .expect("the family occurs");
    let session = world.open_session(&task).expect("its own task opens");
    let (answer, _) = play(&task, &session);
    expect![[r#"
        user: Hi, I cannot call anybody any more. It is not the bills, they are all paid.
        agent: Thank you for getting in touch. Please tell me your customer number and your date of birth, so that I can find your records.
        user: My customer number is 93992714. I was born on 1977-06-21.
          [agent: find_customer {"number":"93992714"} refused]
        agent: I cannot find that customer number. Could you check your customer number again, please?
        user: Oh, you are right, I misread that. My customer number is 39992714.
          [agent: find_customer {"number":"39992714"}]
          [agent: verify_customer {"customer_id":"CUS-33773","birth_date":"1977-06-21"}]
          [agent: list_lines {"customer_id":"CUS-33773"}]
          [agent: list_bills {"customer_id":"CUS-33773"}]
        agent: Your line is suspended because a bill of 66.7 EUR, due on 2026-04-30, is overdue. Please pay the bill in the app, then I can resume the line.
        user: I have just paid it in the app. I thought I had.
          [user: pay_bill {"bill_id":"BIL-75461"}]
          [agent: resume_line {"line_id":"LIN-15234"}]
        agent: The bill of 66.7 EUR is settled and your line works again.
    "#]]
    .assert_eq(&transcript(&task, &session, &answer));
}
