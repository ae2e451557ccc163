//! Deeds about payments, records and goods.

use super::cast::Cast;
use super::deeds::like;
use super::domain::Deed;
use super::entities::step;
use super::operations::Operation;
use super::plan::Role;
use super::words::a;
use super::yaml::{Node, map};

/// A quantity.
fn number(min: u32, max: u32) -> Node {
    map([
        ("type", "int".into()),
        ("min", 1u32.into()),
        ("max", 500u32.into()),
        ("gen", map([("min", min.into()), ("max", max.into())])),
    ])
}

impl Cast<'_> {
    // ---- payments ----

    pub(super) fn raise_charge(&self) -> Operation {
        let (case, charge) = (&self.nouns.case, &self.nouns.charge);
        let amount = map([
            ("type", "money".into()),
            ("min", Node::bare("0.01")),
            (
                "gen",
                map([
                    ("min", step(self.domain.money.min, self.domain.money.max)),
                    ("max", format!("{}.{}", case.id, self.money).into()),
                    ("step", step(self.domain.money.min, self.domain.money.max)),
                ]),
            ),
        ]);
        Operation::new(format!("issue_{}", charge.id), "raise_charge", "create")
            .on(charge)
            .says(format!(
                "Issue {} for {}; it may not exceed its {}.",
                charge.a(),
                case.a(),
                self.domain.money.label
            ))
            .goal(format!("issue {} of {{amount}} for {{{}}}", a(&format!("new {}", charge.label)), case.id))
            .under(Deed::Charge, format!("issue {} for", charge.a()))
            .takes(case)
            .arg("amount", amount)
            .requires(
                format!("amount <= {}.{}", case.id, self.money),
                "too_much",
                format!(
                    "the {} of {} {{{2}.id}} is only {{{2}.{3}}}",
                    self.domain.money.label, case.label, case.id, self.money
                ),
            )
            .with(
                "set",
                map([
                    (case.id.as_str(), case.id.as_str().into()),
                    ("amount", "amount".into()),
                    ("status", "'unpaid'".into()),
                    ("issued_on", "today".into()),
                ]),
            )
            .returns(&["id", "number", &case.id, "amount", "status"])
    }

    pub(super) fn settle(&self, verb: &'static str, status: &str) -> Operation {
        let charge = &self.nouns.charge;
        let (name, goal) = match verb {
            "pay" => (format!("record_payment_of_{}", charge.id), format!("mark {{{}}} as paid", charge.id)),
            _ => (format!("waive_{}", charge.id), format!("waive {{{}}}", charge.id)),
        };
        Operation::new(name, verb, "update")
            .on(charge)
            .says(format!("Set {} that is unpaid to {status}.", charge.a()))
            .goal(goal)
            .takes(charge)
            .requires(
                format!("{}.status == 'unpaid'", charge.id),
                "not_unpaid",
                format!("{0} {{{1}.id}} is {{{1}.status}}", charge.label, charge.id),
            )
            .with("set", map([("status", format!("'{status}'").into())]))
            .returns(&["id", "number", "amount", "status"])
    }

    // ---- records ----

    pub(super) fn open_record(&self) -> Operation {
        let (case, record) = (&self.nouns.case, &self.nouns.record);
        let topic = like(record, "topic");
        let mut set = vec![
            (case.id.clone(), Node::from(case.id.as_str())),
            ("topic".into(), "topic".into()),
            ("status".into(), "'open'".into()),
            ("logged_on".into(), "today".into()),
        ];
        let mut op = Operation::new(format!("log_{}", record.id), "open_record", "create")
            .on(record)
            .says(format!("Log {} against {}.", record.a(), case.a()))
            .takes(case)
            .arg("topic", topic);
        let mut who = String::new();
        if self.links(Role::Record, Role::Agent) {
            let agent = &self.nouns.agent;
            op = op.takes(agent);
            set.push((agent.id.clone(), agent.id.as_str().into()));
            who = format!(" and give it to {{{}}}", agent.id);
        }
        op.goal(format!(
            "log {} about “{{topic}}” on {{{}}}{who}",
            a(&format!("new {}", record.label)),
            case.id
        ))
        .requires(
            format!(
                "not exists({0} where it.{1} == {1} and it.topic == topic and it.status == 'open')",
                record.id, case.id
            ),
            "already_open",
            format!("{} {{{}.id}} has an open {} about this already", case.label, case.id, record.label),
        )
        .with("set", Node::Map(set))
        .returns(&["id", "number", &case.id, "topic", "status"])
    }

    pub(super) fn close_record(&self) -> Operation {
        let record = &self.nouns.record;
        Operation::new(format!("close_{}", record.id), "close_record", "update")
            .on(record)
            .says(format!("Close an open {}.", record.label))
            .goal(format!("close {{{}}}", record.id))
            .takes(record)
            .requires(
                format!("{}.status == 'open'", record.id),
                "already_closed",
                format!("{} {{{}.id}} is closed already", record.label, record.id),
            )
            .with("set", map([("status", "'closed'".into())]))
            .returns(&["id", "number", "status"])
    }

    // ---- goods ----

    pub(super) fn restock(&self) -> Operation {
        let item = &self.nouns.item;
        Operation::new(format!("restock_{}", item.id), "restock", "update")
            .on(item)
            .says(format!("Add a delivery of {} to the stock.", item.a()))
            .goal(format!("add {{quantity}} units of {{{}}} to the stock", item.id))
            .takes(item)
            .arg("quantity", number(5, 40))
            .with("add", map([("stock", "quantity".into())]))
            .returns(&["id", "name", "stock"])
    }

    pub(super) fn quote(&self) -> Operation {
        let item = &self.nouns.item;
        Operation::new(format!("quote_{}", item.id), "quote", "compute")
            .says(format!("What a quantity of {} costs; ten or more are 5 % cheaper.", item.a()))
            .goal(format!("what {{quantity}} units of {{{}}} cost together", item.id))
            .takes(item)
            .arg("quantity", number(2, 20))
            .with(
                "results",
                map([(
                    "price",
                    format!("if(quantity >= 10, {0}.price * quantity * 0.95, {0}.price * quantity)", item.id)
                        .into(),
                )]),
            )
    }

    pub(super) fn add_line(&self) -> Operation {
        let (case, item, line) = (&self.nouns.case, &self.nouns.item, &self.nouns.line);
        let op = Operation::new(format!("add_{}", line.id), "add_line", "create")
            .on(line)
            .says(format!("Add {} to an open {}; the quantity leaves the stock.", line.a(), case.label))
            .goal(format!("add {{quantity}} units of {{{}}} to {{{}}}", item.id, case.id))
            .takes(case)
            .takes(item)
            .arg("quantity", number(1, 5));
        self.open(op)
            .requires(
                format!("not exists({0} where it.{1} == {1} and it.{2} == {2})", line.id, case.id, item.id),
                "line_exists",
                format!("{} {{{}.id}} has {} for this already", case.label, case.id, line.a()),
            )
            .requires(
                format!("quantity <= {}.stock", item.id),
                "out_of_stock",
                format!("only {{{0}.stock}} of {{{0}.name}} are in stock", item.id),
            )
            .with(
                "set",
                map([
                    (case.id.as_str(), case.id.as_str().into()),
                    (item.id.as_str(), item.id.as_str().into()),
                    ("quantity", "quantity".into()),
                    ("unit_price", format!("{}.price", item.id).into()),
                ]),
            )
            .with(
                "effects",
                Node::List(vec![map([
                    ("update", item.id.as_str().into()),
                    ("add", map([("stock", "0 - quantity".into())])),
                ])]),
            )
            .returns(&["id", &item.id, "quantity", "amount"])
    }

    pub(super) fn remove_line(&self) -> Operation {
        let (case, item, line) = (&self.nouns.case, &self.nouns.item, &self.nouns.line);
        Operation::new(format!("remove_{}", line.id), "remove_line", "delete")
            .on(line)
            .says(format!(
                "Remove {} from an open {}; its quantity goes back to stock.",
                line.a(),
                case.label
            ))
            .goal(format!("remove {{{}}}", line.id))
            .takes(line)
            .requires(
                format!("{}.{}.status in {}", line.id, case.id, self.open_statuses()),
                "already_over",
                format!("{} {{{1}.{2}.id}} is already {{{1}.{2}.status}}", case.label, line.id, case.id),
            )
            .with(
                "effects",
                Node::List(vec![map([
                    ("update", format!("{}.{}", line.id, item.id).into()),
                    ("add", map([("stock", format!("{}.quantity", line.id).into())])),
                ])]),
            )
    }
}
