//! Nex's own records: lines of an episode store, episodes, and trajectories of `nex run --trace`.

use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::{Imported, Importer, Room, Sign, SourceAbout, sign};
use nex_trajectory::{Episode, Trajectory};

#[derive(Debug)]
pub(super) struct Nex;

impl Importer for Nex {
    fn about(&self) -> SourceAbout {
        SourceAbout { name: "nex", reads: "run folders, their stores, episodes, traces of `nex run`" }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        let record = record.some("record").filter(|_| record.some("crc").is_some()).unwrap_or(record);
        if record.some("trajectory").is_some() && record.some("task").is_some() {
            return sign(true, 100, "an episode of Nex");
        }
        sign(record.some("nodes").is_some() && record.some("agent").is_some(), 100, "a trajectory of Nex")
    }

    fn read(&self, record: Json<'_>, _room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let record = match record.some("record").zip(record.text_at("crc")) {
            Some((inner, crc)) => {
                let written = u32::from_str_radix(&crc, 16).ok();
                if written != Some(crc32fast::hash(inner.raw().as_bytes())) {
                    return Err(Wrong::at("crc", "is not that of the record: the line is damaged"));
                }
                inner
            }
            None => record,
        };
        let wrong = |error: serde_json::Error| Wrong::new(format!("no record of Nex: {error}"));
        if record.some("trajectory").is_some() {
            let episode: Episode = serde_json::from_str(record.raw()).map_err(wrong)?;
            return Ok(vec![Imported::Episode(Box::new(episode))]);
        }
        let trajectory: Trajectory = serde_json::from_str(record.raw()).map_err(wrong)?;
        if let Some((index, _)) = trajectory
            .nodes
            .iter()
            .enumerate()
            .find(|(index, node)| node.parent.is_some_and(|parent| parent.index() >= *index))
        {
            return Err(Wrong::at(format!("nodes[{index}].parent"), "does not come before the node"));
        }
        let source_id = trajectory.id.to_string();
        let mut draft = Draft::new(trajectory);
        draft.source_id = Some(source_id);
        Ok(vec![draft.into()])
    }
}
