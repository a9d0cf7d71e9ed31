//! `guanxi user add` and `reset-second-factor`.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use identity::{Email, NewUser, Password, PersonName, RoleName};
use kernel::OrgId;
use platform::access::Permissions;

use super::{Global, say};

/// Bytes of standard input that are looked at for a password.
const STDIN_MAX: u64 = 4096;

#[derive(Debug, clap::Subcommand)]
pub(super) enum UserCommand {
    /// Make a user; the password is the first line of standard input
    Add(AddArgs),
    /// Take the second factor off a user who has lost it; they are signed out everywhere
    ResetSecondFactor(ResetArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// The address to sign in with
    #[arg(long)]
    email: Email,
    /// What the user may do
    #[arg(long, default_value = "owner")]
    role: RoleName,
    /// What to call them; the part of the address before @ unless given
    #[arg(long)]
    name: Option<PersonName>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ResetArgs {
    /// The address they sign in with
    #[arg(long)]
    email: Email,
}

pub(super) async fn run(global: &Global, command: UserCommand) -> Result<ExitCode> {
    match command {
        UserCommand::Add(args) => add(global, args).await,
        UserCommand::ResetSecondFactor(args) => reset_second_factor(global, args).await,
    }
}

async fn reset_second_factor(global: &Global, args: ResetArgs) -> Result<ExitCode> {
    let ResetArgs { email } = args;
    let boot = global.open().await?;
    let cx = boot.ctx();
    let keys = boot.platform.keys(OrgId::FIRST);
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    let user = identity::find_user(&mut tx, &cx, &keys, &email)
        .await?
        .with_context(|| format!("no user signs in with {}", email.as_str()))?;
    let everything = Permissions::everything();
    if !identity::second_factor::reset(&mut tx, &cx, &everything, user.id).await? {
        bail!("{} has no second factor", user.email);
    }
    tx.commit().await?;
    boot.close().await;
    say(&format!("{} signs in with the password alone", user.email));
    global.print(&user, "")?;
    Ok(ExitCode::SUCCESS)
}

async fn add(global: &Global, args: AddArgs) -> Result<ExitCode> {
    let AddArgs { email, role, name } = args;
    let password = read_password()?;
    let name = match name {
        Some(name) => name,
        None => email.local_part().chars().take(100).collect::<String>().parse()?,
    };
    let boot = global.open().await?;
    let cx = boot.ctx();
    let password = identity::hash(password, &*cx.ids).await;
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    identity::roles::to_give(&mut tx, &cx, &Permissions::everything(), &role)
        .await
        .with_context(|| format!("the role {}", role.as_str()))?;
    let new = NewUser { email, name, role, password };
    let keys = boot.platform.keys(OrgId::FIRST);
    let user = identity::create_user(&mut tx, &cx, &keys, new).await?;
    tx.commit().await?;
    boot.close().await;
    say(&format!("{} may sign in now", user.email));
    global.print(&user, "")?;
    Ok(ExitCode::SUCCESS)
}

fn read_password() -> Result<Password> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        say("Password (it is shown as you type):");
    }
    let mut line = String::new();
    stdin
        .lock()
        .take(STDIN_MAX)
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    let text = line.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        bail!("give the password on standard input, for example: guanxi user add … < password.txt");
    }
    Password::new(text).map_err(|error| anyhow::anyhow!("the password {error}"))
}
