//! `nex forge`: frameworks from a sentence, or many from a seed.

use crate::args::ForgeArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::rehearsal::ExpertRehearsal;
use crate::terminal::{Tint, is_rich, print, safe, tell, tint};
use indicatif::{ProgressBar, ProgressStyle};
use nex_agent_gen::diversity::Diversity;
use nex_agent_gen::forge::{
    Fleet, FleetRequest, ForgeError, ForgeRequest, Forged, forge_fleet, forge_rehearsed, write,
};
use nex_agent_gen::framework::WorkflowPattern;
use nex_agent_gen::servers::{Offers, equip};
use nex_agent_gen::world::domains;
use nex_view::{GalleryAxis, GalleryInput, GalleryItem, render_gallery};
use std::path::Path;

/// Frameworks of one fleet.
const MAX_COUNT: usize = 100_000;

/// Makes what is asked for.
pub(crate) fn run(args: ForgeArgs) -> Outcome {
    if args.domains {
        for domain in domains() {
            print(format!("{}  {}", tint(Tint::Strong, &format!("{:<24}", domain.id)), domain.title));
        }
        return Ok(());
    }
    if let Some(folder) = &args.builders {
        return super::forge_builders::write_them(folder);
    }
    is_free(&args.out)?;
    match args.count {
        Some(count) => many(&args, count),
        None => one(&args),
    }
}

fn one(args: &ForgeArgs) -> Outcome {
    let pattern = match &args.pattern {
        None => None,
        Some(name) => Some(WorkflowPattern::from_name(name).ok_or_else(|| {
            let known: Vec<&str> = WorkflowPattern::ALL.iter().map(|pattern| pattern.as_str()).collect();
            Failure::usage(format!(
                "--pattern {name}: there is none of this name; known: {}",
                known.join(", ")
            ))
        })?),
    };
    let request = ForgeRequest {
        sentence: if args.sentence == "-" { String::new() } else { args.sentence.clone() },
        pattern,
        agents: args.agents,
        domain: args.domain.clone(),
        seed: args.seed,
    };
    let forged = match &args.model {
        Some(model) => super::forge_builders::make(args, &request, model)?,
        None => {
            let offers = args.catalogue.as_deref().map(offers).transpose()?;
            let forged = forge_rehearsed(&request, &ExpertRehearsal);
            let forged = forged.and_then(|forged| equip(forged, offers.as_ref())).map_err(failed)?;
            store(&forged, &args.out)?;
            forged
        }
    };
    show(&forged, &args.out);
    Ok(())
}

fn offers(path: &Path) -> Result<Offers, Failure> {
    let told = |cause: &dyn std::fmt::Display| Failure::input(format!("{}: {cause}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| told(&error))?;
    Offers::read(&text).map_err(|error| told(&error))
}

fn show(forged: &Forged, out: &Path) {
    let manifest = &forged.manifest;
    for note in &manifest.brief.notes {
        tell(format!("{} {}", tint(Tint::Doubtful, "note:"), safe(note, 1_000)));
    }
    print(format!("{} · {}", tint(Tint::Strong, &safe(&manifest.title, 200)), manifest.planner));
    let agents = &manifest.plan.agents;
    let mut shown = vec![false; agents.len()];
    for index in 0..agents.len() {
        branch(manifest, index, 1, &mut shown);
    }
    for server in &manifest.servers {
        print(format!(
            "real server {}: {} tools for {}",
            tint(Tint::Strong, &server.name),
            server.tools.len(),
            server.agents.join(", ")
        ));
    }
    let trial = &manifest.trial;
    print(format!(
        "{} operations, {} tasks proven by their oracle{}",
        manifest.world.operations.len(),
        trial.tasks,
        if trial.uncalled.is_empty() {
            String::new()
        } else {
            format!("; none of them uses {}", trial.uncalled.join(", "))
        }
    ));
    if let Some(rehearsal) = &manifest.rehearsal {
        print(format!(
            "played by the {}: {} tasks solved in {} replies",
            rehearsal.driver, rehearsal.episodes, rehearsal.turns
        ));
    }
    print(format!("\nwritten to {}; to look at it:", out.display()));
    print(format!("  nex check {}", out.display()));
    print(format!("  nex world play {}", out.join(&manifest.world_file).display()));
}

/// An agent with those below it.
fn branch(manifest: &nex_agent_gen::forge::Manifest, index: usize, level: usize, shown: &mut [bool]) {
    if std::mem::replace(&mut shown[index], true) {
        return;
    }
    let agent = &manifest.plan.agents[index];
    let indent = "  ".repeat(level);
    print(format!("{indent}{}  {}", agent.name, tint(Tint::Faint, &safe(&agent.description, 400))));
    for sub in &agent.sub_agents {
        branch(manifest, *sub, level + 1, shown);
    }
}

fn many(args: &ForgeArgs, count: usize) -> Outcome {
    if !(1..=MAX_COUNT).contains(&count) {
        return Err(Failure::usage(format!("--count {count}: give 1 to {MAX_COUNT}")));
    }
    let bar = if is_rich() { ProgressBar::new(count as u64) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:32.cyan/dim} {pos}/{len} frameworks · {eta} left");
    bar.set_style(style.expect("the template is valid").progress_chars("━╸─"));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let request = FleetRequest { count, seed: args.seed, threads };
    let fleet = forge_fleet(&request, &ExpertRehearsal, || bar.inc(1));
    bar.finish_and_clear();
    let fleet = fleet.map_err(failed)?;
    for (index, forged) in fleet.frameworks.iter().enumerate() {
        store(forged, &args.out.join(folder_of(index, forged)))?;
    }
    let path = args.out.join("diversity.json");
    let json = serde_json::to_string_pretty(&fleet.diversity).map_err(Failure::surroundings)?;
    std::fs::write(&path, json + "\n")
        .map_err(|e| Failure::surroundings(format!("{}: {e}", path.display())))?;
    let gallery = args.out.join("gallery.html");
    std::fs::write(&gallery, render_gallery(&gallery_of(&fleet, &args.out)))
        .map_err(|e| Failure::surroundings(format!("{}: {e}", gallery.display())))?;
    tell_diversity(&fleet.diversity, fleet.near_duplicates);
    print(format!(
        "written to {}; how they differ: {}, {}",
        args.out.display(),
        path.display(),
        gallery.display()
    ));
    Ok(())
}

/// The folder of framework number `index`.
fn folder_of(index: usize, forged: &Forged) -> String {
    format!("{index:04}-{}", forged.manifest.name)
}

fn gallery_of(fleet: &Fleet, out: &Path) -> GalleryInput {
    let items = fleet.frameworks.iter().enumerate().map(|(index, forged)| {
        let manifest = &forged.manifest;
        let agents = manifest.plan.agents.iter();
        GalleryItem {
            folder: folder_of(index, forged),
            title: manifest.title.clone(),
            pattern: manifest.plan.pattern.to_string(),
            agents: agents.map(|agent| (agent.name.clone(), agent.description.clone())).collect(),
            edges: manifest.plan.edges(),
            operations: manifest.world.operations.len(),
            place: fleet.diversity.map.get(index).copied(),
        }
    });
    let axes = fleet.diversity.axes.iter().map(|(name, axis)| GalleryAxis {
        name: name.clone(),
        counts: axis.counts.iter().map(|(value, count)| (value.clone(), *count as u64)).collect(),
        entropy_bits: axis.entropy_bits,
    });
    GalleryInput {
        name: out.file_name().map_or("fleet".to_owned(), |name| name.to_string_lossy().into_owned()),
        planner: fleet.frameworks.first().map(|forged| forged.manifest.planner.clone()).unwrap_or_default(),
        frameworks: items.collect(),
        axes: axes.collect(),
        likeness: (fleet.diversity.likeness_mean, fleet.diversity.likeness_max),
    }
}

fn tell_diversity(diversity: &Diversity, near_duplicates: usize) {
    print(format!(
        "{} frameworks, all checked; {near_duplicates} near duplicates made anew",
        diversity.frameworks
    ));
    for (name, axis) in &diversity.axes {
        print(format!("  {name:<16} {:>3} values  {:.2} bits", axis.counts.len(), axis.entropy_bits));
    }
    print(format!(
        "  likeness of two  {:.3} on average, {:.3} at most (shared sequences of five words)",
        diversity.likeness_mean, diversity.likeness_max
    ));
}

/// Nothing is written over.
fn is_free(out: &Path) -> Outcome {
    match std::fs::read_dir(out).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(Failure::input(format!("{} is not empty: choose another --out", out.display()))),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::input(format!("{}: {error}", out.display())))
        }
        _ => Ok(()),
    }
}

pub(super) fn store(forged: &Forged, folder: &Path) -> Outcome {
    write(&forged.files, folder).map_err(|e| Failure::surroundings(format!("{}: {e}", folder.display())))
}

pub(super) fn failed(error: ForgeError) -> Failure {
    match error {
        ForgeError::AgentCount(_) | ForgeError::UnknownDomain(_) | ForgeError::Plan(_) => {
            Failure::usage(error)
        }
        ForgeError::Folder(_) => Failure::surroundings(error),
        ForgeError::Compose(_)
        | ForgeError::World(_)
        | ForgeError::NearDuplicate(_)
        | ForgeError::NotWhole(_) => Failure::new(Code::Found, error),
    }
}
