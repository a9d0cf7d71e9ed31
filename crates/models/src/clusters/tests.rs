use proptest::prelude::*;

use super::*;
use crate::intent::rng::Rng;

/// Points around centres, each around them in turn, within half a unit in each dimension.
fn blobs(centres: &[[f64; 2]], each: usize) -> Vec<[f32; 2]> {
    let mut rng = Rng::new(3, 9);
    let mut near = |x: f64| (x + rng.unit() - 0.5) as f32;
    (0..each).flat_map(|_| centres.iter().map(|c| c.map(&mut near)).collect::<Vec<_>>()).collect()
}

#[test]
fn blobs_that_are_apart_are_found() {
    let centres = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0], [30.0, 5.0]];
    let points = blobs(&centres, 400);
    let found = kmeans(&points, 5, 1).unwrap();
    assert!(found.is_at_rest);
    assert_eq!(found.sizes, [400; 5]);
    // Points of one blob, and they alone, share a label.
    for (index, label) in found.labels.iter().enumerate() {
        assert_eq!(*label, found.labels[index % 5]);
        let (centre, truth) = (found.centres[usize::from(*label)], centres[index % 5]);
        assert!((0..2).all(|at| (centre[at] - truth[at]).abs() < 0.1), "{centre:?} {truth:?}");
    }
    // Uniform within a square of side 1: two variances of 1/12.
    let mean = found.inertia / points.len() as f64;
    assert!((mean - 1.0 / 6.0).abs() < 0.01, "{mean}");
    let told = choices(&points, 1).unwrap();
    assert_eq!(
        told.iter().map(|one| one.clusters).collect::<Vec<_>>(),
        [2, 3, 4, 5, 6, 7, 8, 9, 10]
    );
    assert!(told.windows(2).all(|pair| pair[1].inertia < pair[0].inertia), "{told:?}");
    let best = told.iter().max_by(|a, b| a.silhouette.total_cmp(&b.silhouette)).unwrap();
    assert_eq!(best.clusters, 5);
    assert!(best.silhouette > 0.9, "{best:?}");
}

/// Fisher's iris data, sepal and petal in centimetres, of which the optimum for three clusters is widely printed
/// (scikit-learn, R): inertia 78.85, sizes 62, 50 and 38.
#[test]
fn the_irises_are_parted_as_printed() {
    let points: Vec<[f32; 4]> = include_str!("iris.csv")
        .lines()
        .map(|line| {
            let mut cells = line.split(',').map(|cell| cell.parse().unwrap());
            std::array::from_fn(|_| cells.next().unwrap())
        })
        .collect();
    assert_eq!(points.len(), 150);
    let found = kmeans(&points, 3, 7).unwrap();
    let mut sizes = found.sizes.clone();
    sizes.sort_unstable();
    assert_eq!(sizes, [38, 50, 62]);
    assert!((found.inertia - 78.851_441).abs() < 1e-5, "{}", found.inertia);
    // Printed as 0.5528 (scikit-learn) and 0.55 (R, cluster).
    assert!((silhouette(&points, &found.labels) - 0.5528).abs() < 5e-5);
}

#[test]
fn many_points_are_the_same_clusters_on_any_machine() {
    // More than the sample, and many chunks.
    let points = blobs(&[[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]], 25_000);
    let found = kmeans(&points, 3, 5).unwrap();
    assert_eq!(found, kmeans(&points, 3, 5).unwrap());
    assert_eq!(found.sizes, [25_000; 3]);
    for (cluster, centre) in found.centres.iter().enumerate() {
        let own = points.iter().zip(&found.labels).filter(|(_, l)| usize::from(**l) == cluster);
        let mean: [f64; 2] = own.fold([0.0; 2], |sum, (point, _)| {
            std::array::from_fn(|at| sum[at] + f64::from(point[at]) / 25_000.0)
        });
        assert!((0..2).all(|at| (mean[at] - centre[at]).abs() < 1e-5), "{mean:?} {centre:?}");
    }
}

#[test]
fn few_points_and_bad_ones() {
    assert_eq!(kmeans(&[[1.0_f32]; 50], 2, 0), Err(ClusterError::TooFew { found: 1, needed: 2 }));
    assert_eq!(kmeans::<2>(&[], 2, 0), Err(ClusterError::TooFew { found: 0, needed: 2 }));
    assert_eq!(choices(&[[1.0_f32]; 50], 0), Ok(Vec::new()));
    for clusters in [0, 1, 11] {
        assert_eq!(kmeans(&[[1.0_f32], [2.0]], clusters, 0), Err(ClusterError::Count));
    }
    let bad = [[1.0], [f32::NAN]];
    assert_eq!(kmeans(&bad, 2, 0), Err(ClusterError::NotFinite { index: 1 }));
    assert_eq!(standardise(&[[f64::INFINITY]]), Err(ClusterError::NotFinite { index: 0 }));
    // Two that differ among many that do not, which an even sample misses.
    let mut points = vec![[0.0_f32]; 30_000];
    points[7] = [5.0];
    let found = kmeans(&points, 2, 0).unwrap();
    let mut sizes = found.sizes.clone();
    sizes.sort_unstable();
    assert_eq!((sizes.as_slice(), found.inertia), (&[1, 29_999][..], 0.0));
}

#[test]
fn standardised_points_come_back() {
    let points = [[1.0, 5.0], [3.0, 5.0]];
    let (scale, scaled) = standardise(&points).unwrap();
    assert_eq!((scale.mean, scale.deviation), ([2.0, 5.0], [1.0, 1.0]));
    assert_eq!(scaled, [[-1.0, 0.0], [1.0, 0.0]]);
    assert_eq!(scale.back([-1.0, 0.0]), points[0]);
}

proptest! {
    #[test]
    fn every_point_is_with_its_nearest_centre(
        points in prop::collection::vec(prop::array::uniform3(-5_i8..5), 2..60),
        (clusters, seed) in (2_usize..=10, any::<u64>()),
    ) {
        let points: Vec<[f32; 3]> = points.iter().map(|point| point.map(f32::from)).collect();
        let found = match kmeans(&points, clusters, seed) {
            Ok(found) => found,
            Err(error) => {
                let differ = points.iter().map(bits).collect::<HashSet<_>>().len();
                prop_assert_eq!(error, ClusterError::TooFew { found: differ, needed: clusters });
                prop_assert!(differ < clusters);
                return Ok(());
            }
        };
        prop_assert_eq!(found.labels.len(), points.len());
        prop_assert_eq!(found.sizes.iter().sum::<u64>(), points.len() as u64);
        let mut sum = 0.0;
        for (point, label) in points.iter().zip(&found.labels) {
            let own = squared(&found.centres[usize::from(*label)], point);
            prop_assert!(found.centres.iter().all(|centre| own <= squared(centre, point)));
            sum += own;
        }
        prop_assert!((sum - found.inertia).abs() < 1e-9 * (1.0 + sum));
        // No worse than all in one.
        let one: [f64; 3] = std::array::from_fn(|at| {
            points.iter().map(|point| f64::from(point[at])).sum::<f64>() / points.len() as f64
        });
        prop_assert!(found.inertia <= inertia(&points, &[one]) + 1e-9);
        let apart = silhouette(&points, &found.labels);
        prop_assert!((-1.0..=1.0).contains(&apart), "{}", apart);
    }
}
