-- Points expire by the day and by customer. SQLite keeps lots in the order of their customers, so that a batch that
-- expires writes neighbouring pages instead of one for each lot; a heap of PostgreSQL has no order to keep. What an
-- order earned and what lapsed is found by its customer too: an index by order would be written all over.
DROP INDEX loyalty_lots_lapsed;
/*postgres
CREATE INDEX loyalty_lots_lapsed ON loyalty_lots (org_id, programme_id, customer_id) WHERE lapsed > 0;
*/
/*sqlite
CREATE TABLE loyalty_lots_by_customer (
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
    PRIMARY KEY (org_id, programme_id, customer_id, id)
) WITHOUT ROWID;
INSERT INTO loyalty_lots_by_customer
SELECT org_id, id, programme_id, customer_id, source_id, points, pending, available, reserved, lapsed,
       available_from, expires_at FROM loyalty_lots;
DROP TABLE loyalty_lots;
ALTER TABLE loyalty_lots_by_customer RENAME TO loyalty_lots;
CREATE UNIQUE INDEX loyalty_lots_id ON loyalty_lots (org_id, id);
CREATE INDEX loyalty_lots_customer ON loyalty_lots (org_id, programme_id, customer_id)
    WHERE pending + available + reserved > 0;
CREATE INDEX loyalty_lots_pending ON loyalty_lots (org_id, programme_id, available_from, id) WHERE pending > 0;
CREATE INDEX loyalty_lots_expiring ON loyalty_lots (org_id, programme_id, expires_at, customer_id, id)
    WHERE available > 0 AND expires_at IS NOT NULL;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_lots', 'loyalty_lots', '2000000 2000000 1000000 7 1'),
    ('loyalty_lots', 'loyalty_lots_id', '2000000 2000000 1'),
    ('loyalty_lots', 'loyalty_lots_customer', '1000000 1000000 500000 4'),
    ('loyalty_lots', 'loyalty_lots_pending', '100000 100000 50000 2 1'),
    ('loyalty_lots', 'loyalty_lots_expiring', '900000 900000 450000 2000 2 1');
ANALYZE sqlite_schema;
*/
