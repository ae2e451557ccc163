//! What good builders make, and that it runs.

use super::scripts::{good, whole_world};
use super::server::{Script, Server};
use super::{build_by, build_within, model_of, request};
use nex_agent::{LoadOptions, RunContext, Runnable, SystemClock, ToolBindings, load_runnable};
use nex_agent_gen::builders::{BuildFailure, BuildOptions, Catalogue};
use nex_agent_gen::forge::write;
use nex_agent_gen::framework::{Duty, WorkflowPattern};
use nex_agent_gen::world::check_world;
use nex_trajectory::StopReason;
use nex_world::{SessionOptions, World, WorldSession, session_tools};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;

#[test]
fn the_example_that_builders_read_is_a_sound_world() {
    let example = include_str!("../../builders/example_world.yaml");
    for (name, yaml) in [("example", example), ("code review", &whole_world())] {
        let check = check_world(yaml, name, 0..10).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((check.tasks, check.uncalled), (30, Vec::<String>::new()), "{name}");
    }
}

/// "A code reviewer system" in two layers: built at the first go, then run on its world.
#[test]
fn a_code_reviewer_system_is_built_and_runs() {
    let (outcome, server) = build_by(good(), &request("a code reviewer system in two layers"));
    let forged = outcome.result.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", server.results()));
    let manifest = &forged.manifest;
    assert_eq!(manifest.planner, "LLM builders: openai:scripted");
    assert_eq!(manifest.brief.pattern, Some(WorkflowPattern::TwoLayers));
    let agents: Vec<(&str, Duty, usize)> = manifest
        .plan
        .agents
        .iter()
        .map(|agent| (agent.name.as_str(), agent.duty, agent.operations.len()))
        .collect();
    assert_eq!(
        agents,
        [
            ("lead", Duty::Lead, 0),
            ("reader", Duty::Reader, 6),
            ("reviewer", Duty::Specialist, 5),
            ("integrator", Duty::Specialist, 5)
        ]
    );
    assert_eq!((manifest.plan.agents[0].sub_agents.clone(), manifest.trial.tasks), (vec![1, 2, 3], 18));
    assert_eq!(manifest.world.policies.len(), 2);
    // One trajectory, with those of the builders below it, in the order in which they were asked.
    let [record] = outcome.record.as_slice() else { panic!("{} trajectories", outcome.record.len()) };
    let builders: Vec<&str> = record.children.iter().map(|child| child.trajectory.agent.as_str()).collect();
    assert_eq!(builders, ["WorldBuilder", "ToolBuilder", "WorldBuilder", "AgentBuilder", "FrameworkBuilder"]);
    assert_eq!(record.stop, StopReason::StopTool { tool: "finish".to_owned() });

    // The prompts reach the model as they are written, templates that they explain included.
    for (builder, words) in [
        ("MetaAgent", "- WorldBuilder: Writes the world's foundation"),
        ("WorldBuilder", "gen: {template: \"R{#5}\"}"),
        ("AgentBuilder", "# {{ world_title }}: reader"),
        ("FrameworkBuilder", "instruction: \"{{ task }}\""),
        ("ToolBuilder", "change {change.id} is {change.status}"),
    ] {
        let prompt = server.system_prompt(&format!("You are the {builder}"));
        assert!(prompt.contains(words) && !prompt.contains("{%"), "{builder}: {prompt}");
    }

    let folder = tempfile::tempdir().unwrap();
    write(&forged.files, folder.path()).unwrap();
    let lead = load_runnable(folder.path().join(&manifest.entry), &LoadOptions::default()).unwrap();
    let runnable = Runnable::compile(lead, &ToolBindings::new()).unwrap();
    let world = World::load(folder.path().join(&manifest.world_file)).unwrap();
    let session = WorldSession::new(world, 1, SessionOptions::default()).unwrap();
    let session = Arc::new(Mutex::new(session));
    let script = Script::default()
        .asks("You lead the code reviews", "reader", "Which changes are open?")
        .says("You lead the code reviews", "There are some.")
        .calls("Code review desk: reader", &[("list_changes", json!({"status": "open"}))])
        .says("Code review desk: reader", "These.");
    let server = Server::start(script);
    let context = RunContext::new("run", model_of(&server), Arc::new(SystemClock::start()))
        .with_environment(session_tools(session.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = runtime.block_on(runnable.run("Which changes are open?", context));
    assert_eq!(run.answer.as_deref(), Some("There are some."));
    let results = server.results();
    assert!(results.iter().any(|text| text.contains("\"changes\":[{\"id\":\"CHG-")), "{results:#?}");
}

/// Builders find archetypes, sound examples and the reference; looking writes nothing.
#[test]
fn builders_can_look_before_they_write() {
    let (meta, world) = ("You are the MetaAgent", "You are the WorldBuilder");
    let script = Script::default()
        .calls(meta, &[("list_files", json!({})), ("search_catalogue", json!({"query": "git"}))])
        .asks(meta, "WorldBuilder", "Look around.")
        .says(meta, "That is all.")
        .calls(
            world,
            &[
                ("search_domains", json!({"query": "animals at a veterinary practice"})),
                ("read_example", json!({"name": "veterinary_practice"})),
                ("read_example", json!({"name": "parcel_desk"})),
                ("read_example", json!({"name": "moon_base"})),
                ("reference", json!({"topic": "workflow"})),
                ("reference", json!({"topic": "moon"})),
                ("read_file", json!({"path": "../../etc/passwd"})),
                ("finish", json!({})),
            ],
        )
        .says(world, "Seen.");
    let (outcome, server) = build_by(script, &request("an animal clinic"));
    assert!(matches!(outcome.result, Err(BuildFailure::ProseOnly { .. })), "{:?}", outcome.result);
    let results = server.results();
    let told = |words: &str| results.iter().any(|text| text.contains(words));
    for words in [
        "No catalogue of MCP servers was given",
        "- parcel_desk: Parcel desk of an online shop",
        "world: parcel_desk",
        "there is no domain `moon_base`",
        "### Critic and reviser",
        "there is no such topic; topics: world, world_example, workflow, agent",
        "there is no file `../../etc/passwd`",
        "there is no tool `finish`",
    ] {
        assert!(told(words), "{words}: {results:#?}");
    }
    let example = results.iter().find(|text| text.contains("domain: veterinary")).expect("a composed world");
    check_world(example, "example", [1]).unwrap();
}

#[test]
fn a_workflow_is_built_and_real_servers_come_from_the_catalogue() {
    let json = br#"{"servers": [{"name": "git", "run": {"command": "git-server", "args": ["--repository", "{WORK}"]},
        "tools": [{"name": "git_diff", "description": "Shows changes"}]}]}"#;
    let options = BuildOptions { catalogue: Catalogue::from_json(json).unwrap(), ..BuildOptions::default() };
    let operations: Vec<String> = super::scripts::operations().into_iter().map(|(name, _)| name).collect();
    let doer = format!(
        "description: Does the work.\nsystem_prompt: You do the work.\ntools: [{}]\nmcp_servers: [{{name: git}}]\n",
        operations.join(", ")
    );
    let critic = "description: Judges.\nsystem_prompt: You judge.\ntools: [get_change]\n";
    let workflow = "type: workflow\nname: review\nstages:\n  - name: rounds\n    loop:\n      max_rounds: 3\n      until: \"'APPROVED' in answers.critic\"\n      answer: doer\n      stages:\n        - {name: doer, config_path: ./agents/doer.yaml, instruction: \"{{ task }}{% if round > 1 %} {{ answers.critic }}{% endif %}\"}\n        - {name: critic, config_path: ./agents/critic.yaml, instruction: \"Judge: {{ answers.doer }}\"}\n";
    let (meta, framework) = ("You are the MetaAgent", "You are the FrameworkBuilder");
    let script = Script::default()
        .calls(
            meta,
            &[
                ("choose_pattern", json!({"pattern": "critic_reviser"})),
                ("search_catalogue", json!({"query": "git"})),
            ],
        )
        .asks(meta, "WorldBuilder", "World.")
        .asks(meta, "AgentBuilder", "Agents.")
        .asks(meta, "FrameworkBuilder", "Workflow.")
        .calls(meta, &[("finish", json!({}))])
        .calls("You are the WorldBuilder", &[("define_world", json!({"yaml": whole_world()}))])
        .says("You are the WorldBuilder", "Done.")
        .calls(
            "You are the AgentBuilder",
            &[
                ("write_agent", json!({"name": "doer", "yaml": doer})),
                ("write_agent", json!({"name": "critic", "yaml": critic})),
            ],
        )
        .says("You are the AgentBuilder", "Done.")
        .calls(framework, &[("write_workflow", json!({"yaml": workflow}))])
        .says(framework, "Done.");
    let (outcome, server) = build_within(script, &request("reviews with a critic"), options);
    let forged = outcome.result.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", server.results()));
    assert_eq!(forged.manifest.entry, "workflow.yaml");
    assert_eq!(forged.files[1].path, "workflow.yaml");
    let doer = forged.files.iter().find(|file| file.path == "agents/doer.yaml").unwrap();
    assert!(
        doer.text.contains("  - name: \"git\"\n    type: stdio\n    command: \"git-server\"\n    args: [\"--repository\",\"{WORK}\"]\n"),
        "{}",
        doer.text
    );
    assert!(server.results().iter().any(|text| text.contains("git: git_diff, Shows changes")));
}
