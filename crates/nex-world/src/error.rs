//! What can be wrong with a world file or with making a state from it.

use std::fmt;

/// A world could not be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file cannot be read.
    #[error(
        "cannot read world `{path}`: {cause}; give the path of a world YAML file or the name of a built-in world"
    )]
    Unreadable {
        /// The path.
        path: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The file is larger than any world.
    #[error("world `{path}` has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It is not YAML, or not a world's shape.
    #[error("{file}:{line}: {message}")]
    Yaml {
        /// The file.
        file: String,
        /// From 1; 0 where it is not known.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// Names, types, expressions: everything that is wrong, in the order of the file.
    #[error("{} in {file}:\n{}", count(.problems.len()), join(.file, .problems))]
    Invalid {
        /// The file.
        file: String,
        /// At least one.
        problems: Vec<Problem>,
    },
    /// A state cannot be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

/// One thing wrong with a world file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1; 0 where it is not known.
    pub line: u64,
    /// Where in the world: `operations.cancel_order.set.status`.
    pub place: String,
    /// What is wrong, and where known the way out.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

fn join(file: &str, problems: &[Problem]) -> String {
    let lines: Vec<String> =
        problems.iter().map(|problem| format!("{file}:{}: {problem}", problem.line)).collect();
    lines.join("\n")
}

/// A state cannot be made from a seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// A unique field ran out of values.
    #[error(
        "entity `{entity}`: no unused value for unique field `{field}` after {made} records; widen its generator or lower the count"
    )]
    UniqueExhausted {
        /// The entity.
        entity: String,
        /// The field.
        field: String,
        /// Records made so far.
        made: usize,
    },
    /// A generator's expression overflowed or cost too much.
    #[error("entity `{entity}`, field `{field}`: its generator {cause}")]
    Expression {
        /// The entity.
        entity: String,
        /// The field.
        field: String,
        /// What happened.
        cause: &'static str,
    },
    /// A field that may not be null got no value.
    #[error("entity `{entity}`, field `{field}` is not optional, but its generator gave nothing")]
    NoValue {
        /// The entity.
        entity: String,
        /// The field.
        field: String,
    },
}
