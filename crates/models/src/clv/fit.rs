//! What a fit gives, whatever the model.

use super::counts::Counts;
use super::error::ClvError;
use super::optimise;

/// A model fitted by maximum likelihood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit<M, const N: usize> {
    /// The model with its parameters.
    pub model: M,
    /// Log-likelihood of all customers.
    pub log_likelihood: f64,
    /// Standard errors of the parameters in their order, by the delta method from those of their
    /// logarithms. `None` if the observed information is not positive definite.
    pub standard_errors: Option<[f64; N]>,
    /// Largest derivative left of the mean log-likelihood by the logarithm of a parameter.
    pub slope: f64,
    /// Evaluations of the likelihood on all customers.
    pub evaluations: u32,
    /// Customers whose likelihood it is.
    pub customers: u64,
}

/// Where the search ended, in logarithms of the parameters.
pub(crate) struct Found<const N: usize> {
    logs: [f64; N],
    log_likelihood: f64,
    log_errors: Option<[f64; N]>,
    slope: f64,
    evaluations: u32,
    customers: u64,
}

impl<const N: usize> Found<N> {
    pub fn into_fit<M>(self, model: impl Fn(&[f64; N]) -> M) -> Fit<M, N> {
        let errors =
            self.log_errors.map(|errors| std::array::from_fn(|i| errors[i] * self.logs[i].exp()));
        Fit {
            model: model(&self.logs),
            log_likelihood: self.log_likelihood,
            standard_errors: errors,
            slope: self.slope,
            evaluations: self.evaluations,
            customers: self.customers,
        }
    }
}

/// Maximises a mean log-likelihood over logarithms of parameters.
///
/// # Errors
/// `AtTheEdge`, `NotConverged`.
pub(crate) fn maximise<const N: usize>(
    model: &'static str,
    names: &[&'static str; N],
    customers: u64,
    rough: impl Fn(&[f64; N]) -> f64,
    full: impl Fn(&[f64; N]) -> f64,
    starts: &[[f64; N]],
) -> Result<Found<N>, ClvError> {
    let mut optimum = optimise::maximise(rough, &full, starts);
    if let Some(index) = optimum.at_edge() {
        let value = optimum.at[index].exp();
        return Err(ClvError::AtTheEdge { model, name: names[index], value });
    }
    if !optimum.converged || !optimum.value.is_finite() {
        let (evaluations, slope) = (optimum.evaluations, optimum.slope);
        return Err(ClvError::NotConverged { model, evaluations, slope });
    }
    let total = customers as f64;
    let log_errors = optimise::polish(&full, &mut optimum, total);
    Ok(Found {
        logs: optimum.at,
        log_likelihood: optimum.value * total,
        log_errors,
        slope: optimum.slope,
        evaluations: optimum.evaluations,
        customers,
    })
}

/// Fits a model with the log-likelihood `of` to all customers of `counts`; the search begins with a sample of
/// them where they are many.
///
/// # Errors
/// Every kind of too little history; `AtTheEdge`, `NotConverged`.
pub(crate) fn to_counts<M, const N: usize>(
    model: &'static str,
    names: &[&'static str; N],
    counts: &Counts,
    starts: &[[f64; N]],
    from_logs: impl Fn(&[f64; N]) -> M,
    of: impl Fn(&M, &Counts) -> f64,
) -> Result<Fit<M, N>, ClvError> {
    let sample = counts.sample();
    let rough = sample.as_ref().unwrap_or(counts);
    let mean = |logs: &[f64; N], counts: &Counts| {
        of(&from_logs(logs), counts) / counts.customers().max(1) as f64
    };
    let found = maximise(
        model,
        names,
        counts.customers(),
        |logs| mean(logs, rough),
        |logs| mean(logs, counts),
        starts,
    )?;
    Ok(found.into_fit(from_logs))
}

/// Refuses parameters that are not finite and above 0.
pub(crate) fn check_parameters<const N: usize>(
    model: &'static str,
    names: &[&'static str; N],
    values: &[f64; N],
) -> Result<(), ClvError> {
    for (name, value) in names.iter().zip(values) {
        if !(value.is_finite() && *value > 0.0) {
            return Err(ClvError::BadParameter { model, name, value: *value });
        }
    }
    Ok(())
}
