//! `guanxi verify`.

use std::process::ExitCode;

use anyhow::Result;

use super::{Global, say};

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {}

pub(super) async fn run(global: &Global, _: VerifyArgs) -> Result<ExitCode> {
    let boot = global.open().await?;
    let checks = flows::verify::verify(&boot.platform, &boot.ctx()).await?;
    boot.close().await;
    for check in &checks {
        let word = if check.ok { "ok    " } else { "BROKEN" };
        say(&format!("{word} {}: {}", check.name, check.detail));
    }
    let ok = checks.iter().all(|check| check.ok);
    global.print(&serde_json::json!({ "ok": ok, "checks": checks }), "")?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
