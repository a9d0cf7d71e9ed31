//! Keys through the interface, and that a rotation leaves nothing sealed by an earlier version.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use customers::birthdays::Birthday;
use customers::edit::Edit;
use kernel::OrgId;
use platform::{Db, args};
use serde_json::{Value, json};
use testkit::{db_test, eventually};

use crate::house::migrations;
use crate::imports::Owner;

const MAPPING: &str = "[columns]\norder_no = \"no\"\naccount = \"who\"\nbuyer_phone = \"phone\"\n\
    email = \"email\"\nmobile = \"phone\"\naddress = \"street\"\nordered_at = \"day\"\n\
    paid_at = \"day\"\npaid = \"paid\"\n";
const HEADER: &str = "no,who,phone,email,street,day,paid\n";

/// Columns of bytes that are no sealed values: digests, blind indexes, codes, lists of ids, and keys,
/// which the master key seals.
const NOT_SEALED: &[&str] = &[
    "browser_hash",
    "caller",
    "code_digest",
    "code_hash",
    "created_orders",
    "digest",
    "email_index",
    "hash",
    "ids",
    "kept",
    "key",
    "mac",
    "members",
    "password_check",
    "request_hash",
    "sealed_digest",
    "secret_hash",
    "state_hash",
    "subject_index",
    "unchanged_orders",
    "wrapped",
];

/// Every column of bytes of every table, as PostgreSQL names them.
async fn columns_of_bytes(db: &Db) -> Vec<(String, String)> {
    let mut tx = db.read().await.unwrap();
    tx.fetch_all(
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
         WHERE table_schema = current_schema() AND data_type = 'bytea'",
        vec![],
    )
    .await
    .unwrap()
}

/// How the values of each sealed column begin.
async fn heads(db: &Db) -> Vec<(String, BTreeSet<Vec<u8>>)> {
    let mut tx = db.read().await.unwrap();
    let mut heads = Vec::new();
    for sealed in app::modules::sealed() {
        let (table, column) = (sealed.table, sealed.column);
        let sql = format!("SELECT {column} FROM {table} WHERE LENGTH({column}) > 0");
        let rows: Vec<(Vec<u8>,)> = tx.fetch_all(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
        let begin = rows.into_iter().map(|(value,)| value[..3].to_vec()).collect();
        heads.push((format!("{table}.{column}"), begin));
    }
    heads
}

/// Something in every column that is sealed.
async fn fill(owner: &Owner, db: &Db) -> String {
    let shop = |rows: &str| format!("{HEADER}{rows}").into_bytes();
    // The second file changes an order, so that there is an undo image, and has a row that is rejected.
    for rows in [
        "1,warbler,13912745873,lark@birds.example,夜莺路1号,2025-01-01,10.00\n",
        "1,warbler,13912745873,lark@birds.example,百灵路2号,2025-01-01,11.00\n2,x,,,,no day,1.00\n",
    ] {
        let file = shop(rows);
        let begun = owner
            .import(&[
                ("shop", b"T"),
                ("format", b"generic"),
                ("mapping", MAPPING.as_bytes()),
                ("file:a.csv", &file),
            ])
            .await;
        owner.import_in(&begun, "finished").await;
    }
    let post = async |path: &str, key: &str, body: Value| {
        let answer = owner.post(path, key, &body).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
    };
    let mut tx = db.read().await.unwrap();
    let (id,): (uuid::Uuid,) =
        tx.fetch_one("SELECT id FROM customers_customers", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    let id = <kernel::CustomerId as kernel::TypedId>::from_uuid(id);
    post(&format!("/customers/{id}/notes"), "a-key", json!({ "text": "she sings" })).await;
    let consent = json!({
        "channels": ["sms"], "purposes": ["marketing"], "granted": true, "source": "phone",
        "evidence": "said so",
    });
    post(&format!("/customers/{id}/consents"), "", consent).await;
    let invited = json!({ "email": "robin@birds.example", "role": "analyst" });
    post("/identity/invitations", "", invited).await;
    let webhook =
        json!({ "url": "https://127.0.0.1/", "topics": [app::modules::published().0[0].name()] });
    let made = owner.post("/platform/webhooks", "", &webhook).await;
    let id_of = made.json()["webhook"]["id"].as_str().unwrap_or_default().to_owned();
    post(&format!("/platform/webhooks/{id_of}/secret"), "", json!({})).await;
    let cx = owner.house.state.platform.ctx(platform::Scope::system(OrgId::FIRST));
    let day = json!({ "calendar": "lunar", "month": 8, "day": 15, "year": 1990 });
    let day =
        Birthday::parse(&serde_json::from_value(day).unwrap(), cx.now().day(kernel::Zone::CHINA))
            .unwrap();
    let mut tx = db.begin().await.unwrap();
    let (version,): (i64,) =
        tx.fetch_one("SELECT version FROM customers_customers", vec![]).await.unwrap();
    let edit = Edit { birthday: Some(Some(day)), ..Edit::default() };
    customers::edit::edit(&mut tx, &cx, id, version, &edit).await.unwrap();
    tx.commit().await.unwrap();
    // Secrets of apps and providers, whose own tests make them through the interface.
    let (keys, ids) =
        (owner.house.state.platform.keys(OrgId::FIRST), &owner.house.state.platform.ids);
    let mut tx = db.begin().await.unwrap();
    let sealed_text = |field, text: &str| keys.seal(&**ids, field, text.as_bytes());
    let sealed = |field| sealed_text(field, "a secret");
    tx.execute("UPDATE identity_users SET totp_sealed = $1", args![sealed("identity.totp")])
        .await
        .unwrap();
    tx.execute(
        "INSERT INTO identity_providers (org_id, id, name, issuer, client_id, client_secret_sealed,
             site_url, email_domains, links_by_email, created_at, version)
         VALUES (1, $1, 'a', 'https://a', 'a', $2, 'https://a', '', FALSE, 0, 1)",
        args![uuid::Uuid::from_u128(1), sealed("identity.provider_secret")],
    )
    .await
    .unwrap();
    tx.execute(
        "INSERT INTO identity_provider_flows (org_id, state_hash, provider_id, browser_hash, sealed,
             expires_at) VALUES (1, $1, $2, $1, $3, 9000000000000)",
        args![vec![1_u8], uuid::Uuid::from_u128(1), sealed("identity.provider_flow")],
    )
    .await
    .unwrap();
    tx.execute(
        "INSERT INTO customers_exports (org_id, id, state, format, chinese, count, approved, sealed,
             asked_at, decision, downloads)
         VALUES (1, $1, 'refused', 'csv', FALSE, 1, FALSE, $2, 0, $3, 0)",
        args![
            uuid::Uuid::from_u128(1),
            sealed_text("customers.export", r#"{"query":"tier=champions","reason":null}"#),
            sealed("customers.export")
        ],
    )
    .await
    .unwrap();
    tx.execute(
        "INSERT INTO customers_person_requests (org_id, id, customer_id, kind, state, received_at,
             due_at, sealed, created_at) VALUES (1, $1, $2, 'access', 'open', 0, 0, $3, 0)",
        args![
            uuid::Uuid::from_u128(1),
            id,
            sealed_text("customers.person_request", r#"{"text":"a wish","answer":null}"#)
        ],
    )
    .await
    .unwrap();
    tx.execute(
        "INSERT INTO loyalty_adjustments (org_id, id, programme_id, customer_id, points, state, sealed,
             asked_at) VALUES (1, $1, $1, $2, 1, 'refused', $3, 0)",
        args![uuid::Uuid::from_u128(1), id, sealed("loyalty.adjustment")],
    )
    .await
    .unwrap();
    tx.execute(
        "INSERT INTO loyalty_level_deeds (org_id, id, scheme_id, customer_id, rank, sealed, at)
         VALUES (1, $1, $1, $2, 1, $3, 0)",
        args![uuid::Uuid::from_u128(1), id, sealed("loyalty.level")],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

db_test! { migrations();
    async fn every_column_of_bytes_is_known(db) {
        if !db.db().is_postgres() {
            return;
        }
        let sealed = app::modules::sealed();
        let known = |table: &str, column: &str| {
            NOT_SEALED.contains(&column)
                || sealed.iter().any(|one| (one.table, one.column) == (table, column))
        };
        let all = columns_of_bytes(db.db()).await;
        assert!(all.len() > sealed.len());
        let unknown: Vec<_> = all.iter().filter(|(table, column)| !known(table, column)).collect();
        assert!(unknown.is_empty(), "declare them in `SEALED` of their module, or here: {unknown:?}");
    }

    async fn a_rotation_leaves_nothing_sealed_by_an_earlier_version(db) {
        let owner = Owner::at_work(&db).await;
        let id = fill(&owner, db.db()).await;
        for (column, heads) in heads(db.db()).await {
            assert_eq!(heads, BTreeSet::from([vec![2, 0, 1]]), "{column} before");
        }
        let none = owner.get("/platform/keys").await;
        assert_eq!(none["progress"], Value::Null, "{none}");

        let asked = owner.post("/platform/keys/rotation", "once", &Value::Null).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{:?}", asked.body);
        let again = owner.post("/platform/keys/rotation", "once", &Value::Null).await;
        assert_eq!(again.json(), asked.json(), "the same request is one rotation");
        assert_eq!(asked.json()["versions"][0]["version"], 2);
        assert_eq!(asked.json()["versions"][1]["state"], "old");
        let done = eventually("the end of the rotation", async || {
            let keys = owner.get("/platform/keys").await;
            Some(keys).filter(|keys| keys["progress"]["finished_at"].is_string())
        })
        .await;
        assert_eq!(done["versions"][1]["state"], "retired", "{done}");
        assert!(done["progress"]["resealed"].as_i64().unwrap() > 10, "{done}");
        assert!(!done.to_string().contains("wrapped"));
        for (column, heads) in heads(db.db()).await {
            assert_eq!(heads, BTreeSet::from([vec![2, 0, 2]]), "{column} after");
        }
        // And it opens: what is shown, what is checked, what is taken back with parts inside of it.
        let reason = json!({ "reason": "a look" });
        let held = owner.post(&format!("/customers/{id}/person-data"), "", &reason).await;
        let held = String::from_utf8(held.body.to_vec()).unwrap();
        for part in ["13912745873", "lark@birds.example", "百灵路2号", "she sings", "said so", "1990"] {
            assert!(held.contains(part), "{part}: {held}");
        }
        let platform = &owner.house.state.platform;
        let cx = platform.ctx(platform::Scope::system(OrgId::FIRST));
        let checks = flows::verify::verify(platform, &cx).await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
        let imports = owner.get("/commerce/imports").await;
        let newest = imports["items"][0]["id"].as_str().unwrap().to_owned();
        let undo = owner.post(&format!("/commerce/imports/{newest}/undo"), "", &Value::Null).await;
        assert!(undo.status.is_success(), "{:?}", undo.body);
        owner.import_in(&imports["items"][0], "undone").await;
        let held = owner.post(&format!("/customers/{id}/person-data"), "", &reason).await;
        assert!(String::from_utf8_lossy(&held.body).contains("夜莺路1号"));
        for (column, heads) in heads(db.db()).await {
            assert!(heads.iter().all(|head| *head == [2, 0, 2]), "{column} after the undo");
        }
        // Both deeds are in the log.
        let log = owner.get("/platform/audit?action=platform.keys").await;
        let actions: Vec<&str> =
            log["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["platform.keys.resealed", "platform.keys.rotate"], "{log}");
        owner.rest().await;
    }
}
