//! [`McpStdio`]: a world behind a real MCP server in a child process.
//!
//! Each episode leases one server and sets it to the task's state by the control tool `nex_reset`;
//! all agents of the episode share the lease, so they act in one world. `nex_export` gives state
//! and log for the verifier, which runs in this process. Both want a token that only the server's
//! environment and this process know, and neither is among the tools that agents are given.

use crate::in_process::fault_notes;
use crate::{Environment, Stage, Verdict, WorldProfile};
use async_trait::async_trait;
use nex_agent::VirtualClock;
use nex_tools::mcp::{McpLease, McpLimits, McpPool, McpServerSpec, McpTransport, PoolConfig, ResetPolicy};
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use nex_trajectory::{ContentBlock, EpisodeId, InfraFailure};
use nex_world::task::{Task, verify};
use nex_world::{SessionExport, World};
use serde_json::{Value, json};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// The variable by which a server learns the token.
const TOKEN_VARIABLE: &str = "NEX_CONTROL_TOKEN";
/// Servers of one world at the same time: each is a process.
const MAX_SERVERS: usize = 8;
/// An episode may wait this long for a server, as others hold them for whole episodes.
const LEASE_WAIT_MS: u64 = 600_000;

/// A world behind a real MCP server in a child process.
pub struct McpStdio {
    world: Arc<World>,
    profile: WorldProfile,
    pool: McpPool,
    spec: McpServerSpec,
    token: String,
}

impl McpStdio {
    /// A pool for the servers of all worlds, for that many episodes under way.
    pub fn pool(concurrency: usize) -> McpPool {
        let config = PoolConfig { max_starts: concurrency.clamp(1, 4), ..PoolConfig::default() };
        McpPool::new(config)
    }

    /// Episodes in `world`, which `command` (a program and its arguments) serves over stdio.
    ///
    /// # Panics
    /// `command` is empty.
    pub fn new(world: Arc<World>, pool: McpPool, command: &[String]) -> Self {
        let (program, arguments) = command.split_first().expect("a command has a program");
        let token = secret();
        let spec = McpServerSpec {
            name: world.name().to_owned(),
            transport: McpTransport::Stdio {
                command: program.clone(),
                args: arguments.to_vec(),
                env: [(TOKEN_VARIABLE.to_owned(), token.clone())].into_iter().collect(),
                cwd: None,
            },
            // The state is set when an episode opens, so nothing is left to do when it ends.
            reset: ResetPolicy::Reuse,
            shared: false,
            era: None,
            roots: Vec::new(),
            limits: McpLimits {
                max_servers: MAX_SERVERS,
                lease_wait_ms: LEASE_WAIT_MS,
                ..McpLimits::default()
            },
        };
        Self { profile: WorldProfile::of(&world), world, pool, spec, token }
    }
}

/// 128 bits that nobody can guess. Not a matter of seeds: no output depends on it.
fn secret() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

#[async_trait]
impl Environment for McpStdio {
    fn profile(&self) -> &WorldProfile {
        &self.profile
    }

    fn transport(&self) -> &str {
        "mcp_stdio"
    }

    async fn open(
        &self,
        task: &Arc<Task>,
        _episode: &EpisodeId,
        _clock: Option<&VirtualClock>,
    ) -> Result<Box<dyn Stage>, InfraFailure> {
        let lease = self.pool.lease(&self.spec).await.map_err(|error| InfraFailure {
            kind: "server_unavailable".to_owned(),
            message: error.to_string(),
        })?;
        let arguments = json!({"token": self.token, "task": &**task});
        control(&lease, "nex_reset", arguments).await?;
        let is_offered = |tool: &Arc<dyn Tool>| task.tools.contains(&tool.declaration().spec().name);
        let tools = lease.tools().into_iter().filter(is_offered);
        let tools = tools.map(|tool| Arc::new(InOrder { tool }) as Arc<dyn Tool>).collect();
        let (world, task, token) = (self.world.clone(), task.clone(), self.token.clone());
        Ok(Box::new(McpStage { world, task, token, lease, tools }))
    }
}

struct McpStage {
    world: Arc<World>,
    task: Arc<Task>,
    token: String,
    lease: McpLease,
    tools: Arc<[Arc<dyn Tool>]>,
}

#[async_trait]
impl Stage for McpStage {
    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    async fn close(self: Box<Self>, answer: Option<&str>) -> Result<Verdict, InfraFailure> {
        let text = control(&self.lease, "nex_export", json!({"token": self.token})).await?;
        let export: SessionExport = serde_json::from_str(&text)
            .map_err(|cause| broken("nex_export", format!("its reply is no export: {cause}")))?;
        self.lease.release().await;
        let reward = verify(&self.world, &self.task, &export, answer);
        Ok(Verdict { reward, notes: fault_notes(&export.log) })
    }
}

/// Calls a control tool; its text.
async fn control(lease: &McpLease, tool: &str, arguments: Value) -> Result<String, InfraFailure> {
    let result = lease.call_raw(tool, arguments).await;
    let output = result
        .map_err(|failure| InfraFailure { kind: failure.kind().to_owned(), message: failure.to_string() })?
        .output;
    let texts: Vec<&str> = output
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Text { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    match output.is_error {
        false => Ok(texts.concat()),
        true => Err(broken(tool, texts.concat())),
    }
}

fn broken(tool: &str, cause: String) -> InfraFailure {
    let message =
        format!("control tool `{tool}` failed: {cause}; is the server a `nex world serve` of this version?");
    InfraFailure { kind: "control_failed".to_owned(), message }
}

/// A tool whose calls do not overlap: what the world draws by chance depends on the order of calls,
/// and a server may answer calls that are sent together in any order.
struct InOrder {
    tool: Arc<dyn Tool>,
}

#[async_trait]
impl Tool for InOrder {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        self.tool.declaration()
    }

    async fn call(&self, arguments: Value, context: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        self.tool.call(arguments, context).await
    }

    fn is_serial(&self) -> bool {
        true
    }

    fn deadline(&self) -> Option<Duration> {
        self.tool.deadline()
    }
}
