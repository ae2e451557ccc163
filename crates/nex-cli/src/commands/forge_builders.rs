//! `nex forge --model`: the framework is made by the builders, which are agents on an LLM.

use super::run::append_trace;
use crate::args::ForgeArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::rehearsal::ExpertRehearsal;
use crate::terminal::{Tint, print, safe, tell, tint};
use crate::{interrupt, models};
use nex_agent::Observer;
use nex_agent_gen::builders::{
    BUILDER_FILES, BuildFailure, BuildOptions, BuildOutcome, Catalogue, build, write_builders,
};
use nex_agent_gen::forge::{ForgeRequest, Forged};
use nex_trajectory::{StopReason, ToolCall, ToolResult, TrajectoryId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The builders' trajectories, beside the framework.
const RECORD_FILE: &str = "building.jsonl";
/// Characters of a tool's reply that are shown.
const SHOWN: usize = 160;

/// Writes the builders' own agent files into `folder`.
pub(super) fn write_them(folder: &Path) -> Outcome {
    write_builders(folder).map_err(|e| Failure::surroundings(format!("{}: {e}", folder.display())))?;
    print(format!("{} builders written to {}:", BUILDER_FILES.len(), folder.display()));
    for (name, _) in BUILDER_FILES {
        print(format!("  {name}"));
    }
    Ok(())
}

/// Lets the builders make a framework for `request`; `model` as on the command line.
pub(super) fn make(args: &ForgeArgs, request: &ForgeRequest, model: &str) -> Result<Forged, Failure> {
    let catalogue = match &args.catalogue {
        Some(path) => Catalogue::read(path).map_err(Failure::input)?,
        None => Catalogue::default(),
    };
    let model = models::open(Some(model), None)?;
    let runtime = super::synth::runtime()?;
    let outcome = runtime.block_on(async {
        let options = BuildOptions {
            catalogue,
            rehearsal: Arc::new(ExpertRehearsal),
            observer: Some(Arc::new(Teller::default())),
            cancel: interrupt::cancel_on_signal("the builders are told to stop; nothing is written"),
            ..BuildOptions::default()
        };
        build(request, model, options).await
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    let BuildOutcome { result, record } = outcome;
    match result {
        Ok(forged) => {
            super::forge::store(&forged, &args.out)?;
            for trajectory in &record {
                append_trace(&args.out.join(RECORD_FILE), trajectory)?;
            }
            Ok(forged)
        }
        Err(failure) => {
            // Beside the folder, which is not made: nothing of a framework is written that was not checked.
            let path = beside(&args.out);
            for trajectory in &record {
                append_trace(&path, trajectory)?;
            }
            if !record.is_empty() {
                tell(format!("nothing was built; what the builders did is in {}", path.display()));
            }
            Err(failed(failure))
        }
    }
}

/// `runs/ward` gives `runs/ward.building.jsonl`.
fn beside(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(RECORD_FILE);
    out.with_file_name(name)
}

fn failed(failure: BuildFailure) -> Failure {
    let told = format!("{} ({})", safe(&failure.to_string(), 4_000), failure.kind());
    match failure {
        BuildFailure::RepairLimit { .. }
        | BuildFailure::ProseOnly { .. }
        | BuildFailure::NeverFinished { .. } => Failure::new(Code::Found, told),
        BuildFailure::ModelFailed { .. } | BuildFailure::Builders(_) | BuildFailure::Folder(_) => {
            Failure::surroundings(told)
        }
        BuildFailure::Interrupted => Failure::new(Code::Interrupted, ""),
        BuildFailure::Request(error) => super::forge::failed(error),
    }
}

/// Tells which builder does what.
#[derive(Default)]
struct Teller {
    builders: Mutex<HashMap<TrajectoryId, (String, usize)>>,
    /// What a call is about, by its run and id.
    subjects: Mutex<HashMap<(TrajectoryId, String), String>>,
}

impl Observer for Teller {
    fn on_start(&self, run: &TrajectoryId, agent: &str, depth: u32) {
        let indent = 2 * depth as usize;
        self.builders.lock().insert(run.clone(), (agent.to_owned(), indent));
        tell(format!("{}{}", " ".repeat(indent), tint(Tint::Strong, agent)));
    }

    fn on_call(&self, run: &TrajectoryId, call: &ToolCall) {
        let arguments = call.arguments.to_value().unwrap_or_default();
        let subject = ["name", "pattern", "sub_agent_name", "query", "topic", "path", "to"]
            .iter()
            .find_map(|key| arguments.get(*key)?.as_str().map(str::to_owned));
        let key = (run.clone(), call.id.as_str().to_owned());
        self.subjects.lock().insert(key, subject.unwrap_or_default());
    }

    fn on_result(&self, run: &TrajectoryId, result: &ToolResult) {
        let indent = self.builders.lock().get(run).map_or(0, |(_, indent)| *indent);
        let key = (run.clone(), result.call_id.as_str().to_owned());
        let subject = self.subjects.lock().remove(&key).unwrap_or_default();
        let text = result.text();
        // What was only looked up is long and of no use here.
        let is_look =
            ["read_file", "read_example", "reference", "search_domains", "search_catalogue", "list_files"]
                .contains(&result.name.as_str());
        let told =
            if is_look && !result.is_error { String::new() } else { safe(&text.replace('\n', " "), SHOWN) };
        let (mark, shade) = if result.is_error { ("✗", Tint::Bad) } else { ("✓", Tint::Faint) };
        tell(format!(
            "{}  {mark} {} {}  {}",
            " ".repeat(indent),
            safe(&result.name, SHOWN),
            safe(&subject, SHOWN),
            tint(shade, &told)
        ));
    }

    fn on_stop(&self, run: &TrajectoryId, stop: &StopReason, _answer: Option<&str>) {
        if let Some((agent, indent)) = self.builders.lock().get(run).filter(|_| !stop.is_answer()) {
            tell(format!("{}{agent} stopped: {}", " ".repeat(*indent), stop.name()));
        }
    }
}
