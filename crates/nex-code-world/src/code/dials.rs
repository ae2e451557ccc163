//! [`CodeDials`]: what the usual dials mean for repositories.

use nex_world::task::Dials;
use serde::{Deserialize, Serialize};

/// How hard a code task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDials {
    /// Modules beside the one with the bugs.
    pub other_modules: usize,
    /// Bugs, 1 or 2, in one module.
    pub bugs: usize,
    /// `Some(true)`: a public test fails and is named; `Some(false)`: where there is such a bug, no
    /// public test fails.
    pub failing_test: Option<bool>,
    /// Failing inputs that the report shows for each bug.
    pub examples: usize,
}

impl CodeDials {
    /// Distractors become other modules, breadth from 3 on a second bug, fuzziness a report that
    /// says less.
    pub fn of(dials: &Dials) -> Self {
        Self {
            other_modules: usize::from(dials.distractor_tools / 3).min(6),
            bugs: if dials.breadth >= 3 { 2 } else { 1 },
            failing_test: match dials.fuzziness {
                f if f < 0.2 => Some(true),
                f if f < 0.5 => None,
                _ => Some(false),
            },
            examples: if dials.fuzziness < 0.2 { 2 } else { 1 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nex_world::task::Difficulty;

    #[test]
    fn presets_become_harder() {
        let of = |difficulty| CodeDials::of(&Dials::preset(difficulty));
        let (easy, medium, hard) = (of(Difficulty::Easy), of(Difficulty::Medium), of(Difficulty::Hard));
        assert_eq!((easy.other_modules, easy.bugs, easy.failing_test, easy.examples), (0, 1, Some(true), 2));
        assert_eq!((medium.other_modules, medium.bugs, medium.failing_test), (2, 1, None));
        assert_eq!((hard.other_modules, hard.bugs, hard.failing_test, hard.examples), (5, 2, Some(false), 1));
    }
}
