//! Customers who are alike: k-means over a few standardised values.
//!
//! Own code of some 200 lines: the crates that have k-means (`linfa-clustering`, `smartcore`) bring a matrix
//! library and a generator of random numbers whose next version would put customers into other groups.

mod silhouette;

use std::collections::HashSet;

pub use silhouette::silhouette;

use crate::intent::rng::Rng;

/// Fewest clusters.
pub const MIN_CLUSTERS: usize = 2;
/// Most clusters.
pub const MAX_CLUSTERS: usize = 10;
/// Points on which the starts are tried.
const SAMPLE: usize = 10_000;
/// Points on which the silhouette is computed, as that looks at every pair.
const SILHOUETTE_SAMPLE: usize = 1_500;
/// Starts tried; the one with the least inertia is followed.
const STARTS: u64 = 8;
/// Rounds of one start on the sample.
const ROUNDS: usize = 100;
/// Rounds on all points, which begin close to their end.
const ROUNDS_ALL: usize = 50;
/// Centres that move less than this, in standard deviations, are at rest.
const AT_REST: f64 = 1e-6;
/// Points of one chunk. Part of the result: sums are taken within chunks, then over chunks in order.
const CHUNK: usize = 16_384;

/// Why there are no clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// A number of clusters out of range.
    #[error("must be {MIN_CLUSTERS} to {MAX_CLUSTERS} clusters")]
    Count,
    /// Fewer different points than clusters.
    #[error("{found} different customers cannot make {needed} clusters")]
    TooFew {
        /// Different points.
        found: usize,
        /// Clusters asked for.
        needed: usize,
    },
    /// A value that is no number.
    #[error("point {index} has a value that is not a finite number")]
    NotFinite {
        /// Which point, from 0.
        index: usize,
    },
}

/// Mean and standard deviation of each dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale<const D: usize> {
    /// Means.
    pub mean: [f64; D],
    /// Standard deviations of the population; 1 where all values are the same.
    pub deviation: [f64; D],
}

impl<const D: usize> Scale<D> {
    /// A standardised point in the units it came in.
    #[must_use]
    pub fn back(&self, point: [f64; D]) -> [f64; D] {
        std::array::from_fn(|at| self.mean[at] + point[at] * self.deviation[at])
    }
}

/// Brings every dimension to mean 0 and standard deviation 1, so that none counts for more by its unit.
///
/// # Errors
/// `NotFinite`.
pub fn standardise<const D: usize>(
    points: &[[f64; D]],
) -> Result<(Scale<D>, Vec<[f32; D]>), ClusterError> {
    if let Some(index) = points.iter().position(|point| point.iter().any(|x| !x.is_finite())) {
        return Err(ClusterError::NotFinite { index });
    }
    let count = points.len().max(1) as f64;
    let mean: [f64; D] =
        std::array::from_fn(|at| points.iter().map(|point| point[at]).sum::<f64>() / count);
    let deviation = std::array::from_fn(|at| {
        let squares: f64 = points.iter().map(|point| (point[at] - mean[at]).powi(2)).sum();
        let deviation = (squares / count).sqrt();
        if deviation > 0.0 { deviation } else { 1.0 }
    });
    let scaled = points
        .iter()
        .map(|point| std::array::from_fn(|at| ((point[at] - mean[at]) / deviation[at]) as f32));
    Ok((Scale { mean, deviation }, scaled.collect()))
}

/// Points in clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters<const D: usize> {
    /// Centres, in the units of the points.
    pub centres: Vec<[f64; D]>,
    /// The centre that each point is nearest to; of centres equally near the first.
    pub labels: Vec<u8>,
    /// Points of each cluster.
    pub sizes: Vec<u64>,
    /// Sum of the squared distances of all points from their centres.
    pub inertia: f64,
    /// Whether the centres came to rest within the rounds allowed.
    pub is_at_rest: bool,
}

/// How well a number of clusters fits, on a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterChoice {
    /// Clusters.
    pub clusters: usize,
    /// Mean squared distance of a point from its centre.
    pub inertia: f64,
    /// Mean silhouette, -1 to 1: near 1 where clusters are far apart, near 0 where they touch.
    pub silhouette: f64,
}

/// Points of three values in clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Alike {
    /// By what the values were standardised.
    pub scale: Scale<3>,
    /// The clusters, over standardised values.
    pub clusters: Clusters<3>,
    /// How well each number of clusters fits.
    pub choices: Vec<ClusterChoice>,
}

/// Standardises points of three values and puts those that are alike together: [`standardise`], [`kmeans`] and
/// [`choices`].
///
/// # Errors
/// As these say.
pub fn alike(points: &[[f64; 3]], clusters: usize, seed: u64) -> Result<Alike, ClusterError> {
    let (scale, points) = standardise(points)?;
    let clusters = kmeans(&points, clusters, seed)?;
    Ok(Alike { scale, clusters, choices: choices(&points, seed)? })
}

/// k-means by Lloyd's rounds (Lloyd 1982) from starts by k-means++ (Arthur and Vassilvitskii 2007).
///
/// The starts are tried on an even sample of some 10,000 points; the best is followed on all. The same points,
/// number and seed give the same clusters on any number of cores.
///
/// # Errors
/// `Count`; `TooFew` if fewer points than that differ; `NotFinite`.
pub fn kmeans<const D: usize>(
    points: &[[f32; D]],
    clusters: usize,
    seed: u64,
) -> Result<Clusters<D>, ClusterError> {
    let sample = checked(points, clusters)?;
    let (mut centres, mut is_at_rest) = best_start(&sample, clusters, seed);
    if sample.len() < points.len() {
        (centres, is_at_rest) = rounds(points, centres, ROUNDS_ALL);
    }
    let parts = by_chunk(points, |chunk| {
        let nearest = chunk.iter().map(|point| nearest(&centres, point));
        nearest.map(|(label, distance)| (label as u8, distance)).collect::<Vec<_>>()
    });
    let mut sizes = vec![0; clusters];
    let mut labels = Vec::with_capacity(points.len());
    let mut inertia = 0.0;
    for part in parts {
        inertia += part.iter().map(|(_, distance)| distance).sum::<f64>();
        for (label, _) in part {
            sizes[usize::from(label)] += 1;
            labels.push(label);
        }
    }
    Ok(Clusters { centres, labels, sizes, inertia, is_at_rest })
}

/// Inertia and silhouette for every number of clusters that the points allow, on a sample.
///
/// # Errors
/// `NotFinite`.
pub fn choices<const D: usize>(
    points: &[[f32; D]],
    seed: u64,
) -> Result<Vec<ClusterChoice>, ClusterError> {
    let mut found = Vec::new();
    for clusters in MIN_CLUSTERS..=MAX_CLUSTERS {
        let sample = match checked(points, clusters) {
            Ok(sample) => sample,
            Err(ClusterError::TooFew { .. }) => break,
            Err(error) => return Err(error),
        };
        let (centres, _) = best_start(&sample, clusters, seed);
        let few = even_sample(&sample, SILHOUETTE_SAMPLE);
        let labels: Vec<u8> = few.iter().map(|point| nearest(&centres, point).0 as u8).collect();
        found.push(ClusterChoice {
            clusters,
            inertia: inertia(&sample, &centres) / sample.len() as f64,
            silhouette: silhouette(&few, &labels),
        });
    }
    Ok(found)
}

/// The sample on which the starts are tried. It has as many different points as clusters.
fn checked<const D: usize>(
    points: &[[f32; D]],
    clusters: usize,
) -> Result<Vec<[f32; D]>, ClusterError> {
    if !(MIN_CLUSTERS..=MAX_CLUSTERS).contains(&clusters) {
        return Err(ClusterError::Count);
    }
    if let Some(index) = points.iter().position(|point| point.iter().any(|x| !x.is_finite())) {
        return Err(ClusterError::NotFinite { index });
    }
    let found = differing(points, clusters);
    if found < clusters {
        return Err(ClusterError::TooFew { found, needed: clusters });
    }
    let sample = even_sample(points, SAMPLE);
    if differing(&sample, clusters) == clusters {
        return Ok(sample);
    }
    // Hardly any point differs, and the sample missed those that do.
    let mut seen = HashSet::new();
    let differ = points.iter().filter(|point| seen.insert(bits(point)));
    Ok(differ.take(SAMPLE).copied().collect())
}

fn bits<const D: usize>(point: &[f32; D]) -> [u32; D] {
    // Of the two zeros, one.
    point.map(|x| (x + 0.0).to_bits())
}

/// How many different points there are, counted up to `most`.
fn differing<const D: usize>(points: &[[f32; D]], most: usize) -> usize {
    let mut seen = HashSet::new();
    points.iter().filter(|point| seen.insert(bits(point))).take(most).count()
}

fn even_sample<const D: usize>(points: &[[f32; D]], most: usize) -> Vec<[f32; D]> {
    points.iter().step_by(points.len().div_ceil(most).max(1)).copied().collect()
}

/// The centre nearest to a point, and the squared distance from it.
fn nearest<const D: usize>(centres: &[[f64; D]], point: &[f32; D]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (label, centre) in centres.iter().enumerate() {
        let distance = squared(centre, point);
        if distance < best.1 {
            best = (label, distance);
        }
    }
    best
}

fn squared<const D: usize>(centre: &[f64; D], point: &[f32; D]) -> f64 {
    centre.iter().zip(point).map(|(a, b)| (a - f64::from(*b)).powi(2)).sum()
}

fn inertia<const D: usize>(points: &[[f32; D]], centres: &[[f64; D]]) -> f64 {
    points.iter().map(|point| nearest(centres, point).1).sum()
}

/// Centres, and whether they came to rest.
type Rested<const D: usize> = (Vec<[f64; D]>, bool);

/// Those of the start with the least inertia.
fn best_start<const D: usize>(sample: &[[f32; D]], clusters: usize, seed: u64) -> Rested<D> {
    let mut best: Option<(f64, Rested<D>)> = None;
    for start in 0..STARTS {
        let found = rounds(sample, plus_plus(sample, clusters, Rng::new(seed, start)), ROUNDS);
        let inertia = inertia(sample, &found.0);
        if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
            best = Some((inertia, found));
        }
    }
    best.map_or_else(|| (Vec::new(), false), |(_, found)| found)
}

/// Centres to begin with: points, each drawn in proportion to its squared distance from those before it.
fn plus_plus<const D: usize>(sample: &[[f32; D]], clusters: usize, mut rng: Rng) -> Vec<[f64; D]> {
    let centre = |index: usize| sample[index].map(f64::from);
    let mut centres = vec![centre(rng.below(sample.len()))];
    let mut distances = vec![f64::INFINITY; sample.len()];
    while centres.len() < clusters {
        let last = centres[centres.len() - 1];
        let mut sum = 0.0;
        for (distance, point) in distances.iter_mut().zip(sample) {
            *distance = distance.min(squared(&last, point));
            sum += *distance;
        }
        let mut rest = rng.unit() * sum;
        let drawn = distances.iter().position(|distance| {
            rest -= distance;
            *distance > 0.0 && rest < 0.0
        });
        // The rounding of sums can leave a little over at the end: then the farthest.
        centres.push(centre(drawn.unwrap_or_else(|| farthest(&distances))));
    }
    centres
}

fn farthest(distances: &[f64]) -> usize {
    let by_distance = distances.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    by_distance.map_or(0, |(index, _)| index)
}

/// Sums of the points of each cluster, and the point farthest from its centre.
struct Sums<const D: usize> {
    sums: Vec<([f64; D], u64)>,
    farthest: ([f32; D], f64),
}

/// Moves every centre to the mean of its points until all are at rest.
fn rounds<const D: usize>(
    points: &[[f32; D]],
    mut centres: Vec<[f64; D]>,
    most: usize,
) -> Rested<D> {
    for _ in 0..most {
        let parts = by_chunk(points, |chunk| {
            let mut part =
                Sums { sums: vec![([0.0; D], 0); centres.len()], farthest: ([0.0; D], -1.0) };
            for point in chunk {
                let (label, distance) = nearest(&centres, point);
                let (sum, count) = &mut part.sums[label];
                sum.iter_mut().zip(point).for_each(|(sum, x)| *sum += f64::from(*x));
                *count += 1;
                if distance > part.farthest.1 {
                    part.farthest = (*point, distance);
                }
            }
            part
        });
        let mut moved = 0.0_f64;
        let far = parts
            .iter()
            .map(|part| part.farthest)
            .reduce(|a, b| if b.1 > a.1 { b } else { a })
            .map(|(point, _)| point.map(f64::from));
        for (label, centre) in centres.iter_mut().enumerate() {
            let (mut sum, mut count) = ([0.0; D], 0);
            for part in &parts {
                let (own, points) = &part.sums[label];
                sum.iter_mut().zip(own).for_each(|(sum, x)| *sum += x);
                count += points;
            }
            // A centre that lost all its points begins anew where it is missed most.
            let next = match count {
                0 => far.unwrap_or(*centre),
                count => sum.map(|x| x / count as f64),
            };
            let way: f64 = centre.iter().zip(next).map(|(a, b)| (a - b).powi(2)).sum();
            moved = moved.max(way.sqrt());
            *centre = next;
        }
        if moved <= AT_REST {
            return (centres, true);
        }
    }
    (centres, false)
}

/// What `work` gives for every chunk, in their order, on all cores.
fn by_chunk<const D: usize, T: Send>(
    points: &[[f32; D]],
    work: impl Fn(&[[f32; D]]) -> T + Sync,
) -> Vec<T> {
    let chunks = points.len().div_ceil(CHUNK);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(16);
    if chunks < 3 || cores == 1 {
        return points.chunks(CHUNK).map(work).collect();
    }
    let (share, work) = (chunks.div_ceil(cores) * CHUNK, &work);
    std::thread::scope(|scope| {
        let run = |points: &'_ [[f32; D]]| points.chunks(CHUNK).map(work).collect::<Vec<T>>();
        let threads: Vec<_> =
            points.chunks(share).map(|points| scope.spawn(move || run(points))).collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(parts) => parts,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

#[cfg(test)]
mod tests;
