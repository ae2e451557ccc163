//! `parquet`: every episode, whole, infrastructure failures too; the record itself.

use super::branch::Branch;
use super::prepared::Prepared;
use super::target::{About, Shape, Target};
use nex_trajectory::Episode;

#[derive(Debug)]
pub(super) struct Episodes;

impl Target for Episodes {
    fn about(&self) -> About {
        About {
            name: "parquet",
            file_name: "episodes.parquet",
            reader: "pyarrow, pandas, datasets, nex",
            loses: "",
        }
    }

    fn shape(&self) -> Shape {
        Shape::Episodes
    }

    fn takes_all(&self) -> bool {
        true
    }

    fn episode(&self, episode: Episode, out: &mut Prepared) {
        out.episodes.push(episode);
        out.count(Ok(()));
    }

    fn sample(&self, _branch: &Branch<'_>, _out: &mut Prepared) -> Result<(), String> {
        Err("its grain is the episode".to_owned())
    }
}
