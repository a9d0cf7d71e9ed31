//! Who signs in, and how: users, passwords, sessions, API tokens. See README.md.

mod attempts;
mod authenticate;
mod change_password;
mod create_user;
mod find_user;
mod http;
pub mod invitations;
mod model;
mod own_password;
mod password;
mod people;
pub mod providers;
mod reach;
pub mod roles;
pub mod second_factor;
mod secret;
pub mod sessions;
pub mod settings;
mod setup;
mod sign_in;
mod sign_out;
mod store;
pub mod teams;
pub mod territories;
mod tokens;
pub mod users;

use platform::keys::Sealed;
use platform::{Migration, Module};

pub use authenticate::{Credential, authenticate};
pub use change_password::{ChangePasswordError, change_password};
pub use create_user::{CreateUserError, NewUser, create_user};
pub use find_user::find_user;
pub use http::{COOKIE, Edge, HOST_COOKIE, Proxies, sign_in_layer};
pub use model::{Email, EmailError, NameError, PersonName, RoleName, RoleNameError, User};
pub use password::{Password, PasswordError, PasswordHash, hash};
pub use people::{names_of, rights_of};
pub use reach::access_of;
pub use setup::{SetUp, SetUpError, SetupCode, ensure_org, set_up, setup_needed};
pub use sign_in::{SESSION_MILLIS, SignInError, SignInStep, SignedIn, sign_in};
pub use sign_out::sign_out;
pub use tokens::{
    NewToken, Token, TokenError, WantedToken, create_token, list_tokens, revoke_token,
};

/// The tables of this module.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        module: "identity",
        version: 1,
        sql: include_str!("../migrations/0001_identity.sql"),
    },
    Migration {
        module: "identity",
        version: 2,
        sql: include_str!("../migrations/0002_people.sql"),
    },
    Migration { module: "identity", version: 3, sql: include_str!("../migrations/0003_reach.sql") },
    Migration {
        module: "identity",
        version: 4,
        sql: include_str!("../migrations/0004_second_factor.sql"),
    },
    Migration {
        module: "identity",
        version: 5,
        sql: include_str!("../migrations/0005_providers.sql"),
    },
    Migration { module: "identity", version: 6, sql: include_str!("../migrations/0006_proof.sql") },
];

/// What this module keeps sealed.
const SEALED: &[Sealed] = &[
    Sealed::new("identity_users", &["id"], "email_sealed", &[store::EMAIL]),
    Sealed::new("identity_users", &["id"], "totp_sealed", &[second_factor::SECRET]),
    Sealed::new("identity_invitations", &["id"], "email_sealed", &[store::EMAIL]),
    Sealed::new(
        "identity_providers",
        &["id"],
        "client_secret_sealed",
        &[providers::protocol::SECRET],
    ),
    Sealed::new("identity_provider_flows", &["state_hash"], "sealed", &[providers::enter::MEMORY]),
];

/// The module as the house knows it. Its routes expect [`sign_in_layer`] around them.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "identity",
        migrations: MIGRATIONS,
        routes: http::routes,
        jobs: Vec::new(),
        sealed: SEALED,
        published: &[],
        subscribers: Vec::new(),
    }
}
