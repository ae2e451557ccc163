//! Entities of a composed world: labels, ids, counts, keys and fields, as YAML.

use super::cast::Cast;
use super::plan::{PlannedEntity, Role};
use super::words::{identifier, prefix};
use super::yaml::{Node, map};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Reads enum values as the world language writes them: symbol, weight, label.
pub(super) fn enum_values<'a>(labels: impl IntoIterator<Item = (&'a str, u32)>) -> Node {
    Node::Map(
        labels
            .into_iter()
            .map(|(label, weight)| {
                (identifier(label), map([("weight", weight.into()), ("en", label.into())]))
            })
            .collect(),
    )
}

/// An entity in the making.
struct Draft {
    label: String,
    prefix: String,
    digits: u32,
    count: Node,
    keys: Vec<Node>,
    rows: Vec<Node>,
    fields: Vec<(String, Node)>,
}

impl Draft {
    fn key(&mut self, fields: &[&str], text: impl Into<String>) {
        let fields: Vec<Node> = fields.iter().map(|field| Node::from(*field)).collect();
        self.keys.push(map([("fields", Node::List(fields)), ("text", text.into().into())]));
    }

    fn field(&mut self, name: &str, kind: &str, label: &str, rest: &[(&str, Node)]) {
        let mut node = map([("type", kind.into()), ("label", label.into())]);
        for (key, value) in rest {
            node = node.with(key, value.clone());
        }
        self.fields.push((name.to_owned(), node));
    }
}

fn word(word: &str) -> Node {
    word.into()
}

fn between(min: impl ToString, max: impl ToString) -> Node {
    map([("min", Node::bare(min.to_string())), ("max", Node::bare(max.to_string()))])
}

fn template(text: &str) -> Node {
    map([("template", text.into())])
}

impl Cast<'_> {
    /// All entities as one map, and what they are in brief.
    pub(super) fn entities(&self, rng: &mut ChaCha8Rng) -> (Node, Vec<PlannedEntity>) {
        let mut prefixes: Vec<String> = Vec::new();
        let mut nodes = Vec::new();
        let mut planned = Vec::new();
        for &role in &self.roles {
            let noun = self.noun(role);
            let mut draft = Draft {
                label: noun.label.clone(),
                prefix: prefix(&noun.label, &prefixes),
                digits: rng.random_range(4..=6),
                count: Node::bare("0"),
                keys: Vec::new(),
                rows: Vec::new(),
                fields: Vec::new(),
            };
            prefixes.push(draft.prefix.clone());
            match role {
                Role::Case => self.case(&mut draft, rng),
                Role::Party => self.party(&mut draft, rng),
                Role::Agent => self.agent(&mut draft, rng),
                Role::Resource => self.resource(&mut draft, rng),
                Role::Site => self.site(&mut draft),
                Role::Item => self.item(&mut draft),
                Role::Line => self.line(&mut draft),
                Role::Charge => self.charge(&mut draft, rng),
                Role::Record => self.record(&mut draft, rng),
            }
            planned.push(PlannedEntity {
                role: Some(role),
                name: noun.id.clone(),
                fields: draft.fields.len(),
                refers_to: self.refs(role).into_iter().map(|to| self.noun(to).id.clone()).collect(),
            });
            let id = map([("prefix", format!("{}-", draft.prefix).into()), ("digits", draft.digits.into())]);
            let mut node = map([
                ("label", draft.label.into()),
                ("plural", identifier(&noun.labels).into()),
                ("id", id),
                ("count", draft.count),
                ("keys", Node::List(draft.keys)),
            ]);
            if !draft.rows.is_empty() {
                node = node.with("rows", Node::List(draft.rows));
            }
            nodes.push((noun.id.clone(), node.with("fields", Node::Map(draft.fields))));
        }
        (Node::Map(nodes), planned)
    }

    fn reference(&self, draft: &mut Draft, to: Role, rest: &[(&str, Node)]) {
        let noun = self.noun(to);
        let mut all = vec![("of", word(&noun.id))];
        all.extend_from_slice(rest);
        draft.field(&noun.id, "ref", &noun.label, &all);
    }

    fn case(&self, draft: &mut Draft, rng: &mut ChaCha8Rng) {
        let (domain, noun) = (self.domain, &self.nouns.case);
        let (party, opened) = (&self.nouns.party, self.wording.opened);
        let (low, high) = [(40, 60), (60, 80), (70, 100)][rng.random_range(0..3)];
        draft.count = between(low, high);
        draft.key(&["code"], format!("{} {{code}}", noun.label));
        draft.key(
            &[&party.id, "opened_on"],
            format!("the {} of {{{}}} that was {opened} on {{opened_on}}", noun.label, party.id),
        );
        let patterns = ["{^2}{#5}", "{^1}-{#6}", "{#4}-{^2}{#2}", "{^3}-{#4}"];
        let code = template(patterns[rng.random_range(0..patterns.len())]);
        draft.field(
            "code",
            "string",
            &format!("{} number", noun.label),
            &[("unique", true.into()), ("gen", code)],
        );
        self.reference(draft, Role::Party, &[("gen", map([("skew", 1u32.into())]))]);
        let kinds = domain.kind.values.iter().map(|kind| (kind.as_str(), rng.random_range(2..=4)));
        let kinds = enum_values(kinds.collect::<Vec<_>>());
        draft.field(&self.kind, "enum", &domain.kind.label, &[("values", kinds)]);
        let mut statuses: Vec<(&str, u32)> =
            domain.case.stages.iter().map(|stage| (stage.as_str(), rng.random_range(3..=5))).collect();
        statuses.push((&domain.case.stopped, 1));
        draft.field("status", "enum", "status", &[("values", enum_values(statuses))]);
        draft.field("opened_on", "date", self.wording.opening, &[("gen", between("-45d", "-2d"))]);
        let last = format!("status in ['{}', '{}']", self.last_stage(), self.stopped);
        let past = map([
            ("when", last.into()),
            ("min", word("1d")),
            ("max", word("20d")),
            ("after", word("opened_on")),
        ]);
        let due = between("1d", "30d").with("cases", Node::List(vec![past]));
        draft.field(&self.date, "date", &domain.date, &[("gen", due)]);
        let money = between(domain.money.min, domain.money.max)
            .with("step", step(domain.money.min, domain.money.max))
            .with("skew", 1u32);
        draft.field(&self.money, "money", &domain.money.label, &[("gen", money)]);
        if self.extras.priority {
            let values = enum_values([("low", 2), ("normal", 5), ("high", 2), ("urgent", 1)]);
            draft.field("priority", "enum", "priority", &[("values", values)]);
        }
        if self.extras.channel {
            let values = enum_values([("phone", 3), ("web form", 4), ("e-mail", 2), ("in person", 1)]);
            draft.field("channel", "enum", "intake channel", &[("values", values)]);
        }
        if self.links(Role::Case, Role::Agent) {
            let same =
                if self.extras.skills { format!("it.skill == {}", self.kind) } else { "it.on_duty".into() };
            let gen_ = map([("where", same.into()), ("null_rate", Node::bare("0.4"))]);
            self.reference(draft, Role::Agent, &[("optional", true.into()), ("gen", gen_)]);
        }
        if self.links(Role::Case, Role::Resource) {
            let gen_ = map([
                ("when", format!("status in {}", self.open_statuses()).into()),
                ("null_rate", Node::bare("0.5")),
            ]);
            self.reference(draft, Role::Resource, &[("optional", true.into()), ("gen", gen_)]);
        }
        if self.links(Role::Case, Role::Site) {
            self.reference(draft, Role::Site, &[]);
        }
        if self.links(Role::Case, Role::Item) {
            self.reference(draft, Role::Item, &[("gen", map([("skew", 1u32.into())]))]);
        }
        if self.extras.approval {
            draft.field("approved", "bool", "approved", &[("gen", map([("min", Node::bare("0.3"))]))]);
        }
        draft.field(
            "stop_reason",
            "string",
            &format!("reason why it was {}", domain.case.stopped),
            &[("optional", true.into()), ("gen", map([("null_rate", 1u32.into())]))],
        );
        if self.extras.notes {
            let none = map([("min", 0u32.into()), ("max", 0u32.into())]);
            draft.field("notes", "list", "notes", &[("item", word("string")), ("gen", none)]);
        }
        if self.has(Role::Charge) {
            let sum = format!(
                "sum({} where it.{} == this and it.status == 'unpaid' : it.amount)",
                self.nouns.charge.id, noun.id
            );
            draft.field("unpaid", "money", "unpaid amount", &[("derived", sum.into())]);
        }
    }

    fn party(&self, draft: &mut Draft, rng: &mut ChaCha8Rng) {
        let noun = &self.nouns.party;
        draft.count = Node::bare(rng.random_range(24..=40).to_string());
        let kind = if self.domain.party.company { "company" } else { "person_name" };
        draft.key(&["name"], format!("{} {{name}}", noun.label));
        draft.key(&["email"], format!("the {} with the e-mail address {{email}}", noun.label));
        draft.field("name", "string", "name", &[("unique", true.into()), ("gen", word(kind))]);
        let email = map([("kind", word("email")), ("from", word("name"))]);
        draft.field("email", "string", "e-mail address", &[("unique", true.into()), ("gen", email)]);
        draft.field("phone", "string", "phone number", &[("gen", word("phone"))]);
        draft.field("city", "string", "city", &[("gen", word("city"))]);
        if self.extras.standing {
            let values = enum_values([(self.wording.active, 5), (self.wording.blocked, 1)]);
            draft.field("standing", "enum", "standing", &[("values", values)]);
        }
        if self.extras.balance {
            let money = between(0, self.domain.money.max.max(100))
                .with("step", step(self.domain.money.min, self.domain.money.max))
                .with("skew", 1u32);
            draft.field(&self.balance, "money", &self.domain.balance, &[("gen", money)]);
        }
        for to in [Role::Agent, Role::Site] {
            if self.links(Role::Party, to) {
                self.reference(draft, to, &[]);
            }
        }
        if self.extras.messages {
            let none = map([("min", 0u32.into()), ("max", 0u32.into())]);
            draft.field("messages", "list", "messages", &[("item", word("string")), ("gen", none)]);
        }
        let open = format!(
            "count({} where it.{} == this and it.status in {})",
            self.nouns.case.id,
            noun.id,
            self.open_statuses()
        );
        let label = format!("number of open {}", self.nouns.case.labels);
        draft.field("open_count", "int", &label, &[("derived", open.into())]);
    }

    fn agent(&self, draft: &mut Draft, rng: &mut ChaCha8Rng) {
        let noun = &self.nouns.agent;
        draft.count = Node::bare(rng.random_range(8..=14).to_string());
        draft.key(&["name"], format!("{} {{name}}", noun.label));
        draft.field("name", "string", "name", &[("unique", true.into()), ("gen", word("person_name"))]);
        draft.field("phone", "string", "phone number", &[("gen", word("phone"))]);
        if self.extras.skills {
            let kinds: Vec<(&str, u32)> =
                self.domain.kind.values.iter().map(|kind| (kind.as_str(), 1)).collect();
            draft.field("skill", "enum", "field of work", &[("values", enum_values(kinds))]);
        }
        draft.field("on_duty", "bool", "on duty", &[("gen", map([("min", Node::bare("0.75"))]))]);
        draft.field("limit", "int", &format!("{} limit", self.nouns.case.label), &[("gen", between(4, 9))]);
        if self.links(Role::Agent, Role::Site) {
            self.reference(draft, Role::Site, &[]);
        }
        if self.links(Role::Case, Role::Agent) {
            self.workload(draft, noun.id.clone());
        }
    }

    fn workload(&self, draft: &mut Draft, owner: String) {
        let open = format!(
            "count({} where it.{owner} == this and it.status in {})",
            self.nouns.case.id,
            self.open_statuses()
        );
        let label = format!("number of open {}", self.nouns.case.labels);
        draft.field("open_count", "int", &label, &[("derived", open.into())]);
    }

    fn resource(&self, draft: &mut Draft, rng: &mut ChaCha8Rng) {
        let (noun, asset) = (&self.nouns.resource, &self.domain.resource);
        draft.count = Node::bare(asset.names.len().to_string());
        draft.key(&["name"], format!("{} {{name}}", noun.label));
        draft.rows = asset.names.iter().map(|name| map([("name", name.as_str().into())])).collect();
        draft.field("name", "string", "name", &[("unique", true.into())]);
        draft.field("capacity", "int", "capacity", &[("gen", between(3, rng.random_range(6..=9)))]);
        let values = enum_values([("available", 4), (asset.down.as_str(), 1)]);
        draft.field("state", "enum", "state", &[("values", values)]);
        if self.links(Role::Resource, Role::Site) {
            self.reference(draft, Role::Site, &[]);
        }
        if self.extras.rating {
            let date = between("-90d", "-1d");
            draft.field("checked_on", "date", "date of the last check", &[("gen", date)]);
        }
        if self.links(Role::Case, Role::Resource) {
            self.workload(draft, noun.id.clone());
        }
    }

    fn site(&self, draft: &mut Draft) {
        let (noun, place) = (&self.nouns.site, &self.domain.site);
        draft.count = Node::bare(place.names.len().to_string());
        // "the basin West Basin" would say it twice.
        let last = noun.label.rsplit(' ').next().unwrap_or_default();
        let says_itself = place.names.iter().any(|name| name.to_lowercase().contains(last));
        let text = if says_itself { "{name}".to_owned() } else { format!("the {} {{name}}", noun.label) };
        draft.key(&["name"], text);
        draft.rows = place.names.iter().map(|name| map([("name", name.as_str().into())])).collect();
        draft.field("name", "string", "name", &[("unique", true.into())]);
        draft.field("phone", "string", "phone number", &[("gen", word("phone"))]);
        draft.field("address", "string", "address", &[("gen", word("address"))]);
    }

    fn item(&self, draft: &mut Draft) {
        let goods = &self.domain.item;
        draft.count = Node::bare(goods.names.len().to_string());
        draft.key(&["name"], "“{name}”");
        draft.rows = goods.names.iter().map(|name| map([("name", name.as_str().into())])).collect();
        draft.field("name", "string", "name", &[("unique", true.into())]);
        let price = between(goods.min, goods.max).with("step", step(goods.min, goods.max));
        draft.field("price", "money", "price", &[("gen", price)]);
        draft.field("stock", "int", "stock", &[("gen", between(0, 60))]);
    }

    fn line(&self, draft: &mut Draft) {
        let (noun, case, item) = (&self.nouns.line, &self.nouns.case, &self.nouns.item);
        draft.count = between(1, 2).with("per", case.id.as_str()).with("as", case.id.as_str());
        draft
            .key(&[&case.id, &item.id], format!("the {} for {{{}}} in {{{}}}", noun.label, item.id, case.id));
        self.reference(draft, Role::Case, &[]);
        self.reference(draft, Role::Item, &[]);
        draft.field("quantity", "int", "quantity", &[("gen", between(1, 4).with("skew", 1u32))]);
        let price = map([("value", format!("{}.price", item.id).into())]);
        draft.field("unit_price", "money", "unit price", &[("gen", price)]);
        draft.field("amount", "money", "amount", &[("derived", "unit_price * quantity".into())]);
    }

    fn charge(&self, draft: &mut Draft, rng: &mut ChaCha8Rng) {
        let (noun, case) = (&self.nouns.charge, &self.nouns.case);
        draft.count = between(30, 45);
        draft.key(&["number"], format!("{} {{number}}", noun.label));
        let pattern = ["{#7}", "{^1}{#6}", "{#3}/{#4}"][rng.random_range(0..3)];
        draft.field(
            "number",
            "string",
            &format!("{} number", noun.label),
            &[("unique", true.into()), ("gen", template(pattern))],
        );
        self.reference(draft, Role::Case, &[]);
        let amount = map([
            ("min", step(self.domain.money.min, self.domain.money.max)),
            ("max", format!("{}.{}", case.id, self.money).into()),
            ("step", step(self.domain.money.min, self.domain.money.max)),
        ]);
        draft.field("amount", "money", "amount", &[("gen", amount)]);
        let values = enum_values([("unpaid", 3), ("paid", 3), ("waived", 1)]);
        draft.field("status", "enum", "status", &[("values", values)]);
        draft.field("issued_on", "date", "date of issue", &[("gen", between("-30d", "0d"))]);
    }

    fn record(&self, draft: &mut Draft, rng: &mut ChaCha8Rng) {
        let (noun, case) = (&self.nouns.record, &self.nouns.case);
        draft.count = between(14, 24);
        draft.key(&["number"], format!("{} {{number}}", noun.label));
        draft.key(&[&case.id, "topic"], format!("the {} about “{{topic}}” on {{{}}}", noun.label, case.id));
        let pattern = ["{^1}{#4}", "{#5}", "{^2}-{#3}"][rng.random_range(0..3)];
        draft.field(
            "number",
            "string",
            &format!("{} number", noun.label),
            &[("unique", true.into()), ("gen", template(pattern))],
        );
        self.reference(draft, Role::Case, &[]);
        let topics: Vec<(&str, u32)> =
            self.domain.record.topics.iter().map(|topic| (topic.as_str(), 1)).collect();
        draft.field("topic", "enum", "topic", &[("values", enum_values(topics))]);
        draft.field("status", "enum", "status", &[("values", enum_values([("open", 1), ("closed", 1)]))]);
        draft.field("logged_on", "date", "date", &[("gen", between("-20d", "0d"))]);
        if self.links(Role::Record, Role::Agent) {
            self.reference(draft, Role::Agent, &[]);
        }
    }
}

/// The step in which amounts are drawn.
///
/// Never more than the least amount, so that there is always one to draw.
pub(super) fn step(least: u32, most: u32) -> Node {
    let wanted = match most {
        0..=300 => 0,
        301..=3_000 => 1,
        3_001..=30_000 => 2,
        _ => 3,
    };
    let possible = match least {
        0..=4 => 0,
        5..=49 => 1,
        50..=499 => 2,
        _ => 3,
    };
    Node::bare(["0.5", "5", "50", "500"][wanted.min(possible)])
}
