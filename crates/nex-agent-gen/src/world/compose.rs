//! From a request and a seed to a world: the choice of a domain, the grammar, and the proof.

use super::cast::Cast;
use super::check::{CheckError, check_world};
use super::domain::{Domain, domains};
use super::plan::{Complexity, WorldPlan};
use super::policies::CURRENCY_WORD;
use super::retrieve::closest_domains;
use super::words::{capital, identifier};
use super::yaml::{Node, map};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// Draws before a request counts as failed.
const ATTEMPTS: u32 = 4;
/// Seeds of tasks with which a composed world is proven at each difficulty.
const PROOF_SEEDS: std::ops::Range<u64> = 1..2;

/// What world is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorldRequest {
    /// A domain's id; where there is none, `keywords` choose, and without those the seed.
    pub domain: Option<String>,
    /// Words that the wanted domain is about.
    pub keywords: Vec<String>,
    /// How much the world holds.
    pub complexity: Complexity,
}

/// A world that loads and of which tasks were made and proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposedWorld {
    /// Its name, unique for a request and seed.
    pub name: String,
    /// The world file.
    pub yaml: String,
    /// What was chosen.
    pub plan: WorldPlan,
}

/// Why no world came about.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ComposeError {
    /// No such domain.
    #[error(
        "there is no domain `{domain}`; did you mean {near:?}? leave it out to choose by keywords or by seed"
    )]
    UnknownDomain {
        /// What was asked for.
        domain: String,
        /// Those that come closest.
        near: Vec<String>,
    },
    /// The grammar wrote worlds that do not stand their own check.
    #[error("domain `{domain}`, seed {seed}: {attempts} worlds failed their check, the last because {cause}")]
    Unsound {
        /// The domain's id.
        domain: String,
        /// The seed.
        seed: u64,
        /// Worlds that were drawn.
        attempts: u32,
        /// What the last check said.
        cause: CheckError,
    },
}

/// Composes a world: a pure function of its arguments.
///
/// The world is loaded, and one task of each difficulty is made and proven, before it is given.
///
/// # Errors
/// [`ComposeError::UnknownDomain`]; [`ComposeError::Unsound`] would be a fault of the grammar.
pub fn compose(request: &WorldRequest, seed: u64) -> Result<ComposedWorld, ComposeError> {
    let domain = choose(request, seed)?;
    let mut attempts = 0;
    loop {
        let mut world = draw(domain, request.complexity, seed, attempts);
        attempts += 1;
        world.plan.attempts = attempts;
        match check_world(&world.yaml, &world.name, PROOF_SEEDS) {
            Ok(_) => return Ok(world),
            Err(cause) if attempts >= ATTEMPTS => {
                return Err(ComposeError::Unsound { domain: domain.id.clone(), seed, attempts, cause });
            }
            Err(_) => {}
        }
    }
}

fn choose(request: &WorldRequest, seed: u64) -> Result<&'static Domain, ComposeError> {
    if let Some(id) = &request.domain {
        return domains().iter().find(|domain| domain.id == *id).ok_or_else(|| ComposeError::UnknownDomain {
            domain: id.clone(),
            near: closest_domains(id, 3).into_iter().map(|(domain, _)| domain.id.clone()).collect(),
        });
    }
    if let Some((domain, score)) = closest_domains(&request.keywords.join(" "), 1).first()
        && *score > 0.0
    {
        return Ok(domain);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ hash("domain"));
    Ok(&domains()[rng.random_range(0..domains().len())])
}

/// One draw of the grammar, unchecked.
pub(super) fn draw(domain: &Domain, complexity: Complexity, seed: u64, attempt: u32) -> ComposedWorld {
    let key = format!("{} {} {seed} {attempt}", domain.id, complexity.level());
    let mut rng = ChaCha8Rng::seed_from_u64(hash(&key));
    let rng = &mut rng;
    let cast = Cast::draw(domain, complexity, rng);
    let place = *PLACES.choose(rng).unwrap_or(&PLACES[0]);
    let currency =
        *[("EUR", "euros"), ("USD", "dollars"), ("GBP", "pounds")].choose(rng).unwrap_or(&("EUR", "euros"));
    let name = format!("{}_{}_{:08x}", domain.id, identifier(place), hash(&key) >> 32);
    let (entities, planned_entities) = cast.entities(rng);
    let operations = cast.operations(rng);
    let (policies, planned_policies) = cast.policies(&operations, rng);
    let (dynamics, dynamics_keys) = cast.dynamics(rng);
    let plan = WorldPlan {
        domain: domain.id.clone(),
        family: domain.family.clone(),
        complexity,
        shape: cast.shape,
        entities: planned_entities,
        operations: operations.iter().map(super::operations::Operation::planned).collect(),
        policies: planned_policies,
        dynamics: dynamics_keys,
        remedies: operations.iter().map(super::operations::Operation::remedies).sum(),
        attempts: 1,
    };
    let role = role(&cast, place, rng);
    let now = format!(
        "2026-{:02}-{:02}T{:02}:00:00",
        rng.random_range(2..=11),
        rng.random_range(1..=28),
        rng.random_range(8..=11)
    );
    let operations = operations.into_iter().map(|op| (op.name.clone(), op.node())).collect();
    let document = map([
        ("world", name.as_str().into()),
        ("version", 1u32.into()),
        ("domain", domain.id.as_str().into()),
        ("title", capital(&format!("{} {place}", domain.title)).into()),
        ("role", role.into()),
        ("now", Node::bare(now)),
        ("currency", currency.0.into()),
        ("pools", pools(&cast)),
        ("entities", entities),
        ("operations", Node::Map(operations)),
        ("policies", policies),
        ("dynamics", dynamics),
    ]);
    ComposedWorld { name, yaml: document.document().replace(CURRENCY_WORD, currency.1), plan }
}

fn role(cast: &Cast<'_>, place: &str, rng: &mut ChaCha8Rng) -> String {
    let (case, party) = (&cast.nouns.case, &cast.nouns.party);
    let where_ = [
        format!("The house is called {place}."),
        format!("People know it as {place}."),
        format!("Its name is {place}."),
    ];
    let what = [
        format!("You keep {} and {} in order, within the rules below.", case.labels, party.labels),
        format!("You answer questions about {} and change them where the rules allow it.", case.labels),
        format!(
            "You look things up for {}, and you handle {} by the rules of the house.",
            party.labels, case.labels
        ),
    ];
    let pick = |rng: &mut ChaCha8Rng, of: &[String]| of.choose(rng).cloned().unwrap_or_default();
    format!("{} {} {}", cast.domain.desk, pick(rng, &where_), pick(rng, &what))
}

fn pools(cast: &Cast<'_>) -> Node {
    let (domain, case) = (cast.domain, &cast.nouns.case);
    let messages = [
        format!("your {} is being worked on", case.label),
        format!("please call us about your {}", case.label),
        format!("we need one more document for your {}", case.label),
        format!("there is news about the {} of your {}", domain.date, case.label),
    ];
    let mut pools = vec![("stop_reason".to_owned(), Node::from(domain.reasons.clone()))];
    if cast.extras.notes {
        pools.push(("note".to_owned(), domain.notes.clone().into()));
    }
    if cast.extras.messages {
        pools.push(("message".to_owned(), messages.to_vec().into()));
    }
    Node::Map(pools)
}

/// FNV-1a with a last mixing step.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (hash >> 32)
}

const PLACES: [&str; 48] = [
    "Alder Court",
    "Amber Gate",
    "Ashgrove",
    "Beacon Hill",
    "Bellwater",
    "Birchfield",
    "Blue Anchor",
    "Brookside",
    "Cedar Row",
    "Clearview",
    "Copper Lane",
    "Crescent",
    "Dovecote",
    "Eastgate",
    "Elmstead",
    "Fairhaven",
    "Fernhill",
    "Foxbury",
    "Glenmore",
    "Greenwharf",
    "Hazelmere",
    "Heronsbrook",
    "Highmoor",
    "Ivybridge",
    "Juniper Square",
    "Kingsmead",
    "Larkfield",
    "Lighthouse",
    "Longacre",
    "Maplewood",
    "Meadowbank",
    "Millpond",
    "Northcliff",
    "Oakridge",
    "Orchard End",
    "Pinecrest",
    "Quayside",
    "Ravenswood",
    "Rosehill",
    "Saltmarsh",
    "Silverton",
    "Southmere",
    "Stonebridge",
    "Thornbury",
    "Tidewater",
    "Westhaven",
    "Willowdale",
    "Wrenfield",
];
