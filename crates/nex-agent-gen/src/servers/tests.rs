use super::*;
use crate::forge::{ForgeRequest, forge};
use expect_test::expect;

fn catalogue(command: &str) -> String {
    let server = |name: &str, status: &str| json!({"name": name, "transport": {"type": "stdio", "command": command, "args": ["--key", "${env.HOME}"]}, "status": status, "start_ms": 3});
    let tool = |server: &str, tool: &str, reads: bool| json!({"server": server, "tool": tool, "description": "{{ 7 * 7 }}", "input_schema": {}, "annotations": {"read_only": reads}});
    let catalogue = json!({"version": 1,
    "servers": [server("Git {{x}}", "listed"), server("files", "listed"), server("notes", "listed"), server("db", "failed")],
    "tools": [
        tool("Git {{x}}", "git_log", true), tool("Git {{x}}", "git_diff", true),
        tool("files", "read_file", true), tool("files", "write_file", false), tool("files", "listDirectory", true),
        tool("notes", "read_graph", true), tool("notes", "add", false), tool("notes", "open_nodes", true), tool("notes", "search_file", true),
    ]});
    catalogue.to_string()
}

fn forged(sentence: &str, pattern: WorkflowPattern) -> Forged {
    let request = ForgeRequest {
        sentence: sentence.to_owned(),
        pattern: Some(pattern),
        domain: Some("veterinary".to_owned()),
        ..ForgeRequest::default()
    };
    let request = match forge(&request) {
        Err(ForgeError::UnknownDomain(_)) => ForgeRequest { domain: None, ..request },
        _ => request,
    };
    forge(&request).expect("a framework")
}

#[test]
fn sentences_call_for_servers() {
    let told = |sentence: &str| Need::of(sentence).iter().map(Need::to_string).collect::<Vec<_>>().join(", ");
    let table = [
        "review commits of a git repository and draw charts",
        "a team that files claims in a database",
        "Profile the Staff Directory; keep PDFs",
        "a digit reader, legit",
        "",
    ];
    let table: Vec<String> =
        table.iter().map(|sentence| format!("{sentence:?}: {}", told(sentence))).collect();
    expect![[r#"
        "review commits of a git repository and draw charts": git repositories, charts
        "a team that files claims in a database": files and folders, SQL databases
        "Profile the Staff Directory; keep PDFs": files and folders, documents
        "a digit reader, legit": 
        "": "#]]
    .assert_eq(&table.join("\n"));
}

#[test]
fn servers_go_to_the_agents_whose_duty_it_is() {
    let offers = Offers::read(&catalogue("server")).expect("a catalogue");
    let sentence = "a veterinary practice that looks at a git repository, writes files and queries SQL";
    for pattern in WorkflowPattern::ALL {
        let forged = forged(sentence, pattern);
        let equipped =
            equip(forged.clone(), Some(&offers)).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert_eq!(equip(forged.clone(), Some(&offers)).expect("again"), equipped, "the same bytes");
        let manifest = &equipped.manifest;
        let servers: Vec<(&str, bool)> =
            manifest.servers.iter().map(|server| (server.name.as_str(), server.only_reads)).collect();
        assert_eq!(servers, [("files", false), ("git___x", true)], "{pattern}");
        for server in &manifest.servers {
            assert!(!server.agents.is_empty(), "{pattern}: {server:?}");
            for name in &server.agents {
                let agent =
                    manifest.plan.agents.iter().find(|agent| agent.name == *name).expect("it is planned");
                let changes = matches!(agent.duty, Duty::Specialist | Duty::Changer);
                let lone = server.agents.len() == 1;
                assert!(server.only_reads || changes || lone, "{pattern}: {name} only reads");
                let file = equipped.files.iter().find(|file| file.path == format!("agents/{name}.yaml"));
                let text = &file.expect("it has a file").text;
                assert!(text.contains(&format!("  - name: {}\n    type: stdio\n", server.name)), "{text}");
                assert!(text.contains(&format!("- mcp__{}__…", server.name)), "{text}");
            }
        }
        // What a server says of itself reaches no file of an agent.
        assert!(
            equipped
                .files
                .iter()
                .skip(1)
                .all(|file| !file.text.contains("7 * 7") && !file.text.contains("{{x}}"))
        );
        assert!(
            manifest.brief.notes.iter().any(|note| note.contains("SQL databases, and no server")),
            "{pattern}"
        );
    }
}

#[test]
fn without_a_catalogue_the_wish_is_told_and_nothing_else_changes() {
    let plain = forged("a team that reads pdfs", WorkflowPattern::TwoLayers);
    let told = equip(plain.clone(), None).expect("a framework");
    assert!(
        told.manifest
            .brief
            .notes
            .iter()
            .any(|note| note.contains("documents") && note.contains("nex tools catalogue"))
    );
    assert_eq!(told.files[1..], plain.files[1..]);
    let nothing = forged("a team lead", WorkflowPattern::TwoLayers);
    assert_eq!(equip(nothing.clone(), None).expect("a framework"), nothing);
    // A server is bound by its name too, whatever it is for.
    let named = forged("a team with the notes server", WorkflowPattern::TwoLayers);
    let offers = Offers::read(&catalogue("server")).expect("a catalogue");
    let equipped = equip(named, Some(&offers)).expect("a framework");
    assert_eq!(equipped.manifest.servers[0].catalogue_name, "notes");
}

#[test]
fn what_cannot_be_bound_is_told() {
    let read = |json: &str| Offers::read(json).map_err(|error| error.to_string());
    expect!["a catalogue of version 7; this program reads version 1: make it anew"]
        .assert_eq(&read(r#"{"version": 7}"#).expect_err("another version"));
    assert!(read("[]").expect_err("none").contains("nex tools catalogue"));
    let unset = catalogue("${env.NEX_SURELY_NOT_SET}");
    let offers = read(&unset).expect("a catalogue");
    let equipped = equip(forged("git", WorkflowPattern::SingleAgent), Some(&offers)).expect("a framework");
    let notes = equipped.manifest.brief.notes.join("\n");
    assert!(
        notes.contains("NEX_SURELY_NOT_SET is not set") && equipped.manifest.servers.is_empty(),
        "{notes}"
    );
    let long = unset.replace("git_diff", &"d".repeat(60)).replace("${env.NEX_SURELY_NOT_SET}", "server");
    let offers = read(&long).expect("a catalogue");
    let equipped =
        equip(forged("git commits", WorkflowPattern::SingleAgent), Some(&offers)).expect("a framework");
    assert!(equipped.manifest.brief.notes.join("\n").contains("longer than 64"));
}
