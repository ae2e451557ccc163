//! [`Redactor`]: values that must not be written down.

use serde_json::Value;

/// Shorter values are left: they would be found where they are not meant.
const MIN_SECRET_CHARS: usize = 6;
/// What the name of a variable with a secret holds.
const SECRET_WORDS: [&str; 9] =
    ["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "AUTH", "COOKIE", "PRIVATE", "SIGNATURE"];
const PUT: &str = "***";

/// Replaces the values of secrets by `***`, in texts and wherever they occur in JSON, also within
/// text that is itself JSON. What is not known to be a secret is not replaced.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first: one may contain another.
    secrets: Vec<String>,
}

impl Redactor {
    /// Redacts these values; those of under six characters are left as they are.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> = Vec::new();
        for value in values {
            if value.chars().count() < MIN_SECRET_CHARS {
                continue;
            }
            let quoted = Value::from(value.as_str()).to_string();
            let escaped = &quoted[1..quoted.len() - 1];
            if escaped != value {
                secrets.push(escaped.to_owned());
            }
            secrets.push(value);
        }
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        secrets.dedup();
        Self { secrets }
    }

    /// Redacts the variables whose names sound like a secret (`…_KEY`, `…TOKEN…`, `PASSWORD` …) and
    /// those that `named` names.
    pub fn of_environment(variables: impl Iterator<Item = (String, String)>, named: &[String]) -> Self {
        let is_secret = |name: &str| {
            let upper = name.to_uppercase();
            named.iter().any(|known| known == name) || SECRET_WORDS.iter().any(|word| upper.contains(word))
        };
        Self::new(variables.filter(|(name, _)| is_secret(name)).map(|(_, value)| value))
    }

    /// `text` without secrets.
    pub fn redact_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret) {
                text = text.replace(secret, PUT);
            }
        }
        text
    }

    /// `value` without secrets in its texts and its keys.
    pub fn redact(&self, value: &Value) -> Value {
        if self.secrets.is_empty() {
            return value.clone();
        }
        match value {
            Value::String(text) => Value::String(self.redact_text(text)),
            Value::Array(items) => items.iter().map(|item| self.redact(item)).collect(),
            Value::Object(map) => {
                map.iter().map(|(key, item)| (self.redact_text(key), self.redact(item))).collect()
            }
            plain => plain.clone(),
        }
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.secrets.len())
    }
}
