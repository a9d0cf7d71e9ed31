-- Whose personal data was erased, when and why; nothing of it. A customer stays erased: see src/erase.rs.
CREATE TABLE customers_erasures (
    org_id      BIGINT NOT NULL,
    customer_id UUID   NOT NULL,
    reason      TEXT   NOT NULL,
    reference   TEXT,
    actor       UUID,
    erased_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, customer_id)
) /*sqlite WITHOUT ROWID*/;
