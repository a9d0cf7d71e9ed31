-- Whose customer it is: a user; null is nobody's. That of the root counts for a family.
ALTER TABLE customers_customers ADD COLUMN owner UUID;
CREATE INDEX customers_customers_owner ON customers_customers (org_id, owner) WHERE owner IS NOT NULL;
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customers_customers', 'customers_customers_owner', '50000 50000 500 1');
ANALYZE sqlite_schema;
*/
