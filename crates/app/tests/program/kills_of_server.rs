//! `guanxi serve`, killed with SIGKILL while it imports an uploaded file. Started again, it goes on by
//! itself as soon as the lease of the killed process has ended.

use serde_json::Value;

use super::http::{Server, owner_token};
use super::kills::{Dice, clean, kills, seed};
use super::orders::{counters, generate, in_file, stored};
use super::place::{Kind, Place};

/// Some transactions of an import, as a debug build is slow.
const ORDERS: u32 = 20_000;

fn rows(import: &Value) -> u64 {
    import["rows_read"].as_u64().unwrap()
}

async fn a_killed_server_goes_on(kind: Kind) {
    let source = Place::new(Kind::Sqlite).await;
    let mut left = kills(2);
    let mut round = 0;
    while left > 0 {
        let dice = Dice::new(seed() + round);
        let file = generate(&source, "orders.csv", ORDERS, seed() + round);
        let clean = clean(kind, &file).await;
        let place = Place::new(kind).await;
        let token = owner_token(&place);
        let mut server = Server::start(&place, &token);
        let id = server.client.begin_import(&file);
        for _ in 0..left.min(2) {
            let begun = server.import_when(&id, "the import to be taken up", |import| {
                import["started_at"].is_string()
            });
            assert_eq!(begun["state"], "running", "{begun}");
            let from = server.running.worked();
            let moment = from + dice.part_of(clean.worked / 3);
            let met = server.running.wait_until("a moment", |now| now.worked() >= moment);
            assert!(met, "{:?}", server.running.said());
            let before = server.client.import(&id);
            server.running.kill();
            left -= 1;
            server = Server::start(&place, &token);
            let after = server.client.import(&id);
            assert!(rows(&after) >= rows(&before), "what was committed stays");
        }
        let import = server.rested(&id);
        assert_eq!(import["state"], "finished", "{import}");
        assert_eq!(counters(&import), clean.counters);

        let again = server.client.begin_import(&file);
        let again = server.rested(&again);
        assert_eq!(again["orders_unchanged"], ORDERS, "{again}");
        assert_eq!((&again["orders_created"], &again["orders_updated"]), (&0.into(), &0.into()));
        let customers = clean.stored.customers.len();
        let client = server.client.clone();
        let all = server.running.wait_until("the list of customers", |_| {
            client.get("/customers?limit=1")["total"] == customers
        });
        assert!(all, "{:?}", server.running.said());
        server.running.kill();

        let after = stored(&place).await;
        assert_eq!(after.totals(), in_file(&file), "every order once, with its amount");
        after.assert_same(&clean.stored);
        place.verify();
        let uploads = std::fs::read_dir(place.data().join("uploads")).unwrap();
        let files = uploads.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        assert_eq!(files.count(), 0, "uploaded files go when their import ends");
        round += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_goes_on_with_its_import_on_sqlite() {
    a_killed_server_goes_on(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_goes_on_with_its_import_on_postgres() {
    a_killed_server_goes_on(Kind::Postgres).await;
}
