-- The evidence of a consent may go, as before, or be sealed with another key; nothing else of an entry
-- changes. That the evidence says the same is for the cipher to show: what was changed does not open.
/*postgres
CREATE OR REPLACE FUNCTION customers_consents_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'customers_consents' THEN
        IF to_jsonb(NEW) - 'sealed' = to_jsonb(OLD) - 'sealed'
            AND (to_jsonb(NEW) -> 'sealed' = 'null' OR to_jsonb(OLD) -> 'sealed' <> 'null')
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the consent ledger is append-only';
END
$$;
*/
/*sqlite
DROP TRIGGER customers_consents_kept;
CREATE TRIGGER customers_consents_kept BEFORE UPDATE ON customers_consents
WHEN (NEW.sealed IS NOT NULL AND OLD.sealed IS NULL) OR
    (NEW.org_id, NEW.customer_id, NEW.id, NEW.channel, NEW.purpose, NEW.granted, NEW.at, NEW.expires_at,
     NEW.source, NEW.text_id, NEW.actor, NEW.recorded_at)
    IS NOT
    (OLD.org_id, OLD.customer_id, OLD.id, OLD.channel, OLD.purpose, OLD.granted, OLD.at, OLD.expires_at,
     OLD.source, OLD.text_id, OLD.actor, OLD.recorded_at)
BEGIN
    SELECT RAISE(ABORT, 'the consent ledger is append-only');
END;
*/
