//! Makes the calls.

use async_trait::async_trait;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use kernel::{Timestamp, TypedId as _, WebhookId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::deliveries::{self, ANSWER_MAX, DeliveryState, Due, TEST};
use super::endpoints::{self, Lease, OffReason, Turn};
use super::schedule::{self, FAILING_DAYS};
use super::signature::signature;
use crate::background::short;
use crate::outbound::{Ask, Outbound, Reply};
use crate::retention::DAY_MILLIS;
use crate::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope, args};

/// Kind of the job that sends what is due for one webhook.
pub const SEND: &str = "platform.webhooks";

/// Calls of one run, and how long it goes on: then other jobs have their turn.
const CALLS_AT_ONCE: usize = 50;
const RUN_MILLIS: i64 = 10_000;

/// Sends what is due for one webhook, one call after another, in the order of their times.
#[derive(Debug, Clone, Copy)]
pub struct SendWebhooks;

/// What to do next.
enum Step {
    Call(Box<Lease>, Due),
    End(JobOutcome),
}

#[async_trait]
impl JobHandler for SendWebhooks {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        let run =
            Run { platform, cx, webhook: job.payload()?, token: platform.ids.uuid(platform.now()) };
        let until = platform.now().plus_millis(RUN_MILLIS);
        for _ in 0..CALLS_AT_ONCE {
            let (lease, due) = match run.next().await? {
                Step::Call(lease, due) => (lease, due),
                Step::End(outcome) => return Ok(outcome),
            };
            let called = tokio::select! {
                called = call(&platform.outbound, &lease, &due, platform.now()) => called,
                // The receiver may have it all the same; it is sent again with the same id.
                () = cancel.cancelled() => {
                    run.release().await?;
                    return Err(JobError::Cancelled);
                }
            };
            run.note(&due, called).await?;
            if platform.now() >= until {
                break;
            }
        }
        run.release().await?;
        Ok(JobOutcome::Again(platform.now()))
    }
}

struct Run<'a> {
    platform: &'a Platform,
    cx: Ctx,
    webhook: WebhookId,
    token: Uuid,
}

impl Run<'_> {
    async fn next(&self) -> Result<Step, JobError> {
        let (cx, webhook) = (&self.cx, self.webhook);
        let mut tx = self.platform.db.begin_for(cx.scope).await?;
        let step = match endpoints::lease(&mut tx, cx, webhook, self.token).await? {
            Turn::Mine(lease) => match deliveries::first_due(&mut tx, cx.scope, webhook).await? {
                Some(due) if due.at <= cx.now() => Step::Call(lease, due),
                Some(due) => Step::End(JobOutcome::Again(due.at)),
                None => Step::End(JobOutcome::Done),
            },
            Turn::NotBefore(at) => Step::End(JobOutcome::Again(at)),
            Turn::Never(why) => {
                tracing::info!(%webhook, why, "nothing is sent");
                Step::End(JobOutcome::Done)
            }
        };
        if matches!(step, Step::End(_)) {
            endpoints::release(&mut tx, cx.scope, webhook, self.token).await?;
        }
        tx.commit().await?;
        Ok(step)
    }

    async fn release(&self) -> Result<(), DbError> {
        let mut tx = self.platform.db.begin_for(self.cx.scope).await?;
        endpoints::release(&mut tx, self.cx.scope, self.webhook, self.token).await?;
        tx.commit().await
    }

    /// Notes how a call went: at the delivery, and at the webhook.
    async fn note(&self, due: &Due, called: Called) -> Result<(), DbError> {
        let (cx, now, org) = (&self.cx, self.cx.now(), self.cx.scope.org_arg());
        let tries = due.tries + 1;
        let may_try = called.error.is_some() && !called.is_gone() && due.topic != TEST;
        let wait = may_try.then(|| schedule::next_try(tries, &*cx.ids)).flatten();
        let wait = wait.map(|wait| wait.max(called.retry_after.unwrap_or(0)));
        let state = match (&called.error, wait) {
            (None, _) => DeliveryState::Delivered,
            (Some(_), Some(_)) => DeliveryState::Waiting,
            (Some(_), None) => DeliveryState::Failed,
        };
        let mut tx = self.platform.db.begin_for(cx.scope).await?;
        // Whoever lost the lease notes nothing over what another has noted since.
        tx.execute(
            "UPDATE platform_webhook_deliveries
             SET state = $4, tries = tries + 1, next_at = $5, tried_at = $6, status = $7, answer = $8, error = $9
             WHERE org_id = $1 AND id = $2 AND state = 'waiting' AND tries = $3",
            args![
                org,
                due.id.uuid(),
                due.tries,
                state.name(),
                now.plus_millis(wait.unwrap_or(0)),
                now,
                called.status.map(|status| status.as_u16()),
                called.answer.as_deref(),
                called.error.as_deref()
            ],
        )
        .await?;
        let result = if called.error.is_none() { "delivered" } else { "failed" };
        metrics::counter!("guanxi_webhook_calls_total", "result" => result).increment(1);
        if called.error.is_none() {
            tx.execute(
                "UPDATE platform_webhooks
                 SET failures = 0, failing_since = NULL, quiet_until = 0, delivered_at = $3
                 WHERE org_id = $1 AND id = $2",
                args![org, self.webhook.uuid(), now],
            )
            .await?;
            return tx.commit().await;
        }
        let row: Option<(i64, i64)> = tx
            .fetch_optional(
                "UPDATE platform_webhooks SET failures = failures + 1,
                     failing_since = CASE WHEN failing_since IS NULL THEN $3 ELSE failing_since END
                 WHERE org_id = $1 AND id = $2 RETURNING failures, failing_since",
                args![org, self.webhook.uuid(), now],
            )
            .await?;
        // It was deleted while it was called.
        let Some((failures, since)) = row else { return tx.commit().await };
        let quiet = schedule::quiet(failures, &*cx.ids).max(called.retry_after.unwrap_or(0));
        tx.execute(
            "UPDATE platform_webhooks SET quiet_until = $3 WHERE org_id = $1 AND id = $2",
            args![org, self.webhook.uuid(), now.plus_millis(quiet)],
        )
        .await?;
        let fails_long = now.millis() - since >= FAILING_DAYS * DAY_MILLIS;
        let reason = match called.is_gone() {
            true => Some(OffReason::Gone),
            false => fails_long.then_some(OffReason::Failing),
        };
        if let Some(reason) = reason {
            endpoints::switch_off(&mut tx, cx, self.webhook, reason).await?;
        }
        tx.commit().await
    }
}

/// How a call went.
struct Called {
    status: Option<StatusCode>,
    answer: Option<String>,
    /// Why it counts as failed; `None` for 2xx.
    error: Option<String>,
    /// Milliseconds.
    retry_after: Option<i64>,
}

impl Called {
    fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE)
    }

    fn of(reply: &Reply) -> Self {
        let status = reply.status;
        let error = match status.is_success() {
            true => None,
            false if status.is_redirection() => {
                Some(format!("it answered {}: redirects are not followed", status.as_u16()))
            }
            false => Some(format!("it answered {}", status.as_u16())),
        };
        let after = reply.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let answer = beginning(&reply.body);
        Self { status: Some(status), answer, error, retry_after: schedule::retry_after(after) }
    }

    fn failed(error: &impl std::fmt::Display) -> Self {
        let error = Some(short(&error.to_string()));
        Self { status: None, answer: None, error, retry_after: None }
    }
}

/// How an answer begins, as text of at most [`ANSWER_MAX`] bytes.
fn beginning(body: &[u8]) -> Option<String> {
    let cut = body.get(..ANSWER_MAX).unwrap_or(body);
    let mut text = String::from_utf8_lossy(cut).into_owned();
    text.retain(|c| !c.is_control() || c == '\n');
    // A letter that was cut is shown as three bytes.
    while text.len() > ANSWER_MAX {
        text.pop();
    }
    (!text.is_empty()).then_some(text)
}

/// Sends `due` as of `now`.
async fn call(outbound: &Outbound, lease: &Lease, due: &Due, now: Timestamp) -> Called {
    // A name may have moved out of this network since it was judged; plain text stays within.
    if lease.url.scheme() != "https"
        && let Err(error) = endpoints::judge(outbound, &lease.url).await
    {
        return Called::failed(&error);
    }
    let (id, at) = (due.id.to_string(), now.millis().div_euclid(1_000));
    let signed = signature(&lease.secrets, &id, at, &due.body);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, text) in
        [("webhook-id", id), ("webhook-timestamp", at.to_string()), ("webhook-signature", signed)]
    {
        // They are letters and digits of ours.
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
    let (url, body) = (lease.url.clone(), due.body.clone().into_bytes());
    let ask = Ask { method: Method::POST, url, headers, body };
    match outbound.clone().keeping_first(ANSWER_MAX).send(ask).await {
        Ok(reply) => Called::of(&reply),
        Err(error) => Called::failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_the_beginning_is_kept_as_text() {
        assert_eq!(beginning(b""), None);
        assert_eq!(beginning(b"a\0b\r\nc").as_deref(), Some("ab\nc"));
        assert_eq!(beginning(&[b'x'; 9_000]).unwrap().len(), ANSWER_MAX);
        for filler in 0..4 {
            let text = format!("{}{}", "x".repeat(filler), "好".repeat(1_000));
            assert!(beginning(text.as_bytes()).unwrap().len() <= ANSWER_MAX);
        }
        assert!(beginning(&[0xff; 9_000]).unwrap().len() <= ANSWER_MAX);
    }
}
