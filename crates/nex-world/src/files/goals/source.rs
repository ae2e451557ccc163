//! Short ways to write where a value comes from.

use crate::task::{Aggregate, Comparison, Fold, Pick, RowOrder, RowTest, ValueSource};
use serde_json::Value;

pub(crate) fn lit(value: impl Into<Value>) -> ValueSource {
    ValueSource::literal(value)
}

pub(crate) fn reply(step: usize, pointer: impl Into<String>) -> ValueSource {
    ValueSource::Reply { step, pointer: pointer.into() }
}

/// What stands in `of` between two marks.
pub(crate) fn between(name: &str, of: ValueSource, after: &str, before: &str) -> ValueSource {
    ValueSource::Between {
        name: name.to_owned(),
        of: Box::new(of),
        after: after.to_owned(),
        before: before.to_owned(),
        is_number: false,
    }
}

/// A template and what fills its holes.
pub(crate) fn text<const N: usize>(template: &str, slots: [(&str, ValueSource); N]) -> ValueSource {
    ValueSource::Text {
        template: template.to_owned(),
        slots: slots.into_iter().map(|(slot, source)| (slot.to_owned(), source)).collect(),
    }
}

/// Rows of a list, of which one field of one row, or a number over all, is wanted.
#[derive(Clone)]
pub(crate) struct Rows {
    step: usize,
    list: &'static str,
    tests: Vec<RowTest>,
    order: Option<RowOrder>,
}

/// The rows of `list` in the reply of `step`.
pub(crate) fn pick(step: usize, list: &'static str) -> Rows {
    Rows { step, list, tests: Vec::new(), order: None }
}

impl Rows {
    pub(crate) fn when(mut self, field: &str, compare: Comparison, value: ValueSource) -> Self {
        self.tests.push(RowTest { field: field.to_owned(), compare, value: Box::new(value) });
        self
    }

    /// Number `rank` by `by`.
    pub(crate) fn nth(mut self, by: &str, rank: usize) -> Self {
        self.order = Some(RowOrder { by: by.to_owned(), descending: false, rank });
        self
    }

    /// The last one by `by`.
    pub(crate) fn last(mut self, by: &str) -> Self {
        self.order = Some(RowOrder { by: by.to_owned(), descending: true, rank: 0 });
        self
    }

    /// A field of the row.
    pub(crate) fn get(self, field: &str) -> ValueSource {
        ValueSource::Pick(Pick {
            step: self.step,
            list: self.list.to_owned(),
            tests: self.tests,
            order: self.order,
            field: field.to_owned(),
        })
    }

    /// The sum of a field.
    pub(crate) fn sum(self, field: &str) -> ValueSource {
        ValueSource::Aggregate(Aggregate {
            step: self.step,
            list: self.list.to_owned(),
            tests: self.tests,
            fold: Fold::Sum,
            field: Some(field.to_owned()),
        })
    }
}

/// Adds `by` to every step that `source` reads from.
pub(crate) fn shift(source: &mut ValueSource, by: usize) {
    let tests = match source {
        ValueSource::Literal { .. } => return,
        ValueSource::Reply { step, .. } => {
            *step += by;
            return;
        }
        ValueSource::Arithmetic { left, right, .. } => {
            shift(left, by);
            return shift(right, by);
        }
        ValueSource::Between { of, .. } => return shift(of, by),
        ValueSource::Text { slots, .. } => return slots.values_mut().for_each(|slot| shift(slot, by)),
        ValueSource::Pick(pick) => {
            pick.step += by;
            &mut pick.tests
        }
        ValueSource::Aggregate(fold) => {
            fold.step += by;
            &mut fold.tests
        }
    };
    tests.iter_mut().for_each(|test| shift(&mut test.value, by));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::resolve;
    use serde_json::json;

    #[test]
    fn texts_are_put_together_and_values_taken_out_of_them() {
        let replies = [Some(json!({
            "rows": [{"n": "R-2", "a": 20}, {"n": "R-1", "a": 5}],
            "text": "Dear all,\nTotal: 1280 EUR\nTotal: 9 EUR {a}",
        }))];
        let row = |rank: usize| pick(0, "/rows").nth("n", rank);
        let line = text("{n} | {a} | {other}\n", [("n", row(0).get("n")), ("a", row(0).get("a"))]);
        let total = between("total", reply(0, "/text"), "Total: ", " EUR");
        let mut number = total.clone();
        if let ValueSource::Between { is_number, .. } = &mut number {
            *is_number = true;
        }
        let table = [
            // A hole that nothing fills stays; what is put in is not looked at again.
            (line, Some(json!("R-1 | 5 | {other}\n"))),
            (
                text("{a}", [("a", reply(0, "/text"))]),
                Some(replies[0].as_ref().expect("there")["text"].clone()),
            ),
            (total, Some(json!("1280"))),
            (number, Some(json!(1280))),
            (between("rest", reply(0, "/text"), "9 EUR", ""), Some(json!("{a}"))),
            (between("none", reply(0, "/text"), "Sum: ", " EUR"), None),
            (between("none", reply(0, "/text"), "Total: ", " USD"), None),
        ];
        for (source, expected) in table {
            assert_eq!(source.steps(), [0]);
            assert_eq!(resolve(&source, &replies).ok(), expected, "{source:?}");
            let mut later = source.clone();
            shift(&mut later, 1);
            assert_eq!(later.steps(), [1]);
            let both = [None, replies[0].clone()];
            assert_eq!(resolve(&later, &both).ok(), expected, "{later:?}");
        }
    }
}
