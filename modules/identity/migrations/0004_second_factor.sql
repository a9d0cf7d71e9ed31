-- A second factor: codes of an app (RFC 6238). Its secret is sealed; it is asked for from
-- `second_factor_at` on. No code of the step `totp_step` or an earlier one is accepted again.
ALTER TABLE identity_users ADD COLUMN totp_sealed BYTEA;
ALTER TABLE identity_users ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identity_users ADD COLUMN second_factor_at BIGINT;
ALTER TABLE identity_orgs ADD COLUMN second_factor_required BOOLEAN NOT NULL DEFAULT FALSE;

-- Codes for who has lost the app. A row goes when its code is used.
CREATE TABLE identity_recovery_codes (
    org_id    BIGINT NOT NULL,
    user_id   UUID   NOT NULL,
    code_hash BYTEA  NOT NULL,
    PRIMARY KEY (org_id, user_id, code_hash)
) /*sqlite WITHOUT ROWID*/;

-- Sign-ins that await the second factor. `password_check` is a digest of the hash of the password that was
-- right: when it is changed meanwhile, the sign-in begins anew.
CREATE TABLE identity_challenges (
    org_id         BIGINT NOT NULL,
    secret_hash    BYTEA  NOT NULL,
    user_id        UUID   NOT NULL,
    password_check BYTEA  NOT NULL,
    expires_at     BIGINT NOT NULL,
    PRIMARY KEY (org_id, secret_hash)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX identity_challenges_expiry ON identity_challenges (org_id, expires_at);
