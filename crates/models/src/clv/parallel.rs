//! Work over long columns on all cores, with the same result on any number of them.

/// Items of one chunk. Part of the result: sums are taken within chunks, then over chunks in order.
const CHUNK: usize = 16_384;
/// Fewer chunks than this are not worth a thread.
const FEW_CHUNKS: usize = 3;

fn threads(chunks: usize) -> usize {
    if chunks < FEW_CHUNKS {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(chunks).min(16)
}

/// Sum of `value` over `items`, the same to the last bit whatever the number of cores.
pub(crate) fn chunked_sum<T: Sync>(items: &[T], value: impl Fn(&T) -> f64 + Sync) -> f64 {
    let mut sums = vec![0.0; items.len().div_ceil(CHUNK)];
    let workers = threads(sums.len());
    let one = &|chunk: &[T]| chunk.iter().map(&value).sum::<f64>();
    if workers == 1 {
        return items.chunks(CHUNK).map(one).sum();
    }
    let share = sums.len().div_ceil(workers);
    std::thread::scope(|scope| {
        for (sums, items) in sums.chunks_mut(share).zip(items.chunks(share * CHUNK)) {
            scope.spawn(move || {
                for (sum, chunk) in sums.iter_mut().zip(items.chunks(CHUNK)) {
                    *sum = one(chunk);
                }
            });
        }
    });
    sums.iter().sum()
}

/// `value` of every item, in their order.
pub(crate) fn map<T: Sync, V: Send + Clone + Default>(
    items: &[T],
    value: impl Fn(&T) -> V + Sync,
) -> Vec<V> {
    let workers = threads(items.len().div_ceil(CHUNK / 16));
    if workers == 1 {
        return items.iter().map(value).collect();
    }
    let mut values = vec![V::default(); items.len()];
    let (share, value) = (items.len().div_ceil(workers), &value);
    std::thread::scope(|scope| {
        for (values, items) in values.chunks_mut(share).zip(items.chunks(share)) {
            scope.spawn(move || {
                for (slot, item) in values.iter_mut().zip(items) {
                    *slot = value(item);
                }
            });
        }
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_maps_are_what_one_core_gives() {
        let items: Vec<f64> = (0..200_000).map(|i| 1.0 / f64::from(i + 1)).collect();
        let plain: f64 =
            items.chunks(CHUNK).map(|chunk| chunk.iter().map(|x| x * 2.0).sum::<f64>()).sum();
        assert_eq!(chunked_sum(&items, |x| x * 2.0).to_bits(), plain.to_bits());
        assert_eq!(map(&items, |x| x * 2.0)[199_999], items[199_999] * 2.0);
        assert_eq!(chunked_sum(&[], |x: &f64| *x), 0.0);
    }
}
