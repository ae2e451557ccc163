//! The successful calls of a session, for `called` and `calls` in expressions.

use crate::value::Value;
use std::sync::Arc;

/// Arguments of successful calls, by operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallHistory {
    by_op: Vec<Vec<Arc<[Value]>>>,
}

impl CallHistory {
    /// Notes a successful call.
    pub(crate) fn push(&mut self, op: u16, args: Arc<[Value]>) {
        let op = usize::from(op);
        if self.by_op.len() <= op {
            self.by_op.resize(op + 1, Vec::new());
        }
        self.by_op[op].push(args);
    }

    /// How many calls of `op` had these arguments (position, value); with `first_only`, 1 at most.
    /// Null matches only null.
    pub(crate) fn count(&self, op: u16, wanted: &[(u16, Value)], first_only: bool) -> usize {
        let calls = self.by_op.get(usize::from(op)).map_or(&[][..], Vec::as_slice);
        let mut matching = calls.iter().rev().filter(|args| {
            wanted.iter().all(|(at, value)| args.get(usize::from(*at)).is_some_and(|arg| arg == value))
        });
        if first_only { usize::from(matching.next().is_some()) } else { matching.count() }
    }
}
