//! What is done with imports that are there, through their routes: pause, resume, cancel, take back,
//! mend what was rejected.

use axum::http::StatusCode;
use commerce::imports::{self, Import, ImportState};
use flows::import_orders;
use kernel::{ImportId, OrgId};
use platform::{Ctx, Scope};
use serde_json::{Value, json};
use testkit::{TestDb, db_test, eventually};

use crate::house::migrations;
use crate::imports::{GENERIC, MAPPING, Owner, assert_problem, path_of, report, text};

const ACCEPTED: StatusCode = StatusCode::ACCEPTED;

fn id_of(import: &Value) -> ImportId {
    text(&import["id"]).parse().unwrap()
}

async fn stored(db: &TestDb, import: &Value) -> Import {
    let mut tx = db.db().read().await.unwrap();
    let cx = db.ctx();
    imports::get(&mut tx, cx.scope, id_of(import)).await.unwrap().unwrap()
}

impl Owner {
    async fn step(&self, import: &Value, step: &str) -> Value {
        let answer = self.post(&path_of(import, step), "", &json!({})).await;
        assert_eq!(answer.status, ACCEPTED, "{step}: {:?}", answer.body);
        answer.json()
    }

    async fn refused(&self, import: &Value, step: &str, code: &str, words: &[&str]) {
        let answer = self.post(&path_of(import, step), "", &json!({})).await;
        assert_problem(&answer, StatusCode::CONFLICT, code, words);
    }

    async fn now(&self, import: &Value) -> Value {
        self.get(&path_of(import, "")).await
    }

    async fn generic(&self, name: &str, rows: &str) -> Value {
        let field = format!("file:{name}");
        let mapping = MAPPING.as_bytes();
        self.import(&[("shop", b"T"), ("mapping", mapping), (&field, rows.as_bytes())]).await
    }

    /// Uploads the small file under `name`, with other fields.
    async fn import_as(&self, name: &str, fields: &[(&str, &[u8])]) -> Value {
        let field = format!("file:{name}");
        self.import(&[fields, &[(&field, GENERIC.as_bytes())]].concat()).await
    }

    async fn jobs_of(&self, kind: &str) -> Vec<Value> {
        let jobs = self.get("/platform/jobs").await["items"].as_array().unwrap().clone();
        jobs.into_iter().filter(|job| job["kind"] == kind).collect()
    }

    async fn orders(&self) -> usize {
        self.get("/commerce/orders").await["items"].as_array().unwrap().len()
    }

    /// Waits until no job waits or runs.
    async fn idle(&self) {
        eventually("no job is left", async || {
            let jobs = self.get("/platform/jobs").await;
            let jobs = jobs["items"].as_array().unwrap().clone();
            jobs.iter().all(|job| job["state"] == "done").then_some(())
        })
        .await;
    }

    /// Runs the import here in small batches until `after` of them, with the rest under way.
    async fn run_until(&self, db: &TestDb, import: &Value, step: &str) -> Value {
        let (id, cx) = (id_of(import), db.ctx());
        let (told, mut hear) = tokio::sync::mpsc::unbounded_channel();
        let running = import_orders::run_in_batches(&self.house.state.platform, &cx, id, 5, |_| {
            let _ = told.send(());
        });
        let stepping = async {
            hear.recv().await.unwrap();
            self.step(import, step).await
        };
        let (ran, stepped) = tokio::join!(running, stepping);
        assert_eq!(json!(ran.unwrap().state), stepped["state"]);
        stepped
    }
}

db_test! { migrations();
    async fn a_running_import_pauses_and_goes_on(db) {
        let mut owner = Owner::alone(&db).await;
        let file = report(300);
        let begun = owner.import(&[("shop", b"T"), ("file:orders.csv", &file)]).await;
        owner.refused(&begun, "/resume", "import_state", &["is queued"]).await;
        owner.refused(&begun, "/undo", "undo_refused", &["pause or cancel it first"]).await;
        let paused = owner.run_until(&db, &begun, "/pause").await;
        assert_eq!(paused["state"], "paused");
        let paused = owner.now(&begun).await;
        let read = paused["rows_read"].as_i64().unwrap();
        assert!((5..300).contains(&read), "{paused}");
        assert_eq!(paused["orders_created"], read);
        owner.refused(&begun, "/pause", "import_state", &["is paused"]).await;
        assert_eq!(owner.uploaded().len(), 1, "what is read again stays");

        owner.step(&begun, "/resume").await;
        owner.begin_work();
        let done = owner.import_in(&begun, "finished").await;
        assert_eq!((&done["rows_read"], &done["orders_created"]), (&json!(300), &json!(300)));
        owner.refused(&begun, "/resume", "import_state", &["is finished"]).await;
        owner.refused(&begun, "/cancel", "import_state", &["is finished"]).await;
        owner.rest().await;
    }

    async fn a_cancelled_import_keeps_what_it_brought_until_it_is_taken_back(db) {
        let owner = Owner::alone(&db).await;
        let file = report(300);
        let begun = owner.import(&[("shop", b"T"), ("file:orders.csv", &file)]).await;
        let cancelled = owner.run_until(&db, &begun, "/cancel").await;
        assert_eq!((&cancelled["state"], &cancelled["can_undo"]), (&json!("cancelled"), &json!(true)));
        let read = owner.now(&begun).await["orders_created"].as_i64().unwrap();
        assert!((5..300).contains(&read));
        assert!(owner.uploaded().is_empty());
        owner.refused(&begun, "/resume", "import_state", &["is cancelled"]).await;
        let undone = owner.step(&begun, "/undo").await;
        assert_eq!(undone["state"], "undone");
        assert_eq!(owner.orders().await, 0);
    }

    async fn one_that_is_paused_or_cancelled_before_its_turn_does_not_run(db) {
        let mut owner = Owner::alone(&db).await;
        let paused = owner.generic("a.csv", GENERIC).await;
        let cancelled = owner.generic("b.csv", &GENERIC.replace("1,a", "3,c")).await;
        assert_eq!(owner.step(&paused, "/pause").await["state"], "paused");
        assert_eq!(owner.step(&cancelled, "/cancel").await["state"], "cancelled");
        owner.begin_work();
        owner.idle().await;
        assert_eq!(owner.now(&paused).await["state"], "paused");
        assert_eq!(owner.now(&cancelled).await["state"], "cancelled");
        assert_eq!(owner.orders().await, 0);
        owner.step(&paused, "/resume").await;
        assert_eq!(owner.import_in(&paused, "finished").await["orders_created"], 2);
        owner.rest().await;
    }

    async fn rejected_rows_come_back_as_a_file_to_mend(db) {
        let owner = Owner::at_work(&db).await;
        let rows = format!("{GENERIC}3,=cmd|calc,2025-02-30,1.00\n4.5E+17,d,2025-01-01,1.00\n5,e,2025-01-03,-1.00\n");
        let begun = owner.generic("list.csv", &rows).await;
        let done = owner.import_in(&begun, "finished").await;
        assert_eq!((&done["orders_created"], &done["rejected"]), (&json!(2), &json!(3)));
        let answer = owner.send("GET", &path_of(&done, "/rejects?lang=zh-CN"), "", "application/json", vec![]).await;
        let chinese = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(chinese.contains("\n4,day,day：“2025-02-30”这个日期或时间不存在,,3,\"'=cmd"), "{chinese}");
        let wrong = owner.send("GET", &path_of(&done, "/rejects?lang=fr"), "", "application/json", vec![]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        let answer = owner.send("GET", &path_of(&done, "/rejects"), "", "application/json", vec![]).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/csv; charset=utf-8"));
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"rejects-1.csv\"");
        let file = String::from_utf8(answer.body.to_vec()).unwrap();
        let lines: Vec<&str> = file.lines().collect();
        assert_eq!(lines[0], "\u{feff}guanxi_line,guanxi_column,guanxi_reason,guanxi_order,no,who,day,paid");
        assert_eq!(lines.len(), 4, "{file}");
        assert!(lines[1].starts_with("4,day,") && lines[1].contains("does not exist"), "{file}");
        assert!(lines[1].ends_with(",3,\"'=cmd|calc\",2025-02-30,1.00"), "no formula runs: {file}");
        assert!(lines[2].starts_with("5,no,") && lines[2].contains("cannot be recovered"), "{file}");
        assert!(lines[3].contains("below zero"), "{file}");

        // Corrected and imported again, whichever language its reasons are in.
        let file = chinese;
        let mended = file.replace("2025-02-30", "2025-02-28").replace("4.5E+17", "4").replace("'-1.00", "1.00").replace("-1.00", "1.00");
        let again = owner.generic("mended.csv", &mended).await;
        let again = owner.import_in(&again, "finished").await;
        assert_eq!((&again["orders_created"], &again["rejected"]), (&json!(3), &json!(0)), "{mended}");
        assert_eq!(owner.orders().await, 5);
        owner.rest().await;
    }

    async fn uploads_that_nobody_imports_are_removed_after_a_day(db) {
        const HOUR: i64 = 3_600_000;
        let owner = Owner::at_work(&db).await;
        let platform = owner.house.state.platform.clone();
        let uploads = platform.folder.join("uploads");
        let draft = |name: &'static str| owner.import_as(name, &[("start", b"false")]);
        let old = draft("old.csv").await;
        let tried = owner.import_as("tried.csv", &[("shop", b"T"), ("dry_run", b"true"), ("mapping", MAPPING.as_bytes())]).await;
        owner.import_in(&tried, "finished").await;
        let paused = owner.import_as("waits.csv", &[("start", b"false")]).await;
        let mut tx = db.db().begin().await.unwrap();
        let from = [ImportState::Draft];
        assert!(imports::transition(&mut tx, &db.ctx(), id_of(&paused), &from, ImportState::Paused).await.unwrap());
        tx.commit().await.unwrap();
        // What a crash left behind in the middle of an upload, and something that is none of ours.
        let orphan = uploads.join(db.ctx().fresh::<ImportId>().to_string());
        std::fs::create_dir(&orphan).unwrap();
        std::fs::create_dir(uploads.join("kept by hand")).unwrap();
        app::clean_job::begin(&platform, &db.ctx()).await.unwrap();
        let ran = async || {
            let job = owner.jobs_of("commerce.clean_uploads").await.pop();
            job.filter(|job| job["state"] == "waiting" && job["run_at"] != job["created_at"])
        };
        let first = eventually("the first cleaning", ran).await;
        assert_eq!(owner.upload_folders().len(), 5, "all of it is young");

        db.clock().advance_millis(12 * HOUR);
        let young = draft("young.csv").await;
        db.clock().advance_millis(13 * HOUR);
        let again = async || ran().await.filter(|job| job["run_at"] != first["run_at"]);
        eventually("the cleaning of the next day", again).await;
        assert_eq!(owner.uploaded(), ["0-waits.csv", "0-young.csv"].map(str::to_owned).into());
        assert_eq!(owner.upload_folders().len(), 3);
        assert!(uploads.join("kept by hand").is_dir() && !orphan.exists());
        let gone = owner.send("GET", &path_of(&old, ""), "", "application/json", vec![]).await;
        assert_problem(&gone, StatusCode::NOT_FOUND, "not_found", &[]);
        assert_eq!(owner.now(&young).await["state"], "draft");
        assert_eq!(owner.now(&tried).await["state"], "finished", "what a dry run found stays");
        assert_eq!(owner.step(&young, "/cancel").await["state"], "cancelled");
        assert_eq!(owner.upload_folders().len(), 2, "a discarded draft takes its folder along");
        owner.rest().await;
    }

    async fn an_import_is_taken_back_once(db) {
        let owner = Owner::at_work(&db).await;
        let first = owner.generic("a.csv", GENERIC).await;
        owner.import_in(&first, "finished").await;
        let second = owner.generic("b.csv", &GENERIC.replace("1,a,2025-01-01,10", "1,a,2025-01-01,11")).await;
        let second = owner.import_in(&second, "finished").await;
        assert_eq!((&second["orders_updated"], &second["orders_unchanged"]), (&json!(1), &json!(1)));
        owner.refused(&first, "/undo", "undo_refused", &["number 2", "undo them first"]).await;
        assert_eq!(owner.now(&first).await["state"], "finished");

        let undone = owner.post(&path_of(&second, "/undo"), "key", &json!({})).await;
        assert_eq!(undone.status, ACCEPTED, "{:?}", undone.body);
        assert_eq!(undone.json()["state"], "undone");
        let again = owner.post(&path_of(&second, "/undo"), "key", &json!({})).await;
        assert_eq!((again.status, &again.body), (ACCEPTED, &undone.body), "the same key, the first answer");
        assert_eq!(again.header("idempotency-replayed"), "true");
        owner.refused(&second, "/undo", "undo_refused", &["is undone", "nothing to take back"]).await;
        let orders = owner.get("/commerce/orders?q=1").await;
        assert_eq!(orders["items"][0]["paid_minor"], 1_000, "as it was before");
        owner.step(&first, "/undo").await;
        assert_eq!(owner.orders().await, 0);

        let draft = owner.import(&[("start", b"false"), ("file:c.csv", GENERIC.as_bytes())]).await;
        owner.refused(&draft, "/undo", "undo_refused", &["is draft"]).await;
        assert_eq!(owner.step(&draft, "/cancel").await["state"], "cancelled");
        assert!(owner.uploaded().is_empty());
        owner.rest().await;
    }

    async fn an_undo_that_a_job_refuses_puts_the_import_back(db) {
        let mut owner = Owner::alone(&db).await;
        let cx = db.ctx();
        let platform = owner.house.state.platform.clone();
        let run = async |import: &Value| {
            import_orders::run(&platform, &cx, id_of(import), |_| ()).await.unwrap()
        };
        let first = owner.generic("a.csv", GENERIC).await;
        run(&first).await;
        let second = owner.generic("b.csv", &GENERIC.replace(",10.00", ",11.00")).await;
        run(&second).await;
        // As if it were one of the large ones, which jobs take back.
        let mut large = stored(&db, &first).await;
        large.progress.orders_created = 20_001;
        let mut tx = db.db().begin().await.unwrap();
        imports::save(&mut tx, cx.scope, &large).await.unwrap();
        tx.commit().await.unwrap();
        db.clock().advance_millis(60_000);

        for was in ["finished", "paused", "failed", "cancelled"] {
            let mut tx = db.db().begin().await.unwrap();
            let state = serde_json::from_value(json!(was)).unwrap();
            let from = ImportState::UNDOABLE;
            assert!(imports::transition(&mut tx, &cx, large.id, &from, state).await.unwrap());
            tx.commit().await.unwrap();
            let before = stored(&db, &first).await;
            db.clock().advance_millis(60_000);
            let marked = owner.step(&first, "/undo").await;
            assert_eq!((&marked["state"], &marked["can_undo"]), (&json!("undoing"), &json!(false)));
            owner.refused(&first, "/undo", "import_state", &["is undoing"]).await;
            owner.refused(&first, "/resume", "import_state", &["is undoing"]).await;
            owner.begin_work();
            let back = owner.import_in(&first, was).await;
            let why = text(&back["error"]);
            assert!(why.contains("number 2") && why.contains("undo them first"), "{why}");
            assert_eq!((&back["can_undo"], &back["undo_refusal"]), (&json!(false), &json!(why)));
            let code = json!({"code": "built_upon", "later": [{"id": second["id"], "number": 2}]});
            assert_eq!((&back["error_code"], &back["undo_refusal_code"]), (&code, &code));
            owner.idle().await;
            owner.stop_work().await;
            let after = stored(&db, &first).await;
            assert_eq!(after, Import { error: after.error.clone(), ..before }, "all else is as it was");
        }

        owner.step(&second, "/undo").await;
        owner.step(&first, "/undo").await;
        owner.begin_work();
        let undone = owner.import_in(&first, "undone").await;
        assert_eq!(undone["error"], Value::Null, "what stood in the way is gone");
        assert_eq!(undone.get("error_code"), None);
        assert_eq!(owner.orders().await, 0);
        owner.rest().await;
    }

    async fn an_import_that_fails_says_why_by_code(db) {
        let mut owner = Owner::alone(&db).await;
        let begun = owner.generic("a.csv", GENERIC).await;
        let file = stored(&db, &begun).await.request.files.remove(0);
        std::fs::write(&file.path, format!("{GENERIC}3,c,2025-01-03,1.00\n")).unwrap();
        owner.begin_work();
        let fails = async |words: &str, code: Value| {
            let failed = eventually("the failure", async || {
                Some(owner.now(&begun).await).filter(|now| now["state"] == "failed" && now["error_code"] == code)
            }).await;
            let why = text(&failed["error"]);
            assert!(why.contains(words) && why.contains("a.csv") && !why.contains("uploads"), "{why}");
        };
        fails("is not the file that this import began with", json!({"code": "file_changed", "file": "a.csv"})).await;
        std::fs::remove_file(&file.path).unwrap();
        owner.step(&begun, "/resume").await;
        fails("there is no such file", json!({"code": "file_not_found", "file": "a.csv"})).await;
        std::fs::write(&file.path, GENERIC).unwrap();
        owner.step(&begun, "/resume").await;
        let done = owner.import_in(&begun, "finished").await;
        assert_eq!((&done["error"], done.get("error_code")), (&Value::Null, None), "{done}");
        owner.rest().await;
    }

    async fn imports_of_others_and_of_nobody_are_not_there(db) {
        let owner = Owner::alone(&db).await;
        let other = Ctx { scope: Scope::system(OrgId::new(2)), ..db.ctx() };
        let mut tx = db.db().begin().await.unwrap();
        let request = imports::ImportRequest::default();
        let theirs = imports::create(&mut tx, &other, None, ImportState::Draft, false, "", request).await.unwrap();
        tx.commit().await.unwrap();
        for id in [theirs.id.to_string(), "imp_01h455vb4pex5vsknk084sn02q".to_owned(), "cus_01h455vb4pex5vsknk084sn02q".to_owned(), "7".to_owned()] {
            let import = json!({ "id": id });
            for step in ["", "/preview", "/rejects"] {
                let answer = owner.send("GET", &path_of(&import, step), "", "application/json", vec![]).await;
                assert_problem(&answer, StatusCode::NOT_FOUND, "not_found", &[]);
            }
            for step in ["/preview", "/start", "/pause", "/resume", "/cancel", "/undo"] {
                let answer = owner.post(&path_of(&import, step), "", &json!({})).await;
                assert_problem(&answer, StatusCode::NOT_FOUND, "not_found", &[]);
            }
        }
        let mut tx = db.db().read().await.unwrap();
        let still = imports::get(&mut tx, other.scope, theirs.id).await.unwrap().unwrap();
        assert_eq!(still, theirs);
    }

    async fn nobody_else_may_bring_files(db) {
        let mut owner = Owner::alone(&db).await;
        let good = std::mem::take(&mut owner.cookie);
        let fields: [(&str, &[u8]); 2] = [("shop", b"T"), ("file:a.csv", GENERIC.as_bytes())];
        let answer = owner.upload("", &fields).await;
        assert_problem(&answer, StatusCode::UNAUTHORIZED, "unauthorized", &[]);
        owner.cookie = "guanxi_session=guess".to_owned();
        let answer = owner.upload("", &fields).await;
        assert_problem(&answer, StatusCode::UNAUTHORIZED, "unauthorized", &[]);
        owner.cookie = good;
        owner.site = "cross-site";
        let answer = owner.upload("", &fields).await;
        assert_problem(&answer, StatusCode::FORBIDDEN, "forbidden", &[]);
        owner.site = "same-origin";
        owner.assert_nothing_done().await;
    }
}
