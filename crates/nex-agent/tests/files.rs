//! Agent files as a table: what is in the folder, and what the loader says of it.

use expect_test::{Expect, expect};
use nex_agent::{AgentError, LoadOptions, RunnableSpec, check, load_agent, load_agent_text, load_runnable};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Self(dir)
    }

    fn options(&self) -> LoadOptions {
        let environment =
            BTreeMap::from([("KEY".to_owned(), "s3cret".to_owned()), ("TEMP".to_owned(), "0.5".to_owned())]);
        LoadOptions { root: Some(self.0.path().to_owned()), environment: Some(environment) }
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("a.yaml")
    }

    /// What `check` says, with the folder's name left out.
    fn findings(&self) -> String {
        let found: Vec<String> =
            check(self.path(), &self.options()).iter().map(ToString::to_string).collect();
        found
            .join("\n")
            .replace(&format!("{}/", self.0.path().display()), "")
            .replace(&self.0.path().display().to_string(), "ROOT")
    }
}

fn findings(files: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&Folder::new(files).findings());
}

#[test]
fn a_whole_agent() {
    let folder = Folder::new(&[
        ("a.yaml", "
type: agent
name: lead
description: Leads.
variables: {team: {size: 3}, tags: [x, y]}
system_prompt: prompts/lead.md
system_prompt_type: jinja
system_prompt_suffix: Be brief.
llm_config:
  model: m
  base_url: http://localhost:1/v1
  api_key: ${env.KEY}
  temperature: ${env.TEMP}
  max_tokens: 100
  stream: true
  timeout: 20
  reasoning: {effort: high}
tools:
  - name: search
    yaml_path: ./tools/search.yaml
    binding: nexau.archs.tool.builtin.web_tools:google_web_search
    extra_kwargs: {region: eu}
  - name: lookup_*
  - name: done
stop_tools: [done]
sub_agents:
  - {name: helper, config_path: sub/b.yaml}
mcp_servers:
  - {name: files, type: stdio, command: server, args: [\"${this_file_dir}\", \"${HOME}\"], env: {TOKEN: \"${env.KEY}\"}, timeout: 5}
  - {name: web, type: http, url: \"http://localhost/mcp\", headers: {X: y}}
context: {tags: \"${variables.tags}\", label: \"team of ${variables.team.size}\"}
max_iterations: 7
timeout: 1.5
token_budget: 1000
"),
        ("prompts/lead.md", "Lead {{ label }}.\n"),
        ("tools/search.yaml", "type: tool\nname: web_search\ndescription: Searches.\ninput_schema:\n  type: object\n  properties: {query: {type: string}}\n  required: [query]\n"),
        ("sub/b.yaml", "name: b\nsystem_prompt: [You help., {content: Really., cache: false}]\ntools: [{name: x, binding: \"env:y\"}]\n"),
    ]);
    let agent = load_agent(folder.path(), &folder.options()).expect("a right file");
    let shown = serde_json::to_string_pretty(&agent).expect("a spec is JSON");
    let shown = shown.replace(&folder.0.path().display().to_string(), "ROOT");
    expect![[r#"
        {
          "name": "lead",
          "description": "Leads.",
          "system_prompt": [
            {
              "content": "Lead {{ label }}.\n",
              "cache": true
            }
          ],
          "system_prompt_suffix": "Be brief.",
          "llm": {
            "model": "m",
            "base_url": "http://localhost:1/v1",
            "api_type": null,
            "sampling": {
              "temperature": 0.5,
              "top_p": null,
              "max_tokens": 100,
              "stop": [],
              "seed": null,
              "logprobs": false,
              "extra": {
                "reasoning": {
                  "effort": "high"
                }
              }
            },
            "timeout_s": 20.0,
            "max_retries": null,
            "stream": true
          },
          "tools": [
            {
              "name": "search",
              "spec": {
                "name": "search",
                "description": "Searches.",
                "input_schema": {
                  "type": "object",
                  "properties": {
                    "query": {
                      "type": "string"
                    }
                  },
                  "required": [
                    "query"
                  ]
                }
              },
              "binding": "nexau.archs.tool.builtin.web_tools:google_web_search",
              "extra_kwargs": {
                "region": "eu"
              },
              "is_serial": false
            },
            {
              "name": "lookup_*",
              "spec": null,
              "binding": null,
              "extra_kwargs": {},
              "is_serial": false
            },
            {
              "name": "done",
              "spec": null,
              "binding": null,
              "extra_kwargs": {},
              "is_serial": false
            }
          ],
          "sub_agents": [
            {
              "name": "helper",
              "agent": {
                "name": "b",
                "description": "",
                "system_prompt": [
                  {
                    "content": "You help.",
                    "cache": true
                  },
                  {
                    "content": "Really.",
                    "cache": false
                  }
                ],
                "system_prompt_suffix": "",
                "llm": {
                  "model": null,
                  "base_url": null,
                  "api_type": null,
                  "sampling": {
                    "temperature": null,
                    "top_p": null,
                    "max_tokens": null,
                    "stop": [],
                    "seed": null,
                    "logprobs": false,
                    "extra": {}
                  },
                  "timeout_s": null,
                  "max_retries": null,
                  "stream": false
                },
                "tools": [
                  {
                    "name": "x",
                    "spec": null,
                    "binding": "env:y",
                    "extra_kwargs": {},
                    "is_serial": false
                  }
                ],
                "sub_agents": [],
                "mcp_servers": [],
                "stop_tools": [],
                "context": {},
                "limits": {
                  "max_turns": 100,
                  "max_tool_calls": 1000,
                  "token_budget": null,
                  "max_context_tokens": 128000,
                  "timeout": {
                    "secs": 300,
                    "nanos": 0
                  },
                  "max_depth": 4,
                  "max_running_subagents": 5,
                  "max_parallel_calls": 16,
                  "max_calls_per_turn": 64,
                  "max_repeats": 5,
                  "max_empty_replies": 3
                },
                "source": "ROOT/sub/b.yaml"
              }
            }
          ],
          "mcp_servers": [
            {
              "server": {
                "name": "files",
                "transport": {
                  "type": "stdio",
                  "command": "server",
                  "args": [
                    "ROOT",
                    "${HOME}"
                  ],
                  "env": {
                    "TOKEN": "s3cret"
                  }
                },
                "reset": "restart",
                "shared": false,
                "limits": {
                  "start_timeout_ms": 30000,
                  "call_timeout_ms": 5000,
                  "ping_timeout_ms": 2000,
                  "max_servers": 8,
                  "lease_wait_ms": 120000,
                  "idle_timeout_ms": 300000,
                  "shutdown_grace_ms": 1000,
                  "max_line_bytes": 67108864
                }
              },
              "is_serial": false
            },
            {
              "server": {
                "name": "web",
                "transport": {
                  "type": "http",
                  "url": "http://localhost/mcp",
                  "headers": {
                    "X": "y"
                  }
                },
                "reset": "restart",
                "shared": false,
                "limits": {
                  "start_timeout_ms": 30000,
                  "call_timeout_ms": 60000,
                  "ping_timeout_ms": 2000,
                  "max_servers": 8,
                  "lease_wait_ms": 120000,
                  "idle_timeout_ms": 300000,
                  "shutdown_grace_ms": 1000,
                  "max_line_bytes": 67108864
                }
              },
              "is_serial": false
            }
          ],
          "stop_tools": [
            "done"
          ],
          "context": {
            "tags": [
              "x",
              "y"
            ],
            "label": "team of 3"
          },
          "limits": {
            "max_turns": 7,
            "max_tool_calls": 1000,
            "token_budget": 1000,
            "max_context_tokens": 128000,
            "timeout": {
              "secs": 1,
              "nanos": 500000000
            },
            "max_depth": 4,
            "max_running_subagents": 5,
            "max_parallel_calls": 16,
            "max_calls_per_turn": 64,
            "max_repeats": 5,
            "max_empty_replies": 3
          },
          "source": "ROOT/a.yaml"
        }"#]]
    .assert_eq(&shown);
    assert_eq!(agent.llm.api_key.as_deref(), Some("s3cret"));
    expect![[r#""#]].assert_eq(&folder.findings());
}

#[test]
fn keys_and_types() {
    findings(
        &[(
            "a.yaml",
            "
name: 007
max_iteration: 5
max_iterations: 0
timeout: soon
llm_config: {model: m, stream: yes, temprature: 1, max_tokens: -1}
tools:
  - {name: a, yamlpath: x.yaml}
  - 5
  - {binding: 'env:x'}
  - {name: 'get_*', binding: 'env:x'}
  - {name: a}
sub_agents: {name: x}
mcp_servers:
  - {name: s, type: sse, url: u}
  - {type: pipe}
stop_tools: [1, {a: b}]
system_prompt_type: python
",
        )],
        expect![[r#"
            a.yaml:2:1: error: `system_prompt_type` is `python`; known: string, file, jinja
            a.yaml:2:1: error: two entries of `tools` are named `a`; rename one
            a.yaml:2:7: error: `name` must be text, it is a number; put it in quotes
            a.yaml:3:1: error: unknown key `max_iteration` in the agent; did you mean `max_iterations`?
            a.yaml:4:17: error: `max_iterations` must be a whole number from 1 to 4294967295, it is 0
            a.yaml:5:10: error: `timeout` must be a number, it is text
            a.yaml:6:13: warning: `temprature` in `llm_config` is passed to the API as it is; did you mean `temperature`?
            a.yaml:6:32: error: `stream` must be true or false, it is the text `yes`; in YAML 1.2 that is text: write true
            a.yaml:6:64: error: `max_tokens` must be a whole number from 1 to 4294967295, it is -1
            a.yaml:8:15: error: unknown key `yamlpath` in the `tools` entry; did you mean `yaml_path`?
            a.yaml:9:5: error: the `tools` entry must be a map of keys, it is a number
            a.yaml:10:5: error: the `tools` entry has neither `name` nor `yaml_path`
            a.yaml:11:5: error: `get_*` stands for any number of tools of the environment, so it can have neither `yaml_path`, `binding` nor `extra_kwargs`
            a.yaml:13:13: error: `sub_agents` must be a list, it is a map
            a.yaml:15:5: error: servers of type `sse` are not supported, the protocol has replaced them; use `type: http`
            a.yaml:16:5: error: the `mcp_servers` entry lacks `name`
            a.yaml:16:5: error: `type` is `pipe`; known types: stdio, http
            a.yaml:17:17: error: an item of `stop_tools` must be text, it is a map"#]],
    );
}

#[test]
fn keys_that_come_later() {
    findings(
        &[(
            "a.yaml",
            "
name: later
tool_call_mode: xml
skills: [a]
middlewares: []
permissions: {deny: [x]}
sandbox_config: {type: local}
tools: [{name: a, as_skill: true, permissions: {allow: [x]}}]
llm_config: {cache_control_ttl: 5m}
",
        )],
        expect![[r#"
    a.yaml:2:1: warning: `tool_call_mode: xml` is a known NexAU value that is not supported yet: calls are made in the provider's own format
    a.yaml:4:9: warning: `skills` is a known NexAU key that is not supported yet: it has no effect
    a.yaml:5:14: warning: `middlewares` is a known NexAU key that is not supported yet: it has no effect
    a.yaml:6:14: error: `permissions` is a known NexAU key that is not supported yet: without it the agent could do what the file forbids; remove it to accept that
    a.yaml:7:17: warning: `sandbox_config` is a known NexAU key that is not supported yet: it has no effect
    a.yaml:8:29: warning: `as_skill` is a known NexAU key that is not supported yet: the tool is offered from the start
    a.yaml:8:48: error: `permissions` is a known NexAU key that is not supported yet: without it the tool could do what the file forbids; remove it to accept that
    a.yaml:9:33: warning: `cache_control_ttl` is a known NexAU key that is not supported yet: it has no effect"#]],
    );
}

#[test]
fn yaml_that_is_none() {
    let table: [(&str, Expect); 12] = [
        ("name: [a", expect!["a.yaml:1:7: error: unclosed bracket '['"]),
        (
            "name: a\n\ttools: []",
            expect![
                "a.yaml:1:7: error: while scanning a plain scalar, found a tab; indent with spaces, YAML allows no tabs there"
            ],
        ),
        ("name: a\nname: b", expect!["a.yaml:2:1: error: key `name` stands twice in this map; remove one"]),
        (
            "context: {a: 1, a: 2}",
            expect!["a.yaml:1:17: error: key `a` stands twice in this map; remove one"],
        ),
        ("- a\n- b", expect!["a.yaml:1:1: error: the agent must be a map of keys, it is a list"]),
        ("", expect!["a.yaml: error: the file is empty"]),
        (
            "name: a\n---\nname: b",
            expect![
                "a.yaml:2:1: error: more than an agent file may hold: one document, at most 64 levels and 100000 values"
            ],
        ),
        ("name: *nowhere", expect!["a.yaml:1:7: error: alias references unknown anchor"]),
        (
            "name: !!python/object:os.system x",
            expect!["a.yaml:1:33: error: unsupported tag `!!python/object:os.system`"],
        ),
        ("name: &a [*a]", expect!["a.yaml:1:11: error: an anchor contains itself"]),
        ("name: a\ncontext: {x: .nan}", expect!["a.yaml:2:14: error: a number must be finite"]),
        ("{{ not_yaml }}", expect!["a.yaml:1:2: error: expected string scalar"]),
    ];
    for (text, expected) in table {
        expected.assert_eq(&Folder::new(&[("a.yaml", text)]).findings());
    }
}

#[test]
fn hostile_yaml_is_refused_fast() {
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (before, name) in "abcdefghi".chars().zip("bcdefghij".chars()) {
        bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(", ")));
    }
    let deep_flow = format!("name: {}", "[".repeat(100_000));
    let deep_block: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let huge = format!("name: \"{}\"", "x".repeat(5 * 1024 * 1024));
    let many_keys: String = (0..300_000).map(|i| format!("k{i}: 1\n")).collect();
    for (what, text) in [
        ("bomb", bomb),
        ("deep flow", deep_flow),
        ("deep block", deep_block),
        ("huge", huge),
        ("many", many_keys),
    ] {
        let start = Instant::now();
        let error = load_agent_text(&text, "a.yaml", &LoadOptions::default()).expect_err(what);
        assert!(error.to_string().len() < 500, "{what}: {error}");
        // A generous bound against blow-up, not a benchmark.
        assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
    }
}

#[test]
fn files_that_are_not_there_or_not_allowed() {
    findings(
        &[
            (
                "a.yaml",
                "
name: a
system_prompt: nowhere.md
system_prompt_type: file
tools:
  - {name: t, yaml_path: ../../etc/passwd}
  - {name: u, yaml_path: /etc/passwd}
  - {name: v, yaml_path: \"pkg:nexau/x.yaml\"}
  - {name: w, yaml_path: sub}
  - {name: x, yaml_path: bad.yaml}
sub_agents:
  - {name: b, config_path: missing.yaml}
  - {name: c}
",
            ),
            ("sub/x.txt", ""),
            ("bad.yaml", "name: bad\ninput_schema: {type: strin}\nimplementation: x\n"),
        ],
        expect![[r#"
    a.yaml:3:16: error: cannot read `nowhere.md`: no such file
    a.yaml:6:26: error: `../../etc/passwd` lies outside of `ROOT`, where all files must be
    a.yaml:7:26: error: `/etc/passwd` lies outside of `ROOT`, where all files must be
    a.yaml:8:26: error: `pkg:nexau/x.yaml` names data of a Python package; copy the file beside this one
    a.yaml:9:26: error: cannot read `sub`: it is not a regular file
    a.yaml:12:28: error: cannot read `missing.yaml`: no such file
    a.yaml:13:5: error: the `sub_agents` entry lacks `config_path`
    bad.yaml:2:15: error: input schema of tool `bad` is no valid JSON Schema: "strin" is not valid under any of the schemas listed in the 'anyOf' keyword
    bad.yaml:3:1: error: unknown key `implementation` in the tool; known keys: type, name, description, input_schema, binding, builtin, disable_parallel, lazy, defer_loading, skill_description, search_hint, template_override, formatter"#]],
    );
}

#[test]
fn links_that_lead_out_are_seen_through() {
    let outside = Folder::new(&[("b.yaml", "name: b\n")]);
    let folder = Folder::new(&[("a.yaml", "name: a\nsub_agents: [{name: b, config_path: b.yaml}]\n")]);
    std::os::unix::fs::symlink(outside.0.path().join("b.yaml"), folder.0.path().join("b.yaml"))
        .expect("a link");
    assert!(folder.findings().contains("lies outside of"), "{}", folder.findings());
    let open = LoadOptions { root: None, ..folder.options() };
    assert_eq!(load_agent(folder.path(), &open).map(|agent| agent.sub_agents.len()), Ok(1));
}

#[test]
fn a_file_that_never_ends_is_not_read() {
    let error = load_agent("/dev/zero", &LoadOptions::default()).expect_err("no regular file");
    expect!["/dev/zero: error: cannot read `/dev/zero`: it is not a regular file"]
        .assert_eq(&error.to_string());
}

#[test]
fn text_that_is_not_utf8() {
    let folder = Folder::new(&[]);
    std::fs::write(folder.path(), b"name: \xff\xfe").expect("a file");
    expect!["a.yaml: error: cannot read `a.yaml`: it is not UTF-8, byte 6 is wrong"]
        .assert_eq(&folder.findings());
}

#[test]
fn cycles_are_shown() {
    let sub = |path: &str| format!("name: x\nsub_agents: [{{name: s, config_path: {path}}}]\n");
    let (a, b, c) = (sub("sub/b.yaml"), sub("./c.yaml"), sub("../a.yaml"));
    findings(
        &[("a.yaml", &a), ("sub/b.yaml", &b), ("sub/c.yaml", &c)],
        expect![
            "sub/c.yaml:2:37: error: sub-agents form a cycle: a.yaml -> sub/b.yaml -> sub/c.yaml -> sub/../a.yaml; remove one of these links"
        ],
    );
    findings(
        &[("a.yaml", &sub("a.yaml"))],
        expect!["a.yaml:2:37: error: sub-agents form a cycle: a.yaml -> a.yaml; remove one of these links"],
    );
}

#[test]
fn too_many_levels_and_agents() {
    let chain: Vec<(String, String)> = (0..20)
        .map(|i| {
            (
                format!("n{i}.yaml"),
                format!("name: n{i}\nsub_agents: [{{name: s, config_path: n{}.yaml}}]\n", i + 1),
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> =
        chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("a.yaml", "name: a\nsub_agents: [{name: s, config_path: n0.yaml}]\n"));
    files.push(("n20.yaml", "name: last\n"));
    findings(&files, expect!["n14.yaml:2:37: error: sub-agents are nested more than 16 levels deep"]);

    // Each level names the next three times: 3^10 agents from eleven small files.
    let fan: Vec<(String, String)> = (0..10)
        .map(|i| {
            let name = if i == 0 { "a.yaml".to_owned() } else { format!("f{i}.yaml") };
            let entries: String =
                (0..3).map(|k| format!("  - {{name: s{k}, config_path: f{}.yaml}}\n", i + 1)).collect();
            (name, format!("name: f{i}\nsub_agents:\n{entries}"))
        })
        .collect();
    let mut files: Vec<(&str, &str)> =
        fan.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("f10.yaml", "name: last\n"));
    findings(&files, expect!["f4.yaml:1:1: error: agent `f4` has more than 512 agents below it"]);
}

#[test]
fn variables_cannot_add_structure() {
    let folder = Folder::new(&[(
        "a.yaml",
        "
# ${env.NOT_SET} in a comment is nobody's business
name: a
description: \"${env.EVIL}\"
system_prompt: \"cost ${5} and ${env.KEY\"
",
    )]);
    let mut options = folder.options();
    let evil = "x\nstop_tools: [y]\n\"}]";
    options.environment.as_mut().expect("set above").insert("EVIL".into(), evil.into());
    let agent = load_agent(folder.path(), &options).expect("a right file");
    assert_eq!(agent.description, evil);
    assert!(agent.stop_tools.is_empty());
    assert_eq!(agent.system_prompt[0].content, "cost ${5} and ${env.KEY");
}

#[test]
fn unset_variables() {
    findings(
        &[(
            "a.yaml",
            "
name: ${env.NOBODY}
description: ${variables.a.b}
variables: {a: {c: [1]}}
context: {x: \"n ${variables.a.c}\"}
",
        )],
        expect![[r#"
    a.yaml:2:7: error: environment variable `NOBODY` is not set; set it or remove `${env.NOBODY}`
    a.yaml:3:14: error: `variables` has no `a.b`; define it at the top of this file
    a.yaml:5:14: error: variable `a.c` is a list and cannot stand inside text"#]],
    );
}

#[test]
fn what_compiles_not() {
    findings(
        &[(
            "a.yaml",
            "
name: a
system_prompt: 'Hello {{ nobody }} {{ name_of | nofilter }}'
",
        )],
        expect![[r#"
    a.yaml: error: the prompt cannot be rendered: system_prompt block 1, line 1: filter nofilter is unknown
    a.yaml: warning: the prompt reads `name_of`, which nothing defines: it renders as nothing; define it in `context`
    a.yaml: warning: the prompt reads `nobody`, which nothing defines: it renders as nothing; define it in `context`"#]],
    );
    findings(
        &[(
            "a.yaml",
            "
name: a
system_prompt: '{% if x %}'
",
        )],
        expect![
            "a.yaml: error: agent `a`, system_prompt block 1: template error: line 1: unexpected end of input, expected end of block"
        ],
    );
    findings(
        &[(
            "a.yaml",
            "
name: a
tools: [{name: b}]
stop_tools: [c]
system_prompt: 'Hello {{ nobody }}'
",
        )],
        expect!["a.yaml: error: agent `a` names stop tool `c`, which is not among its tools: `b`"],
    );
}

#[test]
fn pipelines() {
    let folder = Folder::new(&[
        (
            "a.yaml",
            "
type: pipeline
name: line
stages:
  - {name: plan, config_path: b.yaml, instruction: 'Plan {{ task }}'}
  - name: act
    agent: {name: actor, tools: [{name: '*'}]}
timeout: 9
",
        ),
        ("b.yaml", "name: planner\n"),
    ]);
    let Ok(RunnableSpec::Pipeline(line)) = load_runnable(folder.path(), &folder.options()) else {
        panic!("{}", folder.findings())
    };
    let stages: Vec<(&str, &str)> =
        line.stages.iter().map(|s| (s.name.as_str(), s.agent.name.as_str())).collect();
    assert_eq!(stages, [("plan", "planner"), ("act", "actor")]);
    assert_eq!(line.limits.timeout, Duration::from_secs(9));
    assert!(matches!(load_agent(folder.path(), &folder.options()), Err(AgentError::Invalid(_))));

    findings(
        &[("a.yaml", "type: pipeline\nstages: []\n")],
        expect![[r#"
        a.yaml:1:1: error: the pipeline lacks `name`
        a.yaml:1:1: error: the pipeline has no `stages`; list at least one"#]],
    );
    findings(
        &[(
            "a.yaml",
            "
type: pipeline
name: line
stages:
  - {name: x}
  - {name: y, agent: {name: y, toolz: []}, instruction: '{{ task'}
  - {name: y, agent: {name: y}}
max_iterations: 5
",
        )],
        expect![[r#"
    a.yaml:5:5: error: the stage lacks `config_path`
    a.yaml:6:32: error: unknown key `toolz` in the agent; did you mean `tools`?
    a.yaml:7:5: error: two stages are named `y`; rename one
    a.yaml:8:1: error: unknown key `max_iterations` in the pipeline; known keys: type, name, description, max_tool_calls, token_budget, timeout, max_depth, stages"#]],
    );
}

#[test]
fn paths_are_relative_to_the_file_not_to_the_working_directory() {
    let folder = Folder::new(&[
        ("a.yaml", "name: a\nsystem_prompt: p.md\nsystem_prompt_type: file\n"),
        ("p.md", "\u{feff}Hi"),
    ]);
    let agent = load_agent(folder.path(), &folder.options()).expect("a right file");
    assert_eq!(agent.system_prompt[0].content, "Hi", "the byte order mark is no content");
    assert!(Path::new(&agent.source).ends_with("a.yaml"));
}
