//! Deeds about those for whom cases are handled, and approvals.

use super::cast::Cast;
use super::deeds::{reference, string};
use super::entities::step;
use super::operations::Operation;
use super::plan::Role;
use super::words::{capital, identifier};
use super::yaml::{Node, map};

impl Cast<'_> {
    pub(super) fn total_of_party(&self) -> Operation {
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

    pub(super) fn send_message(&self) -> Operation {
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

    pub(super) fn unblock_name(&self) -> String {
        format!("readmit_{}", self.nouns.party.id)
    }

    pub(super) fn block_party(&self) -> Operation {
        let party = &self.nouns.party;
        let (active, blocked) = (self.wording.active, self.wording.blocked);
        let verb = if blocked == "blocked" { "block" } else { "suspend" };
        Operation::new(format!("{verb}_{}", party.id), "block", "update")
            .on(party)
            .says(format!(
                "{} {}: no new {} until readmitted.",
                capital(verb),
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

    pub(super) fn unblock_party(&self) -> Operation {
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

    pub(super) fn verify_party(&self) -> Operation {
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

    pub(super) fn transfer_balance(&self) -> Operation {
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

    pub(super) fn approve(&self) -> Operation {
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
