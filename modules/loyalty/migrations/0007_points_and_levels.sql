-- The multiplier of the level by which an order was settled first, in thousandths: what is learned of levels later
-- changes nothing of points that were earned.
ALTER TABLE loyalty_orders ADD COLUMN level_permille BIGINT NOT NULL DEFAULT 1000;
-- The ledger is browsed by kind, and some kinds are rare.
CREATE INDEX loyalty_entries_kind ON loyalty_entries (org_id, kind, id);
-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_entries', 'loyalty_entries_kind', '3000000 3000000 300000 1');
ANALYZE sqlite_schema;
*/
