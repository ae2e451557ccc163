//! Work on several threads whose results come in the order of the input.
//!
//! Item `n` goes to worker `n mod threads` and its result is taken from there, so nothing has to be
//! sorted and at most a few items a worker are in memory, however long the input is.

use std::sync::mpsc::sync_channel;
use std::thread;

/// Items that wait for a worker, and results that wait to be taken, a worker.
const WAITING: usize = 2;

/// Gives each item of `input` to a worker made by `worker`, and the results to `sink` in order.
///
/// # Errors
/// The first error of `sink`; nothing more is read then.
pub(crate) fn ordered<I, T, E, W>(
    threads: usize,
    input: impl Iterator<Item = I> + Send,
    worker: impl Fn() -> W + Sync,
    mut sink: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E>
where
    I: Send,
    T: Send,
    W: FnMut(I) -> T,
{
    let threads = threads.max(1);
    if threads == 1 {
        let mut work = worker();
        return input.map(&mut work).try_for_each(sink);
    }
    thread::scope(|scope| {
        let mut senders = Vec::with_capacity(threads);
        let mut receivers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let (item_in, item_out) = sync_channel::<I>(WAITING);
            let (result_in, result_out) = sync_channel::<T>(WAITING);
            senders.push(item_in);
            receivers.push(result_out);
            let worker = &worker;
            scope.spawn(move || {
                let mut work = worker();
                for item in item_out {
                    if result_in.send(work(item)).is_err() {
                        break;
                    }
                }
            });
        }
        scope.spawn(move || {
            for (index, item) in input.enumerate() {
                // Whoever took the results has gone: there is nothing left to do.
                if senders[index % threads].send(item).is_err() {
                    break;
                }
            }
        });
        let mut next = 0;
        // A worker without a result has none to come, and so have those after it.
        while let Ok(result) = receivers[next % threads].recv() {
            sink(result)?;
            next += 1;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::ordered;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_come_in_order_and_few_items_are_under_way() {
        for threads in [1, 2, 5] {
            let (read, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let input = (0..500).inspect(|_| {
                read.fetch_add(1, Ordering::SeqCst);
            });
            let mut results = Vec::new();
            let most = AtomicUsize::new(0);
            let slow = || {
                |n: u32| {
                    if n.is_multiple_of(7) {
                        std::thread::yield_now();
                    }
                    n * 2
                }
            };
            ordered(threads, input, slow, |n| {
                let ahead = read.load(Ordering::SeqCst) - written.fetch_add(1, Ordering::SeqCst);
                most.fetch_max(ahead, Ordering::SeqCst);
                results.push(n);
                Ok::<_, Infallible>(())
            })
            .unwrap();
            assert_eq!(results, (0..500).map(|n| n * 2).collect::<Vec<u32>>());
            assert!(most.into_inner() <= threads * 6 + 2);
        }
    }

    #[test]
    fn the_first_error_ends_an_endless_input() {
        for threads in [1, 3] {
            let result = ordered(threads, 0u64.., || |n| n, |n| if n == 100 { Err(n) } else { Ok(()) });
            assert_eq!(result, Err(100));
        }
    }
}
