-- Promotions as they are kept. `rules` is JSON, `terms` in it are those of crates/pricing.
CREATE TABLE loyalty_promotions (
    org_id     BIGINT NOT NULL,
    id         UUID   NOT NULL,
    name       TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    rules      TEXT   NOT NULL,
    created_by UUID,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX loyalty_promotions_name ON loyalty_promotions (org_id, name);
CREATE INDEX loyalty_promotions_state ON loyalty_promotions (org_id, state, id);

CREATE TABLE loyalty_promotion_versions (
    org_id       BIGINT NOT NULL,
    promotion_id UUID   NOT NULL,
    version      BIGINT NOT NULL,
    rules        TEXT   NOT NULL,
    from_at      BIGINT NOT NULL,
    actor        UUID,
    PRIMARY KEY (org_id, promotion_id, version)
);

-- Pieces of a flash sale: each of `stocked` is there, held by a reservation or sold.
CREATE TABLE loyalty_flash_stock (
    org_id       BIGINT NOT NULL,
    promotion_id UUID   NOT NULL,
    sku          TEXT   NOT NULL,
    stocked      BIGINT NOT NULL,
    remaining    BIGINT NOT NULL CHECK (remaining >= 0),
    held         BIGINT NOT NULL CHECK (held >= 0),
    sold         BIGINT NOT NULL CHECK (sold >= 0),
    CHECK (remaining + held + sold = stocked),
    PRIMARY KEY (org_id, promotion_id, sku)
) /*sqlite WITHOUT ROWID*/;

-- What an order holds, from its checkout to its end. `order_key` is the shop's; `digest` is of what was asked for
-- with it; `answer` has what the asker is told again (JSON).
CREATE TABLE loyalty_reservations (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    shop_id     UUID   NOT NULL,
    order_key   TEXT   NOT NULL,
    digest      BYTEA  NOT NULL,
    state       TEXT   NOT NULL,
    customer_id UUID   NOT NULL,
    until       BIGINT NOT NULL,
    answer      TEXT   NOT NULL,
    made_at     BIGINT NOT NULL,
    ended_at    BIGINT,
    refunded_at BIGINT,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX loyalty_reservations_order ON loyalty_reservations (org_id, shop_id, order_key);
CREATE INDEX loyalty_reservations_overdue ON loyalty_reservations (org_id, until, id) WHERE state = 'held';
CREATE INDEX loyalty_reservations_customer ON loyalty_reservations (org_id, customer_id, id);

-- What a reservation took: `kind` is `coupon` or `promotion` (`owner_id` is it), `stock` (`key` is the SKU) or that of a counter;
-- `source_id` is the coupon or promotion for which it was taken. `returned` of `quantity` was given back.
CREATE TABLE loyalty_holds (
    org_id         BIGINT NOT NULL,
    reservation_id UUID   NOT NULL,
    line           BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    source_id      UUID   NOT NULL,
    owner_id       UUID   NOT NULL,
    key            TEXT   NOT NULL,
    quantity       BIGINT NOT NULL,
    returned       BIGINT NOT NULL CHECK (returned >= 0 AND returned <= quantity),
    PRIMARY KEY (org_id, reservation_id, line)
) /*sqlite WITHOUT ROWID*/;

-- Refunds of committed reservations, by the key under which they were asked for.
CREATE TABLE loyalty_refunds (
    org_id         BIGINT NOT NULL,
    reservation_id UUID   NOT NULL,
    key            TEXT   NOT NULL,
    digest         BYTEA  NOT NULL,
    answer         TEXT   NOT NULL,
    at             BIGINT NOT NULL,
    PRIMARY KEY (org_id, reservation_id, key)
);
-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE loyalty_promotions;
DELETE FROM sqlite_stat1 WHERE tbl = 'loyalty_promotions';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_promotions', 'sqlite_autoindex_loyalty_promotions_1', '400 400 1'),
    ('loyalty_promotions', 'loyalty_promotions_name', '400 400 1'),
    ('loyalty_promotions', 'loyalty_promotions_state', '400 400 100 1'),
    ('loyalty_promotion_versions', 'sqlite_autoindex_loyalty_promotion_versions_1', '1200 1200 3 1'),
    ('loyalty_flash_stock', 'loyalty_flash_stock', '2000 2000 20 1'),
    ('loyalty_reservations', 'sqlite_autoindex_loyalty_reservations_1', '1000000 1000000 1'),
    ('loyalty_reservations', 'loyalty_reservations_order', '1000000 1000000 300000 1'),
    ('loyalty_reservations', 'loyalty_reservations_overdue', '2000 2000 1 1'),
    ('loyalty_reservations', 'loyalty_reservations_customer', '1000000 1000000 3 1'),
    ('loyalty_holds', 'loyalty_holds', '3000000 3000000 3 1'),
    ('loyalty_refunds', 'sqlite_autoindex_loyalty_refunds_1', '50000 50000 1 1');
ANALYZE sqlite_schema;
*/
