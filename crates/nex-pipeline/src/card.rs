//! The dataset card: what is in `dataset/`, what made it, and what it must not be taken for.

use crate::export::{ExportReport, ExportTarget};
use crate::recipe::{Keep, Recipe};
use nex_trajectory::run::{RunManifest, RunMetrics};
use std::fmt::Write;

/// The card as Markdown, with the front matter that dataset hubs read.
pub(crate) fn dataset_card(
    manifest: &RunManifest,
    recipe: &Recipe,
    metrics: &RunMetrics,
    targets: &[ExportTarget],
    files: &[(String, ExportReport)],
) -> String {
    let mut card = String::new();
    let languages: Vec<&str> =
        recipe.languages.iter().filter(|(_, share)| **share > 0.0).map(|(name, _)| name.as_str()).collect();
    let _ = write!(
        card,
        "---\nlanguage: [{}]\ntags: [agents, tool-use, synthetic]\n---\n\n# {}\n\n",
        languages.join(", "),
        manifest.name
    );
    card.push_str(&provenance(&manifest.driver));
    let kept = match recipe.export.keep {
        Keep::Success => "Samples are taken from episodes that the verifier accepts whole.",
        Keep::Scored => "Samples are taken from all episodes with a reward, failures too.",
        Keep::All => "Samples are taken from all episodes, judged or not.",
    };
    let _ = write!(
        card,
        "\n{kept} One sample is one branch of one agent's conversation; sub-agents' conversations are samples \
         of their own. The Parquet file holds every episode, failures and infrastructure failures too.\n\n\
         | file | rows | episodes read | left out |\n|---|--:|--:|---|\n"
    );
    for (name, report) in files {
        let skipped: Vec<String> = report.skipped.iter().map(|(why, n)| format!("{n}: {why}")).collect();
        let skipped = if skipped.is_empty() { "none".to_owned() } else { skipped.join("; ") };
        let _ = writeln!(card, "| `{name}` | {} | {} | {skipped} |", report.samples, report.episodes);
    }
    let losses = || targets.iter().map(ExportTarget::about).filter(|about| !about.loses.is_empty());
    if losses().next().is_some() {
        card.push_str("\nWhat these formats have no place for, beside the record in `episodes.parquet`:\n\n");
        for about in losses() {
            let _ = writeln!(card, "- `{}` ({}): {}.", about.file_name, about.reader, about.loses);
        }
    }
    card.push_str("\n## How it came about\n\n| stage | count |\n|---|--:|\n");
    for count in &metrics.funnel {
        let _ = writeln!(card, "| {} | {} |", count.name, count.count);
    }
    let _ = write!(
        card,
        "\nSeed {}, nex {}, fingerprint `{}`. The same recipe, seed and driver give the same files.\n\n\
         ```json\n{}\n```\n",
        manifest.seed,
        manifest.nex_version,
        manifest.fingerprint,
        serde_json::to_string_pretty(&manifest.recipe).unwrap_or_default()
    );
    card
}

fn provenance(driver: &str) -> String {
    match driver {
        "expert" => {
            "Made by the **built-in expert of Nex, which is not a language model**: it follows each task's \
                     oracle plan through the agent loop and real tools. Reasons and answers are templates.\n"
                .to_owned()
        }
        "null" | "random" => {
            format!("Made by the built-in reference model `{driver}`, which is no language model.\n")
        }
        other => format!("Made by `{other}`.\n"),
    }
}
