//! The built-in frameworks: real NexAU files, whole for every world, with disjoint tools.

mod support;

use nex_agent::{LoadOptions, RunnableSpec, check};
use nex_gym::{Harness, Pattern, WorldProfile, framework};
use support::worlds;

#[test]
fn the_files_check_clean_in_every_world() {
    for world in worlds() {
        let profile = WorldProfile::of(&world);
        for pattern in Pattern::ALL {
            let folder = tempfile::tempdir().expect("a folder");
            let entry = framework(pattern, &profile)
                .expect("it is built in")
                .write(folder.path())
                .expect("files are written");
            let found = check(&entry, &LoadOptions::default());
            assert!(found.is_empty(), "{} {pattern}: {found:?}", world.name());
        }
    }
}

#[test]
fn a_teams_tools_are_disjoint_and_whole_and_the_coordinator_has_none() {
    for world in worlds() {
        let profile = WorldProfile::of(&world);
        let spec = Harness::builtin(Pattern::Team).spec(&profile).expect("it loads");
        let RunnableSpec::Agent(coordinator) = &*spec else { panic!("a team is an agent") };
        assert!(coordinator.tools.is_empty());
        let mut names: Vec<&str> = coordinator
            .sub_agents
            .iter()
            .flat_map(|sub| sub.agent.tools.iter().map(|tool| tool.name.as_str()))
            .collect();
        let mut all: Vec<&str> = profile.operations.iter().map(|operation| operation.name.as_str()).collect();
        names.sort_unstable();
        all.sort_unstable();
        assert_eq!(names, all, "each operation belongs to exactly one of the two");
    }
}
