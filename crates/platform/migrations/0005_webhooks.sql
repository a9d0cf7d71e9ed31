-- Where signed calls to the outside go. `secret_sealed` signs; `earlier_secret_sealed` signs as well until
-- `earlier_until`. `failures` counts calls in a row that failed, the first of them at `failing_since`. No call
-- is made before `quiet_until`. Whoever holds the lease makes the calls, one after another.
CREATE TABLE platform_webhooks (
    org_id                BIGINT  NOT NULL,
    id                    UUID    NOT NULL,
    url                   TEXT    NOT NULL,
    note                  TEXT    NOT NULL,
    topics                TEXT    NOT NULL,
    active                BOOLEAN NOT NULL,
    off_reason            TEXT,
    off_at                BIGINT,
    failures              BIGINT  NOT NULL,
    failing_since         BIGINT,
    delivered_at          BIGINT,
    quiet_until           BIGINT  NOT NULL,
    lease_token           UUID,
    lease_until           BIGINT  NOT NULL,
    secret_sealed         BYTEA   NOT NULL,
    earlier_secret_sealed BYTEA,
    earlier_until         BIGINT,
    created_at            BIGINT  NOT NULL,
    version               BIGINT  NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;

-- What is to be sent, or was: a row for each message and webhook, written with the position of the subscriber
-- that read the event. `id` is what receivers know it by, whenever it is sent. `status`, `answer` and `error`
-- are of the last try.
CREATE TABLE platform_webhook_deliveries (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    webhook_id  UUID   NOT NULL,
    topic       TEXT   NOT NULL,
    event_at    BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    tries       BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    tried_at    BIGINT,
    status      BIGINT,
    answer      TEXT,
    error       TEXT,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX platform_webhook_deliveries_due
    ON platform_webhook_deliveries (org_id, webhook_id, next_at, id) WHERE state = 'waiting';
CREATE INDEX platform_webhook_deliveries_list ON platform_webhook_deliveries (org_id, webhook_id, id);
CREATE INDEX platform_webhook_deliveries_age ON platform_webhook_deliveries (created_at);
