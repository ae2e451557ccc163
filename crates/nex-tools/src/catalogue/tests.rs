use super::*;
use expect_test::expect;
use serde_json::json;

fn parse(text: &str, is_yaml: bool) -> Result<ServerList, String> {
    let variable = |name: &str| (name == "TOKEN").then(|| "s3cr3t-value".to_owned());
    ServerList::parse(text, is_yaml, Path::new("lists"), &variable)
}

#[test]
fn both_shapes_are_one_list_and_secrets_stay_out_of_what_is_shown() {
    let common = r#"{"mcpServers": {
        "git": {"command": "bin/git-server", "args": ["--key", "hunter22", 3], "env": {"KEY": "hunter22"}, "autoApprove": []},
        "web": {"type": "http", "url": "http://localhost/mcp", "headers": {"X-Api-Key": "hunter22", "Authorization": "Bearer ${TOKEN}"}},
        "old": {"type": "sse", "url": "http://localhost/sse"},
        "off": {"command": "x", "disabled": true},
        "unset": {"command": "x", "args": ["${env:NOWHERE}"]},
        "empty": {}
    }}"#;
    let listed = parse(common, false).expect("a list").servers;
    let mut shown = String::new();
    for ListedServer { name, shown: transport, spec, ignored } in &listed {
        let state = spec.as_ref().map(|spec| spec.name.clone());
        shown +=
            &format!("{name}: {} {state:?} {ignored:?}\n", serde_json::to_string(transport).expect("JSON"));
    }
    expect![[r#"
        git: {"type":"stdio","command":"lists/bin/git-server","args":["--key","***","3"],"env":{"KEY":"${env.KEY}"}} Ok("git") ["autoApprove"]
        web: {"type":"http","url":"http://localhost/mcp","headers":{"X-Api-Key":"${env.X_API_KEY}","Authorization":"Bearer ${env.TOKEN}"}} Ok("web") []
        old: {"type":"http","url":"http://localhost/sse","headers":{}} Err("servers of type `sse` are not supported; the protocol has replaced them by streamable HTTP") []
        off: {"type":"stdio","command":"x","args":[],"env":{}} Err("it is disabled in the list") []
        unset: {"type":"stdio","command":"x","args":["${env.NOWHERE}"],"env":{}} Err("the variable NOWHERE is not set") []
        empty: {"type":"stdio","command":"","args":[],"env":{}} Err("it has neither `command` nor `url`") []
    "#]]
    .assert_eq(&shown);
    let McpTransport::Stdio { args, .. } = &listed[0].spec.as_ref().expect("it is right").transport else {
        panic!("a process");
    };
    assert_eq!(args, &["--key", "hunter22", "3"]);
    let listed = "servers:\n  - {name: git, command: git-server, args: [a]}\n  - name: web\n    url: http://localhost/mcp\n";
    let names: Vec<String> =
        parse(listed, true).expect("a list").servers.into_iter().map(|server| server.name).collect();
    assert_eq!(names, ["git", "web"]);
}

#[test]
fn what_is_no_list_is_told() {
    let told = |text: &str| parse(text, false).expect_err("no list");
    expect![[r#"no key `mcpServers` or `servers`; a list of servers is {"mcpServers": {"NAME": {"command": …, "args": […]}}}, or a list of {name: NAME, command: …}"#]]
        .assert_eq(&told("{}"));
    assert!(told(r#"[{"command": "x"}]"#).starts_with("entry 1 has no `name`"));
    expect!["the name `a` stands twice; names tell servers apart"]
        .assert_eq(&told(r#"[{"name": "a", "command": "x"}, {"name": "a", "command": "y"}]"#));
    assert!(told("{").contains("EOF"));
}

fn entry(server: &str, tool: &str, description: &str) -> CatalogueEntry {
    CatalogueEntry {
        server: server.to_owned(),
        tool: tool.to_owned(),
        description: description.to_owned(),
        input_schema: json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        output_schema: None,
        annotations: ToolAnnotations { read_only: Some(true), ..ToolAnnotations::default() },
    }
}

fn small() -> Catalogue {
    let transport =
        McpTransport::Stdio { command: "x".into(), args: vec![], env: Default::default(), cwd: None };
    let state = ServerState::Failed { kind: "spawn".into(), cause: "it is not there".into() };
    Catalogue {
        version: CATALOGUE_VERSION,
        servers: vec![CatalogueServer { name: "gone".into(), transport, state }],
        tools: vec![
            entry("files", "read_text_file", "Read the complete contents of a file as text."),
            entry("files", "writeFile", "Create a new file or overwrite an existing one."),
            entry("git", "git_log", "Shows the commit logs."),
            entry("db", "read_query", "Execute a SELECT query."),
        ],
    }
}

#[test]
fn words_find_tools() {
    let catalogue = small();
    let found = |query: &str| -> Vec<&str> {
        search(&catalogue, query, 9).into_iter().map(|hit| hit.entry.tool.as_str()).collect()
    };
    assert_eq!(found("reading files")[0], "read_text_file");
    assert_eq!(found("write a file")[0], "writeFile");
    assert_eq!(found("commits"), ["git_log"]);
    assert_eq!(found("queries"), ["read_query"]);
    assert_eq!(found("helicopter 直升机 \u{0}"), [""; 0]);
    assert_eq!(search(&catalogue, "file", 1).len(), 1);
    assert!(search(&Catalogue { tools: vec![], ..small() }, "file", 3).is_empty());
}

#[test]
fn a_catalogue_is_read_as_it_was_written_and_others_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made/catalogue.json");
    small().save(&path).expect("it is written");
    assert_eq!(Catalogue::load(&path).expect("it is read"), small());
    let refused = |text: &str| {
        std::fs::write(&path, text).expect("written");
        let told = Catalogue::load(&path).expect_err("no catalogue").to_string();
        told.replace(&path.display().to_string(), "FILE")
    };
    expect!["FILE: a catalogue of version 2; this program reads version 1: make it anew"]
        .assert_eq(&refused(r#"{"version": 2}"#));
    expect![
        "FILE: this is no catalogue: it has no `version`; `nex tools catalogue LIST --out FILE` makes one"
    ]
    .assert_eq(&refused("[]"));
    assert!(refused(r#"{"version": 1, "servers": []}"#).contains("missing field `tools`"));
}
