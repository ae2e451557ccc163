//! Episodes as rows.

use super::column::{Columns, Rows, list, texts, word};
use super::error::ParquetError;
use super::trajectory::{self, FlatTrajectory};
use crate::{Episode, EpisodeId, Rating, Reward, RewardPart, TaskId, TaskRecord};
use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, UInt32Type, UInt64Type};
use arrow_buffer::NullBuffer;
use std::sync::Arc;

pub(super) fn columns(episodes: &[Episode]) -> Columns {
    let all = || episodes.iter();
    let tasks = || episodes.iter().map(|episode| &episode.task);
    let mut columns = Columns::new();
    columns.text("id", all().map(|episode| episode.id.as_str()));
    columns.text("world", tasks().map(|task| &task.world));
    columns.text("task_id", tasks().map(|task| task.id.as_str()));
    columns.number::<UInt64Type>("seed", tasks().map(|task| task.seed));
    columns.text("language", tasks().map(|task| &task.language));
    columns.text("difficulty", tasks().map(|task| &task.difficulty));
    columns.text("harness", all().map(|episode| &episode.harness));
    columns.text("driver", all().map(|episode| &episode.driver));
    columns.number::<UInt32Type>("attempt", all().map(|episode| episode.attempt));
    columns.text("outcome", all().map(|episode| word(episode.outcome)));
    columns.opt_number::<Float64Type>("reward", all().map(|episode| Some(episode.reward.as_ref()?.total)));
    // For filtering only; reading counts again.
    columns.number::<UInt32Type>("turns", all().map(|episode| episode.trajectory.turn_count() as u32));
    columns.number::<UInt32Type>("calls", all().map(|episode| episode.trajectory.call_count() as u32));
    columns.text("stop", all().map(|episode| episode.stop().name()));
    columns.text("instruction", tasks().map(|task| &task.instruction));
    columns.number::<UInt32Type>("oracle_calls", tasks().map(|task| task.oracle_calls));
    columns.json("dials", tasks().map(|task| &task.dials));
    columns.add("reward_parts", true, reward_parts(episodes));
    columns.list("ratings", all().map(|episode| episode.ratings.as_slice()), ratings);
    columns.json("notes", all().map(|episode| &episode.notes));
    columns.number::<UInt32Type>("version", all().map(|episode| episode.version));
    let trajectories: Vec<Vec<FlatTrajectory<'_>>> =
        all().map(|episode| trajectory::flatten(&episode.trajectory)).collect();
    columns.add("trajectories", false, trajectory::list_of(&trajectories));
    columns
}

/// Null where there is no reward, so that it is kept apart from one without parts.
fn reward_parts(episodes: &[Episode]) -> ArrayRef {
    let rewards = || episodes.iter().map(|episode| episode.reward.as_ref());
    let parts: Vec<&RewardPart> = rewards().flatten().flat_map(|reward| &reward.parts).collect();
    let mut columns = Columns::new();
    columns.text("name", parts.iter().map(|part| &part.name));
    columns.number::<Float64Type>("score", parts.iter().map(|part| part.score));
    columns.number::<Float64Type>("weight", parts.iter().map(|part| part.weight));
    columns.list("findings", parts.iter().map(|part| part.findings.as_slice()), texts);
    let nulls = NullBuffer::from_iter(rewards().map(|reward| reward.is_some()));
    let lengths = rewards().map(|reward| reward.map_or(0, |reward| reward.parts.len()));
    list(lengths, Arc::new(columns.finish(None)), Some(nulls))
}

fn ratings(ratings: &[&Rating]) -> ArrayRef {
    let mut columns = Columns::new();
    columns.number::<UInt32Type>("stars", ratings.iter().map(|rating| u32::from(rating.stars)));
    columns.text("by", ratings.iter().map(|rating| &rating.by));
    columns.text("reason", ratings.iter().map(|rating| &rating.reason));
    Arc::new(columns.finish(None))
}

/// The episode in `row`.
pub(super) fn read(rows: Rows<'_>, row: usize) -> Result<Episode, ParquetError> {
    let (rating_lists, ratings) = rows.lists("ratings")?;
    let (trajectory_lists, trajectories) = rows.lists("trajectories")?;
    Ok(Episode {
        version: rows.u32s("version")?.get(row),
        id: EpisodeId(rows.texts("id")?.get(row)),
        task: TaskRecord {
            id: TaskId(rows.texts("task_id")?.get(row)),
            world: rows.texts("world")?.get(row),
            seed: rows.u64s("seed")?.get(row),
            language: rows.texts("language")?.get(row),
            instruction: rows.texts("instruction")?.get(row),
            difficulty: rows.texts("difficulty")?.get(row),
            dials: rows.texts("dials")?.json(row, "dials")?,
            oracle_calls: rows.u32s("oracle_calls")?.get(row),
        },
        harness: rows.texts("harness")?.get(row),
        driver: rows.texts("driver")?.get(row),
        attempt: rows.u32s("attempt")?.get(row),
        trajectory: trajectory::read(trajectories, trajectory_lists.of(row))?,
        reward: read_reward(rows, row)?,
        outcome: rows.texts("outcome")?.word(row, "outcome")?,
        ratings: rating_lists.of(row).map(|row| read_rating(ratings, row)).collect::<Result<_, _>>()?,
        notes: rows.texts("notes")?.json(row, "notes")?,
    })
}

fn read_reward(rows: Rows<'_>, row: usize) -> Result<Option<Reward>, ParquetError> {
    let (lists, parts) = rows.lists("reward_parts")?;
    let Some(total) = rows.f64s("reward")?.opt(row) else { return Ok(None) };
    if lists.is_null(row) {
        return Err(ParquetError::value("reward_parts", "null", "a reward has its parts, if only none"));
    }
    let (finding_lists, findings) = parts.text_lists("findings")?;
    let part = |row| {
        Ok(RewardPart {
            name: parts.texts("name")?.get(row),
            score: parts.f64s("score")?.get(row),
            weight: parts.f64s("weight")?.get(row),
            findings: finding_lists.of(row).map(|at| findings.get(at)).collect(),
        })
    };
    let parts = lists.of(row).map(part).collect::<Result<_, ParquetError>>()?;
    Ok(Some(Reward { total, parts }))
}

fn read_rating(rows: Rows<'_>, row: usize) -> Result<Rating, ParquetError> {
    let stars = rows.u32s("stars")?.get(row);
    Ok(Rating {
        stars: u8::try_from(stars).map_err(|cause| ParquetError::value("stars", stars.to_string(), cause))?,
        by: rows.texts("by")?.get(row),
        reason: rows.texts("reason")?.get(row),
    })
}
