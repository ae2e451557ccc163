//! [`WorldSource`]: any world that a recipe may name, whatever it is made of.

use crate::PipelineError;
use crate::recipe::unknown_name;
use nex_code_world::{CODE_PYTHON, CODE_SHELL, CodeWorld, SHELL, ShellWorld};
use nex_gym::files::FilesEnvironment;
use nex_gym::{
    CodeEnvironment, DialogueEnvironment, Environment, SearchEnvironment, ShellEnvironment, WorldProfile,
};
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
    /// Repositories with bugs, in the sandbox.
    Code(CodeWorld),
    /// A file system and a terminal, in the sandbox.
    Shell(ShellWorld),
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
        if let Some(code) = CodeWorld::builtin(name) {
            return Ok(Self::Code(code));
        }
        if name == SHELL {
            return Ok(Self::Shell(ShellWorld::default()));
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
        let others = [FILES_WORLD, CODE_PYTHON, CODE_SHELL, SHELL, SEARCH_WORLD];
        let others = others.into_iter().chain(dialogue_worlds());
        let known: Vec<&str> = builtin_worlds().iter().map(|b| b.name).chain(others).collect();
        Err(PipelineError::value(
            "worlds",
            format!("{}; or give the path of a world file", unknown_name(name, &known)),
        ))
    }

    /// The built-in worlds that every machine can run: `*` in a recipe. The worlds of programs, which
    /// need a sandbox and Python, are named one by one.
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

    /// The built-in worlds of programs.
    pub fn of_programs() -> Vec<Self> {
        let code = [CODE_PYTHON, CODE_SHELL].into_iter().filter_map(CodeWorld::builtin).map(Self::Code);
        code.chain([Self::Shell(ShellWorld::default())]).collect()
    }

    /// The world's name, as in tasks.
    pub fn name(&self) -> &str {
        match self {
            Self::Declared(world) => world.name(),
            Self::Files(files) => files.name(),
            Self::Code(code) => code.name(),
            Self::Shell(shell) => shell.name(),
            Self::Search(search) => search.name(),
            Self::Dialogue(dialogue) => dialogue.name(),
        }
    }

    /// What frameworks need to know of it.
    pub fn profile(&self) -> WorldProfile {
        match self {
            Self::Declared(world) => WorldProfile::of(world),
            Self::Files(_) => FilesEnvironment::new().profile().clone(),
            Self::Code(code) => CodeEnvironment::new(code.clone()).profile().clone(),
            Self::Shell(shell) => ShellEnvironment::new(shell.clone()).profile().clone(),
            Self::Search(_) => SearchEnvironment::new().profile().clone(),
            Self::Dialogue(dialogue) => DialogueEnvironment::new(dialogue.clone()).profile().clone(),
        }
    }

    /// What the report draws.
    pub fn shape(&self) -> WorldShape {
        match self {
            Self::Declared(world) => world.shape(),
            Self::Files(files) => files.shape(),
            Self::Code(code) => code.shape(),
            Self::Shell(shell) => shell.shape(),
            Self::Search(search) => search.shape(),
            Self::Dialogue(dialogue) => dialogue.shape(),
        }
    }

    /// The world's file, where it has one.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Declared(world) => Some(world.source()),
            Self::Dialogue(dialogue) => Some(dialogue.world().source()),
            Self::Files(_) | Self::Code(_) | Self::Shell(_) | Self::Search(_) => None,
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
            Self::Code(code) => code.generate_task(seed, dials, language).map_err(|e| e.to_string()),
            Self::Shell(shell) => shell.generate_task(seed, dials, language).map_err(|e| e.to_string()),
            Self::Search(search) => search.generate_task(seed, dials, language).map_err(|e| e.to_string()),
            Self::Dialogue(dialogue) => {
                dialogue.generate_task(seed, dials, language).map_err(|e| e.to_string())
            }
        }
    }
}
