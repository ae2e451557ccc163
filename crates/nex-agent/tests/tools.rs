//! Where tools come from: bindings, the environment under another name, and MCP servers.

mod common;

use common::*;
use expect_test::expect;
use nex_agent::{Agent, AgentSpec, LoadOptions, ToolBindings, ToolEntry, load_agent_text};
use nex_tools::{McpPool, PoolConfig};
use serde_json::{Map, Value, json};
use std::io::{BufRead, Write};
use std::sync::Arc;

fn error_of(tools: Vec<ToolEntry>) -> String {
    let mut bindings = ToolBindings::new();
    bindings.bind_tool("builtin:echo", echo());
    bindings.bind("builtin:sad", Arc::new(|request| Err(format!("no {} today", request.name))));
    let mut spec = AgentSpec::new("a");
    spec.tools = tools;
    match Agent::compile(spec, &bindings) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn bound(name: &str, binding: &str) -> ToolEntry {
    ToolEntry { binding: Some(binding.into()), ..ToolEntry::environment(name) }
}

#[test]
fn what_cannot_be_bound() {
    let mut bad = bound("b", "builtin:echo");
    bad.spec = Some(spec("b", json!({"type": 5})));
    let table = [
        error_of(vec![bound("e", "nexau.archs.tool.builtin.x:echo")]),
        error_of(vec![bound("e", "builtin:ecko")]),
        error_of(vec![bound("e", "my.module:function")]),
        error_of(vec![bound("s", "builtin:sad")]),
        error_of(vec![bound("e", "builtin:echo"), bound("e", "env:other")]),
        error_of(vec![bad]),
    ];
    expect![[r#"
        no error
        agent `a` binds tool `e` to `builtin:ecko`, which nothing implements here; known bindings: `builtin:echo`, `builtin:sad`
        agent `a` binds tool `e` to `my.module:function`, which nothing implements here; known bindings: `builtin:echo`, `builtin:sad`
        agent `a`: cannot make tool `s`: no s today
        agent `a` has two tools named `e`; rename one in its `tools` entry
        agent `a`: input schema of tool `b` is no valid JSON Schema: 5 is not valid under any of the schemas listed in the 'anyOf' keyword"#]].assert_eq(&table.join("\n"));
}

#[tokio::test]
async fn a_tool_under_another_name_with_hidden_arguments() {
    let mut entry = bound("shout", "env:echo");
    entry.spec =
        Some(spec("shout", json!({"type": "object", "properties": {"text": {}}, "required": ["text"]})));
    entry.extra_kwargs = Map::from_iter([("fail".to_owned(), Value::Bool(true))]);
    let mut agent = AgentSpec::new("solo");
    agent.tools = vec![entry];
    let model = script(vec![(
        "solo",
        vec![
            call(&[
                ("a", "shout", json!({"text": "x"})),
                ("b", "shout", json!({"text": 5})),
                ("c", "echo", json!({"text": "x"})),
            ]),
            say("done"),
        ],
    )]);
    let record = compile(agent).run("do it", context(model, vec![echo()])).await;
    expect![[r#"
        t (solo)
          0 user: "do it"
          1 assistant: a shout({"text":"x"})
          1 assistant: b shout({"text":5})
          1 assistant: c echo({"text":"x"})
            defect UnknownTool c: there is no tool `echo` The tools are: shout
          2 tool: a -> error "x"
          2 tool: b -> error "invalid arguments at `/text`: 5 is not of type \"string\""
          2 tool: c -> error "there is no tool `echo` The tools are: shout"
          3 assistant: "done"
          stop: FinalAnswer
          answer: "done"
    "#]]
    .assert_eq(&show(&record));
}

/// A server with one tool, `count`, that counts its calls.
#[test]
#[ignore = "not a test: the tests start this program again to be their server"]
fn mcp_server() {
    let mut calls = 0;
    // The test harness may have begun a line.
    let _ = std::io::stdout().lock().write_all(b"\n");
    for line in std::io::stdin().lock().lines() {
        let Ok(Ok(request)) = line.map(|line| serde_json::from_str::<Value>(&line)) else { return };
        let Some(id) = request.get("id") else { continue };
        let result = match request["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": request["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "counter", "version": "1"},
            }),
            Some("tools/list") => json!({"tools": [{
                "name": "count", "description": "Counts.", "inputSchema": {"type": "object", "properties": {}},
            }]}),
            Some("tools/call") => {
                calls += 1;
                json!({"content": [{"type": "text", "text": calls.to_string()}]})
            }
            Some("ping") => json!({}),
            _ => Value::Null,
        };
        let reply = match result {
            Value::Null => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "unknown method"}})
            }
            result => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        };
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{reply}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

fn counting_agent() -> AgentSpec {
    let program = std::env::current_exe().expect("this program has a path");
    let yaml = format!(
        "name: solo\nmcp_servers:\n  - name: counter\n    command: {}\n    args: [--exact, mcp_server, --ignored, --nocapture]\n",
        program.display()
    );
    load_agent_text(&yaml, "a.yaml", &LoadOptions::default()).expect("a right file")
}

fn counting_model() -> Arc<dyn nex_llm::ChatModel> {
    let count = || call(&[("x", "mcp__counter__count", json!({}))]);
    let two = call(&[("y", "mcp__counter__count", json!({})), ("z", "mcp__counter__count", json!({}))]);
    script(vec![("solo", vec![count(), two, say("done")])])
}

#[tokio::test]
async fn a_servers_state_lasts_for_one_run() {
    let pool = Arc::new(McpPool::new(PoolConfig::default()));
    let agent = compile(counting_agent());
    for _ in 0..2 {
        let mut context = context(counting_model(), vec![]);
        context.mcp = Some(pool.clone());
        let record = agent.run("count", context).await;
        let mut results: Vec<String> =
            record.nodes.iter().flat_map(|node| node.message.results().map(|r| r.text())).collect();
        // The two of one reply run at the same time: which is first is the server's affair.
        results.sort();
        assert_eq!(results, ["1", "2", "3"], "{}", show(&record));
        assert_eq!(record.answer.as_deref(), Some("done"));
    }
    pool.close().await;
}

#[tokio::test]
async fn a_run_without_pool_or_server_is_an_infra_failure() {
    let record = compile(counting_agent()).run("count", context(counting_model(), vec![])).await;
    expect![[r#"
        t (solo)
          0 user: "count"
          stop: Infra(InfraFailure { kind: "no_mcp_pool", message: "agent `solo` needs MCP server `counter`, and this run has no pool of servers" })
    "#]].assert_eq(&show(&record));

    let mut spec = counting_agent();
    spec.mcp_servers[0].server = nex_tools::McpServerSpec::stdio("gone", "/nonexistent/server", [""; 0]);
    let mut context = context(counting_model(), vec![]);
    context.mcp = Some(Arc::new(McpPool::new(PoolConfig::default())));
    let record = compile(spec).run("count", context).await;
    assert_eq!(record.stop.name(), "infra", "{}", show(&record));
    assert_eq!(record.turn_count(), 0);
}
