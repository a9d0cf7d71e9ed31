//! Codes: 16 letters that nobody can guess and that the database does not hold.

use kernel::{CouponBatchId, TypedId as _};
use platform::crypto::OrgKeys;

/// Crockford's alphabet: no I, L, O and U, which look like others or make words. <https://www.crockford.com/base32.html>
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: 80 bits.
pub const LETTERS_COUNT: usize = 16;
/// Longest code that is looked at, in bytes.
const ENTERED_MAX_BYTES: usize = 200;

/// The `number`th code of a batch: the first 80 bits of an HMAC-SHA-256 of both under a key of the organisation. So
/// it can be made again, by whoever has the key, and from nothing else.
#[must_use]
pub fn make(keys: &OrgKeys, batch: CouponBatchId, number: u64) -> String {
    let mac = keys.authenticate(
        "loyalty.coupon_code",
        &[batch.uuid().as_bytes().as_slice(), &number.to_be_bytes()],
    );
    let mut code = String::with_capacity(LETTERS_COUNT);
    // Five bytes are eight letters.
    for bytes in mac[..10].chunks(5) {
        let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in (0..8).rev() {
            code.push(char::from(LETTERS[(bits >> (place * 5) & 31) as usize]));
        }
    }
    code
}

/// A code as people read it: four letters and a dash.
#[must_use]
pub fn grouped(code: &str) -> String {
    let mut out = String::with_capacity(code.len() + code.len() / 4);
    for (index, letter) in code.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push('-');
        }
        out.push(letter);
    }
    out
}

/// A code as it is compared, whatever somebody made of it: letters are large, full-width ones are narrow, spaces
/// and dashes are gone, O is 0, I and L are 1. `None` if it can be none.
#[must_use]
pub fn normalise(entered: &str) -> Option<String> {
    if entered.len() > ENTERED_MAX_BYTES {
        return None;
    }
    let mut code = String::with_capacity(entered.len());
    for letter in entered.chars() {
        let narrow = match u32::from(letter) {
            wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(letter),
            _ => letter,
        };
        match narrow.to_ascii_uppercase() {
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            space if space.is_whitespace() => {}
            'O' => code.push('0'),
            'I' | 'L' => code.push('1'),
            letter if letter.is_ascii_alphanumeric() => code.push(letter),
            _ => return None,
        }
    }
    (!code.is_empty()).then_some(code)
}

/// By which the database finds a code; nothing can be learned from it without the key.
#[must_use]
pub fn digest(keys: &OrgKeys, normalised: &str) -> Vec<u8> {
    keys.blind_index("loyalty.coupon_code", normalised).to_vec()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::OrgId;
    use platform::crypto::MasterKey;
    use uuid::Uuid;

    use super::*;

    fn batch(n: u128) -> CouponBatchId {
        CouponBatchId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn codes_are_80_bits_of_their_batch_and_number() {
        let keys = MasterKey::new([7; 32]).org_keys(OrgId::FIRST);
        let mut codes = BTreeSet::new();
        let mut letters = [0_u32; 128];
        for number in 0..4_000 {
            let code = make(&keys, batch(1), number);
            assert_eq!((code.len(), normalise(&code).as_deref()), (LETTERS_COUNT, Some(&*code)));
            code.bytes().for_each(|letter| letters[usize::from(letter)] += 1);
            codes.insert(code);
        }
        assert_eq!(codes.len(), 4_000);
        // 64,000 letters of 32: 2,000 each, and a standard deviation of 44.
        for letter in LETTERS {
            assert!((1_700..2_300).contains(&letters[usize::from(*letter)]), "{letter}");
        }
        assert_eq!(make(&keys, batch(1), 5), make(&keys, batch(1), 5));
        assert!(!codes.contains(&make(&keys, batch(2), 5)));
        let other = MasterKey::new([7; 32]).org_keys(OrgId::new(2));
        assert!(!codes.contains(&make(&other, batch(1), 5)));
    }

    #[test]
    fn what_people_enter_is_read_as_it_was_meant() {
        for entered in [
            "ab10-jk01",
            " AB1O jkOI ",
            "ab-lo-jkol",
            "ＡＢ１０－ＪＫ０１",
            "AB\u{2013}10\u{3000}JK01",
        ] {
            assert_eq!(normalise(entered).as_deref(), Some("AB10JK01"), "{entered}");
        }
        for entered in ["", "--", "优惠", "AB;10", &"A".repeat(201)] {
            assert_eq!(normalise(entered), None, "{entered}");
        }
        assert_eq!(grouped("0123456789ABCDEF"), "0123-4567-89AB-CDEF");
    }
}
