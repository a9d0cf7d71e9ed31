-- Order numbers are compared byte by byte, whatever language the database sorts texts in: a search by
-- their beginning asks for a range of them. SQLite does so anyway.
/*postgres ALTER TABLE commerce_orders ALTER COLUMN external_no TYPE TEXT COLLATE "C";*/
