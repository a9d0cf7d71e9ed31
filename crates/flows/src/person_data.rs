//! Everything that is held about one person, to be given to them (PIPL art. 45): of all modules, in the clear.

use std::collections::HashMap;

use commerce::record::LineRecord;
use commerce::store::{self as orders, OrderRow};
use customers::birthdays;
use customers::consent::ledger;
use customers::erase as people;
use customers::history::{self, ChangeKind};
use customers::identities;
use customers::merge;
use customers::notes;
use customers::person_requests::{self, RequestFilter};
use customers::profiles;
use customers::reveal::Reason;
use kernel::{CustomerId, Limit, OrderId, Timestamp, TypedId as _};
use loyalty::points::{Holder, adjust, programme, statement};
use platform::audit::{self, AuditFilter, Entry};
use platform::{Ctx, DbError, Platform, Tx};
use serde_json::{Value, json};
use uuid::Uuid;

/// Notes and entries of a history that are given: more than anybody has.
const MOST: u16 = u16::MAX;
/// Audit entries read at once.
const PAGE: u32 = 200;

/// What is held of the person that `customer` is, with all who were merged into it: profile, identities, birthdays, tags,
/// notes, consents, merges, history, live audiences entered and left, orders with receivers and lines, points with how
/// they came and went, and audit entries. `None` if there is no such customer. Recorded with the reason before anything
/// is given out.
///
/// # Errors
/// `Refused` if something cannot be opened; otherwise as the database says.
pub async fn export(
    platform: &Platform,
    cx: &Ctx,
    customer: CustomerId,
    reason: &Reason,
) -> Result<Option<Value>, DbError> {
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let Some(held) = people::held(&mut tx, cx, &keys, customer).await? else { return Ok(None) };
    let family: Vec<Uuid> = held.family.iter().map(|id| id.uuid()).collect();
    let profile = profiles::profiles(&mut tx, cx, &[held.root]).await?.pop();
    let profile = profile.map(|profile| {
        json!({
            "id": profile.id, "name": profile.name, "country": profile.country,
            "province": profile.province, "city": profile.city, "rating": profile.rating,
            "created_at": profile.created_at,
            "tags": profile.tags.iter().map(|tag| &tag.name).collect::<Vec<_>>(),
        })
    });
    let struck = identities::struck(&mut tx, cx.scope, &family).await?;
    let families = HashMap::from_iter(family.iter().map(|one| (*one, vec![*one])));
    let birthdays: Vec<Value> = birthdays::of_families(&mut tx, cx.scope, &keys, &families)
        .await?
        .into_iter()
        .map(|(one, birthday)| {
            json!({"customer": CustomerId::from_uuid(one), "birthday": birthday.body()})
        })
        .collect();
    let notes = notes::notes(&mut tx, cx.scope, &keys, &family, None, MOST).await?;
    let consents = ledger::entries(&mut tx, cx.scope, &keys, held.root).await?;
    let filter = RequestFilter { customer: Some(held.root), ..RequestFilter::default() };
    let limit = Limit::new(Some(Limit::MAX.into())).map_err(DbError::Refused)?;
    let (requests, _) = person_requests::list(&mut tx, cx, &filter, None, limit).await?;
    let merges = merge::merges(&mut tx, cx, &family).await?;
    let history =
        history::history(&mut tx, cx.scope, &family, &ChangeKind::ALL, None, MOST).await?;
    let history: Vec<Value> = history
        .into_iter()
        .map(|entry| {
            // One that was merged by mistake and parted is somebody else.
            let is_other = entry.change.other().is_some_and(|id| !held.family.contains(&id));
            let change = if is_other { json!(entry.change.kind()) } else { json!(entry.change) };
            json!({"at": entry.at, "customer": entry.customer, "change": change})
        })
        .collect();
    let audiences =
        insight::live::of_person(&mut tx, cx.scope, &held.family, u32::from(MOST)).await?;
    let orders = orders_of(&mut tx, cx, &held.family).await?;
    let points = points_of(&mut tx, cx, &Holder::new(held.root, &held.family)).await?;
    let changes = adjust::of_customers(&mut tx, cx.scope, &keys, &held.family).await?;
    let of_orders = orders.iter().filter_map(|order| order["id"].as_str().map(str::to_owned));
    let records: Vec<String> =
        held.family.iter().map(ToString::to_string).chain(of_orders).collect();
    let audit = audit_of(&mut tx, cx, &records).await?;
    let entry = Entry::new("customers.person_export")
        .on("customer", held.root)
        .with("orders", orders.len())
        .with("entries", audit.len())
        .personal("reason", reason.as_str());
    audit::record(&mut tx, cx, entry).await?;
    tx.commit().await?;
    Ok(Some(json!({
        "exported_at": cx.now(),
        "customer": profile,
        "merged": held.family,
        "erased_at": held.erased_at,
        "identities": held.identities,
        "birthdays": birthdays,
        "not_theirs": struck,
        "notes": notes,
        "consents": consents,
        "requests": requests,
        "merges": merges,
        "history": history,
        "audiences": audiences,
        "orders": orders,
        "points": points,
        "points_adjustments": changes,
        "audit": audit,
    })))
}

/// What they have in each programme in which they have or had any, and how it came to it, the newest first.
async fn points_of(tx: &mut Tx, cx: &Ctx, holder: &Holder) -> Result<Vec<Value>, DbError> {
    let limit = Limit::new(Some(Limit::MAX.into())).map_err(DbError::Refused)?;
    let mut told = Vec::new();
    for programme in programme::all(tx, cx.scope).await? {
        let mut lines = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let (now, after_now) = (cx.now(), after.as_deref());
            let page =
                statement::statement(tx, cx.scope, &programme, holder, now, after_now, limit)
                    .await?
                    .map_err(|error| DbError::Refused(format!("a statement: {error}")))?;
            lines.extend(page.lines.items);
            after = page.lines.next;
            if after.is_none() {
                if !lines.is_empty() {
                    told.push(json!({
                        "programme": programme.name, "balance": page.balance,
                        "spendable": page.spendable, "lines": lines,
                    }));
                }
                break;
            }
        }
    }
    Ok(told)
}

async fn orders_of(tx: &mut Tx, cx: &Ctx, family: &[CustomerId]) -> Result<Vec<Value>, DbError> {
    let mut rows = orders::orders_of(tx, cx.scope, family).await?;
    rows.sort_by_key(|row| (row.ordered_at, row.id));
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut lines = orders::lines(tx, cx.scope, &ids).await?;
    rows.iter().map(|row| order(cx, row, &lines.remove(&row.id).unwrap_or_default())).collect()
}

fn order(cx: &Ctx, row: &OrderRow, lines: &[LineRecord]) -> Result<Value, DbError> {
    let head =
        row.head(&cx.keys()).map_err(|error| DbError::Refused(format!("an order: {error}")))?;
    let receiver = head.receiver;
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "title": line.title, "sku": line.sku_text, "quantity": line.quantity,
                "amount_minor": line.amount_minor, "refund_minor": line.refund_minor,
            })
        })
        .collect();
    Ok(json!({
        "id": OrderId::from_uuid(row.id), "number": row.external_no, "state": head.state,
        "ordered_at": head.ordered_at, "paid_at": head.paid_at, "shipped_at": head.shipped_at,
        "completed_at": head.completed_at, "total_minor": head.total_minor,
        "paid_minor": head.paid_minor, "refund_minor": head.refund_minor,
        "item_title": head.item_title, "carrier": head.carrier, "tracking_no": head.tracking_no,
        "province": head.province, "city": head.city, "buyer_message": head.buyer_message,
        "seller_remark": head.seller_remark, "other_columns": head.extra,
        "receiver": {
            "name": receiver.name, "mobile": receiver.mobile, "landline": receiver.landline,
            "district": receiver.district, "address": receiver.address,
            "postcode": receiver.postcode,
        },
        "lines": lines,
    }))
}

async fn audit_of(tx: &mut Tx, cx: &Ctx, records: &[String]) -> Result<Vec<Value>, DbError> {
    let mut found: Vec<(Timestamp, Value)> = Vec::new();
    let limit = Limit::new(Some(PAGE)).map_err(|error| DbError::Refused(error.to_string()))?;
    for record in records {
        let filter = AuditFilter { record: Some(record.clone()), ..AuditFilter::default() };
        let mut after = None;
        loop {
            let (entries, next) =
                audit::list(tx, cx.scope, &cx.keys(), &filter, after, limit).await?;
            found.extend(entries.into_iter().map(|entry| {
                let value = json!({
                    "at": entry.at, "action": entry.action, "actor": entry.actor,
                    "before": entry.before, "after": entry.after,
                    "personal_before": entry.personal_before,
                    "personal_after": entry.personal_after,
                });
                (entry.at, value)
            }));
            match next {
                Some(place) => after = Some(place),
                None => break,
            }
        }
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, value)| value).collect())
}
