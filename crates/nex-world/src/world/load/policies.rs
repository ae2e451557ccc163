//! Policies, one rule for each operation that they are about.

use super::{Loader, line_of};
use crate::suggest::did_you_mean;
use crate::value::Type;
use crate::world::{Message, MessagePiece, Operation, Policy, Rule};
use std::collections::HashSet;

impl Loader<'_> {
    pub(super) fn compile_policies(&mut self, operations: &mut [Operation]) -> Vec<Policy> {
        let spec = self.spec;
        let mut policies = Vec::with_capacity(spec.policies.len());
        let mut seen = HashSet::new();
        for (at, policy) in spec.policies.iter().enumerate() {
            let (line, policy) = (line_of(policy), &policy.value);
            let id = &policy.id.value;
            let place = format!("policies.{id}");
            self.check_name(id, line, &place);
            if !seen.insert(id.as_str()) {
                self.problem(line, &place, "there is another policy of this name");
            }
            if policy.operations.is_empty() {
                self.problem(line, &place, "a policy names the operations that it is about");
            }
            let mut rules = Vec::new();
            for name in &policy.operations {
                let Some(operation) = operations.iter_mut().find(|operation| operation.name == name.value)
                else {
                    let hint = did_you_mean(&name.value, spec.operations.keys().map(String::as_str));
                    self.problem(
                        line_of(name),
                        format!("{place}.operations"),
                        format!("unknown operation `{}`{hint}", name.value),
                    );
                    continue;
                };
                let scope = self.operation_scope(operation.index);
                let place = format!("{place} ({})", operation.name);
                let allow_if = self.expression(
                    &scope,
                    &policy.allow_if,
                    &format!("{place}.allow_if"),
                    Some(&Type::Bool),
                );
                let message = match &policy.message {
                    Some(message) => {
                        self.message(&message.value, &scope, line_of(message), &format!("{place}.message"))
                    }
                    None => Message { pieces: vec![MessagePiece::Text(policy.text.en.clone())] },
                };
                let remedy = policy
                    .remedy
                    .as_ref()
                    .and_then(|remedy| self.remedy(remedy, &scope, operation.index, line, &place));
                if let Some(allow_if) = allow_if {
                    operation.policies.push(at as u16);
                    rules.push(Rule { operation: operation.index, remedy, allow_if, message });
                }
            }
            policies.push(Policy {
                id: id.clone(),
                text: policy.text.clone(),
                enforce: policy.enforce,
                rules,
            });
        }
        policies
    }
}
