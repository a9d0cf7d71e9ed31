//! Columns as numbers a model can take, learned from the training part alone.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::error::{ScoreError, shown};
use super::folds::stratified_parts;
use super::frame::{Column, ColumnData, Frame, Kind};
use super::read::{parse_number, says_yes};

/// A level that was not among those of the training.
const OTHER: u32 = u32::MAX - 1;
/// No value.
const NONE: u32 = u32::MAX;
/// Parts by which the means of the training rows themselves are found.
const MEAN_PARTS: usize = 5;

/// How columns become features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncoderOptions {
    /// Categories up to which each gets a feature of its own; beyond, their mean outcome is the feature.
    pub one_hot_levels: usize,
    /// Rows a category must have to be told apart.
    pub level_rows: usize,
    /// Categories whose mean outcome is kept, the most frequent ones.
    pub mean_levels: usize,
    /// Rows of prior that a mean outcome is drawn to the overall share with.
    pub mean_prior_rows: f64,
}

impl Default for EncoderOptions {
    fn default() -> Self {
        Self { one_hot_levels: 20, level_rows: 10, mean_levels: 1_000, mean_prior_rows: 20.0 }
    }
}

/// Numbers, one row after another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Features.
    pub columns: usize,
    /// `rows · columns` numbers, all finite.
    pub values: Vec<f64>,
}

impl Matrix {
    /// The features of a row; empty beyond the end.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        self.values.get(row * self.columns..(row + 1) * self.columns).unwrap_or(&[])
    }

    /// The rows named, in that order.
    pub(crate) fn select(&self, rows: &[u32]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row as usize)).copied().collect();
        Self { rows: rows.len(), columns: self.columns, values }
    }
}

/// What a feature says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// The number, centred and scaled; or 1 for yes.
    Value,
    /// 1 if there is no value.
    Missing,
    /// 1 for this category.
    Level(String),
    /// 1 for rare categories.
    Other,
    /// Mean outcome of the category, centred and scaled.
    Mean,
}

/// One column of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Place of its column among those of the encoder.
    pub column: usize,
    /// What it says of it.
    pub kind: FeatureKind,
}

/// Centre and scale; a scale of 0 is taken as 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Scale {
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

    fn apply(&self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// How one column is encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum How {
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
struct Encoding {
    name: String,
    kind: Kind,
    how: How,
}

/// Turns frames into matrices in the way it learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    columns: Vec<Encoding>,
    features: Vec<Feature>,
}

impl Encoder {
    /// Learns from the columns `places` of the rows `rows` with their `outcomes`, and encodes these rows.
    ///
    /// The mean outcome of a category is, for the rows learned from, that of the other four fifths of them:
    /// so no row sees its own outcome. Source: Micci-Barreca (2001), with folds as in scikit-learn's
    /// `TargetEncoder`. The same for the same seed.
    ///
    /// # Errors
    /// If a column is free text.
    pub fn fit(
        frame: &Frame,
        places: &[usize],
        rows: &[u32],
        outcomes: &[bool],
        seed: u64,
        options: &EncoderOptions,
    ) -> Result<(Self, Matrix), ScoreError> {
        let columns: Vec<Encoding> = places
            .iter()
            .map(|&place| Encoding::fit(&frame.columns()[place], rows, outcomes, options))
            .collect::<Result<_, _>>()?;
        let mut features = Vec::new();
        for (column, encoding) in columns.iter().enumerate() {
            features.extend(encoding.kinds().into_iter().map(|kind| Feature { column, kind }));
        }
        let encoder = Self { columns, features };
        let mut matrix = encoder.transform(frame, rows)?;
        encoder.hold_out_means(frame, rows, outcomes, seed, options, &mut matrix)?;
        Ok((encoder, matrix))
    }

    /// Replaces the mean outcomes of the rows learned from by those without the row's own part.
    fn hold_out_means(
        &self,
        frame: &Frame,
        rows: &[u32],
        outcomes: &[bool],
        seed: u64,
        options: &EncoderOptions,
        matrix: &mut Matrix,
    ) -> Result<(), ScoreError> {
        let parts = stratified_parts(outcomes, MEAN_PARTS, seed ^ 0x6D65_616E);
        for (at, feature) in self.features.iter().enumerate() {
            let encoding = &self.columns[feature.column];
            let How::Means { levels, scale, .. } = &encoding.how else { continue };
            let column = find(frame, encoding)?;
            let names: Vec<&str> = levels.iter().map(|level| level.0.as_str()).collect();
            let codes = codes(column, &names, rows, encoding.kind)?;
            let place = |code: u32| match code {
                NONE => names.len(),
                OTHER => names.len() + 1,
                code => code as usize,
            };
            let mut sums = vec![[(0.0, 0.0); MEAN_PARTS]; names.len() + 2];
            let mut all = [(0.0, 0.0); MEAN_PARTS];
            for ((&code, &part), &outcome) in codes.iter().zip(&parts).zip(outcomes) {
                for sum in [&mut sums[place(code)][part as usize], &mut all[part as usize]] {
                    sum.0 += f64::from(u8::from(outcome));
                    sum.1 += 1.0;
                }
            }
            let without = |sums: &[(f64, f64); MEAN_PARTS], part: u8| {
                let others = sums.iter().enumerate().filter(|(other, _)| *other != part as usize);
                others.fold((0.0, 0.0), |sum, (_, other)| (sum.0 + other.0, sum.1 + other.1))
            };
            for (row, (&code, &part)) in codes.iter().zip(&parts).enumerate() {
                let (positives, count) = without(&all, part);
                let prior = positives / f64::max(count, 1.0);
                let sum = without(&sums[place(code)], part);
                matrix.values[row * matrix.columns + at] =
                    scale.apply(shrunk(sum, prior, options.mean_prior_rows));
            }
        }
        Ok(())
    }

    /// The features of `rows`; every number is finite.
    ///
    /// # Errors
    /// If a column is missing (all are named) or holds another kind of values.
    pub fn transform(&self, frame: &Frame, rows: &[u32]) -> Result<Matrix, ScoreError> {
        self.check(frame)?;
        let width = self.features.len();
        let mut values = vec![0.0; rows.len() * width];
        let mut at = 0;
        for encoding in &self.columns {
            encoding.write(find(frame, encoding)?, rows, &mut values, width, at)?;
            at += encoding.kinds().len();
        }
        Ok(Matrix { rows: rows.len(), columns: width, values })
    }

    /// Whether all columns are there.
    fn check(&self, frame: &Frame) -> Result<(), ScoreError> {
        let lacking: Vec<String> = self
            .columns
            .iter()
            .filter(|column| frame.position(&column.name).is_none())
            .map(|column| format!("`{}`", shown(&column.name)))
            .collect();
        if lacking.is_empty() {
            Ok(())
        } else {
            Err(ScoreError::MissingColumns { columns: lacking.join(", ") })
        }
    }

    /// The features, in the order of the matrix.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Names and kinds of the columns it needs.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.columns.iter().map(|column| (column.name.as_str(), column.kind))
    }

    /// Whether what was read from a file can be used.
    pub(crate) fn is_sound(&self) -> bool {
        let kinds = self.columns.iter().enumerate().flat_map(|(column, encoding)| {
            encoding.kinds().into_iter().map(move |kind| Feature { column, kind })
        });
        let scale_is_sound =
            |s: &Scale| s.mean.is_finite() && s.deviation.is_normal() && s.deviation > 0.0;
        kinds.eq(self.features.iter().cloned())
            && self.columns.iter().all(|column| match &column.how {
                How::Number { median, low, high, scale, .. } => {
                    low <= high
                        && median.is_finite()
                        && scale_is_sound(scale)
                        && low.is_finite()
                        && high.is_finite()
                }
                How::YesNo { mean, .. } => mean.is_finite(),
                How::OneHot { .. } => true,
                How::Means { levels, other, missing, scale } => {
                    levels.iter().map(|level| level.1).chain([*other, *missing]).all(f64::is_finite)
                        && scale_is_sound(scale)
                }
            })
    }
}

/// A mean drawn to `prior` as if `rows` more rows had it.
fn shrunk((positives, count): (f64, f64), prior: f64, rows: f64) -> f64 {
    (positives + rows * prior) / (count + rows)
}

impl Encoding {
    fn fit(
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

    fn kinds(&self) -> Vec<FeatureKind> {
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
    fn write(
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
}

fn find<'a>(frame: &'a Frame, encoding: &Encoding) -> Result<&'a Column, ScoreError> {
    frame.column(&encoding.name).ok_or_else(|| ScoreError::MissingColumns {
        columns: format!("`{}`", shown(&encoding.name)),
    })
}

fn wrong_kind(column: &Column, expected: Kind) -> ScoreError {
    ScoreError::WrongKind {
        column: shown(&column.name),
        expected: expected.words(),
        found: column.kind().words(),
    }
}

/// Values of each row of `column` by a number for each of its categories.
fn by_label<'a>(
    column: &'a Column,
    expected: Kind,
    number: impl Fn(&str) -> Option<f64>,
) -> Result<Box<dyn Fn(usize) -> f64 + 'a>, ScoreError> {
    let ColumnData::Categorical { codes, labels } = &column.data else {
        return Err(wrong_kind(column, expected));
    };
    let of_code: Option<Vec<f64>> = labels.iter().map(|label| number(label)).collect();
    let of_code = of_code.ok_or_else(|| wrong_kind(column, expected))?;
    Ok(Box::new(move |row| of_code.get(codes[row] as usize).copied().unwrap_or(f64::NAN)))
}

/// A small file may show numbers that were taken for yes and no, or no value at all.
pub(crate) fn numbers(
    column: &Column,
    expected: Kind,
) -> Result<Box<dyn Fn(usize) -> f64 + '_>, ScoreError> {
    let found = column.kind();
    match (&column.data, expected) {
        (ColumnData::Boolean { .. }, Kind::Numeric) => Ok(Box::new(|row| column.number(row))),
        (ColumnData::Numeric(_) | ColumnData::Date(_), _)
            if found == expected || column.missing() == column.len() =>
        {
            Ok(Box::new(|row| column.number(row)))
        }
        (ColumnData::Categorical { .. }, _) => by_label(column, expected, |label| {
            (expected == Kind::Numeric).then(|| parse_number(label)).flatten()
        }),
        _ => Err(wrong_kind(column, expected)),
    }
}

/// A small file may show only one of yes and no.
pub(crate) fn yes_no(column: &Column) -> Result<Box<dyn Fn(usize) -> f64 + '_>, ScoreError> {
    match &column.data {
        ColumnData::Boolean { .. } => Ok(Box::new(|row| column.number(row))),
        ColumnData::Numeric(values)
            if values.iter().all(|value| value.is_nan() || *value == 0.0 || *value == 1.0) =>
        {
            Ok(Box::new(|row| column.number(row)))
        }
        _ => by_label(column, Kind::Boolean, |label| {
            says_yes(label).map(|yes| f64::from(u8::from(yes)))
        }),
    }
}

/// The place of each row's category among `levels`, or [`OTHER`] or [`NONE`].
pub(crate) fn codes(
    column: &Column,
    levels: &[&str],
    rows: &[u32],
    expected: Kind,
) -> Result<Vec<u32>, ScoreError> {
    let places: HashMap<&str, u32> =
        levels.iter().enumerate().map(|(place, &level)| (level, place as u32)).collect();
    let place = |label: &str| places.get(label).copied().unwrap_or(OTHER);
    match &column.data {
        ColumnData::Text { .. } => Err(wrong_kind(column, expected)),
        ColumnData::Categorical { codes, labels } => {
            let of_code: Vec<u32> = labels.iter().map(|label| place(label)).collect();
            let code = |&row: &u32| of_code.get(codes[row as usize] as usize).copied();
            Ok(rows.iter().map(|row| code(row).unwrap_or(NONE)).collect())
        }
        _ => Ok(rows
            .iter()
            .map(|&row| column.label(row as usize).map_or(NONE, |label| place(&label)))
            .collect()),
    }
}
