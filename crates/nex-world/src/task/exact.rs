//! Exact decimal numbers with four places, as JSON numbers show them: no rounding error can make
//! a right total wrong.

use serde_json::Value;

const SCALE: i128 = 10_000;

/// A number in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Exact(i128);

impl Exact {
    pub(crate) const ZERO: Self = Self(0);

    /// The number that `value` is; none where it is no number or has more than four decimals.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    /// Reads `-12.50`; none for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = fraction.trim_end_matches('0');
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 24
            || fraction.len() > 4
            || !all_digits(whole)
            || !all_digits(fraction)
        {
            return None;
        }
        let whole: i128 = whole.parse().ok()?;
        let fraction: i128 = format!("{fraction:0<4}").parse().ok()?;
        let scaled = whole.checked_mul(SCALE)?.checked_add(fraction)?;
        Some(Self(if negative { -scaled } else { scaled }))
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub(crate) fn subtract(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The product; none where it needs more than four decimals.
    pub(crate) fn multiply(self, other: Self) -> Option<Self> {
        let product = self.0.checked_mul(other.0)?;
        (product % SCALE == 0).then_some(Self(product / SCALE))
    }

    /// A JSON number: whole where it is whole.
    pub(crate) fn to_value(self) -> Value {
        if self.0 % SCALE == 0
            && let Ok(whole) = i64::try_from(self.0 / SCALE)
        {
            return whole.into();
        }
        // Four decimals of any amount below 10^11 are exact in the shortest text of a double.
        let text = self.to_text();
        text.parse::<f64>().map_or(Value::Null, Value::from)
    }

    /// `-12.5`: as few decimals as it needs.
    pub(crate) fn to_text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let scale = SCALE.unsigned_abs();
        let text = format!("{sign}{}.{:04}", magnitude / scale, magnitude % scale);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}
