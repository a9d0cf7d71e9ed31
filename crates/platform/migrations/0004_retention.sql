-- For how many days data of a class is kept, and how far the last removal of it is. What the classes are,
-- is for others to say. A class without a row, and one whose `keep_days` is null, is kept for ever.
CREATE TABLE platform_retention (
    org_id      BIGINT NOT NULL,
    class       TEXT   /*postgres COLLATE "C"*/ NOT NULL,
    keep_days   BIGINT,
    changed_at  BIGINT NOT NULL,
    changed_by  UUID,
    PRIMARY KEY (org_id, class)
) /*sqlite WITHOUT ROWID*/;

-- `cutoff` is what the run removes everything until, `place` where it goes on after it was stopped.
CREATE TABLE platform_retention_runs (
    org_id      BIGINT NOT NULL,
    class       TEXT   /*postgres COLLATE "C"*/ NOT NULL,
    keep_days   BIGINT NOT NULL,
    cutoff      BIGINT NOT NULL,
    place       TEXT   NOT NULL,
    removed     BIGINT NOT NULL,
    began_at    BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (org_id, class)
) /*sqlite WITHOUT ROWID*/;
