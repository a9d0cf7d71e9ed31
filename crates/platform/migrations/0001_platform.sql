-- What belongs to the installation and to no organisation: counters, the key's fingerprint.
CREATE TABLE platform_meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Events in the order in which they are delivered. On SQLite, which has one writer, the position is
-- given at the insert. On PostgreSQL it is given after the commit, see src/outbox/sequence.rs.
CREATE TABLE platform_outbox (
    /*postgres
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    position BIGINT,
    */
    /*sqlite position INTEGER PRIMARY KEY AUTOINCREMENT, */
    org_id BIGINT NOT NULL,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL
    /*postgres , PRIMARY KEY (org_id, seq) */
);
/*postgres
CREATE UNIQUE INDEX platform_outbox_position ON platform_outbox (position);
CREATE INDEX platform_outbox_unsequenced ON platform_outbox (seq) WHERE position IS NULL;
*/

-- How far each subscriber has come, over all organisations, and who delivers to it now.
CREATE TABLE platform_subscribers (
    name TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_error TEXT,
    lease_token UUID,
    lease_until BIGINT NOT NULL
);

-- Events that a subscriber could not handle. Kept until they are delivered again by hand.
CREATE TABLE platform_dead_letters (
    org_id BIGINT NOT NULL,
    subscriber TEXT NOT NULL,
    position BIGINT NOT NULL,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    died_at BIGINT NOT NULL,
    redeliver BOOLEAN NOT NULL,
    PRIMARY KEY (org_id, subscriber, position)
);
CREATE INDEX platform_dead_letters_redeliver ON platform_dead_letters (subscriber, position) WHERE redeliver;

CREATE TABLE platform_jobs (
    org_id BIGINT NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    actor UUID,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    unique_key TEXT,
    last_error TEXT,
    lease_token UUID,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX platform_jobs_next ON platform_jobs (state, priority DESC, run_at, id);
CREATE INDEX platform_jobs_state ON platform_jobs (org_id, state, id);
CREATE INDEX platform_jobs_finished ON platform_jobs (state, finished_at);
CREATE UNIQUE INDEX platform_jobs_unique ON platform_jobs (org_id, kind, unique_key)
    WHERE state = 'waiting' AND unique_key IS NOT NULL;

-- First answers, kept for a day. actor is the nil UUID for the program itself.
CREATE TABLE platform_idempotency (
    org_id BIGINT NOT NULL,
    actor UUID NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    status BIGINT,
    answer BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, actor, key)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX platform_idempotency_age ON platform_idempotency (created_at);
