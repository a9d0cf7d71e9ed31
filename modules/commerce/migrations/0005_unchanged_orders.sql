-- Which orders a batch counted as unchanged, eight bytes of each id: an import that goes on after a crash
-- counts none of them again. Null in batches of before.
ALTER TABLE commerce_import_batches ADD COLUMN unchanged_orders BYTEA;
