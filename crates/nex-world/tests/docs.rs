//! The world that the documentation builds is a world.

use nex_world::task::{Dials, Difficulty, generate_task, is_success, run_oracle, verify};
use nex_world::{Language, World};

const PAGE: &str = include_str!("../../../docs/write-a-world.md");

#[test]
fn the_world_of_the_tutorial_gives_tasks_of_every_difficulty() {
    let yaml = PAGE.rsplit("```yaml\n").next().and_then(|rest| rest.split("```").next());
    let world = World::from_yaml(yaml.expect("a file at the end"), "write-a-world.md").expect("it loads");
    let mut called = std::collections::BTreeSet::new();
    for level in [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard] {
        for seed in 0..12 {
            let task = generate_task(&world, seed, &Dials::preset(level), Language::En)
                .unwrap_or_else(|cause| panic!("{} {seed}: {cause}", level.as_str()));
            let run = run_oracle(&world, &task).expect("the plan works");
            assert!(is_success(&verify(&world, &task, &run.export, Some(&run.answer))));
            called.extend(task.plan.steps.into_iter().map(|step| step.operation));
        }
    }
    // A find tells as much as a get here, so plans may do without one.
    let is_missed = |name: &str| !called.contains(name) && !name.starts_with("get_");
    let uncalled: Vec<_> = world.operations().iter().filter(|operation| is_missed(&operation.name)).collect();
    assert!(uncalled.is_empty(), "no task uses {:?}", uncalled.iter().map(|op| &op.name).collect::<Vec<_>>());
}
