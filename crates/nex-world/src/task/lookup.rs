//! From a record that a goal is about to the calls that lead an agent to its id, and to the words
//! by which the instruction names it.

use super::draft::{Draft, Known, Reject};
use super::plan::{Comparison, Pick, RowOrder, RowTest, ValueSource};
use super::view::OpView;
use super::wording::plural;
use crate::schema::Key;
use crate::spec::{Compare, OperationKind};
use crate::text::Language;
use crate::value::{EntityId, RecordId, Type, Value};
use indexmap::IndexMap;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// Records that name each other may be nested so deep.
const MAX_DEPTH: usize = 5;

/// One way to name a record.
enum Way<'g> {
    Key(&'g Key),
    /// By a lookup among the records of a parent: operation and the argument that names it.
    Relation(&'g OpView, usize),
}

/// A value that names a record: field, source, words.
struct Part {
    field: u16,
    source: ValueSource,
    words: String,
}

impl<'g> Draft<'g> {
    /// Leads to the record's id: the source of the id and the words that name the record.
    pub(crate) fn acquire(
        &mut self,
        record: RecordId,
        depth: usize,
        rng: &mut impl Rng,
    ) -> Result<(ValueSource, String), Reject> {
        if let Some(Known { id, phrase: Some(phrase), .. }) = self.known.get(&record) {
            let id = id.clone();
            let words = self.again(record, &phrase.clone(), depth);
            return Ok((id, words));
        }
        if depth > MAX_DEPTH {
            return Err(Reject("the record is named through too many others"));
        }
        let mut last = Reject("the record has no name that leads to it");
        for way in self.ways(record.entity(), depth, rng) {
            let mut trial = self.clone();
            let found = match way {
                Way::Key(key) => trial.by_key(record, key, depth, rng),
                Way::Relation(op, arg) => trial.by_relation(record, op, arg, depth, rng),
            };
            match found {
                Ok((id, phrase, row)) => {
                    trial.known.insert(
                        record,
                        Known { id: id.clone(), row: Some(row), phrase: Some(phrase.clone()) },
                    );
                    trial.mentioned.push(record);
                    *self = trial;
                    return Ok((id, phrase));
                }
                Err(reject) => last = reject,
            }
        }
        Err(last)
    }

    /// Keys and relations in the order in which they are tried.
    fn ways(&self, entity: EntityId, depth: usize, rng: &mut impl Rng) -> Vec<Way<'g>> {
        let ground = self.ground;
        let def = ground.schema().entity(entity);
        let mut keys: Vec<Way<'g>> = def.keys.iter().map(Way::Key).collect();
        keys.shuffle(rng);
        let mut relations = Vec::new();
        for op in ground.lookups(entity).filter(|op| !op.is_filtered) {
            for (at, arg) in op.args.iter().enumerate() {
                if let Some((field, Compare::Eq)) = arg.matches
                    && let Type::Record(parent) = def.field(field).kind
                    && ground.is_only_ref(entity, parent)
                {
                    relations.push(Way::Relation(op, at));
                }
            }
        }
        relations.shuffle(rng);
        // Descriptions within descriptions are hard to read: there keys come first more often.
        let ambiguity = ground.dials.ambiguity.clamp(0.0, 1.0);
        if rng.random_bool(if depth == 0 { ambiguity } else { ambiguity * 0.25 }) {
            relations.extend(keys);
            relations
        } else {
            if ground.dials.ambiguity > 0.0 {
                keys.extend(relations);
            }
            keys
        }
    }

    pub(super) fn by_key(
        &mut self,
        record: RecordId,
        key: &Key,
        depth: usize,
        rng: &mut impl Rng,
    ) -> Result<(ValueSource, String, (u16, Pick)), Reject> {
        let ground = self.ground;
        if !ground.singles_out(record, &key.fields) {
            return Err(Reject("the key fits several records"));
        }
        let def = ground.schema().entity(record.entity());
        let mut parts = Vec::new();
        for &field in &key.fields {
            let (source, words) = match self.field(record, field) {
                Value::Null => return Err(Reject("a part of the key is empty")),
                Value::Ref(target) => self.acquire(target, depth + 1, rng)?,
                value => {
                    let words = ground.say(&def.field(field).kind, &value, rng);
                    (ValueSource::Literal { value: ground.json(&value) }, words)
                }
            };
            parts.push(Part { field, source, words });
        }
        let mut ops: Vec<(&'g OpView, Lookup)> =
            ground.lookups(record.entity()).filter_map(|op| Some((op, lookup(op, &parts)?))).collect();
        ops.shuffle(rng);
        ops.sort_by_key(|(_, lookup)| std::cmp::Reverse(lookup.covered));

        let label = ground.label(def);
        let names = parts.iter().map(|part| ground.field_label(def.field(part.field))).collect::<Vec<_>>();
        let mut reason = ground.reasons().look_up(&label, &names);
        let mut after = Vec::new();
        if !self.has_vain_call
            && let Some((down, chosen)) = ops.iter().find(|(op, _)| ground.down.contains(&op.name))
            && ops.iter().any(|(op, _)| !ground.down.contains(&op.name))
        {
            let step = self.call_in_vain(down, chosen.arguments.clone(), reason.clone())?;
            reason = ground.reasons().other_way(&down.name);
            after.push(step);
        }
        let mut last = Reject("no lookup takes the key");
        for (op, chosen) in &ops {
            let mut trial = self.clone();
            let found = trial.call(op, chosen.arguments.clone(), reason.clone(), &after).and_then(|step| {
                let phrase = fill(ground.text(&key.text), &parts, def);
                trial.only_row(record, op, step, chosen.tests.clone(), phrase)
            });
            match found {
                Ok(found) => {
                    *self = trial;
                    return Ok(found);
                }
                Err(reject) => last = reject,
            }
        }
        Err(last)
    }

    /// The one row of a reply that passes the tests, which must be the record's.
    pub(super) fn only_row(
        &self,
        record: RecordId,
        op: &OpView,
        step: usize,
        tests: Vec<RowTest>,
        phrase: String,
    ) -> Result<(ValueSource, String, (u16, Pick)), Reject> {
        let Some(id_key) = op.id_key() else { return Err(Reject("the lookup does not show ids")) };
        let pick = Pick { step, list: format!("/{}", op.list), tests, order: None, field: id_key.to_owned() };
        let source = ValueSource::Pick(pick.clone());
        if self.resolve(&source)?.as_str() != Some(&self.ground.schema().id_text(record)) {
            return Err(Reject("the lookup leads to another record"));
        }
        Ok((source, phrase, (op.index, pick)))
    }

    /// Names a record among those of its parent by an attribute that only it has.
    pub(super) fn by_relation(
        &mut self,
        record: RecordId,
        op: &'g OpView,
        arg: usize,
        depth: usize,
        rng: &mut impl Rng,
    ) -> Result<(ValueSource, String, (u16, Pick)), Reject> {
        let ground = self.ground;
        let def = ground.schema().entity(record.entity());
        let Some((parent_field, _)) = op.args[arg].matches else { return Err(Reject("no parent")) };
        let Value::Ref(parent) = self.field(record, parent_field) else { return Err(Reject("no parent")) };
        if op.args.iter().enumerate().any(|(at, other)| at != arg && !other.optional) {
            return Err(Reject("the lookup wants more than the parent"));
        }
        let (source, parent_words) = self.acquire(parent, depth + 1, rng)?;
        let reason = ground.reasons().list(&plural_label(ground.language, &ground.label(def)), &parent_words);
        let step = self.call(op, IndexMap::from([(op.args[arg].name.clone(), source)]), reason, &[])?;
        if self.rows(step, op).len() < 2 {
            return Err(Reject("the parent has only one such record"));
        }
        let mut fields: Vec<_> = op.reply.iter().filter(|field| field.path.len() == 1).collect();
        fields.shuffle(rng);
        for shown in fields {
            let field = def.field(shown.path[0]);
            if !ground.is_labelled(field) {
                continue;
            }
            let value = self.field(record, shown.path[0]);
            let Some((tests, order, words)) = self.mark(&shown.key, field, &value, rng) else { continue };
            let phrase = ground.reasons().marked(&ground.label(def), &parent_words, &words);
            let Some(id_key) = op.id_key() else { continue };
            let pick = Pick { step, list: format!("/{}", op.list), tests, order, field: id_key.to_owned() };
            let source = ValueSource::Pick(pick.clone());
            if self.resolve(&source).is_ok_and(|id| id.as_str() == Some(&ground.schema().id_text(record)))
                && !self.is_tied(op, &pick)
            {
                self.ambiguous += 1;
                return Ok((source, phrase, (op.index, pick)));
            }
        }
        Err(Reject("nothing tells the record from its siblings"))
    }

    /// How a value could single out a row: tests, order, and the words for it.
    pub(super) fn mark(
        &self,
        key: &str,
        field: &crate::schema::Field,
        value: &Value,
        rng: &mut impl Rng,
    ) -> Option<(Vec<RowTest>, Option<RowOrder>, Mark)> {
        let ground = self.ground;
        let label = ground.field_label(field);
        let literal = |value| Box::new(ValueSource::Literal { value });
        let test = |compare, value| RowTest { field: key.to_owned(), compare, value: literal(value) };
        match value {
            Value::Enum(_) => {
                let words = ground.say(&field.kind, value, rng);
                Some((vec![test(Comparison::Eq, ground.json(value))], None, Mark::Is { label, words }))
            }
            Value::Money(_) if rng.random_bool(ground.dials.fuzziness.clamp(0.0, 1.0)) => {
                let (words, low, high) = ground.speech().about(&ground.json(value))?;
                let tests = vec![test(Comparison::Ge, low.to_value()), test(Comparison::Le, high.to_value())];
                Some((tests, None, Mark::About { label, words }))
            }
            Value::Date(_) | Value::DateTime(_) | Value::Money(_) | Value::Int(_) | Value::Decimal(_) => {
                let descending = rng.random_bool(0.6);
                let is_time = matches!(value, Value::Date(_) | Value::DateTime(_));
                let order = RowOrder { by: key.to_owned(), descending, rank: 0 };
                Some((Vec::new(), Some(order), Mark::Extreme { label, descending, is_time }))
            }
            _ => None,
        }
    }

    /// Whether the first two rows in order are equal, so that the order does not decide.
    pub(crate) fn is_tied(&self, op: &OpView, pick: &Pick) -> bool {
        let Some(order) = &pick.order else { return false };
        let at = |rank| {
            let order = RowOrder { rank, ..order.clone() };
            let pick = Pick { order: Some(order.clone()), field: order.by, ..pick.clone() };
            self.resolve(&ValueSource::Pick(pick)).ok()
        };
        // Rows without a value would be first or last by another reading of "latest".
        let has_gap =
            self.rows(pick.step, op).iter().any(|row| row.get(&order.by).is_none_or(|v| v.is_null()));
        has_gap || (at(0).is_some() && at(0) == at(1))
    }

    /// How a record is named that was named before.
    pub(super) fn again(&self, record: RecordId, phrase: &str, depth: usize) -> String {
        let entity = record.entity();
        let mut alike = self.mentioned.iter().filter(|other| other.entity() == entity);
        let is_only = alike.clone().count() == 1 && alike.next() == Some(&record);
        if !is_only {
            return phrase.to_owned();
        }
        let label = self.ground.label(self.ground.schema().entity(entity));
        self.ground.reasons().again(&label, depth > 0)
    }
}

/// What tells a record from its siblings, for the words.
pub(crate) enum Mark {
    Is { label: String, words: String },
    About { label: String, words: String },
    Extreme { label: String, descending: bool, is_time: bool },
}

/// How one lookup takes the parts of a key.
struct Lookup {
    arguments: IndexMap<String, ValueSource>,
    tests: Vec<RowTest>,
    covered: usize,
}

fn lookup(op: &OpView, parts: &[Part]) -> Option<Lookup> {
    let mut arguments = IndexMap::new();
    let mut exact = Vec::new();
    for arg in &op.args {
        let part = arg.matches.and_then(|(field, compare)| {
            let part = parts.iter().find(|part| part.field == field)?;
            matches!(compare, Compare::Eq | Compare::Contains).then_some((part, compare))
        });
        match part {
            Some((part, compare)) if !arguments.values().any(|source| *source == part.source) => {
                arguments.insert(arg.name.clone(), part.source.clone());
                if compare == Compare::Eq {
                    exact.push(part.field);
                }
            }
            Some(_) => {}
            None if arg.optional => {}
            None => return None,
        }
    }
    let mut tests = Vec::new();
    for part in parts.iter().filter(|part| !exact.contains(&part.field)) {
        let field = op.shows(&[part.field])?.to_owned();
        tests.push(RowTest { field, compare: Comparison::Eq, value: Box::new(part.source.clone()) });
    }
    if op.kind == OperationKind::Find && arguments.is_empty() {
        return None;
    }
    Some(Lookup { covered: arguments.len(), arguments, tests })
}

/// Puts the words of the parts into the key's phrase.
fn fill(text: &str, parts: &[Part], def: &crate::schema::Entity) -> String {
    let mut phrase = text.to_owned();
    for part in parts {
        phrase = phrase.replace(&format!("{{{}}}", def.field(part.field).name), &part.words);
    }
    super::prose::tidy(&phrase)
}

/// Several of what the label names.
pub(crate) fn plural_label(language: Language, label: &str) -> String {
    match language {
        Language::En => plural(label),
        Language::Zh => label.to_owned(),
    }
}
