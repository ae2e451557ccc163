//! Writing the world: whole, or operation by operation.

use super::{Attempt, Workspace, WorldDraft};
use crate::builders::agent_draft::check_values;
use crate::builders::world_parts::WorldParts;
use crate::builders::yaml::{read, unfenced};
use crate::world::{WorldCheck, check_world};
use nex_tools::ToolOutput;
use nex_world::spec::{TypeName, WorldSpec};
use nex_world::{World, WorldError};
use std::collections::HashMap;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// Lines of the file that an error shows.
const MAX_SHOWN_LINES: usize = 4;
/// Tasks of each difficulty that a write tries.
const QUICK_TASKS: u64 = 2;

impl Workspace {
    /// Takes the world file `yaml`: with operations a whole world, which must have solvable tasks; without
    /// them a foundation, on which the operations and policies so far stay.
    pub(in crate::builders) fn define_world(&mut self, yaml: &str) -> ToolOutput {
        let yaml = unfenced(yaml);
        self.write("world", |this| {
            this.check_size("yaml", yaml)?;
            let mut parts = WorldParts::parse(yaml)?;
            if parts.is_without_operations() {
                // A new foundation under what was built on the old one.
                if let Some(earlier) = &this.world {
                    parts.adopt(&earlier.parts);
                }
                return this.take_world(parts);
            }
            let draft = this.compile(parts)?;
            let trial = this
                .try_out(&draft, QUICK_TASKS)
                .map_err(|cause| format!("the world loads, but {cause}. {}", way_out(&cause)))?;
            let told = format!("{} {}", this.summary(&draft), describe(&trial));
            this.world = Some(draft);
            Ok(told)
        })
    }

    /// Puts in, or replaces, the operation `name`.
    pub(in crate::builders) fn define_operation(&mut self, name: &str, yaml: &str) -> ToolOutput {
        let yaml = unfenced(yaml);
        self.write(&format!("operation {}", short(name)), |this| {
            this.check_size("yaml", yaml)?;
            let mut parts = this.foundation()?;
            parts.set_operation(name, yaml)?;
            this.take_world(parts)
        })
    }

    /// Takes out the operation `name`.
    pub(in crate::builders) fn remove_operation(&mut self, name: &str) -> ToolOutput {
        self.write(&format!("operation {}", short(name)), |this| {
            let mut parts = this.foundation()?;
            if !parts.remove_operation(name) {
                return Err(format!("the world has no operation `{}`", short(name)));
            }
            this.take_world(parts)
        })
    }

    /// Puts in, or replaces, the policy that `yaml` describes.
    pub(in crate::builders) fn define_policy(&mut self, yaml: &str) -> ToolOutput {
        let yaml = unfenced(yaml);
        self.write("policy", |this| {
            this.check_size("yaml", yaml)?;
            let mut parts = this.foundation()?;
            parts.set_policy(yaml)?;
            this.take_world(parts)
        })
    }

    fn foundation(&self) -> Result<WorldParts, String> {
        let world = self.world.as_ref();
        world
            .map(|world| world.parts.clone())
            .ok_or_else(|| "there is no world yet; define_world comes first".to_owned())
    }

    /// Takes a world that is under way: it must load, and whether it has tasks yet is told.
    fn take_world(&mut self, parts: WorldParts) -> Attempt {
        let draft = self.compile(parts)?;
        let mut told = self.summary(&draft);
        if draft.parts.is_without_operations() {
            told.push_str(" Operations come next, by define_operation.");
        } else {
            told.push(' ');
            match self.try_out(&draft, QUICK_TASKS) {
                Ok(trial) => told.push_str(&describe(&trial)),
                Err(cause) => told.push_str(&format!("Not whole yet: {cause}. {}", way_out(&cause))),
            }
        }
        self.world = Some(draft);
        Ok(told)
    }

    /// The world of `parts`, if it loads and is not too large.
    fn compile(&self, parts: WorldParts) -> Result<WorldDraft, String> {
        let text = parts.text();
        self.check_size("the world", &text)?;
        // Before a state is made: a file of a hundred bytes may ask for millions of records.
        if let Ok(spec) = read::<WorldSpec>(&text) {
            self.check_world_size(&spec)?;
        }
        let world = World::from_yaml(&text, "world.yaml").map_err(|error| explain(&error, &text))?;
        check_values("the world", &text)?;
        if let Some(domain) = self.request.domain.as_deref().filter(|domain| *domain != world.domain()) {
            return Err(format!(
                "`domain` was asked for as `{domain}`; it is `{}` here",
                short(world.domain())
            ));
        }
        Ok(WorldDraft { parts, text, world })
    }

    fn check_world_size(&self, spec: &WorldSpec) -> Result<(), String> {
        let mut made: HashMap<&str, u64> = HashMap::new();
        // Entities may stand in any order, so parents are counted in rounds until nothing changes.
        for _ in 0..spec.entities.len() {
            for (name, entity) in &spec.entities {
                let rows = entity.value.rows.len() as u64;
                let counted = entity.value.count.as_ref().map_or(0, |count| {
                    let parents = count.per.as_deref().map_or(1, |per| made.get(per).copied().unwrap_or(0));
                    parents.saturating_mul(u64::from(count.max))
                });
                made.insert(name, counted.max(rows));
            }
        }
        let records = made.values().fold(0u64, |sum, count| sum.saturating_add(*count));
        let most = self.limits.max_records;
        if records > most {
            return Err(format!(
                "the world would start with up to {records} records; at most {most} are taken: lower `count`, 20 to 100 an entity are plenty"
            ));
        }
        let mut items = 0u64;
        for (name, entity) in &spec.entities {
            for field in entity.value.fields.values().filter(|field| field.value.kind == TypeName::List) {
                let generator = field.value.generator.as_ref().map(|generator| &generator.value.0);
                let cases = generator.iter().flat_map(|keys| keys.cases.iter().map(|case| &case.value.0));
                let bounds = generator.iter().copied().chain(cases).filter_map(|keys| keys.max.as_ref());
                let longest = bounds.filter_map(|max| max.value.0.parse::<u64>().ok()).max().unwrap_or(0);
                let records = made.get(name.as_str()).copied().unwrap_or(0);
                items = items.saturating_add(records.saturating_mul(longest));
            }
        }
        let most = self.limits.max_list_items;
        if items > most {
            return Err(format!(
                "the world's lists would hold up to {items} items; at most {most} are taken: lower their `max`"
            ));
        }
        Ok(())
    }

    /// Makes tasks of each difficulty for `count` seeds and proves them, within the time that a trial has.
    pub(super) fn try_out(&self, draft: &WorldDraft, count: u64) -> Result<WorldCheck, String> {
        let (text, seed, limit) = (draft.text.clone(), self.request.seed, self.limits.max_trial);
        let (tell, told) = std::sync::mpsc::channel();
        // Evaluation is bounded by fuel, so a trial that nobody waits for any more comes to an end too.
        std::thread::spawn(move || {
            let seeds = (0..count).map(|at| seed.wrapping_add(at));
            let _ = tell.send(check_world(&text, "world.yaml", seeds).map_err(|error| error.to_string()));
        });
        match told.recv_timeout(limit) {
            Ok(trial) => trial,
            Err(RecvTimeoutError::Timeout) => Err(too_slow(limit)),
            Err(RecvTimeoutError::Disconnected) => Err("making its tasks broke down".to_owned()),
        }
    }

    fn summary(&self, draft: &WorldDraft) -> String {
        let entities = draft.world.schema().entities().len();
        let operations = if draft.parts.is_without_operations() { 0 } else { draft.world.operations().len() };
        format!(
            "The world `{}` loads: {entities} entities, {operations} operations, {} policies.",
            draft.world.name(),
            draft.world.policies().len()
        )
    }
}

fn too_slow(limit: Duration) -> String {
    format!(
        "making its tasks takes more than {} ms: fewer records, and expressions that look at fewer of them",
        limit.as_millis()
    )
}

/// What a trial showed, for a builder.
pub(super) fn describe(trial: &WorldCheck) -> String {
    match trial.uncalled.as_slice() {
        [] => format!("{} tasks proven by their oracle.", trial.tasks),
        uncalled => {
            format!(
                "{} tasks proven by their oracle; none of them used {}.",
                trial.tasks,
                uncalled.join(", ")
            )
        }
    }
}

/// How a world without tasks comes to have some.
fn way_out(cause: &str) -> &'static str {
    if cause.contains("takes more than") {
        return "";
    }
    if cause.contains("no policy") {
        return "Hard tasks turn on a rule: they need a policy about an operation that has a `goal` (define_policy).";
    }
    "Tasks need writes with a `goal`, whose records instructions can name: `keys` on their entities, and for each key \
     field a find or list with an argument `match: field`, or a list that returns the field. Preconditions must \
     hold for a good part of the records."
}

/// The loader's words, with the lines that they are about.
fn explain(error: &WorldError, text: &str) -> String {
    let lines: Vec<u64> = match error {
        WorldError::Yaml { line, .. } => vec![*line],
        WorldError::Invalid { problems, .. } => problems.iter().map(|problem| problem.line).collect(),
        _ => Vec::new(),
    };
    let mut told = error.to_string();
    let mut shown: Vec<u64> = Vec::new();
    for line in lines.into_iter().filter(|line| *line > 0) {
        if shown.contains(&line) || shown.len() == MAX_SHOWN_LINES {
            continue;
        }
        if let Some(content) = text.lines().nth(line as usize - 1) {
            told.push_str(&format!("\n{line} | {}", &content[..content.floor_char_boundary(160)]));
            shown.push(line);
        }
    }
    told
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}
