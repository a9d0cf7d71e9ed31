//! How far clusters are apart.

/// Mean silhouette of points in clusters, -1 to 1 (Rousseeuw 1987): for each point `(b - a) / max(a, b)`, where `a`
/// is its mean distance from the others of its cluster and `b` the least mean distance from the points of another;
/// 0 for a point alone in its cluster. 0 where there are fewer than two clusters. Looks at every pair.
#[must_use]
pub fn silhouette<const D: usize>(points: &[[f32; D]], labels: &[u8]) -> f64 {
    let clusters = labels.iter().max().map_or(0, |last| usize::from(*last) + 1);
    let mut sizes = vec![0_u32; clusters];
    labels.iter().for_each(|label| sizes[usize::from(*label)] += 1);
    if sizes.iter().filter(|size| **size > 0).count() < 2 {
        return 0.0;
    }
    let mut sum = 0.0;
    for (point, label) in points.iter().zip(labels) {
        let own = usize::from(*label);
        if sizes[own] == 1 {
            continue;
        }
        let mut distances = vec![0.0_f64; clusters];
        for (other, of) in points.iter().zip(labels) {
            let square: f64 = point.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            distances[usize::from(*of)] += square.sqrt();
        }
        let within = distances[own] / f64::from(sizes[own] - 1);
        let apart = (0..clusters)
            .filter(|cluster| *cluster != own && sizes[*cluster] > 0)
            .map(|cluster| distances[cluster] / f64::from(sizes[cluster]))
            .fold(f64::INFINITY, f64::min);
        let most = within.max(apart);
        sum += if most > 0.0 { (apart - within) / most } else { 0.0 };
    }
    sum / points.len() as f64
}
