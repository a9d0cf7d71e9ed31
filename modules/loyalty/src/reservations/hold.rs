//! What a reservation took, line by line, and giving it back.

use kernel::{CouponId, ReservationId, TypedId as _};
use platform::{BulkRows, Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use crate::counters::{self, CounterKind, Take};
use crate::promotions::stock::{self, Move};
use crate::rules::unreadable;

/// What a line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Coupon,
    Promotion,
    Counter(CounterKind),
    Stock,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Coupon => "coupon",
            Self::Promotion => "promotion",
            Self::Counter(kind) => kind.name(),
            Self::Stock => "stock",
        }
    }

    fn parse(name: &str) -> Result<Self, DbError> {
        match name {
            "coupon" => Ok(Self::Coupon),
            "promotion" => Ok(Self::Promotion),
            "stock" => Ok(Self::Stock),
            _ => CounterKind::parse(name)
                .map(Self::Counter)
                .ok_or_else(|| unreadable(format!("a hold of {name:?}"))),
        }
    }
}

/// One line. Ordered as rows are locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hold {
    pub what: What,
    pub owner: Uuid,
    pub key: String,
    pub line: i64,
    /// The coupon or promotion for which it was taken.
    pub source: Uuid,
    pub quantity: i64,
    pub returned: i64,
}

impl Hold {
    pub(super) fn coupon(id: Uuid) -> Self {
        Self::of(What::Coupon, id, String::new(), 1)
    }

    pub(super) fn promotion(id: Uuid) -> Self {
        Self::of(What::Promotion, id, String::new(), 1)
    }

    pub(super) fn counter(take: &Take, source: Uuid) -> Self {
        let what = What::Counter(take.kind);
        Self { source, ..Self::of(what, take.owner, take.key.clone(), take.amount) }
    }

    pub(super) fn stock(promotion: Uuid, sku: &str, pieces: i64) -> Self {
        Self::of(What::Stock, promotion, sku.to_owned(), pieces)
    }

    fn of(what: What, owner: Uuid, key: String, quantity: i64) -> Self {
        Self { what, owner, key, line: 0, source: owner, quantity, returned: 0 }
    }

    /// What was not given back yet.
    pub(super) const fn left(&self) -> i64 {
        self.quantity - self.returned
    }

    pub(super) fn coupon_id(&self) -> Option<CouponId> {
        (self.what == What::Coupon).then(|| CouponId::from_uuid(self.owner))
    }
}

/// Writes the lines of a new reservation.
pub(super) async fn write(
    tx: &mut Tx,
    scope: Scope,
    reservation: ReservationId,
    holds: &[Hold],
) -> Result<(), DbError> {
    let mut rows = BulkRows::new(
        "loyalty_holds",
        &[
            "org_id",
            "reservation_id",
            "line",
            "kind",
            "source_id",
            "owner_id",
            "key",
            "quantity",
            "returned",
        ],
    );
    for (line, hold) in holds.iter().enumerate() {
        rows.push([
            scope.org_arg().into(),
            reservation.uuid().into(),
            (line as i64).into(),
            hold.what.name().into(),
            hold.source.into(),
            hold.owner.into(),
            hold.key.as_str().into(),
            hold.quantity.into(),
            0_i64.into(),
        ]);
    }
    tx.bulk_insert(rows).await
}

#[derive(sqlx::FromRow)]
struct Row {
    line: i64,
    kind: String,
    source_id: Uuid,
    owner_id: Uuid,
    key: String,
    quantity: i64,
    returned: i64,
}

/// The lines of a reservation, in the order in which rows are locked.
pub(super) async fn read(
    tx: &mut Tx,
    scope: Scope,
    reservation: ReservationId,
) -> Result<Vec<Hold>, DbError> {
    let rows: Vec<Row> = tx
        .fetch_all(
            "SELECT line, kind, source_id, owner_id, key, quantity, returned FROM loyalty_holds
              WHERE org_id = $1 AND reservation_id = $2",
            args![scope.org_arg(), reservation.uuid()],
        )
        .await?;
    let holds = rows.into_iter().map(|row| {
        let Row { line, kind, source_id: source, owner_id: owner, key, quantity, returned } = row;
        Ok(Hold { what: What::parse(&kind)?, owner, key, line, source, quantity, returned })
    });
    let mut holds: Vec<Hold> = holds.collect::<Result<_, DbError>>()?;
    holds.sort_unstable();
    Ok(holds)
}

/// Gives `quantity` of a line back to its counter or stock, and notes it. Coupons move by themselves.
pub(super) async fn give_back(
    tx: &mut Tx,
    cx: &Ctx,
    reservation: ReservationId,
    hold: &Hold,
    (quantity, how): (i64, Move),
) -> Result<(), DbError> {
    match hold.what {
        What::Coupon | What::Promotion => {}
        What::Counter(kind) => {
            let place = (kind.name(), hold.owner, hold.key.as_str());
            counters::give_back(tx, cx.scope, place, quantity).await?;
        }
        What::Stock => {
            stock::shift(tx, cx.scope, (hold.owner, &hold.key), quantity, how).await?;
        }
    }
    let noted = tx
        .execute(
            "UPDATE loyalty_holds SET returned = returned + $4
              WHERE org_id = $1 AND reservation_id = $2 AND line = $3 AND returned + $4 <= quantity",
            args![cx.scope.org_arg(), reservation.uuid(), hold.line, quantity],
        )
        .await?;
    if noted == 1 { Ok(()) } else { Err(counters::broken("more would come back than was taken")) }
}
