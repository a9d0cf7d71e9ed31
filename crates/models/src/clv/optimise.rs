//! The largest value of a smooth function of a few positive parameters.
//!
//! Every parameter is searched by its logarithm, so it stays positive and its scale does not matter.
//! Nelder-Mead from several starts finds the neighbourhood on a sample, BFGS with central
//! differences the maximum on all customers. Both are small here because a model has three or four
//! parameters; `docs/models-clv.md` says why no crate is used.

/// Logarithms of parameters beyond which a search does not go: about 9e-7 to 1.2e6.
pub(crate) const EDGE: f64 = 14.0;
/// Slope, as change of the mean log-likelihood by the logarithm of a parameter, at which the search
/// ends and Newton's method takes over.
const SLOPE_DONE: f64 = 5e-7;
/// Slope that is still accepted where the value cannot be improved any more for rounding.
const SLOPE_ACCEPTED: f64 = 2e-6;
/// Slope below which Newton's method ends.
const SLOPE_POLISHED: f64 = 1e-9;
const BFGS_STEPS: u32 = 200;
/// Step of differences of two points; their error is some 1e-9.
const SEARCH_STEP: f64 = 1e-4;
/// Step of differences of four points; their error is some 1e-12.
const FINE_STEP: f64 = 1e-3;

/// Where a search ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Optimum<const N: usize> {
    /// Logarithms of the parameters.
    pub at: [f64; N],
    /// The largest value.
    pub value: f64,
    /// Largest absolute derivative left.
    pub slope: f64,
    /// Evaluations of the function on all customers.
    pub evaluations: u32,
    /// Whether the slope is small enough.
    pub converged: bool,
}

impl<const N: usize> Optimum<N> {
    /// The first parameter that ended at the edge of what is searched.
    pub fn at_edge(&self) -> Option<usize> {
        self.at.iter().position(|log| log.abs() > EDGE - 1.0)
    }
}

fn guarded<const N: usize>(f: &impl Fn(&[f64; N]) -> f64, at: &[f64; N]) -> f64 {
    if at.iter().any(|log| !log.is_finite() || log.abs() > EDGE) {
        return f64::INFINITY;
    }
    let value = -f(at);
    if value.is_nan() { f64::INFINITY } else { value }
}

/// Maximises `full`, after looking for its neighbourhood from each of `starts` with `rough`, a
/// cheaper function of the same shape. The same input gives the same answer to the last bit.
pub(crate) fn maximise<const N: usize>(
    rough: impl Fn(&[f64; N]) -> f64,
    full: impl Fn(&[f64; N]) -> f64,
    starts: &[[f64; N]],
) -> Optimum<N> {
    let mut found: Vec<([f64; N], f64)> = starts
        .iter()
        .map(|start| nelder_mead(&|at: &[f64; N]| guarded(&rough, at), *start))
        .collect();
    // Stable, so that of equal values the first start wins.
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut best: Option<Optimum<N>> = None;
    let mut evaluations = 0;
    for (start, _) in found.iter().take(2) {
        // The maximum of the sample and the curvature there leave few steps for all customers.
        let (near, inverse) = bfgs(&|at: &[f64; N]| guarded(&rough, at), *start, None);
        let (mut optimum, _) = bfgs(&|at: &[f64; N]| guarded(&full, at), near.at, inverse);
        evaluations += optimum.evaluations;
        optimum.evaluations = evaluations;
        let better = best.is_none_or(|best| optimum.converged && optimum.value > best.value);
        if better {
            best = Some(optimum);
        }
        // The second best start is only tried where the best one leads nowhere.
        if best.is_some_and(|best| best.converged && best.at_edge().is_none()) {
            break;
        }
    }
    best.unwrap_or(Optimum {
        at: [0.0; N],
        value: f64::NEG_INFINITY,
        slope: f64::INFINITY,
        evaluations,
        converged: false,
    })
}

/// Nelder and Mead (1965) with the usual coefficients, until a minimum is near.
fn nelder_mead<const N: usize>(f: &impl Fn(&[f64; N]) -> f64, start: [f64; N]) -> ([f64; N], f64) {
    let mut simplex: Vec<([f64; N], f64)> = vec![(start, f(&start))];
    for index in 0..N {
        let mut corner = start;
        corner[index] += 0.7;
        simplex.push((corner, f(&corner)));
    }
    for _ in 0..60 * N {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (best, worst) = (simplex[0].1, simplex[N].1);
        if (worst - best).abs() <= 1e-5 * (1.0 + best.abs()) {
            break;
        }
        let centre: [f64; N] = std::array::from_fn(|i| {
            simplex[..N].iter().map(|corner| corner.0[i]).sum::<f64>() / N as f64
        });
        let along = |by: f64| -> ([f64; N], f64) {
            let point = std::array::from_fn(|i| centre[i] + by * (centre[i] - simplex[N].0[i]));
            (point, f(&point))
        };
        let reflected = along(1.0);
        if reflected.1 < best {
            let expanded = along(2.0);
            simplex[N] = if expanded.1 < reflected.1 { expanded } else { reflected };
        } else if reflected.1 < simplex[N - 1].1 {
            simplex[N] = reflected;
        } else {
            let contracted = if reflected.1 < worst { along(0.5) } else { along(-0.5) };
            if contracted.1 < worst.min(reflected.1) {
                simplex[N] = contracted;
            } else {
                let anchor = simplex[0].0;
                for corner in &mut simplex[1..] {
                    corner.0 = std::array::from_fn(|i| 0.5 * (anchor[i] + corner.0[i]));
                    corner.1 = f(&corner.0);
                }
            }
        }
    }
    simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
    simplex[0]
}

/// Derivatives by central differences: two points for the search, four where digits count.
fn gradient<const N: usize>(
    f: &impl Fn(&[f64; N]) -> f64,
    at: &[f64; N],
    count: &mut u32,
    fine: bool,
) -> [f64; N] {
    std::array::from_fn(|i| {
        let mut shifted = |by: f64| {
            *count += 1;
            let mut point = *at;
            point[i] += by;
            f(&point)
        };
        if !fine {
            return (shifted(SEARCH_STEP) - shifted(-SEARCH_STEP)) / (2.0 * SEARCH_STEP);
        }
        let near = shifted(FINE_STEP) - shifted(-FINE_STEP);
        let far = shifted(2.0 * FINE_STEP) - shifted(-2.0 * FINE_STEP);
        (8.0 * near - far) / (12.0 * FINE_STEP)
    })
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn steepest<const N: usize>(slope: &[f64; N]) -> f64 {
    slope.iter().fold(
        0.0,
        |most: f64, part| if part.is_nan() { f64::INFINITY } else { most.max(part.abs()) },
    )
}

/// An approximation of the inverse of the matrix of second derivatives.
type Inverse<const N: usize> = [[f64; N]; N];

/// BFGS (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 6.1) with backtracking.
/// Gives the minimum, as the maximum of the negative, and the curvature learned on the way.
fn bfgs<const N: usize>(
    f: &impl Fn(&[f64; N]) -> f64,
    start: [f64; N],
    known: Option<Inverse<N>>,
) -> (Optimum<N>, Option<Inverse<N>>) {
    let identity: Inverse<N> =
        std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    let mut evaluations = 1;
    let (mut at, mut value) = (start, f(&start));
    let mut slope = gradient(f, &at, &mut evaluations, false);
    let mut inverse = known.unwrap_or(identity);
    let mut fresh = known.is_none();
    for _ in 0..BFGS_STEPS {
        if steepest(&slope) <= SLOPE_DONE || !value.is_finite() {
            break;
        }
        let mut direction: [f64; N] = std::array::from_fn(|i| -dot(&inverse[i], &slope));
        if dot(&direction, &slope) >= 0.0 {
            inverse = identity;
            fresh = true;
            direction = slope.map(|part| -part);
        }
        // No step moves a parameter by more than a factor of e^1.5.
        let longest = steepest(&direction).max(f64::MIN_POSITIVE);
        let mut length = (1.5 / longest).min(1.0);
        let downhill = dot(&direction, &slope);
        let mut next = None;
        for _ in 0..25 {
            let point: [f64; N] = std::array::from_fn(|i| at[i] + length * direction[i]);
            evaluations += 1;
            let there = f(&point);
            if there <= value + 1e-4 * length * downhill {
                next = Some((point, there));
                break;
            }
            length *= 0.4;
        }
        let Some((point, there)) = next else {
            // Near the maximum the value changes by less than it is rounded.
            if fresh || steepest(&slope) <= SLOPE_ACCEPTED {
                break;
            }
            inverse = identity;
            fresh = true;
            continue;
        };
        let slope_there = gradient(f, &point, &mut evaluations, false);
        let moved: [f64; N] = std::array::from_fn(|i| point[i] - at[i]);
        let turned: [f64; N] = std::array::from_fn(|i| slope_there[i] - slope[i]);
        let curvature = dot(&moved, &turned);
        if curvature > 1e-14 {
            if fresh {
                let scale = curvature / dot(&turned, &turned);
                inverse = identity.map(|row| row.map(|cell| cell * scale));
            }
            update(&mut inverse, &moved, &turned, curvature);
            fresh = false;
        }
        (at, value, slope) = (point, there, slope_there);
    }
    let left = steepest(&slope);
    let converged = left <= SLOPE_ACCEPTED;
    let optimum = Optimum { at, value: -value, slope: left, evaluations, converged };
    (optimum, (!fresh).then_some(inverse))
}

/// Nocedal and Wright, eq. 6.17.
fn update<const N: usize>(
    inverse: &mut Inverse<N>,
    moved: &[f64; N],
    turned: &[f64; N],
    curvature: f64,
) {
    let product: [f64; N] = std::array::from_fn(|i| dot(&inverse[i], turned));
    let factor = (1.0 + dot(turned, &product) / curvature) / curvature;
    for i in 0..N {
        for j in 0..N {
            inverse[i][j] += factor * moved[i] * moved[j]
                - (product[i] * moved[j] + moved[i] * product[j]) / curvature;
        }
    }
}

/// Steps of Newton's method from where a search ended, and the standard errors of the logarithms of
/// the parameters: square roots of the diagonal of the inverse of the observed information of
/// `customers`. `None` where that is not positive definite: then the data do not tell the parameters
/// apart, and `optimum` stays as it is.
///
/// Along a flat ridge a small slope still leaves a parameter visibly off; these steps do not.
pub(crate) fn polish<const N: usize>(
    f: impl Fn(&[f64; N]) -> f64,
    optimum: &mut Optimum<N>,
    customers: f64,
) -> Option<[f64; N]> {
    let inverse = invert(&information(&f, &optimum.at))?;
    for _ in 0..3 {
        let slope = gradient(&f, &optimum.at, &mut optimum.evaluations, true);
        optimum.slope = steepest(&slope);
        let step: [f64; N] = std::array::from_fn(|i| dot(&inverse[i], &slope));
        if optimum.slope <= SLOPE_POLISHED || steepest(&step) > 0.1 {
            break;
        }
        let at: [f64; N] = std::array::from_fn(|i| optimum.at[i] + step[i]);
        let value = f(&at);
        if value.is_nan() || value < optimum.value - 1e-12 * optimum.value.abs() {
            break;
        }
        (optimum.at, optimum.value) = (at, value);
    }
    let errors: [f64; N] = std::array::from_fn(|i| (inverse[i][i] / customers).sqrt());
    errors.iter().all(|error| error.is_finite()).then_some(errors)
}

/// Minus the matrix of second derivatives of `f`, by central differences.
#[allow(clippy::needless_range_loop, reason = "matrices read best by row and column")]
fn information<const N: usize>(f: &impl Fn(&[f64; N]) -> f64, at: &[f64; N]) -> [[f64; N]; N] {
    const STEP: f64 = 2e-3;
    let shifted = |moves: &[(usize, f64)]| {
        let mut point = *at;
        for (index, by) in moves {
            point[*index] += by * STEP;
        }
        f(&point)
    };
    let middle = f(at);
    let mut information = [[0.0; N]; N];
    for i in 0..N {
        let near = shifted(&[(i, 1.0)]) + shifted(&[(i, -1.0)]);
        let far = shifted(&[(i, 2.0)]) + shifted(&[(i, -2.0)]);
        information[i][i] = (far - 16.0 * near + 30.0 * middle) / (12.0 * STEP * STEP);
        for j in 0..i {
            let same = shifted(&[(i, 1.0), (j, 1.0)]) + shifted(&[(i, -1.0), (j, -1.0)]);
            let other = shifted(&[(i, 1.0), (j, -1.0)]) + shifted(&[(i, -1.0), (j, 1.0)]);
            information[i][j] = (other - same) / (4.0 * STEP * STEP);
            information[j][i] = information[i][j];
        }
    }
    information
}

/// Inverse of a symmetric positive definite matrix through Cholesky's factor.
#[allow(clippy::needless_range_loop, reason = "matrices read best by row and column")]
fn invert<const N: usize>(matrix: &[[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let mut factor = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = matrix[i][j] - sum;
            if i != j {
                factor[i][j] = rest / factor[j][j];
            } else if rest > 1e-12 * matrix[i][i].abs() && rest.is_finite() {
                factor[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut inverse = [[0.0; N]; N];
    for column in 0..N {
        let mut half = [0.0; N];
        for i in 0..N {
            let sum: f64 = (0..i).map(|k| factor[i][k] * half[k]).sum();
            half[i] = (f64::from(u8::from(i == column)) - sum) / factor[i][i];
        }
        for i in (0..N).rev() {
            let sum: f64 = (i + 1..N).map(|k| factor[k][i] * inverse[k][column]).sum();
            inverse[i][column] = (half[i] - sum) / factor[i][i];
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_valley_is_followed_to_its_end() {
        // A hundredth of Rosenbrock's function; the maximum of its negative is at (1, 1).
        let f = |at: &[f64; 2]| -((at[1] - at[0] * at[0]).powi(2) + 0.01 * (1.0 - at[0]).powi(2));
        let optimum = maximise(f, f, &[[-1.2, 1.0], [3.0, -2.0]]);
        assert!(optimum.converged);
        assert!((optimum.at[0] - 1.0).abs() < 1e-3 && (optimum.at[1] - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_slope_without_end_is_at_the_edge_or_not_converged() {
        let f = |at: &[f64; 1]| at[0];
        let optimum = maximise(f, f, &[[0.0]]);
        assert!(!optimum.converged || optimum.at_edge().is_some());
    }

    #[test]
    fn standard_errors_of_a_known_paraboloid() {
        // Information [[4, 1], [1, 3]] * 100; inverse [[3, -1], [-1, 4]] / 1100.
        let f = |at: &[f64; 2]| {
            -0.5 * (4.0 * at[0] * at[0] + 2.0 * at[0] * at[1] + 3.0 * at[1] * at[1])
        };
        let ended = |at| Optimum { at, value: f(&at), slope: 1.0, evaluations: 0, converged: true };
        let mut optimum = ended([0.01, -0.02]);
        let errors = polish(f, &mut optimum, 100.0).unwrap();
        assert!((errors[0] - (3.0_f64 / 1100.0).sqrt()).abs() < 1e-7, "{errors:?}");
        assert!((errors[1] - (4.0_f64 / 1100.0).sqrt()).abs() < 1e-7, "{errors:?}");
        assert!(optimum.at[0].abs() < 1e-9 && optimum.at[1].abs() < 1e-9, "{optimum:?}");
        assert!(polish(|at: &[f64; 2]| -at[0] * at[0], &mut ended([0.0, 0.0]), 100.0).is_none());
    }
}
