-- The keys of organisations, each sealed with the master key: `seal` has versions, `index` and
-- `authenticate` have one. States: `active` seals, `old` is being replaced, `retired` opens what a slow
-- process or an earlier backup may still hold. No row is ever deleted.
CREATE TABLE platform_keys (
    org_id     BIGINT NOT NULL,
    purpose    TEXT   /*postgres COLLATE "C"*/ NOT NULL,
    version    BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    wrapped    BYTEA  NOT NULL,
    made_at    BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (org_id, purpose, version)
) /*sqlite WITHOUT ROWID*/;

-- How far the resealing with the newest version is: `place` is the column and the last row done.
CREATE TABLE platform_resealing (
    org_id      BIGINT NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL,
    pass        BIGINT NOT NULL,
    place       TEXT   NOT NULL,
    found       BIGINT NOT NULL,
    resealed    BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT
);

-- For SQLite's planner; see modules/commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE platform_meta;
DELETE FROM sqlite_stat1 WHERE tbl IN ('platform_meta', 'platform_keys', 'platform_resealing');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('platform_keys', 'platform_keys', '10 10 4 1');
ANALYZE sqlite_schema;
*/
