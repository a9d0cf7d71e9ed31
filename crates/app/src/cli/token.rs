//! `guanxi token create`.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use identity::{Email, PersonName};
use kernel::OrgId;

use super::Global;

#[derive(Debug, clap::Subcommand)]
pub(super) enum TokenCommand {
    /// Make an API token and print it; send it as `Authorization: Bearer TOKEN`
    Create(CreateArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The user for whom the token acts
    #[arg(long)]
    email: Email,
    /// What the token is for
    #[arg(long)]
    name: PersonName,
}

pub(super) async fn run(global: &Global, command: TokenCommand) -> Result<ExitCode> {
    let TokenCommand::Create(CreateArgs { email, name }) = command;
    let boot = global.open().await?;
    let cx = boot.ctx();
    let keys = boot.platform.keys(OrgId::FIRST);
    let mut tx = boot.platform.db.begin().await?;
    let user = identity::find_user(&mut tx, &cx, &keys, &email)
        .await?
        .ok_or_else(|| anyhow!("there is no user {}", email.as_str()))?;
    let token = identity::create_token(&mut tx, &cx, user.id, &name).await?;
    tx.commit().await?;
    boot.close().await;
    global.print(&token, &token.token)?;
    Ok(ExitCode::SUCCESS)
}
