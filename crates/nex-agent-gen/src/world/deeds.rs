//! Deeds: the operations of a composed world that change something or compute something.

use super::cast::{Cast, Noun};
use super::domain::Deed;
use super::entities::step;
use super::operations::{Operation, remedy};
use super::plan::Role;
use super::words::{a, identifier};
use super::yaml::{Node, map};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// A verb with its object: `check in` or `sign {} off`.
fn object(verb: &str, object: &str) -> String {
    if verb.contains("{}") { verb.replace("{}", object) } else { format!("{verb} {object}") }
}

/// A verb as part of a name: `check_in_appointment`.
fn verb_name(verb: &str, noun: &Noun) -> String {
    format!("{}_{}", identifier(&verb.replace("{}", "")), noun.id)
}

fn string(pool: &str) -> Node {
    map([
        ("type", "string".into()),
        ("min", 3u32.into()),
        ("max", 200u32.into()),
        ("gen", map([("pool", pool.into())])),
    ])
}

fn like(noun: &Noun, field: &str) -> Node {
    map([("type", "enum".into()), ("like", format!("{}.{field}", noun.id).into())])
}

fn reference(noun: &Noun, condition: &str) -> Node {
    map([
        ("type", "ref".into()),
        ("of", noun.id.as_str().into()),
        ("gen", map([("where", condition.into())])),
    ])
}

impl Cast<'_> {
    /// The life cycle always; of the rest as many as the level allows.
    pub(super) fn deeds(&self, rng: &mut ChaCha8Rng) -> Vec<Operation> {
        let mut all = self.life_cycle(rng);
        let mut groups: Vec<Vec<Operation>> = vec![vec![self.open_case()], vec![self.reschedule()]];
        groups.push(vec![self.total_of_party()]);
        if self.extras.priority {
            groups.push(vec![self.set_priority()]);
        }
        if self.extras.notes {
            groups.push(vec![self.add_note()]);
        }
        if self.extras.messages {
            groups.push(vec![self.send_message()]);
        }
        if self.extras.standing {
            groups.push(vec![self.block_party(), self.unblock_party()]);
        }
        if self.extras.balance {
            groups.push(vec![self.transfer_balance()]);
        }
        if self.links(Role::Case, Role::Agent) {
            groups.push(vec![self.assign(), self.take_off()]);
            groups.push(vec![self.reassign_all()]);
            groups.push(vec![self.workload_of_agent()]);
        }
        if self.has(Role::Agent) {
            groups.push(vec![self.duty(true), self.duty(false)]);
        }
        if self.links(Role::Case, Role::Resource) {
            groups.push(vec![self.allocate(), self.release()]);
        }
        if self.has(Role::Resource) {
            groups.push(vec![self.take_down(), self.bring_back()]);
        }
        if self.has(Role::Site) {
            groups.push(self.moves());
        }
        if self.has(Role::Charge) {
            groups.push(vec![
                self.raise_charge(),
                self.settle("pay", "paid"),
                self.settle("waive", "waived"),
            ]);
        }
        if self.has(Role::Record) {
            groups.push(vec![self.open_record(), self.close_record()]);
        }
        if self.has(Role::Item) {
            groups.push(vec![self.restock()]);
            groups.push(vec![self.quote()]);
        }
        if self.has(Role::Line) {
            groups.push(vec![self.add_line(), self.remove_line()]);
        }
        groups.push(vec![self.postpone_all()]);
        groups.shuffle(rng);
        let wanted = [3, 5, 8, 11, 15][usize::from(self.complexity.level()) - 1];
        // What remedies call must be there.
        groups.sort_by_key(|group| !group.iter().any(|op| self.is_needed(op.family)));
        let needed = groups.iter().filter(|group| group.iter().any(|op| self.is_needed(op.family))).count();
        groups.truncate(needed + wanted);
        all.extend(groups.into_iter().flatten());
        if self.extras.verification {
            all.push(self.verify_party());
        }
        if self.extras.approval {
            all.push(self.approve());
        }
        all
    }

    /// Whether preconditions of other operations name this family as their remedy.
    fn is_needed(&self, family: &str) -> bool {
        match family {
            "unblock" => self.extras.standing,
            "bring_back" | "allocate" => self.links(Role::Case, Role::Resource),
            "assign" | "duty_on" => self.links(Role::Case, Role::Agent),
            _ => false,
        }
    }

    // ---- life cycle ----

    fn life_cycle(&self, rng: &mut ChaCha8Rng) -> Vec<Operation> {
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
                    super::words::capital(&object(verb, &case.a()))
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

    fn stop(&self) -> Operation {
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
                super::words::capital(&object(&domain.case.stop, &case.a())),
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

    fn open_case(&self) -> Operation {
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
        op.says(format!(
            "{} for {}.",
            super::words::capital(&object(&domain.case.open, &case.a())),
            party.a()
        ))
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

    fn reschedule(&self) -> Operation {
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

    fn set_priority(&self) -> Operation {
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

    fn add_note(&self) -> Operation {
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

    fn postpone_all(&self) -> Operation {
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

    // ---- parties ----

    fn total_of_party(&self) -> Operation {
        let (case, party) = (&self.nouns.case, &self.nouns.party);
        let of =
            format!("{0} where it.{1} == {1} and it.status in {2}", case.id, party.id, self.open_statuses());
        Operation::new(format!("total_{}", self.money), "total", "compute")
            .says(format!(
                "Sum of the {} over all open {} of {}.",
                self.domain.money.label,
                case.labels,
                party.a()
            ))
            .goal(format!(
                "the total {} of all open {} of {{{}}}",
                self.domain.money.label, case.labels, party.id
            ))
            .takes(party)
            .with(
                "results",
                map([
                    ("total", format!("sum({of} : it.{})", self.money).into()),
                    ("number", format!("count({of})").into()),
                ]),
            )
    }

    fn send_message(&self) -> Operation {
        let party = &self.nouns.party;
        Operation::new(format!("message_{}", party.id), "send_message", "update")
            .on(party)
            .says(format!("Send {} a message.", party.a()))
            .goal(format!("send {{{}}} the message “{{text}}”", party.id))
            .takes(party)
            .arg("text", string("message"))
            .with("append", map([("messages", "text".into())]))
            .returns(&["id", "name", "messages"])
    }

    fn unblock_name(&self) -> String {
        format!("readmit_{}", self.nouns.party.id)
    }

    fn block_party(&self) -> Operation {
        let party = &self.nouns.party;
        let (active, blocked) = (self.wording.active, self.wording.blocked);
        let verb = if blocked == "blocked" { "block" } else { "suspend" };
        Operation::new(format!("{verb}_{}", party.id), "block", "update")
            .on(party)
            .says(format!(
                "{} {}: no new {} until readmitted.",
                super::words::capital(verb),
                party.a(),
                self.nouns.case.labels
            ))
            .goal(format!("{verb} {{{}}}", party.id))
            .takes(party)
            .requires(
                format!("{}.standing == '{}'", party.id, identifier(active)),
                "not_active",
                format!("{0} {{{1}.id}} is {{{1}.standing}}", party.label, party.id),
            )
            .with("set", map([("standing", format!("'{}'", identifier(blocked)).into())]))
            .returns(&["id", "name", "standing"])
    }

    fn unblock_party(&self) -> Operation {
        let party = &self.nouns.party;
        let (active, blocked) = (self.wording.active, self.wording.blocked);
        Operation::new(self.unblock_name(), "unblock", "update")
            .on(party)
            .says(format!("Lift the standing “{blocked}” of {}; it becomes “{active}”.", party.a()))
            .goal(format!("readmit {{{}}}", party.id))
            .takes(party)
            .requires(
                format!("{}.standing == '{}'", party.id, identifier(blocked)),
                "not_blocked",
                format!("{0} {{{1}.id}} is {{{1}.standing}}", party.label, party.id),
            )
            .with("set", map([("standing", format!("'{}'", identifier(active)).into())]))
            .returns(&["id", "name", "standing"])
    }

    pub(super) fn verify_name(&self) -> String {
        format!("{}_{}", self.wording.verify, self.nouns.party.id)
    }

    fn verify_party(&self) -> Operation {
        let party = &self.nouns.party;
        let phone =
            map([("type", "string".into()), ("gen", map([("value", format!("{}.phone", party.id).into())]))]);
        Operation::new(self.verify_name(), "verify", "update")
            .on(party)
            .says(format!("Confirm who {} is by the phone number on file.", party.a()))
            .goal(format!("{} {{{}}} by the phone number on file", self.wording.verify, party.id))
            .takes(party)
            .arg("phone", phone)
            .requires(
                format!("phone == {}.phone", party.id),
                "phone_mismatch",
                format!("the phone number is not the one on file for {{{}.id}}", party.id),
            )
            .returns(&["id", "name"])
    }

    fn transfer_balance(&self) -> Operation {
        let party = &self.nouns.party;
        let amount = map([
            ("type", "money".into()),
            ("min", Node::bare("0.01")),
            (
                "gen",
                map([
                    ("min", step(self.domain.money.min, self.domain.money.max)),
                    ("max", format!("source.{}", self.balance).into()),
                    ("step", step(self.domain.money.min, self.domain.money.max)),
                ]),
            ),
        ]);
        let side = || map([("type", "ref".into()), ("of", party.id.as_str().into())]);
        Operation::new(format!("transfer_{}", self.balance), "transfer", "transfer")
            .says(format!("Move {} from one {} to another.", self.domain.balance, party.label))
            .goal(format!("move {{amount}} of {} from {{source}} to {{destination}}", self.domain.balance))
            .arg("source_id", side())
            .arg("destination_id", side())
            .arg("amount", amount)
            .requires(
                "source != destination",
                "same_account",
                format!("both sides are the same {}", party.label),
            )
            .with("from", format!("source.{}", self.balance))
            .with("to", format!("destination.{}", self.balance))
            .with("amount", "amount")
            .returns(&[
                "source",
                &format!("source.{}", self.balance),
                "destination",
                &format!("destination.{}", self.balance),
            ])
    }

    // ---- approval ----

    pub(super) fn approve_name(&self) -> String {
        format!("approve_{}", self.nouns.case.id)
    }

    fn approve(&self) -> Operation {
        let case = &self.nouns.case;
        let mut op = Operation::new(self.approve_name(), "approve", "update").on(case).takes(case);
        if self.has(Role::Agent) {
            let agent = &self.nouns.agent;
            op = op
                .says(format!("Note the approval of {} by {}.", case.a(), agent.a()))
                .goal(format!("have {{approver}} approve {{{}}}", case.id))
                .arg("approver_id", reference(agent, "it.on_duty"))
                .requires(
                    "approver.on_duty",
                    "not_on_duty",
                    format!("{} {{approver.id}} is not on duty", agent.label),
                );
        } else {
            op = op.says(format!("Approve {}.", case.a())).goal(format!("approve {{{}}}", case.id));
        }
        op.requires(
            format!("not {}.approved", case.id),
            "already_approved",
            format!("{} {{{}.id}} has been approved already", case.label, case.id),
        )
        .with("set", map([("approved", "true".into())]))
        .returns(&["id", "code", "approved"])
    }
}
