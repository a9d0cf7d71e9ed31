-- The rule of an automatic tag: the audience that it follows; `bought` is what a tag by products asks for, as JSON.
-- `wanted` counts how often its customers were to be brought up to date, `done` is the last of these that ended, at
-- `settled_at`.
ALTER TABLE customers_tags ADD COLUMN audience_id UUID;
ALTER TABLE customers_tags ADD COLUMN bought TEXT;
ALTER TABLE customers_tags ADD COLUMN wanted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE customers_tags ADD COLUMN done BIGINT NOT NULL DEFAULT 0;
ALTER TABLE customers_tags ADD COLUMN settled_at BIGINT;

-- Whoever brings a tag up to date goes through those who have it in order.
DROP INDEX customers_taggings_tag;
CREATE INDEX customers_taggings_holders ON customers_taggings (org_id, tag_id, customer_id);
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customers_taggings', 'customers_taggings_holders', '500000 500000 20000 1');
ANALYZE sqlite_schema;
*/
