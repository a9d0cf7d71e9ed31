-- The reason as JSON: its code and arguments. `reason` is the same in English; it stands alone in rows
-- that were rejected before.
ALTER TABLE commerce_import_rejects ADD COLUMN reason_code TEXT;
