//! Which domains a sentence is about: overlap of stemmed words, rare words counting more.
//!
//! Score = share of the sentence's word weight that the domain's words cover, 0 to 1. A word's
//! weight is `ln(1 + domains / (1 + domains that have it))`. Words that match but for a typo count
//! by 0.7, words of descriptions (titles, nouns) by 0.6.

use super::domain::{Domain, domains};
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// Longest part of a sentence that is read, in words.
const MOST_WORDS: usize = 200;

#[cfg(test)]
mod tests;

/// Stems of all domains.
struct Index {
    /// For each domain: stem to weight of the place where it stands.
    stems: Vec<HashMap<String, f64>>,
    /// In how many domains a stem occurs.
    counts: HashMap<String, usize>,
}

/// The `count` domains that fit `sentence` best, with scores from 0 to 1, best first.
///
/// There is always an answer: an empty or foreign sentence gets domains with score 0, in an order
/// that depends on the sentence alone.
pub fn closest_domains(sentence: &str, count: usize) -> Vec<(&'static Domain, f64)> {
    let index = index();
    let words: Vec<String> = stems(sentence).take(MOST_WORDS).collect();
    let unique: HashSet<&String> = words.iter().collect();
    let mut scored: Vec<(&'static Domain, f64, u64)> = domains()
        .iter()
        .zip(&index.stems)
        .map(|(domain, stems)| {
            let (mut got, mut all) = (0.0, 0.0);
            let mut ordered: Vec<&&String> = unique.iter().collect();
            ordered.sort();
            for word in ordered {
                let known = matching(word, &index.counts);
                let Some((stem, likeness)) = known else {
                    all += 0.3;
                    continue;
                };
                let seen = index.counts[stem];
                #[expect(clippy::cast_precision_loss, reason = "few domains")]
                let weight = (1.0 + domains().len() as f64 / (1.0 + seen as f64)).ln();
                all += weight;
                got += weight * likeness * stems.get(stem).copied().unwrap_or(0.0);
            }
            let score = if all > 0.0 { (got / all).clamp(0.0, 1.0) } else { 0.0 };
            (domain, score, tie(sentence, &domain.id))
        })
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.2.cmp(&b.2)));
    scored.truncate(count);
    scored.into_iter().map(|(domain, score, _)| (domain, score)).collect()
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        let stems = domains()
            .iter()
            .map(|domain| {
                let mut weights: HashMap<String, f64> = HashMap::new();
                let nouns = [
                    &domain.title,
                    &domain.desk,
                    &domain.case.noun,
                    &domain.party.noun,
                    &domain.agent,
                    &domain.resource.noun,
                    &domain.site.noun,
                    &domain.item.noun,
                ];
                for text in nouns {
                    weights.extend(stems(text).map(|stem| (stem, 0.6)));
                }
                for text in domain.kind.values.iter().chain(&domain.item.names) {
                    for stem in stems(text) {
                        weights.entry(stem).or_insert(0.4);
                    }
                }
                for text in domain.keywords.iter().chain([&domain.case.noun]) {
                    weights.extend(stems(text).map(|stem| (stem, 1.0)));
                }
                for stem in weights.keys() {
                    *counts.entry(stem.clone()).or_default() += 1;
                }
                weights
            })
            .collect();
        Index { stems, counts }
    })
}

/// The known stem that a word is, or is a typo of.
fn matching<'a>(word: &'a str, known: &'a HashMap<String, usize>) -> Option<(&'a str, f64)> {
    if let Some((stem, _)) = known.get_key_value(word) {
        return Some((stem, 1.0));
    }
    if word.len() < 5 || word.len() > 30 || !word.is_ascii() {
        return None;
    }
    known
        .keys()
        .filter(|stem| stem.len() >= 5 && is_one_edit(word.as_bytes(), stem.as_bytes()))
        .min()
        .map(|stem| (stem.as_str(), 0.7))
}

/// Whether one letter inserted, dropped or changed makes one the other.
fn is_one_edit(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let rest = usize::from(short.len() == long.len());
    short.get(same + rest..) == long.get(same + 1..)
}

/// Words without endings and without those that say nothing.
fn stems(text: &str) -> impl Iterator<Item = String> + '_ {
    const EMPTY: [&str; 60] = [
        "a",
        "an",
        "the",
        "of",
        "and",
        "or",
        "for",
        "to",
        "in",
        "on",
        "at",
        "by",
        "with",
        "that",
        "who",
        "you",
        "your",
        "we",
        "our",
        "i",
        "it",
        "its",
        "is",
        "are",
        "be",
        "as",
        "from",
        "their",
        "they",
        "them",
        "this",
        "work",
        "look",
        "after",
        "run",
        "desk",
        "office",
        "system",
        "agent",
        "assistant",
        "help",
        "team",
        "build",
        "make",
        "need",
        "want",
        "manage",
        "handle",
        "keep",
        "new",
        "up",
        "out",
        "can",
        "which",
        "all",
        "people",
        "some",
        "me",
        "my",
        "please",
    ];
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() <= 64)
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !EMPTY.contains(&word.as_str()))
        .map(|word| stem(&word))
}

fn stem(word: &str) -> String {
    if !word.is_ascii() {
        return word.to_owned();
    }
    for (ending, put) in [
        ("ies", "y"),
        ("sses", "ss"),
        ("ings", ""),
        ("ing", ""),
        ("ers", "er"),
        ("es", ""),
        ("ed", ""),
        ("s", ""),
    ] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= 3
            && !word.ends_with("ss")
        {
            let rest = format!("{rest}{put}");
            return rest.strip_suffix('e').map_or(rest.clone(), str::to_owned);
        }
    }
    word.strip_suffix('e').filter(|rest| rest.len() >= 3).map_or_else(|| word.to_owned(), str::to_owned)
}

/// An order among equals that depends on the sentence.
fn tie(sentence: &str, id: &str) -> u64 {
    sentence
        .bytes()
        .chain(id.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        .rotate_left(17)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
