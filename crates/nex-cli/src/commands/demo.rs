//! `nex demo`: the whole way on the built-in worlds, without a key or a network.

use super::synth;
use crate::args::DemoArgs;
use crate::failure::Outcome;
use nex_pipeline::recipe::{ExpertRecipe, Recipe, Transport};

/// How the demo's expert errs, so that the report has failures to show.
const DEMO_EXPERT: ExpertRecipe = ExpertRecipe {
    error_propagation: 0.12,
    shallow_exploration: 0.12,
    feedback_neglect: 0.12,
    recovery: 0.5,
};

/// Makes the demo's run.
pub(crate) fn run(args: DemoArgs) -> Outcome {
    let is_expert = args.model == "expert";
    let recipe = Recipe {
        name: "demo".to_owned(),
        seed: args.seed,
        episodes: args.episodes,
        driver: args.model,
        expert: if is_expert { DEMO_EXPERT } else { ExpertRecipe::default() },
        concurrency: usize::from(args.concurrency),
        transport: if args.in_process { Transport::InProcess } else { Transport::Mcp },
        ..Recipe::default()
    };
    synth::make(recipe, &args.out, None).map(drop)
}
