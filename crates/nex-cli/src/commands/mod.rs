//! One file a command.

pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod forge;
mod forge_builders;
pub(crate) mod formats;
pub(crate) mod imitate;
pub(crate) mod inspect;
pub(crate) mod mcp;
pub(crate) mod mutate;
pub(crate) mod progress;
pub(crate) mod run;
pub(crate) mod synth;
pub(crate) mod tools;
pub(crate) mod train;
pub(crate) mod view;
pub(crate) mod world;
