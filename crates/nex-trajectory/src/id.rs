//! Identifiers as types, so that swapping two of them does not compile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id made of `text`.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text_id!(
    /// One trajectory; unique within its episode, derived from the parent's id and call.
    TrajectoryId
);
text_id!(
    /// One episode of a run: a function of task, attempt, seed and model.
    EpisodeId
);
text_id!(
    /// One task: a function of world, generator version, seed and dials.
    TaskId
);
text_id!(
    /// A tool call's id, as the model gave it, or as the runtime made it where the model gave none.
    CallId
);

/// Index of a [`crate::Node`] within its trajectory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The index into `Trajectory::nodes`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
