-- Files of customers that people take away: who asked, who agreed, what became of it. `sealed` is the filter and
-- the reason, `decision` the word of whoever decided; both may name people and go when the file is long gone.
CREATE TABLE customers_exports (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    state       TEXT   NOT NULL,
    format      TEXT   NOT NULL,
    chinese     BOOLEAN NOT NULL,
    count       BIGINT NOT NULL,
    approved    BOOLEAN NOT NULL,
    sealed      BYTEA,
    asker       UUID,
    asked_at    BIGINT NOT NULL,
    decider     UUID,
    decided_at  BIGINT,
    decision    BYTEA,
    made_at     BIGINT,
    expires_at  BIGINT,
    bytes       BIGINT,
    downloads   BIGINT NOT NULL,
    failure     TEXT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX customers_exports_asker ON customers_exports (org_id, asker, asked_at);

-- What people ask of us about their data, and by when it is due. `sealed` has the texts: what they wrote, and
-- what was answered.
CREATE TABLE customers_person_requests (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    customer_id UUID   NOT NULL,
    kind        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    handler     UUID,
    sealed      BYTEA,
    deed        TEXT,
    created_at  BIGINT NOT NULL,
    finished_by UUID,
    finished_at BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX customers_person_requests_due ON customers_person_requests (org_id, due_at, id);
CREATE INDEX customers_person_requests_customer ON customers_person_requests (org_id, customer_id);
