//! Work on all customers of the base, a block at a time, on all processors.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

/// Customers that are worked on together: their columns stay in the processor's cache while one pass after
/// the other reads them.
/// Tests have small ones, so that few customers lie in many.
const BLOCK: usize = if cfg!(test) { 64 } else { 1 << 15 };
/// Customers of one container of a roaring set.
pub(crate) const CONTAINER: usize = if cfg!(test) { 64 } else { 1 << 16 };
/// Blocks below which a second thread costs more than it gives.
const BLOCKS_ALONE: usize = 4;
/// Threads that work on one question.
const THREADS_MAX: usize = 4;

/// What `one` gives for each block of `0..len`, in order. Blocks begin at multiples of 64.
pub(crate) fn each<T: Send>(len: usize, one: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let blocks = len.div_ceil(BLOCK);
    let one = |index: usize| one(index * BLOCK..((index + 1) * BLOCK).min(len));
    let threads = threads(blocks);
    if threads == 1 {
        return (0..blocks).map(one).collect();
    }
    let mut parts = on_threads(threads, blocks, Vec::new, |done: &mut Vec<(usize, T)>, index| {
        done.push((index, one(index)));
    })
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    parts.sort_unstable_by_key(|(index, _)| *index);
    parts.into_iter().map(|(_, part)| part).collect()
}

/// What `one` gives for parts of `0..len`, one a thread, in order. Parts begin where a container of a roaring set
/// does, so that sets made of different parts join quickly.
pub(crate) fn parts<T: Send>(len: usize, one: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let containers = len.div_ceil(CONTAINER);
    let threads = threads(len.div_ceil(BLOCK)).min(containers).max(1);
    let bound = |part: usize| (containers * part / threads * CONTAINER).min(len);
    std::thread::scope(|scope| {
        let one = &one;
        let helpers: Vec<_> = (1..threads)
            .map(|part| scope.spawn(move || one(bound(part)..bound(part + 1))))
            .collect();
        let mut parts = vec![one(0..bound(1))];
        parts.extend(helpers.into_iter().map(joined));
        parts
    })
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Adds up blocks: each thread begins with `begin` and takes `add` for its blocks, in no order. The sums
/// of all threads, of which there is at least one.
pub(crate) fn sums<S: Send>(
    len: usize,
    begin: impl Fn() -> S + Sync,
    add: impl Fn(&mut S, Range<usize>) + Sync,
) -> Vec<S> {
    let blocks = len.div_ceil(BLOCK);
    on_threads(threads(blocks), blocks, begin, |sum, index| {
        add(sum, index * BLOCK..((index + 1) * BLOCK).min(len));
    })
}

/// Does `one` for all `items`, on several threads where `len` customers are worth it.
pub(crate) fn for_all<T: Sync>(len: usize, items: &[T], one: impl Fn(&T) + Sync) {
    on_threads(threads(len.div_ceil(BLOCK)), items.len(), || (), |(), index| one(&items[index]));
}

/// What `one` gives for each of `items`, in order, on as many threads as there are items and processors.
pub(crate) fn each_of<T: Send, R: Send>(items: Vec<T>, one: impl Fn(T) -> R + Sync) -> Vec<R> {
    let len = items.len();
    let left = Mutex::new(items.into_iter().enumerate());
    let mut done: Vec<(usize, R)> =
        on_threads(processors().min(len.max(1)), len, Vec::new, |done: &mut Vec<(usize, R)>, _| {
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            done.extend(next.map(|(index, item)| (index, one(item))));
        })
        .into_iter()
        .flatten()
        .collect();
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Fills `out` block by block and adds up what each thread saw, as [`sums`].
pub(crate) fn fill<T: Send, S: Send>(
    out: &mut [T],
    begin: impl Fn() -> S + Sync,
    one: impl Fn(&mut S, usize, &mut [T]) + Sync,
) -> Vec<S> {
    let len = out.len();
    let blocks = len.div_ceil(BLOCK);
    let left = Mutex::new(out.chunks_mut(BLOCK).enumerate());
    on_threads(threads(blocks), blocks, begin, |sum, _| {
        let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
        if let Some((index, part)) = next {
            one(sum, index * BLOCK, part);
        }
    })
}

fn threads(blocks: usize) -> usize {
    if blocks <= BLOCKS_ALONE {
        return 1;
    }
    processors()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX)
}

fn on_threads<S: Send>(
    threads: usize,
    blocks: usize,
    begin: impl Fn() -> S + Sync,
    add: impl Fn(&mut S, usize) + Sync,
) -> Vec<S> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut sum = begin();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= blocks {
                return sum;
            }
            add(&mut sum, index);
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut sums = vec![work()];
        sums.extend(helpers.into_iter().map(joined));
        sums
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_block_is_worked_on_once_and_in_order() {
        for len in [0, 1, super::BLOCK, 10 * super::BLOCK + 7] {
            let parts = super::each(len, |block| block);
            let joined: Vec<usize> = parts.into_iter().flatten().collect();
            assert_eq!(joined, (0..len).collect::<Vec<_>>());
            let sums = super::sums(len, || 0, |sum, block| *sum += block.len());
            assert_eq!(sums.into_iter().sum::<usize>(), len);
            assert_eq!(super::each_of((0..len).collect(), |own| own), (0..len).collect::<Vec<_>>());
            let parts = super::parts(len, |part| part);
            let joined: Vec<usize> = parts.into_iter().flatten().collect();
            assert_eq!(joined, (0..len).collect::<Vec<_>>());
            let mut out = vec![0; len];
            let filled = super::fill(
                &mut out,
                || 0,
                |sum, start, part| {
                    part.iter_mut().zip(start..).for_each(|(one, at)| *one = at);
                    *sum += part.len();
                },
            );
            assert_eq!((out, filled.into_iter().sum()), ((0..len).collect(), len));
        }
    }
}
