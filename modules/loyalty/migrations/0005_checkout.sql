-- What quotes keep in memory is read again when `stamp` is another: it rises with every change of what is live.
CREATE TABLE loyalty_promotion_stamps (
    org_id BIGINT NOT NULL PRIMARY KEY,
    stamp  BIGINT NOT NULL
);

-- Returned pieces of committed reservations, by the shop's key: what was asked (digest) and answered (JSON).
CREATE TABLE loyalty_returns (
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
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_returns', 'sqlite_autoindex_loyalty_returns_1', '50000 50000 1 1');
ANALYZE sqlite_schema;
*/
