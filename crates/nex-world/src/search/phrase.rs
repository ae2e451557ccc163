//! Words of questions: what a chain leads to, without the names in between.

use super::chain::{Chain, Edge};
use super::graph::{Graph, Kind, Object, Relation};
use super::words::Words;
use crate::text::Language;

/// What `edge` leads to from `from`, as a noun phrase.
pub(crate) fn noun(graph: &Graph, edge: Edge, from: &str) -> String {
    let category = |at: usize| Words::of(graph.language).categories[at];
    match graph.language {
        Language::En => match edge {
            Edge::Fact(relation) => english(relation).replace("{x}", from),
            Edge::HeadAt(year) => format!("the person who headed {from} at the end of {year}"),
            Edge::WinnerOf(year) => format!("the instrument that won {from} in {year}"),
            Edge::Newest(at) => format!("the newest {} made by {from}", category(at)),
        },
        Language::Zh => match edge {
            Edge::Fact(relation) => chinese(relation).replace("{x}", from),
            Edge::HeadAt(year) => format!("{year}年底时{from}的负责人"),
            Edge::WinnerOf(year) => format!("{year}年获得{from}的仪器"),
            Edge::Newest(at) => format!("{from}最新推出的{}", category(at)),
        },
    }
}

fn english(relation: Relation) -> &'static str {
    match relation {
        Relation::River => "the river on which {x} lies",
        Relation::TwinTown => "the twin town of {x}",
        Relation::Chartered => "the year in which {x} received its charter",
        Relation::Population => "the number of inhabitants of {x}",
        Relation::Birthplace => "the birthplace of {x}",
        Relation::Born => "the year in which {x} was born",
        Relation::Teacher => "the teacher of {x}",
        Relation::Employer => "the company for which {x} worked longest",
        Relation::Seat => "the town where {x} has its seat today",
        Relation::Founder => "the founder of {x}",
        Relation::Founded => "the year in which {x} was founded",
        Relation::Staff => "the number of people employed by {x}",
        Relation::Maker => "the maker of {x}",
        Relation::Designer => "the designer of {x}",
        Relation::Launched => "the year in which {x} came on the market",
        Relation::Weight => "the weight in grams of {x}",
        Relation::Host => "the town where {x} is handed over today",
        Relation::Giver => "the company that endows {x}",
        Relation::FirstGiven => "the year in which {x} was first given",
    }
}

fn chinese(relation: Relation) -> &'static str {
    match relation {
        Relation::River => "{x}所在的河流",
        Relation::TwinTown => "{x}的友好城市",
        Relation::Chartered => "{x}获颁建制文书的年份",
        Relation::Population => "{x}的居民人数",
        Relation::Birthplace => "{x}的出生地",
        Relation::Born => "{x}的出生年份",
        Relation::Teacher => "{x}的老师",
        Relation::Employer => "{x}供职最久的公司",
        Relation::Seat => "{x}现在的总部所在地",
        Relation::Founder => "{x}的创办人",
        Relation::Founded => "{x}的成立年份",
        Relation::Staff => "{x}的员工人数",
        Relation::Maker => "{x}的制造商",
        Relation::Designer => "{x}的设计者",
        Relation::Launched => "{x}的上市年份",
        Relation::Weight => "{x}的净重（克）",
        Relation::Host => "{x}现在的颁奖地",
        Relation::Giver => "{x}的出资公司",
        Relation::FirstGiven => "{x}首届颁发的年份",
    }
}

/// What `edge` leads to, said of the page that is open.
pub(crate) fn own(graph: &Graph, edge: Edge) -> String {
    match graph.language {
        Language::En => {
            let phrase = noun(graph, edge, "it");
            // "the maker of it" reads better as "its maker".
            match phrase.strip_suffix(" of it").and_then(|rest| rest.strip_prefix("the ")) {
                Some(noun) => format!("its {noun}"),
                None => phrase,
            }
        }
        Language::Zh => noun(graph, edge, "它"),
    }
}

/// What two things are compared by.
pub(crate) fn quantity(relation: Relation, language: Language) -> &'static str {
    match (relation, language) {
        (Relation::Born, Language::En) => "year of birth",
        (Relation::Founded, Language::En) => "year of founding",
        (Relation::Launched, Language::En) => "year of coming on the market",
        (Relation::FirstGiven, Language::En) => "year of being first given",
        (Relation::Population, Language::En) => "number of inhabitants",
        (Relation::Weight, Language::En) => "weight",
        (_, Language::En) => "year of the charter",
        (Relation::Born, Language::Zh) => "出生年份",
        (Relation::Founded, Language::Zh) => "成立年份",
        (Relation::Launched, Language::Zh) => "上市年份",
        (Relation::FirstGiven, Language::Zh) => "首届颁发年份",
        (Relation::Population, Language::Zh) => "居民人数",
        (Relation::Weight, Language::Zh) => "净重",
        (_, Language::Zh) => "建制年份",
    }
}

/// How the thing that a question starts from is spoken of: by name, or by two of its facts where
/// no other thing of its kind has both. The second text is what to search for.
pub(crate) fn anchor(graph: &Graph, thing: usize, is_vague: bool) -> (String, Option<String>) {
    let it = &graph.things[thing];
    let described = if is_vague { describe(graph, thing) } else { None };
    match described {
        Some((text, query)) => (text, Some(query)),
        None if graph.language == Language::En && matches!(it.kind, Kind::Device | Kind::Prize) => {
            (format!("the {}", it.name), None)
        }
        None => (it.name.clone(), None),
    }
}

fn describe(graph: &Graph, thing: usize) -> Option<(String, String)> {
    let it = &graph.things[thing];
    let pair = match it.kind {
        Kind::Town => [Relation::River, Relation::Chartered],
        Kind::Person => [Relation::Birthplace, Relation::Born],
        Kind::Firm => [Relation::Founder, Relation::Founded],
        Kind::Device => [Relation::Weight, Relation::Launched],
        Kind::Prize => [Relation::Giver, Relation::FirstGiven],
    };
    let is_like = |other: &usize| pair.iter().all(|r| graph.things[*other].fact(*r) == it.fact(*r));
    if graph.of(it.kind).filter(is_like).count() != 1 {
        return None;
    }
    let [a, b] = pair.map(|relation| it.fact(relation).map(|object| graph.said(object)));
    let (a, b) = (a?, b?);
    let category = graph.category(thing);
    Some(match (graph.language, it.kind) {
        (Language::En, Kind::Town) => (
            format!("the town on the river {a} that got its charter in {b}"),
            format!("town river {a} charter {b}"),
        ),
        (Language::En, Kind::Person) => {
            (format!("the person who was born in {a} in {b}"), format!("born in {a} year of birth {b}"))
        }
        (Language::En, Kind::Firm) => {
            (format!("the company that {a} set up in {b}"), format!("company set up by {a} founding in {b}"))
        }
        (Language::En, Kind::Device) => (
            format!("the {category} of {a} grams that came on the market in {b}"),
            format!("{category} weighs {a} grams came on the market in {b}"),
        ),
        (Language::En, Kind::Prize) => (
            format!("the award that {a} endows and that was first given in {b}"),
            format!("award endowed by {a} first time in {b}"),
        ),
        (Language::Zh, Kind::Town) => {
            (format!("位于{a}边、{b}年获颁建制文书的城镇"), format!("{a} 建制文书颁于公元{b}年"))
        }
        (Language::Zh, Kind::Person) => {
            (format!("{b}年出生于{a}的那位行家"), format!("出生于{a} 生年为{b}年"))
        }
        (Language::Zh, Kind::Firm) => (format!("{a}于{b}年创办的公司"), format!("创办人{a} 成立年份{b}年")),
        (Language::Zh, Kind::Device) => {
            (format!("净重{a}克、{b}年上市的{category}"), format!("{category} 净重{a}克 首次上市{b}年"))
        }
        (Language::Zh, Kind::Prize) => {
            (format!("由{a}出资、{b}年首届颁发的奖项"), format!("奖项 由{a}出资 首届颁发于{b}年"))
        }
    })
}

/// The noun phrase of all of a chain, one in the other.
pub(crate) fn nested(graph: &Graph, chain: &Chain, anchor: &str) -> String {
    chain.hops.iter().fold(anchor.to_owned(), |phrase, hop| noun(graph, hop.edge, &phrase))
}

/// What a chain leads to, step by step: sentences that fix each thing by the one before, and the noun
/// phrase of the last. Long chains read badly in one phrase.
pub(crate) fn stepwise(graph: &Graph, chain: &Chain, anchor: &str) -> (String, String) {
    let mut text = match graph.language {
        Language::En => format!("Start from {anchor}. "),
        Language::Zh => format!("从{anchor}出发。"),
    };
    let mut from = that(graph, &Object::Thing(chain.start()));
    let (last, early) = chain.hops.split_last().expect("a chain has a hop");
    for (number, hop) in early.iter().enumerate() {
        let phrase = noun(graph, hop.edge, &from);
        text.push_str(&match (graph.language, number) {
            (Language::En, 0) => format!("Find {phrase}. "),
            (Language::En, _) => format!("Then find {phrase}. "),
            (Language::Zh, 0) => format!("先找到{phrase}。"),
            (Language::Zh, _) => format!("再找到{phrase}。"),
        });
        from = that(graph, &hop.object);
    }
    (text, noun(graph, last.edge, &from))
}

fn that(graph: &Graph, object: &Object) -> String {
    let Object::Thing(at) = object else { return String::new() };
    let word = match (graph.things[*at].kind, graph.language) {
        (Kind::Town, Language::En) => "that town",
        (Kind::Person, Language::En) => "that person",
        (Kind::Firm, Language::En) => "that company",
        (Kind::Device, Language::En) => "that instrument",
        (Kind::Prize, Language::En) => "that award",
        (Kind::Town, Language::Zh) => "该城镇",
        (Kind::Person, Language::Zh) => "此人",
        (Kind::Firm, Language::Zh) => "该公司",
        (Kind::Device, Language::Zh) => "该仪器",
        (Kind::Prize, Language::Zh) => "该奖项",
    };
    word.to_owned()
}
