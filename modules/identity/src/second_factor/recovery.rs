//! Recovery codes: ten, each of which works once, for who has lost the app.

use kernel::{Ids, TypedId as _, UserId};
use platform::crypto::OrgKeys;

/// Codes made at once.
pub(crate) const COUNT: usize = 10;
/// Without letters and digits that look alike.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// 60 bits.
pub(crate) const CHARS: usize = 12;
const GROUP_CHARS: usize = 4;

/// Fresh codes as they are shown: `K7QD-3MXP-9RTW`.
pub(crate) fn fresh(ids: &dyn Ids) -> Vec<String> {
    let code = |_| {
        let mut random = [0u8; CHARS];
        ids.fill(&mut random);
        // 256 is a multiple of 32: every character is as likely as the others.
        let chars: Vec<char> =
            random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
        let groups: Vec<String> =
            chars.chunks(GROUP_CHARS).map(|group| group.iter().collect()).collect();
        groups.join("-")
    };
    (0..COUNT).map(code).collect()
}

/// What is stored of a code. Whoever reads the database cannot try all codes: they lack the key.
pub(crate) fn digest(keys: &OrgKeys, user: UserId, normal: &str) -> [u8; 32] {
    keys.authenticate("identity.recovery_code", &[user.uuid().as_bytes(), normal.as_bytes()])
}

/// A code as it was typed, without what does not matter: blanks, dashes, case.
pub(crate) fn normal(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .take(CHARS + 1)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::OrgId;
    use platform::crypto::MasterKey;
    use testkit::SeededIds;

    #[test]
    fn codes_are_many_and_read_as_they_may_be_typed() {
        let codes = fresh(&SeededIds::new(1));
        let distinct: std::collections::BTreeSet<&String> = codes.iter().collect();
        assert_eq!((codes.len(), distinct.len()), (COUNT, COUNT));
        for code in &codes {
            let plain = code.replace('-', "");
            assert_eq!((plain.len(), normal(code)), (CHARS, plain.clone()));
            assert_eq!(normal(&format!(" {} ", plain.to_lowercase())), plain);
        }
        assert_eq!(normal("A".repeat(99).as_str()).len(), CHARS + 1, "it has a limit");
    }

    #[test]
    fn a_digest_is_of_one_user_and_organisation() {
        let keys = |org| MasterKey::new([7; 32]).org_keys(OrgId::new(org));
        let user = |number| UserId::from_uuid(uuid::Uuid::from_u128(number));
        let one = digest(&keys(1), user(1), "K7QD3MXP9RTW");
        assert_eq!(one, digest(&keys(1), user(1), "K7QD3MXP9RTW"));
        assert_ne!(one, digest(&keys(1), user(2), "K7QD3MXP9RTW"));
        assert_ne!(one, digest(&keys(2), user(1), "K7QD3MXP9RTW"));
        assert_ne!(one, digest(&keys(1), user(1), "K7QD3MXP9RTX"));
    }
}
