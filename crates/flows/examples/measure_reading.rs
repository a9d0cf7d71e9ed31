//! Loads the customer engine of a data folder and times what reads it; for work on reading.
//! `cargo run --release -p flows --example measure_reading -- FOLDER [postgres://…]`

use std::sync::Arc;
use std::time::{Duration, Instant};

use analytics::SortKey;
use flows::engine::EngineHandle;
use flows::list_customers::{CustomerParams, Parsed, list_customers};
use flows::list_orders::{OrderParams, list_orders};
use kernel::OrgId;
use platform::crypto::MasterKey;
use platform::system::{SystemClock, SystemIds};
use platform::{Db, Platform, Scope};

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    line("VmHWM:").unwrap_or(0) / 1024
}

fn told(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{name:<44} p50 {:>9.2?} p95 {:>9.2?} max {:>9.2?}", at(50), at(95), at(100));
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let folder = std::path::PathBuf::from(&args[1]);
    let db = match args.get(2) {
        Some(url) => Db::connect_postgres(url).await,
        None => Db::open_sqlite(&folder.join("guanxi.db")).await,
    }
    .expect("the database opens");
    let key = folder.with_extension("key");
    let ids = SystemIds::default();
    let master = if key.exists() {
        MasterKey::load_or_create(&key, &ids).expect("the key")
    } else {
        MasterKey::new([1; 32])
    };
    let platform = Platform::new(db, master, Arc::new(SystemClock), Arc::new(ids), &folder);
    let scope = Scope::system(OrgId::FIRST);
    let before = resident_mib();
    let began = Instant::now();
    let engine = EngineHandle::load(&platform, scope).await.expect("the engine");
    println!(
        "{} customers in {:.2?}; peak {} MiB, {before} before; engine {} MiB",
        engine.ask(|engine| engine.len()),
        began.elapsed(),
        resident_mib(),
        engine.ask(|engine| engine.memory_bytes()) >> 20
    );
    let cx = platform.ctx(scope);
    for key in SortKey::ALL {
        let mut times = Vec::new();
        let mut params = CustomerParams::default();
        params.sort = Some(Parsed(format!("-{}", key.name()).parse().expect("a sort")));
        for _ in 0..40 {
            let began = Instant::now();
            let page = list_customers(&engine, &cx, &params).await.expect("a page");
            times.push(began.elapsed());
            params.after = page.next.map(|next| Parsed(next.parse().expect("a cursor")));
        }
        told(&format!("-{}", key.name()), times);
    }
    for q in ["王", "李小", "tea", "a", "13800001234", "x@example.com", "2100000000", "茶"] {
        let params = CustomerParams { q: Some(q.to_owned()), ..CustomerParams::default() };
        let mut times = Vec::new();
        let mut total = 0;
        for _ in 0..5 {
            let began = Instant::now();
            total = list_customers(&engine, &cx, &params).await.expect("a page").total;
            times.push(began.elapsed());
        }
        told(&format!("q={q} ({total})"), times);
    }
    let params = CustomerParams {
        orders_min: Some(2),
        tier: vec![Parsed("loyal".parse().expect("a tier"))],
        province: Some("浙江省".to_owned()),
        ..CustomerParams::default()
    };
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        list_customers(&engine, &cx, &params).await.expect("a page");
        times.push(began.elapsed());
    }
    told("tier, province, orders_min", times);
    for (name, params) in [
        ("orders", OrderParams::default()),
        (
            "orders by paid_amount",
            OrderParams {
                sort: Some(Parsed("-paid_amount".parse().expect("a sort"))),
                ..OrderParams::default()
            },
        ),
        (
            "orders unpaid",
            OrderParams { state: Some(commerce::OrderState::Unpaid), ..OrderParams::default() },
        ),
        ("orders by number", OrderParams { q: Some("210".to_owned()), ..OrderParams::default() }),
    ] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            list_orders(&platform, &cx, &params).await.expect("a page");
            times.push(began.elapsed());
        }
        told(name, times);
    }
}
