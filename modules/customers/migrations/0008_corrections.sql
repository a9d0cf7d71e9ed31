-- Whether a person put an identity there; those that files brought are not.
ALTER TABLE customers_identities ADD COLUMN by_hand BOOLEAN NOT NULL DEFAULT FALSE;

-- What somebody took away from a customer, or corrected: whatever a file says, it is not theirs. Of the value
-- there is its blind index alone. `first_seen_at` is that of the identity, null where this member of the
-- family did not have it; with `by_hand` it comes back as it was when it is given back.
CREATE TABLE customers_struck (
    org_id        BIGINT NOT NULL,
    customer_id   UUID   NOT NULL,
    kind          BIGINT NOT NULL,
    hash          BYTEA  NOT NULL,
    by_hand       BOOLEAN NOT NULL,
    first_seen_at BIGINT,
    actor         UUID,
    struck_at     BIGINT NOT NULL,
    PRIMARY KEY (org_id, customer_id, kind, hash)
) /*sqlite WITHOUT ROWID*/;

-- The engine asks everybody's word on automated decisions when it begins; few have said one.
CREATE INDEX customers_consents_decisions ON customers_consents (org_id, customer_id)
    WHERE purpose = 'automated_decision';
/*sqlite
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customers_struck', 'customers_struck', '5000 5000 2 2 1'),
    ('customers_consents', 'customers_consents_decisions', '5000 5000 2');
ANALYZE sqlite_schema;
*/
