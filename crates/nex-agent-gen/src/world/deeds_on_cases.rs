//! Deeds about the case itself: its life cycle, its date, priority and notes.

use super::cast::{Cast, Noun};
use super::deeds::{like, string};
use super::domain::Deed;
use super::entities::step;
use super::operations::{Operation, remedy};
use super::plan::Role;
use super::words::{a, capital, identifier};
use super::yaml::{Node, map};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A verb with its object: `check in` or `sign {} off`.
fn object(verb: &str, object: &str) -> String {
    if verb.contains("{}") { verb.replace("{}", object) } else { format!("{verb} {object}") }
}

/// A verb as part of a name: `check_in_appointment`.
fn verb_name(verb: &str, noun: &Noun) -> String {
    format!("{}_{}", identifier(&verb.replace("{}", "")), noun.id)
}

impl Cast<'_> {
    pub(super) fn life_cycle(&self, rng: &mut ChaCha8Rng) -> Vec<Operation> {
        let (case, domain) = (&self.nouns.case, self.domain);
        let mut all: Vec<Operation> = Vec::new();
        let last = domain.case.verbs.len() - 1;
        let is_chained = rng.random_bool(0.6);
        let needs_agent = self.links(Role::Case, Role::Agent) && rng.random_bool(0.5);
        let needs_resource = self.links(Role::Case, Role::Resource) && rng.random_bool(0.5);
        for (at, verb) in domain.case.verbs.iter().enumerate() {
            let (from, to) = (&self.stages[at], &self.stages[at + 1]);
            let (from_label, to_label) = (&domain.case.stages[at], &domain.case.stages[at + 1]);
            let before = if at > 0 && is_chained {
                all.last().map(|op| remedy(&op.name, &case.arg(), &case.id))
            } else {
                None
            };
            let mut op = Operation::new(verb_name(verb, case), "advance", "update")
                .on(case)
                .says(format!(
                    "{}: its status goes from “{from_label}” to “{to_label}”.",
                    capital(&object(verb, &case.a()))
                ))
                .goal(object(verb, &format!("{{{}}}", case.id)))
                .takes(case)
                .requires_with(
                    format!("{}.status == '{from}'", case.id),
                    &format!("not_{from}"),
                    format!("{0} {{{1}.id}} is {{{1}.status}}, not {from_label}", case.label, case.id),
                    before,
                );
            if at == 0 && needs_agent {
                let agent = &self.nouns.agent;
                op = op.requires_with(
                    format!("{}.{} != null", case.id, agent.id),
                    "unassigned",
                    format!("{} {{{}.id}} has no {} yet", case.label, case.id, agent.label),
                    Some(remedy(&self.assign_name(), &case.arg(), &case.id)),
                );
            }
            if at == last.min(1) && needs_resource {
                let resource = &self.nouns.resource;
                op = op.requires_with(
                    format!("{}.{} != null", case.id, resource.id),
                    "not_allocated",
                    format!("{} {{{}.id}} has no {} yet", case.label, case.id, resource.label),
                    Some(remedy(&self.allocate_name(), &case.arg(), &case.id)),
                );
            }
            if at == last {
                op = op.under(Deed::Finish, verb.clone());
                if self.has(Role::Record) {
                    let record = &self.nouns.record;
                    op = op.requires(
                        format!(
                            "not exists({0} where it.{1} == {1} and it.status == 'open')",
                            record.id, case.id
                        ),
                        "open_items",
                        format!("{} {{{}.id}} still has an open {}", case.label, case.id, record.label),
                    );
                }
            }
            all.push(
                op.with("set", map([("status", format!("'{to}'").into())]))
                    .returns(&["id", "code", "status"]),
            );
        }
        all.push(self.stop());
        all
    }

    pub(super) fn stop(&self) -> Operation {
        let (case, domain) = (&self.nouns.case, self.domain);
        let mut set = vec![
            ("status".to_owned(), format!("'{}'", self.stopped).into()),
            ("stop_reason".to_owned(), "reason".into()),
        ];
        if self.links(Role::Case, Role::Resource) {
            set.push((self.nouns.resource.id.clone(), "null".into()));
        }
        Operation::new(verb_name(&domain.case.stop, case), "stop", "update")
            .on(case)
            .says(format!(
                "{} that has not reached the status “{}”; a reason is needed.",
                capital(&object(&domain.case.stop, &case.a())),
                domain.case.stages.last().map_or("", String::as_str),
            ))
            .goal(format!(
                "{}; the reason is that {{reason}}",
                object(&domain.case.stop, &format!("{{{}}}", case.id))
            ))
            .under(Deed::Stop, domain.case.stop.clone())
            .takes(case)
            .arg("reason", string("stop_reason"))
            .requires(
                format!("{}.status in {}", case.id, self.open_statuses()),
                "already_over",
                format!("{} {{{1}.id}} is already {{{1}.status}}", case.label, case.id),
            )
            .with("set", Node::Map(set))
            .returns(&["id", "code", "status", "stop_reason"])
    }

    pub(super) fn open_case(&self) -> Operation {
        let (case, party, domain) = (&self.nouns.case, &self.nouns.party, self.domain);
        let due = map([("type", "date".into()), ("gen", map([("min", "2d".into()), ("max", "30d".into())]))]);
        let amount = map([
            ("type", "money".into()),
            ("min", 1u32.into()),
            (
                "gen",
                map([
                    ("min", domain.money.min.into()),
                    ("max", domain.money.max.into()),
                    ("step", step(domain.money.min, domain.money.max)),
                ]),
            ),
        ]);
        let mut set = vec![
            (party.id.clone(), Node::from(party.id.as_str())),
            (self.kind.clone(), self.kind.as_str().into()),
            ("status".into(), format!("'{}'", self.stages[0]).into()),
            ("opened_on".into(), "today".into()),
            (self.date.clone(), self.date.as_str().into()),
            (self.money.clone(), self.money.as_str().into()),
        ];
        let mut op = Operation::new(verb_name(&domain.case.open, case), "open_case", "create")
            .on(case)
            .takes(party)
            .arg(&self.kind, like(case, &self.kind))
            .arg(&self.date, due)
            .arg(&self.money, amount);
        let mut what = String::new();
        for (to, word) in [(Role::Item, "for"), (Role::Site, "at")] {
            if self.links(Role::Case, to) {
                let noun = self.noun(to);
                op = op.takes(noun);
                what.push_str(&format!(" {word} {{{}}}", noun.id));
                set.push((noun.id.clone(), noun.id.as_str().into()));
            }
        }
        if self.extras.priority {
            set.push(("priority".into(), "'normal'".into()));
        }
        if self.extras.channel {
            set.push(("channel".into(), "'phone'".into()));
        }
        if self.extras.approval {
            set.push(("approved".into(), "false".into()));
        }
        if self.extras.standing {
            op = op.requires_with(
                format!("{}.standing == '{}'", party.id, identifier(self.wording.active)),
                "party_not_active",
                format!("{0} {{{1}.id}} is {{{1}.standing}}", party.label, party.id),
                Some(remedy(&self.unblock_name(), &party.arg(), &party.id)),
            );
        }
        op.says(format!("{} for {}.", capital(&object(&domain.case.open, &case.a())), party.a()))
            .goal(format!(
                "{}{what} for {{{}}} with the {} “{{{}}}”, the {} {{{}}} and the {} {{{}}}",
                object(&domain.case.open, &a(&format!("new {}", case.label))),
                party.id,
                domain.kind.label,
                self.kind,
                domain.date,
                self.date,
                domain.money.label,
                self.money
            ))
            .with("set", Node::Map(set))
            .returns(&["id", "code", &party.id, "status"])
    }

    pub(super) fn reschedule(&self) -> Operation {
        let case = &self.nouns.case;
        let day = map([("type", "date".into()), ("gen", map([("min", "2d".into()), ("max", "40d".into())]))]);
        Operation::new(format!("reschedule_{}", case.id), "reschedule", "update")
            .on(case)
            .says(format!("Move the {} of {} that is still open to another day.", self.domain.date, case.a()))
            .goal(format!("move the {} of {{{}}} to {{new_date}}", self.domain.date, case.id))
            .under(Deed::Reschedule, "reschedule")
            .takes(case)
            .arg("new_date", day)
            .requires(
                format!("{}.status in {}", case.id, self.open_statuses()),
                "already_over",
                format!("{} {{{1}.id}} is already {{{1}.status}}", case.label, case.id),
            )
            .requires("new_date > today", "not_in_future", "the new date must lie after today")
            .requires(
                format!("new_date != {}.{}", case.id, self.date),
                "same_date",
                format!("{} {{{}.id}} is planned for that day already", case.label, case.id),
            )
            .with("set", map([(self.date.as_str(), "new_date".into())]))
            .returns(&["id", "code", &self.date, "status"])
    }

    pub(super) fn set_priority(&self) -> Operation {
        let case = &self.nouns.case;
        Operation::new(format!("set_{}_priority", case.id), "set_priority", "update")
            .on(case)
            .says(format!("Change the priority of {}.", case.a()))
            .goal(format!("set the priority of {{{}}} to {{priority}}", case.id))
            .takes(case)
            .arg("priority", like(case, "priority"))
            .requires(
                format!("priority != {}.priority", case.id),
                "same_priority",
                format!("{} {{{}.id}} has this priority already", case.label, case.id),
            )
            .with("set", map([("priority", "priority".into())]))
            .returns(&["id", "code", "priority"])
    }

    pub(super) fn add_note(&self) -> Operation {
        let case = &self.nouns.case;
        Operation::new("add_note", "add_note", "update")
            .on(case)
            .says(format!("Add an internal note to {}.", case.a()))
            .goal(format!("add the note “{{text}}” to {{{}}}", case.id))
            .takes(case)
            .arg("text", string("note"))
            .with("append", map([("notes", "text".into())]))
            .returns(&["id", "notes"])
    }

    pub(super) fn postpone_all(&self) -> Operation {
        let (case, party) = (&self.nouns.case, &self.nouns.party);
        let days = map([
            ("type", "int".into()),
            ("min", 1u32.into()),
            ("max", 30u32.into()),
            ("gen", map([("min", 2u32.into()), ("max", 14u32.into())])),
        ]);
        let each = map([
            (
                "for_each",
                format!(
                    "{0} where it.{1} == {1} and it.status in {2}",
                    case.id,
                    party.id,
                    self.open_statuses()
                )
                .into(),
            ),
            ("as", "each".into()),
            (
                "do",
                Node::List(vec![map([
                    ("update", "each".into()),
                    (
                        "set",
                        map([(
                            self.date.as_str(),
                            format!("each.{} + days(number_of_days)", self.date).into(),
                        )]),
                    ),
                ])]),
            ),
        ]);
        Operation::new(
            format!("postpone_{}_of_{}", identifier(&case.labels), party.id),
            "postpone_all",
            "update",
        )
        .on(party)
        .says(format!(
            "Move the {} of every open {} of {} by some days.",
            self.domain.date,
            case.label,
            party.a()
        ))
        .goal(format!("postpone every open {} of {{{}}} by {{number_of_days}} days", case.label, party.id))
        .takes(party)
        .arg("number_of_days", days)
        .requires(
            format!("{}.open_count > 0", party.id),
            "nothing_open",
            format!("{} {{{}.id}} has no open {}", party.label, party.id, case.label),
        )
        .with("effects", Node::List(vec![each]))
        .returns(&["id", "name", "open_count"])
    }
}
