//! Texts in two languages, and scalars kept as they were written.

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A language that people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// `en` or `zh`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::En),
            "zh" => Ok(Self::Zh),
            other => Err(UnknownLanguage(other.to_owned())),
        }
    }
}

/// Neither `en` nor `zh`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown language `{0}`; known: en, zh")]
pub struct UnknownLanguage(pub String);

/// A text in English and, where there is one, in Chinese. Written as a string or `{en, zh}`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Text {
    /// English, or the only text.
    pub en: String,
    /// Chinese; `en` stands in where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
}

impl Text {
    /// A text that serves both languages.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { en: text.into(), zh: None }
    }

    /// The text in `language`.
    pub fn get(&self, language: Language) -> &str {
        match (language, &self.zh) {
            (Language::Zh, Some(zh)) => zh,
            _ => &self.en,
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a map with `en` and `zh`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text::plain(text))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text::plain(number.to_string()))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text::plain(number.to_string()))
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Text, E> {
                Ok(Text::plain(number.to_string()))
            }

            fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Text, E> {
                Ok(Text::plain(truth.to_string()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                let (mut en, mut zh) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    let slot = match key.as_str() {
                        "en" => &mut en,
                        "zh" => &mut zh,
                        other => return Err(A::Error::unknown_field(other, &["en", "zh"])),
                    };
                    *slot = Some(map.next_value::<String>()?);
                }
                Ok(Text { en: en.ok_or_else(|| A::Error::missing_field("en"))?, zh })
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

/// A number, word or date as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        match text.zh {
            None => Ok(Self(text.en)),
            Some(_) => Err(D::Error::custom("a number, word or date stands here, not a map")),
        }
    }
}
