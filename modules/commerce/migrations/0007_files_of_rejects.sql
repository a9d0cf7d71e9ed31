-- Which file of its import a rejected row is of, by its place in the request: two files may have one name.
-- Null in rows that were rejected before.
ALTER TABLE commerce_import_rejects ADD COLUMN file_no BIGINT;
