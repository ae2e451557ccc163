//! [`Index`]: an inverted index with BM25 ranking, and snippets.
//!
//! Latin text is cut into words, Chinese text into pairs of characters. `k1 = 1.2`, `b = 0.75`; words
//! of the title count three times. A few hundred short pages are indexed in milliseconds, once an
//! episode, so a search engine's segments, files and threads would only be in the way.

use super::page::Page;
use std::collections::HashMap;

const K1: f64 = 1.2;
const B: f64 = 0.75;
const TITLE_WEIGHT: u32 = 3;
/// Characters of a snippet, about.
const SNIPPET: usize = 160;

/// An inverted index over pages, which it knows by their place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Term to (page, occurrences), in order of pages.
    postings: HashMap<String, Vec<(u32, u32)>>,
    lengths: Vec<u32>,
    mean_length: f64,
}

impl Index {
    pub(crate) fn new(pages: &[Page]) -> Self {
        let mut index = Self::default();
        let mut counts: Vec<(String, u32)> = Vec::new();
        for (at, page) in (0_u32..).zip(pages) {
            counts.clear();
            counts.extend(terms(&page.title).into_iter().map(|term| (term, TITLE_WEIGHT)));
            counts.extend(terms(&page.whole_text()).into_iter().map(|term| (term, 1)));
            let length: u32 = counts.iter().map(|(_, count)| count).sum();
            index.lengths.push(length);
            counts.sort_unstable();
            for (term, count) in counts.drain(..) {
                let list = index.postings.entry(term).or_default();
                match list.last_mut() {
                    Some((last, times)) if *last == at => *times += count,
                    _ => list.push((at, count)),
                }
            }
        }
        let total: u64 = index.lengths.iter().map(|length| u64::from(*length)).sum();
        index.mean_length = total as f64 / index.lengths.len().max(1) as f64;
        index
    }

    /// Pages that hold a term of `query`, best first; pages of one score in their order.
    pub(crate) fn search(&self, query: &str) -> Vec<u32> {
        let mut wanted = terms(query);
        wanted.sort_unstable();
        wanted.dedup();
        let mut scores = vec![0.0_f64; self.lengths.len()];
        let pages = self.lengths.len() as f64;
        for term in wanted {
            let Some(list) = self.postings.get(&term) else { continue };
            let holding = list.len() as f64;
            let weight = (1.0 + (pages - holding + 0.5) / (holding + 0.5)).ln();
            for (page, count) in list {
                let length = f64::from(self.lengths[*page as usize]) / self.mean_length.max(1.0);
                let count = f64::from(*count);
                scores[*page as usize] += weight * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
            }
        }
        let mut found: Vec<u32> =
            (0_u32..).zip(&scores).filter(|(_, score)| **score > 0.0).map(|(page, _)| page).collect();
        found.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
        found
    }
}

/// The stretch of `page` that holds most of what `query` asks for.
pub(crate) fn snippet(page: &Page, query: &str) -> String {
    let wanted = terms(query);
    let sentences = page.sections.iter().flat_map(|section| split_sentences(&section.text));
    let mut best: Option<(usize, &str)> = None;
    for sentence in sentences {
        let held = terms(sentence);
        let score = wanted.iter().filter(|term| held.contains(term)).count();
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, sentence));
        }
    }
    let text = best.map_or("", |(_, sentence)| sentence.trim());
    match text.char_indices().nth(SNIPPET) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn split_sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['。', '！', '？']).flat_map(|part| part.split_inclusive(". "))
}

/// Words of Latin text in lower case, pairs of characters of Chinese text.
fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut word = String::new();
    let mut last_wide: Option<char> = None;
    // A wide character that stands alone is a term of its own.
    let mut is_paired = false;
    for c in text.chars().chain([' ']) {
        let is_wide = ('\u{3400}'..='\u{9fff}').contains(&c);
        if c.is_alphanumeric() && !is_wide {
            word.extend(c.to_lowercase());
        } else if !word.is_empty() {
            terms.push(std::mem::take(&mut word));
        }
        if is_wide {
            if let Some(last) = last_wide {
                terms.push([last, c].into_iter().collect());
                is_paired = true;
            }
            last_wide = Some(c);
        } else if let Some(last) = last_wide.take() {
            if !is_paired {
                terms.push(last.to_string());
            }
            is_paired = false;
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pairs_are_terms() {
        assert_eq!(terms("Halden's Meridian-4"), ["halden", "s", "meridian", "4"]);
        assert_eq!(terms("子午四号 A 镇"), ["子午", "午四", "四号", "a", "镇"]);
        assert!(terms("。，").is_empty());
    }
}
