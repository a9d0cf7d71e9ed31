//! How one column becomes features.

use serde::{Deserialize, Serialize};

use super::coerce::{NONE, OTHER, codes, numbers, wrong_kind, yes_no};
use super::error::ScoreError;
use super::features::{EncoderOptions, FeatureKind};
use super::frame::{Column, ColumnData, Kind};

/// Centre and scale; a scale of 0 is taken as 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scale {
    mean: f64,
    deviation: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt();
        // Below that the spread is only the rounding of the mean.
        let alike = deviation <= 1e-12 * mean.abs() || !deviation.is_normal();
        Self { mean, deviation: if alike { 1.0 } else { deviation } }
    }

    fn is_sound(&self) -> bool {
        self.mean.is_finite() && self.deviation.is_normal() && self.deviation > 0.0
    }

    pub(crate) fn apply(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// How one column is encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum How {
    /// Median for missing, kept within the range of the training, centred and scaled.
    Number { median: f64, low: f64, high: f64, scale: Scale, indicator: bool },
    /// 0, 1, and the training's mean for missing.
    YesNo { mean: f64, indicator: bool },
    /// One feature a category.
    OneHot { levels: Vec<String>, other: bool, missing: bool },
    /// Mean outcome.
    Means { levels: Vec<(String, f64)>, other: f64, missing: f64, scale: Scale },
}

/// A column and how it is encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Encoding {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) how: How,
}

/// A mean drawn to `prior` as if `rows` more rows had it.
pub(crate) fn shrunk((positives, count): (f64, f64), prior: f64, rows: f64) -> f64 {
    (positives + rows * prior) / (count + rows)
}

impl Encoding {
    pub(crate) fn fit(
        column: &Column,
        rows: &[u32],
        outcomes: &[bool],
        options: &EncoderOptions,
    ) -> Result<Self, ScoreError> {
        let kind = column.kind();
        let how = match kind {
            Kind::Numeric | Kind::Date => Self::fit_number(column, rows),
            Kind::Boolean => {
                let known: Vec<f64> = rows
                    .iter()
                    .map(|&row| column.number(row as usize))
                    .filter(|value| !value.is_nan())
                    .collect();
                let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
                How::YesNo { mean, indicator: known.len() < rows.len() }
            }
            Kind::Categorical => Self::fit_levels(column, rows, outcomes, options),
            Kind::Text => return Err(wrong_kind(column, Kind::Categorical)),
        };
        Ok(Self { name: column.name.clone(), kind, how })
    }

    fn fit_number(column: &Column, rows: &[u32]) -> How {
        let mut known: Vec<f64> = rows
            .iter()
            .map(|&row| column.number(row as usize))
            .filter(|value| !value.is_nan())
            .collect();
        known.sort_by(f64::total_cmp);
        let indicator = known.len() < rows.len();
        let at = |place: usize| known.get(place).copied().unwrap_or(0.0);
        let median = if known.is_empty() {
            0.0
        } else {
            at((known.len() - 1) / 2) / 2.0 + at(known.len() / 2) / 2.0
        };
        let (low, high) = (at(0), known.last().copied().unwrap_or(0.0));
        let filled = known.iter().copied();
        let blanks = std::iter::repeat_n(median, rows.len() - known.len());
        let scale = Scale::of(filled.chain(blanks));
        How::Number { median, low, high, scale, indicator }
    }

    fn fit_levels(
        column: &Column,
        rows: &[u32],
        outcomes: &[bool],
        options: &EncoderOptions,
    ) -> How {
        let ColumnData::Categorical { codes, labels } = &column.data else {
            return How::OneHot { levels: Vec::new(), other: false, missing: false };
        };
        let mut sums = vec![(0.0, 0.0); labels.len() + 1];
        for (&row, &outcome) in rows.iter().zip(outcomes) {
            let sum = &mut sums[(codes[row as usize] as usize).min(labels.len())];
            sum.0 += f64::from(u8::from(outcome));
            sum.1 += 1.0;
        }
        let missing = sums[labels.len()];
        let mut order: Vec<usize> = (0..labels.len()).filter(|&code| sums[code].1 > 0.0).collect();
        let distinct = order.len();
        order.retain(|&code| sums[code].1 >= options.level_rows as f64);
        // By the label where counts are equal, so that the order in the file says nothing.
        order.sort_by(|&a, &b| {
            sums[b].1.total_cmp(&sums[a].1).then_with(|| labels[a].cmp(&labels[b]))
        });
        if order.len() <= options.one_hot_levels {
            let levels: Vec<String> = order.iter().map(|&code| labels[code].clone()).collect();
            let other = levels.len() < distinct;
            return How::OneHot { levels, other, missing: missing.1 > 0.0 };
        }
        order.truncate(options.mean_levels);
        let all = (rows.len() as f64).max(1.0);
        let prior = outcomes.iter().filter(|&&outcome| outcome).count() as f64 / all;
        let mean = |sum| shrunk(sum, prior, options.mean_prior_rows);
        let mut rest = sums[..labels.len()].to_vec();
        for &code in &order {
            rest[code] = (0.0, 0.0);
        }
        let rest = rest.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let values: Vec<f64> = rows
            .iter()
            .map(|&row| mean(sums[(codes[row as usize] as usize).min(labels.len())]))
            .collect();
        How::Means {
            levels: order.iter().map(|&code| (labels[code].clone(), mean(sums[code]))).collect(),
            other: mean(rest),
            missing: mean(missing),
            scale: Scale::of(values.iter().copied()),
        }
    }

    pub(crate) fn kinds(&self) -> Vec<FeatureKind> {
        let with = |first, indicator: bool| {
            let mut kinds = vec![first];
            if indicator {
                kinds.push(FeatureKind::Missing);
            }
            kinds
        };
        match &self.how {
            How::Number { indicator, .. } | How::YesNo { indicator, .. } => {
                with(FeatureKind::Value, *indicator)
            }
            How::OneHot { levels, other, missing } => {
                let mut kinds: Vec<FeatureKind> =
                    levels.iter().cloned().map(FeatureKind::Level).collect();
                kinds.extend(other.then_some(FeatureKind::Other));
                kinds.extend(missing.then_some(FeatureKind::Missing));
                kinds
            }
            How::Means { .. } => vec![FeatureKind::Mean],
        }
    }

    /// Writes the features of `rows` into `values`, from column `at` of `width`.
    pub(crate) fn write(
        &self,
        column: &Column,
        rows: &[u32],
        values: &mut [f64],
        width: usize,
        at: usize,
    ) -> Result<(), ScoreError> {
        let out = rows.iter().enumerate().map(|(place, &row)| (place * width + at, row as usize));
        match &self.how {
            How::Number { median, low, high, scale, indicator } => {
                let number = numbers(column, self.kind)?;
                for (place, row) in out {
                    let value = number(row);
                    let filled = if value.is_nan() { *median } else { value.clamp(*low, *high) };
                    values[place] = scale.apply(filled);
                    if *indicator {
                        values[place + 1] = f64::from(u8::from(value.is_nan()));
                    }
                }
            }
            How::YesNo { mean, indicator } => {
                let number = yes_no(column)?;
                for (place, row) in out {
                    let value = number(row);
                    values[place] = if value.is_nan() { *mean } else { value };
                    if *indicator {
                        values[place + 1] = f64::from(u8::from(value.is_nan()));
                    }
                }
            }
            How::OneHot { levels, other, missing } => {
                let names: Vec<&str> = levels.iter().map(String::as_str).collect();
                let codes = codes(column, &names, rows, self.kind)?;
                for ((place, _), code) in out.zip(codes) {
                    let hot = match code {
                        NONE => missing.then(|| levels.len() + usize::from(*other)),
                        OTHER => other.then_some(levels.len()),
                        code => Some(code as usize),
                    };
                    if let Some(hot) = hot {
                        values[place + hot] = 1.0;
                    }
                }
            }
            How::Means { levels, other, missing, scale } => {
                let names: Vec<&str> = levels.iter().map(|level| level.0.as_str()).collect();
                let codes = codes(column, &names, rows, self.kind)?;
                for ((place, _), code) in out.zip(codes) {
                    values[place] = scale.apply(match code {
                        NONE => *missing,
                        OTHER => *other,
                        code => levels[code as usize].1,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether all its numbers can be computed with.
    pub(crate) fn is_sound(&self) -> bool {
        match &self.how {
            How::Number { median, low, high, scale, .. } => {
                low <= high && [median, low, high].iter().all(|x| x.is_finite()) && scale.is_sound()
            }
            How::YesNo { mean, .. } => mean.is_finite(),
            How::OneHot { .. } => true,
            How::Means { levels, other, missing, scale } => {
                let means = levels.iter().map(|level| &level.1).chain([other, missing]);
                scale.is_sound() && means.into_iter().all(|mean| mean.is_finite())
            }
        }
    }
}
