//! [`Repository`]: working code with its tests, before any bug: what tasks are drawn from.

use super::template::{Template, templates};
use crate::workbench::{CodeLanguage, Probe};
use nex_world::Language;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Working code with its tests.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// How tests and probes are run.
    pub(super) runner: CodeLanguage,
    pub(super) files: BTreeMap<String, String>,
    /// Test files among them.
    pub(super) tests: Vec<String>,
    /// Files that an agent never sees.
    pub(super) withheld: BTreeMap<String, String>,
    /// The file that gets the bugs.
    pub(super) target: String,
    /// What the target is about, in the task's language.
    pub(super) about: String,
    /// Inputs that reach the target.
    pub(super) probes: Vec<Probe>,
    /// Inputs that reach other files.
    pub(super) other_probes: Vec<Probe>,
    /// Whether only the exit code of a probe counts.
    pub(super) is_exit_only: bool,
    /// CPU time of each test and probe.
    pub(super) cpu_ms: u64,
    /// Probes that a bug must fail at least.
    pub(super) min_failing: usize,
}

const PACKAGES: [&str; 8] =
    ["toolbox", "basics", "helpers", "corelib", "kit", "parts", "commons", "workshop"];
/// Probes of each module that has no bug.
const OTHER_PROBES: usize = 5;

impl Repository {
    /// A repository of `others` + 1 templates.
    pub(super) fn draw(code: CodeLanguage, others: usize, language: Language, rng: &mut ChaCha8Rng) -> Self {
        let all = templates(code);
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.shuffle(rng);
        let chosen: Vec<&Template> = order.iter().take(others + 1).map(|index| &all[*index]).collect();
        let package = *PACKAGES.choose(rng).unwrap_or(&PACKAGES[0]);
        let mut repository = Self::assemble(code, &chosen, package, language);
        for template in &chosen[1..] {
            let mut probes = template.probes_in(package);
            let first = rng.random_range(0..=probes.len().saturating_sub(OTHER_PROBES));
            repository.other_probes.extend(probes.drain(first..(first + OTHER_PROBES).min(probes.len())));
        }
        repository
    }

    /// A repository of one template.
    #[cfg(test)]
    pub(super) fn of(template: &Template, package: &str, language: Language) -> Self {
        let code = if template.extension == "py" { CodeLanguage::Python } else { CodeLanguage::Shell };
        Self::assemble(code, &[template], package, language)
    }

    fn assemble(code: CodeLanguage, chosen: &[&Template], package: &str, language: Language) -> Self {
        let (mut files, mut tests) = (BTreeMap::new(), Vec::new());
        if code == CodeLanguage::Python {
            files.insert(format!("{package}/__init__.py"), String::new());
            files.insert("tests/__init__.py".to_owned(), String::new());
            tests.push("tests/__init__.py".to_owned());
        }
        for template in chosen {
            files.insert(template.path(package), template.source.to_owned());
            for (path, text) in test_files(template, package) {
                tests.push(path.clone());
                files.insert(path, text);
            }
        }
        files.insert("README.md".to_owned(), readme(package, chosen, language));
        let target = chosen[0];
        Self {
            runner: code,
            tests,
            withheld: BTreeMap::new(),
            target: target.path(package),
            about: target.about(language).to_owned(),
            probes: target.probes_in(package),
            other_probes: Vec::new(),
            files,
            is_exit_only: false,
            cpu_ms: match code {
                CodeLanguage::Python => 250,
                CodeLanguage::Shell => 1000,
            },
            min_failing: 2,
        }
    }
}

fn test_files(template: &Template, package: &str) -> Vec<(String, String)> {
    if template.extension == "py" {
        let text = template.tests.replace("PACKAGE", package);
        return vec![(format!("tests/test_{}.py", template.name), text)];
    }
    // Blocks: `== name`, `$ command`, its output.
    let blocks = template.tests.split("== ").filter(|block| !block.trim().is_empty());
    blocks
        .flat_map(|block| {
            let (name, rest) = block.split_once('\n').unwrap_or((block, ""));
            let (command, output) = rest.split_once('\n').unwrap_or((rest, ""));
            let command = command.trim_start_matches("$ ").replace("PROGRAM", &template.path(package));
            let base = format!("tests/{}_{}", template.name, name.trim());
            [(format!("{base}.cmd"), command + "\n"), (format!("{base}.out"), output.to_owned())]
        })
        .collect()
}

fn readme(package: &str, templates: &[&Template], language: Language) -> String {
    let mut listed: Vec<&&Template> = templates.iter().collect();
    listed.sort_by_key(|template| template.name);
    let head = match language {
        Language::En => format!("# {package}\n\nSmall programs that are used in many places.\n\n"),
        Language::Zh => format!("# {package}\n\n在许多地方用到的小程序。\n\n"),
    };
    let lines = listed.iter().map(|template| {
        let path = template.path(package);
        format!("- `{path}`: {}\n", template.about(language))
    });
    head + &lines.collect::<String>()
}
