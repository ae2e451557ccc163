//! How a command ends badly: what to tell, and which exit code.

use std::fmt;

/// Exit codes, as `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Done, but something does not hold.
    Found = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// An input file is missing or wrong.
    Input = 3,
    /// The surroundings failed.
    Surroundings = 4,
    /// Interrupted.
    Interrupted = 130,
}

/// A command that ended badly.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: Code,
    /// What to tell; empty where it was told already.
    pub(crate) message: String,
}

/// What commands give back.
pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    /// A failure with `code`, told as `message`.
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// An input file is missing or wrong.
    pub(crate) fn input(message: impl fmt::Display) -> Self {
        Self::new(Code::Input, message)
    }

    /// The surroundings failed.
    pub(crate) fn surroundings(message: impl fmt::Display) -> Self {
        Self::new(Code::Surroundings, message)
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Code::Usage, message)
    }
}
