-- Why an import stopped or could not be taken back, as JSON: its code and arguments. `error` is the same
-- in English; it stands alone where a release before this wrote it.
ALTER TABLE commerce_imports ADD COLUMN error_code TEXT;
