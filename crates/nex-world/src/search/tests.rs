//! Laws over seeds: the plan is worth 1, idleness and cheats are not, answers are unique.

use super::graph::{Kind, Object};
use super::library::Library;
use super::{SearchDials, SearchSession, SearchWorld};
use crate::files::{FileReply, Order, follow};
use crate::task::{Check, Dials, Difficulty, Task, is_success};
use crate::text::Language;
use serde_json::{Value, json};

fn world() -> SearchWorld {
    SearchWorld::builtin()
}

fn task(seed: u64) -> Task {
    let presets = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard];
    let language = [Language::En, Language::Zh][(seed / 3 % 2) as usize];
    world()
        .generate_task(seed, &Dials::preset(presets[(seed % 3) as usize]), language)
        .expect("every seed gives a task")
}

fn session(task: &Task) -> SearchSession {
    world().open_session(task).expect("its own task opens")
}

/// Follows the plan in `session` and gives the answer.
fn play(task: &Task, session: &SearchSession) -> String {
    let call = &mut |operation: &str, arguments: &Value| match session.call(operation, arguments) {
        Ok(value) => FileReply { value, is_error: false },
        Err(value) => FileReply { value, is_error: true },
    };
    follow(&task.plan, Order::Plan, call).expect("the plan can be followed")
}

#[test]
fn the_plan_is_worth_one_and_idleness_nothing() {
    for seed in 0..60 {
        let task = task(seed);
        let session = session(&task);
        assert_eq!(session.verify(&task, None).total, 0.0, "{seed}");
        assert_eq!(session.verify(&task, Some("I have nothing to say.")).total, 0.0, "{seed}");
        let answer = play(&task, &session);
        let reward = session.verify(&task, Some(&answer));
        assert!(is_success(&reward), "{seed}: {answer}\n{reward:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..12 {
        assert_eq!(
            serde_json::to_string(&task(seed)).expect("a task serialises"),
            serde_json::to_string(&task(seed)).expect("a task serialises")
        );
        let dials = SearchDials::default();
        let bytes = |library: &Library| format!("{:?}", library.pages);
        assert_eq!(
            bytes(&Library::new(seed, Language::Zh, &dials)),
            bytes(&Library::new(seed, Language::Zh, &dials))
        );
    }
    assert_ne!(task(0).record.instruction, task(6).record.instruction);
}

#[test]
fn cheats_are_worth_nothing_or_less_than_success() {
    for seed in 0..40 {
        let task = task(seed);
        let honest = session(&task);
        let answer = play(&task, &honest);
        // The right answer and the right urls, without having read a page.
        assert_eq!(session(&task).verify(&task, Some(&answer)).total, 0.0, "{seed}");
        // Every page read, but no source given.
        let bare =
            answer.split("Sources:").next().unwrap_or_default().split("来源：").next().unwrap_or_default();
        assert!(!is_success(&honest.verify(&task, Some(bare))), "{seed}");
        // Every url of the library as a source.
        let all: Vec<&str> = honest.library().urls().collect();
        let dump = format!("{answer}, {}", all.join(", "));
        assert!(honest.verify(&task, Some(&dump)).total < 0.9, "{seed}");
        // A made-up page among the sources.
        let made_up = format!("{answer}, https://library.example/people/nobody");
        assert!(!is_success(&honest.verify(&task, Some(&made_up))), "{seed}");
    }
}

#[test]
fn an_older_version_in_place_of_the_current_page_fails() {
    let mut tried = 0;
    for seed in 0..80 {
        let task = task(seed);
        let session = session(&task);
        let answer = play(&task, &session);
        let needed = task.checks.iter().find_map(|check| match check {
            Check::Cites { any_of, .. } if any_of.len() == 1 => {
                let place = any_of[0].trim_start_matches("https://library.example/").to_owned();
                let old =
                    session.library().urls().find(|url| url.contains("/archive/") && url.ends_with(&place));
                old.map(|old| (any_of[0].clone(), old.to_owned()))
            }
            _ => None,
        });
        let Some((current, old)) = needed else { continue };
        session.call("fetch", &json!({"url": old})).ok();
        let stale = answer.replace(&current, &old);
        let reward = session.verify(&task, Some(&stale));
        assert!(!is_success(&reward), "{seed}: {stale}");
        assert!(reward.parts[2].findings.iter().any(|finding| finding.contains("superseded")), "{reward:?}");
        tried += 1;
    }
    assert!(tried > 10, "only {tried} tasks have an older version on their way");
}

#[test]
fn pages_agree_with_the_graph_and_older_ones_say_what_they_are() {
    for (seed, language) in [(1, Language::En), (2, Language::Zh)] {
        let library =
            Library::new(seed, language, &SearchDials { stale_share: 1.0, ..SearchDials::default() });
        let graph = &library.graph;
        let mut old = 0;
        for (at, page) in library.pages.iter().enumerate() {
            let text = page.whole_text();
            assert!(!text.contains('{') && !text.contains('}'), "a hole is left: {text}");
            if page.is_stale {
                old += 1;
                assert!(
                    page.sections[0].text.contains("superseded") || page.sections[0].text.contains("旧版")
                );
                assert!(page.url.contains("/archive/"));
                continue;
            }
            let Some(thing) = graph.things.get(at) else { continue };
            assert_eq!(page.title, thing.name);
            for (relation, object) in &thing.facts {
                let statement = page
                    .statements
                    .iter()
                    .find(|statement| statement.relation == *relation)
                    .expect("each is stated");
                let section = page
                    .sections
                    .iter()
                    .find(|section| section.heading == statement.heading)
                    .expect("it is there");
                let start =
                    section.text.find(&statement.after).expect("its mark is there") + statement.after.len();
                let rest = &section.text[start..];
                let end = rest.find(&statement.before).expect("its other mark is there");
                assert_eq!(rest[..end].trim(), graph.said(object), "{relation:?} on {}", page.url);
            }
        }
        assert!(old > 30 && library.page_count() > 200, "{old} old pages, {} in all", library.page_count());
    }
}

#[test]
fn urls_and_names_are_unique() {
    for seed in 0..6 {
        let library =
            Library::new(seed, [Language::En, Language::Zh][seed as usize % 2], &SearchDials::default());
        let mut urls: Vec<&str> = library.urls().collect();
        let count = urls.len();
        urls.sort_unstable();
        urls.dedup();
        assert_eq!(urls.len(), count);
        let mut names: Vec<&str> = library.graph.things.iter().map(|thing| thing.name.as_str()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for firm in library.graph.of(Kind::Firm) {
            let seat = library.graph.things[firm].fact(super::graph::Relation::Seat);
            assert!(matches!(seat, Some(Object::Thing(at)) if library.graph.things[*at].kind == Kind::Town));
        }
    }
}

#[test]
fn no_question_names_what_lies_in_between() {
    for seed in 0..60 {
        let task = task(seed);
        let session = session(&task);
        for check in &task.checks {
            let Check::Cites { value, .. } = check else { continue };
            assert!(
                value.is_empty() || !task.record.instruction.contains(value.as_str()),
                "{seed}: {}",
                task.record.instruction
            );
        }
        assert!(session.library().page_count() > 150);
    }
}

#[test]
fn dials_give_what_they_name() {
    let dials = |hops| SearchDials { hops, compound: 0.0, ..SearchDials::default() };
    for hops in 1..=6 {
        let task =
            world().generate_task_with(u64::from(hops), &dials(hops), Language::En).expect("there is a task");
        let cites = task.checks.iter().filter(|check| matches!(check, Check::Cites { .. })).count();
        assert_eq!(cites, usize::from(hops));
    }
    let wrong = SearchDials { hops: 7, ..SearchDials::default() };
    let told =
        world().generate_task_with(1, &wrong, Language::En).expect_err("seven hops are too many").to_string();
    assert!(told.contains("hops must be within 1 and 6"), "{told}");
    let few = SearchDials { distractors: 0, stale_share: 0.0, ..SearchDials::default() };
    let many = SearchDials { distractors: 300, stale_share: 1.0, ..SearchDials::default() };
    let count = |dials: &SearchDials| Library::new(5, Language::En, dials).page_count();
    assert!(count(&many) > count(&few) + 300);
}

#[test]
fn wrong_calls_are_refused_with_a_way_out() {
    let task = task(1);
    let session = session(&Task {
        record: nex_trajectory::TaskRecord {
            dials: {
                let mut dials = task.record.dials.clone();
                dials["search"]["faults"] = 0.0.into();
                dials
            },
            ..task.record.clone()
        },
        ..task.clone()
    });
    let told = |operation: &str, arguments: Value| {
        let error = session.call(operation, &arguments).expect_err("it is refused");
        error["error"]["message"].as_str().unwrap_or_default().to_owned()
    };
    assert!(told("fetch", json!({"url": "https://elsewhere.example/x"})).contains("search gives the urls"));
    assert!(told("search", json!({"query": "  "})).contains("empty"));
    assert!(told("search", json!({"query": "a", "cursor": "12"})).contains("next_cursor"));
    assert!(told("search", json!({})).contains("must be given"));
    assert!(told("open", json!({})).contains("no operation"));
    let page = session.call("search", &json!({"query": "charter"})).expect("it is found");
    assert_eq!(page["results"].as_array().map(Vec::len), Some(6));
    let next = session
        .call("search", &json!({"query": "charter", "cursor": page["next_cursor"]}))
        .expect("it goes on");
    assert_ne!(page["results"], next["results"]);
}
