//! Levels set by hand.

use kernel::{TypedId, UserId};
use loyalty::levels::rules::{Downgrade, PLATFORM_FLOOR_BPS, Rules};
use loyalty::levels::scheme::{self, NewScheme};
use loyalty::levels::{Cause, LevelsError, hand};
use testkit::db_test;
use uuid::Uuid;

use super::tools::{Club, MIGRATIONS, customer, rules};

db_test! { MIGRATIONS;
    async fn a_pinned_level_stays_until_it_is_released(db) {
        let club = Club::new(&db, rules()).await;
        let who = customer(1);
        club.settle(&[club.paid(who, 1, 20_000)]).await;
        assert!(matches!(club.release(who).await, Err(LevelsError::NotByHand)));
        assert!(matches!(club.pin(who, 4).await, Err(LevelsError::NoLevel(3))));
        club.days_pass(1);
        club.pin(who, 1).await.unwrap();
        club.days_pass(1);
        club.settle(&[club.paid(who, 2, 20_000)]).await;
        assert_eq!(club.rank(who).await, 1);
        assert_eq!(club.of(who).await.earned, 3);
        club.days_pass(40);
        club.due().await;
        assert_eq!(club.rank(who).await, 1);
        club.settle(&[club.paid(who, 3, 30_000)]).await;
        club.release(who).await.unwrap();
        assert_eq!(club.rank(who).await, 3);
        assert_eq!(club.story(who).await, [(0, 2, Cause::Orders), (2, 1, Cause::Hand), (1, 3, Cause::Hand)]);
        club.verify().await;
    }

    async fn where_the_scheme_says_so_people_lower_what_is_not_earned_any_more(db) {
        let club = Club::new(&db, Rules { downgrade: Downgrade::Hand, ..rules() }).await;
        let who = customer(1);
        club.settle(&[club.paid(who, 1, 30_000)]).await;
        club.days_pass(40);
        club.due().await;
        assert_eq!((club.rank(who).await, club.of(who).await.earned), (3, 0));
        club.release(who).await.unwrap();
        assert_eq!(club.rank(who).await, 0);
        club.verify().await;
    }

    async fn reasons_are_sealed_and_can_be_forgotten(db) {
        let club = Club::new(&db, rules()).await;
        let (who, actor) = (customer(1), UserId::from_uuid(Uuid::from_u128(7)));
        let cx = db.ctx_of(actor);
        let mut tx = db.db().begin().await.unwrap();
        let empty = hand::pin(&mut tx, &cx, &club.scheme, who, 2, " ").await;
        assert!(matches!(empty, Err(LevelsError::Fields(_))));
        hand::pin(&mut tx, &cx, &club.scheme, who, 2, "the wife of Mr Wang").await.unwrap();
        let told = hand::deeds(&mut tx, cx.scope, &db.keys(), &club.scheme, who).await.unwrap();
        assert_eq!((told[0].reason.as_deref(), told[0].actor), (Some("the wife of Mr Wang"), Some(actor)));
        let (sealed,): (Vec<u8>,) = tx.fetch_one("SELECT sealed FROM loyalty_level_deeds", vec![]).await.unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("Wang"));
        assert_eq!(hand::erase(&mut tx, cx.scope, &[who]).await.unwrap(), 1);
        let told = hand::deeds(&mut tx, cx.scope, &db.keys(), &club.scheme, who).await.unwrap();
        assert_eq!((told[0].reason.as_deref(), told[0].rank), (None, Some(2)));
        tx.commit().await.unwrap();
        assert_eq!(club.rank(who).await, 2);
        assert_eq!(club.history(who).await[0].actor, Some(actor));
        club.verify().await;
    }

    async fn schemes_are_checked(db) {
        let club = Club::new(&db, rules()).await;
        let mut tx = db.db().begin().await.unwrap();
        let mut new = NewScheme {
            name: " Club ".into(),
            currency: kernel::Currency::CNY,
            shops: Vec::new(),
            zone: kernel::Zone::CHINA,
            rules: Rules::by_amount(),
        };
        new.rules.levels[3].pay_bps = 6_900;
        let low = scheme::create(&mut tx, &club.cx, &new, PLATFORM_FLOOR_BPS).await.unwrap_err();
        assert!(format!("{low}").contains("rules.levels[3].pay_bps"), "{low}");
        let stale = scheme::change(&mut tx, &club.cx, club.scheme.id, 7, "Club", &rules(), 0).await;
        assert!(matches!(stale, Err(LevelsError::Changed(1))));
        let taken = scheme::create(&mut tx, &club.cx, &new, 0).await;
        assert!(matches!(taken, Err(LevelsError::NameTaken(_))));
    }
}
