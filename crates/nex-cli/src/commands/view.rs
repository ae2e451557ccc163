//! `nex view`: the report of a run folder.

use crate::args::ViewArgs;
use crate::failure::{Failure, Outcome};
use crate::terminal::print;

/// Writes the report anew and prints where it is.
pub(crate) fn run(args: ViewArgs) -> Outcome {
    let path = nex_view::write_report(&args.run).map_err(Failure::input)?;
    print(path.display().to_string());
    Ok(())
}
