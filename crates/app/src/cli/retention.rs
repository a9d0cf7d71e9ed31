//! `guanxi retention list`, `dry-run`, `run`.

use std::process::ExitCode;

use anyhow::Result;
use flows::retention::{self, DataClass};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Global, say};
use crate::Boot;

#[derive(Debug, clap::Subcommand)]
pub(super) enum RetentionCommand {
    /// For how long data of each class is kept
    List,
    /// Say what would go now by the rules as they are set; changes nothing
    DryRun,
    /// Remove it now, as the server does once a day; goes on with a run that was stopped
    Run,
}

pub(super) async fn run(global: &Global, command: RetentionCommand) -> Result<ExitCode> {
    let boot = global.open().await?;
    let done = match command {
        RetentionCommand::List => list(global, &boot).await,
        RetentionCommand::DryRun => dry_run(global, &boot).await,
        RetentionCommand::Run => remove(global, &boot).await,
    };
    boot.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

fn kept(days: Option<u32>) -> String {
    days.map_or_else(|| "for ever".to_owned(), |days| format!("{days} days"))
}

async fn rules(boot: &Boot) -> Result<Vec<retention::RuleView>> {
    let cx = boot.ctx();
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let rules = retention::list(&mut tx, &cx).await?;
    tx.rollback().await?;
    Ok(rules)
}

async fn list(global: &Global, boot: &Boot) -> Result<()> {
    let rules = rules(boot).await?;
    let line = |rule: &retention::RuleView| {
        let run = rule.last_run.as_ref().map_or_else(String::new, |run| {
            format!("; {} removed by the run of {}", run.removed, run.began_at)
        });
        format!("{}: {}{run}", rule.class.name(), kept(rule.keep_days))
    };
    let lines: Vec<String> = rules.iter().map(line).collect();
    global.print(&json!({ "rules": rules }), &lines.join("\n"))
}

async fn dry_run(global: &Global, boot: &Boot) -> Result<()> {
    let rules: Vec<(DataClass, Option<u32>)> =
        rules(boot).await?.into_iter().map(|rule| (rule.class, rule.keep_days)).collect();
    let told = retention::dry_run(&boot.platform, &boot.ctx(), &rules).await?;
    let line = |one: &retention::Forecast| {
        let (class, days) = (one.class.name(), kept(one.keep_days));
        format!("{class}: {days}; {} would go, {} as old stay", one.count, one.held_back)
    };
    let lines: Vec<String> = told.iter().map(line).collect();
    global.print(&json!({ "forecasts": told }), &lines.join("\n"))
}

async fn remove(global: &Global, boot: &Boot) -> Result<()> {
    let never = CancellationToken::new();
    let removed = retention::run(&boot.platform, &boot.ctx(), &never).await?;
    if removed.is_empty() {
        say("no class has a rule; set them in Settings → Retention");
    }
    let counts: serde_json::Map<String, serde_json::Value> =
        removed.iter().map(|one| (one.class.name().to_owned(), one.removed.into())).collect();
    let lines: Vec<String> = removed
        .iter()
        .map(|one| format!("{}: {} removed", one.class.name(), one.removed))
        .collect();
    global.print(&json!({ "removed": counts }), &lines.join("\n"))
}
