-- When the undo images and rejected rows of an import were removed because their time was over; from then on
-- it cannot be taken back.
ALTER TABLE commerce_imports ADD COLUMN forgotten_at BIGINT;
