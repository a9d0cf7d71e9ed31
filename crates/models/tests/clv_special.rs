//! Special functions against values computed with mpmath 1.4 at 40 digits (`mpmath.hyp2f1`).
#![allow(clippy::excessive_precision, reason = "digits as mpmath printed them")]

use models::clv::special::{hyp2f1, hyp2f1_one, integrate_unit, ln_beta, ln_gamma, log_add_exp};

#[track_caller]
fn close(found: f64, expected: f64, relative: f64) {
    assert!(
        (found - expected).abs() <= relative * expected.abs(),
        "{found:e} for {expected:e}, off by {:e}",
        (found - expected).abs() / expected.abs()
    );
}

#[test]
fn hypergeometric_function_against_mpmath() {
    let values = [
        (0.5, 1.5, 2.5, 0.3, 1.1080625510569319933),
        (-0.207, 1.976, 2.219, 0.474, 0.89140757524616433147),
        (-0.207, 1.976, 4.219, 0.93, 0.87708595647833015614),
        (0.243, 2.426, 2.219, 0.9, 1.9476311698186014235),
        (0.243, 2.426, 2.219, 0.999, 11.09650428868048555),
        (1.0, 1.0, 2.0, 0.99999, 11.513040595376182182),
        (2.0, 3.0, 5.0, 0.995, 35.031142147874115824),
        (1.5, 0.5, 3.0, 0.97, 1.591006376632227418),
        (2.243, 4.426, 4.219, 0.469, 4.4729267472426911145),
        (30.2, 31.1, 32.5, 0.5, 492000084.20726213905),
        (-0.2, 1.9, 200.2, 0.999, 0.99809274630694838439),
        (0.5, 0.7, 12.0, 0.9999, 1.0326214653871777128),
        (3.5, 1.25, 2.75, -7.5, 0.046205964084665824339),
        (0.3, 0.4, 0.9, -0.4, 0.95486260578532827765),
        (-0.5, -3.2, 2.1, 0.95, 1.6183350871142669283),
        (40.25, 50.5, 120.75, 0.97, 645228246006.6904093),
        (1.2, 2.3, 3.5, 0.999999, 38.314317084674798874),
        (0.8, 5.5, 2.2, 0.98, 1173260.9501613819886),
    ];
    for (a, b, c, z, expected) in values {
        // Near 1 the argument itself carries the error: (1 - z) keeps as many digits fewer.
        let room = 5e-13_f64.max(1e-16 / (1.0 - z) * 4.0);
        let found = hyp2f1(a, b, c, z).unwrap_or_else(|| panic!("{a} {b} {c} {z}"));
        close(found, expected, room);
        close(hyp2f1(b, a, c, z).unwrap(), expected, room);
    }
}

#[test]
fn continued_fraction_against_mpmath() {
    let values = [
        (0.553, 3.2, 0.1, 1.0179535367858780273),
        (26.553, 28.159, 0.02, 1.0192226258999127116),
        (0.553, 1.16, 0.9, 2.8591670297201889491),
        (1.606, 30.0, 0.5, 1.0279599475231054118),
        (2.5, 2.75, 0.9999, 1480.5487263676590309),
        (100.5, 101.2, 0.7, 3.281504669476880233),
        (0.25, 1.0001, 0.999, 5.6211825656038016423),
        (3.5, 7.25, -4.0, 0.36337124502359308548),
        (0.001, 1.01, 0.99, 1.0044958223044438396),
    ];
    for (b, c, z, expected) in values {
        let room = 1e-13_f64.max(1e-16 / (1.0 - z) * 4.0);
        close(hyp2f1_one(b, c, z).unwrap(), expected, room);
    }
}

#[test]
fn both_ways_agree_where_both_apply() {
    for b in [0.1, 0.9, 3.3, 17.0] {
        for above in [0.05, 1.0, 2.5] {
            for z in [-3.0, 0.01, 0.4, 0.85, 0.93, 0.99] {
                let c = 1.0 + b + above;
                close(hyp2f1(1.0, b, c, z).unwrap(), hyp2f1_one(b, c, z).unwrap(), 1e-11);
            }
        }
    }
}

#[test]
fn what_is_not_defined_is_none() {
    assert_eq!(hyp2f1(1.0, 1.0, 2.0, 1.0), None);
    assert_eq!(hyp2f1(1.0, 1.0, -2.0, 0.5), None);
    assert_eq!(hyp2f1(f64::NAN, 1.0, 2.0, 0.5), None);
    assert_eq!(hyp2f1_one(1.0, 2.0, 1.0), None);
    assert_eq!(hyp2f1_one(0.0, 2.0, 0.5), None);
}

#[test]
fn gamma_beta_and_sums_of_logarithms() {
    close(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln(), 1e-15);
    close(ln_gamma(11.0), 3_628_800_f64.ln(), 1e-15);
    close(ln_beta(2.0, 3.0), (1.0_f64 / 12.0).ln(), 1e-14);
    assert_eq!(log_add_exp(-1e4, f64::NEG_INFINITY), -1e4);
    close(log_add_exp(-1e4, -1e4), -1e4 + 2.0_f64.ln(), 1e-15);
}

#[test]
fn integrals_with_infinite_ends() {
    // The beta function as its integral: both ends infinite.
    for (a, b) in [(0.3, 0.2), (0.79, 2.43), (5.0, 0.7), (40.0, 60.0)] {
        let found = integrate_unit(|p, q| ((a - 1.0) * p.ln() + (b - 1.0) * q.ln()).exp());
        close(found, ln_beta(a, b).exp(), 1e-11);
    }
}
