//! Workflow files as a table: what is in them, and what the loader says of it.

use expect_test::{Expect, expect};
use nex_agent::{AgentError, LoadOptions, ToolBindings, Workflow, check, load_agent, load_runnable};

/// What `check` says of `text` as a file `a.yaml`.
fn findings(text: &str, expected: Expect) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.yaml");
    std::fs::write(&path, text).expect("a file");
    std::fs::write(folder.path().join("b.yaml"), "name: b\nsystem_prompt: '{% if %}'\n").expect("a file");
    let options = LoadOptions::default();
    let found: Vec<String> = check(&path, &options).iter().map(ToString::to_string).collect();
    let found = found.join("\n").replace(&format!("{}/", folder.path().display()), "");
    expected.assert_eq(&found);
}

#[test]
fn keys() {
    findings(
        "type: workflow\n",
        expect![[r#"
        a.yaml:1:1: error: the workflow lacks `name`
        a.yaml:1:1: error: the workflow has no `stages`; list at least one"#]],
    );
    findings(
        "
type: workflow
name: w
max_run: 5
state: 3
stages:
  - {name: a, agent: {name: a}, wen: 'true'}
  - {name: b}
  - {name: c, agent: {name: c}, loop: {}, vote: {}}
  - {router: {}}
  - {name: d, router: {branches: [3]}, instruction: x}
  - {name: e, router: {rule: x, agent: {name: e}, branch: []}}
  - {name: f, parallel: {branches: 3}}
  - {name: g, map: {ovr: task, stages: []}}
  - {name: h, loop: {until: task, max_rounds: 0, stages: [{}]}}
  - {name: i, vote: {voters: [{agent: {name: i}, count: 65}, {}], decide: toss, judge: {}}}
  - {name: j, sequence: {}}
  - {name: k, agent: {name: k}, append: true}
  - nothing
",
        expect![[r#"
            a.yaml:4:1: error: unknown key `max_run` in the workflow; did you mean `max_runs`?
            a.yaml:5:8: error: `state` must be a map, it is a number
            a.yaml:7:33: error: unknown key `wen` in the stage; did you mean `when`?
            a.yaml:8:5: error: the stage does nothing; give it a `config_path` or one of sequence, router, parallel, map, loop, vote
            a.yaml:9:5: error: the stage is several things: agent, loop, vote; keep one
            a.yaml:10:5: error: the stage lacks `name`; a router needs one
            a.yaml:11:5: error: `instruction` belongs to an agent, this stage is a router
            a.yaml:11:23: error: `router` needs either a `rule` or an agent (`config_path`), which says the label
            a.yaml:11:35: error: the branch must be a map of keys, it is a number
            a.yaml:12:23: error: `router` needs either a `rule` or an agent (`config_path`), which says the label
            a.yaml:12:51: error: unknown key `branch` in `router`; did you mean `branches`?
            a.yaml:13:36: error: `branches` must be a list, it is a number
            a.yaml:14:20: error: `map` lacks `over`
            a.yaml:14:20: error: `map` lacks `max_items`
            a.yaml:14:21: error: unknown key `ovr` in `map`; did you mean `over`?
            a.yaml:15:47: error: `max_rounds` must be a whole number from 1 to 4294967295, it is 0
            a.yaml:15:59: error: the stage does nothing; give it a `config_path` or one of sequence, router, parallel, map, loop, vote
            a.yaml:16:21: error: `decide` is `toss`; known: majority, judge
            a.yaml:16:57: error: `count` must be a whole number from 1 to 64, it is 65
            a.yaml:16:62: error: the voter lacks `config_path`
            a.yaml:16:88: error: `judge` lacks `config_path`
            a.yaml:17:25: error: `sequence` must be a list of stages, it is a map
            a.yaml:18:5: error: `append` says how `writes` writes; name the key in `writes`
            a.yaml:19:5: error: the stage must be a map of keys, it is text"#]],
    );
    findings(
        "type: workflows\nname: w\nstages: []\n",
        expect![[r#"
        a.yaml:1:1: error: `type` is `workflows`; known types: agent, pipeline, workflow
        a.yaml:3:1: error: unknown key `stages` in the agent; known keys: type, name, description, system_prompt_type, system_prompt, system_prompt_suffix, llm_config, max_iterations, max_tool_calls, token_budget, max_context_tokens, timeout, max_depth, max_running_subagents, max_parallel_calls, max_calls_per_turn, max_repeats, max_empty_replies, tools, sub_agents, mcp_servers, stop_tools, context, initial_context, tool_call_mode, source_id, initial_context, permissions, skills, middlewares, before_agent_hooks, after_agent_hooks, before_model_hooks, after_model_hooks, before_tool_hooks, after_tool_hooks, sandbox_config, plugins, skipped_components, tracers, token_counter, global_storage, initial_state, initial_config, error_handler, retry_attempts, retry_backoff_max_seconds"#]],
    );
}

#[test]
fn what_a_run_would_stumble_over() {
    findings(
        "type: workflow\nname: w\nstages: []\n",
        expect!["a.yaml:1:1: error: it has no stages; list at least one"],
    );
    findings(
        "
type: workflow
name: w
max_runs: 10
state: {tone: dry}
stages:
  - {name: a, agent: {name: a}, instruction: '{{ tsk }} {{ answers.b }} {{ answers.nobody }} {{ state.tune }}'}
  - {name: a, agent: {name: a}, when: 'true'}
  - {name: 'b c', agent: {name: a}, when: 'answers.a =', writes: ''}
  - {name: d, agent: {name: a}, instruction: '{{ item }} {% for'}
  - {name: e, agent: {name: a}, instruction: '{{ task | shout }}', when: 'previous is odder'}
  - name: f
    loop:
      max_rounds: 101
      until: '1 == 2'
      answer: z
      stages: [{name: g, agent: {name: a}, when: 'round > 1 and answers.g'}]
  - {name: b, agent: {name: a}, instruction: '{{ round }}{{ answers.g }}'}
",
        expect![[r#"
            a.yaml:2:1: error: its stages may start 107 agents, `max_runs` allows 10; lower `max_items` or `max_rounds`, or raise `max_runs`
            a.yaml:7:5: error: stage `a`: its instruction reads `tsk`, which is not known; did you mean `task`?
            a.yaml:7:5: error: stage `a`: its instruction reads `answers.b`, but stage `b` does not come before it on its way
            a.yaml:7:5: error: stage `a`: its instruction reads `answers.nobody`, but there is no such stage; stages before it: none
            a.yaml:7:5: error: stage `a`: its instruction reads `state.tune`, which no stage writes; keys of the state: `tone`, ``
            a.yaml:7:5: error: stage `a`: another stage has this name; rename one
            a.yaml:7:5: error: stage `a`: `when` reads nothing of the run, so it always comes to the same: `true`
            a.yaml:9:5: error: stage `b c`: its name holds ' '; letters, digits, `_` and `-` are allowed
            a.yaml:9:5: error: stage `b c`: `when` is no expression: line 1: unexpected input after expression; it reads `answers.a =`
            a.yaml:9:5: error: stage `b c`: the key `` that it writes is empty
            a.yaml:10:5: error: stage `d`: its instruction is no template: line 1: unexpected end of input, expected identifier
            a.yaml:11:5: error: stage `e`: `when` cannot be worked out: line 1: test odder is unknown
            a.yaml:11:5: error: stage `e`: its instruction cannot be worked out: line 1: filter shout is unknown
            a.yaml:12:5: error: stage `f`: `max_rounds` is 101, it must be from 1 to 100
            a.yaml:12:5: error: stage `f`: `answer` names `z`, which is no stage of the loop: `g`
            a.yaml:12:5: error: stage `f`: `until` reads nothing of the run, so it always comes to the same: `1 == 2`
            a.yaml:18:5: error: stage `b`: its instruction reads `round`, which is not known; known here: task, previous, answers, state"#]],
    );
    findings(
        "
type: workflow
name: w
stages:
  - name: route
    router:
      rule: task
      branches:
        - {label: Yes, name: a, agent: {name: a}, instruction: '{{ answers.route }}{{ answers.b }}'}
        - {label: 'yes.', name: b, agent: {name: a}}
        - {label: otherwise, name: c, agent: {name: a}}
        - {label: a/b, name: d, agent: {name: a}}
        - {label: '-', name: e, agent: {name: a}}
  - name: single
    router: {rule: task, branches: [{name: f, agent: {name: a}}]}
  - name: fork
    parallel:
      branches:
        - {name: g, agent: {name: a}, writes: k}
        - {name: h, sequence: [{name: i, agent: {name: a}, writes: k, instruction: '{{ answers.g }}'}]}
  - {name: alone, parallel: {branches: [{name: j, agent: {name: a}}]}}
  - name: each
    map: {over: \"'a'\", max_items: 1001, stages: [{name: l, agent: {name: a}, writes: m}]}
  - {name: reduce, agent: {name: a}, instruction: '{{ answers.l }}{{ item }}'}
  - name: poll
    vote:
      labels: [a]
      voters: [{agent: {name: a}}, {agent: {name: a}, instruction: '{{ ballots }}'}]
      decide: judge
  - {name: few, vote: {voters: [{agent: {name: a}}]}}
",
        expect![[r#"
            a.yaml:2:1: error: its stages may start 1010 agents, `max_runs` allows 1000; lower `max_items` or `max_rounds`, or raise `max_runs`
            a.yaml:5:5: error: stage `route`: two labels read `yes`; rename one
            a.yaml:5:5: error: stage `route`: the label `otherwise` is what `otherwise` is for; rename it
            a.yaml:5:5: error: stage `route`: the label `a/b` holds '/', which ids are put together with
            a.yaml:5:5: error: stage `route`: the label `-` must hold a letter or digit and at most 80 characters
            a.yaml:9:11: error: stage `a`: its instruction reads `answers.b`, but stage `b` does not come before it on its way
            a.yaml:14:5: error: stage `single`: it has 1 `branches`, it needs from 2 to 64
            a.yaml:16:5: error: stage `fork`: its branches `g` and `h` both write `k` at the same time; write two keys
            a.yaml:20:32: error: stage `i`: its instruction reads `answers.g`, but stage `g` does not come before it on its way
            a.yaml:21:5: error: stage `alone`: it has 1 `branches`, it needs from 2 to 64
            a.yaml:22:5: error: stage `each`: `max_items` is 1001, it must be from 1 to 1000
            a.yaml:22:5: error: stage `each`: `over` reads nothing of the run, so it always comes to the same: `'a'`
            a.yaml:22:5: error: stage `each`: stage `l` writes `m` for all items at the same time; let the map itself write, or set `in_order: true`
            a.yaml:24:5: error: stage `reduce`: its instruction reads `item`, which is not known; known here: task, previous, answers, state
            a.yaml:24:5: error: stage `reduce`: its instruction reads `answers.l`, but stage `l` does not come before it on its way
            a.yaml:25:5: error: stage `poll`: it has 1 `labels`, it needs from 2 to 64
            a.yaml:25:5: error: stage `poll`: two voters are named `a`; rename one
            a.yaml:25:5: error: stage `poll`: the instruction of voter `a` reads `ballots`, which is not known; known here: task, previous, answers, state, round, labels, others, own
            a.yaml:25:5: error: stage `poll`: it is decided by a judge, but has none; name a `judge`
            a.yaml:30:5: error: stage `few`: it has 1 `voters`, it needs from 2 to 64"#]],
    );
}

#[test]
fn the_agents_of_stages_are_checked_too() {
    findings(
        "
type: workflow
name: w
stages:
  - name: poll
    vote: {voters: [{name: x, config_path: b.yaml}, {name: y, agent: {name: y, toolz: []}}, {name: z, config_path: c.yaml}]}
",
        expect![[r#"
            a.yaml:6:80: error: unknown key `toolz` in the agent; did you mean `tools`?
            a.yaml:6:116: error: cannot read `c.yaml`: no such file"#]],
    );
    findings(
        "
type: workflow
name: w
stages:
  - {name: x, config_path: b.yaml}
",
        expect![
            "b.yaml: error: agent `b`, system_prompt block 1: template error: line 1: unexpected end of block"
        ],
    );
}

#[test]
fn deep_and_wide() {
    let deep = (0..10).fold("{name: z, agent: {name: a}}".to_owned(), |inner, level| {
        format!("{{name: s{level}, sequence: [{inner}]}}")
    });
    findings(
        &format!("type: workflow\nname: w\nstages:\n  - {deep}\n"),
        expect!["a.yaml:4:203: error: stage `s0`: constructs are nested more than 8 deep"],
    );
    let wide: String = (0..501).map(|n| format!("  - {{name: a{n}, agent: {{name: a}}}}\n")).collect();
    findings(
        &format!("type: workflow\nname: w\nstages:\n{wide}"),
        expect!["a.yaml:1:1: error: it has 501 stages, at most 500 are allowed"],
    );
    findings(
        "
type: workflow
name: w
stages:
  - name: outer
    map:
      over: task
      max_items: 100
      stages:
        - name: inner
          loop:
            max_rounds: 10
            until: answers.b
            stages: [{name: a, agent: {name: a}}, {name: b, agent: {name: a}}]
",
        expect![
            "a.yaml:2:1: error: its stages may start 2000 agents, `max_runs` allows 1000; lower `max_items` or `max_rounds`, or raise `max_runs`"
        ],
    );
}

#[test]
fn compiling_by_hand_finds_the_same() {
    let mut spec = super::example_spec("critic");
    spec.stages[0].when = Some("tusk".to_owned());
    spec.max_runs = 0;
    let Err(error) = Workflow::compile(spec, &ToolBindings::new()) else { panic!("it is wrong") };
    assert!(matches!(&error, AgentError::Workflow { faults, .. } if faults.len() == 3), "{error}");
    expect!["workflow `critic`: `max_runs` is 0, it must be from 1 to 100000; stage `review`: `when` reads `tusk`, which is not known; did you mean `task`?; its stages may start 6 agents, `max_runs` allows 0; lower `max_items` or `max_rounds`, or raise `max_runs`"].assert_eq(&error.to_string());
}

#[test]
fn a_workflow_is_no_agent() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workflows/vote.yaml");
    let error = load_agent(&path, &LoadOptions::default()).expect_err("it is a workflow");
    assert!(error.to_string().ends_with("this is a workflow, where an agent is wanted"), "{error}");
    let spec = load_runnable(&path, &LoadOptions::default()).expect("it is right");
    assert_eq!(spec.name(), "vote");
    assert!(check(&path, &LoadOptions::default()).is_empty());
}
