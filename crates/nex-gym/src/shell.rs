//! [`ShellEnvironment`]: the shell world, a folder in the sandbox for each episode.

use crate::code::{failure, profile, sandbox_notes};
use crate::{Environment, Stage, Verdict, WorldProfile};
use async_trait::async_trait;
use nex_agent::VirtualClock;
use nex_code_world::{ShellSession, ShellWorld, shell};
use nex_tools::Tool;
use nex_trajectory::{EpisodeId, InfraFailure};
use nex_world::task::Task;
use std::sync::Arc;

/// The shell world, a folder in the sandbox for each episode, gone when the episode is over.
pub struct ShellEnvironment {
    world: ShellWorld,
    profile: WorldProfile,
}

impl ShellEnvironment {
    /// Episodes in `world`, whose sandbox is opened with the first one.
    pub fn new(world: ShellWorld) -> Self {
        let told = |language| (world.title(language), world.briefing(language));
        let profile = profile(world.name(), told, shell::operations());
        Self { world, profile }
    }
}

#[async_trait]
impl Environment for ShellEnvironment {
    fn profile(&self) -> &WorldProfile {
        &self.profile
    }

    fn transport(&self) -> &str {
        "sandbox"
    }

    async fn open(
        &self,
        task: &Arc<Task>,
        _episode: &EpisodeId,
        _clock: Option<&VirtualClock>,
    ) -> Result<Box<dyn Stage>, InfraFailure> {
        let session = self.world.open_session(task).await.map_err(|cause| failure(&cause))?;
        Ok(Box::new(ShellStage { tools: session.tools().into(), session }))
    }
}

struct ShellStage {
    session: ShellSession,
    tools: Arc<[Arc<dyn Tool>]>,
}

#[async_trait]
impl Stage for ShellStage {
    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    async fn close(self: Box<Self>, _answer: Option<&str>) -> Result<Verdict, InfraFailure> {
        let reward = self.session.verify().map_err(|cause| failure(&cause))?;
        Ok(Verdict { reward, notes: sandbox_notes(self.session.report()) })
    }
}
