//! Columns as numbers a model can take, learned from the training part alone.

use serde::{Deserialize, Serialize};

use super::coerce::{NONE, OTHER, codes};
use super::encoding::{Encoding, How, shrunk};
use super::error::{ScoreError, shown};
use super::folds::stratified_parts;
use super::frame::{Column, Frame, Kind};

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
        kinds.eq(self.features.iter().cloned()) && self.columns.iter().all(Encoding::is_sound)
    }
}

fn find<'a>(frame: &'a Frame, encoding: &Encoding) -> Result<&'a Column, ScoreError> {
    frame.column(&encoding.name).ok_or_else(|| ScoreError::MissingColumns {
        columns: format!("`{}`", shown(&encoding.name)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::frame::ColumnData;
    use super::super::rng::Rng;
    use super::*;

    /// 1,000 rows: a number with gaps, and 100 categories.
    fn frame(seed: u64) -> (Frame, Vec<bool>) {
        let mut rng = Rng::new(seed, 0);
        let mut frame = Frame::new(1_000);
        let number = |row: usize| if row.is_multiple_of(9) { f64::NAN } else { row as f64 };
        frame.push("n", ColumnData::Numeric((0..1_000).map(number).collect())).unwrap();
        let codes = (0..1_000).map(|_| rng.below(100) as u32).collect();
        let labels = (0..100).map(|code| format!("c{code}")).collect();
        frame.push("c", ColumnData::Categorical { codes, labels }).unwrap();
        let outcomes = (0..1_000).map(|_| rng.below(3) == 0).collect();
        (frame, outcomes)
    }

    fn options() -> EncoderOptions {
        EncoderOptions { level_rows: 1, ..EncoderOptions::default() }
    }

    #[test]
    fn no_row_sees_its_own_outcome() {
        let (frame, outcomes) = frame(1);
        let rows: Vec<u32> = (0..1_000).collect();
        let (encoder, matrix) =
            Encoder::fit(&frame, &[0, 1], &rows, &outcomes, 7, &options()).unwrap();
        let kinds: Vec<_> = encoder.features().iter().map(|feature| feature.kind.clone()).collect();
        assert_eq!(kinds, [FeatureKind::Value, FeatureKind::Missing, FeatureKind::Mean]);
        // With its own outcome, the mean goes with the outcome by construction; without, it must not.
        let own = encoder.transform(&frame, &rows).unwrap();
        let gap = |matrix: &Matrix| {
            let mean = |class: bool| {
                let of = (0..1_000).filter(|&row| outcomes[row] == class);
                let (sum, count) =
                    of.fold((0.0, 0.0), |(s, n), row| (s + matrix.row(row)[2], n + 1.0));
                sum / count
            };
            mean(true) - mean(false)
        };
        assert!(gap(&own) > 0.4, "{}", gap(&own));
        assert!(gap(&matrix) < 0.2, "{}", gap(&matrix));
    }

    #[test]
    fn rows_outside_the_training_part_change_nothing() {
        let (frame, outcomes) = frame(2);
        let train: Vec<u32> = (0..700).collect();
        let fit = |frame: &Frame| {
            Encoder::fit(frame, &[0, 1], &train, &outcomes[..700], 7, &options()).unwrap()
        };
        let mut other = Frame::new(1_000);
        for column in frame.columns() {
            let mut data = column.data.clone();
            match &mut data {
                ColumnData::Numeric(values) => values[700..].fill(1e9),
                ColumnData::Categorical { codes, .. } => codes[700..].fill(3),
                _ => {}
            }
            other.push(column.name.clone(), data).unwrap();
        }
        assert_eq!(fit(&frame), fit(&other));
        // Values beyond those of the training part are taken as its largest.
        let (encoder, matrix) = fit(&frame);
        let far = encoder.transform(&other, &[800]).unwrap();
        assert_eq!(far.row(0)[0], matrix.row(699)[0]);
    }

    #[test]
    fn numbers_are_centred_and_scaled_and_gaps_are_the_median() {
        let (frame, outcomes) = frame(3);
        let rows: Vec<u32> = (0..1_000).collect();
        let (_, matrix) = Encoder::fit(&frame, &[0], &rows, &outcomes, 7, &options()).unwrap();
        let column: Vec<f64> = (0..1_000).map(|row| matrix.row(row)[0]).collect();
        let mean = column.iter().sum::<f64>() / 1_000.0;
        let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1_000.0;
        assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12);
        assert!((0..1_000).all(|row| matrix.row(row)[1] == f64::from(u8::from(row % 9 == 0))));
        assert_eq!(column[0], column[9]);
    }
}
