//! [`WorldSource`]: any world that a recipe may name, whatever it is made of.

use crate::PipelineError;
use crate::recipe::unknown_name;
use nex_gym::files::FilesEnvironment;
use nex_gym::{DialogueEnvironment, SearchEnvironment, WorldProfile};
use nex_trajectory::run::WorldShape;
use nex_world::dialogue::{DialogueWorld, dialogue_worlds};
use nex_world::files::{FILES_WORLD, FilesWorld};
use nex_world::search::{SEARCH_WORLD, SearchWorld};
use nex_world::task::{Dials, Task, generate_task};
use nex_world::{Language, World, builtin_worlds};
use std::path::Path;
use std::sync::Arc;

/// A world of tasks.
#[derive(Clone, Debug)]
pub enum WorldSource {
    /// Declared in YAML.
    Declared(Arc<World>),
    /// Real files in a directory.
    Files(FilesWorld),
    /// A library of linked pages.
    Search(SearchWorld),
    /// A conversation with a simulated user.
    Dialogue(DialogueWorld),
}

impl WorldSource {
    /// The world called `name`: a built-in one, or the file at that path.
    ///
    /// # Errors
    /// There is no such world, or its file is wrong.
    pub fn open(name: &str) -> Result<Self, PipelineError> {
        if name == FILES_WORLD {
            return Ok(Self::Files(FilesWorld::builtin()));
        }
        if name == SEARCH_WORLD {
            return Ok(Self::Search(SearchWorld::builtin()));
        }
        if let Some(dialogue) = DialogueWorld::open(name)? {
            return Ok(Self::Dialogue(dialogue));
        }
        if let Some(builtin) = nex_world::builtin_world(name) {
            return Ok(Self::Declared(builtin.load()?));
        }
        if name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml") {
            return Ok(Self::Declared(World::load(Path::new(name))?));
        }
        let others = [FILES_WORLD, SEARCH_WORLD];
        let others = others.into_iter().chain(dialogue_worlds());
        let known: Vec<&str> = builtin_worlds().iter().map(|b| b.name).chain(others).collect();
        Err(PipelineError::value(
            "worlds",
            format!("{}; or give the path of a world file", unknown_name(name, &known)),
        ))
    }

    /// All built-in worlds.
    ///
    /// # Errors
    /// None in a tested build.
    pub fn builtin() -> Result<Vec<Self>, PipelineError> {
        let mut worlds = Vec::new();
        for builtin in builtin_worlds() {
            worlds.push(Self::Declared(builtin.load()?));
        }
        worlds.push(Self::Files(FilesWorld::builtin()));
        worlds.push(Self::Search(SearchWorld::builtin()));
        for name in dialogue_worlds() {
            worlds.extend(DialogueWorld::open(name)?.map(Self::Dialogue));
        }
        Ok(worlds)
    }

    /// The world's name, as in tasks.
    pub fn name(&self) -> &str {
        match self {
            Self::Declared(world) => world.name(),
            Self::Files(files) => files.name(),
            Self::Search(search) => search.name(),
            Self::Dialogue(dialogue) => dialogue.name(),
        }
    }

    /// What frameworks need to know of it.
    pub fn profile(&self) -> WorldProfile {
        match self {
            Self::Declared(world) => WorldProfile::of(world),
            Self::Files(_) => nex_gym::Environment::profile(&FilesEnvironment::new()).clone(),
            Self::Search(_) => nex_gym::Environment::profile(&SearchEnvironment::new()).clone(),
            Self::Dialogue(dialogue) => {
                nex_gym::Environment::profile(&DialogueEnvironment::new(dialogue.clone())).clone()
            }
        }
    }

    /// What the report draws.
    pub fn shape(&self) -> WorldShape {
        match self {
            Self::Declared(world) => world.shape(),
            Self::Files(files) => files.shape(),
            Self::Search(search) => search.shape(),
            Self::Dialogue(dialogue) => dialogue.shape(),
        }
    }

    /// The world's file, where it has one.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Declared(world) => Some(world.source()),
            Self::Dialogue(dialogue) => Some(dialogue.world().source()),
            Self::Files(_) | Self::Search(_) => None,
        }
    }

    /// A task: a pure function of the arguments.
    ///
    /// # Errors
    /// The world has no such task; in words.
    pub fn generate(&self, seed: u64, dials: &Dials, language: Language) -> Result<Task, String> {
        match self {
            Self::Declared(world) => generate_task(world, seed, dials, language).map_err(|e| e.to_string()),
            Self::Files(files) => files.generate_task(seed, dials, language).map_err(|e| e.to_string()),
            Self::Search(search) => search.generate_task(seed, dials, language).map_err(|e| e.to_string()),
            Self::Dialogue(dialogue) => {
                dialogue.generate_task(seed, dials, language).map_err(|e| e.to_string())
            }
        }
    }
}
