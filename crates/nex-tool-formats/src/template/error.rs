//! What can go wrong with a template.

use super::environment::{NO_DATE, RAISED};
use crate::Unrepresentable;
use nex_trajectory::Role;
use thiserror::Error;

/// A conversation that a template did not render.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// The template cannot be read.
    #[error("template `{template}`, line {line}: {message}")]
    Syntax {
        /// Its name.
        template: String,
        /// Where; 0 if not known.
        line: usize,
        /// What was found there.
        message: String,
    },
    /// The template itself refuses the conversation.
    #[error("template `{template}` refuses the conversation: {message}")]
    Raised {
        /// Its name.
        template: String,
        /// Its own words.
        message: String,
    },
    /// The template does something that fails.
    #[error("template `{template}`, line {line}: {message}")]
    Failed {
        /// Its name.
        template: String,
        /// Where; 0 if not known.
        line: usize,
        /// What failed.
        message: String,
    },
    /// The template prints the date.
    #[error("template `{template}` prints the date; give one in `TemplateOptions::date`")]
    NeedsDate {
        /// Its name.
        template: String,
    },
    /// The sample has something that chat messages have no place for.
    #[error(transparent)]
    Unrepresentable(#[from] Unrepresentable),
    /// Later messages change what was rendered before.
    #[error(transparent)]
    NotAppendOnly(#[from] NotAppendOnly),
    /// The template has no place for something that the model wrote.
    #[error(
        "template `{template}` leaves out {what} of message {message}; use another template, or allow it with \
         `TemplateOptions::may_leave_out`"
    )]
    LeftOut {
        /// Its name.
        template: String,
        /// Index of the message in the sample.
        message: usize,
        /// What is not in the text.
        what: String,
    },
    /// The template's `{% generation %}` blocks are not one a turn, and some turns are not the
    /// model's.
    #[error(
        "template `{template}` marks {marks} stretches as the model's, the conversation has {turns} turns; \
         some are not to be trained on, and which marks are theirs cannot be told"
    )]
    UnpairedMarks {
        /// Its name.
        template: String,
        /// Blocks that were rendered.
        marks: usize,
        /// Assistant messages.
        turns: usize,
    },
    /// The conversation holds all noncharacters that could mark the model's text.
    #[error("the conversation holds all of U+FDD0..U+FDEF; none is left to mark the model's text with")]
    NoFreeMarks,
}

/// A template that changes what it rendered before.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "template `{template}` is not append-only here: with message {message} ({}), byte {offset_bytes} \
     on is no longer {before:?} but {after:?}; {}",
    role.as_str(),
    advice(*role)
)]
pub struct NotAppendOnly {
    /// The template's name.
    pub template: String,
    /// Index in the sample of the first message whose rendering changed earlier text.
    pub message: usize,
    /// Who speaks there.
    pub role: Role,
    /// Where the texts part.
    pub offset_bytes: usize,
    /// What stood there before that message.
    pub before: String,
    /// What stands there with it.
    pub after: String,
}

fn advice(role: Role) -> &'static str {
    match role {
        Role::Assistant => {
            "the model is prompted otherwise than the template writes this reply: give the reply its reasoning, \
             set the template's variables (`enable_thinking` …), or use another template"
        }
        _ => "train on the last turn only (`MaskedTurns::Last`), or use a template that keeps earlier turns",
    }
}

impl TemplateError {
    pub(super) fn syntax(template: &str, error: &minijinja::Error) -> Self {
        Self::Syntax { template: template.to_owned(), line: error.line().unwrap_or(0), message: told(error) }
    }

    pub(super) fn failed(template: &str, error: &minijinja::Error) -> Self {
        let template = template.to_owned();
        // What a macro or an include raised is told by the error below.
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(detail) = error.downcast_ref::<minijinja::Error>().and_then(minijinja::Error::detail)
            {
                if let Some(message) = detail.strip_prefix(RAISED) {
                    return Self::Raised { template, message: message.to_owned() };
                }
                if detail == NO_DATE {
                    return Self::NeedsDate { template };
                }
            }
            cause = error.source();
        }
        Self::Failed { template, line: error.line().unwrap_or(0), message: told(error) }
    }
}

fn told(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}
