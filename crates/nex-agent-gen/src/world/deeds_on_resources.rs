//! Deeds about the people, things and places around a case.

use super::cast::Cast;
use super::deeds::reference;
use super::domain::Deed;
use super::operations::{Operation, remedy};
use super::plan::Role;
use super::words::identifier;
use super::yaml::{Node, map};

impl Cast<'_> {
    /// That a case is still open.
    pub(super) fn open(&self, op: Operation) -> Operation {
        let case = &self.nouns.case;
        op.requires(
            format!("{}.status in {}", case.id, self.open_statuses()),
            "already_over",
            format!("{} {{{1}.id}} is already {{{1}.status}}", case.label, case.id),
        )
    }

    // ---- people ----

    pub(super) fn assign_name(&self) -> String {
        format!("assign_{}", self.nouns.agent.id)
    }

    pub(super) fn assign(&self) -> Operation {
        let (case, agent) = (&self.nouns.case, &self.nouns.agent);
        let fit = if self.extras.skills {
            format!("it.on_duty and it.skill == {}.{}", case.id, self.kind)
        } else {
            "it.on_duty".to_owned()
        };
        let op = Operation::new(self.assign_name(), "assign", "update")
            .on(case)
            .says(format!("Give an open {} to {} who is on duty and has room for it.", case.label, agent.a()))
            .goal(format!("assign {{{}}} to {{{}}}", agent.id, case.id))
            .under(Deed::Assign, "assign anyone to")
            .takes(case)
            .arg(agent.arg(), reference(agent, &fit));
        let mut op = self.open(op).requires(
            format!("{0}.{1} != {1}", case.id, agent.id),
            "already_assigned",
            format!("{} {{{}.id}} is with this {} already", case.label, case.id, agent.label),
        );
        if self.extras.skills {
            op = op.requires(
                format!("{}.skill == {}.{}", agent.id, case.id, self.kind),
                "wrong_field",
                format!(
                    "{0} {{{1}.id}} works on {{{1}.skill}}, not on {{{2}.{3}}}",
                    agent.label, agent.id, case.id, self.kind
                ),
            );
        }
        op.requires_with(
            format!("{}.on_duty", agent.id),
            "not_on_duty",
            format!("{} {{{}.id}} is not on duty", agent.label, agent.id),
            Some(remedy(&self.duty_name(true), &agent.arg(), &agent.id)),
        )
        .requires(
            format!("{0}.open_count < {0}.limit", agent.id),
            "at_limit",
            format!(
                "{0} {{{1}.id}} has {{{1}.open_count}} open {2} and takes at most {{{1}.limit}}",
                agent.label, agent.id, case.labels
            ),
        )
        .with("set", map([(agent.id.as_str(), agent.id.as_str().into())]))
        .returns(&["id", "code", &agent.id, "status"])
    }

    pub(super) fn take_off(&self) -> Operation {
        let (case, agent) = (&self.nouns.case, &self.nouns.agent);
        let op = Operation::new(format!("unassign_{}", agent.id), "unassign", "update")
            .on(case)
            .says(format!("Take the {} off an open {}.", agent.label, case.label))
            .goal(format!("take the {} off {{{}}}", agent.label, case.id))
            .takes(case);
        self.open(op)
            .requires(
                format!("{}.{} != null", case.id, agent.id),
                "unassigned",
                format!("{} {{{}.id}} has no {}", case.label, case.id, agent.label),
            )
            .with("set", map([(agent.id.as_str(), "null".into())]))
            .returns(&["id", "code", &agent.id])
    }

    pub(super) fn reassign_all(&self) -> Operation {
        let (case, agent) = (&self.nouns.case, &self.nouns.agent);
        let side = || map([("type", "ref".into()), ("of", agent.id.as_str().into())]);
        let each = map([
            (
                "for_each",
                format!(
                    "{} where it.{} == source and it.status in {}",
                    case.id,
                    agent.id,
                    self.open_statuses()
                )
                .into(),
            ),
            ("as", "each".into()),
            (
                "do",
                Node::List(vec![map([
                    ("update", "each".into()),
                    ("set", map([(agent.id.as_str(), "destination".into())])),
                ])]),
            ),
        ]);
        Operation::new(format!("hand_over_{}", identifier(&case.labels)), "reassign_all", "update")
            .on(agent)
            .says(format!("Hand all open {} of one {} over to another.", case.labels, agent.label))
            .goal(format!("hand all open {} of {{source}} over to {{destination}}", case.labels))
            .arg("source_id", side())
            .arg("destination_id", side())
            .requires("source != destination", "same_person", format!("both are the same {}", agent.label))
            .requires(
                "source.open_count > 0",
                "nothing_open",
                format!("{} {{source.id}} has no open {}", agent.label, case.label),
            )
            .requires_with(
                "destination.on_duty",
                "not_on_duty",
                format!("{} {{destination.id}} is not on duty", agent.label),
                Some(remedy(&self.duty_name(true), &agent.arg(), "destination")),
            )
            .with("effects", Node::List(vec![each]))
            .returns(&["id", "name", "open_count"])
    }

    pub(super) fn workload_of_agent(&self) -> Operation {
        let (case, agent) = (&self.nouns.case, &self.nouns.agent);
        let of =
            format!("{0} where it.{1} == {1} and it.status in {2}", case.id, agent.id, self.open_statuses());
        Operation::new(format!("{}_workload", agent.id), "workload", "compute")
            .says(format!(
                "The summed {} of the open {} of {}, and their number.",
                self.domain.money.label,
                case.labels,
                agent.a()
            ))
            .goal(format!(
                "the total {} of the open {} of {{{}}}",
                self.domain.money.label, case.labels, agent.id
            ))
            .takes(agent)
            .with(
                "results",
                map([
                    ("total", format!("sum({of} : it.{})", self.money).into()),
                    ("number", format!("count({of})").into()),
                ]),
            )
    }

    fn duty_name(&self, on: bool) -> String {
        format!("sign_{}_{}", if on { "in" } else { "out" }, self.nouns.agent.id)
    }

    pub(super) fn duty(&self, on: bool) -> Operation {
        let agent = &self.nouns.agent;
        let (words, not) = if on { ("on duty", "not ") } else { ("off duty", "") };
        Operation::new(self.duty_name(on), if on { "duty_on" } else { "duty_off" }, "update")
            .on(agent)
            .says(format!("Mark {} as {words}.", agent.a()))
            .goal(format!("mark {{{}}} as {words}", agent.id))
            .takes(agent)
            .requires(
                format!("{not}{}.on_duty", agent.id),
                &format!("already_{}", identifier(words)),
                format!("{} {{{}.id}} is {words} already", agent.label, agent.id),
            )
            .with("set", map([("on_duty", on.to_string().into())]))
            .returns(&["id", "name", "on_duty"])
    }

    // ---- things ----

    pub(super) fn allocate_name(&self) -> String {
        format!("allocate_{}", self.nouns.resource.id)
    }

    fn bring_back_name(&self) -> String {
        format!("reopen_{}", self.nouns.resource.id)
    }

    pub(super) fn allocate(&self) -> Operation {
        let (case, resource) = (&self.nouns.case, &self.nouns.resource);
        let op = Operation::new(self.allocate_name(), "allocate", "update")
            .on(case)
            .says(format!("Reserve {} with free capacity for an open {}.", resource.a(), case.label))
            .goal(format!("reserve {{{}}} for {{{}}}", resource.id, case.id))
            .under(Deed::Allocate, format!("reserve {} for", resource.a()))
            .takes(case)
            .takes(resource);
        self.open(op)
            .requires(
                format!("{0}.{1} != {1}", case.id, resource.id),
                "already_allocated",
                format!("{} {{{}.id}} has this {} already", case.label, case.id, resource.label),
            )
            .requires_with(
                format!("{}.state == 'available'", resource.id),
                "not_available",
                format!("{0} {{{1}.id}} is {{{1}.state}}", resource.label, resource.id),
                Some(remedy(&self.bring_back_name(), &resource.arg(), &resource.id)),
            )
            .requires(
                format!("{0}.open_count < {0}.capacity", resource.id),
                "full",
                format!(
                    "{0} {{{1}.id}} is full: {{{1}.open_count}} of {{{1}.capacity}}",
                    resource.label, resource.id
                ),
            )
            .with("set", map([(resource.id.as_str(), resource.id.as_str().into())]))
            .returns(&["id", "code", &resource.id, "status"])
    }

    pub(super) fn release(&self) -> Operation {
        let (case, resource) = (&self.nouns.case, &self.nouns.resource);
        Operation::new(format!("release_{}", resource.id), "release", "update")
            .on(case)
            .says(format!("Give up the {} that is reserved for {}.", resource.label, case.a()))
            .goal(format!("give up the {} reserved for {{{}}}", resource.label, case.id))
            .takes(case)
            .requires(
                format!("{}.{} != null", case.id, resource.id),
                "not_allocated",
                format!("{} {{{}.id}} has no {}", case.label, case.id, resource.label),
            )
            .with("set", map([(resource.id.as_str(), "null".into())]))
            .returns(&["id", "code", &resource.id])
    }

    pub(super) fn take_down(&self) -> Operation {
        let (resource, down) = (&self.nouns.resource, &self.domain.resource.down);
        let mut op = Operation::new(format!("close_{}", resource.id), "take_down", "update")
            .on(resource)
            .says(format!("Take {} out of use: its state becomes “{down}”.", resource.a()))
            .goal(format!("take {{{}}} out of use", resource.id))
            .takes(resource)
            .requires(
                format!("{}.state == 'available'", resource.id),
                "not_available",
                format!("{0} {{{1}.id}} is {{{1}.state}}", resource.label, resource.id),
            );
        if self.links(Role::Case, Role::Resource) {
            op = op.requires(
                format!("{}.open_count < {0}.capacity", resource.id),
                "fully_used",
                format!("{} {{{}.id}} is fully used at the moment", resource.label, resource.id),
            );
        }
        op.with("set", map([("state", format!("'{}'", identifier(down)).into())]))
            .returns(&["id", "name", "state"])
    }

    pub(super) fn bring_back(&self) -> Operation {
        let resource = &self.nouns.resource;
        Operation::new(self.bring_back_name(), "bring_back", "update")
            .on(resource)
            .says(format!("Put {} back into use.", resource.a()))
            .goal(format!("put {{{}}} back into use", resource.id))
            .takes(resource)
            .requires(
                format!("{}.state != 'available'", resource.id),
                "already_available",
                format!("{} {{{}.id}} is available already", resource.label, resource.id),
            )
            .with("set", map([("state", "'available'".into())]))
            .returns(&["id", "name", "state"])
    }

    // ---- places ----

    pub(super) fn moves(&self) -> Vec<Operation> {
        let site = &self.nouns.site;
        [Role::Case, Role::Party, Role::Agent, Role::Resource]
            .into_iter()
            .filter(|role| self.links(*role, Role::Site))
            .map(|role| {
                let noun = self.noun(role);
                let op = Operation::new(format!("move_{}", noun.id), "move", "update")
                    .on(noun)
                    .says(format!("Move {} to another {}.", noun.a(), site.label))
                    .goal(format!("move {{{}}} to {{{}}}", noun.id, site.id))
                    .takes(noun)
                    .takes(site);
                let op = if role == Role::Case { self.open(op) } else { op };
                op.requires(
                    format!("{0}.{1} != {1}", noun.id, site.id),
                    "same_place",
                    format!("{} {{{}.id}} is there already", noun.label, noun.id),
                )
                .with("set", map([(site.id.as_str(), site.id.as_str().into())]))
                .returns(&["id", &site.id])
            })
            .collect()
    }
}
