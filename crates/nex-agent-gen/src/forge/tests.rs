use super::*;
use crate::framework::Duty;
use expect_test::expect;

fn of(sentence: &str) -> ForgeRequest {
    ForgeRequest { sentence: sentence.to_owned(), ..ForgeRequest::default() }
}

#[test]
fn a_sentence_decides_what_it_says_and_the_seed_the_rest() {
    let request = ForgeRequest { agents: Some(4), ..of("a team lead at a veterinary practice") };
    let forged = forge(&request).unwrap();
    let manifest = &forged.manifest;
    assert_eq!(manifest.plan.pattern, WorkflowPattern::TwoLayers);
    assert_eq!(manifest.plan.agents.len(), 4);
    assert_eq!(manifest.plan.agents[0].duty, Duty::Lead);
    assert!(manifest.world.domain.contains("vet"), "{}", manifest.world.domain);
    assert_eq!(forge(&request).unwrap(), forged, "the same bytes");
    assert_ne!(forge(&ForgeRequest { seed: 1, ..request }).unwrap().files, forged.files);
}

#[test]
fn a_domain_that_hardly_fits_is_told() {
    let notes = |sentence: &str| forge(&of(sentence)).unwrap().manifest.brief.notes;
    assert_eq!(notes("appointments at a veterinary practice with treatments of animals"), [""; 0]);
    assert_eq!(notes("a code reviewer system"), [""; 0]);
    let told = notes("a choir of whistling kettles");
    assert!(told[0].contains("no domain fits the sentence well"), "{told:?}");
}

#[test]
fn any_sentence_gives_a_framework_or_a_named_failure() {
    for sentence in
        ["", "医院的出院流程", "${env.HOME} {{ 7*7 }} ../../etc/passwd\u{0}", &"very ".repeat(5_000)]
    {
        let forged = forge(&of(sentence)).unwrap();
        assert_eq!(forged.files[0].path, MANIFEST_FILE);
        for file in &forged.files {
            assert!(!file.path.starts_with('/') && !file.path.contains(".."), "{}", file.path);
        }
        // The sentence itself stands in the manifest only, as data.
        assert!(forged.files.iter().skip(1).all(|file| !file.text.contains("7*7")));
    }
    let told = |request: ForgeRequest| forge(&request).unwrap_err().to_string();
    expect!["40 agents: a framework has 1 to 34"].assert_eq(&told(of("a team of 40 agents")));
    expect!["there is no domain `nowhere`; `nex forge --domains` lists them"]
        .assert_eq(&told(ForgeRequest { domain: Some("nowhere".into()), ..of("") }));
    let pattern = Some(WorkflowPattern::HubAndSpoke);
    expect!["hub_and_spoke takes 3 to 12 agents, not 20"].assert_eq(&told(ForgeRequest {
        pattern,
        agents: Some(20),
        ..of("")
    }));
}

#[test]
fn a_fleet_is_spread_out_and_the_same_on_any_number_of_threads() {
    let request = FleetRequest { count: 36, seed: 5, threads: 1 };
    let mut told = 0;
    let fleet = forge_fleet(&request, &NoRehearsal, || told += 1).unwrap();
    assert_eq!((told, fleet.frameworks.len()), (36, 36));
    assert_eq!(forge_fleet(&FleetRequest { threads: 3, ..request }, &NoRehearsal, || {}).unwrap(), fleet);
    let axis = |name: &str| fleet.diversity.axes[name].counts.len();
    assert_eq!(axis("pattern"), WorkflowPattern::ALL.len());
    assert!(axis("agents") > 15 && axis("domain") > 30, "{:#?}", fleet.diversity.axes);
    assert!(fleet.diversity.likeness_max < fleet::NEAR_DUPLICATE);
}
