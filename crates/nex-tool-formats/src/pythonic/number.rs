//! Python's numbers as JSON's, their digits kept.

use crate::json;

/// The Python number `python`, which is not empty, as JSON; none if it is no number.
pub(super) fn number(python: &str) -> Option<String> {
    let (sign, digits) = match python.as_bytes()[0] {
        b'-' => ("-", &python[1..]),
        b'+' => ("", &python[1..]),
        _ => ("", python),
    };
    let digits = digits.replace('_', "");
    let other_base = digits.get(..2).and_then(|prefix| match prefix {
        "0x" | "0X" => Some(16),
        "0o" | "0O" => Some(8),
        "0b" | "0B" => Some(2),
        _ => None,
    });
    if let Some(base) = other_base {
        return Some(format!("{sign}{}", u128::from_str_radix(&digits[2..], base).ok()?));
    }
    let exponent_at = digits.find(['e', 'E']).unwrap_or(digits.len());
    let (mantissa, exponent) = digits.split_at(exponent_at);
    let before = if mantissa.starts_with('.') { "0" } else { "" };
    let behind = if mantissa.ends_with('.') && mantissa.len() > 1 { "0" } else { "" };
    let json = format!("{sign}{before}{mantissa}{behind}{exponent}");
    json::is_value(&json).then_some(json)
}
