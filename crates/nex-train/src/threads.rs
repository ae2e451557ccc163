//! Work shared out to one thread a core, for the length of one call.
//!
//! Which thread does which piece is chance; pieces write to places of their own, so the result is not.

use std::sync::Mutex;

/// Calls `work` with each of `pieces` on up to `threads` threads, each with its own of `states`
/// (as many states as threads).
pub(crate) fn for_each<P: Send, S: Send>(
    states: &mut [S],
    pieces: impl Iterator<Item = P> + Send,
    work: impl Fn(&mut S, P) + Sync,
) {
    if let [state] = states {
        pieces.for_each(|piece| work(state, piece));
        return;
    }
    let queue = Mutex::new(pieces);
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for state in states {
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                while let Some(piece) = next() {
                    work(state, piece);
                }
            });
        }
    });
}

/// Threads to use where nobody says: one a core.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_worked_on_once() {
        for threads in [1, 3] {
            let mut numbers = vec![1_u32; 1000];
            let mut states = vec![0_u32; threads];
            for_each(&mut states, numbers.chunks_mut(7).enumerate(), |count, (index, chunk)| {
                *count += 1;
                chunk.iter_mut().for_each(|number| *number += index as u32);
            });
            assert_eq!(states.iter().sum::<u32>(), 143);
            assert!(numbers.iter().enumerate().all(|(at, number)| *number == 1 + at as u32 / 7));
        }
    }
}
