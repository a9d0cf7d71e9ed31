-- What people were told when they were asked: a text is never changed, a new wording is a new version.
CREATE TABLE customers_consent_texts (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    name        TEXT   NOT NULL,
    language    TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    hash        BYTEA  NOT NULL,
    actor       UUID,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX customers_consent_texts_version ON customers_consent_texts (org_id, name, language, version);

-- What was granted and refused. Entries are added and never changed; the present state is computed. `sealed`
-- is the evidence, which may name people: it alone can go, when a person is erased.
CREATE TABLE customers_consents (
    org_id      BIGINT NOT NULL,
    customer_id UUID   NOT NULL,
    id          UUID   NOT NULL,
    channel     TEXT   NOT NULL,
    purpose     TEXT   NOT NULL,
    granted     BOOLEAN NOT NULL,
    at          BIGINT NOT NULL,
    expires_at  BIGINT,
    source      TEXT   NOT NULL,
    text_id     UUID,
    sealed      BYTEA,
    actor       UUID,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, customer_id, id)
) /*sqlite WITHOUT ROWID*/;
-- The same said twice is one entry.
CREATE UNIQUE INDEX customers_consents_once ON customers_consents (org_id, customer_id, channel, purpose, at, granted);

/*postgres
CREATE FUNCTION customers_consents_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'customers_consents' THEN
        IF to_jsonb(NEW) = jsonb_set(to_jsonb(OLD), '{sealed}', 'null') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the consent ledger is append-only';
END
$$;
CREATE TRIGGER customers_consents_kept BEFORE UPDATE OR DELETE ON customers_consents
    FOR EACH ROW EXECUTE FUNCTION customers_consents_keep();
CREATE TRIGGER customers_consent_texts_kept BEFORE UPDATE OR DELETE ON customers_consent_texts
    FOR EACH ROW EXECUTE FUNCTION customers_consents_keep();
*/
/*sqlite
CREATE TRIGGER customers_consents_kept BEFORE UPDATE ON customers_consents
WHEN NEW.sealed IS NOT NULL OR
    (NEW.org_id, NEW.customer_id, NEW.id, NEW.channel, NEW.purpose, NEW.granted, NEW.at, NEW.expires_at,
     NEW.source, NEW.text_id, NEW.actor, NEW.recorded_at)
    IS NOT
    (OLD.org_id, OLD.customer_id, OLD.id, OLD.channel, OLD.purpose, OLD.granted, OLD.at, OLD.expires_at,
     OLD.source, OLD.text_id, OLD.actor, OLD.recorded_at)
BEGIN
    SELECT RAISE(ABORT, 'the consent ledger is append-only');
END;
CREATE TRIGGER customers_consents_not_emptied BEFORE DELETE ON customers_consents
BEGIN
    SELECT RAISE(ABORT, 'the consent ledger is append-only');
END;
CREATE TRIGGER customers_consent_texts_kept BEFORE UPDATE ON customers_consent_texts
BEGIN
    SELECT RAISE(ABORT, 'texts of consents are not changed');
END;
CREATE TRIGGER customers_consent_texts_not_emptied BEFORE DELETE ON customers_consent_texts
BEGIN
    SELECT RAISE(ABORT, 'texts of consents are not changed');
END;
*/

-- For SQLite's planner; see commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE customers_consent_texts;
DELETE FROM sqlite_stat1 WHERE tbl IN ('customers_consents', 'customers_consent_texts');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('customers_consents', 'customers_consents', '500000 500000 3 1'),
    ('customers_consents', 'customers_consents_once', '500000 500000 3 2 1 1 1'),
    ('customers_consent_texts', 'customers_consent_texts', '50 50 1'),
    ('customers_consent_texts', 'customers_consent_texts_version', '50 50 10 5 1');
ANALYZE sqlite_schema;
*/
