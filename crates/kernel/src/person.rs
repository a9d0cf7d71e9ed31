//! A user beside their id.

use serde::Serialize;

/// A user as colleagues see them. Answers that name a user by id have this beside it where the user is
/// known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The e-mail address by which they sign in.
    pub email: String,
}
