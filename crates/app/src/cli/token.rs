//! `guanxi token create`.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use identity::{Email, PersonName, RoleName, WantedToken};
use kernel::OrgId;
use platform::retention::DAY_MILLIS;

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
    /// It may do no more than this role; without one, what its user may
    #[arg(long)]
    role: Option<RoleName>,
    /// Days until it ends; without it, never
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    expires_in_days: Option<u32>,
}

pub(super) async fn run(global: &Global, command: TokenCommand) -> Result<ExitCode> {
    let TokenCommand::Create(CreateArgs { email, name, role, expires_in_days }) = command;
    let boot = global.open().await?;
    let cx = boot.ctx();
    let keys = boot.platform.keys(OrgId::FIRST);
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    let user = identity::find_user(&mut tx, &cx, &keys, &email)
        .await?
        .ok_or_else(|| anyhow!("there is no user {}", email.as_str()))?;
    let own = identity::rights_of(&mut tx, cx.scope, user.id).await?;
    let expires_at = expires_in_days.map(|days| cx.now().plus_millis(i64::from(days) * DAY_MILLIS));
    let wanted = WantedToken { name, role, expires_at };
    let token = identity::create_token(&mut tx, &cx, user.id, &own, &wanted).await?;
    tx.commit().await?;
    boot.close().await;
    global.print(&token, &token.token)?;
    Ok(ExitCode::SUCCESS)
}
