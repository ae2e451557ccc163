//! [`Library`]: the pages of one seed with their index, and what search, fetch and find reply.

use super::dials::SearchDials;
use super::graph::Graph;
use super::index::{Index, snippet};
use super::page::{Page, SITE, pages};
use crate::text::Language;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Results of one page of a search.
const RESULTS: usize = 6;
/// Sections of one page of a fetch.
const SECTIONS: usize = 2;

/// The pages of one seed with their index.
#[derive(Clone, Debug)]
pub struct Library {
    pub(crate) graph: Graph,
    pub(crate) pages: Vec<Page>,
    by_url: HashMap<String, usize>,
    index: Index,
}

/// A call that was refused: a stable word, and what was wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The reply that says it.
    pub(crate) fn to_reply(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }
}

impl Library {
    /// The library of `seed` in `language`: a pure function of the arguments.
    pub fn new(seed: u64, language: Language, dials: &SearchDials) -> Self {
        let graph = Graph::new(seed, language, dials);
        let pages = pages(&graph, seed, dials);
        let by_url = pages.iter().enumerate().map(|(at, page)| (page.url.clone(), at)).collect();
        let index = Index::new(&pages);
        Self { graph, pages, by_url, index }
    }

    /// How many pages it holds.
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// The urls of all pages, current ones first.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.pages.iter().map(|page| page.url.as_str())
    }

    /// The page at `url`, however it is written: with or without the site, a slash at its end.
    pub(crate) fn page(&self, url: &str) -> Option<&Page> {
        self.by_url.get(&full_url(url)).map(|at| &self.pages[*at])
    }

    pub(crate) fn search(&self, query: &str, cursor: Option<&str>) -> Result<Value, Refusal> {
        let query = query.trim();
        if query.is_empty() {
            return Err(Refusal::new("invalid_argument", "`query` is empty; give words to look for"));
        }
        let found = self.index.search(query);
        let start = row_of(cursor)?;
        let rows = found.iter().enumerate().skip(start).take(RESULTS).map(|(rank, at)| {
            let page = &self.pages[*at as usize];
            json!({
                "rank": rank + 1,
                "title": page.title,
                "url": page.url,
                "updated": page.updated,
                "snippet": snippet(page, query),
            })
        });
        let results: Vec<Value> = rows.collect();
        let end = start + results.len();
        let mut reply = json!({"count": results.len(), "results": results, "total": found.len()});
        page_on(&mut reply, end, found.len());
        Ok(reply)
    }

    pub(crate) fn fetch(&self, url: &str, cursor: Option<&str>) -> Result<Value, Refusal> {
        let page = self.page(url).ok_or_else(|| {
            Refusal::new("not_found", format!("there is no page at `{url}`; search gives the urls of pages"))
        })?;
        let start = row_of(cursor)?;
        let sections: Vec<Value> = page
            .sections
            .iter()
            .skip(start)
            .take(SECTIONS)
            .map(|section| json!({"heading": section.heading, "text": section.text}))
            .collect();
        let end = start + sections.len();
        let links: Vec<Value> =
            page.links.iter().map(|link| json!({"text": link.text, "url": link.url})).collect();
        let mut reply = json!({
            "url": page.url,
            "title": page.title,
            "updated": page.updated,
            "sections": sections,
        });
        // What stands beside the text comes with its first part only.
        if start == 0 {
            reply["links"] = links.into();
            if !page.tables.is_empty() {
                reply["tables"] = json!(page.tables);
            }
        }
        page_on(&mut reply, end, page.sections.len());
        Ok(reply)
    }

    pub(crate) fn find_in_page(&self, url: &str, text: &str) -> Result<Value, Refusal> {
        let page = self.page(url).ok_or_else(|| {
            Refusal::new("not_found", format!("there is no page at `{url}`; search gives the urls of pages"))
        })?;
        if text.trim().is_empty() {
            return Err(Refusal::new("invalid_argument", "`text` is empty; give words to look for"));
        }
        let wanted = text.trim().to_lowercase();
        let sentences = page.sections.iter().flat_map(|section| {
            section
                .text
                .split_inclusive(['。'])
                .flat_map(|part| part.split_inclusive(". "))
                .map(|sentence| (section.heading, sentence.trim()))
        });
        let matches: Vec<Value> = sentences
            .filter(|(_, sentence)| sentence.to_lowercase().contains(&wanted))
            .map(|(heading, sentence)| json!({"heading": heading, "text": sentence}))
            .collect();
        Ok(json!({"url": page.url, "count": matches.len(), "matches": matches}))
    }
}

/// `url` with the site before it and no slash after it.
pub(crate) fn full_url(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    if url.starts_with(SITE) {
        return url.to_owned();
    }
    let bare = url.trim_start_matches("https://").trim_start_matches("http://");
    let bare = bare.trim_start_matches("library.example").trim_start_matches('/');
    format!("{SITE}/{bare}")
}

fn row_of(cursor: Option<&str>) -> Result<usize, Refusal> {
    match cursor {
        None | Some("") => Ok(0),
        Some(cursor) => cursor.strip_prefix("row-").and_then(|row| row.parse().ok()).ok_or_else(|| {
            let message = format!("`{cursor}` is no cursor; take next_cursor of the reply before");
            Refusal::new("invalid_cursor", message)
        }),
    }
}

fn page_on(reply: &mut Value, end: usize, total: usize) {
    reply["has_more"] = (end < total).into();
    if end < total {
        reply["next_cursor"] = format!("row-{end}").into();
    }
}
