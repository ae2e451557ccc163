use super::*;
use expect_test::expect;
use nex_agent::{LoadOptions, Severity};
use nex_world::{World, builtin_worlds};
use std::collections::HashSet;
use std::sync::Arc;

fn worlds() -> impl Iterator<Item = Arc<World>> {
    builtin_worlds().iter().map(|world| world.load().unwrap())
}

#[test]
fn every_pattern_of_every_size_is_a_framework_that_loads() {
    for world in worlds() {
        for pattern in WorkflowPattern::ALL {
            for agents in pattern.agent_counts() {
                let plan = plan_framework(&world, pattern, agents, agents as u64).unwrap();
                assert!(plan.agents.len() <= agents, "{pattern}: {} of {agents}", plan.agents.len());
                assert_is_whole(&plan, &world);
                let folder = tempfile::tempdir().unwrap();
                for FrameworkFile { path, text } in plan.files(&world) {
                    let path = folder.path().join(path);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, text).unwrap();
                }
                let found = nex_agent::check(folder.path().join(plan.entry()), &LoadOptions::default());
                let errors: Vec<_> = found.iter().filter(|found| found.severity == Severity::Error).collect();
                assert!(errors.is_empty(), "{pattern} {agents}: {errors:?}");
            }
        }
    }
}

/// The invariants that the module names.
fn assert_is_whole(plan: &FrameworkPlan, world: &World) {
    let known: HashSet<&str> = world.operations().iter().map(|operation| operation.name.as_str()).collect();
    let held: HashSet<&str> =
        plan.agents.iter().flat_map(|agent| &agent.operations).map(String::as_str).collect();
    assert_eq!(held, known, "{}", plan.pattern);
    if let Some(flow) =
        plan.files(world).into_iter().find(|file| file.path == plan.entry() && plan.pattern.is_fixed())
    {
        for agent in &plan.agents {
            let path = format!("./agents/{}.yaml", agent.name);
            assert!(flow.text.contains(&path), "{} runs {}:\n{}", plan.pattern, agent.name, flow.text);
        }
    }
    let names: HashSet<&str> = plan.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names.len(), plan.agents.len());
    // Sub-agents come later than who calls them, and each has one parent: a tree from the entry.
    let mut called = vec![0; plan.agents.len()];
    for (index, agent) in plan.agents.iter().enumerate() {
        for sub in &agent.sub_agents {
            assert!(*sub > index);
            called[*sub] += 1;
        }
    }
    let is_fixed = plan.pattern.is_fixed();
    let expected: Vec<usize> =
        (0..plan.agents.len()).map(|index| usize::from(index > 0 && !is_fixed)).collect();
    assert_eq!(called, expected, "{}", plan.pattern);
    assert_eq!(plan.depth(), plan.pattern.levels(), "{}", plan.pattern);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_other_words() {
    let world = worlds().next().unwrap();
    let files = |seed| plan_framework(&world, WorkflowPattern::ThreeLayers, 9, seed).unwrap().files(&world);
    assert_eq!(files(1), files(1));
    assert_ne!(files(1), files(2));
}

#[test]
fn a_team_reads_well() {
    let world = nex_world::builtin_world("parcel_desk").unwrap().load().unwrap();
    let plan = plan_framework(&world, WorkflowPattern::TwoLayers, 4, 3).unwrap();
    let mut shown = String::new();
    for agent in &plan.agents {
        shown += &format!("{} ({:?}): {}\n", agent.name, agent.duty, agent.description);
    }
    shown += &plan.agents[0].prompt;
    expect![[r#"
        coordinator (Lead): Takes the request, hands out the work, answers.
        customer_clerk (Specialist): Looks up and changes customer records, with find_customer, get_customer, verify_customer, customer_spending and transfer_credit.
        order_clerk (Specialist): Looks up and changes order records, with list_orders, find_order, get_order, cancel_order, change_address and add_note.
        product_specialist (Specialist): Looks up and changes product, line, refund, return case and parcel records, with find_product, list_lines, refund_order, open_return and track_parcel.
        # {{ world_title }}: coordinator

        {{ role }} You take the request and see that it is done.{% if policies %}

        ## Rules
        {% for policy in policies %}
        {{ loop.index }}. {{ policy }}
        {% endfor %}
        {% endif %}

        ## Who works for you
        {% for agent in sub_agents %}
        - {{ agent.name }}: {{ agent.description }}
        {% endfor %}

        ## How to work
        - Write to them as to someone who knows nothing yet: what is wanted, the ids and values so far, what you need back.
        - Give sub_agent_id to go on with earlier work, so that what was found then is still known.
        - Leave alone what nobody asked you to change; where a rule stands against a request, say which.
        - When all is done, answer in a short paragraph that states every value you were asked for.
    "#]].assert_eq(&shown);
}

#[test]
fn a_size_that_a_pattern_does_not_take_is_refused() {
    let world = worlds().next().unwrap();
    let told = plan_framework(&world, WorkflowPattern::HubAndSpoke, 40, 0).unwrap_err().to_string();
    expect!["hub_and_spoke takes 3 to 12 agents, not 40"].assert_eq(&told);
}
