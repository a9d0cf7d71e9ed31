-- Coupons given to the customers of an audience. `after_id` is the last customer that was looked at, so that a run which was
-- cut off goes on; `given` and those beside it count the customers until there.
CREATE TABLE loyalty_coupon_gifts (
    org_id         BIGINT  NOT NULL,
    id             UUID    NOT NULL,
    definition_id  UUID    NOT NULL,
    audience_id    UUID    NOT NULL,
    audience_name  TEXT    NOT NULL,
    skips_holders  BOOLEAN NOT NULL,
    state          TEXT    NOT NULL,
    why            TEXT,
    customers      BIGINT  NOT NULL,
    given          BIGINT  NOT NULL,
    had_one        BIGINT  NOT NULL,
    gone           BIGINT  NOT NULL,
    after_id       UUID,
    created_by     UUID,
    created_at     BIGINT  NOT NULL,
    finished_at    BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX loyalty_coupon_gifts_definition ON loyalty_coupon_gifts (org_id, definition_id, id);
-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE loyalty_coupon_gifts;
DELETE FROM sqlite_stat1 WHERE tbl = 'loyalty_coupon_gifts';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_coupon_gifts', 'loyalty_coupon_gifts', '500 500 1'),
    ('loyalty_coupon_gifts', 'loyalty_coupon_gifts_definition', '500 500 5 1');
ANALYZE sqlite_schema;
*/
