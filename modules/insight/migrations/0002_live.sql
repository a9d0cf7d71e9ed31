-- Audiences whose members are kept live. `told` is the definition by which members were told, as JSON with those it
-- names, null before the first time. `announce`: the next definition is told too. `obstacle`: why it stands still.
CREATE TABLE insight_live (
    org_id      BIGINT  NOT NULL,
    audience_id UUID    NOT NULL,
    since       BIGINT  NOT NULL,
    announce    BOOLEAN NOT NULL,
    told        TEXT,
    size        BIGINT  NOT NULL,
    told_at     BIGINT,
    obstacle    TEXT,
    PRIMARY KEY (org_id, audience_id)
) /*sqlite WITHOUT ROWID*/;

-- Who was told to belong to an audience after the transition `seq`: a roaring bitmap of numbers of the roll.
CREATE TABLE insight_live_sets (
    org_id      BIGINT NOT NULL,
    audience_id UUID   NOT NULL,
    seq         BIGINT NOT NULL,
    members     BYTEA  NOT NULL,
    PRIMARY KEY (org_id, audience_id)
);

-- Customers by number, 4,096 a part, 16 bytes each. A number is given once.
CREATE TABLE insight_live_roll (
    org_id      BIGINT NOT NULL,
    part        BIGINT NOT NULL,
    ids         BYTEA  NOT NULL,
    PRIMARY KEY (org_id, part)
);

-- The process that tells, until when nobody else takes over, and the number of the last transition told.
CREATE TABLE insight_live_teller (
    org_id      BIGINT NOT NULL,
    owner       UUID   NOT NULL,
    until       BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    PRIMARY KEY (org_id)
) /*sqlite WITHOUT ROWID*/;

-- Who came to belong to a live audience or ceased to, each once and in order. Rows of a person who was erased are
-- `erased` until a set has them, and then go.
CREATE TABLE insight_transitions (
    org_id      BIGINT  NOT NULL,
    seq         BIGINT  NOT NULL,
    audience_id UUID    NOT NULL,
    customer_id UUID    NOT NULL,
    entered     BOOLEAN NOT NULL,
    cause       TEXT    NOT NULL,
    at          BIGINT  NOT NULL,
    erased      BOOLEAN NOT NULL,
    PRIMARY KEY (org_id, seq)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX insight_transitions_audience ON insight_transitions (org_id, audience_id, seq);
CREATE INDEX insight_transitions_customer ON insight_transitions (org_id, customer_id);

-- How many entered and left on a day, in days since 1970-01-01 of the organisation's zone.
CREATE TABLE insight_live_days (
    org_id      BIGINT NOT NULL,
    audience_id UUID   NOT NULL,
    day         BIGINT NOT NULL,
    entered     BIGINT NOT NULL,
    gone        BIGINT NOT NULL,
    PRIMARY KEY (org_id, audience_id, day)
) /*sqlite WITHOUT ROWID*/;
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('insight_live', 'insight_live', '100 100 1'),
    ('insight_live_sets', 'sqlite_autoindex_insight_live_sets_1', '100 100 1'),
    ('insight_live_roll', 'sqlite_autoindex_insight_live_roll_1', '200 200 1'),
    ('insight_live_teller', 'insight_live_teller', '1 1'),
    ('insight_transitions', 'insight_transitions', '1000000 1000000 1'),
    ('insight_transitions', 'insight_transitions_audience', '1000000 1000000 10000 1'),
    ('insight_transitions', 'insight_transitions_customer', '1000000 1000000 5'),
    ('insight_live_days', 'insight_live_days', '9000 9000 90 1');
ANALYZE sqlite_schema;
*/
