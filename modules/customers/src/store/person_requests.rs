//! SQL of what people ask of us.

use kernel::{PersonRequestId, TypedId as _, UserId};
use platform::db::args::in_list;
use platform::{Arg, Args, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::LOOKUP_MAX;
use crate::person_requests::RequestFilter;

const COLUMNS: &str = "id, customer_id, kind, state, received_at, due_at, handler, sealed, deed,
    created_at, finished_by, finished_at";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct RequestRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub kind: String,
    pub state: String,
    pub received_at: i64,
    pub due_at: i64,
    pub handler: Option<Uuid>,
    pub sealed: Option<Vec<u8>>,
    pub deed: Option<String>,
    pub created_at: i64,
    pub finished_by: Option<Uuid>,
    pub finished_at: Option<i64>,
}

pub(crate) async fn add(tx: &mut Tx, cx: &Ctx, row: &RequestRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO customers_person_requests (org_id, id, customer_id, kind, state, received_at, due_at,
             handler, sealed, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            cx.scope.org_arg(),
            row.id,
            row.customer_id,
            row.kind.as_str(),
            row.state.as_str(),
            row.received_at,
            row.due_at,
            row.handler,
            row.sealed.clone(),
            row.created_at
        ],
    )
    .await
    .map(drop)
}

pub(crate) async fn get(
    tx: &mut Tx,
    scope: Scope,
    id: PersonRequestId,
) -> Result<Option<RequestRow>, DbError> {
    let sql =
        format!("SELECT {COLUMNS} FROM customers_person_requests WHERE org_id = $1 AND id = $2");
    tx.fetch_optional(AssertSqlSafe(sql), args![scope.org_arg(), id.uuid()]).await
}

/// Those that pass, by when they are due.
pub(crate) async fn list(
    tx: &mut Tx,
    cx: &Ctx,
    filter: &RequestFilter,
    family: &[Uuid],
    after: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<RequestRow>, DbError> {
    let (due, id) = after.unwrap_or((i64::MIN, Uuid::nil()));
    let mut arguments: Args = args![cx.scope.org_arg(), due, id, limit];
    let mut conditions = String::new();
    let mut also = |text: &str, value: Arg, arguments: &mut Args| {
        arguments.push(value);
        conditions.push_str(&text.replace("$n", &format!("${}", arguments.len())));
    };
    if let Some(state) = filter.state {
        also(" AND state = $n", state.name().into(), &mut arguments);
    }
    if let Some(kind) = filter.kind {
        also(" AND kind = $n", kind.name().into(), &mut arguments);
    }
    if filter.overdue {
        also(" AND state = 'open' AND due_at < $n", cx.now().into(), &mut arguments);
    }
    if filter.customer.is_some() {
        let ids = family.iter().take(LOOKUP_MAX).map(|id| Arg::from(*id)).collect();
        let (list, values) = in_list(arguments.len() + 1, ids);
        arguments.extend(values);
        conditions.push_str(&format!(" AND customer_id IN ({list})"));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM customers_person_requests
         WHERE org_id = $1 AND (due_at > $2 OR (due_at = $2 AND id > $3)){conditions}
         ORDER BY due_at, id LIMIT $4"
    );
    tx.fetch_all(AssertSqlSafe(sql), arguments).await
}

pub(crate) async fn set_handler(
    tx: &mut Tx,
    scope: Scope,
    id: PersonRequestId,
    handler: UserId,
) -> Result<bool, DbError> {
    let done = tx
        .execute(
            "UPDATE customers_person_requests SET handler = $3
             WHERE org_id = $1 AND id = $2 AND state = 'open'",
            args![scope.org_arg(), id.uuid(), handler],
        )
        .await?;
    Ok(done == 1)
}

pub(crate) async fn finish(
    tx: &mut Tx,
    cx: &Ctx,
    id: PersonRequestId,
    state: &'static str,
    sealed: Vec<u8>,
    deed: Option<&str>,
) -> Result<bool, DbError> {
    let done = tx
        .execute(
            "UPDATE customers_person_requests SET state = $3, sealed = $4, deed = $5, finished_by = $6,
                 finished_at = $7
             WHERE org_id = $1 AND id = $2 AND state = 'open'",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                state,
                sealed,
                deed.map(str::to_owned),
                cx.scope.user_id(),
                cx.now()
            ],
        )
        .await?;
    Ok(done == 1)
}
