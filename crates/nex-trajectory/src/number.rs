//! Numbers as JSON holds them: JSON has no NaN and no infinity, and a `null` in their place could
//! not be read back. Such a number is a bug in whoever made it, and is refused when written.

use serde::ser::{Error, SerializeSeq};
use serde::{Serialize, Serializer};

pub(crate) fn finite<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if !number.is_finite() {
        return Err(S::Error::custom(format_args!("{number} is not a finite number")));
    }
    number.serialize(serializer)
}

pub(crate) fn all_finite<S: Serializer>(numbers: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(numbers.len()))?;
    for number in numbers {
        if !number.is_finite() {
            return Err(S::Error::custom(format_args!("{number} is not a finite number")));
        }
        sequence.serialize_element(number)?;
    }
    sequence.end()
}
