//! Personal data as people may see it.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::model::{normal_email, normal_phone};

/// A phone number as people may see it: `138****0000`; of a shorter one only the end.
#[must_use]
pub fn mask_phone(phone: &str) -> String {
    /// Digits of a mobile number. Of fewer, seven shown ones would leave nothing to guess.
    const MOBILE: usize = 11;
    let national: Vec<char> = phone.strip_prefix("+86").unwrap_or(phone).chars().collect();
    let (head, tail) = match national.len() {
        MOBILE.. => (3, 4),
        7.. => (0, 2),
        _ => (0, 0),
    };
    let hidden = national.len() - head - tail;
    let shown = |part: &[char]| part.iter().collect::<String>();
    let stars = "*".repeat(if tail > 0 { hidden.max(4) } else { hidden });
    format!("{}{stars}{}", shown(&national[..head]), shown(&national[national.len() - tail..]))
}

/// An e-mail address as people may see it: `z***@example.com`.
#[must_use]
pub fn mask_email(email: &str) -> String {
    match email.split_once('@') {
        Some((local, domain)) => {
            format!("{}***@{domain}", local.chars().next().map(String::from).unwrap_or_default())
        }
        None => "***".to_owned(),
    }
}

/// An account name, or the name of a receiver, as people may see it: masked where it is a phone
/// number or an e-mail address.
#[must_use]
pub fn mask_account(account: &str) -> String {
    if let Some(email) = normal_email(account) {
        mask_email(&email)
    } else if let Some(phone) = normal_phone(account) {
        mask_phone(&phone)
    } else {
        account.to_owned()
    }
}

/// A name or an account of which only the first character is shown.
#[must_use]
pub fn mask_name(name: &str) -> String {
    name.chars().next().map_or_else(String::new, |first| format!("{first}***"))
}

/// What somebody wrote, with everything masked that may be a phone number or an e-mail address. A
/// long number of another kind is masked too: nobody can tell them apart.
#[must_use]
pub fn mask_text(text: &str) -> String {
    static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+").expect("a pattern")
    });
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\p{Nd}(?:[ \-‐－]?\p{Nd}){6,}").expect("a pattern"));
    static DAY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:\b|[ ])")
            .expect("a pattern")
    });
    let text = EMAIL.replace_all(text, |found: &Captures<'_>| mask_email(&found[0]));
    let masked = NUMBER.replace_all(&text, |found: &Captures<'_>| {
        // A day is not a number of anybody; what follows it may be one.
        let (day, rest) =
            DAY.find(&found[0]).map_or(("", &found[0]), |day| found[0].split_at(day.end()));
        let digits: String = rest.chars().filter(|c| c.is_numeric()).collect();
        match digits.len() {
            0..7 if !day.is_empty() => found[0].to_owned(),
            _ => {
                let between: String = rest.chars().take_while(|c| !c.is_numeric()).collect();
                format!("{day}{between}{}", mask_phone(&digits))
            }
        }
    });
    masked.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_show_no_more_than_they_should() {
        assert_eq!(mask_phone("+8613800001234"), "138****1234");
        assert_eq!(mask_phone("12345"), "*****");
        assert_eq!(mask_phone("8888123"), "*****23");
        assert_eq!(mask_phone("88881234"), "******34");
        assert_eq!(mask_email("zhang.san@example.com"), "z***@example.com");
        assert_eq!(mask_account("13800001234"), "138****1234");
        assert_eq!(mask_account("甜甜的茶"), "甜甜的茶");
    }

    #[test]
    fn numbers_and_addresses_are_masked_in_what_people_write() {
        for (written, shown) in [
            ("电话13800001234 邮箱 zhang@example.com", "电话138****1234 邮箱 z***@example.com"),
            ("call 138-0000-1234, 3 pieces of 250 g", "call 138****1234, 3 pieces of 250 g"),
            ("１３８００００１２３４", "１３８****１２３４"),
            ("0571-88881234", "057*****1234"),
            ("送货前打 8888123", "送货前打 *****23"),
            ("2026 年 3 月", "2026 年 3 月"),
            ("录音 2026-11-22 10:30", "录音 2026-11-22 10:30"),
            ("2026-11-22 13800001234", "2026-11-22 138****1234"),
            ("2026-11-2213800001234", "202************1234"),
            ("2026-13-22", "******22"),
            ("", ""),
        ] {
            assert_eq!(mask_text(written), shown, "{written}");
        }
    }
}
