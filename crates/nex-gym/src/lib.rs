//! Task sets, harnesses, the expert driver and rollouts at scale.
