-- Replays of past orders through drafts of promotions. `request` and `result` are JSON; `result` also stands beside a
-- state of `running`, as far as it came. `done` of `total` orders were replayed. Texts are long, so SQLite keeps them
-- apart from the key.
CREATE TABLE loyalty_simulations (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    name        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    request     TEXT   NOT NULL,
    result      TEXT,
    failure     TEXT,
    done        BIGINT NOT NULL,
    total       BIGINT,
    asked_by    UUID,
    asked_at    BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX loyalty_simulations_open ON loyalty_simulations (org_id, id) WHERE state IN ('waiting', 'running');
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('loyalty_simulations', 'sqlite_autoindex_loyalty_simulations_1', '50 50 1'),
    ('loyalty_simulations', 'loyalty_simulations_open', '2 2 1');
ANALYZE sqlite_schema;
*/
