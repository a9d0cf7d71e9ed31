//! `guanxi insight`: models of the organisation's customers, or of any file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use flows::engine::EngineHandle;
use flows::value::{self, ValueParams};
use models::clv::csv::{Columns, CsvOptions, MAX_BAD_SHARE, Returns, report_of_file};
use models::clv::report::ClvReport;
use models::clv::summary::Unit;
use models::intent::{self, LearnerKind, ReadOptions, TrainOptions};

use super::{Global, say};

#[derive(Debug, clap::Subcommand)]
pub(super) enum InsightCommand {
    /// Lifetime value: who is still a customer, how often they will order, and for how much
    Clv(ClvArgs),
    /// Purchase intent: what foretells an outcome, by three models compared on held-back rows
    Intent(IntentArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct ClvArgs {
    /// For how many days ahead; 365 unless given
    #[arg(long, value_name = "N", conflicts_with = "csv",
        value_parser = clap::value_parser!(u32).range(1..=3_653))]
    horizon_days: Option<u32>,
    /// Only orders of this shop
    #[arg(long, value_name = "NAME", conflicts_with = "csv")]
    shop: Option<String>,
    /// A file of transactions instead of the organisation's orders
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Columns of customer, date and amount in it, by name or by number from 1
    #[arg(
        long,
        value_name = "customer,date,amount",
        requires = "csv",
        default_value = "customer,date,amount"
    )]
    columns: Columns,
    /// Unit of time of the parameters: day, week or month
    #[arg(long, value_name = "UNIT", default_value = "week")]
    unit: Unit,
    /// The last day that the models see; later days are held back and compared
    #[arg(long, value_name = "YYYY-MM-DD")]
    calibration_end: Option<NaiveDate>,
}

#[derive(Debug, clap::Args)]
pub(super) struct IntentArgs {
    /// The file, or - for what is piped in: one row for each customer or lead
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// The column that is to be foretold
    #[arg(long, value_name = "COLUMN")]
    target: String,
    /// The value of it that counts as success; needed where there are more than two
    #[arg(long, value_name = "VALUE")]
    positive: Option<String>,
    /// Columns to leave out
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    drop: Vec<String>,
    /// Columns to use although they look like leaks or names
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    keep: Vec<String>,
    /// Parts of the cross-validation
    #[arg(long, value_name = "N", default_value_t = 5)]
    folds: usize,
    /// All that is random follows from it
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// A column of times: models learn from the past and are judged on what came after
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
}

pub(super) async fn run(global: &Global, command: InsightCommand) -> Result<ExitCode> {
    match command {
        InsightCommand::Clv(args) => clv(global, args).await,
        InsightCommand::Intent(args) => intent(global, args),
    }
}

async fn clv(global: &Global, args: ClvArgs) -> Result<ExitCode> {
    if let Some(file) = args.csv {
        let options = CsvOptions {
            columns: args.columns,
            calibration_end: args.calibration_end,
            unit: args.unit,
            returns: Returns::default(),
            max_bad_share: MAX_BAD_SHARE,
        };
        let found = report_of_file(&file, &options)?;
        tell(&found.clv);
        global.print(&found, "")?;
        return Ok(ExitCode::SUCCESS);
    }
    let boot = global.open_there().await?;
    let engine = EngineHandle::load(&boot.platform, boot.ctx().scope).await?;
    let params = ValueParams {
        horizon_days: args.horizon_days,
        shop: args.shop,
        unit: Some(args.unit),
        calibration_end: args.calibration_end,
    };
    let found = value::value(&engine, &boot.ctx(), &params).await?;
    boot.close().await;
    tell(&found.report);
    for band in &found.bands {
        say(&format!(
            "{:>9} customers, {:>12.1} orders and {:>16} expected: {}",
            band.customers,
            band.expected_orders,
            kernel::Money::new(band.expected_value_minor, found.currency).to_string(),
            band.name
        ));
    }
    global.print(&found, "")?;
    Ok(ExitCode::SUCCESS)
}

fn tell(report: &ClvReport) {
    say(&format!(
        "{} customers, {} of whom bought again up to {}; times in {}s",
        report.customers,
        report.repeat_customers,
        report.calibration_end,
        report.unit.name()
    ));
    if let Some(fit) = &report.bgnbd {
        let model = &fit.model;
        say(&format!(
            "BG/NBD       r {:.4} alpha {:.4} a {:.4} b {:.4}, log-likelihood {:.2}",
            model.r, model.alpha, model.a, model.b, fit.log_likelihood
        ));
    }
    if let Some(fit) = &report.pnbd {
        let model = &fit.model;
        say(&format!(
            "Pareto/NBD   r {:.4} alpha {:.4} s {:.4} beta {:.4}, log-likelihood {:.2}",
            model.r, model.alpha, model.s, model.beta, fit.log_likelihood
        ));
    }
    if let Some(fit) = &report.gamma_gamma {
        let model = &fit.model;
        say(&format!(
            "Gamma-Gamma  p {:.4} q {:.4} v {:.4}, log-likelihood {:.2}",
            model.p, model.q, model.v, fit.log_likelihood
        ));
    }
    report.warnings.iter().for_each(|warning| say(&format!("note: {warning}")));
}

fn intent(global: &Global, args: IntentArgs) -> Result<ExitCode> {
    let reading = tabular::Options::default();
    let (name, table) = if args.csv.as_os_str() == "-" {
        let name = "what is piped in".to_owned();
        let table = tabular::Table::from_reader(&name, std::io::stdin(), None, &reading);
        (name, table)
    } else {
        (args.csv.display().to_string(), tabular::Table::open(&args.csv, &reading))
    };
    let mut table = table.with_context(|| name.clone())?;
    let read = intent::read_table(&mut table, &ReadOptions::default()).with_context(|| name)?;
    if let Some((line, fault)) = &read.irregularities.first {
        say(&format!(
            "note: {} rows were passed over; the first is line {line}: {fault}",
            read.irregularities.rows
        ));
    }
    let options = TrainOptions {
        positive: args.positive,
        drop: args.drop,
        keep: args.keep,
        folds: args.folds,
        seed: args.seed,
        time: args.time,
        ..TrainOptions::new(args.target)
    };
    let training = intent::train(&read.frame, &options)?;
    let report = training.report;
    say(&format!("{} rows, {} positive", report.rows, report.positives));
    if report.rows_used < report.rows {
        say(&format!("note: a sample of {} rows was learned from", report.rows_used));
    }
    for warning in &report.warnings {
        say(&format!("note: {}: {}", warning.column, warning.reason));
    }
    for out in &report.excluded {
        say(&format!("left out: {}: {}", out.column, out.reason));
    }
    for model in &report.models {
        let metrics = &model.metrics;
        say(&format!(
            "{:<12} AUC {:.4} ± {:.4}, average precision {:.4}, log loss {:.4}, Brier {:.4}, top 20 % hold {:.1} %",
            code(model.name),
            metrics.auc,
            model.auc_sd,
            metrics.average_precision,
            metrics.log_loss,
            metrics.brier,
            100.0 * metrics.top20_capture
        ));
    }
    let best = report.models.iter().find(|model| model.name == report.best);
    say(&format!("{:<12} log loss {:.4}", "guessing", report.baseline.metrics.log_loss));
    if best.is_none_or(|best| best.metrics.log_loss < report.baseline.metrics.log_loss) {
        say(&format!("best: {}", code(report.best)));
    } else {
        say(&format!(
            "best: {}, and no better than guessing: nothing here tells who has the outcome",
            code(report.best)
        ));
    }
    global.print(&report, "")?;
    Ok(ExitCode::SUCCESS)
}

const fn code(kind: LearnerKind) -> &'static str {
    match kind {
        LearnerKind::Logistic => "logistic",
        LearnerKind::Tree => "tree",
        LearnerKind::Boosted => "boosted",
    }
}
