//! The domains of dialogue: their worlds, whose tools are whose, their families of tasks.

use super::script::Script;
use super::{cards, telecom, travel};
use crate::error::WorldError;
use crate::world::World;
use std::sync::{Arc, OnceLock};

/// A domain.
pub(crate) struct Domain {
    /// The world's name.
    pub(crate) name: &'static str,
    yaml: &'static str,
    /// Operations of the user's own; all others are the agent's.
    pub(crate) of_user: &'static [&'static str],
    /// What the number is called by which callers are found.
    pub(crate) number_en: &'static str,
    pub(crate) number_zh: &'static str,
    pub(crate) number_words: &'static [&'static str],
    pub(crate) families: &'static [Family],
}

/// A family of tasks.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// Whether the agent needs the user's hands.
    pub(crate) is_dual: bool,
    /// Writes a story for the caller; none where the caller's records do not give one.
    pub(crate) write: fn(&mut Script<'_>) -> Option<()>,
}

pub(crate) static DOMAINS: [Domain; 3] = [
    Domain {
        name: "dialogue_telecom",
        yaml: include_str!("../../worlds/dialogue/telecom.yaml"),
        of_user: &[
            "look_at_phone",
            "try_internet",
            "airplane_mode_off",
            "data_roaming_on",
            "reset_access_point",
            "pay_bill",
        ],
        number_en: "customer number",
        number_zh: "客户号",
        number_words: &["customer number", "account number", "customer id", "客户号", "客户编号", "账号"],
        families: &telecom::FAMILIES,
    },
    Domain {
        name: "dialogue_travel",
        yaml: include_str!("../../worlds/dialogue/travel.yaml"),
        of_user: &["look_at_app", "upload_passport", "check_in"],
        number_en: "member number",
        number_zh: "会员号",
        number_words: &["member number", "membership number", "member id", "会员号", "会员编号"],
        families: &travel::FAMILIES,
    },
    Domain {
        name: "dialogue_cards",
        yaml: include_str!("../../worlds/dialogue/cards.yaml"),
        of_user: &["look_at_app", "approve_request"],
        number_en: "client number",
        number_zh: "客户号",
        number_words: &["client number", "customer number", "client id", "客户号", "客户编号"],
        families: &cards::FAMILIES,
    },
];

impl Domain {
    /// The domain called `name`.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        DOMAINS.iter().find(|domain| domain.name == name)
    }

    /// The world, compiled once a process.
    pub(crate) fn world(&self) -> Result<Arc<World>, WorldError> {
        static LOADED: [OnceLock<Arc<World>>; DOMAINS.len()] = [const { OnceLock::new() }; DOMAINS.len()];
        let place = DOMAINS.iter().position(|domain| domain.name == self.name).unwrap_or_default();
        if let Some(world) = LOADED[place].get() {
            return Ok(Arc::clone(world));
        }
        let world = World::from_yaml(self.yaml, &format!("builtin:{}", self.name))?;
        Ok(Arc::clone(LOADED[place].get_or_init(|| world)))
    }
}
