//! When two calls' arguments are equal: one function, [`same_arguments`], for every verdict.

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// How strictly arguments are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Numbers by their text, strings by code points, keys in their order, doubled keys kept.
    Text,
    /// Numbers by their value, keys in any order; of doubled keys the last counts.
    Value,
}

/// Whether two JSON texts hold the same arguments. Empty text is `{}`; texts that are no JSON are
/// equal only to themselves. White space between tokens and the spelling of escapes never count.
pub fn same_arguments(left: &str, right: &str, exactness: Exactness) -> bool {
    let (left, right) = (or_empty_object(left), or_empty_object(right));
    left == right
        || match (serde_json::from_str(left), serde_json::from_str(right)) {
            (Ok(left), Ok(right)) => same_value(left, right, exactness),
            _ => false,
        }
}

fn or_empty_object(text: &str) -> &str {
    match text.trim_matches([' ', '\n', '\r', '\t']) {
        "" => "{}",
        trimmed => trimmed,
    }
}

fn same_value(left: &RawValue, right: &RawValue, exactness: Exactness) -> bool {
    let (left, right) = (left.get(), right.get());
    if left == right {
        return true;
    }
    match (left.as_bytes()[0], right.as_bytes()[0]) {
        (b'{', b'{') => match (members(left), members(right)) {
            (Ok(left), Ok(right)) => same_members(left, right, exactness),
            _ => false,
        },
        (b'[', b'[') => {
            let (left, right) = (serde_json::from_str(left), serde_json::from_str(right));
            let (Ok(left), Ok(right)): (Result<Vec<&RawValue>, _>, Result<Vec<&RawValue>, _>) = (left, right)
            else {
                return false;
            };
            left.len() == right.len()
                && left.into_iter().zip(right).all(|(left, right)| same_value(left, right, exactness))
        }
        (b'"', b'"') => match (serde_json::from_str::<String>(left), serde_json::from_str::<String>(right)) {
            (Ok(left), Ok(right)) => left == right,
            _ => false,
        },
        // Equal literals have equal texts, which was looked at above.
        (b'-' | b'0'..=b'9', b'-' | b'0'..=b'9') if exactness == Exactness::Value => {
            Decimal::of(left) == Decimal::of(right)
        }
        _ => false,
    }
}

type Members<'a> = Vec<(String, &'a RawValue)>;

fn same_members(mut left: Members<'_>, mut right: Members<'_>, exactness: Exactness) -> bool {
    if exactness == Exactness::Value {
        left = last_of_each(left);
        right = last_of_each(right);
    }
    left.len() == right.len()
        && left.into_iter().zip(right).all(|((left_key, left), (right_key, right))| {
            left_key == right_key && same_value(left, right, exactness)
        })
}

fn last_of_each(members: Members<'_>) -> Members<'_> {
    members.into_iter().collect::<std::collections::BTreeMap<_, _>>().into_iter().collect()
}

/// The members of an object in the order in which they stand, doubled ones too.
fn members(object: &str) -> serde_json::Result<Members<'_>> {
    struct Collect;
    impl<'de> Visitor<'de> for Collect {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    serde_json::Deserializer::from_str(object).deserialize_map(Collect)
}

/// A JSON number as its digits without zeros at either end, and the power of ten of the last one.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &str) -> Self {
        let (is_negative, number) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // An exponent beyond 64 bits is told from any other by the text, which has been compared.
        let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX);
        let digits = format!("{whole}{fraction}");
        let kept = digits.trim_end_matches('0');
        let dropped = digits.len() - kept.len();
        let exponent = exponent.saturating_sub(fraction.len() as i64).saturating_add(dropped as i64);
        match kept.trim_start_matches('0') {
            "" => Self { is_negative: false, digits: String::new(), exponent: 0 },
            digits => Self { is_negative, digits: digits.to_owned(), exponent },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_text_or_by_value() {
        let table = [
            ("1", "1", true, true),
            ("1.0", "1", false, true),
            ("1e2", "100", false, true),
            ("120", "1.2E+2", false, true),
            ("0.10", "0.1", false, true),
            ("-0.0", "0", false, true),
            ("9007199254740993", "9007199254740992", false, false),
            ("1e400", "1e401", false, false),
            ("-1", "1", false, false),
            ("1", "\"1\"", false, false),
            ("null", "\"null\"", false, false),
        ];
        for (left, right, by_text, by_value) in table {
            let object = |value: &str| format!("{{\"n\":{value}}}");
            let (left, right) = (object(left), object(right));
            assert_eq!(same_arguments(&left, &right, Exactness::Text), by_text, "{left} {right}");
            assert_eq!(same_arguments(&left, &right, Exactness::Value), by_value, "{left} {right}");
        }
    }

    #[test]
    fn strings_by_code_points_and_keys_by_order() {
        let table = [
            (r#"{"a": "\u00e9"}"#, r#"{"a":"é"}"#, true, true),
            (r#"{"a": "e\u0301"}"#, r#"{"a":"é"}"#, false, false),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, false, true),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, false, true),
            (r#"{"a":[1,{}]}"#, "{ \"a\" : [ 1 , { } ] }", true, true),
            (r#"{"a":" x"}"#, r#"{"a":"x"}"#, false, false),
            ("", "{}", true, true),
            ("{", "{", true, true),
            ("{", "{ ", true, true),
            ("{", "[", false, false),
        ];
        for (left, right, by_text, by_value) in table {
            assert_eq!(same_arguments(left, right, Exactness::Text), by_text, "{left} {right}");
            assert_eq!(same_arguments(left, right, Exactness::Value), by_value, "{left} {right}");
        }
    }
}
