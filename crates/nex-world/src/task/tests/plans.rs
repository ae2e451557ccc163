//! Resolution of value sources and following of pages.

use crate::task::plan::{
    Aggregate, Comparison, Fold, Operator, Paging, Pick, PlanStep, RowOrder, RowTest, ValueSource,
};
use crate::task::resolve::{ResolveError, resolve, resolve_arguments};
use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::{Value, json};

fn replies() -> Vec<Option<Value>> {
    vec![
        Some(json!({"orders": [
            {"id": "O-1", "status": "open", "total": 12.5, "placed_on": "2026-03-01"},
            {"id": "O-2", "status": "done", "total": 40.1, "placed_on": "2026-03-09"},
            {"id": "O-3", "status": "open", "total": 7.4, "placed_on": "2026-02-11"},
        ], "count": 3, "has_more": false})),
        None,
        Some(json!({"id": "C-1", "name": "Ann", "credit": 0.3})),
    ]
}

fn literal(value: impl Into<Value>) -> ValueSource {
    ValueSource::literal(value)
}

fn test(field: &str, compare: Comparison, value: impl Into<Value>) -> RowTest {
    RowTest { field: field.to_owned(), compare, value: Box::new(literal(value)) }
}

fn pick(tests: Vec<RowTest>, order: Option<RowOrder>) -> ValueSource {
    ValueSource::Pick(Pick { step: 0, list: "/orders".to_owned(), tests, order, field: "id".to_owned() })
}

fn by(field: &str, descending: bool, rank: usize) -> Option<RowOrder> {
    Some(RowOrder { by: field.to_owned(), descending, rank })
}

fn fold(fold: Fold, field: Option<&str>, tests: Vec<RowTest>) -> ValueSource {
    ValueSource::Aggregate(Aggregate {
        step: 0,
        list: "/orders".to_owned(),
        tests,
        fold,
        field: field.map(str::to_owned),
    })
}

#[test]
fn sources_resolve_to_hand_computed_values() {
    let open = || vec![test("status", Comparison::Eq, "open")];
    let table = [
        (literal("x"), json!("x")),
        (ValueSource::Reply { step: 2, pointer: "/name".to_owned() }, json!("Ann")),
        (pick(vec![test("status", Comparison::Eq, "done")], None), json!("O-2")),
        (pick(vec![test("total", Comparison::Ge, 12.50)], by("total", false, 0)), json!("O-1")),
        (pick(vec![test("total", Comparison::Lt, 10)], None), json!("O-3")),
        (pick(Vec::new(), by("placed_on", true, 0)), json!("O-2")),
        (pick(open(), by("placed_on", true, 1)), json!("O-3")),
        (fold(Fold::Count, None, open()), json!(2)),
        (fold(Fold::Sum, Some("total"), Vec::new()), json!(60)),
        (fold(Fold::Sum, Some("total"), open()), json!(19.9)),
        (fold(Fold::Min, Some("placed_on"), Vec::new()), json!("2026-02-11")),
        (fold(Fold::Max, Some("total"), open()), json!(12.5)),
        (
            ValueSource::Arithmetic {
                operator: Operator::Subtract,
                left: Box::new(fold(Fold::Sum, Some("total"), Vec::new())),
                right: Box::new(ValueSource::Reply { step: 2, pointer: "/credit".to_owned() }),
            },
            json!(59.7),
        ),
    ];
    for (source, wanted) in table {
        assert_eq!(resolve(&source, &replies()), Ok(wanted), "{source:?}");
    }
}

#[test]
fn what_is_not_in_the_replies_is_named() {
    let reply = |step, pointer: &str| ValueSource::Reply { step, pointer: pointer.to_owned() };
    let table = [
        (reply(1, "/id"), ResolveError::NoReply { step: 1 }),
        (reply(9, "/id"), ResolveError::NoReply { step: 9 }),
        (reply(2, "/nothing"), ResolveError::NotThere { step: 2, pointer: "/nothing".to_owned() }),
        (
            pick(vec![test("status", Comparison::Eq, "open")], None),
            ResolveError::ManyRows { step: 0, list: "/orders".to_owned(), fitting: 2 },
        ),
        (
            pick(vec![test("status", Comparison::Eq, "lost")], None),
            ResolveError::NoRow { step: 0, list: "/orders".to_owned(), rows: 3 },
        ),
        (fold(Fold::Sum, Some("status"), Vec::new()), ResolveError::NotANumber { value: "open".to_owned() }),
    ];
    for (source, wanted) in table {
        assert_eq!(resolve(&source, &replies()), Err(wanted), "{source:?}");
    }
}

#[test]
fn arguments_keep_their_order_and_leave_nulls_out() {
    let step = PlanStep {
        operation: "op".to_owned(),
        arguments: IndexMap::from([
            ("z".to_owned(), literal(1)),
            ("none".to_owned(), literal(Value::Null)),
            ("a".to_owned(), ValueSource::Reply { step: 2, pointer: "/id".to_owned() }),
        ]),
        reason: String::new(),
        depends_on: Vec::new(),
        is_write: false,
        paging: None,
        fails_with: None,
    };
    let arguments = resolve_arguments(&step, &replies()).expect("all replies are there");
    assert_eq!(arguments.to_string(), r#"{"z":1,"a":"C-1"}"#);
}

proptest! {
    /// However a list is cut into pages, following them gives the whole list.
    #[test]
    fn pages_put_together_are_the_whole(rows in proptest::collection::vec(0i64..100, 0..30), size in 1usize..7) {
        let page = |at: usize| {
            let end = (at + size).min(rows.len());
            let mut page = json!({"rows": rows[at..end], "count": end - at, "total": rows.len(), "has_more": end < rows.len()});
            if end < rows.len() {
                page["next_cursor"] = json!(end.to_string());
            }
            page
        };
        let paging = Paging::of("rows");
        let mut whole = page(0);
        let mut turned = 0;
        while let Some(cursor) = paging.next_cursor(&whole) {
            let at: usize = cursor.as_str().expect("a cursor is text").parse().expect("of digits");
            paging.append(&mut whole, page(at));
            turned += 1;
            prop_assert!(turned <= rows.len());
        }
        prop_assert_eq!(&whole["rows"], &json!(rows));
        prop_assert_eq!(&whole["count"], &json!(rows.len()));
        prop_assert_eq!(&whole["has_more"], &json!(false));
    }

    #[test]
    fn steps_of_a_source_survive_serde(step in 0usize..9, other in 0usize..9) {
        let nested = ValueSource::Reply { step: other, pointer: "/id".to_owned() };
        let source = ValueSource::Pick(Pick {
            step,
            list: "/rows".to_owned(),
            tests: vec![RowTest { field: "x".to_owned(), compare: Comparison::Eq, value: Box::new(nested) }],
            order: by("y", true, 2),
            field: "id".to_owned(),
        });
        let text = serde_json::to_string(&source).expect("sources are JSON");
        let back: ValueSource = serde_json::from_str(&text).expect("and read back");
        prop_assert_eq!(back.steps(), source.steps());
        prop_assert_eq!(back, source);
    }
}
