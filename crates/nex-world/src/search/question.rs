//! Questions: chains through the graph, the words for them, the plan that follows them and what an
//! answer is judged by.
//!
//! The answer comes from the graph alone; the plan reads pages alone. That the two agree is proven
//! when a task is made.

use super::chain::{Chain, Edge, End, Hop};
use super::dials::SearchDials;
use super::graph::{Graph, Kind, Object, Relation};
use super::library::Library;
use super::page::url_of;
use super::phrase::{anchor, nested, noun, quantity, stepwise};
use super::planner::Planner;
use super::words::Words;
use crate::files::reply;
use crate::task::{AnswerPlan, Check, Fact, FactKind, OraclePlan, ValueSource};
use crate::text::Language;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Walks that are tried for one chain.
const WALKS: usize = 60;
/// Other values of a kind that are kept to tell guesses by.
const MOST_DECOYS: usize = 30;

/// A question with all that makes a task of it.
pub(crate) struct Question {
    pub(crate) ask: String,
    pub(crate) plan: OraclePlan,
    pub(crate) checks: Vec<Check>,
}

/// What the answer is.
struct Solved {
    ask: String,
    about: String,
    answer: ValueSource,
    object: Object,
    /// Other candidates, named in the question's own comparison.
    rival: Option<String>,
    /// Fetches of the pages that state it, in the order of the hops.
    fetches: Vec<usize>,
    cites: Vec<Check>,
}

/// Draws a question on `library`.
pub(crate) fn draw(
    library: &Library,
    dials: &SearchDials,
    rng: &mut ChaCha8Rng,
) -> Result<Question, &'static str> {
    let hops = usize::from(dials.hops);
    let mut planner = Planner::new(library);
    let drawing = Drawing { graph: &library.graph, dials };
    let solved = match rng.random_bool(dials.compound) {
        true => match rng.random_range(0..3) {
            0 if hops >= 2 => drawing.compare(&mut planner, hops, rng),
            1 if hops >= 3 => drawing.join(&mut planner, hops, rng),
            _ => drawing.count(&mut planner, hops, rng),
        },
        false => drawing.single(&mut planner, hops, rng),
    }
    .ok_or("no walk of this length")?;
    let names_what_it_asks = solved.cites.iter().any(|check| match check {
        Check::Cites { value, .. } => !value.is_empty() && solved.ask.contains(value.as_str()),
        _ => false,
    });
    if names_what_it_asks {
        return Err("the question names what it asks for");
    }
    let language = library.graph.language;
    let mut answer = AnswerPlan::default();
    let mut titles = Vec::new();
    let mut urls = Vec::new();
    for (number, fetch) in solved.fetches.iter().enumerate() {
        answer.slots.insert(format!("page_{number}"), reply(*fetch, "/title"));
        answer.slots.insert(format!("url_{number}"), reply(*fetch, "/url"));
        titles.push(format!("{{page_{number}}}"));
        urls.push(format!("{{url_{number}}}"));
    }
    answer.slots.insert("answer".to_owned(), solved.answer);
    answer.template = match language {
        Language::En => format!(
            "I followed the pages {}.\nAnswer: {{answer}}\nSources: {}",
            titles.join(" → "),
            urls.join(", ")
        ),
        Language::Zh => {
            format!("我依次查阅了：{}。\n答案：{{answer}}\n来源：{}", titles.join(" → "), urls.join("，"))
        }
    };
    let mut checks = vec![Check::Says(fact(&library.graph, &solved.about, &solved.object, solved.rival))];
    checks.extend(solved.cites);
    Ok(Question { ask: solved.ask, plan: OraclePlan { steps: planner.steps, answer }, checks })
}

fn fact(graph: &Graph, about: &str, object: &Object, rival: Option<String>) -> Fact {
    let (kind, value) = match object {
        Object::Number(number) => (FactKind::Number, (*number).into()),
        other => (FactKind::Text, graph.said(other).into()),
    };
    let decoys = match (rival, object) {
        // One of two: to name the other one, too, is no answer.
        (Some(rival), _) => vec![rival],
        (None, Object::Thing(at)) => {
            let kind = graph.things[*at].kind;
            let others = graph.of(kind).filter(|other| other != at);
            others.map(|other| graph.things[other].name.clone()).take(MOST_DECOYS).collect()
        }
        (None, Object::Word(word)) => {
            let all = graph.things.iter().flat_map(|thing| &thing.facts);
            let mut others: Vec<String> = all
                .filter_map(|(_, object)| match object {
                    Object::Word(other) if other != word => Some(other.clone()),
                    _ => None,
                })
                .collect();
            others.sort_unstable();
            others.dedup();
            others.truncate(MOST_DECOYS);
            others
        }
        (None, Object::Number(_)) => Vec::new(),
    };
    Fact { about: about.to_owned(), kind, value, accepted: Vec::new(), decoys }
}

struct Drawing<'a> {
    graph: &'a Graph,
    dials: &'a SearchDials,
}

impl Drawing<'_> {
    fn say(&self, english: String, chinese: String) -> String {
        match self.graph.language {
            Language::En => english,
            Language::Zh => chinese,
        }
    }

    /// A chain; among several the one that crosses the most pages with an older version.
    fn chain(&self, hops: usize, end: End, taken: &[usize], rng: &mut ChaCha8Rng) -> Option<Chain> {
        let wanted = if rng.random_bool(self.dials.stale_share) { 4 } else { 1 };
        let walks = (0..WALKS).filter_map(|_| Chain::draw(self.graph, hops, end, taken, rng));
        let drawn: Vec<Chain> = walks.take(wanted).collect();
        drawn.into_iter().rev().max_by_key(|chain| chain.hops.iter().filter(|hop| self.is_trap(hop)).count())
    }

    /// Whether an older version of the page says otherwise.
    fn is_trap(&self, hop: &Hop) -> bool {
        let Some((year, former)) = &self.graph.things[hop.subject].archived else { return false };
        match hop.edge {
            Edge::Fact(relation) => former.iter().any(|(known, _)| *known == relation),
            Edge::HeadAt(then) | Edge::WinnerOf(then) => then > *year,
            Edge::Newest(_) => true,
        }
    }

    fn anchor(&self, thing: usize, rng: &mut ChaCha8Rng) -> (String, Option<String>) {
        anchor(self.graph, thing, rng.random_bool(self.dials.fuzziness))
    }

    /// Sentences before the question, and the noun phrase of what a chain leads to.
    fn words(&self, chain: &Chain, anchor: &str) -> (String, String) {
        if chain.hops.len() > 3 {
            return stepwise(self.graph, chain, anchor);
        }
        (String::new(), nested(self.graph, chain, anchor))
    }

    fn cites(&self, chain: &Chain) -> Vec<Check> {
        chain.hops.iter().map(|hop| self.cite(hop)).collect()
    }

    fn cite(&self, hop: &Hop) -> Check {
        let from = &self.graph.things[hop.subject];
        let mut any_of = vec![url_of(self.graph, hop.subject)];
        // A firm lists what it made, with the year: its page says these two as well.
        if let (Edge::Fact(Relation::Maker | Relation::Launched), Some(Object::Thing(firm))) =
            (hop.edge, from.fact(Relation::Maker))
        {
            any_of.push(url_of(self.graph, *firm));
        }
        Check::Cites {
            about: noun(self.graph, hop.edge, &from.name),
            value: self.graph.said(&hop.object),
            any_of,
        }
    }

    /// What one chain leads to.
    fn single(&self, planner: &mut Planner<'_>, hops: usize, rng: &mut ChaCha8Rng) -> Option<Solved> {
        let chain = self.chain(hops, End::Any, &[], rng)?;
        let (start, query) = self.anchor(chain.start(), rng);
        let followed = planner.follow(&chain, query.as_deref())?;
        let (before, about) = self.words(&chain, &start);
        let ask = match (self.graph.language, chain.end()) {
            (Language::En, Object::Thing(_) | Object::Word(_)) => {
                format!("{before}What is the name of {about}?")
            }
            (Language::En, Object::Number(_)) => format!("{before}What is {about}?"),
            (Language::Zh, Object::Thing(_) | Object::Word(_)) => format!("{before}{about}叫什么名字？"),
            (Language::Zh, Object::Number(_)) => format!("{before}{about}是多少？"),
        };
        Some(Solved {
            ask,
            about,
            answer: followed.end,
            object: chain.end().clone(),
            rival: None,
            fetches: followed.fetches,
            cites: self.cites(&chain),
        })
    }

    /// Which of two has the smaller or greater number.
    fn compare(&self, planner: &mut Planner<'_>, hops: usize, rng: &mut ChaCha8Rng) -> Option<Solved> {
        let relations = [
            Relation::Chartered,
            Relation::Born,
            Relation::Founded,
            Relation::Launched,
            Relation::FirstGiven,
            Relation::Population,
            Relation::Weight,
        ];
        let relation = relations[rng.random_range(0..relations.len())];
        let one = self.chain(hops.div_ceil(2), End::Number(relation), &[], rng)?;
        let met: Vec<usize> = one.hops.iter().map(|hop| hop.subject).collect();
        let other = self.chain(hops / 2, End::Number(relation), &met, rng)?;
        let (Object::Number(a), Object::Number(b)) = (one.end(), other.end()) else { return None };
        if a == b {
            return None;
        }
        let wants_less = rng.random_bool(0.5);
        let first_wins = (a < b) == wants_less;
        let mut fetches = Vec::new();
        let mut cites = Vec::new();
        let mut phrases = Vec::new();
        let mut ends = Vec::new();
        for chain in [&one, &other] {
            let (start, query) = self.anchor(chain.start(), rng);
            let followed = planner.follow(chain, query.as_deref())?;
            ends.push(*followed.fetches.last()?);
            fetches.extend(followed.fetches);
            cites.extend(self.cites(chain));
            let thing = Chain { hops: chain.hops[..chain.hops.len() - 1].to_vec() };
            phrases.push(nested(self.graph, &thing, &start));
        }
        let (winner, loser) = if first_wins { (&one, &other) } else { (&other, &one) };
        let subject = |chain: &Chain| chain.hops[chain.hops.len() - 1].subject;
        let what = quantity(relation, self.graph.language);
        let ask = self.say(
            format!(
                "Take two: (a) {}; (b) {}. Which of them has the {} {what}? Give its name.",
                phrases[0],
                phrases[1],
                match (relation, wants_less) {
                    (Relation::Population | Relation::Weight, true) => "smaller",
                    (Relation::Population | Relation::Weight, false) => "greater",
                    (_, true) => "earlier",
                    (_, false) => "later",
                }
            ),
            format!(
                "有两者：（甲）{}；（乙）{}。哪一个的{what}更{}？请给出名称。",
                phrases[0],
                phrases[1],
                match (relation, wants_less) {
                    (Relation::Population | Relation::Weight, true) => "小",
                    (Relation::Population | Relation::Weight, false) => "大",
                    (_, true) => "早",
                    (_, false) => "晚",
                }
            ),
        );
        let object = Object::Thing(subject(winner));
        Some(Solved {
            ask,
            about: self.say(format!("which of the two by {what}"), format!("按{what}比较的结果")),
            answer: reply(ends[usize::from(!first_wins)], "/title"),
            rival: Some(self.graph.things[subject(loser)].name.clone()),
            object,
            fetches,
            cites,
        })
    }

    /// How many devices of a sort a firm has made since a year.
    fn count(&self, planner: &mut Planner<'_>, hops: usize, rng: &mut ChaCha8Rng) -> Option<Solved> {
        let (before, firm_words, firm, mut fetches, mut cites, step) = self.reach_firm(planner, hops, rng)?;
        let it = &self.graph.things[firm];
        let listed = &it.devices;
        let pivot = listed.get(rng.random_range(0..listed.len().max(1)))?;
        let (category, since) = (self.graph.category(pivot.thing), pivot.year - 1);
        let count = listed
            .iter()
            .filter(|row| row.year >= since && self.graph.category(row.thing) == category)
            .count();
        fetches.push(step);
        cites.push(Check::Cites {
            about: self.say(format!("the instruments made by {}", it.name), format!("{}的产品", it.name)),
            value: String::new(),
            any_of: vec![url_of(self.graph, firm)],
        });
        let category = Words::of(self.graph.language).categories[self.graph.things[pivot.thing].category];
        Some(Solved {
            ask: self.say(
                format!("{before}How many instruments of the type {category} does {firm_words} list for the years from {since} on?"),
                format!("{before}{firm_words}从{since}年（含）起推出了几款{category}？"),
            ),
            about: self.say(format!("the number of instruments of the type {category}"), format!("{category}的款数")),
            answer: planner.count(step, category, since),
            object: Object::Number(i64::try_from(count).ok()?),
            rival: None,
            fetches,
            cites,
        })
    }

    /// Which device a firm brought out in the year that another chain leads to.
    fn join(&self, planner: &mut Planner<'_>, hops: usize, rng: &mut ChaCha8Rng) -> Option<Solved> {
        let by_year = (hops - 1) / 2;
        let relations = [Relation::Launched, Relation::FirstGiven, Relation::Founded, Relation::Born];
        let relation = relations[rng.random_range(0..relations.len())];
        let (before, firm_words, firm, mut fetches, mut cites, step) =
            self.reach_firm(planner, hops - by_year, rng)?;
        let years: Vec<i32> = self.graph.things[firm].devices.iter().map(|row| row.year).collect();
        let is_unique = |year: i64| years.iter().filter(|known| i64::from(**known) == year).count() == 1;
        let mut met = vec![firm];
        met.extend(self.graph.things[firm].devices.iter().map(|row| row.thing));
        let chain = (0..WALKS).find_map(|_| {
            let chain = Chain::draw(self.graph, by_year, End::Number(relation), &met, rng)?;
            matches!(chain.end(), Object::Number(year) if is_unique(*year)).then_some(chain)
        })?;
        let Object::Number(year) = chain.end() else { return None };
        let row = self.graph.things[firm].devices.iter().find(|row| i64::from(row.year) == *year)?;
        let (start, query) = self.anchor(chain.start(), rng);
        let followed = planner.follow(&chain, query.as_deref())?;
        let year_words = nested(self.graph, &chain, &start);
        fetches.push(step);
        fetches.extend(followed.fetches);
        cites.push(Check::Cites {
            about: self.say("the instrument of that year".to_owned(), "该年的仪器".to_owned()),
            value: self.graph.things[row.thing].name.clone(),
            any_of: vec![url_of(self.graph, firm), url_of(self.graph, row.thing)],
        });
        cites.extend(self.cites(&chain));
        Some(Solved {
            ask: self.say(
                format!("{before}Which instrument did {firm_words} bring out in {year_words}?"),
                format!("{before}{firm_words}在“{year_words}”那一年推出了哪款仪器？"),
            ),
            about: self.say("the instrument of that year".to_owned(), "该年的仪器".to_owned()),
            answer: planner.device_of_year(step, followed.end),
            object: Object::Thing(row.thing),
            rival: None,
            fetches,
            cites,
        })
    }

    /// The page of a firm, `hops - 1` hops away: words before the question, the firm in words, the
    /// firm, fetches and citations on the way, the fetch of the firm's page.
    #[allow(clippy::type_complexity, reason = "taken apart at once by its two callers")]
    fn reach_firm(
        &self,
        planner: &mut Planner<'_>,
        hops: usize,
        rng: &mut ChaCha8Rng,
    ) -> Option<(String, String, usize, Vec<usize>, Vec<Check>, usize)> {
        if hops <= 1 {
            let firms: Vec<usize> = self.graph.of(Kind::Firm).collect();
            let firm = firms[rng.random_range(0..firms.len())];
            let (start, query) = self.anchor(firm, rng);
            let step = planner.open_start(firm, query.as_deref());
            return Some((String::new(), start, firm, Vec::new(), Vec::new(), step));
        }
        let chain = self.chain(hops - 1, End::Thing(Kind::Firm), &[], rng)?;
        let Object::Thing(firm) = *chain.end() else { return None };
        let (start, query) = self.anchor(chain.start(), rng);
        let followed = planner.follow(&chain, query.as_deref())?;
        let step = planner.open_end(&followed, &chain)?;
        let (before, words) = self.words(&chain, &start);
        Some((before, words, firm, followed.fetches, self.cites(&chain), step))
    }
}
