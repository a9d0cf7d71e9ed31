//! Training: which columns, which model, how good on rows it never saw.

use super::calibration::{Calibration, Platt};
use super::drift::Reference;
use super::error::{IntentError, shown};
use super::features::{Encoder, EncoderOptions};
use super::folds::{Fold, MAX_FOLDS, expanding_windows, stratified_folds};
use super::frame::{ColumnData, Frame, Kind};
use super::leaks::{LeakOptions, find_leaks};
use super::learners::{Learner, LearnerKind, LearnerOptions};
use super::lift::lift;
use super::metrics::{Metrics, gain_curve, mean_curve};
use super::registry::{Model, Parts, Trained, Window};
use super::report::{
    Baseline, ColumnReport, Excluded, ExclusionCode, ModelReport, Report, Split, Warning,
};
use super::rng::Rng;
use super::screen::{ScreenOptions, screen};
use super::stop::Stop;
use super::target::Target;

/// What is to be foretold, and how it is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// The column to be foretold.
    pub target: String,
    /// The value that counts as the outcome; may be left out where there are two.
    pub positive: Option<String>,
    /// Columns to leave out.
    pub drop: Vec<String>,
    /// Columns to keep although they look like identifiers or leaks.
    pub keep: Vec<String>,
    /// Parts of the cross-validation, 2 to 20.
    pub folds: usize,
    /// From which all that is random follows.
    pub seed: u64,
    /// Column of times; then models learn from the past and are judged on what came after.
    pub time: Option<String>,
    /// Rows beyond which a sample with the same share of outcomes is taken.
    pub max_rows: usize,
    /// Features times rows beyond which the sample is smaller still.
    pub max_cells: usize,
    /// When a column names its rows.
    pub screen: ScreenOptions,
    /// When a column is a leak.
    pub leaks: LeakOptions,
    /// How columns become features.
    pub encoder: EncoderOptions,
    /// How models are fitted.
    pub learners: LearnerOptions,
}

impl TrainOptions {
    /// Five folds, seed 0, everything else as documented in `docs/models-intent.md`.
    #[must_use]
    pub fn new(target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            positive: None,
            drop: Vec::new(),
            keep: Vec::new(),
            folds: 5,
            seed: 0,
            time: None,
            max_rows: 200_000,
            max_cells: 20_000_000,
            screen: ScreenOptions::default(),
            leaks: LeakOptions::default(),
            encoder: EncoderOptions::default(),
            learners: LearnerOptions::default(),
        }
    }
}

/// What training gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// The comparison.
    pub report: Report,
    /// The best model, fitted to all rows.
    pub model: Model,
}

/// Compares the three models on held-back rows and fits the best to all rows.
///
/// Everything that learns (medians, categories, mean outcomes, models, calibration) sees the training part
/// only. Which columns are left out as identifiers and leaks is decided once, before rows are held back. The best is the
/// simplest model whose mean area under the curve is within one standard error of the highest (Breiman et
/// al. 1984, §3.4.3). The same for the same frame, options and seed.
///
/// # Errors
/// [`IntentError`] says what is missing: the target, a second outcome, rows, columns.
pub fn train(frame: &Frame, options: &TrainOptions) -> Result<Training, IntentError> {
    train_until(frame, options, &Stop::default())
}

/// As [`train`], until somebody says [`Stop::stop`].
///
/// # Errors
/// As [`train`], and `Stopped`.
pub fn train_until(
    frame: &Frame,
    options: &TrainOptions,
    stop: &Stop,
) -> Result<Training, IntentError> {
    stop.check()?;
    if !(2..=MAX_FOLDS).contains(&options.folds) {
        return Err(IntentError::Folds { found: options.folds, limit: MAX_FOLDS });
    }
    let target = Target::find(frame, &options.target, options.positive.as_deref())?;
    let time = options.time.as_deref().map(|name| time_column(frame, name)).transpose()?;
    let (rows, outcomes) = with_time(frame, &target, time)?;
    let mut chosen = screen_columns(frame, &target, time, options, &rows)?;
    let all = (rows.len(), outcomes.iter().filter(|&&outcome| outcome).count());
    let (rows, outcomes) = sample(frame, &chosen.places, rows, outcomes, options);
    chosen.leave_out_leaks(frame, options, &rows, &outcomes)?;

    let folds = split(frame, time, &rows, &outcomes, options)?;
    let held_back =
        cross_validate(frame, &chosen.places, (&rows, &outcomes), &folds, options, stop)?;
    let models: Vec<ModelReport> = held_back.iter().map(HeldBack::report).collect();
    let best = choose(&models);
    let winner = &held_back[best];

    let platt = Platt::fit(&winner.outcomes(), &winner.scores());
    let calibrated: Vec<f64> = winner.scores().into_iter().map(|p| platt.apply(p)).collect();
    stop.check()?;
    let (encoder, matrix) =
        Encoder::fit(frame, &chosen.places, &rows, &outcomes, options.seed, &options.encoder)?;
    let learner = Learner::fit(winner.kind, &matrix, &outcomes, options.seed, &options.learners);
    let positives = outcomes.iter().filter(|&&outcome| outcome).count();
    // Earlier rows differ from later ones in whatever grows with time, so customers are held against the latest.
    let latest = folds.last().filter(|_| time.is_some());
    let (compared, compared_scores) = match latest {
        Some(fold) => {
            let compared = fold.test.iter().map(|&at| rows[at as usize]).collect();
            (compared, &calibrated[calibrated.len() - fold.test.len()..])
        }
        None => (rows.clone(), &calibrated[..]),
    };
    let reference = chosen
        .places
        .iter()
        .map(|&place| Reference::of_column(&frame.columns()[place], &compared))
        .collect::<Result<_, _>>()?;
    let trained = Trained {
        rows: rows.len(),
        positives,
        window: time.map(|place| window(frame, place, &rows)),
        metrics: models[best].metrics,
        seed: options.seed,
    };
    let parts = Parts {
        target: options.target.clone(),
        positive: target.positive.clone(),
        encoder,
        learner,
        platt,
        trained,
        reference,
        score_reference: Reference::of_scores(compared_scores),
    };
    let model = Model::new(parts, &calibrated);
    let report = Report {
        rows: all.0,
        positives: all.1,
        positive: target.positive,
        rows_used: rows.len(),
        rows_left_out: frame.rows() - all.0,
        excluded: chosen.excluded.into_iter().map(|(_, excluded)| excluded).collect(),
        warnings: chosen.warnings,
        columns: frame.columns().iter().map(ColumnReport::of).collect(),
        folds: folds.len(),
        split: if time.is_some() { Split::Time } else { Split::Stratified },
        seed: options.seed,
        best: models[best].name,
        baseline: Baseline::of(&outcomes),
        calibration: models[best].calibration.clone(),
        gain_curve: models[best].gain_curve.clone(),
        lift: lift(frame, &chosen.places, &rows, &outcomes),
        models,
    };
    Ok(Training { report, model })
}

fn time_column(frame: &Frame, name: &str) -> Result<usize, IntentError> {
    let place = frame.named(name, "the time")?;
    let kind = frame.columns()[place].kind();
    if matches!(kind, Kind::Numeric | Kind::Date) {
        Ok(place)
    } else {
        Err(IntentError::NotTime { column: shown(name), kind: kind.words() })
    }
}

/// Rows with an outcome and, where time splits, a time.
fn with_time(
    frame: &Frame,
    target: &Target,
    time: Option<usize>,
) -> Result<(Vec<u32>, Vec<bool>), IntentError> {
    let Some(place) = time else { return Ok((target.rows.clone(), target.outcomes.clone())) };
    let column = &frame.columns()[place];
    let (rows, outcomes) = target
        .rows
        .iter()
        .zip(&target.outcomes)
        .filter(|(row, _)| !column.is_missing(**row as usize))
        .unzip();
    let kept = Target { rows, outcomes, ..target.clone() };
    kept.check(&shown(&frame.columns()[target.column].name))?;
    Ok((kept.rows, kept.outcomes))
}

/// The columns that are learned from, and why not the others.
struct Chosen {
    places: Vec<usize>,
    /// Places of columns that are kept whatever is said of them.
    keep: Vec<usize>,
    excluded: Vec<(usize, Excluded)>,
    warnings: Vec<Warning>,
}

/// Leaves out what was asked, and what can teach nothing.
fn screen_columns(
    frame: &Frame,
    target: &Target,
    time: Option<usize>,
    options: &TrainOptions,
    rows: &[u32],
) -> Result<Chosen, IntentError> {
    let named = |names: &[String], role| -> Result<Vec<usize>, IntentError> {
        names.iter().map(|name| frame.named(name, role)).collect()
    };
    let drop = named(&options.drop, "the list of columns to drop")?;
    let keep = named(&options.keep, "the list of columns to keep")?;
    let mut excluded: Vec<(usize, Excluded)> = Vec::new();
    let mut places = Vec::new();
    for (place, column) in frame.columns().iter().enumerate() {
        if place == target.column {
            continue;
        }
        let (code, reason) = if drop.contains(&place) {
            (ExclusionCode::Dropped, "left out as asked")
        } else if time == Some(place) {
            (ExclusionCode::Time, "it orders the rows")
        } else {
            places.push(place);
            continue;
        };
        let (column, reason) = (column.name.clone(), reason.to_owned());
        excluded.push((place, Excluded { column, reason, code }));
    }
    let mut screened = screen(frame, &places, rows, &options.screen);
    screened.retain(|(place, found)| {
        !(keep.contains(place) && found.code == ExclusionCode::Identifier)
    });
    places.retain(|place| screened.iter().all(|(out, _)| out != place));
    excluded.append(&mut screened);
    Ok(Chosen { places, keep, excluded, warnings: Vec::new() })
}

impl Chosen {
    /// Leaves out what knows the outcome; something must be left.
    fn leave_out_leaks(
        &mut self,
        frame: &Frame,
        options: &TrainOptions,
        rows: &[u32],
        outcomes: &[bool],
    ) -> Result<(), IntentError> {
        let judged: Vec<usize> =
            self.places.iter().copied().filter(|place| !self.keep.contains(place)).collect();
        let mut leaks = find_leaks(frame, &judged, rows, outcomes, options.seed, &options.leaks);
        self.places.retain(|place| leaks.excluded.iter().all(|(out, _)| out != place));
        self.excluded.append(&mut leaks.excluded);
        self.excluded.sort_by_key(|(place, _)| *place);
        self.warnings = leaks.warnings;
        if !self.places.is_empty() {
            return Ok(());
        }
        let mut reasons: Vec<String> = self
            .excluded
            .iter()
            .take(5)
            .map(|(_, out)| format!("`{}` ({})", shown(&out.column), out.reason))
            .collect();
        if reasons.is_empty() {
            reasons.push("there is none beside the target".to_owned());
        }
        Err(IntentError::NoFeatures { reasons: reasons.join(", ") })
    }
}

/// As many rows as fit, with the same share of outcomes, in their order.
fn sample(
    frame: &Frame,
    places: &[usize],
    rows: Vec<u32>,
    outcomes: Vec<bool>,
    options: &TrainOptions,
) -> (Vec<u32>, Vec<bool>) {
    let one_hot = options.encoder.one_hot_levels;
    let width: usize = places
        .iter()
        .map(|&place| match &frame.columns()[place].data {
            ColumnData::Categorical { labels, .. } => labels.len().min(one_hot) + 2,
            _ => 2,
        })
        .sum();
    let most = options.max_rows.min(options.max_cells / width.max(1)).max(1_000);
    if rows.len() <= most {
        return (rows, outcomes);
    }
    let mut rng = Rng::new(options.seed, 2);
    let mut kept: Vec<usize> = Vec::with_capacity(most);
    for class in [true, false] {
        let mut places: Vec<usize> =
            (0..rows.len()).filter(|&place| outcomes[place] == class).collect();
        rng.shuffle(&mut places);
        // Never below what training needs of either outcome.
        let share = (places.len() as f64 * most as f64 / rows.len() as f64).round() as usize;
        places.truncate(share.max(super::target::MIN_CLASS));
        kept.append(&mut places);
    }
    kept.sort_unstable();
    kept.into_iter().map(|place| (rows[place], outcomes[place])).unzip()
}

fn split(
    frame: &Frame,
    time: Option<usize>,
    rows: &[u32],
    outcomes: &[bool],
    options: &TrainOptions,
) -> Result<Vec<Fold>, IntentError> {
    let Some(place) = time else {
        return Ok(stratified_folds(outcomes, options.folds, options.seed));
    };
    let column = &frame.columns()[place];
    let times: Vec<f64> = rows.iter().map(|&row| column.number(row as usize)).collect();
    let windows = expanding_windows(outcomes, &times, options.folds);
    if windows.len() < 2 {
        let (usable, folds) = (windows.len(), options.folds);
        return Err(IntentError::Windows { column: shown(&column.name), usable, folds });
    }
    Ok(windows)
}

/// What one model said of rows it had not seen, by fold.
struct HeldBack {
    kind: LearnerKind,
    folds: Vec<(Vec<bool>, Vec<f64>)>,
}

fn cross_validate(
    frame: &Frame,
    places: &[usize],
    (rows, outcomes): (&[u32], &[bool]),
    folds: &[Fold],
    options: &TrainOptions,
    stop: &Stop,
) -> Result<Vec<HeldBack>, IntentError> {
    let mut held_back: Vec<HeldBack> =
        LearnerKind::ALL.into_iter().map(|kind| HeldBack { kind, folds: Vec::new() }).collect();
    for (number, fold) in folds.iter().enumerate() {
        let of = |part: &[u32]| -> (Vec<u32>, Vec<bool>) {
            part.iter().map(|&at| (rows[at as usize], outcomes[at as usize])).unzip()
        };
        let ((train_rows, train_outcomes), (test_rows, test_outcomes)) =
            (of(&fold.train), of(&fold.test));
        let seed = options.seed.wrapping_add(1 + number as u64);
        let (encoder, matrix) =
            Encoder::fit(frame, places, &train_rows, &train_outcomes, seed, &options.encoder)?;
        let test = encoder.transform(frame, &test_rows)?;
        for model in &mut held_back {
            stop.check()?;
            let learner =
                Learner::fit(model.kind, &matrix, &train_outcomes, seed, &options.learners);
            model.folds.push((test_outcomes.clone(), learner.probabilities(&test)));
        }
    }
    Ok(held_back)
}

impl HeldBack {
    fn outcomes(&self) -> Vec<bool> {
        self.folds.iter().flat_map(|fold| fold.0.iter().copied()).collect()
    }

    fn scores(&self) -> Vec<f64> {
        self.folds.iter().flat_map(|fold| fold.1.iter().copied()).collect()
    }

    /// Each fold corrected by what the others say.
    fn calibrated(&self) -> Vec<f64> {
        let mut all = Vec::new();
        for (number, (_, scores)) in self.folds.iter().enumerate() {
            let others =
                || self.folds.iter().enumerate().filter(move |(n, _)| *n != number).map(|(_, f)| f);
            let outcomes: Vec<bool> = others().flat_map(|fold| fold.0.iter().copied()).collect();
            let told: Vec<f64> = others().flat_map(|fold| fold.1.iter().copied()).collect();
            let platt = Platt::fit(&outcomes, &told);
            all.extend(scores.iter().map(|&score| platt.apply(score)));
        }
        all
    }

    fn report(&self) -> ModelReport {
        let folds: Vec<Metrics> = self
            .folds
            .iter()
            .filter_map(|(outcomes, scores)| Metrics::of(outcomes, scores))
            .collect();
        let metrics = Metrics::mean(&folds);
        let fold_auc: Vec<f64> = folds.iter().map(|fold| fold.auc).collect();
        let squares: f64 = fold_auc.iter().map(|auc| (auc - metrics.auc).powi(2)).sum();
        let auc_sd = (squares / (fold_auc.len().max(2) - 1) as f64).sqrt();
        let (outcomes, calibrated) = (self.outcomes(), self.calibrated());
        ModelReport {
            name: self.kind,
            metrics,
            auc_sd,
            fold_auc,
            calibration: Calibration::of(&outcomes, &calibrated),
            gain_curve: mean_curve(
                self.folds.iter().map(|(fold, scores)| gain_curve(fold, scores)),
            ),
        }
    }
}

/// The place of the simplest model within one standard error of the best.
fn choose(models: &[ModelReport]) -> usize {
    let best = models.iter().max_by(|a, b| a.metrics.auc.total_cmp(&b.metrics.auc));
    let Some(best) = best else { return 0 };
    let error = best.auc_sd / (best.fold_auc.len().max(1) as f64).sqrt();
    let good = |model: &ModelReport| model.metrics.auc >= best.metrics.auc - error;
    models.iter().position(good).unwrap_or(0)
}

fn window(frame: &Frame, place: usize, rows: &[u32]) -> Window {
    let column = &frame.columns()[place];
    let time = |row: &&u32| column.number(**row as usize);
    let label = |row: Option<&u32>| {
        row.and_then(|&row| column.label(row as usize)).unwrap_or_default().into_owned()
    };
    Window {
        column: column.name.clone(),
        from: label(rows.iter().min_by(|a, b| time(a).total_cmp(&time(b)))),
        to: label(rows.iter().max_by(|a, b| time(a).total_cmp(&time(b)))),
    }
}
