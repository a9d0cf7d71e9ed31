-- Who did what, when and from where. An entry is written once; what may come later is its place in the
-- chain (`position`, `hash`), see src/audit/chain.rs. `before_json` and `after_json` hold nothing personal:
-- that lies in platform_audit_sealed, of which an entry keeps a digest, so that it can be erased.
CREATE TABLE platform_audit (
    org_id        BIGINT NOT NULL,
    id            UUID   NOT NULL,
    version       BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    actor         UUID,
    token         UUID,
    action        TEXT   /*postgres COLLATE "C"*/ NOT NULL,
    record_kind   TEXT,
    record_id     TEXT,
    before_json   TEXT,
    after_json    TEXT,
    sealed_digest BYTEA,
    peer          TEXT,
    request_id    TEXT,
    mac           BYTEA  NOT NULL,
    position      BIGINT,
    hash          BYTEA,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX platform_audit_position ON platform_audit (org_id, position);
CREATE INDEX platform_audit_pending ON platform_audit (org_id, at, id) WHERE position IS NULL;
CREATE INDEX platform_audit_time ON platform_audit (org_id, at, id);
CREATE INDEX platform_audit_actor ON platform_audit (org_id, actor, at, id);
CREATE INDEX platform_audit_record ON platform_audit (org_id, record_id, at, id);
CREATE INDEX platform_audit_action ON platform_audit (org_id, action, at, id);

-- The personal part of an entry. It may go, or be sealed with another key; it may not say something else.
CREATE TABLE platform_audit_sealed (
    org_id BIGINT NOT NULL,
    id     UUID   NOT NULL,
    sealed BYTEA  NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;

-- How long the chain of an organisation is and where it ends, so that the last entries are missed, too.
CREATE TABLE platform_audit_heads (
    org_id BIGINT NOT NULL PRIMARY KEY,
    count  BIGINT NOT NULL,
    hash   BYTEA  NOT NULL,
    mac    BYTEA  NOT NULL
);

-- Against accidents. Against intent there is the chain: whoever may drop a trigger has no key.
/*postgres
CREATE FUNCTION platform_audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.position IS NULL AND NEW.position IS NOT NULL
            AND to_jsonb(NEW) - 'position' - 'hash' = to_jsonb(OLD) - 'position' - 'hash'
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER platform_audit_kept BEFORE UPDATE OR DELETE ON platform_audit
    FOR EACH ROW EXECUTE FUNCTION platform_audit_keep();
CREATE TRIGGER platform_audit_not_emptied BEFORE TRUNCATE ON platform_audit
    FOR EACH STATEMENT EXECUTE FUNCTION platform_audit_keep();
*/
/*sqlite
CREATE TRIGGER platform_audit_kept BEFORE UPDATE ON platform_audit
WHEN OLD.position IS NOT NULL OR NEW.position IS NULL
    OR (NEW.org_id, NEW.id, NEW.version, NEW.at, NEW.actor, NEW.token, NEW.action, NEW.record_kind,
        NEW.record_id, NEW.before_json, NEW.after_json, NEW.sealed_digest, NEW.peer, NEW.request_id, NEW.mac)
    IS NOT
       (OLD.org_id, OLD.id, OLD.version, OLD.at, OLD.actor, OLD.token, OLD.action, OLD.record_kind,
        OLD.record_id, OLD.before_json, OLD.after_json, OLD.sealed_digest, OLD.peer, OLD.request_id, OLD.mac)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER platform_audit_not_emptied BEFORE DELETE ON platform_audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
*/

-- For SQLite's planner; see modules/commerce/migrations/0003_statistics.sql.
/*sqlite
ANALYZE platform_meta;
DELETE FROM sqlite_stat1 WHERE tbl = 'platform_meta' OR tbl LIKE 'platform_audit%';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('platform_audit', 'platform_audit', '500000 500000 1'),
    ('platform_audit', 'platform_audit_position', '500000 500000 1'),
    ('platform_audit', 'platform_audit_pending', '20 20 1 1'),
    ('platform_audit', 'platform_audit_time', '500000 500000 1 1'),
    ('platform_audit', 'platform_audit_actor', '500000 500000 20000 1 1'),
    ('platform_audit', 'platform_audit_record', '500000 500000 4 1 1'),
    ('platform_audit', 'platform_audit_action', '500000 500000 15000 1 1'),
    ('platform_audit_sealed', 'platform_audit_sealed', '100000 100000 1');
ANALYZE sqlite_schema;
*/
