-- Groups of customers by definition. `definition` is the JSON of `analytics::audience::Node`. `revision` rises with
-- each change of the row.
CREATE TABLE insight_audiences (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    name        TEXT   NOT NULL,
    note        TEXT   NOT NULL,
    definition  TEXT   NOT NULL,
    revision    BIGINT NOT NULL,
    created_by  UUID,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX insight_audiences_name ON insight_audiences (org_id, name);

-- How many customers belonged to an audience on a day, as it was last counted on that day. `day` counts days
-- since 1970-01-01.
CREATE TABLE insight_audience_sizes (
    org_id      BIGINT NOT NULL,
    audience_id UUID   NOT NULL,
    day         BIGINT NOT NULL,
    customers   BIGINT NOT NULL,
    PRIMARY KEY (org_id, audience_id, day)
) /*sqlite WITHOUT ROWID*/;
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('insight_audiences', 'insight_audiences', '200 200 1'),
    ('insight_audiences', 'insight_audiences_name', '200 200 1'),
    ('insight_audience_sizes', 'insight_audience_sizes', '70000 70000 365 1');
ANALYZE sqlite_schema;
*/
