//! Special functions in the ranges that the models need.

/// Terms after which the power series is given up.
const MAX_TERMS: u32 = 200_000;
/// Steps after which the continued fraction is given up.
const MAX_STEPS: u32 = 20_000;
/// Up to here the power series is summed at once; beyond, the function is continued in steps.
const SERIES_TO: f64 = 0.9;
/// A series whose parameter is below this loses too many digits to alternating signs.
const BENIGN: f64 = -12.0;

/// Natural logarithm of the gamma function for `x > 0`.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// Natural logarithm of the beta function for `a, b > 0`.
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// `ln(exp(a) + exp(b))` without overflow.
#[must_use]
pub fn log_add_exp(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// Gauss's hypergeometric function `2F1(a, b; c; z)` for real arguments and `z < 1`.
///
/// Meant for `a, b > -12` (or `c - a, c - b > -12`), `c > 0` below some thousands. Relative error
/// about 1e-12 there, as far as the tests against mpmath go. `None` where it is not defined or the
/// series does not come to an end: the caller has another way or reports it.
///
/// Transformations of Pfaff and Euler (DLMF 15.8.1), power series (DLMF 15.2.1) to 0.9, and from
/// there Taylor steps along the differential equation (DLMF 15.10.1), each half way to 1. The steps
/// need no case for whole numbers `c - a - b`, where the usual formula in `1 - z` breaks down.
#[must_use]
pub fn hyp2f1(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    let known = [a, b, c, z].iter().all(|value| value.is_finite());
    if !known || z >= 1.0 || (c <= 0.0 && c == c.floor()) {
        return None;
    }
    if a == 0.0 || b == 0.0 || z == 0.0 {
        return Some(1.0);
    }
    let value = if z < 0.0 {
        let (a, b) = if (c - b).min(a) >= (c - a).min(b) { (a, b) } else { (b, a) };
        (-a * (-z).ln_1p()).exp() * on_unit_interval(a, c - b, c, z / (z - 1.0))?
    } else {
        on_unit_interval(a, b, c, z)?
    };
    value.is_finite().then_some(value)
}

fn on_unit_interval(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    let swap = c - a - b < 0.0;
    let plain_is_benign = a.min(b) > BENIGN;
    let euler_is_benign = (c - a).min(c - b) > BENIGN;
    if (swap && euler_is_benign) || !plain_is_benign {
        if !euler_is_benign {
            return None;
        }
        return Some(((c - a - b) * (-z).ln_1p()).exp() * series_or_steps(c - a, c - b, c, z)?);
    }
    series_or_steps(a, b, c, z)
}

fn series_or_steps(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    // With c large against a and b the series ends soon whatever z; steps would lose digits there,
    // because the equation's other solution, z^(1-c), falls so steeply.
    if z <= SERIES_TO || c > 60.0 || c - a - b >= 8.0 {
        return series(a, b, c, z);
    }
    let mut at = SERIES_TO;
    let mut value = series(a, b, c, at)?;
    let mut slope = a * b / c * series(a + 1.0, b + 1.0, c + 1.0, at)?;
    while at < z {
        let step = (0.5 * (1.0 - at)).min(z - at);
        (value, slope) = taylor_step(a, b, c, at, step, value, slope)?;
        if step >= z - at {
            break;
        }
        at += step;
    }
    Some(value)
}

fn series(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    let mut term = 1.0_f64;
    let mut sum = 1.0_f64;
    for index in 0..MAX_TERMS {
        let n = f64::from(index);
        let ratio = (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        term *= ratio;
        sum += term;
        // Once the ratio is below one it stays so, and the rest is at most a geometric series.
        let rest = term.abs() / (1.0 - ratio.abs().max(z.abs()).min(1.0 - 1e-12));
        if term == 0.0 || (ratio.abs() < 1.0 && rest <= f64::EPSILON * 0.5 * sum.abs()) {
            return Some(sum);
        }
        if !sum.is_finite() {
            return None;
        }
    }
    None
}

/// Value and slope at `at + step` from those at `at`.
fn taylor_step(
    a: f64,
    b: f64,
    c: f64,
    at: f64,
    step: f64,
    value: f64,
    slope: f64,
) -> Option<(f64, f64)> {
    let curve = at * (1.0 - at);
    // Terms, not coefficients, which would overflow near 1.
    let (mut before, mut present) = (value, slope * step);
    let (mut sum, mut slope_sum) = (before + present, slope);
    let mut quiet = 0;
    for index in 0..2_000 {
        let n = f64::from(index);
        let term = ((n + a) * (n + b) * before * step
            - (n + 1.0) * (n * (1.0 - 2.0 * at) + c - (a + b + 1.0) * at) * present)
            * step
            / (curve * (n + 1.0) * (n + 2.0));
        let slope_term = (n + 2.0) * term / step;
        sum += term;
        slope_sum += slope_term;
        let small = term.abs() <= f64::EPSILON * 0.1 * sum.abs()
            && slope_term.abs() <= f64::EPSILON * 0.1 * slope_sum.abs();
        quiet = if small { quiet + 1 } else { 0 };
        if quiet == 3 {
            return Some((sum, slope_sum));
        }
        (before, present) = (present, term);
    }
    None
}

/// `2F1(1, b; c; z)` for `0 < b`, `c > 1` and `z < 1` by Gauss's continued fraction (DLMF 15.7.1
/// with one parameter 0), evaluated with Lentz's method.
///
/// A dozen steps for `z` up to one half, some hundreds for `z` = 0.9999, where the power series
/// would need 100,000 terms. `None` if it does not settle.
#[must_use]
pub fn hyp2f1_one(b: f64, c: f64, z: f64) -> Option<f64> {
    const TINY: f64 = 1e-300;
    if !(b > 0.0 && c > 1.0 && z < 1.0 && b.is_finite() && c.is_finite() && z.is_finite()) {
        return None;
    }
    let base = c - 1.0;
    // The fraction is 1 / (1 - k1 z / (1 - k2 z / ...)); `value` is the denominator.
    let (mut value, mut upper, mut lower) = (1.0_f64, 1.0_f64, 0.0_f64);
    for index in 0..MAX_STEPS {
        let n = f64::from(index / 2);
        let coefficient = if index % 2 == 0 {
            let two = base + 2.0 * n;
            (b + n) * (base + n) / (two * (two + 1.0))
        } else {
            let m = n + 1.0;
            let two = base + 2.0 * m;
            m * (base - b + m) / ((two - 1.0) * two)
        };
        let part = -coefficient * z;
        lower = 1.0 + part * lower;
        lower = 1.0 / if lower.abs() < TINY { TINY } else { lower };
        upper = 1.0 + part / upper;
        if upper.abs() < TINY {
            upper = TINY;
        }
        let change = upper * lower;
        value *= change;
        if (change - 1.0).abs() <= f64::EPSILON {
            return Some(1.0 / value).filter(|value| value.is_finite());
        }
    }
    None
}

/// Integral over 0 to 1 by the double-exponential rule of Takahasi and Mori (1974).
///
/// `f(p, q)` gets the point and `q = 1 - p`, each with full relative precision, so that it may be
/// infinite at either end. The step is halved until two results agree to 1e-12.
pub fn integrate_unit(f: impl Fn(f64, f64) -> f64) -> f64 {
    const REACH: f64 = 6.1;
    let point = |t: f64| {
        // p = 1 / (1 + exp(-pi sinh t)) and dp/dt = pi cosh t p q.
        let u = std::f64::consts::PI * t.sinh();
        let (p, q) = (1.0 / (1.0 + (-u).exp()), 1.0 / (1.0 + u.exp()));
        let weight = std::f64::consts::PI * t.cosh() * p * q;
        let value = if weight > 0.0 && p > 0.0 && q > 0.0 { weight * f(p, q) } else { 0.0 };
        if value.is_finite() { value } else { 0.0 }
    };
    let mut step = 0.5;
    let count = (REACH / step) as i32;
    let mut sum: f64 = (-count..=count).map(|i| point(f64::from(i) * step)).sum();
    let mut before = sum * step;
    for _ in 0..7 {
        let count = (REACH / step) as i32;
        sum += (-count..count).map(|i| point((f64::from(i) + 0.5) * step)).sum::<f64>();
        step *= 0.5;
        let present = sum * step;
        if (present - before).abs() <= 1e-12 * present.abs() {
            return present;
        }
        before = present;
    }
    before
}
