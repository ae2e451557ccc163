//! From known records to what the instruction does not say: fields, and ids of other records.

use super::draft::{Draft, Known, Reject};
use super::lookup::plural_label;
use super::plan::{Pick, ValueSource};
use crate::spec::{Compare, OperationKind};
use crate::value::{RecordId, Type, Value};
use indexmap::IndexMap;

impl Draft<'_> {
    /// Reads the field at the end of `fields`, beginning at a known record: out of a row or reply
    /// that is there, or by a `get`.
    pub(crate) fn read(
        &mut self,
        record: RecordId,
        fields: &[u16],
        words: &str,
    ) -> Result<ValueSource, Reject> {
        let ground = self.ground;
        let Some(known) = self.known.get(&record).cloned() else {
            return Err(Reject("the record is not known"));
        };
        if let Some((op, pick)) = &known.row
            && let Some(key) = ground.ops()[usize::from(*op)].shows(fields)
            && self.is_fresh(pick.step)
        {
            return Ok(ValueSource::Pick(Pick { field: key.to_owned(), ..pick.clone() }));
        }
        for op in ground.ops().iter().filter(|op| op.entity == Some(record.entity())) {
            if op.kind != OperationKind::Get {
                continue;
            }
            let (Some(key), Some(arg)) = (op.shows(fields), op.args.first()) else { continue };
            let label =
                fields.last().map_or_else(String::new, |_| ground.path_label(record.entity(), fields));
            let reason = ground.reasons().read(&label, words);
            let step = self.call(op, IndexMap::from([(arg.name.clone(), known.id.clone())]), reason, &[])?;
            return Ok(ValueSource::Reply { step, pointer: format!("/{key}") });
        }
        // Through the record that the first field refers to.
        if let [first, rest @ ..] = fields
            && !rest.is_empty()
            && let Value::Ref(next) = self.field(record, *first)
        {
            self.discover(next, 0)?;
            return self.read(next, rest, words);
        }
        Err(Reject("no read shows the field"))
    }

    /// Leads to the id of a record that the instruction does not name, from those that are known.
    pub(crate) fn discover(&mut self, record: RecordId, depth: usize) -> Result<ValueSource, Reject> {
        if let Some(known) = self.known.get(&record) {
            return Ok(known.id.clone());
        }
        if depth > 2 {
            return Err(Reject("the record is too far from those that are known"));
        }
        let ground = self.ground;
        let mut sources: Vec<RecordId> = self.known.keys().copied().collect();
        sources.sort_unstable();
        for source in &sources {
            let def = ground.schema().entity(source.entity());
            for (at, field) in def.fields.iter().enumerate() {
                let at = u16::try_from(at).expect("fewer than 2^16 fields");
                if field.kind != Type::Record(record.entity())
                    || self.field(*source, at) != Value::Ref(record)
                {
                    continue;
                }
                let mut trial = self.clone();
                let words = ground.label(def);
                if let Ok(id) = trial.read(*source, &[at], &words) {
                    trial.known.insert(record, Known { id: id.clone(), row: None, phrase: None });
                    *self = trial;
                    return Ok(id);
                }
            }
        }
        let def = ground.schema().entity(record.entity());
        for op in ground.lookups(record.entity()).filter(|op| !op.is_filtered) {
            for (at, arg) in op.args.iter().enumerate() {
                let Some((field, Compare::Eq)) = arg.matches else { continue };
                let Value::Ref(parent) = self.field(record, field) else { continue };
                let Some(known) = self.known.get(&parent) else { continue };
                if op.args.iter().enumerate().any(|(other, arg)| other != at && !arg.optional) {
                    continue;
                }
                let arguments = IndexMap::from([(arg.name.clone(), known.id.clone())]);
                let mut trial = self.clone();
                let words = ground.label(ground.schema().entity(parent.entity()));
                let reason =
                    ground.reasons().list(&plural_label(ground.language, &ground.label(def)), &words);
                let found = trial
                    .call(op, arguments, reason, &[])
                    .and_then(|step| trial.only_row(record, op, step, Vec::new(), String::new()));
                if let Ok((id, _, row)) = found {
                    trial.known.insert(record, Known { id: id.clone(), row: Some(row), phrase: None });
                    *self = trial;
                    return Ok(id);
                }
            }
        }
        Err(Reject("nothing known leads to the record"))
    }

    /// Whether no write came after the step, so that what it showed still holds.
    pub(super) fn is_fresh(&self, step: usize) -> bool {
        !self.steps[step + 1..].iter().any(|step| step.is_write)
    }
}
