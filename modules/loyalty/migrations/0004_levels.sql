-- Schemes of member levels. `shops` is a JSON list of their ids, empty for all. A scheme begins at `since`.
CREATE TABLE loyalty_schemes (
    org_id       BIGINT NOT NULL,
    id           UUID   NOT NULL,
    name         TEXT   NOT NULL,
    currency     TEXT   NOT NULL,
    shops        TEXT   NOT NULL,
    zone_seconds BIGINT NOT NULL,
    since        BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    created_by   UUID,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX loyalty_schemes_name ON loyalty_schemes (org_id, name);

-- What a scheme says (JSON, with its levels), from when on. A version is never changed.
CREATE TABLE loyalty_scheme_versions (
    org_id    BIGINT NOT NULL,
    scheme_id UUID   NOT NULL,
    version   BIGINT NOT NULL,
    rules     TEXT   NOT NULL,
    from_at   BIGINT NOT NULL,
    actor     UUID,
    PRIMARY KEY (org_id, scheme_id, version)
);

-- Whose level counts for whom: `root_id` is the customer into whom this one was merged, or itself. Its rows are
-- also the locks under which levels are written.
CREATE TABLE loyalty_level_people (
    org_id      BIGINT NOT NULL,
    customer_id UUID   NOT NULL,
    root_id     UUID   NOT NULL,
    PRIMARY KEY (org_id, customer_id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_level_people_root ON loyalty_level_people (org_id, root_id);

-- What is measured: orders that were paid and not closed, as they are now, with whom they were given to.
CREATE TABLE loyalty_level_orders (
    org_id         BIGINT NOT NULL,
    order_id       UUID   NOT NULL,
    customer_id    UUID   NOT NULL,
    shop_id        UUID   NOT NULL,
    currency       TEXT   NOT NULL,
    paid_at        BIGINT NOT NULL,
    paid_minor     BIGINT NOT NULL CHECK (paid_minor >= 0),
    refunded_minor BIGINT NOT NULL CHECK (refunded_minor >= 0),
    PRIMARY KEY (org_id, order_id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_level_orders_customer ON loyalty_level_orders (org_id, customer_id);

-- What people did by hand: pinned to `rank`, or released (null). `sealed` is the reason, which may name people and
-- goes when a person is erased.
CREATE TABLE loyalty_level_deeds (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    scheme_id   UUID   NOT NULL,
    customer_id UUID   NOT NULL,
    rank        BIGINT,
    sealed      BYTEA,
    at          BIGINT NOT NULL,
    actor       UUID,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_level_deeds_customer ON loyalty_level_deeds (org_id, customer_id, scheme_id);

-- Where a customer stands. `rank` 0 is no level. `measured` is `amount_minor` or `orders`, as the scheme says, and
-- `earned` the rank that it reaches; both are those of `measured_at` and hold until `next_at` (null: until orders
-- or rules change). `revision` counts rows of the history, of which `changed_at` is the last.
CREATE TABLE loyalty_memberships (
    org_id       BIGINT NOT NULL,
    scheme_id    UUID   NOT NULL,
    customer_id  UUID   NOT NULL,
    rank         BIGINT NOT NULL CHECK (rank >= 0),
    since        BIGINT NOT NULL,
    valid_until  BIGINT,
    pinned       BIGINT NOT NULL CHECK (pinned IN (0, 1)),
    earned       BIGINT NOT NULL CHECK (earned >= 0),
    measured     BIGINT NOT NULL CHECK (measured >= 0),
    amount_minor BIGINT NOT NULL CHECK (amount_minor >= 0),
    orders       BIGINT NOT NULL CHECK (orders >= 0),
    version      BIGINT NOT NULL,
    measured_at  BIGINT NOT NULL,
    next_at      BIGINT,
    changed_at   BIGINT NOT NULL,
    revision     BIGINT NOT NULL,
    PRIMARY KEY (org_id, scheme_id, customer_id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_memberships_customer ON loyalty_memberships (org_id, customer_id);
CREATE INDEX loyalty_memberships_measured ON loyalty_memberships (org_id, scheme_id, measured, rank, pinned);
CREATE INDEX loyalty_memberships_rank ON loyalty_memberships (org_id, scheme_id, rank, customer_id);
CREATE INDEX loyalty_memberships_due ON loyalty_memberships (org_id, scheme_id, next_at, customer_id)
    WHERE next_at IS NOT NULL;
CREATE INDEX loyalty_memberships_version ON loyalty_memberships (org_id, scheme_id, version);

-- Every change of a rank. `at` is when it was known, `since` from when the new rank counts.
CREATE TABLE loyalty_level_history (
    org_id      BIGINT NOT NULL,
    scheme_id   UUID   NOT NULL,
    customer_id UUID   NOT NULL,
    revision    BIGINT NOT NULL,
    from_rank   BIGINT NOT NULL,
    to_rank     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    since       BIGINT NOT NULL,
    cause       TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    actor       UUID,
    PRIMARY KEY (org_id, scheme_id, customer_id, revision)
) /*sqlite WITHOUT ROWID*/;

/*postgres
CREATE FUNCTION loyalty_levels_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of levels is append-only';
END
$$;
CREATE TRIGGER loyalty_level_history_kept BEFORE UPDATE OR DELETE ON loyalty_level_history
    FOR EACH ROW EXECUTE FUNCTION loyalty_levels_keep();
CREATE TRIGGER loyalty_level_history_not_emptied BEFORE TRUNCATE ON loyalty_level_history
    FOR EACH STATEMENT EXECUTE FUNCTION loyalty_levels_keep();
CREATE TRIGGER loyalty_scheme_versions_kept BEFORE UPDATE OR DELETE ON loyalty_scheme_versions
    FOR EACH ROW EXECUTE FUNCTION loyalty_levels_keep();
*/
/*sqlite
CREATE TRIGGER loyalty_level_history_kept BEFORE UPDATE ON loyalty_level_history
BEGIN
    SELECT RAISE(ABORT, 'the history of levels is append-only');
END;
CREATE TRIGGER loyalty_level_history_not_emptied BEFORE DELETE ON loyalty_level_history
BEGIN
    SELECT RAISE(ABORT, 'the history of levels is append-only');
END;
CREATE TRIGGER loyalty_scheme_versions_kept BEFORE UPDATE ON loyalty_scheme_versions
BEGIN
    SELECT RAISE(ABORT, 'the history of levels is append-only');
END;
CREATE TRIGGER loyalty_scheme_versions_not_emptied BEFORE DELETE ON loyalty_scheme_versions
BEGIN
    SELECT RAISE(ABORT, 'the history of levels is append-only');
END;
*/
-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE loyalty_schemes;
DELETE FROM sqlite_stat1 WHERE tbl = 'loyalty_schemes';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_schemes', 'loyalty_schemes', '5 5 1'),
    ('loyalty_schemes', 'loyalty_schemes_name', '5 5 1'),
    ('loyalty_scheme_versions', 'sqlite_autoindex_loyalty_scheme_versions_1', '20 20 4 1'),
    ('loyalty_level_people', 'loyalty_level_people', '300000 300000 1'),
    ('loyalty_level_people', 'loyalty_level_people_root', '300000 300000 1'),
    ('loyalty_level_orders', 'loyalty_level_orders', '2000000 2000000 1'),
    ('loyalty_level_orders', 'loyalty_level_orders_customer', '2000000 2000000 7'),
    ('loyalty_level_deeds', 'loyalty_level_deeds', '10000 10000 1'),
    ('loyalty_level_deeds', 'loyalty_level_deeds_customer', '10000 10000 2 2'),
    ('loyalty_memberships', 'loyalty_memberships', '600000 600000 300000 1'),
    ('loyalty_memberships', 'loyalty_memberships_customer', '600000 600000 2'),
    ('loyalty_memberships', 'loyalty_memberships_measured', '600000 600000 300000 2 2 2'),
    ('loyalty_memberships', 'loyalty_memberships_rank', '600000 600000 300000 60000 1'),
    ('loyalty_memberships', 'loyalty_memberships_due', '500000 500000 250000 700 1'),
    ('loyalty_memberships', 'loyalty_memberships_version', '600000 600000 300000 150000'),
    ('loyalty_level_history', 'loyalty_level_history', '1000000 1000000 500000 2 1');
ANALYZE sqlite_schema;
*/
