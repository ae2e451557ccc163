//! `nex data`: count and look at the episodes of a run.

use super::inspect::{episode_head, trajectory_tree};
use crate::args::{InspectArgs, StatsArgs};
use crate::failure::{Failure, Outcome};
use crate::terminal::{Tint, print, tell, tint};
use nex_pipeline::{RunFolder, measure};
use nex_trajectory::Episode;
use nex_trajectory::store::Reader;

/// `nex data stats`.
pub(crate) fn stats(args: StatsArgs) -> Outcome {
    let folder = open(&args.run)?;
    let metrics = measure::measure_run(&folder).map_err(Failure::input)?;
    if args.json {
        print(serde_json::to_string_pretty(&metrics).map_err(Failure::input)?);
        return Ok(());
    }
    let manifest = folder.read_manifest().map_err(Failure::input)?;
    print(format!("{} · driver {} · seed {}", manifest.name, manifest.driver, manifest.seed));
    for count in &metrics.funnel {
        print(format!("{:>9}  {}", count.count, count.name));
    }
    for axis in ["difficulty", "world", "harness", "language"] {
        print(format!("\nsuccess by {axis}"));
        for row in metrics.success.iter().filter(|row| row.axis == axis) {
            let share = 100.0 * row.successes as f64 / row.episodes.max(1) as f64;
            print(format!(
                "  {:<22} {:>6} of {:<6} {share:>5.1} %   mean reward {:.3}",
                row.value, row.successes, row.episodes, row.mean_reward
            ));
        }
    }
    for (title, counts) in
        [("stops", &metrics.stops), ("failures", &metrics.failures), ("defects", &metrics.defects)]
    {
        print(format!("\n{title}"));
        if counts.is_empty() {
            print("  none");
        }
        for count in counts {
            print(format!("  {:>7}  {}", count.count, count.name));
        }
    }
    print("\ntotals");
    for (name, value) in &metrics.totals {
        print(format!("  {name:<18} {value}"));
    }
    Ok(())
}

/// `nex data inspect`.
pub(crate) fn inspect(args: InspectArgs) -> Outcome {
    let folder = open(&args.run)?;
    let wanted = args.episode.as_deref().unwrap_or("");
    let mut found = false;
    for episode in Reader::<Episode>::open(folder.episodes_dir()).map_err(Failure::input)? {
        let episode = match episode {
            Ok(episode) => episode,
            Err(damage) => {
                tell(format!("{} {damage}", tint(Tint::Doubtful, "warning:")));
                continue;
            }
        };
        if !episode.id.as_str().starts_with(wanted) {
            continue;
        }
        found = true;
        if args.list {
            let reward = episode.reward.as_ref().map_or("-".to_owned(), |r| format!("{:.3}", r.total));
            print(format!(
                "{}  {:<18} {:<9} {:<8} {:<8} {reward}",
                episode.id,
                episode.task.world,
                episode.harness,
                episode.task.difficulty,
                format!("{:?}", episode.outcome).to_lowercase(),
            ));
            continue;
        }
        print(episode_head(&episode, args.width));
        print(trajectory_tree(&episode.trajectory, args.width));
        return Ok(());
    }
    if !found {
        return Err(Failure::input(format!(
            "no episode of {} begins with `{wanted}`; `nex data inspect {} --list` lists them",
            args.run.display(),
            args.run.display()
        )));
    }
    Ok(())
}

fn open(run: &std::path::Path) -> Result<RunFolder, Failure> {
    let folder = RunFolder::new(run);
    folder.read_manifest().map_err(Failure::input)?;
    Ok(folder)
}
