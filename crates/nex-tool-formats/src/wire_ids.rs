//! Call ids of formats whose ids have a shape of their own: what a conversation's ids become there.

use crate::{Sample, Unrepresentable};
use nex_trajectory::{CallId, Node, ToolResult};
use std::collections::{HashMap, HashSet};

/// The ids of a conversation on the wire. Calls that share an id, in one turn or in several, get
/// different ones; results answer those of the last turn that has it, in order.
#[derive(Debug)]
pub(crate) struct WireIds<'a> {
    calls: HashMap<&'a CallId, Sharing<'a>>,
}

/// A call on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Wire<'a> {
    pub(crate) id: String,
    pub(crate) name: &'a str,
}

/// The calls that share an id; mostly one.
#[derive(Debug, Default)]
struct Sharing<'a> {
    wires: Vec<Wire<'a>>,
    written: usize,
    answered: usize,
    /// The message whose call was written last.
    turn: usize,
}

impl<'a> WireIds<'a> {
    /// Gives every call of `sample` an id: its own where `is_kept`, else what `make` makes of the
    /// number of calls before it and its name, again with higher numbers while that is taken.
    pub(crate) fn of(
        sample: &Sample<'a>,
        is_kept: impl Fn(&str) -> bool,
        make: impl Fn(usize, &str) -> String,
    ) -> Self {
        let calls = || sample.nodes.iter().flat_map(|node| node.message.calls());
        let kept: HashSet<&str> = calls().map(|call| call.id.0.as_str()).filter(|id| is_kept(id)).collect();
        let mut ids: HashMap<&CallId, Sharing<'_>> = HashMap::new();
        let mut number = 0;
        for call in calls() {
            let sharing = ids.entry(&call.id).or_default();
            let id = if sharing.wires.is_empty() && is_kept(&call.id.0) {
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
            sharing.wires.push(Wire { id, name: &call.name });
        }
        Self { calls: ids }
    }

    /// The id of the next call with the id `id`, which the message at `index` makes. Calls are asked
    /// for in their order.
    pub(crate) fn call(&mut self, index: usize, id: &CallId) -> String {
        let sharing = self.calls.get_mut(id).expect("it is a call of the conversation");
        if sharing.turn != index {
            (sharing.turn, sharing.answered) = (index, sharing.written);
        }
        sharing.written += 1;
        sharing.wires[sharing.written - 1].id.clone()
    }

    /// The call that `result` answers, among those written.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn answered(
        &mut self,
        index: usize,
        node: &Node,
        result: &ToolResult,
    ) -> Result<Wire<'a>, Unrepresentable> {
        let sharing = self.calls.get_mut(&result.call_id).filter(|sharing| sharing.written > 0);
        let sharing = sharing.ok_or_else(|| {
            let reason = format!("no call before it has the id `{}` of the result", result.call_id);
            Unrepresentable::new(index, node, reason)
        })?;
        let at = sharing.answered.min(sharing.written - 1);
        sharing.answered += 1;
        Ok(sharing.wires[at].clone())
    }
}
