//! How often one caller may ask: a session or a token, and an address. Refused with 429 before anything
//! is looked up, so that asking too often costs the others little.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use identity::Edge;
use platform::Problem;

/// Requests that may come at once, in seconds of the rate.
const BURST_SECONDS: u32 = 10;
/// An address may be an office: so many times what one session may.
const ADDRESS_TIMES: u32 = 5;
/// Callers are forgotten, when their time is over, every so many requests.
const FORGET_EVERY: u32 = 4096;

/// The limits of one process; cheap to clone. Without any by default.
#[derive(Debug, Clone, Default)]
pub struct Limits(Option<Arc<Counters>>);

#[derive(Debug)]
struct Counters {
    /// By a digest of the secret that the caller shows, good or not.
    shown: DefaultKeyedRateLimiter<[u8; 32]>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    asked: AtomicU32,
}

impl Limits {
    /// `rate` requests a second for a session or token, five times as many for an address, over a
    /// longer time; ten seconds' worth at once. No limit for 0.
    #[must_use]
    pub fn per_second(rate: u32) -> Self {
        let quota = |times: u32| {
            let rate = NonZeroU32::new(rate.saturating_mul(times))?;
            let burst = NonZeroU32::new(rate.get().saturating_mul(BURST_SECONDS))?;
            Some(Quota::per_second(rate).allow_burst(burst))
        };
        let counters = quota(1).zip(quota(ADDRESS_TIMES)).map(|(shown, address)| Counters {
            shown: DefaultKeyedRateLimiter::keyed(shown),
            addresses: DefaultKeyedRateLimiter::keyed(address),
            clock: DefaultClock::default(),
            asked: AtomicU32::new(0),
        });
        Self(counters.map(Arc::new))
    }

    /// Counts a request; the seconds to wait if it is one too many.
    fn admit(&self, peer: Option<IpAddr>, shown: Option<[u8; 32]>) -> Result<(), u32> {
        let Some(counters) = &self.0 else { return Ok(()) };
        if counters.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            counters.shown.retain_recent();
            counters.addresses.retain_recent();
        }
        let by_address = peer.map_or(Ok(()), |peer| counters.addresses.check_key(&network(peer)));
        let by_shown = shown.map_or(Ok(()), |shown| counters.shown.check_key(&shown));
        by_address.and(by_shown).map_err(|not_until| {
            let wait = not_until.wait_time_from(counters.clock.now());
            u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
        })
    }
}

/// Whoever has an address of IPv6 has all of its network.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

/// Middleware: 429 with `Retry-After` for who asks too often.
pub async fn not_too_often(
    State((limits, edge)): State<(Limits, Edge)>,
    request: Request,
    next: Next,
) -> Response {
    match limits.admit(edge.peer_of(&request), edge.shown_digest(request.headers())) {
        Ok(()) => next.run(request).await,
        Err(seconds) => Problem::too_many_requests(seconds).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, header};

    use super::*;

    fn admitted(limits: &Limits, peer: &str, shown: Option<u8>, tries: usize) -> usize {
        let peer = Some(peer.parse().unwrap());
        (0..tries).filter(|_| limits.admit(peer, shown.map(|byte| [byte; 32])).is_ok()).count()
    }

    #[test]
    fn a_session_and_an_address_have_limits_of_their_own() {
        let limits = Limits::per_second(1);
        assert_eq!(admitted(&limits, "192.0.2.1", Some(1), 30), 10);
        assert_eq!(admitted(&limits, "192.0.2.1", Some(2), 10), 10, "another one is not held up");
        assert_eq!(admitted(&limits, "192.0.2.2", None, 80), 50);
        // One network, however many addresses.
        assert_eq!(admitted(&limits, "2001:db8::1", None, 40), 40);
        assert_eq!(admitted(&limits, "2001:db8::2", None, 40), 10);
        assert_eq!(admitted(&limits, "::ffff:192.0.2.2", None, 5), 0, "the same as without");
        let wait = limits.admit(Some("192.0.2.2".parse().unwrap()), None).unwrap_err();
        assert_eq!(wait, 1);
    }

    #[test]
    fn without_limits_everything_is_admitted() {
        assert_eq!(admitted(&Limits::per_second(0), "192.0.2.1", Some(1), 5_000), 5_000);
        assert_eq!(admitted(&Limits::default(), "192.0.2.1", Some(1), 5_000), 5_000);
    }

    #[test]
    fn a_secret_is_one_caller_however_it_is_written() {
        let of = |name: HeaderName, text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, text.parse().unwrap());
            Edge::default().shown_digest(&headers)
        };
        let secret = format!("1_{}", "A".repeat(43));
        let cookie = |text: &str| of(header::COOKIE, &text.replace("SECRET", &secret));
        let known = cookie("guanxi_session=SECRET");
        assert!(known.is_some());
        assert_eq!(cookie("a=1; guanxi_session=SECRET"), known);
        assert_eq!(cookie("guanxi_session=SECRET; b=2"), known);
        assert_eq!(cookie("guanxi_session=0SECRET"), known);
        assert_eq!(cookie("guanxi_session=x; guanxi_session=SECRET"), known);
        assert_eq!(cookie("a=SECRET"), None);
        let bearer = |text: &str| of(header::AUTHORIZATION, &text.replace("SECRET", &secret));
        assert_eq!(bearer("Bearer gxt_SECRET"), bearer("bearer   gxt_SECRET"));
        assert_eq!(bearer("Bearer gxt_SECRET"), bearer("BEARER gxt_00SECRET"));
        assert!(bearer("Bearer gxt_SECRET").is_some());
        assert_eq!(bearer("Bearer anything"), None, "what cannot be one counts by its address");
    }
}
