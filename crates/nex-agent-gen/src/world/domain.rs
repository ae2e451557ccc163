//! Domain archetypes: what a trade handles, for whom, by whom, where, with what, and its rules.
//!
//! They are text: `domains/*.yaml`, read once. To add a domain is to add an entry there.

use serde::Deserialize;
use std::sync::OnceLock;

/// The files; each holds a list of domains.
const FILES: &[(&str, &str)] = &[
    ("health", include_str!("../../domains/health.yaml")),
    ("transport", include_str!("../../domains/transport.yaml")),
    ("public", include_str!("../../domains/public.yaml")),
    ("business", include_str!("../../domains/business.yaml")),
    ("industry", include_str!("../../domains/industry.yaml")),
    ("culture", include_str!("../../domains/culture.yaml")),
];

/// One domain archetype.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Lower case letters, digits and `_`.
    pub id: String,
    /// What it is, without article: `outpatient clinic`.
    pub title: String,
    /// The group of trades it belongs to: `health`.
    pub family: String,
    /// Who the agent is, a whole sentence.
    pub desk: String,
    /// Words by which a sentence about it is recognised.
    pub keywords: Vec<String>,
    /// What it handles.
    pub case: Case,
    /// Label of the date by which a case is due or takes place.
    pub date: String,
    /// What a case costs or is worth.
    pub money: Amount,
    /// How cases differ.
    pub kind: Choice,
    /// Why a case is stopped.
    pub reasons: Vec<String>,
    /// What people note on a case.
    pub notes: Vec<String>,
    /// For whom cases are handled.
    pub party: Party,
    /// Who handles them.
    pub agent: String,
    /// What is allocated to them.
    pub resource: Asset,
    /// Where it happens.
    pub site: Place,
    /// What is used up or sold.
    pub item: Goods,
    /// Noun of a quantity of an item on a case.
    pub line: String,
    /// Noun of a demand for payment.
    pub charge: String,
    /// Something noted against a case and closed later.
    pub record: Topics,
    /// Money that parties hold.
    pub balance: String,
    /// What may not be done to some kinds of case, with the reason.
    pub rules: Vec<Rule>,
}

/// The main entity and its life cycle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `appointment`.
    pub noun: String,
    /// The verb that makes one: `book`.
    pub open: String,
    /// Statuses in order.
    pub stages: Vec<String>,
    /// Verbs that lead from each status to the next, one fewer.
    pub verbs: Vec<String>,
    /// The verb that ends it early: `cancel`.
    pub stop: String,
    /// The status after it: `cancelled`.
    pub stopped: String,
}

/// A range of money.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// What people call it.
    pub label: String,
    /// Least amount.
    pub min: u32,
    /// Greatest amount.
    pub max: u32,
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What people call it.
    pub label: String,
    /// Its values.
    pub values: Vec<String>,
}

/// Persons or companies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// `patient`.
    pub noun: String,
    /// Whether they are companies.
    #[serde(default)]
    pub company: bool,
}

/// Things that are allocated.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// `treatment room`; a name follows it: "treatment room 3".
    pub noun: String,
    /// Names, each unique.
    pub names: Vec<String>,
    /// The status in which it cannot be used: `closed for cleaning`.
    pub down: String,
}

/// Places.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `ward`; "the ward" stands before its name.
    pub noun: String,
    /// Names, each unique.
    pub names: Vec<String>,
}

/// Things with a price and a stock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    /// `supply`.
    pub noun: String,
    /// Names, each unique.
    pub names: Vec<String>,
    /// Least price.
    pub min: u32,
    /// Greatest price.
    pub max: u32,
}

/// A noun and what it may be about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// `complaint`.
    pub noun: String,
    /// What it may be about.
    pub topics: Vec<String>,
}

/// A deed that is not done to cases of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The deed.
    pub on: Deed,
    /// The kind of case, one of the domain's.
    pub kind: String,
    /// Why; half a sentence without full stop.
    pub because: String,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// To end a case early.
    Stop,
    /// To move its date.
    Reschedule,
    /// To make its last step.
    Finish,
    /// To demand a payment for it.
    Charge,
    /// To give it to someone.
    Assign,
    /// To give it a resource.
    Allocate,
}

/// All domains, in a fixed order.
pub fn domains() -> &'static [Domain] {
    static DOMAINS: OnceLock<Vec<Domain>> = OnceLock::new();
    DOMAINS.get_or_init(|| {
        FILES
            .iter()
            .flat_map(|(name, text)| {
                serde_saphyr::from_str::<Vec<Domain>>(text)
                    .unwrap_or_else(|cause| panic!("domains/{name}.yaml does not read: {cause}"))
            })
            .collect()
    })
}
