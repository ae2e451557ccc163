//! Wrong values as people and models make them: two characters swapped, the row beside the right
//! one, a number that is off by one.

use nex_world::task::ValueSource;
use serde_json::{Number, Value};

/// A value of the same kind as `right` that is not it: from another row of the list that `source`
/// chooses from, else with two characters swapped.
pub(crate) fn wrong_value(source: &ValueSource, right: &Value, replies: &[Option<Value>]) -> Value {
    if let ValueSource::Pick(pick) = source {
        let list =
            replies.get(pick.step).and_then(Option::as_ref).and_then(|reply| reply.pointer(&pick.list));
        let rows = list.and_then(Value::as_array).into_iter().flatten();
        let other =
            rows.filter_map(|row| row.get(&pick.field)).find(|value| *value != right && !value.is_null());
        if let Some(other) = other {
            return other.clone();
        }
    }
    mangled(right)
}

/// `right` with two characters swapped, or off by one.
pub(crate) fn mangled(right: &Value) -> Value {
    match right {
        Value::String(text) => Value::String(swapped(text)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole.saturating_add(1)),
            (None, Some(real)) => {
                Number::from_f64(((real + 1.0) * 100.0).round() / 100.0).map_or(Value::from(0), Value::Number)
            }
            _ => Value::from(0),
        },
        Value::Bool(yes) => Value::Bool(!yes),
        Value::Array(items) => Value::Array(items.iter().skip(1).cloned().collect()),
        Value::Null => Value::from("unknown"),
        Value::Object(_) => Value::Null,
    }
}

/// The last two unlike letters or digits that stand together, swapped; without such, one more
/// character.
fn swapped(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let place = (1..letters.len()).rev().find(|at| {
        let (a, b) = (letters[at - 1], letters[*at]);
        a != b && a.is_alphanumeric() && b.is_alphanumeric()
    });
    match place {
        Some(at) => letters.swap(at - 1, at),
        None => letters.push('1'),
    }
    letters.into_iter().collect()
}

/// The n-th small variation of a value that was wrong to begin with.
pub(crate) fn variation(right: &Value, attempt: u32) -> Value {
    let wrong = mangled(right);
    let Value::String(text) = &wrong else { return wrong };
    match attempt {
        0 => wrong,
        1 => Value::String(text.to_lowercase()),
        _ => {
            let mut shorter = text.clone();
            shorter.pop();
            Value::String(shorter)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn slips_look_like_slips() {
        let table = [
            (json!("CUS-00012"), json!("CUS-00021")),
            (json!("1111"), json!("11111")),
            (json!("anna@post.de"), json!("anna@post.ed")),
            (json!(41), json!(42)),
            (json!(12.5), json!(13.5)),
            (json!(true), json!(false)),
        ];
        for (right, wrong) in table {
            assert_eq!(mangled(&right), wrong);
        }
    }

    proptest! {
        #[test]
        fn a_slip_is_never_right(text in "\\PC{0,12}", number in any::<i32>(), attempt in 0u32..3) {
            prop_assert_ne!(mangled(&json!(text)), json!(text));
            prop_assert_ne!(mangled(&json!(number)), json!(number));
            let _ = variation(&json!(text), attempt);
        }
    }
}
