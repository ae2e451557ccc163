//! What the report shows of a run.

mod fixture;
mod page;

use nex_trajectory::run::{RunMetrics, Topology};
use nex_trajectory::{Episode, Outcome};
use nex_view::{ReportInput, render_report};
use page::{Element, elements};

fn one(episode: Episode) -> ReportInput {
    ReportInput { episodes: vec![episode], episodes_total: 1, ..fixture::report(0) }
}

fn find(harness: &str, outcome: Outcome) -> Episode {
    (0..400)
        .map(fixture::episode)
        .find(|episode| episode.harness == harness && episode.outcome == outcome)
        .expect("the example has every harness and outcome")
}

fn texts(elements: &[Element], class: &str) -> Vec<String> {
    elements.iter().filter(|e| e.has_class(class)).map(|e| e.text.trim().to_owned()).collect()
}

#[test]
fn a_sub_agent_stands_under_the_call_that_started_it() {
    let elements = elements(&render_report(&one(find("team", Outcome::Success))));
    let names: Vec<(String, usize, usize)> = elements
        .iter()
        .filter(|e| e.has_class("agent-name"))
        .map(|e| {
            let depth_of = |step: &str| e.path.iter().filter(|p| p.starts_with(step)).count();
            (e.text.clone(), depth_of("details.agent"), depth_of("details.call"))
        })
        .collect();
    let at = |name: &str| {
        names.iter().find(|(agent, ..)| agent == name).map(|(_, agents, calls)| (*agents, *calls))
    };
    assert_eq!(at("lead"), Some((1, 0)), "{names:?}");
    assert_eq!(at("scout"), Some((2, 1)), "{names:?}");
    assert_eq!(at("operator"), Some((2, 1)), "{names:?}");
}

#[test]
fn stages_of_a_pipeline_stand_side_by_side_under_no_call() {
    let elements = elements(&render_report(&one(find("pipeline", Outcome::Success))));
    let stages: Vec<(&str, usize)> = elements
        .iter()
        .filter(|e| e.has_class("agent-name"))
        .map(|e| (e.text.as_str(), e.path.iter().filter(|p| p.starts_with("details.agent")).count()))
        .collect();
    assert_eq!(stages, [("pipeline", 1), ("planner", 2), ("executor", 2), ("reviewer", 2)]);
    assert!(elements.iter().all(|e| !e.has_class("call") || !e.text.contains("planner")));
}

#[test]
fn calls_are_shown_with_arguments_result_reward_findings_and_stop() {
    let episode = find("single", Outcome::Failure);
    let html = render_report(&one(episode.clone()));
    let elements = elements(&html);
    let calls: Vec<&Element> =
        elements.iter().filter(|e| e.name == "details" && e.has_class("call")).collect();
    assert_eq!(calls.len(), episode.trajectory.call_count());
    assert!(
        calls.iter().all(|call| call.text.contains("Arguments") && call.text.contains("Result")),
        "all answered"
    );
    let reward = episode.reward.expect("a failure is scored");
    for finding in reward.parts.iter().flat_map(|part| &part.findings) {
        assert!(elements.iter().any(|e| e.name == "li" && e.text == *finding), "{finding}");
    }
    assert!(texts(&elements, "outcome").contains(&"✕ failure".to_owned()));
    assert!(!texts(&elements, "badge").is_empty());
}

#[test]
fn an_episode_that_the_surroundings_broke_is_not_scored_and_says_why() {
    let elements = elements(&render_report(&one(find("single", Outcome::Infra))));
    assert!(texts(&elements, "worth").contains(&"not scored".to_owned()));
    assert!(texts(&elements, "finding").iter().any(|text| text.contains("ended with signal 9")));
}

#[test]
fn a_driver_that_is_no_llm_is_called_so() {
    let driver = |name: &str| {
        let mut input = fixture::report(1);
        input.manifest.driver = name.to_owned();
        texts(&elements(&render_report(&input)), "driver").remove(0)
    };
    assert_eq!(driver("expert"), "driver expert (built-in, follows the task's oracle plan: not an LLM)");
    assert_eq!(
        driver("script:replies.jsonl"),
        "driver script:replies.jsonl (replies read from a file: not an LLM)"
    );
    assert_eq!(driver("openai:m-1"), "driver openai:m-1 (a model over the chat completions protocol)");
}

#[test]
fn figures_state_counts_intervals_and_shares() {
    let input = fixture::report(400);
    let elements = elements(&render_report(&input));
    let rows: Vec<String> = elements
        .iter()
        .filter(|e| e.name == "tr" && e.path.iter().any(|step| step.contains("rates")))
        .map(|e| e.text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for row in &input.metrics.success {
        let share = format!("{:.1} %", row.successes as f64 / row.episodes as f64 * 100.0);
        assert!(
            rows.iter().any(|text| text.starts_with(&row.value) && text.contains(&share)),
            "{row:?} in {rows:?}"
        );
    }
    let difficulty: Vec<&String> = rows.iter().filter(|text| text.contains('%')).take(3).collect();
    assert!(difficulty[0].starts_with("easy") && difficulty[2].starts_with("hard"), "{difficulty:?}");
    assert_eq!(
        elements.iter().filter(|e| e.name == "figcaption").count(),
        10,
        "each figure says what it counts"
    );
}

#[test]
fn an_empty_run_gives_a_page_all_the_same() {
    let input = ReportInput {
        metrics: RunMetrics::default(),
        topology: Topology::default(),
        episodes: Vec::new(),
        ..fixture::report(0)
    };
    let text = elements(&render_report(&input)).remove(0).text;
    for sentence in [
        "No episode has a reward yet.",
        "Nothing was counted.",
        "The run names no worlds.",
        "No episode is shown.",
    ] {
        assert!(text.contains(sentence), "{sentence}");
    }
}

#[test]
fn the_page_is_a_function_of_its_input() {
    assert_eq!(render_report(&fixture::report(30)), render_report(&fixture::report(30)));
}
