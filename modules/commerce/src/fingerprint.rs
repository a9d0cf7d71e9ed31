//! Short keyed digests by which an unchanged order is known without reading it.

use platform::crypto::OrgKeys;

use crate::record::{LineRecord, OrderRecord};

/// Digest of what a report says, and 0: first in the pair for a report without lines, second for one with
/// lines. So the order report and the item report of an order are each known again.
///
/// Keyed, because a report holds names and phones and a plain digest could be guessed at. A collision
/// (2⁻⁶⁴ a pair) would leave one update out; nothing else depends on them.
#[must_use]
pub fn fingerprint(keys: &OrgKeys, record: &OrderRecord, buffer: &mut Vec<u8>) -> (i64, i64) {
    let digest = |said: &[u8]| {
        let full = keys.blind_index("commerce.record", said);
        i64::from_be_bytes([full[0], full[1], full[2], full[3], full[4], full[5], full[6], full[7]])
    };
    let OrderRecord {
        external_no,
        line: _,
        raw: _,
        goes_on,
        sums: _,
        buyer,
        receiver,
        state,
        close_reason,
        ordered_at,
        paid_at,
        shipped_at,
        completed_at,
        goods_minor,
        freight_minor,
        total_minor,
        paid_minor,
        refund_minor,
        item_count,
        item_title,
        buyer_message,
        seller_remark,
        carrier,
        tracking_no,
        lines,
        extra,
    } = record;
    buffer.clear();
    text(buffer, Some(external_no));
    for part in [
        &buyer.account,
        &buyer.pay_account,
        &buyer.name,
        &buyer.email,
        &buyer.phone,
        &buyer.country,
        &receiver.name,
        &receiver.mobile,
        &receiver.landline,
        &receiver.province,
        &receiver.city,
        &receiver.district,
        &receiver.address,
        &receiver.postcode,
        close_reason,
        item_title,
        buyer_message,
        seller_remark,
        carrier,
        tracking_no,
    ] {
        text(buffer, part.as_ref());
    }
    let times = [ordered_at, paid_at, shipped_at, completed_at].map(|at| at.map(|t| t.millis()));
    let amounts =
        [*goods_minor, *freight_minor, *total_minor, *paid_minor, *refund_minor, *item_count];
    for number in
        times.into_iter().chain(amounts).chain([state.map(|state| i64::from(state.code()))])
    {
        digits(buffer, number);
    }
    for (name, value) in extra {
        text(buffer, Some(name));
        text(buffer, Some(value));
    }
    if lines.is_empty() {
        return (digest(buffer), 0);
    }
    buffer.push(u8::from(*goes_on));
    for line in lines {
        let LineRecord {
            external_no,
            title,
            sku_code,
            sku_text,
            quantity,
            unit_price_minor,
            amount_minor,
            refund_minor,
            state,
        } = line;
        for part in [external_no, title, sku_code, sku_text] {
            text(buffer, part.as_ref());
        }
        for number in [
            Some(*quantity),
            *unit_price_minor,
            *amount_minor,
            *refund_minor,
            state.map(|state| i64::from(state.code())),
        ] {
            digits(buffer, number);
        }
    }
    (0, digest(buffer))
}

/// Length before text, so that no two different lists run into the same bytes.
fn text(out: &mut Vec<u8>, part: Option<&String>) {
    match part {
        Some(part) => {
            out.extend_from_slice(&(part.len() as u64 + 1).to_le_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        None => out.extend_from_slice(&[0; 8]),
    }
}

fn digits(out: &mut Vec<u8>, number: Option<i64>) {
    out.push(u8::from(number.is_some()));
    out.extend_from_slice(&number.unwrap_or(0).to_le_bytes());
}
