//! `guanxi openapi`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;

use super::Global;
use crate::http;

pub(super) fn run(_: &Global) -> Result<ExitCode> {
    let text = serde_json::to_string_pretty(&http::openapi())?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}
