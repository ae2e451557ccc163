use super::compose::draw;
use super::*;
use std::collections::{BTreeMap, BTreeSet};

fn ask(domain: &str, complexity: Complexity) -> WorldRequest {
    WorldRequest { domain: Some(domain.to_owned()), complexity, ..WorldRequest::default() }
}

#[test]
fn every_domain_gives_sound_worlds_at_every_level() {
    let (mut wrong, mut drawn) = (Vec::new(), 0);
    for (at, domain) in domains().iter().enumerate() {
        for complexity in Complexity::all() {
            let seed = at as u64 * 10 + u64::from(complexity.level());
            let world = draw(domain, complexity, seed, 0);
            drawn += 1;
            if let Err(cause) = check_world(&world.yaml, &world.name, 0..1) {
                wrong.push(format!("{} level {} seed {seed}: {cause}", domain.id, complexity.level()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {drawn} fail:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn domains_are_many_and_complete() {
    assert!(domains().len() >= 40, "{}", domains().len());
    let ids: BTreeSet<&str> = domains().iter().map(|domain| domain.id.as_str()).collect();
    assert_eq!(ids.len(), domains().len(), "an id stands twice");
    for domain in domains() {
        assert_eq!(domain.case.verbs.len() + 1, domain.case.stages.len(), "{}", domain.id);
        assert!(domain.money.min < domain.money.max, "{}", domain.id);
        assert!(domain.rules.iter().any(|rule| rule.on == Deed::Stop), "{}: no rule on ending", domain.id);
        for rule in &domain.rules {
            assert!(domain.kind.values.contains(&rule.kind), "{}: no kind `{}`", domain.id, rule.kind);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let mut seen = BTreeSet::new();
    for seed in 0..6 {
        let request = ask("container_port", Complexity::MEDIUM);
        let world = compose(&request, seed).expect("it composes");
        assert_eq!(world, compose(&request, seed).expect("it composes"));
        assert!(seen.insert(world.yaml.clone()), "seed {seed} repeats a world");
        assert!(world.yaml.starts_with(&format!("world: {}\n", world.name)));
    }
}

#[test]
fn the_plan_says_what_the_world_has() {
    let world = compose(&ask("pharmacy", Complexity::LARGE), 5).expect("it composes");
    let loaded = nex_world::World::from_yaml(&world.yaml, &world.name).expect("it loads");
    let names: Vec<&str> = loaded.operations().iter().map(|op| op.name.as_str()).collect();
    let planned: Vec<&str> = world.plan.operations.iter().map(|op| op.name.as_str()).collect();
    assert_eq!(names, planned);
    let entities: Vec<&str> = loaded.schema().entities().iter().map(|entity| entity.name.as_str()).collect();
    let planned: Vec<&str> = world.plan.entities.iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(entities, planned);
    assert_eq!(loaded.policies().len(), world.plan.policies.len());
    assert!(world.plan.policies.iter().any(|policy| !policy.is_enforced), "nothing is left to the agent");
    let json = serde_json::to_string(&world.plan).expect("it is data");
    assert_eq!(serde_json::from_str::<WorldPlan>(&json).expect("it reads"), world.plan);
}

/// Entropy in bits of how often each value occurs.
fn entropy(counts: &BTreeMap<String, u32>) -> f64 {
    let all = f64::from(counts.values().sum::<u32>());
    counts.values().map(|count| f64::from(*count) / all).map(|share| -share * share.log2()).sum()
}

#[test]
fn axes_vary_over_seeds() {
    let mut axes: BTreeMap<&str, BTreeMap<String, u32>> = BTreeMap::new();
    let domain = &domains()[0];
    for seed in 0..300 {
        let complexity = Complexity::all().nth(seed % 5).expect("five levels");
        let plan = draw(domain, complexity, seed as u64, 0).plan;
        let families = |of: &[PlannedOperation]| {
            let set: BTreeSet<&str> = of.iter().map(|op| op.family.as_str()).collect();
            set.into_iter().collect::<Vec<_>>().join(" ")
        };
        let policies: BTreeSet<&str> = plan.policies.iter().map(|policy| policy.family.as_str()).collect();
        for (axis, value) in [
            ("shape", format!("{:?}", plan.shape)),
            ("entities", plan.entities.len().to_string()),
            ("roles", plan.entities.iter().map(|entity| format!("{:?} ", entity.role)).collect()),
            ("operations", families(&plan.operations)),
            ("policies", policies.into_iter().collect::<Vec<_>>().join(" ")),
            ("dynamics", plan.dynamics.join(" ")),
        ] {
            *axes.entry(axis).or_default().entry(value).or_default() += 1;
        }
        assert!((2..=8).contains(&plan.entities.len()), "{} entities", plan.entities.len());
    }
    for (axis, least) in [
        ("shape", 1.9),
        ("entities", 2.2),
        ("roles", 4.0),
        ("operations", 6.0),
        ("policies", 2.5),
        ("dynamics", 2.0),
    ] {
        let found = entropy(&axes[axis]);
        assert!(found >= least, "axis {axis} has {found:.2} bits, fewer than {least}: {:?}", axes[axis]);
    }
}

#[test]
fn operations_are_within_reach_of_tasks() {
    let (mut all, mut missed) = (0, Vec::new());
    for (at, domain) in domains().iter().enumerate().step_by(9) {
        let world = draw(domain, Complexity::MEDIUM, at as u64, 0);
        let check = check_world(&world.yaml, &world.name, 0..30).expect("it is sound");
        all += world.plan.operations.len();
        missed.extend(check.uncalled.into_iter().map(|op| format!("{}: {op}", domain.id)));
    }
    assert!(missed.len() * 20 <= all, "{} of {all} operations are never called: {missed:?}", missed.len());
}

#[test]
fn retries_are_rare() {
    let mut retries = 0;
    for seed in 0..40 {
        let request = WorldRequest {
            complexity: Complexity::all().nth(seed % 5).expect("five levels"),
            ..WorldRequest::default()
        };
        retries += compose(&request, seed as u64).expect("it composes").plan.attempts - 1;
    }
    assert!(retries <= 1, "{retries} retries in 40 worlds");
}

#[test]
fn what_cannot_be_asked_for_is_named() {
    let error = compose(&ask("container_prot", Complexity::SMALL), 1).expect_err("there is no such domain");
    let ComposeError::UnknownDomain { near, .. } = &error else { panic!("{error}") };
    assert_eq!(near[0], "container_port", "{error}");
    assert!(serde_json::from_str::<Complexity>("6").is_err());
    assert!(serde_json::from_str::<Complexity>("0").is_err());
}
