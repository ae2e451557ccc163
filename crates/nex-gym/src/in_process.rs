//! [`InProcess`]: a world in this process, its operations as function calls.

use crate::{Environment, Stage, Verdict, WorldProfile};
use async_trait::async_trait;
use indexmap::IndexMap;
use nex_agent::VirtualClock;
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use nex_trajectory::{EpisodeId, InfraFailure};
use nex_world::task::{Task, verify_session};
use nex_world::{CallRecord, World, WorldSession};
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A world in this process.
pub struct InProcess {
    world: Arc<World>,
    profile: WorldProfile,
}

impl InProcess {
    /// Episodes in `world`.
    pub fn new(world: Arc<World>) -> Self {
        Self { profile: WorldProfile::of(&world), world }
    }

    /// The world.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }
}

#[async_trait]
impl Environment for InProcess {
    fn profile(&self) -> &WorldProfile {
        &self.profile
    }

    fn transport(&self) -> &str {
        "in_process"
    }

    async fn open(
        &self,
        task: &Arc<Task>,
        _episode: &EpisodeId,
        clock: Option<&VirtualClock>,
    ) -> Result<Box<dyn Stage>, InfraFailure> {
        let session = task
            .session(&self.world)
            .map_err(|cause| InfraFailure { kind: "world_state".to_owned(), message: cause.to_string() })?;
        let session = Arc::new(Mutex::new(session));
        let tools = offered(self.world.declarations(), task).map(|declaration| {
            let (declaration, session) = (declaration.clone(), session.clone());
            Arc::new(Operation { declaration, session, clock: clock.cloned() }) as Arc<dyn Tool>
        });
        let tools = tools.collect();
        Ok(Box::new(InProcessStage { task: task.clone(), session, tools }))
    }
}

/// The declarations that `task` offers, in the world's order.
fn offered<'a>(
    declarations: &'a [Arc<ToolDeclaration>],
    task: &'a Task,
) -> impl Iterator<Item = &'a Arc<ToolDeclaration>> {
    declarations.iter().filter(|declaration| task.tools.contains(&declaration.spec().name))
}

/// One operation as a tool of one session.
struct Operation {
    declaration: Arc<ToolDeclaration>,
    session: Arc<Mutex<WorldSession>>,
    clock: Option<VirtualClock>,
}

#[async_trait]
impl Tool for Operation {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let mut session = self.session.lock();
        let before_ms = session.clock_ms();
        let reply = session.call(&self.declaration.spec().name, &arguments);
        let passed_ms = session.clock_ms() - before_ms;
        drop(session);
        if let Some(clock) = &self.clock
            && passed_ms > 0
        {
            clock.advance(Duration::from_millis(passed_ms));
        }
        Ok(if reply.is_error { ToolOutput::error(reply.text) } else { ToolOutput::text(reply.text) })
    }
}

struct InProcessStage {
    task: Arc<Task>,
    session: Arc<Mutex<WorldSession>>,
    tools: Arc<[Arc<dyn Tool>]>,
}

#[async_trait]
impl Stage for InProcessStage {
    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    async fn close(self: Box<Self>, answer: Option<&str>) -> Result<Verdict, InfraFailure> {
        let session = self.session.lock();
        let notes = fault_notes(&session.log());
        Ok(Verdict { reward: verify_session(&session, &self.task, answer), notes })
    }
}

/// How often the world did what to a call on purpose, as a note.
pub(crate) fn fault_notes(log: &[CallRecord]) -> IndexMap<String, Value> {
    let mut faults: IndexMap<String, u64> = IndexMap::new();
    for fault in log.iter().flat_map(|call| &call.faults) {
        let name = serde_json::to_value(fault).ok();
        let name = name.as_ref().and_then(Value::as_str).unwrap_or("unknown").to_owned();
        *faults.entry(name).or_default() += 1;
    }
    let mut notes = IndexMap::new();
    if !faults.is_empty() {
        faults.sort_keys();
        notes.insert("faults".to_owned(), serde_json::json!(faults));
    }
    notes
}
