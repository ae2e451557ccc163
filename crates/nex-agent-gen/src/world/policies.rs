//! Policies and dynamics of a composed world.

use super::cast::Cast;
use super::domain::{Deed, Rule};
use super::operations::{Operation, remedy};
use super::plan::{PlannedPolicy, Role};
use super::words::{a, capital, identifier};
use super::yaml::{Node, map};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// A policy in the making.
struct Policy {
    id: String,
    family: &'static str,
    text: String,
    operation: String,
    allow_if: String,
    message: String,
    remedy: Option<Node>,
}

impl Cast<'_> {
    /// The policies as a list, and what they are in brief. At least one forbids something outright.
    pub(super) fn policies(
        &self,
        operations: &[Operation],
        rng: &mut ChaCha8Rng,
    ) -> (Node, Vec<PlannedPolicy>) {
        let mut all = Vec::new();
        let mut rules: Vec<(&Rule, &Operation)> = self
            .domain
            .rules
            .iter()
            .filter_map(|rule| Some((rule, operations.iter().find(|op| op.deed == Some(rule.on))?)))
            .collect();
        rules.shuffle(rng);
        // A request to stop a case can always be made, so a rule on it is always in reach.
        rules.sort_by_key(|(rule, _)| rule.on != Deed::Stop);
        let level = usize::from(self.complexity.level());
        rules.truncate(1 + level / 2);
        for (rule, operation) in rules {
            all.push(self.deny_by_kind(rule, operation, rng));
        }
        let mut others = Vec::new();
        if self.extras.verification {
            others.extend(self.verification(operations));
        }
        if self.extras.approval {
            others.extend(self.approval(operations, rng));
        }
        others.extend(self.window(operations, rng));
        others.extend(self.reading_first(operations));
        others.extend(self.limit(operations, rng));
        others.extend(self.waiver(operations));
        others.shuffle(rng);
        // Verification and approval come with an operation of their own, which they give a use.
        others.sort_by_key(|policy| {
            !matches!(policy.family, "verification" | "approval" | "separation_of_duties")
        });
        others.truncate(level.max(2));
        all.extend(others);
        // One that has no remedy is left to the agent: the world does the call and notes the breach.
        let free: Vec<usize> = (0..all.len()).filter(|at| all[*at].remedy.is_none()).collect();
        let trap = free.choose(rng).copied();
        let mut planned = Vec::new();
        let nodes = all
            .into_iter()
            .enumerate()
            .map(|(at, policy)| {
                let is_enforced = policy.remedy.is_some() || (Some(at) != trap && rng.random_bool(0.7));
                planned.push(PlannedPolicy {
                    id: policy.id.clone(),
                    family: policy.family.to_owned(),
                    is_enforced,
                });
                let mut node = map([
                    ("id", policy.id.into()),
                    ("text", policy.text.into()),
                    ("operations", vec![policy.operation].into()),
                    ("allow_if", policy.allow_if.into()),
                    ("enforce", is_enforced.into()),
                    ("message", policy.message.into()),
                ]);
                if let Some(remedy) = policy.remedy {
                    node = node.with("remedy", remedy);
                }
                node
            })
            .collect();
        (Node::List(nodes), planned)
    }

    fn deny_by_kind(&self, rule: &Rule, operation: &Operation, rng: &mut ChaCha8Rng) -> Policy {
        let (case, label, kind) = (&self.nouns.case, &self.domain.kind.label, &rule.kind);
        let (verb, because) = (&operation.verb, &rule.because);
        let whole = |what: &str| {
            if verb.contains("{}") { verb.replace("{}", what) } else { format!("{verb} {what}") }
        };
        let text = match rng.random_range(0..3) {
            0 => format!("Do not {} whose {label} is “{kind}”: {because}.", whole(&case.a())),
            1 => format!("{}, so never {} with the {label} “{kind}”.", capital(because), whole(&case.a())),
            _ => format!("You must not {} with the {label} “{kind}”, because {because}.", whole(&case.a())),
        };
        Policy {
            id: format!("no_{}_for_{}", operation.family, identifier(kind)),
            family: "deny_by_kind",
            text,
            operation: operation.name.clone(),
            allow_if: format!("{}.{} != '{}'", case.id, self.kind, identifier(kind)),
            message: because.clone(),
            remedy: None,
        }
    }

    /// Who someone is, before money moves or a case ends.
    fn verification(&self, operations: &[Operation]) -> Vec<Policy> {
        let (case, party) = (&self.nouns.case, &self.nouns.party);
        let mut all = Vec::new();
        for (family, whose, what) in [
            ("transfer", "source".to_owned(), format!("move any {}", self.domain.balance)),
            ("stop", format!("{}.{}", case.id, party.id), format!("{} {}", self.domain.case.stop, case.a())),
        ] {
            let Some(operation) = operations.iter().find(|op| op.family == family) else { continue };
            all.push(Policy {
                id: format!("{}_before_{family}", self.wording.verify),
                family: "verification",
                text: format!(
                    "Before you {what}, {} the {} concerned with {}.",
                    self.wording.verify,
                    party.label,
                    self.verify_name()
                ),
                operation: operation.name.clone(),
                allow_if: format!("called({}, {} = {whose})", self.verify_name(), party.arg()),
                message: format!("{} {{{whose}.id}} has not been identified in this session", party.label),
                remedy: Some(remedy(&self.verify_name(), &party.arg(), &whose)),
            });
            // One is enough: where there is money to move, ending a case stays simple.
            break;
        }
        all
    }

    /// Large cases need an approval, and not by the person who works on them.
    fn approval(&self, operations: &[Operation], rng: &mut ChaCha8Rng) -> Vec<Policy> {
        let case = &self.nouns.case;
        let mut all = Vec::new();
        let advances: Vec<&Operation> = operations.iter().filter(|op| op.family == "advance").collect();
        if advances.is_empty() {
            return all;
        }
        let operation = advances[rng.random_range(0..advances.len())];
        all.push(Policy {
            id: format!("approval_over_{}", self.threshold),
            family: "approval",
            text: format!(
                "{} with {} above {} {} needs an approval ({}) before you call {}.",
                capital(&case.a()),
                a(&self.domain.money.label),
                self.threshold,
                CURRENCY_WORD,
                self.approve_name(),
                operation.name
            ),
            operation: operation.name.clone(),
            allow_if: format!("{0}.{1} <= {2} or {0}.approved", case.id, self.money, self.threshold),
            message: format!(
                "{} {{{}.id}} is above {} and has not been approved",
                case.label, case.id, self.threshold
            ),
            remedy: Some(remedy(&self.approve_name(), &case.arg(), &case.id)),
        });
        if self.links(Role::Case, Role::Agent) {
            let agent = &self.nouns.agent;
            all.push(Policy {
                id: "four_eyes".into(),
                family: "separation_of_duties",
                text: format!(
                    "Nobody approves their own work: the approver of {} must not be the {} assigned to it.",
                    case.a(),
                    agent.label
                ),
                operation: self.approve_name(),
                allow_if: format!("approver != {}.{}", case.id, agent.id),
                message: format!("the approver is the {} of this {}", agent.label, case.label),
                remedy: None,
            });
        }
        all
    }

    /// Too close to the date.
    fn window(&self, operations: &[Operation], rng: &mut ChaCha8Rng) -> Option<Policy> {
        let case = &self.nouns.case;
        let operation = operations.iter().find(|op| op.family == "reschedule")?;
        let days = rng.random_range(2..=5);
        let rider = if self.extras.priority { " unless its priority is urgent" } else { "" };
        let or = if self.extras.priority {
            format!(" or {}.priority == 'urgent'", case.id)
        } else {
            String::new()
        };
        Some(Policy {
            id: format!("no_change_within_{days}_days"),
            family: "window",
            text: format!(
                "Do not reschedule {} when its {} is fewer than {days} days away{rider}.",
                case.a(),
                self.domain.date
            ),
            operation: operation.name.clone(),
            allow_if: format!("days_between(today, {}.{}) >= {days}{or}", case.id, self.date),
            message: format!("the {} is less than {days} days away", self.domain.date),
            remedy: None,
        })
    }

    /// Look before you act.
    fn reading_first(&self, operations: &[Operation]) -> Option<Policy> {
        let party = &self.nouns.party;
        let operation = operations.iter().find(|op| matches!(op.family, "block" | "postpone_all"))?;
        let get = self.get_name(party);
        Some(Policy {
            id: format!("read_{}_first", party.id),
            family: "order",
            text: format!(
                "Read the record of the {} with {get} before you call {}.",
                party.label, operation.name
            ),
            operation: operation.name.clone(),
            allow_if: format!("called({get}, {0} = {1})", party.arg(), party.id),
            message: format!("the record of {} {{{}.id}} has not been read", party.label, party.id),
            remedy: Some(remedy(&get, &party.arg(), &party.id)),
        })
    }

    /// Not too many open cases for one party.
    fn limit(&self, operations: &[Operation], rng: &mut ChaCha8Rng) -> Option<Policy> {
        let (case, party) = (&self.nouns.case, &self.nouns.party);
        let operation = operations.iter().find(|op| op.family == "open_case")?;
        let most = rng.random_range(2..=4);
        Some(Policy {
            id: format!("at_most_{most}_open"),
            family: "limit",
            text: format!(
                "{} that already has {most} open {} gets no further one.",
                capital(&party.a()),
                case.labels
            ),
            operation: operation.name.clone(),
            allow_if: format!("{}.open_count < {most}", party.id),
            message: format!(
                "{} {{{1}.id}} has {{{1}.open_count}} open {2}",
                party.label, party.id, case.labels
            ),
            remedy: None,
        })
    }

    /// Large debts are not forgiven at a desk.
    fn waiver(&self, operations: &[Operation]) -> Option<Policy> {
        let charge = &self.nouns.charge;
        let operation = operations.iter().find(|op| op.family == "waive")?;
        let most = (self.threshold / 2).max(1);
        Some(Policy {
            id: format!("no_waiver_over_{most}"),
            family: "limit",
            text: format!("Do not waive {} of more than {most} {CURRENCY_WORD}.", charge.a()),
            operation: operation.name.clone(),
            allow_if: format!("{}.amount <= {most}", charge.id),
            message: format!("{} {{{}.id}} is above {most}", charge.label, charge.id),
            remedy: None,
        })
    }

    /// How the world misbehaves, and the keys that are set.
    pub(super) fn dynamics(&self, rng: &mut ChaCha8Rng) -> (Node, Vec<String>) {
        let level = self.complexity.level();
        let typical: u32 = rng.random_range(4..=30) * 10;
        let latency =
            map([("typical", typical.into()), ("worst", (typical * rng.random_range(4..=9)).into())]);
        let mut entries = vec![("latency_ms".to_owned(), latency)];
        let mut share = |least: u8, key: &str, most: u32, rng: &mut ChaCha8Rng| {
            if level >= least && rng.random_bool(0.7) {
                let hundredths = rng.random_range(1..=most);
                entries.push((key.to_owned(), Node::bare(format!("0.{hundredths:02}"))));
            }
        };
        share(2, "verbose", 5, rng);
        share(3, "transient_fault", 3, rng);
        share(4, "truncate", 5, rng);
        share(5, "stale_read", 2, rng);
        if level >= 4 && rng.random_bool(0.6) {
            let calls: u32 = rng.random_range(20..=60);
            entries.push(("rate_limit".into(), map([("calls", calls.into()), ("window_s", 60u32.into())])));
        }
        let keys = entries.iter().map(|(key, _)| key.clone()).collect();
        (Node::Map(entries), keys)
    }
}

/// Stands for the world's currency in texts until it is known.
pub(super) const CURRENCY_WORD: &str = "¤";
