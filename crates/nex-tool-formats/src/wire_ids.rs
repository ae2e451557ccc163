//! Call ids of formats whose ids have a shape of their own: what a conversation's ids become there.

use crate::{Sample, Unrepresentable};
use nex_trajectory::{CallId, Node, ToolResult};
use std::collections::{HashMap, HashSet};

/// The ids of a conversation on the wire.
#[derive(Debug)]
pub(crate) struct WireIds<'a> {
    calls: HashMap<&'a CallId, Wire<'a>>,
}

/// A call on the wire.
#[derive(Debug)]
pub(crate) struct Wire<'a> {
    pub(crate) id: String,
    pub(crate) name: &'a str,
}

impl<'a> WireIds<'a> {
    /// Gives every call of `sample` an id: its own where `is_kept`, else what `make` makes of the
    /// number of calls before it and its name, again with higher numbers while that is taken.
    ///
    /// # Errors
    /// Two calls share an id, so that their results cannot be told apart.
    pub(crate) fn of(
        sample: &Sample<'a>,
        is_kept: impl Fn(&str) -> bool,
        make: impl Fn(usize, &str) -> String,
    ) -> Result<Self, Unrepresentable> {
        let calls = || sample.nodes.iter().flat_map(|node| node.message.calls());
        let kept: HashSet<&str> = calls().map(|call| call.id.0.as_str()).filter(|id| is_kept(id)).collect();
        let mut ids = HashMap::new();
        let mut number = 0;
        for (index, node) in sample.nodes.iter().copied().enumerate() {
            for call in node.message.calls() {
                let id = if is_kept(&call.id.0) {
                    call.id.0.clone()
                } else {
                    loop {
                        let made = make(number, &call.name);
                        number += 1;
                        if !kept.contains(made.as_str()) {
                            break made;
                        }
                    }
                };
                if ids.insert(&call.id, Wire { id, name: &call.name }).is_some() {
                    let reason = format!("two calls have the id `{}`", call.id);
                    return Err(Unrepresentable::new(index, node, reason));
                }
            }
        }
        Ok(Self { calls: ids })
    }

    /// The id of a call.
    pub(crate) fn call(&self, id: &CallId) -> &str {
        &self.calls[id].id
    }

    /// The call that `result` answers.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn answered(
        &self,
        index: usize,
        node: &Node,
        result: &ToolResult,
    ) -> Result<&Wire<'a>, Unrepresentable> {
        self.calls.get(&result.call_id).ok_or_else(|| {
            Unrepresentable::new(
                index,
                node,
                format!("no call has the id `{}` of the result", result.call_id),
            )
        })
    }
}
