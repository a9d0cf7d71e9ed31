-- SQLite plans by its statistics, and without any it takes `org_id = ?` for all that is needed, which
-- in most stores is every row. These are the proportions of a shop with a million orders; nothing
-- measures them again, so that plans are the same in every store. PostgreSQL measures by itself.
/*sqlite
ANALYZE commerce_shops;
DELETE FROM sqlite_stat1 WHERE tbl IN ('commerce_shops', 'commerce_orders', 'commerce_order_lines');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('commerce_orders', 'sqlite_autoindex_commerce_orders_1', '1000000 1000000 1'),
    ('commerce_orders', 'commerce_orders_external', '1000000 1000000 300000 1'),
    ('commerce_orders', 'commerce_orders_customer', '1000000 1000000 3 1 1 1'),
    ('commerce_orders', 'commerce_orders_time', '1000000 1000000 1 1'),
    ('commerce_orders', 'commerce_orders_running', '5000 5000 1500 1 1'),
    ('commerce_order_lines', 'commerce_order_lines', '2000000 2000000 2 1');
ANALYZE sqlite_schema;
*/
