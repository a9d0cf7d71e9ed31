-- Models of purchase intent, by version. `state` is `waiting` (to be trained), `active` (its scores are shown), `old`
-- or `failed`. `figures`, `report`, `model` and `drift` are JSON, as docs/models-intent.md describes them; `fingerprint`
-- is the SHA-256 of the table that was learned from. Their texts are long, so SQLite keeps them apart from the key.
CREATE TABLE insight_models (
    org_id       BIGINT NOT NULL,
    id           UUID   NOT NULL,
    version      BIGINT NOT NULL,
    state        TEXT   NOT NULL,
    kind         TEXT,
    horizon_days BIGINT NOT NULL,
    asked_at     BIGINT NOT NULL,
    trained_by   UUID,
    trained_at   BIGINT,
    moments      TEXT,
    fingerprint  TEXT,
    figures      TEXT,
    report       TEXT,
    model        TEXT,
    drift        TEXT,
    failure      TEXT,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX insight_models_version ON insight_models (org_id, version);
-- One is active, and one waits, at most.
CREATE UNIQUE INDEX insight_models_active ON insight_models (org_id) WHERE state = 'active';
CREATE UNIQUE INDEX insight_models_waiting ON insight_models (org_id) WHERE state = 'waiting';
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('insight_models', 'sqlite_autoindex_insight_models_1', '20 20 1'),
    ('insight_models', 'insight_models_version', '20 20 1');
ANALYZE sqlite_schema;
*/
