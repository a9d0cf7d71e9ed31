//! When a call that failed is made again.
//!
//! Source: Standard Webhooks 1.0.0, "Deliverability and reliability": its example schedule, with a little
//! randomness so that what failed together does not come back together.

use kernel::Ids;

use crate::background::backoff_millis;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// From a try to the next one.
const DELAYS: [i64; 9] = [
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

/// A webhook whose calls all failed for so many days is switched off.
pub const FAILING_DAYS: i64 = 5;

/// The longest time that a receiver may ask for by `Retry-After`.
const RETRY_AFTER_MAX: i64 = 24 * HOUR;
/// How long a webhook is left alone after a failure, doubled with each in a row.
const QUIET: i64 = 5 * SECOND;
/// At most.
const QUIET_MAX: i64 = 5 * MINUTE;

/// Milliseconds from the `tries`th failed try to the next one, up to a tenth longer than the schedule; `None` if
/// that was the last.
pub(super) fn next_try(tries: i64, ids: &dyn Ids) -> Option<i64> {
    let delay = *DELAYS.get(usize::try_from(tries.checked_sub(1)?).ok()?)?;
    let mut random = [0u8; 2];
    ids.fill(&mut random);
    Some(delay + delay / 10 * i64::from(u16::from_le_bytes(random)) / i64::from(u16::MAX))
}

/// Milliseconds for which a webhook is left alone after `failures` in a row, so that many messages do not each
/// knock at a door that is shut.
pub(super) fn quiet(failures: i64, ids: &dyn Ids) -> i64 {
    backoff_millis(u32::try_from(failures).unwrap_or(u32::MAX), QUIET, QUIET_MAX, ids)
}

/// Milliseconds that `Retry-After` asks for; its form as a date is not read.
pub(super) fn retry_after(header: Option<&str>) -> Option<i64> {
    let seconds: u32 = header?.trim().parse().ok()?;
    Some((i64::from(seconds) * SECOND).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemIds;

    #[test]
    fn the_schedule_is_that_of_the_specification() {
        let ids = SystemIds::default();
        let mut since_start = 0;
        let expected = [5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105];
        for (tries, seconds) in (1..).zip(expected) {
            since_start += DELAYS[tries - 1];
            assert_eq!(since_start / SECOND, seconds);
            for _ in 0..100 {
                let delay = next_try(tries as i64, &ids).unwrap();
                assert!((DELAYS[tries - 1]..=DELAYS[tries - 1] * 11 / 10).contains(&delay));
            }
        }
        assert_eq!(next_try(10, &ids), None);
        assert_eq!(next_try(0, &ids), None);
    }

    #[test]
    fn a_receiver_may_ask_for_time_but_not_for_ever() {
        assert_eq!(retry_after(Some("120")), Some(120_000));
        assert_eq!(retry_after(Some("4000000000")), Some(RETRY_AFTER_MAX));
        for odd in [None, Some("-1"), Some("soon"), Some("Wed, 21 Oct 2015 07:28:00 GMT")] {
            assert_eq!(retry_after(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn failures_in_a_row_make_quiet_for_longer_up_to_a_limit() {
        let ids = SystemIds::default();
        for (failures, about) in [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (1_000, 300)] {
            let quiet = quiet(failures, &ids);
            assert!((about * 800..=about * 1_200).contains(&quiet), "{failures}: {quiet}");
        }
    }
}
