//! How the frameworks of a fleet differ: counts and entropy an axis, and how like they read.

mod map;

use crate::forge::Forged;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Frameworks on the map.
const MAX_MAPPED: usize = 1_000;
/// Words of one shingle.
const SHINGLE_WORDS: usize = 5;

/// How the frameworks of a fleet differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diversity {
    /// Frameworks.
    pub frameworks: usize,
    /// By axis: `agents`, `depth`, `pattern`, `domain`, `operations`, `entities`, `policies`,
    /// `references` (the shape of the graph of entities), `tools_per_agent`.
    pub axes: BTreeMap<String, Axis>,
    /// Mean and greatest share of word sequences that two of them have in common, over all pairs.
    pub likeness_mean: f64,
    /// See `likeness_mean`.
    pub likeness_max: f64,
    /// Where the first frameworks, at most 1,000, lie on a map: the more two have in common, the
    /// nearer they are, as far as two dimensions can show it (`map.rs`).
    pub map: Vec<(f64, f64)>,
}

/// One axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Frameworks by value.
    pub counts: BTreeMap<String, usize>,
    /// Shannon entropy of `counts` in bits: `-Σ p log2 p`.
    pub entropy_bits: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = String>) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        values.for_each(|value| *counts.entry(value).or_default() += 1);
        let all: usize = counts.values().sum();
        let entropy = counts.values().map(|count| {
            let share = *count as f64 / all as f64;
            -share * share.log2()
        });
        // The sum of no terms, and of one, is zero without a sign.
        let entropy_bits = entropy.sum::<f64>().max(0.0);
        Self { counts, entropy_bits }
    }
}

impl Diversity {
    pub(crate) fn of(frameworks: &[Forged], shingles: &[Shingles]) -> Self {
        let axis = |value: &dyn Fn(&Forged) -> String| Axis::of(frameworks.iter().map(value));
        let number = |count: usize| format!("{count:02}");
        let axes = [
            ("agents", axis(&|forged| number(forged.manifest.plan.agents.len()))),
            ("depth", axis(&|forged| number(forged.manifest.plan.depth()))),
            ("pattern", axis(&|forged| forged.manifest.plan.pattern.to_string())),
            ("domain", axis(&|forged| forged.manifest.world.domain.clone())),
            ("operations", axis(&|forged| number(forged.manifest.world.operations.len()))),
            ("entities", axis(&|forged| number(forged.manifest.world.entities.len()))),
            ("policies", axis(&|forged| number(forged.manifest.world.policies.len()))),
            ("references", axis(&|forged| name_of(&forged.manifest.world.shape))),
            ("tools_per_agent", axis(&|forged| number(tools_per_agent(forged)))),
        ];
        // Of each to those before it.
        let mut distances = Vec::new();
        let (mut sum, mut pairs, mut likeness_max) = (0.0, 0usize, 0.0f64);
        for (at, one) in shingles.iter().enumerate() {
            for other in &shingles[..at] {
                let likeness = one.likeness(other);
                if at < MAX_MAPPED {
                    distances.push(1.0 - likeness);
                }
                sum += likeness;
                pairs += 1;
                likeness_max = likeness_max.max(likeness);
            }
        }
        Self {
            frameworks: frameworks.len(),
            axes: axes.map(|(name, axis)| (name.to_owned(), axis)).into(),
            likeness_mean: sum / pairs.max(1) as f64,
            likeness_max,
            map: map::scale(&distances, shingles.len().min(MAX_MAPPED)),
        }
    }
}

/// As it stands in files.
fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => format!("{other:?}"),
    }
}

/// Tools of the agents that have any, on average, rounded.
fn tools_per_agent(forged: &Forged) -> usize {
    let counts: Vec<usize> = forged.manifest.plan.agents.iter().map(|agent| agent.operations.len()).collect();
    let with_tools = counts.iter().filter(|count| **count > 0).count().max(1);
    (counts.iter().sum::<usize>() + with_tools / 2) / with_tools
}

/// The word sequences of a framework's files, hashed.
#[derive(Clone, Debug)]
pub(crate) struct Shingles(HashSet<u64>);

impl Shingles {
    pub(crate) fn of(forged: &Forged) -> Self {
        let mut shingles = HashSet::new();
        // The manifest repeats the plan, so it does not count.
        for file in forged.files.iter().skip(1) {
            let words: Vec<&str> =
                file.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            shingles.extend(words.windows(SHINGLE_WORDS).map(hash));
        }
        Self(shingles)
    }

    /// Jaccard: the size of the intersection over that of the union; 0 where both are empty.
    pub(crate) fn likeness(&self, other: &Self) -> f64 {
        let (small, large) = if self.0.len() < other.0.len() { (self, other) } else { (other, self) };
        let common = small.0.iter().filter(|shingle| large.0.contains(shingle)).count();
        let union = self.0.len() + other.0.len() - common;
        if union == 0 { 0.0 } else { common as f64 / union as f64 }
    }
}

/// FNV-1a: the same on every machine and in every version.
fn hash(words: &[&str]) -> u64 {
    words.iter().flat_map(|word| word.bytes().chain([b' '])).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_shares() {
        let axis = |values: &[&str]| Axis::of(values.iter().map(|value| (*value).to_owned())).entropy_bits;
        assert_eq!(axis(&[]), 0.0);
        assert_eq!(axis(&["a", "a"]), 0.0);
        assert_eq!(axis(&["a", "b", "c", "d"]), 2.0);
        assert!((axis(&["a", "a", "b"]) - 0.918_295_834).abs() < 1e-9);
    }

    #[test]
    fn likeness_is_jaccards() {
        let set = |members: &[u64]| Shingles(members.iter().copied().collect());
        assert_eq!(set(&[1, 2, 3]).likeness(&set(&[2, 3, 4])), 0.5);
        assert_eq!(set(&[]).likeness(&set(&[])), 0.0);
        assert_eq!(set(&[1]).likeness(&set(&[1])), 1.0);
    }
}
