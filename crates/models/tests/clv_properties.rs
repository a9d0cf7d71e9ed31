//! What must hold whatever the parameters and the data.

mod clv_common;

use clv_common::simulate::{Dice, columns};
use clv_common::{published_summary, sample_rows, sample_summary};
use models::clv::bgnbd::BgNbd;
use models::clv::counts::Counts;
use models::clv::error::ClvError;
use models::clv::gamma_gamma::GammaGamma;
use models::clv::pnbd::ParetoNbd;
use models::clv::summary::{Transactions, Unit, summarise};
use proptest::prelude::*;

/// A parameter between 1/20 and 20, evenly by its logarithm.
fn parameter() -> impl Strategy<Value = f64> {
    (-3.0..3.0_f64).prop_map(f64::exp)
}

fn customer() -> impl Strategy<Value = (u32, f64, f64)> {
    (0..60_u32, 0.0..1.0_f64, 0.0..150.0_f64)
        .prop_map(|(x, share, age)| (x, if x == 0 { 0.0 } else { share * age }, age))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bgnbd_gives_probabilities_and_expectations(
        (r, alpha, a, b) in (parameter(), parameter(), parameter(), parameter()),
        (x, last, age) in customer(),
        horizon in 0.01..200.0_f64,
    ) {
        let model = BgNbd::new(r, alpha, a, b).unwrap();
        let alive = model.probability_alive(x, last, age);
        prop_assert!((0.0..=1.0).contains(&alive));
        // A later last purchase speaks for being active; so does less time since.
        prop_assert!(model.probability_alive(x, last, age + 1.0) <= alive);
        if x > 0 {
            prop_assert!(model.probability_alive(x, age, age) >= alive);
        }
        let expected = model.expected_if_alive(x, age, horizon);
        prop_assert!(expected.is_finite() && expected >= 0.0, "{expected}");
        // Nobody buys more often than a customer who cannot be lost.
        prop_assert!(expected <= (r + f64::from(x)) / (alpha + age) * horizon * (1.0 + 1e-9));
        let more = model.expected_if_alive(x, age, horizon * 1.1);
        prop_assert!(more >= expected * (1.0 - 1e-9), "{more} {expected}");
        let some = model.probability_of_order(x, last, age, horizon);
        prop_assert!((0.0..=alive).contains(&some));
        // An expectation of counts is at least the probability of one.
        prop_assert!(alive * expected >= some * (1.0 - 1e-8), "{expected} {some}");
        if let Some(median) = model.median_time_to_order(x, last, age) {
            let half = model.probability_of_order(x, last, age, median);
            prop_assert!((half - 0.5).abs() < 1e-6, "{half}");
        }
    }

    #[test]
    fn bgnbd_counts_sum_to_one_and_to_the_expectation(
        (r, alpha, a, b) in (parameter(), parameter(), parameter(), parameter()),
        times_alpha in 0.01..60.0_f64,
    ) {
        // Rates scatter by 1 / alpha, so that 3,000 terms are enough for the fastest buyers.
        let time = times_alpha * alpha;
        let model = BgNbd::new(r, alpha, a, b).unwrap();
        let shares = model.repeat_distribution(time, 3_000);
        let total: f64 = shares.iter().sum();
        prop_assert!((total - 1.0).abs() < 1e-6, "{total}");
        let mean: f64 = shares.iter().enumerate().map(|(n, share)| n as f64 * share).sum();
        let expected = model.expected_new(time);
        prop_assert!((mean - expected).abs() < 1e-5 * (1.0 + expected), "{mean} {expected}");
    }

    #[test]
    fn pareto_nbd_gives_probabilities_and_expectations(
        (r, alpha, s, beta) in (parameter(), parameter(), parameter(), parameter()),
        (x, last, age) in customer(),
        horizon in 0.01..200.0_f64,
    ) {
        let model = ParetoNbd::new(r, alpha, s, beta).unwrap();
        let alive = model.probability_alive(x, last, age);
        prop_assert!((0.0..=1.0).contains(&alive), "{alive}");
        prop_assert!(model.probability_alive(x, last, age + 1.0) <= alive + 1e-9);
        prop_assert!(model.probability_alive(x, age, age) >= alive - 1e-9);
        let expected = model.expected_if_alive(x, age, horizon);
        prop_assert!(expected.is_finite() && expected >= 0.0);
        prop_assert!(expected <= (r + f64::from(x)) / (alpha + age) * horizon * (1.0 + 1e-9));
        prop_assert!(model.expected_if_alive(x, age, horizon * 1.1) >= expected);
    }

    #[test]
    fn spend_lies_between_the_customer_and_the_population(
        (p, q, v) in (parameter(), parameter(), parameter()),
        x in 1..200_u32,
        mean in 0.01..1_000.0_f64,
    ) {
        let model = GammaGamma::new(p, 1.05 + q, v).unwrap();
        let all = model.population_mean().unwrap();
        let own = model.expected_spend(x, mean).unwrap();
        prop_assert!(own >= all.min(mean) * (1.0 - 1e-9) && own <= all.max(mean) * (1.0 + 1e-9));
        prop_assert_eq!(model.expected_spend(0, 0.0).unwrap(), all);
    }
}

/// Pareto/NBD's likelihood against the integral over lifetimes that it comes from.
#[test]
fn pareto_nbd_likelihood_against_the_integral() {
    use models::clv::special::{integrate_unit, ln_gamma};
    let parameters = [
        [0.553, 10.578, 0.606, 11.669],
        [0.553, 11.669, 0.606, 10.578],
        [2.0, 1.0, 0.3, 50.0],
        [0.2, 30.0, 3.0, 0.5],
        [1.0, 7.0, 1.0, 7.0],
    ];
    for [r, alpha, s, beta] in parameters {
        let model = ParetoNbd::new(r, alpha, s, beta).unwrap();
        for (x, last, age) in [(0, 0.0, 30.0), (3, 12.0, 30.0), (26, 30.86, 31.0), (60, 5.0, 39.0)]
        {
            let counts = Counts::new(&[x], &[last], &[age]).unwrap();
            let n = f64::from(x);
            // Given the moment of loss y, rates integrate to (alpha + y)^-(r+x) and a Pareto density.
            let density =
                |y: f64| (-(r + n) * (alpha + y).ln() - (s + 1.0) * (beta + y).ln()).exp();
            let lost =
                s * (age - last) * integrate_unit(|share, _| density(last + share * (age - last)));
            let active = (-(r + n) * (alpha + age).ln() - s * (beta + age).ln()).exp();
            let constant = ln_gamma(r + n) - ln_gamma(r) + r * alpha.ln() + s * beta.ln();
            let expected = constant + (active + lost).ln();
            let found = model.log_likelihood(&counts);
            assert!((found - expected).abs() < 1e-9, "{model:?} {x}: {found} {expected}");
            let alive = active / (active + lost);
            assert!((model.probability_alive(x, last, age) - alive).abs() < 1e-9);
        }
    }
}

#[test]
fn grouping_does_not_change_the_likelihood() {
    let (x, last, age) = published_summary();
    let together = Counts::new(&x, &last, &age).unwrap();
    assert!(together.groups() < x.len());
    let bgnbd = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
    let pnbd = ParetoNbd::new(0.553, 10.578, 0.606, 11.669).unwrap();
    let (mut one_by_one, mut other) = (0.0, 0.0);
    for ((x, last), age) in x.iter().zip(&last).zip(&age) {
        let alone = Counts::new(&[*x], &[*last], &[*age]).unwrap();
        one_by_one += bgnbd.log_likelihood(&alone);
        other += pnbd.log_likelihood(&alone);
    }
    assert!((bgnbd.log_likelihood(&together) - one_by_one).abs() < 1e-8);
    assert!((pnbd.log_likelihood(&together) - other).abs() < 1e-8);
}

#[test]
fn order_of_input_and_repetition_do_not_matter() {
    let (mut x, mut last, mut age) = published_summary();
    let forward = BgNbd::fit(&Counts::new(&x, &last, &age).unwrap()).unwrap();
    let again = BgNbd::fit(&Counts::new(&x, &last, &age).unwrap()).unwrap();
    assert_eq!(forward, again);
    x.reverse();
    last.reverse();
    age.reverse();
    assert_eq!(BgNbd::fit(&Counts::new(&x, &last, &age).unwrap()).unwrap(), forward);

    let summary = sample_summary();
    let (mut customer, mut day, mut amount) = sample_rows();
    customer.reverse();
    day.reverse();
    amount.reverse();
    let rows = Transactions { customer: &customer, day: &day, amount: &amount };
    assert_eq!(summarise(rows, summary.window).unwrap(), summary);
}

#[test]
fn the_unit_scales_times_and_nothing_else() {
    let summary = sample_summary();
    let week = BgNbd::fit(&summary.counts(Unit::Week).unwrap()).unwrap();
    let day = BgNbd::fit(&summary.counts(Unit::Day).unwrap()).unwrap();
    let month = BgNbd::fit(&summary.counts(Unit::Month).unwrap()).unwrap();
    for (other, days) in [(day, 1.0), (month, 30.4375)] {
        assert!((other.model.r / week.model.r - 1.0).abs() < 1e-5);
        assert!((other.model.alpha * days / (week.model.alpha * 7.0) - 1.0).abs() < 1e-5);
        assert!((other.model.b / week.model.b - 1.0).abs() < 1e-4);
    }
}

/// Mean of ((found - truth) / standard error)² over parameters and samples: 1 if the errors are honest.
fn mean_square<const N: usize>(fits: &[([f64; N], [f64; N])], truth: [f64; N]) -> f64 {
    let squares = fits.iter().flat_map(|(found, errors)| {
        (0..N).map(|i| ((found[i] - truth[i]) / errors[i]).powi(2)).collect::<Vec<f64>>()
    });
    squares.sum::<f64>() / (fits.len() * N) as f64
}

#[test]
fn standard_errors_are_honest() {
    let truth = [0.8, 6.0, 0.9, 2.5];
    let fits: Vec<_> = (100..130)
        .map(|seed| {
            let (x, last, age) = columns(seed, 1_500, |dice, end| dice.bgnbd(truth, end));
            let fit = BgNbd::fit(&Counts::new(&x, &last, &age).unwrap()).unwrap();
            let BgNbd { r, alpha, a, b } = fit.model;
            ([r, alpha, a, b], fit.standard_errors.unwrap())
        })
        .collect();
    let square = mean_square(&fits, truth);
    assert!((0.6..1.6).contains(&square), "{square}");

    let truth = [0.8, 6.0, 0.7, 9.0];
    let fits: Vec<_> = (200..210)
        .map(|seed| {
            let (x, last, age) = columns(seed, 1_000, |dice, end| dice.pnbd(truth, end));
            let fit = ParetoNbd::fit(&Counts::new(&x, &last, &age).unwrap()).unwrap();
            let ParetoNbd { r, alpha, s, beta } = fit.model;
            ([r, alpha, s, beta], fit.standard_errors.unwrap())
        })
        .collect();
    let square = mean_square(&fits, truth);
    assert!((0.6..1.6).contains(&square), "{square}");
}

/// Within four standard errors of the truth, on customers who behave as the model says.
#[track_caller]
fn recovered<const N: usize>(found: [f64; N], errors: Option<[f64; N]>, truth: [f64; N]) {
    let errors = errors.expect("standard errors");
    for ((found, error), truth) in found.iter().zip(errors).zip(truth) {
        assert!((found - truth).abs() <= 4.0 * error, "{found} ± {error} for {truth}");
        assert!(error < 0.5 * truth, "{found} ± {error} says nothing");
    }
}

#[test]
fn bgnbd_parameters_are_recovered() {
    for (seed, truth) in [(1, [0.8, 6.0, 0.9, 2.5]), (2, [2.0, 5.0, 1.0, 6.0])] {
        let (x, last, age) = columns(seed, 8_000, |dice, end| dice.bgnbd(truth, end));
        let fit = BgNbd::fit(&Counts::new(&x, &last, &age).unwrap()).unwrap();
        let BgNbd { r, alpha, a, b } = fit.model;
        recovered([r, alpha, a, b], fit.standard_errors, truth);
    }
}

#[test]
fn pareto_nbd_parameters_are_recovered() {
    for (seed, truth) in [(3, [0.8, 6.0, 0.7, 9.0]), (4, [1.5, 12.0, 1.2, 8.0])] {
        let (x, last, age) = columns(seed, 6_000, |dice, end| dice.pnbd(truth, end));
        let fit = ParetoNbd::fit(&Counts::new(&x, &last, &age).unwrap()).unwrap();
        let ParetoNbd { r, alpha, s, beta } = fit.model;
        recovered([r, alpha, s, beta], fit.standard_errors, truth);
    }
}

#[test]
fn gamma_gamma_parameters_are_recovered_in_any_currency() {
    for (seed, scale) in [(5, 1.0), (6, 1e-4), (7, 1e6)] {
        let (mut dice, truth) = (Dice::new(seed), [6.0, 4.0, 15.0]);
        let x: Vec<u32> = (0..8_000).map(|i| 1 + i % 7).collect();
        let mean: Vec<f64> = x.iter().map(|x| scale * dice.mean_spend(truth, *x)).collect();
        let fit = GammaGamma::fit(&x, &mean).unwrap();
        let GammaGamma { p, q, v } = fit.model;
        recovered([p, q, v], fit.standard_errors, [truth[0], truth[1], truth[2] * scale]);
        let found = fit.model.log_likelihood(&x, &mean).unwrap();
        assert!((found - fit.log_likelihood).abs() < 1e-6 * found.abs());
    }
}

#[test]
fn customers_who_do_not_differ_have_no_maximum_inside() {
    // Everybody buys at one rate and nobody is ever lost.
    let mut dice = Dice::new(8);
    let (mut x, mut last, mut age) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2_000 {
        let (mut now, mut count, mut latest) = (0.0, 0, 0.0);
        loop {
            now += dice.exponential(0.2);
            if now > 40.0 {
                break;
            }
            (count, latest) = (count + 1, now);
        }
        x.push(count);
        last.push(latest);
        age.push(40.0);
    }
    match BgNbd::fit(&Counts::new(&x, &last, &age).unwrap()) {
        Err(ClvError::AtTheEdge { .. } | ClvError::NotConverged { .. }) => {}
        Ok(fit) => {
            // Where rounding flattens the slope first, the rate and not the parameter is the finding.
            let rate = fit.model.r / fit.model.alpha;
            assert!((rate - 0.2).abs() < 0.01, "{fit:?}");
            assert!(fit.model.probability_alive(8, 38.0, 40.0) > 0.97, "{fit:?}");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn spends_that_cannot_be() {
    assert!(matches!(GammaGamma::fit(&[1], &[-1.0]), Err(ClvError::BadAmount { index: 0, .. })));
    assert!(matches!(GammaGamma::fit(&[1, 2], &[f64::NAN, 1.0]), Err(ClvError::BadAmount { .. })));
    assert!(matches!(
        GammaGamma::fit(&[1; 9], &[5.0; 9]),
        Err(ClvError::TooFewSpenders { found: 9, needed: 10 })
    ));
    let heavy = GammaGamma::new(2.0, 0.8, 3.0).unwrap();
    assert!(matches!(heavy.expected_spend(0, 0.0), Err(ClvError::NoMeanSpend { .. })));
    assert!(matches!(
        BgNbd::new(1.0, 0.0, 1.0, 1.0),
        Err(ClvError::BadParameter { name: "alpha", .. })
    ));
}
