-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE customers_views;
DELETE FROM sqlite_stat1 WHERE tbl LIKE 'customers_%';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customers_customers', 'customers_customers', '500000 500000 1'),
    ('customers_customers', 'customers_customers_family', '5000 5000 2 1'),
    ('customers_identities', 'sqlite_autoindex_customers_identities_1', '1500000 1500000 3 2 1'),
    ('customers_identities', 'customers_identities_account', '500000 500000 1'),
    ('customers_identities', 'customers_identities_contact', '1000000 1000000 1'),
    ('customers_suggestions', 'customers_suggestions', '5000 5000 1'),
    ('customers_suggestions', 'customers_suggestions_pair', '5000 5000 2 1 1'),
    ('customers_suggestions', 'customers_suggestions_b', '5000 5000 2 1'),
    ('customers_suggestions', 'customers_suggestions_open', '2500 2500 1250 1'),
    ('customers_taggings', 'customers_taggings', '500000 500000 2 1'),
    ('customers_taggings', 'customers_taggings_tag', '500000 500000 20000 1'),
    ('customers_notes', 'customers_notes', '50000 50000 2 1'),
    ('customers_history', 'customers_history', '500000 500000 2 1');
ANALYZE sqlite_schema;
*/
