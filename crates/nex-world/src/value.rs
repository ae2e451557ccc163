//! Values of fields, arguments and expressions: exact, small, cheap to clone.
//!
//! Money is in hundredths and decimals in ten-thousandths, both integers, so nothing drifts. A
//! record is a [`RecordId`]: its entity and the number in its id. Enum values are interned.

use std::cmp::Ordering;
use std::sync::Arc;

/// Hundredths in one unit of money.
pub(crate) const MONEY_SCALE: i64 = 100;
/// Parts in one unit of a decimal.
pub(crate) const DECIMAL_SCALE: i64 = 10_000;
/// Seconds in a day.
pub(crate) const DAY_S: i64 = 86_400;

/// Which entity, by its place in the world file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(pub u16);

impl EntityId {
    /// As an index into the world's entities.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Which enum of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnumId(pub u16);

/// An interned enum value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// A record: entity and number, in one word. Orders by entity, then number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(u64);

const NUMBER_BITS: u32 = 48;

impl RecordId {
    /// The record of `entity` with `number` (below 2⁴⁸).
    pub fn new(entity: EntityId, number: u64) -> Self {
        debug_assert!(number < 1 << NUMBER_BITS);
        Self((u64::from(entity.0) << NUMBER_BITS) | number)
    }

    /// Its entity.
    pub fn entity(self) -> EntityId {
        EntityId((self.0 >> NUMBER_BITS) as u16)
    }

    /// The number in its id.
    pub fn number(self) -> u64 {
        self.0 & ((1 << NUMBER_BITS) - 1)
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// Whole number.
    Int(i64),
    /// Ten-thousandths.
    Decimal(i64),
    /// Hundredths of the currency.
    Money(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Seconds since 1970-01-01T00:00:00.
    DateTime(i64),
    /// Seconds.
    Duration(i64),
    /// Text.
    Str(Arc<str>),
    /// A value of an enum.
    Enum(Symbol),
    /// A record.
    Ref(RecordId),
    /// A list.
    List(Arc<[Value]>),
}

impl Value {
    /// Text.
    pub fn text(text: &str) -> Self {
        Self::Str(Arc::from(text))
    }

    /// Whether it is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The record, if it is one.
    pub fn as_record(&self) -> Option<RecordId> {
        match self {
            Self::Ref(record) => Some(*record),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The order of two values of one type; none where one is null or there is no order.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b))
            | (Self::Decimal(a), Self::Decimal(b))
            | (Self::Money(a), Self::Money(b))
            | (Self::DateTime(a), Self::DateTime(b))
            | (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Str(a), Self::Str(b)) => Some(a.cmp(b)),
            (Self::Enum(a), Self::Enum(b)) => Some(a.cmp(b)),
            (Self::Ref(a), Self::Ref(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// A type as expressions see it. Every type also holds null.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Only null.
    Null,
    /// True or false.
    Bool,
    /// Whole number.
    Int,
    /// Four decimals.
    Decimal,
    /// Hundredths.
    Money,
    /// A day.
    Date,
    /// A second.
    DateTime,
    /// A span of time.
    Duration,
    /// Text.
    Str,
    /// One of an enum's values.
    Enum(EnumId),
    /// A record.
    Record(EntityId),
    /// A list.
    List(Box<Type>),
}

/// Divides with rounding half away from zero. `divisor` is not 0.
pub(crate) fn divide_rounded(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    if rest.abs() * 2 >= divisor.abs() {
        quotient + if (dividend < 0) == (divisor < 0) { 1 } else { -1 }
    } else {
        quotient
    }
}

/// Reads an exact number with at most `places` decimals as an integer scaled by 10^places.
/// `1.50`, `-3`, `1e2` and `1.5e0` are read; none for anything else or too many decimals.
pub(crate) fn parse_scaled(text: &str, places: u32) -> Option<i64> {
    let text = text.trim();
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    if !(-40..=40).contains(&exponent) {
        return None;
    }
    let (negative, digits) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    let shift = i32::try_from(places).ok()? + exponent - i32::try_from(fraction.len()).ok()?;
    if shift >= 0 {
        for _ in 0..shift {
            number = number.checked_mul(10)?;
        }
    } else {
        for _ in 0..-shift {
            if number % 10 != 0 {
                return None;
            }
            number /= 10;
        }
    }
    let number = i64::try_from(number).ok()?;
    Some(if negative { -number } else { number })
}

/// Writes `scaled / 10^places` with exactly `places` decimals.
pub(crate) fn write_scaled(out: &mut String, scaled: i64, places: u32) {
    use std::fmt::Write;
    let scale = 10u64.pow(places);
    let magnitude = scaled.unsigned_abs();
    if scaled < 0 {
        out.push('-');
    }
    write!(out, "{}.{:0width$}", magnitude / scale, magnitude % scale, width = places as usize)
        .expect("writing to a string does not fail");
}

/// Writes a decimal with one to four decimals, as short as it goes.
pub(crate) fn write_decimal(out: &mut String, scaled: i64) {
    write_scaled(out, scaled, 4);
    while out.ends_with('0') && !out.ends_with(".0") {
        out.pop();
    }
}

/// The day `year-month-day` as days since 1970-01-01; none where there is no such day.
pub(crate) fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i32> {
    use chrono::Datelike;
    let date = chrono::NaiveDate::from_ymd_opt(year, month, day)?;
    Some(date.num_days_from_ce() - UNIX_EPOCH_DAYS)
}

const UNIX_EPOCH_DAYS: i32 = 719_163;

/// Year, month and day of `days` since 1970-01-01.
pub(crate) fn civil_from_days(days: i32) -> (i32, u32, u32) {
    // Howard Hinnant's algorithm over eras of 400 years.
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u32;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month, day)
}

/// Reads `2026-03-16`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let digits = |range: std::ops::Range<usize>| -> Option<u32> {
        let part = bytes.get(range)?;
        part.iter().all(u8::is_ascii_digit).then(|| part.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')))
    };
    days_from_civil(i32::try_from(digits(0..4)?).ok()?, digits(5..7)?, digits(8..10)?)
}

/// Reads `2026-03-16T09:00:00`, with a blank for `T`, without seconds, or a date alone; a final
/// `Z` is allowed.
pub(crate) fn parse_datetime(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let date = i64::from(parse_date(text.get(..10)?)?) * DAY_S;
    let rest = &text[10..];
    if rest.is_empty() {
        return Some(date);
    }
    let clock = rest.strip_prefix(['T', ' '])?;
    let mut parts = [0i64; 3];
    let mut count = 0;
    for part in clock.split(':') {
        if count == 3 || part.len() != 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        parts[count] = part.parse().ok()?;
        count += 1;
    }
    let [hour, minute, second] = parts;
    (count >= 2 && hour < 24 && minute < 60 && second < 60)
        .then_some(date + hour * 3600 + minute * 60 + second)
}

/// Writes `2026-03-16`.
pub(crate) fn write_date(out: &mut String, days: i32) {
    let (year, month, day) = civil_from_days(days);
    if !(0..=9999).contains(&year) {
        use std::fmt::Write;
        write!(out, "{year:04}-{month:02}-{day:02}").expect("writing to a string does not fail");
        return;
    }
    let year = year as u32;
    two(out, year / 100);
    two(out, year % 100);
    out.push('-');
    two(out, month);
    out.push('-');
    two(out, day);
}

/// Writes `2026-03-16T09:00:00`.
pub(crate) fn write_datetime(out: &mut String, seconds: i64) {
    let days = seconds.div_euclid(DAY_S);
    let of_day = seconds.rem_euclid(DAY_S) as u32;
    write_date(out, i32::try_from(days).unwrap_or(i32::MAX));
    out.push('T');
    two(out, of_day / 3600);
    out.push(':');
    two(out, of_day / 60 % 60);
    out.push(':');
    two(out, of_day % 60);
}

fn two(out: &mut String, number: u32) {
    out.push(char::from(b'0' + (number / 10 % 10) as u8));
    out.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scaled_numbers_read_exactly_or_not_at_all() {
        let read = |text| parse_scaled(text, 2);
        assert_eq!(read("12.5"), Some(1250));
        assert_eq!(read("-0.01"), Some(-1));
        assert_eq!(read("1e2"), Some(10_000));
        assert_eq!(read("1250e-2"), Some(1250));
        assert_eq!(read("12.500"), Some(1250));
        assert_eq!(read("12.505"), None);
        assert_eq!(read("1e40"), None);
        assert_eq!(read(""), None);
        assert_eq!(read("."), None);
        assert_eq!(read("1,5"), None);
        assert_eq!(read("99999999999999999999"), None);
    }

    #[test]
    fn division_rounds_half_away_from_zero() {
        assert_eq!(divide_rounded(5, 2), 3);
        assert_eq!(divide_rounded(-5, 2), -3);
        assert_eq!(divide_rounded(5, -2), -3);
        assert_eq!(divide_rounded(4, 3), 1);
    }

    #[test]
    fn datetimes_of_people_are_read() {
        let nine = parse_datetime("2026-03-16T09:00:00");
        assert_eq!(parse_datetime("2026-03-16 09:00"), nine);
        assert_eq!(parse_datetime("2026-03-16T09:00:00Z"), nine);
        assert_eq!(parse_datetime("2026-02-30T09:00:00"), None);
        assert_eq!(parse_datetime("2026-03-16T9:00"), None);
        assert_eq!(parse_datetime("2026-03-16T25:00"), None);
        assert_eq!(parse_datetime("2026-03-1６T25:00"), None);
    }

    proptest! {
        #[test]
        fn written_scaled_numbers_read_back(number in -1_000_000_000_000i64..1_000_000_000_000) {
            let mut text = String::new();
            write_scaled(&mut text, number, 2);
            prop_assert_eq!(parse_scaled(&text, 2), Some(number));
            let mut text = String::new();
            write_decimal(&mut text, number);
            prop_assert_eq!(parse_scaled(&text, 4), Some(number));
        }

        #[test]
        fn written_times_read_back(seconds in -60_000_000_000i64..250_000_000_000) {
            let mut text = String::new();
            write_datetime(&mut text, seconds);
            prop_assert_eq!(parse_datetime(&text), Some(seconds));
        }
    }
}
