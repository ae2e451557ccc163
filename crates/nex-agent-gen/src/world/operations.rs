//! Operations of a composed world: reads for every entity, and the deeds its level allows.

use super::cast::{Cast, Noun};
use super::domain::Deed;
use super::plan::{PlannedOperation, Role};
use super::words::identifier;
use super::yaml::{Node, map};
use rand_chacha::ChaCha8Rng;

/// An operation in the making.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) family: &'static str,
    pub(super) kind: &'static str,
    /// What rules of the domain it falls under.
    pub(super) deed: Option<Deed>,
    /// The imperative that says it: `cancel {}`.
    pub(super) verb: String,
    entity: Option<String>,
    description: String,
    goal: Option<String>,
    args: Vec<(String, Node)>,
    require: Vec<Node>,
    rest: Vec<(String, Node)>,
    returns: Vec<String>,
}

impl Operation {
    pub(super) fn new(name: impl Into<String>, family: &'static str, kind: &'static str) -> Self {
        Self {
            name: name.into(),
            family,
            kind,
            deed: None,
            verb: String::new(),
            entity: None,
            description: String::new(),
            goal: None,
            args: Vec::new(),
            require: Vec::new(),
            rest: Vec::new(),
            returns: Vec::new(),
        }
    }

    pub(super) fn on(mut self, noun: &Noun) -> Self {
        self.entity = Some(noun.id.clone());
        self
    }

    pub(super) fn says(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    pub(super) fn goal(mut self, goal: impl Into<String>) -> Self {
        self.goal = Some(goal.into());
        self
    }

    pub(super) fn under(mut self, deed: Deed, verb: impl Into<String>) -> Self {
        self.deed = Some(deed);
        self.verb = verb.into();
        self
    }

    pub(super) fn arg(mut self, name: impl Into<String>, node: Node) -> Self {
        self.args.push((name.into(), node));
        self
    }

    /// An argument that takes a record.
    pub(super) fn takes(self, noun: &Noun) -> Self {
        self.arg(noun.arg(), map([("type", "ref".into()), ("of", noun.id.as_str().into())]))
    }

    pub(super) fn requires(self, that: impl Into<String>, error: &str, message: impl Into<String>) -> Self {
        self.requires_with(that, error, message, None)
    }

    pub(super) fn requires_with(
        mut self,
        that: impl Into<String>,
        error: &str,
        message: impl Into<String>,
        remedy: Option<Node>,
    ) -> Self {
        let mut node =
            map([("that", that.into().into()), ("error", error.into()), ("message", message.into().into())]);
        if let Some(remedy) = remedy {
            node = node.with("remedy", remedy);
        }
        self.require.push(node);
        self
    }

    pub(super) fn with(mut self, key: &str, node: impl Into<Node>) -> Self {
        self.rest.push((key.to_owned(), node.into()));
        self
    }

    pub(super) fn returns(mut self, fields: &[&str]) -> Self {
        self.returns = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    /// Preconditions that name their remedy.
    pub(super) fn remedies(&self) -> usize {
        let has = |node: &&Node| matches!(node, Node::Map(entries) if entries.iter().any(|(key, _)| key == "remedy"));
        self.require.iter().filter(has).count()
    }

    pub(super) fn planned(&self) -> PlannedOperation {
        PlannedOperation {
            name: self.name.clone(),
            family: self.family.to_owned(),
            kind: self.kind.to_owned(),
        }
    }

    pub(super) fn node(self) -> Node {
        let mut node = map([("kind", self.kind.into())]);
        if let Some(entity) = self.entity {
            node = node.with("entity", entity);
        }
        node = node.with("description", self.description);
        if let Some(goal) = self.goal {
            node = node.with("goal", goal);
        }
        if !self.args.is_empty() {
            node = node.with("args", Node::Map(self.args));
        }
        if !self.require.is_empty() {
            node = node.with("require", Node::List(self.require));
        }
        for (key, value) in self.rest {
            node = node.with(&key, value);
        }
        if !self.returns.is_empty() {
            node = node.with("returns", self.returns);
        }
        node
    }
}

/// `{call: name, with: {argument: expression}}`.
pub(super) fn remedy(call: &str, argument: &str, expression: &str) -> Node {
    map([("call", call.into()), ("with", map([(argument, expression.into())]))])
}

impl Cast<'_> {
    /// All operations, reads first.
    pub(super) fn operations(&self, rng: &mut ChaCha8Rng) -> Vec<Operation> {
        let mut operations = self.reads();
        operations.extend(self.deeds(rng));
        operations
    }

    /// Name of the read of one record.
    pub(super) fn get_name(&self, noun: &Noun) -> String {
        format!("{}_{}", self.wording.get, noun.id)
    }

    fn reads(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for &role in &self.roles {
            match role {
                Role::Case => {
                    all.extend([self.find_by_code(role, "code"), self.list_cases(), self.get(role)])
                }
                Role::Party => all.extend([self.find_party(), self.get(role)]),
                Role::Agent => all.extend([self.list_named(role), self.get(role)]),
                Role::Resource => all.extend([self.list_named(role), self.get(role)]),
                Role::Site => all.push(self.list_named(role)),
                Role::Item => all.push(self.find_item()),
                Role::Line => all.push(self.list_lines()),
                Role::Charge => all.extend([self.find_by_code(role, "number"), self.list_of_case(role)]),
                Role::Record => all.extend([self.find_by_code(role, "number"), self.list_of_case(role)]),
            }
        }
        all
    }

    fn get(&self, role: Role) -> Operation {
        let noun = self.noun(role);
        Operation::new(self.get_name(noun), "get", "get")
            .on(noun)
            .says(format!("Show the full record of {}.", noun.a()))
            .takes(noun)
    }

    fn find_by_code(&self, role: Role, key: &str) -> Operation {
        let noun = self.noun(role);
        let code = map([("type", "string".into()), ("match", key.into())]);
        Operation::new(format!("{}_{}", self.wording.find, noun.id), "find", "find")
            .on(noun)
            .says(format!("Look up {} by its number.", noun.a()))
            .arg(key, code)
    }

    fn find_party(&self) -> Operation {
        let noun = &self.nouns.party;
        let by = |field: &str| {
            map([("type", "string".into()), ("optional", true.into()), ("match", field.into())])
        };
        Operation::new(format!("{}_{}", self.wording.find, noun.id), "find", "find")
            .on(noun)
            .says(format!("Look up {} by full name or by e-mail address.", noun.a()))
            .arg("name", by("name"))
            .arg("email", by("email"))
            .requires("name != null or email != null", "missing_key", "give a name or an e-mail address")
            .returns(&["id", "name", "email", "city"])
    }

    fn find_item(&self) -> Operation {
        let noun = &self.nouns.item;
        let name = map([("type", "string".into()), ("match", "name".into()), ("compare", "contains".into())]);
        Operation::new(format!("{}_{}", self.wording.find, noun.id), "find", "find")
            .on(noun)
            .says(format!("Look up {} whose name contains the given words.", noun.labels))
            .arg("name", name)
            .returns(&["id", "name", "price", "stock"])
    }

    fn list_name(&self, noun: &Noun) -> String {
        format!("{}_{}", self.wording.list, identifier(&noun.labels))
    }

    fn filter(&self, to: &Noun) -> (String, Node) {
        let node = map([
            ("type", "ref".into()),
            ("of", to.id.as_str().into()),
            ("optional", true.into()),
            ("match", to.id.as_str().into()),
        ]);
        (to.arg(), node)
    }

    fn like(&self, noun: &Noun, field: &str) -> (String, Node) {
        let node = map([
            ("type", "enum".into()),
            ("like", format!("{}.{field}", noun.id).into()),
            ("optional", true.into()),
            ("match", field.into()),
        ]);
        (field.to_owned(), node)
    }

    fn list_cases(&self) -> Operation {
        let noun = &self.nouns.case;
        let refs = self.refs(Role::Case);
        let mut op = Operation::new(self.list_name(noun), "list", "list").on(noun).says(format!(
            "List {}, newest first; filter by {}, status or date.",
            noun.labels,
            refs.iter().map(|to| self.noun(*to).label.as_str()).collect::<Vec<_>>().join(", ")
        ));
        for to in &refs {
            let (name, node) = self.filter(self.noun(*to));
            op = op.arg(name, node);
        }
        for field in ["status", self.kind.as_str()] {
            let (name, node) = self.like(noun, field);
            op = op.arg(name, node);
        }
        for (name, compare) in [("opened_from", "ge"), ("opened_to", "le")] {
            let node = map([
                ("type", "date".into()),
                ("optional", true.into()),
                ("match", "opened_on".into()),
                ("compare", compare.into()),
            ]);
            op = op.arg(name, node);
        }
        let party = self.nouns.party.id.as_str();
        op.with("sort", "-opened_on").with("page_size", 20u32).returns(&[
            "id",
            "code",
            party,
            self.kind.as_str(),
            "opened_on",
            &self.date,
            "status",
            &self.money,
        ])
    }

    /// A list of few records with a name: by name, by site.
    fn list_named(&self, role: Role) -> Operation {
        let noun = self.noun(role);
        let mut op = Operation::new(self.list_name(noun), "list", "list")
            .on(noun)
            .says(format!("List {}; filter by name.", noun.labels))
            .arg(
                "name",
                map([("type", "string".into()), ("optional", true.into()), ("match", "name".into())]),
            );
        let mut fields = vec!["id", "name"];
        if self.links(role, Role::Site) {
            let (name, node) = self.filter(&self.nouns.site);
            op = op
                .says(format!("List {}; filter by name or {}.", noun.labels, self.nouns.site.label))
                .arg(name, node);
            fields.push(&self.nouns.site.id);
        }
        match role {
            Role::Agent => {
                if self.extras.skills {
                    let (name, node) = self.like(noun, "skill");
                    op = op.arg(name, node);
                    fields.push("skill");
                }
                fields.extend(["on_duty", "limit"]);
            }
            Role::Resource => fields.extend(["state", "capacity"]),
            _ => fields.push("address"),
        }
        op.returns(&fields)
    }

    fn list_of_case(&self, role: Role) -> Operation {
        let (noun, case) = (self.noun(role), &self.nouns.case);
        let (by_case, case_node) = self.filter(case);
        let (by_status, status_node) = self.like(noun, "status");
        let detail = if role == Role::Charge { "amount" } else { "topic" };
        let date = if role == Role::Charge { "issued_on" } else { "logged_on" };
        Operation::new(self.list_name(noun), "list", "list")
            .on(noun)
            .says(format!("List {}; filter by {} or status.", noun.labels, case.label))
            .arg(by_case, case_node)
            .arg(by_status, status_node)
            .with("sort", format!("-{date}"))
            .returns(&["id", "number", &case.id, detail, "status", date])
    }

    fn list_lines(&self) -> Operation {
        let (noun, case, item) = (&self.nouns.line, &self.nouns.case, &self.nouns.item);
        Operation::new(self.list_name(noun), "list", "list")
            .on(noun)
            .says(format!("List the {} of {}.", noun.labels, case.a()))
            .arg(
                case.arg(),
                map([
                    ("type", "ref".into()),
                    ("of", case.id.as_str().into()),
                    ("match", case.id.as_str().into()),
                ]),
            )
            .returns(&[
                "id",
                &case.id,
                &item.id,
                &format!("{}.name", item.id),
                "quantity",
                "unit_price",
                "amount",
            ])
    }
}
