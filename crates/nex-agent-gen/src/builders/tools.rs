//! The builders' tools: the workspace, as a model sees it.

use super::workspace::Workspace;
use async_trait::async_trait;
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use nex_trajectory::ToolSpec;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Proving a world's tasks is the longest of what they do.
const DEADLINE: Duration = Duration::from_secs(120);

type Run = fn(&mut Workspace, &Value) -> ToolOutput;

/// One tool over the workspace.
struct WorkspaceTool {
    declaration: Arc<ToolDeclaration>,
    workspace: Arc<Mutex<Workspace>>,
    run: Run,
}

#[async_trait]
impl Tool for WorkspaceTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let (workspace, run) = (self.workspace.clone(), self.run);
        let work = tokio::task::spawn_blocking(move || run(&mut workspace.lock(), &arguments));
        work.await.map_err(|error| ToolFailure::Panicked {
            tool: self.declaration.spec().name.clone(),
            message: error.to_string(),
        })
    }

    /// Writes come in the order in which the model wrote them.
    fn is_serial(&self) -> bool {
        true
    }

    fn deadline(&self) -> Option<Duration> {
        Some(DEADLINE)
    }
}

/// All tools over `workspace`.
pub(super) fn tools(workspace: &Arc<Mutex<Workspace>>) -> Vec<Arc<dyn Tool>> {
    table()
        .into_iter()
        .map(|(spec, run)| {
            let declaration = ToolDeclaration::new(spec).expect("the schemas are constants");
            let tool =
                WorkspaceTool { declaration: Arc::new(declaration), workspace: workspace.clone(), run };
            Arc::new(tool) as Arc<dyn Tool>
        })
        .collect()
}

/// A tool whose arguments are texts, each with what it says of itself.
fn spec(name: &str, description: &str, arguments: &[(&str, &str)]) -> ToolSpec {
    let properties: serde_json::Map<String, Value> = arguments
        .iter()
        .map(|(name, about)| ((*name).to_owned(), json!({"type": "string", "description": about})))
        .collect();
    let required: Vec<&str> = arguments.iter().map(|(name, _)| *name).collect();
    ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false
        }),
    }
}

fn text<'a>(arguments: &'a Value, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn table() -> Vec<(ToolSpec, Run)> {
    let mut pattern =
        spec("choose_pattern", "Chooses how the agents work together. It says what the pattern needs.", &[]);
    let names = crate::framework::WorkflowPattern::ALL.map(|pattern| pattern.as_str());
    pattern.input_schema = json!({
        "type": "object",
        "properties": {"pattern": {"type": "string", "description": format!("One of {}.", names.join(", "))}},
        "required": ["pattern"], "additionalProperties": false
    });
    vec![
        (pattern, |workspace, arguments| workspace.choose_pattern(text(arguments, "pattern"))),
        (
            spec(
                "define_world",
                "Writes the world file. Without `operations` it is the foundation (head, pools, entities, policies, dynamics), \
                 and operations that were defined before stay. With `operations` it is the whole world, which must have \
                 tasks that can be solved.",
                &[("yaml", "The world file, in the world language.")],
            ),
            |workspace, arguments| workspace.define_world(text(arguments, "yaml")),
        ),
        (
            spec(
                "define_operation",
                "Adds one operation to the world, or replaces the one of that name. Each operation is a tool of the agents.",
                &[
                    ("name", "Its name: lower case letters, digits and _."),
                    (
                        "yaml",
                        "Its keys in the world language: kind, entity, description, goal, args, require, set …",
                    ),
                ],
            ),
            |workspace, arguments| {
                workspace.define_operation(text(arguments, "name"), text(arguments, "yaml"))
            },
        ),
        (
            spec("remove_operation", "Takes one operation out of the world.", &[("name", "Its name.")]),
            |workspace, arguments| workspace.remove_operation(text(arguments, "name")),
        ),
        (
            spec(
                "define_policy",
                "Adds one policy to the world, or replaces the one of that id. The operations that it names must exist.",
                &[("yaml", "Its keys: id, text, operations, allow_if, enforce, message, remedy.")],
            ),
            |workspace, arguments| workspace.define_policy(text(arguments, "yaml")),
        ),
        (
            spec(
                "write_agent",
                "Writes one agent, or replaces the one of that name. Its tools must be operations of the world.",
                &[
                    ("name", "Its name: lower case letters, digits and _."),
                    (
                        "yaml",
                        "The keys description, system_prompt, skills, tools, sub_agents, mcp_servers, max_iterations, timeout.",
                    ),
                ],
            ),
            |workspace, arguments| workspace.write_agent(text(arguments, "name"), text(arguments, "yaml")),
        ),
        (
            spec("remove_agent", "Takes one agent out of the framework.", &[("name", "Its name.")]),
            |workspace, arguments| workspace.remove_agent(text(arguments, "name")),
        ),
        (
            spec(
                "connect",
                "Lets one agent call another: an edge of the topology.",
                &[("from", "The agent that calls."), ("to", "The agent that is called.")],
            ),
            |workspace, arguments| workspace.connect(text(arguments, "from"), text(arguments, "to"), false),
        ),
        (
            spec(
                "disconnect",
                "Takes an edge out: the first agent can no longer call the second.",
                &[("from", "The agent that calls."), ("to", "The agent that is called.")],
            ),
            |workspace, arguments| workspace.connect(text(arguments, "from"), text(arguments, "to"), true),
        ),
        (
            spec(
                "write_workflow",
                "Writes the stages by which the runtime decides who is next. The agents must have been written before.",
                &[(
                    "yaml",
                    "A workflow (`type: workflow`), or for the pattern sequential a pipeline (`type: pipeline`).",
                )],
            ),
            |workspace, arguments| workspace.write_workflow(text(arguments, "yaml")),
        ),
        (spec("list_files", "Names the files so far.", &[]), |workspace, _| workspace.list_files()),
        (
            spec(
                "read_file",
                "Shows a file with the numbers of its lines.",
                &[("path", "As list_files names it; `world.yaml` is the world.")],
            ),
            |workspace, arguments| workspace.read_file(text(arguments, "path")),
        ),
        (
            spec(
                "search_domains",
                "Finds domain archetypes and built-in worlds that are near to a description.",
                &[("query", "Words of the trade or the work.")],
            ),
            |workspace, arguments| workspace.search_domains(text(arguments, "query")),
        ),
        (
            spec(
                "read_example",
                "Shows a sound world file: a built-in world, or a small world composed for an archetype.",
                &[("name", "As search_domains names it.")],
            ),
            |workspace, arguments| workspace.read_example(text(arguments, "name")),
        ),
        (
            spec(
                "search_catalogue",
                "Finds tools of real MCP servers (files, git, SQL, documents, browsers, charts …) in the user's catalogue.",
                &[("query", "Words of what the tool should do.")],
            ),
            |workspace, arguments| workspace.search_catalogue(text(arguments, "query")),
        ),
        (
            spec(
                "reference",
                "Explains how things are written.",
                &[("topic", "One of world, world_example, workflow, agent.")],
            ),
            |workspace, arguments| workspace.reference(text(arguments, "topic")),
        ),
        (
            spec("check", "Checks all that was built so far, and says what is missing or wrong.", &[]),
            |workspace, _| workspace.check(),
        ),
        (
            spec(
                "finish",
                "Checks everything and ends the building. What is wrong is told, and can be mended.",
                &[],
            ),
            |workspace, _| workspace.finish(),
        ),
    ]
}
