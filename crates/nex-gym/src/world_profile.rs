//! [`WorldProfile`]: what frameworks and harnesses need to know about a world.

use indexmap::IndexMap;
use nex_world::task::Briefing;
use nex_world::{Language, World};

/// What frameworks and harnesses need to know about a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorldProfile {
    /// The world's name, as in tasks.
    pub name: String,
    /// What people call it, by language.
    pub title: IndexMap<String, String>,
    /// Role, facts and rules, by language (`en`, `zh`).
    pub briefing: IndexMap<String, Briefing>,
    /// Its operations, in the world's order.
    pub operations: Vec<OperationProfile>,
    /// The world's clock at the start, in milliseconds since 1970.
    pub start_unix_ms: u64,
}

/// One operation, which is a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationProfile {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Whether it may change the world's state.
    pub is_write: bool,
}

impl WorldProfile {
    /// The profile of `world`.
    pub fn of(world: &World) -> Self {
        let languages = [Language::En, Language::Zh];
        let briefing = |language: Language| Briefing {
            role: world.role().get(language).to_owned(),
            facts: Vec::new(),
            policies: world.policies().iter().map(|policy| policy.text.get(language).to_owned()).collect(),
        };
        let operations = world.operations().iter().map(|operation| OperationProfile {
            name: operation.name.clone(),
            description: operation.description.clone(),
            is_write: operation.kind.is_write(),
        });
        Self {
            name: world.name().to_owned(),
            title: languages
                .map(|language| (language.as_str().to_owned(), world.title().get(language).to_owned()))
                .into(),
            briefing: languages.map(|language| (language.as_str().to_owned(), briefing(language))).into(),
            operations: operations.collect(),
            start_unix_ms: u64::try_from(world.start_time()).unwrap_or(0) * 1000,
        }
    }

    /// The title in `language`, or in whichever there is.
    pub fn title(&self, language: &str) -> &str {
        let title = self.title.get(language).or_else(|| self.title.values().next());
        title.map_or(self.name.as_str(), String::as_str)
    }

    /// Role, facts and rules in `language`, or in whichever there is.
    pub fn briefing(&self, language: &str) -> Briefing {
        let briefing = self.briefing.get(language).or_else(|| self.briefing.values().next());
        briefing.cloned().unwrap_or_default()
    }

    /// Whether `operation` may change state; none if it is unknown.
    pub fn is_write(&self, operation: &str) -> Option<bool> {
        self.operations.iter().find(|known| known.name == operation).map(|known| known.is_write)
    }
}
