//! The worlds that come with the crate.

use crate::error::WorldError;
use crate::world::World;
use std::sync::{Arc, OnceLock};

/// Name and YAML of a built-in world.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinWorld {
    /// The world's name.
    pub name: &'static str,
    /// Its file.
    pub yaml: &'static str,
}

macro_rules! table {
    ($($name:literal),* $(,)?) => {
        &[$(BuiltinWorld { name: $name, yaml: include_str!(concat!("../worlds/", $name, ".yaml")) }),*]
    };
}

const WORLDS: &[BuiltinWorld] = table![
    "parcel_desk",
    "bank_branch",
    "clinic_front_desk",
    "cloud_operations",
    "harbour_hotel",
    "people_office",
];

/// All built-in worlds, in a fixed order.
pub fn builtin_worlds() -> &'static [BuiltinWorld] {
    WORLDS
}

impl BuiltinWorld {
    /// The world, compiled once per process.
    ///
    /// # Errors
    /// None in a tested build; a broken file would be a [`WorldError`].
    pub fn load(&self) -> Result<Arc<World>, WorldError> {
        static LOADED: [OnceLock<Arc<World>>; WORLDS.len()] = [const { OnceLock::new() }; WORLDS.len()];
        let place = WORLDS.iter().position(|world| world.name == self.name);
        if let Some(world) = place.and_then(|at| LOADED[at].get()) {
            return Ok(Arc::clone(world));
        }
        let world = World::from_yaml(self.yaml, &format!("builtin:{}", self.name))?;
        Ok(match place {
            Some(at) => Arc::clone(LOADED[at].get_or_init(|| world)),
            None => world,
        })
    }
}

/// The built-in world called `name`.
pub fn builtin_world(name: &str) -> Option<&'static BuiltinWorld> {
    WORLDS.iter().find(|world| world.name == name)
}
