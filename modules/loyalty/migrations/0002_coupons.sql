-- Kinds of coupons. `rules` is JSON, `terms` in it are those of crates/pricing. `code_digest` finds the code that
-- everybody may know, if there is one.
CREATE TABLE loyalty_coupon_definitions (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    name        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    rules       TEXT   NOT NULL,
    code_digest BYTEA,
    created_by  UUID,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX loyalty_coupon_definitions_name ON loyalty_coupon_definitions (org_id, name);
CREATE UNIQUE INDEX loyalty_coupon_definitions_code ON loyalty_coupon_definitions (org_id, code_digest)
    WHERE code_digest IS NOT NULL;

-- What a definition said, from when on. A version is never changed.
CREATE TABLE loyalty_coupon_versions (
    org_id        BIGINT NOT NULL,
    definition_id UUID   NOT NULL,
    version       BIGINT NOT NULL,
    rules         TEXT   NOT NULL,
    from_at       BIGINT NOT NULL,
    actor         UUID,
    PRIMARY KEY (org_id, definition_id, version)
);

-- How often something was used, one row for each limit that counts it: `owner_id` is a definition or a promotion,
-- `key` a shop, day or customer. `bound` is the limit by which `used` last rose.
CREATE TABLE loyalty_counters (
    org_id   BIGINT NOT NULL,
    owner_id UUID   NOT NULL,
    kind     TEXT   NOT NULL,
    key      TEXT   NOT NULL,
    used     BIGINT NOT NULL CHECK (used >= 0),
    bound    BIGINT NOT NULL,
    CHECK (used <= bound),
    PRIMARY KEY (org_id, owner_id, kind, key)
) /*sqlite WITHOUT ROWID*/;

-- Codes made at once. The first `made` of `size` are there.
CREATE TABLE loyalty_coupon_batches (
    org_id        BIGINT NOT NULL,
    id            UUID   NOT NULL,
    definition_id UUID   NOT NULL,
    size          BIGINT NOT NULL,
    made          BIGINT NOT NULL CHECK (made >= 0 AND made <= size),
    created_by    UUID,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_coupon_batches_definition ON loyalty_coupon_batches (org_id, definition_id);

-- Gifts to many customers, by the key under which they were asked for.
CREATE TABLE loyalty_coupon_runs (
    org_id        BIGINT NOT NULL,
    definition_id UUID   NOT NULL,
    key           TEXT   NOT NULL,
    given         BIGINT NOT NULL,
    PRIMARY KEY (org_id, definition_id, key)
) /*sqlite WITHOUT ROWID*/;

-- Coupons. `digest` finds the code, which is not stored; `run_key` is that of the gift or claim. `reservation_id`
-- holds or used it last; `returned` counts how often it came back from a refunded order.
CREATE TABLE loyalty_coupons (
    org_id         BIGINT NOT NULL,
    id             UUID   NOT NULL,
    definition_id  UUID   NOT NULL,
    batch_id       UUID,
    number         BIGINT,
    digest         BYTEA,
    run_key        TEXT,
    origin         TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    customer_id    UUID,
    claimed_at     BIGINT,
    valid_from     BIGINT,
    valid_until    BIGINT,
    reservation_id UUID,
    lock_until     BIGINT,
    returned       BIGINT NOT NULL CHECK (returned >= 0),
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX loyalty_coupons_digest ON loyalty_coupons (org_id, digest) WHERE digest IS NOT NULL;
CREATE UNIQUE INDEX loyalty_coupons_run ON loyalty_coupons (org_id, definition_id, customer_id, run_key)
    WHERE run_key IS NOT NULL;
CREATE INDEX loyalty_coupons_state ON loyalty_coupons (org_id, definition_id, state);
CREATE INDEX loyalty_coupons_batch ON loyalty_coupons (org_id, batch_id, state) WHERE batch_id IS NOT NULL;
CREATE INDEX loyalty_coupons_customer ON loyalty_coupons (org_id, customer_id, id) WHERE customer_id IS NOT NULL;
CREATE INDEX loyalty_coupons_ending ON loyalty_coupons (org_id, valid_until, id) WHERE state = 'claimed';
CREATE INDEX loyalty_coupons_locked ON loyalty_coupons (org_id, reservation_id) WHERE state = 'locked';

-- Codes that were entered in vain since `since`, by the digest of who entered them.
CREATE TABLE loyalty_code_tries (
    org_id BIGINT NOT NULL,
    caller BYTEA  NOT NULL,
    since  BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (org_id, caller)
) /*sqlite WITHOUT ROWID*/;
-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE loyalty_coupon_definitions;
DELETE FROM sqlite_stat1 WHERE tbl = 'loyalty_coupon_definitions';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_coupon_definitions', 'sqlite_autoindex_loyalty_coupon_definitions_1', '200 200 1'),
    ('loyalty_coupon_definitions', 'loyalty_coupon_definitions_name', '200 200 1'),
    ('loyalty_coupon_definitions', 'loyalty_coupon_definitions_code', '50 50 1'),
    ('loyalty_coupon_versions', 'sqlite_autoindex_loyalty_coupon_versions_1', '600 600 3 1'),
    ('loyalty_counters', 'loyalty_counters', '1000000 1000000 5000 2000 1'),
    ('loyalty_coupon_batches', 'loyalty_coupon_batches', '100 100 1'),
    ('loyalty_coupon_batches', 'loyalty_coupon_batches_definition', '100 100 2'),
    ('loyalty_coupon_runs', 'loyalty_coupon_runs', '500 500 3 1'),
    ('loyalty_coupons', 'loyalty_coupons', '3000000 3000000 1'),
    ('loyalty_coupons', 'loyalty_coupons_digest', '2000000 2000000 1'),
    ('loyalty_coupons', 'loyalty_coupons_run', '800000 800000 8000 2 1'),
    ('loyalty_coupons', 'loyalty_coupons_state', '3000000 3000000 15000 4000'),
    ('loyalty_coupons', 'loyalty_coupons_batch', '2000000 2000000 20000 8000'),
    ('loyalty_coupons', 'loyalty_coupons_customer', '1000000 1000000 3 1'),
    ('loyalty_coupons', 'loyalty_coupons_ending', '500000 500000 1000 1'),
    ('loyalty_coupons', 'loyalty_coupons_locked', '2000 2000 2'),
    ('loyalty_code_tries', 'loyalty_code_tries', '1000 1000 1');
ANALYZE sqlite_schema;
*/
