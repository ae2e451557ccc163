//! Finding tools by words: BM25 over names, descriptions and arguments.
//!
//! In: any words. Out: the tools that share a stem with them, the best first; equal ones in the
//! catalogue's order. It knows no meaning: `rows` does not find `records`.

use super::{Catalogue, CatalogueEntry};
use std::collections::{HashMap, HashSet};

/// How fast further occurrences of a word count less, and how much long texts are discounted.
const SATURATION: f64 = 1.2;
const LENGTH_SHARE: f64 = 0.6;
/// A word in a name says more than one in prose.
const NAME_WEIGHT: f64 = 3.0;
const SERVER_WEIGHT: f64 = 2.0;

/// A tool that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'a> {
    /// The tool.
    pub entry: &'a CatalogueEntry,
    /// Only comparable within one search; positive.
    pub score: f64,
}

/// At most `count` tools for `query`, the best first.
pub fn search<'a>(catalogue: &'a Catalogue, query: &str, count: usize) -> Vec<Hit<'a>> {
    let wanted: HashSet<String> = stems(query).collect();
    let texts: Vec<HashMap<String, f64>> = catalogue.tools.iter().map(weights).collect();
    let lengths: Vec<f64> = texts.iter().map(|text| text.values().sum()).collect();
    let mean_length = lengths.iter().sum::<f64>() / (lengths.len().max(1) as f64);
    let mut wanted: Vec<(&str, f64)> = wanted
        .iter()
        .map(|word| {
            let having = texts.iter().filter(|text| text.contains_key(word)).count() as f64;
            let all = texts.len() as f64;
            (word.as_str(), (1.0 + (all - having + 0.5) / (having + 0.5)).ln())
        })
        .collect();
    // Sums of decimals depend on their order.
    wanted.sort_by_key(|(word, _)| *word);
    let mut hits: Vec<Hit<'a>> = Vec::new();
    for ((entry, text), length) in catalogue.tools.iter().zip(&texts).zip(&lengths) {
        let norm = SATURATION * (1.0 - LENGTH_SHARE + LENGTH_SHARE * length / mean_length.max(1.0));
        let score = wanted.iter().filter_map(|(word, rarity)| {
            let times = text.get(*word)?;
            Some(rarity * times * (SATURATION + 1.0) / (times + norm))
        });
        let score: f64 = score.sum();
        if score > 0.0 {
            hits.push(Hit { entry, score });
        }
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits.truncate(count);
    hits
}

fn weights(entry: &CatalogueEntry) -> HashMap<String, f64> {
    let mut weights: HashMap<String, f64> = HashMap::new();
    let mut add = |text: &str, weight: f64| {
        for stem in stems(text) {
            *weights.entry(stem).or_default() += weight;
        }
    };
    add(&entry.tool, NAME_WEIGHT);
    add(&entry.server, SERVER_WEIGHT);
    add(&entry.description, 1.0);
    if let Some(arguments) = entry.input_schema.get("properties").and_then(|p| p.as_object()) {
        arguments.keys().for_each(|name| add(name, 1.0));
    }
    weights
}

/// Words in lower case without their commonest endings; `readTextFile` and `read_text_file` are three.
fn stems(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in text.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty() && word.len() <= 64).map(|word| stem(&word))
}

fn stem(word: &str) -> String {
    if !word.is_ascii() {
        return word.to_owned();
    }
    for (ending, put) in [("ies", "y"), ("sses", "ss"), ("ing", ""), ("es", ""), ("ed", ""), ("s", "")] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= 3
            && !word.ends_with("ss")
        {
            let rest = format!("{rest}{put}");
            return rest.strip_suffix('e').map_or(rest.clone(), str::to_owned);
        }
    }
    word.strip_suffix('e').filter(|rest| rest.len() >= 3).unwrap_or(word).to_owned()
}
