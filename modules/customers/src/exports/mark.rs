//! The mark in each row of an exported file, which says whose export it is.

use kernel::{ExportId, TypedId as _};
use platform::crypto::OrgKeys;

/// Characters of the code in a mark.
const CODE_CHARS: usize = 8;
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn code(keys: &OrgKeys, id: ExportId) -> String {
    let full = keys.authenticate("customers.export.mark", &[id.uuid().as_bytes()]);
    let bits = full.iter().take(5).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    let digit = |place: usize| BASE32[(bits >> (5 * place)) as usize & 31] as char;
    (0..CODE_CHARS).rev().map(digit).collect()
}

/// What stands in each row of the file of an export: its id, and a code by which nobody can put the id of
/// another one there.
#[must_use]
pub fn mark(keys: &OrgKeys, id: ExportId) -> String {
    format!("{id}-{}", code(keys, id))
}

/// The export whose mark is in `text`, wherever in it; `None` if there is none, or one that was made up.
#[must_use]
pub fn read_mark(keys: &OrgKeys, text: &str) -> Option<ExportId> {
    let length = "exp_".len() + 26;
    text.match_indices("exp_").find_map(|(at, _)| {
        let rest = &text[at..];
        let id: ExportId = rest.get(..length)?.parse().ok()?;
        let said = rest.get(length..)?.strip_prefix('-')?.get(..CODE_CHARS)?;
        (said == code(keys, id)).then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::OrgId;
    use platform::crypto::MasterKey;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn a_mark_is_read_wherever_it_stands_and_no_other(id in any::<u128>(), around in "[^e]{0,20}", change in 0_usize..39) {
            let keys = MasterKey::new([7; 32]).org_keys(OrgId::FIRST);
            let id = ExportId::from_uuid(Uuid::from_u128(id));
            let mark = mark(&keys, id);
            prop_assert_eq!(read_mark(&keys, &format!("{around}{mark} {around}")), Some(id));
            let mut changed = mark.clone().into_bytes();
            changed[change] = if changed[change] == b'0' { b'1' } else { b'0' };
            prop_assert_eq!(read_mark(&keys, &String::from_utf8(changed).unwrap()), None);
            let others = MasterKey::new([8; 32]).org_keys(OrgId::FIRST);
            prop_assert_eq!(read_mark(&others, &mark), None);
            prop_assert_eq!(read_mark(&keys, &mark[..change]), None);
        }
    }
}
