//! What templates and conditions read: whether it is known where they stand.

use super::{Check, Place};
use crate::nearest::{did_you_mean, list_nearest};
use crate::prompt::describe;
use crate::workflow::memory::{Memory, NAMES, workflow_engine};
use crate::workflow::spec::Assignment;
use minijinja::ErrorKind;
use std::collections::{BTreeSet, HashSet};

impl Check<'_> {
    /// The instruction of an agent: a template that reads what is known at `place`.
    pub(super) fn template(&mut self, what: &str, assignment: &Assignment, default: &str, place: Place<'_>) {
        let source = assignment.instruction.as_deref().unwrap_or(default);
        // An engine of its own, which may borrow the template.
        let engine = workflow_engine();
        let template = match engine.template_from_named_str("template", source) {
            Ok(template) => template,
            Err(error) => {
                self.fault(place.stage, format!("{what} is no template: {}", describe(&error)));
                return;
            }
        };
        self.names_read(
            what,
            &template.undeclared_variables(false),
            &template.undeclared_variables(true),
            place,
        );
        let probe = template.render(Memory::new("", &serde_json::Map::new()).value());
        self.unknown_function(what, probe.err(), place);
    }

    /// An expression that reads what is known at `place`, and something of it.
    pub(super) fn condition(&mut self, what: &str, source: &str, place: Place<'_>) {
        let engine = workflow_engine();
        let expression = match engine.compile_expression(source) {
            Ok(expression) => expression,
            Err(error) => {
                let message = format!("`{what}` is no expression: {}; it reads `{source}`", describe(&error));
                self.fault(place.stage, message);
                return;
            }
        };
        let roots = expression.undeclared_variables(false);
        let what = &format!("`{what}`");
        if roots.iter().all(|root| self.is_global(root)) {
            let message =
                format!("{what} reads nothing of the run, so it always comes to the same: `{source}`");
            self.fault(place.stage, message);
        }
        self.names_read(what, &roots, &expression.undeclared_variables(true), place);
        let probe = expression.eval(Memory::new("", &serde_json::Map::new()).value());
        self.unknown_function(what, probe.err(), place);
    }

    fn is_global(&self, name: &str) -> bool {
        self.engine.globals().any(|(known, _)| known == name)
    }

    /// Filters, tests and functions are looked up only when a template is rendered.
    fn unknown_function(&mut self, what: &str, error: Option<minijinja::Error>, place: Place<'_>) {
        let Some(error) = error else { return };
        let is_unknown = matches!(
            error.kind(),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
        );
        if is_unknown {
            self.fault(place.stage, format!("{what} cannot be worked out: {}", describe(&error)));
        }
    }

    fn names_read(
        &mut self,
        what: &str,
        roots: &HashSet<String>,
        nested: &HashSet<String>,
        place: Place<'_>,
    ) {
        let known: Vec<&str> = NAMES.iter().chain(place.locals).copied().collect();
        let roots: BTreeSet<&String> = roots.iter().collect();
        for root in roots {
            if known.contains(&root.as_str()) || self.is_global(root) {
                continue;
            }
            let hint = match did_you_mean(root, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.fault(place.stage, format!("{what} reads `{root}`, which is not known; {hint}"));
        }
        let nested: BTreeSet<&String> = nested.iter().collect();
        for path in nested {
            let mut parts = path.split('.');
            match (parts.next(), parts.next()) {
                (Some("answers"), Some(stage)) => self.answer_read(what, stage, place),
                (Some("state"), Some(key)) if !self.keys.contains(key) => {
                    let known = list_nearest(key, self.keys.iter().copied());
                    let message = format!(
                        "{what} reads `state.{key}`, which no stage writes; keys of the state: {known}"
                    );
                    self.fault(place.stage, message);
                }
                _ => {}
            }
        }
    }

    fn answer_read(&mut self, what: &str, stage: &str, place: Place<'_>) {
        if place.visible.contains(&stage) {
            return;
        }
        let message = if self.names.contains(stage) {
            format!("{what} reads `answers.{stage}`, but stage `{stage}` does not come before it on its way")
        } else {
            let known = list_nearest(stage, place.visible.iter().copied());
            format!("{what} reads `answers.{stage}`, but there is no such stage; stages before it: {known}")
        };
        self.fault(place.stage, message);
    }
}
