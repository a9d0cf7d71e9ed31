//! Secrets that stand for a user: 256 random bits, of which only the SHA-256 is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Ids, OrgId};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What API tokens begin with, so that people and scanners know them.
const TOKEN_PREFIX: &str = "gxt_";

/// A secret with the organisation it belongs to, which is the first part of its text: every key of
/// the database begins with the organisation.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) org: OrgId,
    bytes: Zeroizing<[u8; 32]>,
}

impl Secret {
    pub(crate) fn fresh(org: OrgId, ids: &dyn Ids) -> Self {
        let mut bytes = Zeroizing::new([0u8; 32]);
        ids.fill(bytes.as_mut_slice());
        Self { org, bytes }
    }

    /// What is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        // 256 random bits need neither salt nor a slow hash.
        Sha256::digest(self.bytes.as_slice()).into()
    }

    /// The value of a session cookie: `1_` and 43 characters.
    pub(crate) fn text(&self) -> String {
        format!("{}_{}", self.org.get(), URL_SAFE_NO_PAD.encode(self.bytes.as_slice()))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (org, secret) = text.split_once('_')?;
        let org = OrgId::new(org.parse().ok().filter(|org| *org > 0)?);
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret).ok()?);
        Some(Self { org, bytes: Zeroizing::new(decoded.as_slice().try_into().ok()?) })
    }

    /// An API token: `gxt_1_` and 43 characters.
    pub(crate) fn token_text(&self) -> String {
        format!("{TOKEN_PREFIX}{}", self.text())
    }

    pub(crate) fn parse_token(text: &str) -> Option<Self> {
        Self::parse(text.strip_prefix(TOKEN_PREFIX)?)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::SeededIds;

    #[test]
    fn texts_round_trip_and_nothing_else_is_read() {
        let secret = Secret::fresh(OrgId::new(7), &SeededIds::new(1));
        let read = Secret::parse(&secret.text()).unwrap();
        assert_eq!((read.org, read.hash()), (secret.org, secret.hash()));
        let read = Secret::parse_token(&secret.token_text()).unwrap();
        assert_eq!((read.org, read.hash()), (secret.org, secret.hash()));
        assert!(Secret::parse_token(&secret.text()).is_none(), "a cookie is no token");
        for text in ["", "1", "1_", "x_AAAA", "-1_AAAA", "1_AAAA", "0_AAAA"] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{secret:?}").contains(&secret.text()));
    }
}
