//! [`Graph`]: the hidden facts that all pages of a library agree with.
//!
//! In: seed, language, dials. Out: towns, people, firms, devices and prizes, each with its facts as
//! they are now and, where its page lies in the archive too, as they were then. Invariants: names
//! are unique; a relation has one value now; every value that is a thing is a thing of the graph.

use super::dials::SearchDials;
use super::words::Words;
use crate::text::Language;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeSet;

/// The year in which a library is read.
pub(crate) const NOW: i32 = 2025;

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Town,
    Person,
    Firm,
    Device,
    Prize,
}

/// What a page says of its thing in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Relation {
    /// Town: the river on which it lies, a word.
    River,
    /// Town: its twin town.
    TwinTown,
    /// Town: the year of its charter.
    Chartered,
    /// Town: people who live there.
    Population,
    /// Person: the town of birth.
    Birthplace,
    /// Person: the year of birth.
    Born,
    /// Person: who taught them.
    Teacher,
    /// Person: the firm for which they worked longest.
    Employer,
    /// Firm: the town where it has its seat.
    Seat,
    /// Firm: who founded it.
    Founder,
    /// Firm: the year of its founding.
    Founded,
    /// Firm: people who work there.
    Staff,
    /// Device: the firm that makes it.
    Maker,
    /// Device: who designed it.
    Designer,
    /// Device: the year in which it came out.
    Launched,
    /// Device: what it weighs, in grams.
    Weight,
    /// Prize: the town where it is handed over.
    Host,
    /// Prize: the firm that gives it.
    Giver,
    /// Prize: the year in which it was first given.
    FirstGiven,
}

/// What a relation leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    /// A thing, by its place in the graph.
    Thing(usize),
    /// A year or another whole number.
    Number(i64),
    /// A word.
    Word(String),
}

/// A row of a table: who headed a firm, what it made, what won a prize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) year: i32,
    pub(crate) thing: usize,
}

/// One thing of the library.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Devices: which category, by its place in the words.
    pub(crate) category: usize,
    pub(crate) facts: Vec<(Relation, Object)>,
    /// Firms: heads by the year they began. Prizes: winners. In order of years.
    pub(crate) rows: Vec<Row>,
    /// Firms: what they made, in order of years.
    pub(crate) devices: Vec<Row>,
    /// The year of the page in the archive, and the facts that were others then.
    pub(crate) archived: Option<(i32, Vec<(Relation, Object)>)>,
}

impl Thing {
    pub(crate) fn fact(&self, relation: Relation) -> Option<&Object> {
        self.facts.iter().find(|(known, _)| *known == relation).map(|(_, object)| object)
    }

    pub(crate) fn number(&self, relation: Relation) -> Option<i64> {
        match self.fact(relation)? {
            Object::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// All things.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) language: Language,
    pub(crate) things: Vec<Thing>,
}

impl Graph {
    pub(crate) fn new(seed: u64, language: Language, dials: &SearchDials) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1 << 41);
        let mut maker = Making { words: Words::of(language), language, dials, names: BTreeSet::new(), rng };
        let mut things = maker.towns();
        maker.people(&mut things);
        maker.firms(&mut things);
        maker.employ(&mut things);
        maker.devices(&mut things);
        maker.prizes(&mut things);
        maker.archive(&mut things);
        Self { language, things }
    }

    /// The places of the things of a kind.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = usize> + '_ {
        (0..self.things.len()).filter(move |at| self.things[*at].kind == kind)
    }

    pub(crate) fn category(&self, thing: usize) -> &'static str {
        Words::of(self.language).categories[self.things[thing].category]
    }

    /// How a value is written.
    pub(crate) fn said(&self, object: &Object) -> String {
        match object {
            Object::Thing(at) => self.things[*at].name.clone(),
            Object::Number(number) => number.to_string(),
            Object::Word(word) => word.clone(),
        }
    }
}

const TOWNS: usize = 18;
const PEOPLE: usize = 56;
const FIRMS: usize = 22;
const DEVICES: usize = 70;
const PRIZES: usize = 10;

struct Making<'a> {
    words: &'static Words,
    language: Language,
    dials: &'a SearchDials,
    names: BTreeSet<String>,
    rng: ChaCha8Rng,
}

impl Making<'_> {
    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.rng.random_range(0..words.len())]
    }

    /// A name that is not taken, as `draw` makes them.
    fn name(&mut self, mut draw: impl FnMut(&mut Self) -> String) -> String {
        for _ in 0..200 {
            let name = draw(self);
            if self.names.insert(name.clone()) {
                return name;
            }
        }
        // The words give thousands of names; a library needs two hundred.
        let name = format!("{} {}", draw(self), self.names.len());
        self.names.insert(name.clone());
        name
    }

    fn year(&mut self, from: i32, to: i32) -> i32 {
        self.rng.random_range(from..=to)
    }

    fn one_of(&mut self, places: &[usize]) -> Object {
        Object::Thing(places[self.rng.random_range(0..places.len())])
    }

    fn thing(kind: Kind, name: String, facts: Vec<(Relation, Object)>) -> Thing {
        Thing { kind, name, category: 0, facts, rows: Vec::new(), devices: Vec::new(), archived: None }
    }

    fn towns(&mut self) -> Vec<Thing> {
        let mut rivers = self.words.rivers.to_vec();
        rivers.shuffle(&mut self.rng);
        (0..TOWNS)
            .map(|at| {
                let name = self.name(|making| {
                    let (head, tail) =
                        (making.pick(making.words.town_heads), making.pick(making.words.town_tails));
                    format!("{head}{tail}")
                });
                let twin = (at + 1 + self.rng.random_range(0..TOWNS - 1)) % TOWNS;
                let facts = vec![
                    (Relation::River, Object::Word(rivers[at % rivers.len()].to_owned())),
                    (Relation::TwinTown, Object::Thing(twin)),
                    (Relation::Chartered, Object::Number(self.year(1180, 1720).into())),
                    (Relation::Population, Object::Number(self.rng.random_range(4_100..98_000))),
                ];
                Self::thing(Kind::Town, name, facts)
            })
            .collect()
    }

    fn people(&mut self, things: &mut Vec<Thing>) {
        let towns: Vec<usize> = (0..things.len()).collect();
        let first = things.len();
        for at in 0..PEOPLE {
            let is_twin = at > 0 && self.rng.random_bool(0.5 * self.dials.twins);
            let earlier = things[things.len() - 1].name.clone();
            let name = self.name(|making| {
                let (given, family) = (making.pick(making.words.given), making.pick(making.words.family));
                match (making.language, is_twin) {
                    (Language::En, false) => format!("{given} {family}"),
                    // A namesake shares the family name.
                    (Language::En, true) => match earlier.rsplit_once(' ') {
                        Some((_, family)) => format!("{given} {family}"),
                        None => format!("{given} {family}"),
                    },
                    (Language::Zh, false) => format!("{family}{given}"),
                    (Language::Zh, true) => {
                        format!("{}{given}", earlier.chars().next().unwrap_or('沈'))
                    }
                }
            });
            let teacher = first + (at + 1 + self.rng.random_range(0..PEOPLE - 1)) % PEOPLE;
            let facts = vec![
                (Relation::Birthplace, self.one_of(&towns)),
                (Relation::Born, Object::Number(self.year(1921, 1979).into())),
                (Relation::Teacher, Object::Thing(teacher)),
            ];
            things.push(Self::thing(Kind::Person, name, facts));
        }
    }

    fn firms(&mut self, things: &mut Vec<Thing>) {
        let towns: Vec<usize> = (0..TOWNS).collect();
        let people: Vec<usize> = (TOWNS..TOWNS + PEOPLE).collect();
        let mut head = String::new();
        for at in 0..FIRMS {
            // A namesake shares all but the last words.
            if at == 0 || !self.rng.random_bool(self.dials.twins) {
                let own = match self.language {
                    Language::En => self.words.family,
                    Language::Zh => self.words.town_heads,
                };
                head = self.pick(own).to_owned();
            }
            let stem = head.clone();
            let name = self.name(|making| {
                let tail = making.pick(making.words.firm_tails);
                let fresh = making.pick(making.words.family);
                match making.language {
                    Language::En if making.names.contains(&format!("{stem} {tail}")) => {
                        format!("{fresh} {tail}")
                    }
                    Language::En => format!("{stem} {tail}"),
                    Language::Zh if making.names.contains(&format!("{stem}{tail}")) => {
                        format!("{}{tail}", making.pick(making.words.town_heads))
                    }
                    Language::Zh => format!("{stem}{tail}"),
                }
            });
            let founded = self.year(1946, 1984);
            let facts = vec![
                (Relation::Seat, self.one_of(&towns)),
                (Relation::Founder, self.one_of(&people)),
                (Relation::Founded, Object::Number(founded.into())),
                (Relation::Staff, Object::Number(self.rng.random_range(41..2_900))),
            ];
            let mut firm = Self::thing(Kind::Firm, name, facts);
            let mut heads = people.clone();
            heads.shuffle(&mut self.rng);
            let mut year = founded + self.year(8, 16);
            for thing in heads.into_iter().take(5) {
                if year < NOW - 1 {
                    firm.rows.push(Row { year, thing });
                }
                year += self.year(6, 13);
            }
            things.push(firm);
        }
    }

    /// Gives everybody a firm, once there are any.
    fn employ(&mut self, things: &mut [Thing]) {
        let firms: Vec<usize> = (TOWNS + PEOPLE..TOWNS + PEOPLE + FIRMS).collect();
        for person in &mut things[TOWNS..TOWNS + PEOPLE] {
            let firm = self.one_of(&firms);
            person.facts.push((Relation::Employer, firm));
        }
    }

    fn devices(&mut self, things: &mut Vec<Thing>) {
        let people: Vec<usize> = (TOWNS..TOWNS + PEOPLE).collect();
        let firms: Vec<usize> = (TOWNS + PEOPLE..TOWNS + PEOPLE + FIRMS).collect();
        for at in 0..DEVICES {
            let name = self.name(|making| {
                let (word, number) = (making.pick(making.words.device_names), making.year(2, 9));
                match making.language {
                    Language::En => format!("{word} {number}"),
                    Language::Zh => format!(
                        "{word}{}号",
                        ["二", "三", "四", "五", "六", "七", "八", "九"][(number - 2) as usize]
                    ),
                }
            });
            let firm = firms[at % firms.len()];
            let founded = things[firm].number(Relation::Founded).unwrap_or(1950) as i32;
            let launched = self.year(founded + 3, NOW - 2);
            let facts = vec![
                (Relation::Maker, Object::Thing(firm)),
                (Relation::Designer, self.one_of(&people)),
                (Relation::Launched, Object::Number(launched.into())),
                (Relation::Weight, Object::Number(self.rng.random_range(310..9_800))),
            ];
            let mut device = Self::thing(Kind::Device, name, facts);
            device.category = self.rng.random_range(0..3) + (firm % 2) * 3;
            let place = things.len();
            things.push(device);
            things[firm].devices.push(Row { year: launched, thing: place });
        }
        for firm in firms {
            things[firm].devices.sort_by_key(|row| (row.year, row.thing));
        }
    }

    fn prizes(&mut self, things: &mut Vec<Thing>) {
        let towns: Vec<usize> = (0..TOWNS).collect();
        let firms: Vec<usize> = (TOWNS + PEOPLE..TOWNS + PEOPLE + FIRMS).collect();
        let devices: Vec<usize> = (firms[0] + FIRMS..firms[0] + FIRMS + DEVICES).collect();
        for _ in 0..PRIZES {
            let name = self.name(|making| {
                let (head, tail) =
                    (making.pick(making.words.prize_heads), making.pick(making.words.prize_tails));
                match making.language {
                    Language::En => format!("{head} {tail}"),
                    Language::Zh => format!("{head}{tail}"),
                }
            });
            let first = self.year(1962, 1994);
            let facts = vec![
                (Relation::Host, self.one_of(&towns)),
                (Relation::Giver, self.one_of(&firms)),
                (Relation::FirstGiven, Object::Number(first.into())),
            ];
            let mut prize = Self::thing(Kind::Prize, name, facts);
            for year in (first..NOW).step_by(self.rng.random_range(2..=4)) {
                let fits: Vec<usize> = devices
                    .iter()
                    .copied()
                    .filter(|at| things[*at].number(Relation::Launched).is_some_and(|l| l <= i64::from(year)))
                    .filter(|at| !prize.rows.iter().any(|row| row.thing == *at))
                    .collect();
                if !fits.is_empty() {
                    prize.rows.push(Row { year, thing: fits[self.rng.random_range(0..fits.len())] });
                }
            }
            things.push(prize);
        }
    }

    /// Some pages lie in the archive as they were; some of their facts were others then.
    fn archive(&mut self, things: &mut [Thing]) {
        let towns: Vec<usize> = (0..TOWNS).collect();
        for thing in things {
            let changing: &[Relation] = match thing.kind {
                Kind::Town => &[Relation::Population],
                Kind::Firm => &[Relation::Staff, Relation::Seat],
                Kind::Prize => &[Relation::Host],
                Kind::Person | Kind::Device => continue,
            };
            if !self.rng.random_bool(self.dials.stale_share) {
                continue;
            }
            let mut former = Vec::new();
            for relation in changing {
                let Some(now) = thing.fact(*relation).cloned() else { continue };
                let then = match &now {
                    Object::Number(number) => {
                        let hundredths = self.rng.random_range(55..93);
                        Object::Number(number * hundredths / 100)
                    }
                    _ => self.one_of(&towns),
                };
                if then != now && (matches!(then, Object::Number(_)) || self.rng.random_bool(0.7)) {
                    former.push((*relation, then));
                }
            }
            if !former.is_empty() {
                thing.archived = Some((self.year(2009, 2018), former));
            }
        }
    }
}
