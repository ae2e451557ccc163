//! Tests of tasks.

mod answers;
mod plans;
mod prose;
mod worlds;
