CREATE TABLE commerce_shops (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    number      BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    channel     TEXT   NOT NULL,
    currency    TEXT   NOT NULL,
    zone_offset_seconds BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX commerce_shops_number ON commerce_shops (org_id, number);
CREATE UNIQUE INDEX commerce_shops_name ON commerce_shops (org_id, name);

-- `private` is sealed JSON: receiver (name, phones, street), what people wrote, and the cells of columns
-- that nobody named. Province and city stay readable for analysis.
-- `revenue_minor` is what the shop kept, and null where the order does not count (unpaid, closed,
-- refunded in full). `head_hash` and `lines_hash` tell an unchanged order without reading it.
-- `last_import` is the number of the import that wrote the order last.
-- SQLite keeps this table by row id: its rows are wide, and four indexes would otherwise each hold the key.
CREATE TABLE commerce_orders (
    org_id        BIGINT NOT NULL,
    id            UUID   NOT NULL,
    shop_number   BIGINT NOT NULL,
    external_no   TEXT   NOT NULL,
    customer_id   UUID,
    state         BIGINT NOT NULL,
    close_reason  TEXT,
    ordered_at    BIGINT NOT NULL,
    paid_at       BIGINT,
    shipped_at    BIGINT,
    completed_at  BIGINT,
    goods_minor   BIGINT,
    freight_minor BIGINT,
    total_minor   BIGINT,
    paid_minor    BIGINT,
    refund_minor  BIGINT,
    revenue_minor BIGINT,
    item_count    BIGINT,
    item_title    TEXT,
    carrier       TEXT,
    tracking_no   TEXT,
    province      TEXT,
    city          TEXT,
    private       BYTEA,
    amounts_from_lines BOOLEAN NOT NULL,
    line_count    BIGINT NOT NULL,
    head_hash     BIGINT NOT NULL,
    lines_hash    BIGINT NOT NULL,
    last_import   BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX commerce_orders_external ON commerce_orders (org_id, shop_number, external_no);
CREATE INDEX commerce_orders_customer ON commerce_orders (org_id, customer_id, ordered_at);
CREATE INDEX commerce_orders_time ON commerce_orders (org_id, ordered_at, id);

CREATE TABLE commerce_order_lines (
    org_id        BIGINT NOT NULL,
    order_id      UUID   NOT NULL,
    line_no       BIGINT NOT NULL,
    external_no   TEXT,
    title         TEXT,
    sku_code      TEXT,
    sku_text      TEXT,
    quantity      BIGINT NOT NULL,
    unit_price_minor BIGINT,
    amount_minor  BIGINT,
    refund_minor  BIGINT,
    state         BIGINT,
    PRIMARY KEY (org_id, order_id, line_no)
) /*sqlite WITHOUT ROWID*/;

-- One import of one or more files. `request` is JSON: paths, format, mapping; `progress` is JSON:
-- the counters; both are written in the transaction of the batch they describe.
CREATE TABLE commerce_imports (
    org_id        BIGINT NOT NULL,
    id            UUID   NOT NULL,
    number        BIGINT NOT NULL,
    shop_number   BIGINT,
    state         TEXT   NOT NULL,
    dry_run       BOOLEAN NOT NULL,
    fingerprint   TEXT   NOT NULL,
    request       TEXT   NOT NULL,
    progress      TEXT   NOT NULL,
    error         TEXT,
    created_by    UUID,
    created_at    BIGINT NOT NULL,
    started_at    BIGINT,
    finished_at   BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX commerce_imports_number ON commerce_imports (org_id, number);

-- What each batch did: created orders as packed ids, and the rows that it changed as they were before.
CREATE TABLE commerce_import_batches (
    org_id        BIGINT NOT NULL,
    import_number BIGINT NOT NULL,
    batch_no      BIGINT NOT NULL,
    created_orders BYTEA NOT NULL,
    before_orders BYTEA  NOT NULL,
    customers     TEXT   NOT NULL,
    PRIMARY KEY (org_id, import_number, batch_no)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE commerce_import_rejects (
    org_id        BIGINT NOT NULL,
    import_number BIGINT NOT NULL,
    seq           BIGINT NOT NULL,
    file          TEXT   NOT NULL,
    line          BIGINT NOT NULL,
    column_name   TEXT,
    reason        TEXT   NOT NULL,
    raw           BYTEA  NOT NULL,
    order_no      TEXT,
    PRIMARY KEY (org_id, import_number, seq)
) /*sqlite WITHOUT ROWID*/;
