//! `/commerce/shops`. Orders show customers' names, so their routes are the program's.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Currency, FieldErrors, Page, ShopId, Zone};
use platform::http::{Cx, Idempotent};
use platform::idempotency::{self, Answer, Begun};
use platform::{DbError, Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::imports;
use crate::shops::{self, Channel, NewShop, Shop};

/// A shop in answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Shop)]
pub struct ShopView {
    /// Its id.
    pub id: ShopId,
    /// Its name.
    pub name: String,
    /// Where it sells.
    pub channel: Channel,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Its clocks, in seconds east of UTC: the days of its orders are days there.
    pub zone_offset_seconds: i32,
    /// Its orders, counted ones or not; null for whoever does not see all customers.
    pub orders: Option<i64>,
}

impl ShopView {
    fn new(shop: Shop, orders: Option<i64>) -> Self {
        let Shop { id, name, channel, currency, zone, .. } = shop;
        let zone_offset_seconds = zone.offset_seconds();
        Self { id, name, channel, currency, zone_offset_seconds, orders }
    }
}

/// The body of `POST /commerce/shops`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShopBody {
    /// Its name, 1 to 100 characters, unique in the organisation.
    name: String,
    /// Where it sells.
    channel: String,
    /// ISO 4217.
    #[schema(value_type = Currency)]
    currency: String,
}

impl TryFrom<NewShopBody> for NewShop {
    type Error = FieldErrors;
    fn try_from(body: NewShopBody) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.keep("name", shops::parse_name(&body.name));
        let channel = Channel::parse(&body.channel).ok_or_else(|| {
            let names: Vec<&str> = Channel::ALL.iter().map(|(_, name)| *name).collect();
            format!("must be one of {}", names.join(", "))
        });
        let channel = errors.keep("channel", channel);
        let currency = errors.keep("currency", body.currency.parse());
        errors.finish(|| {
            Some(Self { name: name?, channel: channel?, currency: currency?, zone: Zone::CHINA })
        })
    }
}

/// The routes of this file.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list_shops, create_shop))
}

/// All shops, in the order in which they were made.
#[utoipa::path(get, path = "/commerce/shops", tag = "commerce",
    extensions(("x-right" = json!("commerce.read"))),
    responses((status = 200, body = Page<ShopView>), Problem))]
async fn list_shops(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<Page<ShopView>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let shops = shops::all(&mut tx, &cx).await?;
    let sees_all = cx.access.reach().is_all();
    let counts = if sees_all {
        imports::orders_by_shop(&mut tx, cx.scope).await?
    } else {
        HashMap::default()
    };
    tx.rollback().await?;
    let items = shops
        .into_iter()
        .map(|shop| {
            let orders = sees_all.then(|| counts.get(&shop.number).copied().unwrap_or(0));
            ShopView::new(shop, orders)
        })
        .collect();
    Ok(Json(Page { items, next: None }))
}

/// Makes a shop. Its days are those of UTC+8.
#[utoipa::path(post, path = "/commerce/shops", tag = "commerce",
    extensions(("x-right" = json!("commerce.shops"))), request_body = NewShopBody,
    responses((status = 201, body = ShopView), Problem))]
async fn create_shop(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<NewShopBody>,
) -> Result<Answer, Problem> {
    let new = NewShop::try_from(body).map_err(Problem::validation)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let shop = shops::create(&mut tx, &cx, &new).await.map_err(|error| match error {
        DbError::Duplicate { .. } => Problem::field("name", "another shop has this name"),
        other => other.into(),
    })?;
    let answer =
        ticket.finish(&mut tx, &cx, StatusCode::CREATED, &ShopView::new(shop, Some(0))).await?;
    tx.commit().await?;
    Ok(answer)
}
