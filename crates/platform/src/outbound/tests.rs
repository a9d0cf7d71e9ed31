use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::response::Redirect;
use axum::routing::{get, post};
use proptest::prelude::*;

use super::*;

/// Names with their addresses; each look-up gives the next answer, the last one for ever.
struct Names(Vec<Vec<&'static str>>, AtomicUsize);

impl Names {
    fn new(answers: Vec<Vec<&'static str>>) -> Arc<Self> {
        Arc::new(Self(answers, AtomicUsize::new(0)))
    }
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, _: &str, _: u16) -> std::io::Result<Vec<IpAddr>> {
        let at = self.1.fetch_add(1, Ordering::SeqCst).min(self.0.len() - 1);
        Ok(self.0[at].iter().map(|text| text.parse().unwrap()).collect())
    }
}

fn ask(url: &str) -> Ask {
    let url = url.parse().unwrap();
    Ask { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() }
}

fn here() -> Outbound {
    Outbound::default().allowing(&["127.0.0.1".parse().unwrap()])
}

/// A server on this machine; gives its port.
async fn serve() -> u16 {
    let router =
        Router::new()
            .route(
                "/hello",
                get(|headers: HeaderMap| async move {
                    let has = |name: &str| headers.contains_key(name);
                    format!("hello {} {}", has("authorization"), headers["host"].to_str().unwrap())
                }),
            )
            .route("/large", get(|| async { "x".repeat(100_000) }))
            .route(
                "/to",
                get(|headers: HeaderMap| async move {
                    Redirect::temporary(headers["x-to"].to_str().unwrap())
                }),
            )
            .route(
                "/round/{n}",
                get(|Path(n): Path<u32>| async move {
                    Redirect::temporary(&format!("/round/{}", n + 1))
                }),
            )
            .route("/post", post(|| async { Redirect::temporary("/hello") }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

fn with(mut ask: Ask, name: &'static str, value: &str) -> Ask {
    ask.headers.insert(name, value.parse().unwrap());
    ask
}

#[tokio::test]
async fn every_way_to_write_this_machine_is_refused() {
    let port = serve().await;
    let outbound = Outbound::default();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "127.0.0.1.",
        "\u{ff11}27.0.0.1",
        "\u{2460}27.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "100.100.100.200",
        "192.168.0.1",
    ] {
        let Ok(url) = format!("http://{host}:{port}/hello").parse::<Url>() else { continue };
        let asked = Ask { url, ..ask("http://example.com") };
        let answer = outbound.send(asked).await;
        assert!(matches!(answer, Err(OutboundError::Forbidden(_))), "{host}: {answer:?}");
    }
    for url in [
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "gopher://8.8.8.8/",
        "http://u:p@8.8.8.8/",
        "data:,x",
    ] {
        assert!(matches!(outbound.send(ask(url)).await, Err(OutboundError::BadUrl(_))), "{url}");
    }
    let answer = here().send(ask(&format!("http://127.0.0.1:{port}/hello"))).await.unwrap();
    assert_eq!(
        (answer.status, answer.body),
        (StatusCode::OK, format!("hello false 127.0.0.1:{port}").into_bytes())
    );
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_judged_address_is_asked() {
    let port = serve().await;
    // First an address that may be asked, then one that may not: only the first is ever used.
    let names = Names::new(vec![vec!["127.0.0.1"], vec!["127.0.0.2"]]);
    let outbound = here().with_lookup(names.clone());
    let answer = outbound.send(ask(&format!("http://shop.example:{port}/hello"))).await.unwrap();
    assert_eq!(answer.body, format!("hello false shop.example:{port}").into_bytes());
    assert_eq!(names.1.load(Ordering::SeqCst), 1);
    // The second time it is judged anew.
    let again = outbound.send(ask(&format!("http://shop.example:{port}/hello"))).await;
    assert!(matches!(again, Err(OutboundError::Forbidden(_))), "{again:?}");

    for answers in
        [vec!["10.0.0.1"], vec!["8.8.8.8", "127.0.0.2"], vec!["::ffff:10.0.0.1"], vec!["::1"]]
    {
        let outbound = here().with_lookup(Names::new(vec![answers.clone()]));
        let answer = outbound.send(ask("http://shop.example/")).await;
        assert!(matches!(answer, Err(OutboundError::Forbidden(_))), "{answers:?}");
    }
    let outbound = here().with_lookup(Names::new(vec![vec![]]));
    assert!(matches!(
        outbound.send(ask("http://shop.example/")).await,
        Err(OutboundError::Unknown(_))
    ));
}

#[tokio::test]
async fn a_redirect_is_judged_as_the_first_address_was() {
    let port = serve().await;
    let to = async |target: &str| {
        let asked = with(ask(&format!("http://127.0.0.1:{port}/to")), "x-to", target);
        here().send(with(asked, "authorization", "Bearer x")).await
    };
    let own = to("/hello").await.unwrap();
    assert_eq!(own.body, format!("hello true 127.0.0.1:{port}").into_bytes());
    let hosts = ["127.0.0.2", "0x7f.1.1.1", "10.0.0.1", "[::1]", "169.254.169.254"];
    for target in hosts.map(|host| format!("http://{host}:{port}/hello")) {
        let answer = to(&target).await;
        assert!(matches!(answer, Err(OutboundError::Forbidden(_))), "{target}: {answer:?}");
    }
    for target in ["file:///etc/passwd", "gopher://127.0.0.1/"] {
        assert!(matches!(to(target).await, Err(OutboundError::BadUrl(_))), "{target}");
    }
    // What tells who asks goes to nobody else.
    let other = serve().await;
    let answer = to(&format!("http://127.0.0.1:{other}/hello")).await.unwrap();
    assert_eq!(answer.body, format!("hello false 127.0.0.1:{other}").into_bytes());
    let round = here().send(ask(&format!("http://127.0.0.1:{port}/round/0"))).await;
    assert!(matches!(round, Err(OutboundError::TooManyRedirects)), "{round:?}");
    let sent = Ask { method: Method::POST, ..ask(&format!("http://127.0.0.1:{port}/post")) };
    assert_eq!(here().send(sent).await.unwrap().status, StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    let port = serve().await;
    let url = format!("http://127.0.0.1:{port}/large");
    let answer = here().with_body_max(99_999).send(ask(&url)).await;
    assert!(matches!(answer, Err(OutboundError::TooLarge(99_999))), "{answer:?}");
    let answer = here().with_body_max(100_000).send(ask(&url)).await.unwrap();
    assert_eq!(answer.body.len(), 100_000);
}

proptest! {
    /// However an IPv4 address is written, it is read as the same one.
    #[test]
    fn forms_of_an_address_are_judged_alike(bits: u32, form in 0usize..6) {
        let [a, b, c, d] = bits.to_be_bytes();
        let host = match form {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => format!("{bits}"),
            2 => format!("{bits:#x}"),
            3 => format!("0{bits:o}"),
            4 => format!("{a:#x}.0{b:o}.{}", u16::from_be_bytes([c, d])),
            _ => format!("{a}.{}", bits & 0x00ff_ffff),
        };
        let url: Url = format!("http://{host}/").parse().unwrap();
        let Some(Host::Ipv4(read)) = url.host() else { return Err(TestCaseError::fail(host)) };
        prop_assert_eq!(read.to_bits(), bits);
    }
}
