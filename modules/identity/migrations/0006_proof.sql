-- When whoever uses a session last showed who they are: at sign-in, or by their password since.
ALTER TABLE identity_sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
UPDATE identity_sessions SET proved_at = created_at;
