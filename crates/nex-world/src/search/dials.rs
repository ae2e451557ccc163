//! The dials of a search world: how large and how treacherous its library is, how long its questions are.

use crate::task::Dials;
use serde::{Deserialize, Serialize};

/// What library is wanted, and what question about it. Each dial makes tasks harder as it goes up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchDials {
    /// Pages that must be read one after the other, 1 to 6.
    pub hops: u8,
    /// Notes that mention things of the library and answer nothing, 0 to 400.
    pub distractors: u16,
    /// Share of the pages that also lie in the archive as they were years ago: 0 to 1.
    pub stale_share: f64,
    /// Share of things that have a namesake, and so a page that looks like theirs: 0 to 1.
    pub twins: f64,
    /// Share of mentions that are links; the others have to be searched for: 0 to 1.
    pub link_density: f64,
    /// Chance that the thing a question starts from is described and not named: 0 to 1.
    pub fuzziness: f64,
    /// Chance that a question compares or joins what two chains lead to, or counts: 0 to 1.
    pub compound: f64,
    /// Chance that a call fails for the moment: 0 to 0.3.
    pub faults: f64,
}

impl Default for SearchDials {
    fn default() -> Self {
        Self::from(&Dials::default())
    }
}

impl From<&Dials> for SearchDials {
    /// A hop is a search and a fetch, so the question has half as many hops as the plan has calls.
    fn from(dials: &Dials) -> Self {
        let level = f64::from(dials.hops.min(12)) / 12.0;
        Self {
            hops: dials.hops.div_ceil(2).clamp(1, 6),
            distractors: 30 + 8 * u16::from(dials.distractor_tools.min(40)),
            stale_share: (0.2 + 0.6 * dials.ambiguity).min(1.0),
            twins: (0.2 + 0.5 * dials.ambiguity).min(1.0),
            link_density: (1.0 - 0.6 * level).clamp(0.0, 1.0),
            fuzziness: dials.fuzziness,
            compound: if dials.breadth > 1 { 0.5 } else { 0.2 },
            faults: (0.15 * dials.faults).min(0.3),
        }
    }
}

impl SearchDials {
    /// The first dial that is out of its range, in words.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        let shares = [self.stale_share, self.twins, self.link_density, self.fuzziness, self.compound];
        if !(1..=6).contains(&self.hops) {
            return Some("hops must be within 1 and 6");
        }
        if self.distractors > 400 {
            return Some("distractors must be at most 400");
        }
        if !shares.into_iter().all(is_share) {
            return Some("stale_share, twins, link_density, fuzziness and compound must be within 0 and 1");
        }
        (!(0.0..=0.3).contains(&self.faults)).then_some("faults must be within 0 and 0.3")
    }
}
