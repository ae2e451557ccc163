//! Pages: the facts of the graph in prose and tables, with links.
//!
//! In: graph, seed, dials. Out: one current page a thing, an older version of some in the archive,
//! notes that answer nothing. Invariants: a current page agrees with the graph; a page of the
//! archive says so at its head and keeps its old date; a statement can be read off its section
//! between its two marks.

use super::dials::SearchDials;
use super::graph::{Graph, Kind, NOW, Object, Relation, Row};
use super::prose;
use crate::text::Language;
use indexmap::IndexMap;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The site of all pages.
pub(crate) const SITE: &str = "https://library.example";

/// One page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) title: String,
    /// The day of the last change, ISO.
    pub(crate) updated: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) links: Vec<Link>,
    pub(crate) tables: IndexMap<&'static str, Vec<Value>>,
    pub(crate) statements: Vec<Statement>,
    /// Whether a newer version of the page exists.
    pub(crate) is_stale: bool,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) heading: &'static str,
    pub(crate) text: String,
}

/// A link, by the words that carry it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    pub(crate) text: String,
    pub(crate) url: String,
}

/// Where a relation stands on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) relation: Relation,
    pub(crate) heading: &'static str,
    pub(crate) after: String,
    pub(crate) before: String,
}

impl Page {
    /// All that the page says, as one text.
    pub(crate) fn whole_text(&self) -> String {
        let mut text = self.title.clone();
        for section in &self.sections {
            text.push('\n');
            text.push_str(&section.text);
        }
        for cell in self.tables.values().flatten().filter_map(Value::as_object).flat_map(Map::values) {
            text.push('\n');
            text.push_str(&crate::task::plain_text(cell));
        }
        text
    }
}

/// The names of tables and their columns, which are the same in both languages.
pub(crate) const HEADS: &str = "heads";
pub(crate) const DEVICES: &str = "instruments";
pub(crate) const WINNERS: &str = "winners";

/// The url of a thing's current page.
pub(crate) fn url_of(graph: &Graph, thing: usize) -> String {
    format!("{SITE}/{}", place_of(graph, thing))
}

fn place_of(graph: &Graph, thing: usize) -> String {
    let (kind, name) = (graph.things[thing].kind, &graph.things[thing].name);
    let folder = match kind {
        Kind::Town => "places",
        Kind::Person => "people",
        Kind::Firm => "companies",
        Kind::Device => "instruments",
        Kind::Prize => "awards",
    };
    match graph.language {
        Language::En => format!("{folder}/{}", name.to_lowercase().replace(' ', "-")),
        Language::Zh => format!("{folder}/{:04}", 1_000 + thing * 37 % 9_000),
    }
}

/// All pages of a library: things in the graph's order, then the archive, then notes.
pub(crate) fn pages(graph: &Graph, seed: u64, dials: &SearchDials) -> Vec<Page> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((1 << 41) + 1);
    let mut writer = Writer { graph, dials, rng };
    let mut pages: Vec<Page> = (0..graph.things.len()).map(|thing| writer.page(thing, NOW, &[])).collect();
    for (thing, at) in graph.things.iter().zip(0..) {
        if let Some((year, former)) = &thing.archived {
            pages.push(writer.page(at, *year, former));
        }
    }
    for number in 0..dials.distractors {
        pages.push(writer.note(number));
    }
    pages
}

struct Writer<'a> {
    graph: &'a Graph,
    dials: &'a SearchDials,
    rng: ChaCha8Rng,
}

impl Writer<'_> {
    fn way(&mut self, ways: &[&'static str]) -> &'static str {
        ways[self.rng.random_range(0..ways.len())]
    }

    /// The page of `thing` as of `year`, with `former` in place of what holds now.
    fn page(&mut self, thing: usize, year: i32, former: &[(Relation, Object)]) -> Page {
        let graph = self.graph;
        let (it, language) = (&graph.things[thing], graph.language);
        let is_stale = year != NOW;
        let headings = prose::headings(it.kind, language);
        let mut mentioned = BTreeSet::new();
        let mut texts: [Vec<String>; 3] = Default::default();
        let named = |way: &str| way.replace("{name}", &it.name).replace("{category}", graph.category(thing));
        texts[0].push(named(self.way(prose::opening(it.kind, language))));
        let mut colour = prose::colour(it.kind, language).to_vec();
        colour.shuffle(&mut self.rng);
        let mut facts = it.facts.clone();
        facts.shuffle(&mut self.rng);
        let mut statements = Vec::new();
        for (place, (relation, now)) in facts.iter().enumerate() {
            let object = former.iter().find(|(known, _)| known == relation).map_or(now, |(_, then)| then);
            let way = self.way(prose::ways(*relation, language));
            // The first two sections hold the facts, the last one is colour.
            let section = usize::from(place >= facts.len().div_ceil(2));
            texts[section].push(named(way).replace("{value}", &graph.said(object)));
            if self.rng.random_bool(0.45) && colour.len() > 2 {
                texts[section].extend(colour.pop().map(str::to_owned));
            }
            if let Object::Thing(other) = object {
                mentioned.insert(*other);
            }
            let (after, before) = marks(way);
            statements.push(Statement { relation: *relation, heading: headings[section], after, before });
        }
        let rest = colour.len().min(2 + self.rng.random_range(0..2));
        texts[2].extend(colour.drain(..rest).map(str::to_owned));
        let tables = self.tables(thing, year);
        let mut sections: Vec<Section> = Vec::new();
        if is_stale {
            let (heading, text) = match language {
                Language::En => (
                    "Notice",
                    format!(
                        "This is the page as it stood in {year}. It has been superseded and is kept for the record."
                    ),
                ),
                Language::Zh => ("提示", format!("这是{year}年的旧版页面，已被新版取代，仅供存档。")),
            };
            sections.push(Section { heading, text });
        }
        let joint = if language == Language::En { " " } else { "" };
        for (heading, sentences) in headings.into_iter().zip(texts) {
            if !sentences.is_empty() {
                sections.push(Section { heading, text: sentences.join(joint) });
            }
        }
        let links = self.links(mentioned);
        let place = place_of(graph, thing);
        let url = if is_stale { format!("{SITE}/archive/{year}/{place}") } else { format!("{SITE}/{place}") };
        let changed = if is_stale { year } else { NOW - self.rng.random_range(0..3) };
        Page {
            url,
            title: it.name.clone(),
            updated: self.day(changed),
            sections,
            links,
            tables,
            statements,
            is_stale,
        }
    }

    fn day(&mut self, year: i32) -> String {
        let last = if year == NOW { 5 } else { 12 };
        format!("{year}-{:02}-{:02}", self.rng.random_range(1..=last), self.rng.random_range(1..=28))
    }

    fn tables(&mut self, thing: usize, year: i32) -> IndexMap<&'static str, Vec<Value>> {
        let it = &self.graph.things[thing];
        let mut tables = IndexMap::new();
        let rows: Vec<&Row> = it.rows.iter().filter(|row| row.year <= year).collect();
        match it.kind {
            Kind::Firm => {
                let heads = rows.into_iter().map(|row| self.row(row, "since", "name")).collect();
                tables.insert(HEADS, heads);
                let made: Vec<&Row> = it.devices.iter().filter(|row| row.year <= year).collect();
                tables.insert(DEVICES, made.into_iter().map(|row| self.row(row, "year", "name")).collect());
            }
            Kind::Prize => {
                tables.insert(WINNERS, rows.into_iter().map(|row| self.row(row, "year", "name")).collect());
            }
            Kind::Town | Kind::Person | Kind::Device => {}
        }
        tables
    }

    fn row(&mut self, row: &Row, year: &str, name: &str) -> Value {
        let other = &self.graph.things[row.thing];
        let mut cells = json!({year: row.year, name: other.name});
        if other.kind == Kind::Device {
            cells["type"] = self.graph.category(row.thing).into();
        }
        if self.rng.random_bool(self.dials.link_density) {
            cells["url"] = url_of(self.graph, row.thing).into();
        }
        cells
    }

    fn links(&mut self, mentioned: BTreeSet<usize>) -> Vec<Link> {
        let mut links = Vec::new();
        for thing in mentioned {
            if self.rng.random_bool(self.dials.link_density) {
                let text = self.graph.things[thing].name.clone();
                links.push(Link { text, url: url_of(self.graph, thing) });
            }
        }
        links
    }

    /// A note that mentions a thing and answers nothing.
    fn note(&mut self, number: u16) -> Page {
        let thing = self.rng.random_range(0..self.graph.things.len());
        let name = &self.graph.things[thing].name;
        let notes = prose::notes(self.graph.language);
        let (title, text) = notes[self.rng.random_range(0..notes.len())];
        let heading = match self.graph.language {
            Language::En => "Note",
            Language::Zh => "短文",
        };
        let year = NOW - self.rng.random_range(0..12);
        Page {
            url: format!("{SITE}/notes/{year}/{}", 400 + u32::from(number)),
            title: title.replace("{name}", name),
            updated: self.day(year),
            sections: vec![Section { heading, text: text.replace("{name}", name) }],
            links: self.links([thing].into()),
            tables: IndexMap::new(),
            statements: Vec::new(),
            is_stale: false,
        }
    }
}

/// The words right before and right after `{value}`, as far as the next hole.
fn marks(way: &str) -> (String, String) {
    let (before, after) = way.split_once("{value}").unwrap_or((way, ""));
    let head = before.rsplit_once('}').map_or(before, |(_, rest)| rest);
    let tail = after.split_once('{').map_or(after, |(rest, _)| rest);
    // A few characters will do; whole sentences would tell more than an agent knows.
    let start = head.char_indices().rev().take(24).last().map_or(0, |(at, _)| at);
    let end = tail.char_indices().nth(6).map_or(tail.len(), |(at, _)| at);
    (head[start..].to_owned(), tail[..end].to_owned())
}
