//! The web pages of this program: how much script they need, and when a person can use them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::figures::Figures;
use super::serving::{EMAIL, PASSWORD, Serving};

const SCRIPT_GOAL_KB: f64 = 350.0;
const INTERACTIVE_GOAL_MS: f64 = 1_500.0;
/// What a browser accepts from every machine; the server compresses better for one on its own.
const ENCODING: &str = "gzip";
/// The table of contents that the builder of the pages leaves beside them.
const MANIFEST: &str = "/.vite/manifest.json";
/// What every page needs in Chinese, the language of a first visit; ends of names in the manifest.
const BASE: [&str; 4] =
    ["index.html", "src/app/words/zh.ts", "locale/zh_CN.js", "dayjs/locale/zh-cn.js"];
/// What a first visit needs beyond that.
const PAGES: [(&str, &[&str]); 2] = [
    ("sign_in", &["src/app/SignInPage.tsx"]),
    ("workbench", &["src/app/Frame.tsx", "src/modules/insight/WorkbenchPage.tsx"]),
];
/// Measures pages in a browser; see its head.
const IN_A_BROWSER: &str = "web/dev/interactive.mjs";
const BROWSER_PATIENCE: Duration = Duration::from_secs(300);

pub(super) async fn measure(figures: &mut Figures, serving: &Serving) -> Result<()> {
    match serving.client.get(MANIFEST).await {
        Ok(manifest) => {
            for (page, entries) in PAGES {
                let kb = script_kb(serving, &manifest, entries).await?;
                let name = format!("page_{page}_script_kb_compressed");
                figures.median(name, "kB", Some(SCRIPT_GOAL_KB), &[kb]);
            }
        }
        Err(error) => figures.leave_out(format!("script of the pages: {error:#}")),
    }
    match interactive(serving).await {
        Ok((times, script_kb)) => {
            let goal = Some(INTERACTIVE_GOAL_MS);
            figures.median("page_interactive_ms", "ms", goal, &times);
            let name = "page_interactive_script_kb_compressed";
            figures.median(name, "kB", Some(SCRIPT_GOAL_KB), script_kb.as_slice());
        }
        Err(error) => figures.leave_out(format!("time until the page is usable: {error:#}")),
    }
    Ok(())
}

/// Kilobytes of the scripts that `entries` need at once, compressed by the server.
async fn script_kb(serving: &Serving, manifest: &Value, entries: &[&str]) -> Result<f64> {
    let manifest = manifest.as_object().context("the manifest is no object")?;
    let mut files = BTreeSet::new();
    for end in BASE.iter().chain(entries) {
        let entry = manifest.keys().find(|name| name.ends_with(end));
        let entry = entry.with_context(|| format!("the manifest does not know {end}"))?;
        let mut wanted = vec![entry.as_str()];
        while let Some(name) = wanted.pop() {
            let chunk = &manifest.get(name).with_context(|| format!("{name} is missing"))?;
            let file = chunk["file"].as_str().with_context(|| format!("{name} has no file"))?;
            if files.insert(file) {
                let imports = chunk["imports"].as_array().into_iter().flatten();
                wanted.extend(imports.filter_map(Value::as_str));
            }
        }
    }
    let mut bytes = 0;
    for file in files.iter().filter(|file| file.ends_with(".js")) {
        bytes += serving.client.fetch(&format!("/{file}"), ENCODING).await?;
    }
    Ok(bytes as f64 / 1000.0)
}

/// Milliseconds until a person can use the first page, each in a browser of its own, and kilobytes of
/// the scripts that had come by then.
async fn interactive(serving: &Serving) -> Result<(Vec<f64>, Option<f64>)> {
    ensure!(Path::new(IN_A_BROWSER).exists(), "{IN_A_BROWSER} is not below the current folder");
    let mut node = Command::new("node");
    node.arg(IN_A_BROWSER).env("BASE_URL", &serving.url);
    node.env("EMAIL", EMAIL).env("PASSWORD", PASSWORD);
    node.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(BROWSER_PATIENCE, node.output()).await;
    let output = output.context("the browser takes too long")?.context("cannot run node")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{IN_A_BROWSER}: {}", said.trim());
    let answer: Value = serde_json::from_slice(&output.stdout).context(IN_A_BROWSER)?;
    let times = answer["interactive_ms"].as_array().into_iter().flatten();
    let times: Vec<f64> = times.filter_map(Value::as_f64).collect();
    ensure!(!times.is_empty(), "{IN_A_BROWSER} gives no times: {answer}");
    Ok((times, answer["script_kb_compressed"].as_f64()))
}
