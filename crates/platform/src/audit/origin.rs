//! From where something was asked for.

use std::net::IpAddr;
use std::sync::Arc;

use kernel::TokenId;

/// From where and through what a request came; nothing for the command line and for background work.
///
/// Made at the edge and carried by [`crate::Ctx`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address of the peer, as far as proxies are trusted.
    pub peer: Option<IpAddr>,
    /// The API token by which the user acts, if it is not a session.
    pub token: Option<TokenId>,
    /// The id of the request, by which it is found in the log of the server.
    pub request: Option<Arc<str>>,
}
