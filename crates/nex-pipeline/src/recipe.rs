//! [`Recipe`]: what a run shall make, as YAML.
//!
//! Every key has a default, so `{}` is a recipe: the built-in worlds, all harnesses, the expert.

use crate::PipelineError;
use crate::export::ExportTarget;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a run shall make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// The run's name; the folder's by default.
    pub name: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// Episodes to make.
    pub episodes: u64,
    /// Names of built-in worlds, paths of world files, or `*` for all built-in ones. Empty, it means
    /// `*`, or no world but theirs where `frameworks` are named.
    pub worlds: Vec<String>,
    /// `single`, `team`, `pipeline`: who plays in `worlds`.
    pub harnesses: Vec<String>,
    /// Folders of frameworks, as `nex forge` makes them, or folders of such; each plays in its own
    /// world.
    pub frameworks: Vec<String>,
    /// What drives the agents: `expert`, `null`, `random`, `openai:NAME`, `anthropic:NAME`,
    /// `script:PATH`, `replay:PATH`, `record:PATH=…`.
    pub driver: String,
    /// How the expert errs; only for the driver `expert`.
    pub expert: ExpertRecipe,
    /// Shares of `easy`, `medium`, `hard`; they need not sum to 1.
    pub difficulty: IndexMap<String, f64>,
    /// Shares of `en`, `zh`.
    pub languages: IndexMap<String, f64>,
    /// Attempts at each task.
    pub attempts: u32,
    /// Episodes under way at once.
    pub concurrency: usize,
    /// How agents reach their world: `in_process`, or `mcp`: a real MCP server in a child process.
    pub transport: Transport,
    /// What is exported.
    pub export: ExportRecipe,
}

/// How the built-in expert errs (Nexus-1 §1), as probabilities an episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpertRecipe {
    /// A wrong value early, carried on.
    pub error_propagation: f64,
    /// The same approach again with small variations.
    pub shallow_exploration: f64,
    /// Tool output ignored or misread.
    pub feedback_neglect: f64,
    /// Of the errors made, the share that is noticed and repaired.
    pub recovery: f64,
}

/// How agents reach their world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// As function calls: the fastest.
    #[default]
    InProcess,
    /// Over stdio to `nex world serve`, one child process a slot.
    Mcp,
}

/// What is exported, and which episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportRecipe {
    /// Targets, see [`crate::export::ExportTarget::names`]: `openai`, `hermes`, `trl` …
    pub formats: Vec<String>,
    /// Whether all episodes are also written as Parquet.
    pub parquet: bool,
    /// Which episodes become samples.
    pub keep: Keep,
}

/// Which episodes become training samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those that the verifier accepts whole.
    #[default]
    Success,
    /// All that have a reward: failures too, never infra failures.
    Scored,
    /// All but infra failures: records that nobody judged too.
    All,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            name: String::new(),
            seed: 0,
            episodes: 100,
            worlds: Vec::new(),
            harnesses: ["single", "team", "pipeline"].map(str::to_owned).to_vec(),
            frameworks: Vec::new(),
            driver: "expert".to_owned(),
            expert: ExpertRecipe::default(),
            difficulty: shares([("easy", 0.4), ("medium", 0.4), ("hard", 0.2)]),
            languages: shares([("en", 0.7), ("zh", 0.3)]),
            attempts: 1,
            concurrency: 64,
            transport: Transport::default(),
            export: ExportRecipe::default(),
        }
    }
}

impl Default for ExportRecipe {
    fn default() -> Self {
        Self { formats: ["openai", "hermes"].map(str::to_owned).to_vec(), parquet: true, keep: Keep::Success }
    }
}

fn shares<const N: usize>(pairs: [(&str, f64); N]) -> IndexMap<String, f64> {
    pairs.into_iter().map(|(name, share)| (name.to_owned(), share)).collect()
}

/// The longest recipe that is read.
const MAX_RECIPE_BYTES: u64 = 1 << 20;

impl Recipe {
    /// Reads a recipe file.
    ///
    /// # Errors
    /// The file is missing, too long, no YAML, or has a key or value that cannot be.
    pub fn load(path: &Path) -> Result<Self, PipelineError> {
        let fail = |cause: String| PipelineError::Recipe { path: path.to_owned(), cause };
        let length = std::fs::metadata(path).map_err(|e| fail(e.to_string()))?.len();
        if length > MAX_RECIPE_BYTES {
            return Err(fail(format!("it has {length} bytes; a recipe has at most {MAX_RECIPE_BYTES}")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
        let recipe = Self::from_yaml(&text).map_err(fail)?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// Reads a recipe from YAML text; an empty text is the default recipe.
    ///
    /// # Errors
    /// Line, column and cause.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options(text, options).map_err(|e| e.to_string())
    }

    /// The worlds to play in besides those of frameworks, as named.
    pub fn world_names(&self) -> Vec<&str> {
        if self.worlds.is_empty() && self.frameworks.is_empty() {
            return vec!["*"];
        }
        self.worlds.iter().map(String::as_str).collect()
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first key whose value cannot be.
    pub fn validate(&self) -> Result<(), PipelineError> {
        if self.episodes == 0 {
            return Err(PipelineError::value("episodes", "must be at least 1"));
        }
        if self.attempts == 0 {
            return Err(PipelineError::value("attempts", "must be at least 1"));
        }
        if self.concurrency == 0 {
            return Err(PipelineError::value("concurrency", "must be at least 1"));
        }
        check_names("harnesses", &self.harnesses, &["single", "team", "pipeline"])?;
        check_names("export.formats", &self.export.formats, &ExportTarget::names())?;
        check_shares("difficulty", &self.difficulty, &["easy", "medium", "hard"])?;
        check_shares("languages", &self.languages, &["en", "zh"])?;
        let dials = [
            ("expert.error_propagation", self.expert.error_propagation),
            ("expert.shallow_exploration", self.expert.shallow_exploration),
            ("expert.feedback_neglect", self.expert.feedback_neglect),
            ("expert.recovery", self.expert.recovery),
        ];
        for (key, value) in dials {
            if !(0.0..=1.0).contains(&value) {
                return Err(PipelineError::value(key, format!("is {value}; it must be within 0 and 1")));
            }
        }
        Ok(())
    }
}

fn check_names(key: &str, names: &[String], known: &[&str]) -> Result<(), PipelineError> {
    for (index, name) in names.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            return Err(PipelineError::value(format!("{key}[{index}]"), unknown_name(name, known)));
        }
        if names[..index].contains(name) {
            return Err(PipelineError::value(format!("{key}[{index}]"), format!("`{name}` stands twice")));
        }
    }
    if names.is_empty() && key == "harnesses" {
        return Err(PipelineError::value(key, format!("is empty; choose among {known:?}")));
    }
    Ok(())
}

fn check_shares(key: &str, shares: &IndexMap<String, f64>, known: &[&str]) -> Result<(), PipelineError> {
    for (name, share) in shares {
        if !known.contains(&name.as_str()) {
            return Err(PipelineError::value(format!("{key}.{name}"), unknown_name(name, known)));
        }
        if !share.is_finite() || *share < 0.0 {
            return Err(PipelineError::value(
                format!("{key}.{name}"),
                format!("is {share}; a share is at least 0"),
            ));
        }
    }
    if shares.values().sum::<f64>() <= 0.0 {
        return Err(PipelineError::value(key, "the shares sum to 0: give at least one a share above 0"));
    }
    Ok(())
}

/// "`x` is unknown; did you mean `y`? known: …".
pub(crate) fn unknown_name(name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), *k))
        .min()
        .filter(|(distance, k)| *distance <= 1.max(k.len() / 3));
    match nearest {
        Some((_, best)) => format!("`{name}` is unknown; did you mean `{best}`? known: {}", known.join(", ")),
        None => format!("`{name}` is unknown; known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(yaml: &str, expected: Expect) {
        let told = match Recipe::from_yaml(yaml).and_then(|r| r.validate().map_err(|e| e.to_string())) {
            Ok(()) => "ok".to_owned(),
            Err(cause) => cause,
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn an_empty_recipe_is_the_default_one() {
        assert_eq!(Recipe::from_yaml("").unwrap(), Recipe::default());
        assert_eq!(Recipe::from_yaml("{}").unwrap(), Recipe::default());
    }

    #[test]
    fn values_that_cannot_be_are_named() {
        check("episodes: 0", expect!["recipe key `episodes`: must be at least 1"]);
        check(
            "harnesses: [team, singel]",
            expect![[
                r#"recipe key `harnesses[1]`: `singel` is unknown; did you mean `single`? known: single, team, pipeline"#
            ]],
        );
        check("harnesses: [team, team]", expect!["recipe key `harnesses[1]`: `team` stands twice"]);
        check("languages: {fr: 1}", expect!["recipe key `languages.fr`: `fr` is unknown; known: en, zh"]);
        check(
            "difficulty: {easy: 0}",
            expect!["recipe key `difficulty`: the shares sum to 0: give at least one a share above 0"],
        );
        check(
            "expert: {recovery: 1.5}",
            expect!["recipe key `expert.recovery`: is 1.5; it must be within 0 and 1"],
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let told = Recipe::from_yaml("seed: 3\nepisode: 5\n").unwrap_err();
        assert!(told.contains("episode") && told.contains("line 2"), "{told}");
    }
}
