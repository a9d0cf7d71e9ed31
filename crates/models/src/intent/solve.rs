//! Small dense symmetric systems.

/// Solves `a x = b` for a symmetric positive definite `a` (row-major, `b.len()` squared), by Cholesky.
/// `a` is overwritten by its factor, `b` by the solution. `false` if `a` is not positive definite.
///
/// Source: Golub and Van Loan, "Matrix Computations", algorithm 4.2.2.
pub(crate) fn cholesky_solve(a: &mut [f64], b: &mut [f64]) -> bool {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let (upper, lower) = a.split_at(i * n);
            let row_j = if j == i { &lower[..j] } else { &upper[j * n..j * n + j] };
            let sum: f64 = lower[..j].iter().zip(row_j).map(|(x, y)| x * y).sum();
            let rest = a[i * n + j] - sum;
            if i == j {
                // Also catches what is not a number.
                if rest.is_nan() || rest <= 0.0 {
                    return false;
                }
                a[i * n + i] = rest.sqrt();
            } else {
                a[i * n + j] = rest / a[j * n + j];
            }
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    true
}

/// Logistic function.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// Log-odds of a probability, which is kept away from 0 and 1.
pub(crate) fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}

/// ln(1 + eˣ).
pub(crate) fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_solution_solves(entries in proptest::collection::vec(-3.0..3.0f64, 20)) {
            // a = m mᵀ + I is positive definite.
            let n = 4;
            let mut a = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    a[i * n + j] = f64::from(u8::from(i == j))
                        + (0..n).map(|k| entries[i * n + k] * entries[j * n + k]).sum::<f64>();
                }
            }
            let b = &entries[16..];
            let mut x = b.to_vec();
            prop_assert!(cholesky_solve(&mut a.clone(), &mut x));
            for i in 0..n {
                let sum: f64 = (0..n).map(|j| a[i * n + j] * x[j]).sum();
                prop_assert!((sum - b[i]).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(!cholesky_solve(&mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0]));
        assert!(!cholesky_solve(&mut [f64::NAN], &mut [1.0]));
    }

    #[test]
    fn logistic_functions_hold_at_the_ends() {
        assert_eq!(sigmoid(-1e4), 0.0);
        assert_eq!(sigmoid(1e4), 1.0);
        assert_eq!(softplus(1e4), 1e4);
        assert!((softplus(0.0) - 2f64.ln()).abs() < 1e-15);
        assert!((sigmoid(logit(0.3)) - 0.3).abs() < 1e-12);
    }
}
