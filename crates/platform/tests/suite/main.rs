//! Everything that needs a database, on both.

#![allow(clippy::unwrap_used, missing_docs, reason = "helpers of tests may panic as tests do")]

mod audit;
mod audit_tampering;
mod backup;
mod backup_damage;
mod backup_job;
mod backup_support;
mod cut_off;
mod edge;
mod idempotency;
mod jobs;
mod keys;
mod live;
mod meta;
mod outbox;
mod outbox_order;
mod support;
mod wall;
mod webhook_receiver;
mod webhooks;
mod webhooks_failing;
