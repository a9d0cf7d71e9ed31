use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::StreamExt as _;
use kernel::OrgId;
use platform::access::Access;
use platform::live::{Standing, Topic};
use platform::{Platform, Scope};
use testkit::db_test;
use tower::ServiceExt as _;

use crate::support::MIGRATIONS;

async fn open(platform: &Platform, scope: Option<Scope>) -> axum::response::Response {
    let (router, _) = platform::live::routes().with_state(platform.clone()).split_for_parts();
    let mut request = Request::get("/events").body(Body::empty()).unwrap();
    if let Some(scope) = scope {
        request.extensions_mut().insert(scope);
        request.extensions_mut().insert(Access::everything());
        let standing = Standing::new(|| std::future::ready(Some(Access::everything())));
        request.extensions_mut().insert(standing);
    }
    router.oneshot(request).await.unwrap()
}

db_test! { MIGRATIONS;
    async fn pages_hear_of_their_own_organisation(db) {
        let platform = db.platform();
        assert_eq!(open(platform, None).await.status(), StatusCode::UNAUTHORIZED);
        let stream = open(platform, Some(Scope::system(OrgId::FIRST))).await;
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        platform.live.publish(OrgId::new(2), Topic::Insight, &serde_json::json!({"version": 9}));
        platform.live.publish(OrgId::FIRST, Topic::Insight, &serde_json::json!({"version": 3}));
        let mut frames = stream.into_body().into_data_stream();
        let first = frames.next().await.unwrap().unwrap();
        assert_eq!(&first[..], b"event: insight\ndata: {\"version\":3}\n\n");
        platform.live.close();
        assert!(frames.next().await.is_none(), "a server that stops lets its pages go");
    }

    async fn who_reads_too_slowly_is_told_to_begin_anew(db) {
        let platform = db.platform();
        let stream = open(platform, Some(Scope::system(OrgId::FIRST))).await;
        for n in 0..2_000 {
            platform.live.publish(OrgId::FIRST, Topic::Job, &n);
        }
        let mut frames = stream.into_body().into_data_stream();
        let first = frames.next().await.unwrap().unwrap();
        assert_eq!(&first[..], b"event: resync\ndata: {}\n\n");
        let second = frames.next().await.unwrap().unwrap();
        assert!(second.starts_with(b"event: job\ndata: 1"), "{second:?}");
    }
}
