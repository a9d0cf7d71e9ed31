use platform::crypto::MasterKey;
use platform::{DbError, meta};
use testkit::db_test;

use crate::support::MIGRATIONS;

db_test! { MIGRATIONS;
    async fn another_key_is_refused_by_name(db) {
        meta::check_master_key(db.platform(), "the key file").await.unwrap();
        meta::check_master_key(db.platform(), "the key file").await.unwrap();
        let mut wrong = db.another_process().await;
        wrong.master = MasterKey::new([9; 32]);
        let error = meta::check_master_key(&wrong, "GUANXI_KEY").await.unwrap_err();
        assert!(matches!(error, DbError::Refused(_)));
        let text = error.to_string();
        for part in [db.platform().master.fingerprint(), wrong.master.fingerprint(), "GUANXI_KEY".into()] {
            assert!(text.contains(&part), "{text}");
        }
    }

    async fn values_are_replaced(db) {
        let mut tx = db.db().begin().await.unwrap();
        assert_eq!(meta::get(&mut tx, "k").await.unwrap(), None);
        meta::set(&mut tx, "k", "1").await.unwrap();
        meta::set(&mut tx, "k", "2").await.unwrap();
        assert_eq!(meta::get(&mut tx, "k").await.unwrap().as_deref(), Some("2"));
    }
}
