-- Programmes of points. `shops` is a JSON list of their ids, empty for all. Orders paid before `since` earn nothing.
CREATE TABLE loyalty_programmes (
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
CREATE UNIQUE INDEX loyalty_programmes_name ON loyalty_programmes (org_id, name);

-- What a programme says (JSON), from when on. A version is never changed.
CREATE TABLE loyalty_programme_versions (
    org_id       BIGINT NOT NULL,
    programme_id UUID   NOT NULL,
    version      BIGINT NOT NULL,
    rules        TEXT   NOT NULL,
    from_at      BIGINT NOT NULL,
    actor        UUID,
    PRIMARY KEY (org_id, programme_id, version)
);

-- The ledger. Entries and postings are added and never changed; postings of one entry sum to zero. It has no
-- personal data: reasons stand in `loyalty_adjustments`, where they can be erased.
CREATE TABLE loyalty_entries (
    org_id          BIGINT NOT NULL,
    id              UUID   NOT NULL,
    programme_id    UUID   NOT NULL,
    version         BIGINT NOT NULL,
    kind            TEXT   NOT NULL,
    customer_id     UUID,
    source_kind     TEXT   NOT NULL,
    source_id       UUID,
    idempotency_key TEXT   NOT NULL,
    at              BIGINT NOT NULL,
    actor           UUID,
    reverses        UUID,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX loyalty_entries_once ON loyalty_entries (org_id, programme_id, idempotency_key);
CREATE INDEX loyalty_entries_source ON loyalty_entries (org_id, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX loyalty_entries_customer ON loyalty_entries (org_id, customer_id, at) WHERE customer_id IS NOT NULL;

CREATE TABLE loyalty_postings (
    org_id       BIGINT NOT NULL,
    entry_id     UUID   NOT NULL,
    line         BIGINT NOT NULL,
    programme_id UUID   NOT NULL,
    account      TEXT   NOT NULL,
    customer_id  UUID,
    lot_id       UUID,
    points       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (org_id, entry_id, line)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_postings_customer ON loyalty_postings (org_id, programme_id, customer_id, entry_id)
    WHERE customer_id IS NOT NULL;

/*postgres
CREATE FUNCTION loyalty_ledger_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger of points is append-only';
END
$$;
CREATE TRIGGER loyalty_entries_kept BEFORE UPDATE OR DELETE ON loyalty_entries
    FOR EACH ROW EXECUTE FUNCTION loyalty_ledger_keep();
CREATE TRIGGER loyalty_entries_not_emptied BEFORE TRUNCATE ON loyalty_entries
    FOR EACH STATEMENT EXECUTE FUNCTION loyalty_ledger_keep();
CREATE TRIGGER loyalty_postings_kept BEFORE UPDATE OR DELETE ON loyalty_postings
    FOR EACH ROW EXECUTE FUNCTION loyalty_ledger_keep();
CREATE TRIGGER loyalty_postings_not_emptied BEFORE TRUNCATE ON loyalty_postings
    FOR EACH STATEMENT EXECUTE FUNCTION loyalty_ledger_keep();
CREATE TRIGGER loyalty_versions_kept BEFORE UPDATE OR DELETE ON loyalty_programme_versions
    FOR EACH ROW EXECUTE FUNCTION loyalty_ledger_keep();
*/
/*sqlite
CREATE TRIGGER loyalty_entries_kept BEFORE UPDATE ON loyalty_entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger of points is append-only');
END;
CREATE TRIGGER loyalty_entries_not_emptied BEFORE DELETE ON loyalty_entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger of points is append-only');
END;
CREATE TRIGGER loyalty_postings_kept BEFORE UPDATE ON loyalty_postings
BEGIN
    SELECT RAISE(ABORT, 'the ledger of points is append-only');
END;
CREATE TRIGGER loyalty_postings_not_emptied BEFORE DELETE ON loyalty_postings
BEGIN
    SELECT RAISE(ABORT, 'the ledger of points is append-only');
END;
CREATE TRIGGER loyalty_versions_kept BEFORE UPDATE ON loyalty_programme_versions
BEGIN
    SELECT RAISE(ABORT, 'the ledger of points is append-only');
END;
CREATE TRIGGER loyalty_versions_not_emptied BEFORE DELETE ON loyalty_programme_versions
BEGIN
    SELECT RAISE(ABORT, 'the ledger of points is append-only');
END;
*/

-- Projections of the postings, kept in the transaction that writes them.
CREATE TABLE loyalty_balances (
    org_id       BIGINT NOT NULL,
    programme_id UUID   NOT NULL,
    customer_id  UUID   NOT NULL,
    pending      BIGINT NOT NULL CHECK (pending >= 0),
    available    BIGINT NOT NULL CHECK (available >= 0),
    reserved     BIGINT NOT NULL CHECK (reserved >= 0),
    debt         BIGINT NOT NULL CHECK (debt <= 0),
    PRIMARY KEY (org_id, programme_id, customer_id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_balances_customer ON loyalty_balances (org_id, customer_id);

-- `source_id` is the order by which points were earned, if it was one; `lapsed` expired.
CREATE TABLE loyalty_lots (
    org_id         BIGINT NOT NULL,
    id             UUID   NOT NULL,
    programme_id   UUID   NOT NULL,
    customer_id    UUID   NOT NULL,
    source_id      UUID,
    points         BIGINT NOT NULL,
    pending        BIGINT NOT NULL CHECK (pending >= 0),
    available      BIGINT NOT NULL CHECK (available >= 0),
    reserved       BIGINT NOT NULL CHECK (reserved >= 0),
    lapsed         BIGINT NOT NULL CHECK (lapsed >= 0),
    available_from BIGINT NOT NULL,
    expires_at     BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_lots_customer ON loyalty_lots (org_id, programme_id, customer_id)
    WHERE pending + available + reserved > 0;
CREATE INDEX loyalty_lots_pending ON loyalty_lots (org_id, programme_id, available_from, id) WHERE pending > 0;
CREATE INDEX loyalty_lots_lapsed ON loyalty_lots (org_id, source_id) WHERE lapsed > 0;
-- By customer within a day, so that a batch changes each balance once.
CREATE INDEX loyalty_lots_expiring ON loyalty_lots (org_id, programme_id, expires_at, customer_id, id)
    WHERE available > 0 AND expires_at IS NOT NULL;

-- What the ledger has for an order. `raw` is what it earns before the limit of its `day`, `target` after it;
-- `written_off` was forgiven because it had been spent.
CREATE TABLE loyalty_orders (
    org_id       BIGINT NOT NULL,
    programme_id UUID   NOT NULL,
    order_id     UUID   NOT NULL,
    customer_id  UUID   NOT NULL,
    version      BIGINT NOT NULL,
    paid_at      BIGINT NOT NULL,
    day          BIGINT NOT NULL,
    raw          BIGINT NOT NULL CHECK (raw >= 0),
    target       BIGINT NOT NULL CHECK (target >= 0),
    written_off  BIGINT NOT NULL CHECK (written_off >= 0),
    revision     BIGINT NOT NULL,
    PRIMARY KEY (org_id, programme_id, order_id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_orders_day ON loyalty_orders (org_id, programme_id, customer_id, day);

-- Points spent on orders or reserved for them until `until`. `returned` came back, because the order was refunded;
-- of it `lapsed` was too late to be used again.
CREATE TABLE loyalty_spends (
    org_id       BIGINT NOT NULL,
    id           UUID   NOT NULL,
    programme_id UUID   NOT NULL,
    order_id     UUID   NOT NULL,
    points       BIGINT NOT NULL,
    returned     BIGINT NOT NULL CHECK (returned >= 0),
    state        TEXT   NOT NULL,
    until        BIGINT,
    at           BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_spends_order ON loyalty_spends (org_id, programme_id, order_id);
CREATE INDEX loyalty_spends_until ON loyalty_spends (org_id, programme_id, until) WHERE state = 'reserved';

CREATE TABLE loyalty_spend_lots (
    org_id      BIGINT NOT NULL,
    spend_id    UUID   NOT NULL,
    line        BIGINT NOT NULL,
    lot_id      UUID   NOT NULL,
    customer_id UUID   NOT NULL,
    points      BIGINT NOT NULL,
    returned    BIGINT NOT NULL CHECK (returned >= 0),
    lapsed      BIGINT NOT NULL CHECK (lapsed >= 0),
    PRIMARY KEY (org_id, spend_id, line)
) /*sqlite WITHOUT ROWID*/;

-- Changes by hand. `sealed` is the reason, which may name people and goes when a person is erased.
CREATE TABLE loyalty_adjustments (
    org_id       BIGINT NOT NULL,
    id           UUID   NOT NULL,
    programme_id UUID   NOT NULL,
    customer_id  UUID   NOT NULL,
    points       BIGINT NOT NULL,
    state        TEXT   NOT NULL,
    sealed       BYTEA,
    asked_by     UUID,
    asked_at     BIGINT NOT NULL,
    decided_by   UUID,
    decided_at   BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_adjustments_customer ON loyalty_adjustments (org_id, customer_id);
CREATE INDEX loyalty_adjustments_waiting ON loyalty_adjustments (org_id, id) WHERE state = 'waiting';
-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE loyalty_programmes;
DELETE FROM sqlite_stat1 WHERE tbl = 'loyalty_programmes';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_programmes', 'loyalty_programmes', '5 5 1'),
    ('loyalty_programmes', 'loyalty_programmes_name', '5 5 1'),
    ('loyalty_programme_versions', 'sqlite_autoindex_loyalty_programme_versions_1', '20 20 4 1'),
    ('loyalty_entries', 'loyalty_entries', '3000000 3000000 1'),
    ('loyalty_entries', 'loyalty_entries_once', '3000000 3000000 1500000 1'),
    ('loyalty_entries', 'loyalty_entries_source', '2000000 2000000 2'),
    ('loyalty_entries', 'loyalty_entries_customer', '2000000 2000000 6 1'),
    ('loyalty_postings', 'loyalty_postings', '9000000 9000000 3 1'),
    ('loyalty_postings', 'loyalty_postings_customer', '6000000 6000000 3000000 20 2'),
    ('loyalty_balances', 'loyalty_balances', '300000 300000 150000 1'),
    ('loyalty_balances', 'loyalty_balances_customer', '300000 300000 1'),
    ('loyalty_lots', 'loyalty_lots', '2000000 2000000 1'),
    ('loyalty_lots', 'loyalty_lots_customer', '1000000 1000000 500000 4'),
    ('loyalty_lots', 'loyalty_lots_pending', '100000 100000 50000 2 1'),
    ('loyalty_lots', 'loyalty_lots_lapsed', '1000000 1000000 1'),
    ('loyalty_lots', 'loyalty_lots_expiring', '900000 900000 450000 2000 2 1'),
    ('loyalty_orders', 'loyalty_orders', '2000000 2000000 1000000 1'),
    ('loyalty_orders', 'loyalty_orders_day', '2000000 2000000 1000000 7 1'),
    ('loyalty_spends', 'loyalty_spends', '300000 300000 1'),
    ('loyalty_spends', 'loyalty_spends_order', '300000 300000 150000 1'),
    ('loyalty_spends', 'loyalty_spends_until', '1000 1000 500 1'),
    ('loyalty_spend_lots', 'loyalty_spend_lots', '600000 600000 2 1'),
    ('loyalty_adjustments', 'loyalty_adjustments', '10000 10000 1'),
    ('loyalty_adjustments', 'loyalty_adjustments_customer', '10000 10000 2'),
    ('loyalty_adjustments', 'loyalty_adjustments_waiting', '20 20 1');
ANALYZE sqlite_schema;
*/
