//! Watching a run while it goes on.

use nex_trajectory::{Message, StopReason, ToolCall, ToolResult, TrajectoryId, Turn};

/// Told what happens in a run, sub-agents included. It cannot change the run.
///
/// Called from the loop itself: an observer must return at once. Calls that run in parallel give
/// their results in the order in which they end, the record has them in call order.
pub trait Observer: Send + Sync {
    /// A run of `agent` starts, `depth` levels below the outermost.
    fn on_start(&self, _run: &TrajectoryId, _agent: &str, _depth: u32) {}
    /// The model answered.
    fn on_turn(&self, _run: &TrajectoryId, _message: &Message, _turn: &Turn) {}
    /// A call starts.
    fn on_call(&self, _run: &TrajectoryId, _call: &ToolCall) {}
    /// A call ended.
    fn on_result(&self, _run: &TrajectoryId, _result: &ToolResult) {}
    /// The run ended.
    fn on_stop(&self, _run: &TrajectoryId, _stop: &StopReason, _answer: Option<&str>) {}
}
