-- The tag that follows an audience which was made for it alone, and is not among those that people keep.
ALTER TABLE insight_audiences ADD COLUMN tag_id UUID;
