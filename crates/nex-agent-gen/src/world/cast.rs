//! The choices behind one world: which entities it has, how they refer to each other, what they
//! are called, and the numbers and words that the seed decides.

use super::domain::Domain;
use super::plan::{Complexity, Role, Shape};
use super::words::{a, identifier, plural};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// What an entity is called.
#[derive(Clone, Debug)]
pub(super) struct Noun {
    /// In the world language.
    pub(super) id: String,
    /// By people.
    pub(super) label: String,
    /// Of several, by people.
    pub(super) labels: String,
}

impl Noun {
    fn of(label: &str) -> Self {
        Self { id: identifier(label), label: label.to_owned(), labels: plural(label) }
    }

    /// With its article.
    pub(super) fn a(&self) -> String {
        a(&self.label)
    }

    /// The name of arguments that take one.
    pub(super) fn arg(&self) -> String {
        format!("{}_id", self.id)
    }
}

/// Names of all entities, whether or not the world has them.
#[derive(Clone, Debug)]
pub(super) struct Nouns {
    pub(super) case: Noun,
    pub(super) party: Noun,
    pub(super) agent: Noun,
    pub(super) resource: Noun,
    pub(super) site: Noun,
    pub(super) item: Noun,
    pub(super) line: Noun,
    pub(super) charge: Noun,
    pub(super) record: Noun,
}

/// Words that stand for the same thing from world to world.
#[derive(Clone, Debug)]
pub(super) struct Wording {
    /// `find`, `look_up`, `query`: prefix of look-ups by key.
    pub(super) find: &'static str,
    /// Prefix of reads of one record.
    pub(super) get: &'static str,
    /// Prefix of lists.
    pub(super) list: &'static str,
    /// `opened`: the word for a case's first date.
    pub(super) opened: &'static str,
    /// `opening date`: the label of that date.
    pub(super) opening: &'static str,
    /// `active`: a party that may be served.
    pub(super) active: &'static str,
    /// The opposite.
    pub(super) blocked: &'static str,
    /// `verify`: the word for checking who someone is.
    pub(super) verify: &'static str,
}

/// Optional parts that the seed adds or leaves out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extras {
    pub(super) priority: bool,
    pub(super) channel: bool,
    pub(super) notes: bool,
    pub(super) messages: bool,
    pub(super) standing: bool,
    pub(super) balance: bool,
    pub(super) approval: bool,
    pub(super) verification: bool,
    pub(super) skills: bool,
    pub(super) rating: bool,
}

/// Everything that is decided before the world is written.
#[derive(Debug)]
pub(super) struct Cast<'d> {
    pub(super) domain: &'d Domain,
    pub(super) complexity: Complexity,
    pub(super) shape: Shape,
    pub(super) roles: Vec<Role>,
    pub(super) nouns: Nouns,
    pub(super) wording: Wording,
    pub(super) extras: Extras,
    /// Cases above this amount need approval.
    pub(super) threshold: u32,
    /// Field of the date of a case.
    pub(super) date: String,
    /// Field of the amount of a case.
    pub(super) money: String,
    /// Field of the kind of a case.
    pub(super) kind: String,
    /// Field of a party's money.
    pub(super) balance: String,
    /// Symbols of the statuses in order.
    pub(super) stages: Vec<String>,
    /// Symbol of the status of a stopped case.
    pub(super) stopped: String,
}

/// Words for the first date of a case.
const OPENED: [(&str, &str); 4] = [
    ("opened", "opening date"),
    ("registered", "registration date"),
    ("entered", "date of entry"),
    ("filed", "filing date"),
];

impl<'d> Cast<'d> {
    /// Draws it.
    pub(super) fn draw(domain: &'d Domain, complexity: Complexity, rng: &mut ChaCha8Rng) -> Self {
        let shape =
            *[Shape::Star, Shape::Chain, Shape::Tree, Shape::Mesh].choose(rng).unwrap_or(&Shape::Star);
        let level = usize::from(complexity.level());
        let at = rng.random_range(0..OPENED.len());
        let mut pick = |words: &[&'static str]| words[rng.random_range(0..words.len())];
        let wording = Wording {
            find: pick(&["find", "look_up", "query"]),
            get: pick(&["get", "show", "read"]),
            list: pick(&["list", "list", "browse"]),
            opened: OPENED[at].0,
            opening: OPENED[at].1,
            active: pick(&["active", "in good standing"]),
            blocked: pick(&["blocked", "suspended"]),
            verify: pick(&["verify", "identify"]),
        };
        let chance = [0.15, 0.35, 0.55, 0.75, 0.9][level - 1];
        let mut flip = || rng.random_bool(chance);
        let extras = Extras {
            priority: flip(),
            channel: flip(),
            notes: flip(),
            messages: flip(),
            standing: flip(),
            balance: flip(),
            approval: flip(),
            verification: flip(),
            skills: flip(),
            rating: flip(),
        };
        let middle = domain.money.min + (domain.money.max - domain.money.min) / 2;
        let low = domain.money.min + (domain.money.max - domain.money.min) / 3;
        Self {
            domain,
            complexity,
            shape,
            roles: roles(level, shape, rng),
            nouns: Nouns {
                case: Noun::of(&domain.case.noun),
                party: Noun::of(&domain.party.noun),
                agent: Noun::of(&domain.agent),
                resource: Noun::of(&domain.resource.noun),
                site: Noun::of(&domain.site.noun),
                item: Noun::of(&domain.item.noun),
                line: Noun::of(&domain.line),
                charge: Noun::of(&domain.charge),
                record: Noun::of(&domain.record.noun),
            },
            wording,
            extras,
            threshold: round(rng.random_range(low..=middle)),
            date: identifier(&domain.date),
            money: identifier(&domain.money.label),
            kind: identifier(&domain.kind.label),
            balance: identifier(&domain.balance),
            stages: domain.case.stages.iter().map(|stage| identifier(stage)).collect(),
            stopped: identifier(&domain.case.stopped),
        }
    }

    /// Whether the world has such an entity.
    pub(super) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The entities that this one's fields refer to.
    pub(super) fn refs(&self, role: Role) -> Vec<Role> {
        use Role::{Agent, Case, Charge, Item, Line, Party, Record, Resource, Site};
        let wanted: &[Role] = match (role, self.shape) {
            (Case, Shape::Star | Shape::Mesh) => &[Party, Agent, Resource, Site, Item],
            (Case, Shape::Chain) => &[Party, Resource],
            (Case, Shape::Tree) => &[Party],
            (Party, Shape::Chain) => &[Agent],
            (Party, Shape::Tree) => &[Site],
            (Agent, Shape::Chain | Shape::Tree | Shape::Mesh) => &[Site],
            (Resource, Shape::Tree | Shape::Mesh) => &[Site],
            (Record, Shape::Mesh) => &[Case, Agent],
            (Charge | Record, _) => &[Case],
            (Line, _) => &[Case, Item],
            _ => &[],
        };
        let is_line_of_items = role == Case && self.has(Line);
        wanted
            .iter()
            .copied()
            .filter(|target| self.has(*target) && !(is_line_of_items && *target == Item))
            .collect()
    }

    /// Whether fields of `role` refer to `target`.
    pub(super) fn links(&self, role: Role, target: Role) -> bool {
        self.has(role) && self.refs(role).contains(&target)
    }

    /// What an entity is called.
    pub(super) fn noun(&self, role: Role) -> &Noun {
        match role {
            Role::Case => &self.nouns.case,
            Role::Party => &self.nouns.party,
            Role::Agent => &self.nouns.agent,
            Role::Resource => &self.nouns.resource,
            Role::Site => &self.nouns.site,
            Role::Item => &self.nouns.item,
            Role::Line => &self.nouns.line,
            Role::Charge => &self.nouns.charge,
            Role::Record => &self.nouns.record,
        }
    }

    /// Statuses in which a case is still worked on, as a list of the expression language.
    pub(super) fn open_statuses(&self) -> String {
        let open: Vec<String> =
            self.stages[..self.stages.len() - 1].iter().map(|stage| format!("'{stage}'")).collect();
        format!("[{}]", open.join(", "))
    }

    /// The last status.
    pub(super) fn last_stage(&self) -> &str {
        self.stages.last().map_or("", String::as_str)
    }
}

/// The entities of a world of a level.
fn roles(level: usize, shape: Shape, rng: &mut ChaCha8Rng) -> Vec<Role> {
    let wanted = [2..=3, 3..=4, 4..=5, 5..=7, 6..=8][level - 1].clone();
    let wanted = rng.random_range(wanted);
    let mut roles = vec![Role::Case, Role::Party];
    let mut others = vec![Role::Agent, Role::Resource, Role::Site, Role::Item, Role::Charge, Role::Record];
    others.shuffle(rng);
    // A shape needs the entities it consists of: they come first where there is room.
    let first: &[Role] = match shape {
        Shape::Chain => &[Role::Agent, Role::Site],
        Shape::Tree => &[Role::Site],
        Shape::Star | Shape::Mesh => &[],
    };
    others.sort_by_key(|role| !first.contains(role));
    for role in others {
        if roles.len() >= wanted {
            break;
        }
        let is_alone = match role {
            // Nothing would refer to it.
            Role::Site => shape == Shape::Chain && !roles.contains(&Role::Agent),
            Role::Resource => shape == Shape::Tree && !roles.contains(&Role::Site),
            Role::Agent => shape == Shape::Tree && !roles.contains(&Role::Site),
            Role::Item => matches!(shape, Shape::Chain | Shape::Tree) && roles.len() + 2 > wanted,
            _ => false,
        };
        if is_alone {
            continue;
        }
        roles.push(role);
        let needs_lines = matches!(shape, Shape::Chain | Shape::Tree);
        if role == Role::Item && roles.len() < wanted && (needs_lines || rng.random_bool(0.7)) {
            roles.push(Role::Line);
        }
    }
    roles.sort();
    roles
}

/// An amount that people would choose as a limit.
fn round(amount: u32) -> u32 {
    let step = match amount {
        0..=100 => 10,
        101..=1_000 => 50,
        1_001..=10_000 => 500,
        _ => 5_000,
    };
    (amount / step).max(1) * step
}
