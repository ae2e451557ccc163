//! `nex world mutate`: tasks from anybody's repository, by bugs that its tests notice.

use crate::args::MutateArgs;
use crate::failure::{Failure, Outcome};
use crate::terminal::{Tint, print, tell, tint};
use nex_code_world::code::{Tally, UserRepository};
use nex_code_world::workbench::CodeLanguage;
use nex_code_world::{CodeError, CodeWorld};
use nex_world::task::Dials;

/// Seeds that are tried for each task that is wanted.
const SEEDS_EACH: u64 = 5;

/// `nex world mutate`.
pub(crate) fn mutate(args: MutateArgs) -> Outcome {
    let language = super::world::language(&args.language)?;
    let repository = UserRepository::read(&args.path, &args.tests, &args.hide).map_err(Failure::input)?;
    let world = CodeWorld::new(CodeLanguage::Python);
    let (mut made, mut sum) = (0, Tally::default());
    for seed in args.seed..args.seed.saturating_add(args.count.saturating_mul(SEEDS_EACH)) {
        if made == args.count {
            break;
        }
        let (task, tally) = match repository.generate_task(&world, seed, &Dials::default(), language) {
            Ok(drawn) => drawn,
            Err(cause @ (CodeError::NoMutant { .. } | CodeError::Unproven { .. })) => {
                tell(cause.to_string());
                continue;
            }
            Err(cause @ (CodeError::Sandbox(_) | CodeError::Python { .. })) => {
                return Err(Failure::surroundings(cause));
            }
            Err(cause) => return Err(Failure::input(cause)),
        };
        made += 1;
        sum.tried += tally.tried;
        sum.survived += tally.survived;
        if args.json {
            print(serde_json::to_string(&task).map_err(Failure::input)?);
        } else {
            print(format!(
                "{} · {}",
                tint(Tint::Strong, task.record.id.as_str()),
                task.record.dials["target"]
            ));
            print(format!("{}\n", task.record.instruction));
        }
    }
    tell(format!(
        "{made} tasks; of {} mutations that were tried the test commands did not notice {}",
        sum.tried, sum.survived
    ));
    match made {
        0 => Err(Failure::input(
            "no mutation that was tried makes a test command fail; try more seeds or better tests",
        )),
        _ => Ok(()),
    }
}
