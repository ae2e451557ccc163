//! [`Planner`]: the steps of an oracle plan that follows chains through the library.
//!
//! In: chains. Out: searches and fetches whose arguments are read out of replies: what a section
//! says between two marks, a row of a table, a link, a result of a search by title. Only what the
//! question says is given.

use super::chain::{Chain, Edge, Hop};
use super::graph::Object;
use super::library::Library;
use super::operations::operations;
use super::page::{DEVICES, HEADS, Page, WINNERS, url_of};
use super::phrase::own;
use super::words::Words;
use crate::files::{Rows, lit, pick};
use crate::task::{Aggregate, Comparison, Fold, Paging, Pick, PlanStep, RowOrder, RowTest, ValueSource};
use crate::text::Language;
use indexmap::IndexMap;
use serde_json::Value;

pub(crate) struct Planner<'a> {
    library: &'a Library,
    pub(crate) steps: Vec<PlanStep>,
}

/// A chain that has been followed: the fetch of each hop's page, and what the last one led to.
pub(crate) struct Followed {
    pub(crate) fetches: Vec<usize>,
    pub(crate) end: ValueSource,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(library: &'a Library) -> Self {
        Self { library, steps: Vec::new() }
    }

    /// Follows `chain` to its end; `query` finds its start where that is not named.
    pub(crate) fn follow(&mut self, chain: &Chain, query: Option<&str>) -> Option<Followed> {
        let mut fetches = vec![self.open_start(chain.start(), query)];
        let mut end = None;
        for (number, hop) in chain.hops.iter().enumerate() {
            let step = *fetches.last()?;
            let value = self.read(step, hop)?;
            if number + 1 < chain.hops.len() {
                fetches.push(self.open_next(step, hop, value.clone()));
            }
            end = Some(value);
        }
        Some(Followed { fetches, end: end? })
    }

    /// Opens the page of the thing that `source`, read on the page of `step`, names.
    pub(crate) fn open_end(&mut self, followed: &Followed, chain: &Chain) -> Option<usize> {
        let hop = chain.hops.last()?;
        Some(self.open_next(*followed.fetches.last()?, hop, followed.end.clone()))
    }

    /// Opens the page of a thing that the question speaks of.
    pub(crate) fn open_start(&mut self, thing: usize, query: Option<&str>) -> usize {
        let name = self.library.graph.things[thing].name.clone();
        let found = match query {
            Some(query) => {
                let reason = self.say(
                    "The question does not name what it starts from; I search for what it says of it."
                        .to_owned(),
                    "问题没有点名起点，先按描述搜索。".to_owned(),
                );
                let step = self.step("search", [("query", lit(query))], reason);
                best(step).get("url")
            }
            None => {
                let reason =
                    self.say(format!("I look for the page on {name}."), format!("先找{name}的页面。"));
                let step = self.step("search", [("query", lit(name.as_str()))], reason);
                newest(step, lit(name.as_str()))
            }
        };
        let reason =
            self.say("I open the page as it stands now.".to_owned(), "打开现行版本的页面。".to_owned());
        self.step("fetch", [("url", found)], reason)
    }

    /// Opens the page that a hop leads to: by its link, or by a search for its name.
    fn open_next(&mut self, step: usize, hop: &Hop, value: ValueSource) -> usize {
        let Object::Thing(next) = hop.object else { return step };
        let graph = &self.library.graph;
        let page = &self.library.pages[hop.subject];
        let name = &graph.things[next].name;
        let is_linked = match hop.edge {
            Edge::Fact(_) => page.links.iter().any(|link| link.text == *name),
            Edge::HeadAt(_) | Edge::WinnerOf(_) | Edge::Newest(_) => has_url(page, &url_of(graph, next)),
        };
        let url = match (hop.edge, is_linked) {
            (Edge::Fact(_), true) => pick(step, "/links").when("text", Comparison::Eq, value).get("url"),
            (edge, true) => self.rows(step, edge).get("url"),
            (_, false) => {
                let what = own(graph, hop.edge);
                let reason = self.say(
                    format!("The page names {what}; without a link I search for the name."),
                    format!("页面写明了{what}，但没有链接，按名字搜索。"),
                );
                let found = self.step("search", [("query", value.clone())], reason);
                newest(found, value)
            }
        };
        let reason = self.say(
            format!("Now the page of {}.", own(graph, hop.edge)),
            format!("接着看{}的页面。", own(graph, hop.edge)),
        );
        self.step("fetch", [("url", url)], reason)
    }

    /// What a hop reads on the page of `step`; none where the page does not say it.
    pub(crate) fn read(&self, step: usize, hop: &Hop) -> Option<ValueSource> {
        let Edge::Fact(relation) = hop.edge else { return Some(self.rows(step, hop.edge).get("name")) };
        let page = &self.library.pages[hop.subject];
        let said = page.statements.iter().find(|statement| statement.relation == relation)?;
        let text = pick(step, "/sections").when("heading", Comparison::Eq, lit(said.heading)).get("text");
        Some(ValueSource::Between {
            name: format!("{relation:?}"),
            of: Box::new(text),
            after: said.after.clone(),
            before: said.before.clone(),
            is_number: matches!(hop.object, Object::Number(_)),
        })
    }

    /// The row of a table that an edge reads.
    fn rows(&self, step: usize, edge: Edge) -> Rows {
        match edge {
            Edge::HeadAt(year) => {
                pick(step, table(HEADS)).when("since", Comparison::Le, lit(year)).last("since")
            }
            Edge::WinnerOf(year) => pick(step, table(WINNERS)).when("year", Comparison::Eq, lit(year)),
            Edge::Newest(at) => {
                let category = Words::of(self.library.graph.language).categories[at];
                pick(step, table(DEVICES)).when("type", Comparison::Eq, lit(category)).last("year")
            }
            // Relations stand in sentences and have no row.
            Edge::Fact(_) => pick(step, "/links"),
        }
    }

    /// How many devices of a category a firm's page lists, from `since` on.
    pub(crate) fn count(&self, step: usize, category: &str, since: i32) -> ValueSource {
        let test = |field: &str, compare, value: Value| RowTest {
            field: field.to_owned(),
            compare,
            value: Box::new(ValueSource::literal(value)),
        };
        ValueSource::Aggregate(Aggregate {
            step,
            list: table(DEVICES).to_owned(),
            tests: vec![
                test("type", Comparison::Eq, category.into()),
                test("year", Comparison::Ge, since.into()),
            ],
            fold: Fold::Count,
            field: None,
        })
    }

    /// The device that a firm's page lists for the year that another page gives.
    pub(crate) fn device_of_year(&self, step: usize, year: ValueSource) -> ValueSource {
        pick(step, table(DEVICES)).when("year", Comparison::Eq, year).get("name")
    }

    fn say<T>(&self, english: T, chinese: T) -> T {
        match self.library.graph.language {
            Language::En => english,
            Language::Zh => chinese,
        }
    }

    fn step<const N: usize>(
        &mut self,
        name: &str,
        arguments: [(&str, ValueSource); N],
        reason: String,
    ) -> usize {
        let list = operations().iter().find(|operation| operation.name == name).and_then(|it| it.list);
        let arguments: IndexMap<String, ValueSource> =
            arguments.into_iter().map(|(name, source)| (name.to_owned(), source)).collect();
        let mut depends_on: Vec<usize> = arguments.values().flat_map(ValueSource::steps).collect();
        depends_on.sort_unstable();
        depends_on.dedup();
        self.steps.push(PlanStep {
            operation: name.to_owned(),
            arguments,
            reason,
            depends_on,
            is_write: false,
            // All of a page must be read; of a search the first page of results will do.
            paging: list.filter(|_| name == "fetch").map(Paging::of),
            fails_with: None,
        });
        self.steps.len() - 1
    }
}

/// Where a table lies in the reply of a fetch.
fn table(name: &str) -> &'static str {
    match name {
        HEADS => "/tables/heads",
        WINNERS => "/tables/winners",
        _ => "/tables/instruments",
    }
}

fn has_url(page: &Page, url: &str) -> bool {
    page.tables.values().flatten().any(|row| row.get("url").and_then(Value::as_str) == Some(url))
}

/// The first result of a search.
fn best(step: usize) -> Rows {
    pick(step, "/results").nth("rank", 0)
}

/// The newest result with that title.
fn newest(step: usize, title: ValueSource) -> ValueSource {
    ValueSource::Pick(Pick {
        step,
        list: "/results".to_owned(),
        tests: vec![RowTest { field: "title".to_owned(), compare: Comparison::Eq, value: Box::new(title) }],
        order: Some(RowOrder { by: "updated".to_owned(), descending: true, rank: 0 }),
        field: "url".to_owned(),
    })
}
