//! Serde for the parts of a world file that have a short form beside the long one.

use super::{Count, EnumValue, EnumValues, GenKeys, GenSpec, Pool, ReturnSpec, RowValue};
use crate::text::{Scalar, Text};
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

impl<'de> Deserialize<'de> for Pool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PoolVisitor;

        impl<'de> Visitor<'de> for PoolVisitor {
            type Value = Pool;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of words or a map with the lists `en` and `zh`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pool, A::Error> {
                let mut en = Vec::new();
                while let Some(Scalar(word)) = list.next_element()? {
                    en.push(word);
                }
                Ok(Pool { en, zh: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pool, A::Error> {
                let (mut en, mut zh) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    let slot = match key.as_str() {
                        "en" => &mut en,
                        "zh" => &mut zh,
                        other => return Err(A::Error::unknown_field(other, &["en", "zh"])),
                    };
                    let words: Vec<Scalar> = map.next_value()?;
                    *slot = Some(words.into_iter().map(|Scalar(word)| word).collect());
                }
                Ok(Pool { en: en.ok_or_else(|| A::Error::missing_field("en"))?, zh })
            }
        }

        deserializer.deserialize_any(PoolVisitor)
    }
}

/// `count: 40` or `count: {min, max, per, as}`.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Count>, D::Error> {
    struct CountVisitor;

    impl<'de> Visitor<'de> for CountVisitor {
        type Value = Count;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number or a map with `min` and `max`")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
            let exact = u32::try_from(number).map_err(|_| E::custom("a count is at most 4294967295"))?;
            Ok(Count { min: exact, max: exact, per: None, field: None })
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
            let number = u64::try_from(number).map_err(|_| E::custom("a count is not negative"))?;
            self.visit_u64(number)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Count, A::Error> {
            Count::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(CountVisitor).map(Some)
}

impl<'de> Deserialize<'de> for RowValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowVisitor;

        impl<'de> Visitor<'de> for RowVisitor {
            type Value = RowValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, a text in two languages, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RowValue, E> {
                Ok(RowValue::One(Text::plain(text)))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<RowValue, E> {
                Ok(RowValue::One(Text::plain(number.to_string())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<RowValue, E> {
                Ok(RowValue::One(Text::plain(number.to_string())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<RowValue, E> {
                Ok(RowValue::One(Text::plain(number.to_string())))
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<RowValue, E> {
                Ok(RowValue::One(Text::plain(truth.to_string())))
            }

            fn visit_unit<E: Error>(self) -> Result<RowValue, E> {
                Ok(RowValue::Null)
            }

            fn visit_none<E: Error>(self) -> Result<RowValue, E> {
                Ok(RowValue::Null)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RowValue, A::Error> {
                Text::deserialize(MapAccessDeserializer::new(map)).map(RowValue::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RowValue, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(RowValue::Many(items))
            }
        }

        deserializer.deserialize_any(RowVisitor)
    }
}

impl<'de> Deserialize<'de> for EnumValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;

        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = EnumValues;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values, or a map from value to weight or to {weight, en, zh}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<EnumValues, A::Error> {
                let mut values = IndexMap::new();
                while let Some(Scalar(name)) = list.next_element()? {
                    if values.insert(name.clone(), EnumValue { weight: 1.0, label: None }).is_some() {
                        return Err(A::Error::custom(format_args!("enum value `{name}` stands twice")));
                    }
                }
                Ok(EnumValues(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EnumValues, A::Error> {
                let mut values = IndexMap::new();
                while let Some(Scalar(name)) = map.next_key()? {
                    if values.insert(name.clone(), map.next_value()?).is_some() {
                        return Err(A::Error::custom(format_args!("enum value `{name}` stands twice")));
                    }
                }
                Ok(EnumValues(values))
            }
        }

        deserializer.deserialize_any(ValuesVisitor)
    }
}

impl<'de> Deserialize<'de> for EnumValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            #[serde(default = "unit_weight")]
            weight: f64,
            en: Option<String>,
            zh: Option<String>,
        }

        fn unit_weight() -> f64 {
            1.0
        }

        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = EnumValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a weight or a map with `weight`, `en` and `zh`")
            }

            fn visit_u64<E: Error>(self, weight: u64) -> Result<EnumValue, E> {
                Ok(EnumValue { weight: weight as f64, label: None })
            }

            fn visit_i64<E: Error>(self, weight: i64) -> Result<EnumValue, E> {
                Ok(EnumValue { weight: weight as f64, label: None })
            }

            fn visit_f64<E: Error>(self, weight: f64) -> Result<EnumValue, E> {
                Ok(EnumValue { weight, label: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EnumValue, A::Error> {
                let long = Long::deserialize(MapAccessDeserializer::new(map))?;
                let label = match (long.en, long.zh) {
                    (Some(en), zh) => Some(Text { en, zh }),
                    (None, Some(zh)) => Some(Text { en: String::new(), zh: Some(zh) }),
                    (None, None) => None,
                };
                Ok(EnumValue { weight: long.weight, label })
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

impl<'de> Deserialize<'de> for GenSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GenVisitor;

        impl<'de> Visitor<'de> for GenVisitor {
            type Value = GenSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a generator or a map of its keys")
            }

            fn visit_str<E: Error>(self, kind: &str) -> Result<GenSpec, E> {
                Ok(GenSpec(GenKeys { kind: Some(unplaced(kind)), ..GenKeys::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GenSpec, A::Error> {
                GenKeys::deserialize(MapAccessDeserializer::new(map)).map(GenSpec)
            }
        }

        deserializer.deserialize_any(GenVisitor)
    }
}

impl<'de> Deserialize<'de> for ReturnSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReturnVisitor;

        impl<'de> Visitor<'de> for ReturnVisitor {
            type Value = ReturnSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path or one `name: expression`")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<ReturnSpec, E> {
                Ok(ReturnSpec { name: None, value: path.to_owned() })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReturnSpec, A::Error> {
                let Some((name, value)) = map.next_entry::<String, String>()? else {
                    return Err(A::Error::custom(
                        "an empty map stands where a path or `name: expression` belongs",
                    ));
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(A::Error::custom("one `name: expression` in each list item"));
                }
                Ok(ReturnSpec { name: Some(name), value })
            }
        }

        deserializer.deserialize_any(ReturnVisitor)
    }
}

/// A value whose place is not known.
fn unplaced(text: &str) -> Spanned<String> {
    Spanned {
        value: text.to_owned(),
        referenced: serde_saphyr::Location::UNKNOWN,
        defined: serde_saphyr::Location::UNKNOWN,
    }
}
