-- Birthdays, of each customer as somebody said it. `sealed` is the day, with the year where that is known; `kept` is
-- the blind index of calendar, month and day, by which those are found whose birthday is kept on a day.
CREATE TABLE customers_birthdays (
    org_id      BIGINT NOT NULL,
    customer_id UUID   NOT NULL,
    kept        BYTEA  NOT NULL,
    sealed      BYTEA  NOT NULL,
    PRIMARY KEY (org_id, customer_id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX customers_birthdays_kept ON customers_birthdays (org_id, kept, customer_id);

-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customers_birthdays', 'customers_birthdays', '100000 100000 1'),
    ('customers_birthdays', 'customers_birthdays_kept', '100000 100000 150 1');
ANALYZE sqlite_schema;
*/
