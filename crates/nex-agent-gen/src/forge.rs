//! From a sentence to a framework that was checked, and from a number to a fleet of them.
//!
//! In: a [`ForgeRequest`]. Out: a [`Forged`] framework: its files, and a [`Manifest`] that says what
//! was made, by what and from which seed. Invariants: nothing that fails a check or a rehearsal comes
//! out; the same request gives the same bytes. The planner behind it is built in and no LLM;
//! [`crate::builders`] give the same type by one.

mod fleet;
mod rehearsal;
#[cfg(test)]
mod tests;

pub use fleet::{Fleet, FleetRequest, forge_fleet};
pub use rehearsal::{NoRehearsal, Rehearsal, Rehearsed};

use crate::brief::Brief;
use crate::check::{Finding, check_agents};
use crate::framework::{FrameworkFile, FrameworkPlan, PlanError, WorkflowPattern, plan_framework};
use crate::servers::BoundServer;
use crate::world::{
    Complexity, ComposeError, WorldCheck, WorldPlan, WorldRequest, check_world, closest_domains, compose,
    domains,
};
use nex_world::{Language, World, WorldError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;

/// The file that says what a framework's folder holds.
pub const MANIFEST_FILE: &str = "framework.json";

/// Tasks of each difficulty that a world has to give.
pub(crate) const CHECK_TASKS: u64 = 6;
/// Below this share of the sentence's words, weighted by how rare they are, a domain is a guess.
const DOUBTFUL_SCORE: f64 = 0.15;
/// Version of [`Manifest`].
pub(crate) const MANIFEST_VERSION: u32 = 1;
/// Worlds that are composed for one request before it is given up.
const ATTEMPTS: usize = 4;
/// Agents of the largest framework.
pub(crate) const MAX_AGENTS: usize = 34;

/// What is asked for. What a field leaves open, the sentence decides; what it leaves open, the seed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForgeRequest {
    /// In any words, or empty.
    pub sentence: String,
    /// How the agents work together.
    pub pattern: Option<WorkflowPattern>,
    /// How many there are.
    pub agents: Option<usize>,
    /// The id of a domain.
    pub domain: Option<String>,
    /// All chance follows from it.
    pub seed: u64,
}

/// A framework that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Forged {
    /// What it is.
    pub manifest: Manifest,
    /// Its files, the manifest among them.
    pub files: Vec<FrameworkFile>,
}

/// What a framework is, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this record.
    pub version: u32,
    /// The framework's name: unique with its seed.
    pub name: String,
    /// For people.
    pub title: String,
    /// What was asked for.
    pub brief: Brief,
    /// What planned it.
    pub planner: String,
    /// The seed of the request.
    pub seed: u64,
    /// The file to run, relative to the folder.
    pub entry: String,
    /// The world's file, relative to the folder.
    pub world_file: String,
    /// The agents.
    pub plan: FrameworkPlan,
    /// The world.
    pub world: WorldPlan,
    /// What trying out the world showed.
    pub trial: WorldCheck,
    /// What playing the agents showed; none where nobody played them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsed>,
    /// Real MCP servers that agents have beside the world.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<BoundServer>,
}

/// Why there is no framework.
#[derive(Debug, Error)]
pub enum ForgeError {
    /// More agents than a framework may have, or none.
    #[error("{0} agents: a framework has 1 to {MAX_AGENTS}")]
    AgentCount(usize),
    /// The domain is unknown.
    #[error("there is no domain `{0}`; `nex forge --domains` lists them")]
    UnknownDomain(String),
    /// No pattern, or the one asked for, takes so many agents.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The planner could not compose a world.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The composed world does not load.
    #[error("the composed world is wrong: {0}")]
    World(#[from] WorldError),
    /// Seed after seed, what came out reads like another framework of the fleet.
    #[error("place {0} of the fleet: every seed gives a near duplicate of another; ask for fewer")]
    NearDuplicate(usize),
    /// The files cannot be checked.
    #[error("a temporary folder for the check: {0}")]
    Folder(#[from] std::io::Error),
    /// What was made did not pass its check.
    #[error("what was made did not pass its check: {}", .0.iter().map(Finding::to_string).collect::<Vec<_>>().join("; "))]
    NotWhole(Vec<Finding>),
}

/// Makes a framework whose agents are checked but not played.
///
/// # Errors
/// The request cannot be met, or what was made does not pass its check.
pub fn forge(request: &ForgeRequest) -> Result<Forged, ForgeError> {
    forge_rehearsed(request, &NoRehearsal)
}

/// Makes a framework whose agents are checked and then played by `rehearsal`.
///
/// # Errors
/// The request cannot be met, or what was made does not pass.
pub fn forge_rehearsed(request: &ForgeRequest, rehearsal: &dyn Rehearsal) -> Result<Forged, ForgeError> {
    let mut brief = Brief::of(&request.sentence);
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    let (pattern, agents) = shape(request, &brief, &mut rng)?;
    let domain = domain(request, &mut brief, &mut rng)?;
    let mut last = Vec::new();
    for _ in 0..ATTEMPTS {
        match attempt_at(request, &brief, pattern, agents, &domain, rng.random(), rehearsal)? {
            Ok(forged) => return Ok(forged),
            Err(found) => last = found,
        }
    }
    Err(ForgeError::NotWhole(last))
}

fn attempt_at(
    request: &ForgeRequest,
    brief: &Brief,
    pattern: WorkflowPattern,
    agents: usize,
    domain: &str,
    seed: u64,
    rehearsal: &dyn Rehearsal,
) -> Result<Result<Forged, Vec<Finding>>, ForgeError> {
    let wanted = WorldRequest {
        domain: Some(domain.to_owned()),
        keywords: Vec::new(),
        complexity: complexity(agents),
    };
    let composed = compose(&wanted, seed)?;
    let world_file = format!("worlds/{}.yaml", composed.name);
    let world = World::from_yaml(&composed.yaml, &world_file)?;
    let plan = plan_framework(&world, pattern, agents, seed)?;
    let mut files = plan.files(&world);
    files.push(FrameworkFile { path: world_file.clone(), text: composed.yaml });
    let trial =
        match check_world(world.source(), &world_file, (0..CHECK_TASKS).map(|at| seed.wrapping_add(at))) {
            Ok(trial) => trial,
            Err(error) => return Ok(Err(vec![Finding::new("world", error.to_string())])),
        };
    let rehearsed = match try_out(&files, &plan, &world, seed, rehearsal)? {
        Ok(rehearsed) => rehearsed,
        Err(found) => return Ok(Err(found)),
    };
    let title = format!("{}: {}", world.title().get(Language::En), pattern.title());
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        name: format!("{}_{}_{}", composed.name, pattern.as_str(), plan.agents.len()),
        title,
        brief: brief.clone(),
        planner: "built-in planner, no LLM".to_owned(),
        seed: request.seed,
        entry: plan.entry(),
        world_file,
        plan,
        world: composed.plan,
        trial,
        rehearsal: rehearsed,
        servers: Vec::new(),
    };
    files.insert(0, manifest_file(&manifest)?);
    Ok(Ok(Forged { manifest, files }))
}

pub(crate) fn manifest_file(manifest: &Manifest) -> Result<FrameworkFile, std::io::Error> {
    let mut text = serde_json::to_string_pretty(manifest).map_err(std::io::Error::other)?;
    text.push('\n');
    Ok(FrameworkFile { path: MANIFEST_FILE.to_owned(), text })
}

/// Pattern and number of agents: as asked for, else drawn.
fn shape(
    request: &ForgeRequest,
    brief: &Brief,
    rng: &mut ChaCha8Rng,
) -> Result<(WorkflowPattern, usize), ForgeError> {
    let agents = request.agents.or(brief.agents);
    if let Some(count) = agents.filter(|count| !(1..=MAX_AGENTS).contains(count)) {
        return Err(ForgeError::AgentCount(count));
    }
    let pattern = request.pattern.or(brief.pattern);
    let fits = |pattern: WorkflowPattern| agents.is_none_or(|count| pattern.agent_counts().contains(&count));
    let fitting: Vec<WorkflowPattern> = WorkflowPattern::ALL.into_iter().filter(|p| fits(*p)).collect();
    let pattern = match pattern {
        Some(pattern) => pattern,
        None if fitting.is_empty() => return Err(ForgeError::AgentCount(agents.unwrap_or_default())),
        None => fitting[rng.random_range(0..fitting.len())],
    };
    let agents = agents.unwrap_or_else(|| {
        let counts = pattern.agent_counts();
        // Where nothing is said, a team that people would draw up.
        rng.random_range(*counts.start()..=(*counts.end()).min(12))
    });
    Ok((pattern, agents))
}

/// The domain that is asked for, else the one nearest to the sentence, else any.
fn domain(request: &ForgeRequest, brief: &mut Brief, rng: &mut ChaCha8Rng) -> Result<String, ForgeError> {
    if let Some(id) = &request.domain {
        return match domains().iter().any(|domain| domain.id == *id) {
            true => Ok(id.clone()),
            false => Err(ForgeError::UnknownDomain(id.clone())),
        };
    }
    let nearest = closest_domains(&brief.sentence, 1).into_iter().find(|(_, score)| *score > 0.0);
    let (domain, score) = nearest.unwrap_or_else(|| (&domains()[rng.random_range(0..domains().len())], 0.0));
    if score < DOUBTFUL_SCORE && !brief.sentence.is_empty() {
        brief.notes.push(format!(
            "no domain fits the sentence well; `{}` was taken (`nex forge --domains` lists them)",
            domain.id
        ));
    }
    Ok(domain.id.clone())
}

/// More hands need more to do.
fn complexity(agents: usize) -> Complexity {
    let level = match agents {
        0..=3 => 1,
        4..=6 => 2,
        7..=9 => 3,
        10..=15 => 4,
        _ => 5,
    };
    Complexity::new(level).unwrap_or_default()
}

/// What is wrong with the agents as they will lie in their folder; nobody plays them.
pub(crate) fn check_files(
    files: &[FrameworkFile],
    plan: &FrameworkPlan,
    world: &Arc<World>,
) -> Result<Vec<Finding>, ForgeError> {
    Ok(try_out(files, plan, world, 0, &NoRehearsal)?.err().unwrap_or_default())
}

/// Checks the agents as they will lie in their folder, then has them played.
pub(crate) fn try_out(
    files: &[FrameworkFile],
    plan: &FrameworkPlan,
    world: &Arc<World>,
    seed: u64,
    rehearsal: &dyn Rehearsal,
) -> Result<Result<Option<Rehearsed>, Vec<Finding>>, ForgeError> {
    let folder = tempfile::tempdir()?;
    write(files, folder.path())?;
    let entry = folder.path().join(plan.entry());
    let found = check_agents(&entry, world, Some(plan));
    if !found.is_empty() {
        return Ok(Err(found));
    }
    Ok(rehearsal.rehearse(&entry, world, seed).map_err(|finding| vec![finding]))
}

/// Writes `files` into `folder`, which is made.
///
/// # Errors
/// A folder or a file cannot be written.
pub fn write(files: &[FrameworkFile], folder: &Path) -> Result<(), std::io::Error> {
    for FrameworkFile { path, text } in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
