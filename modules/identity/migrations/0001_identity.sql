-- Who may use the program. Secrets are stored as hashes, e-mail addresses sealed with a blind index.
CREATE TABLE identity_orgs (
    org_id      BIGINT NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE identity_users (
    org_id        BIGINT NOT NULL,
    id            UUID   NOT NULL,
    email_sealed  BYTEA  NOT NULL,
    email_index   BYTEA  NOT NULL,
    name          TEXT   NOT NULL,
    role          TEXT   NOT NULL,
    locale        TEXT   NOT NULL,
    password_hash TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX identity_users_email ON identity_users (org_id, email_index);

-- One row for each signed-in browser; read by its key with every request.
CREATE TABLE identity_sessions (
    org_id      BIGINT NOT NULL,
    secret_hash BYTEA  NOT NULL,
    id          UUID   NOT NULL,
    user_id     UUID   NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, secret_hash)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX identity_sessions_expiry ON identity_sessions (org_id, expires_at);

CREATE TABLE identity_tokens (
    org_id       BIGINT NOT NULL,
    id           UUID   NOT NULL,
    user_id      UUID   NOT NULL,
    name         TEXT   NOT NULL,
    secret_hash  BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX identity_tokens_secret ON identity_tokens (org_id, secret_hash);

-- Failed sign-ins. `key` is a blind index of the e-mail address or of the peer's address.
CREATE TABLE identity_attempts (
    org_id        BIGINT NOT NULL,
    key           BYTEA  NOT NULL,
    failures      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    PRIMARY KEY (org_id, key)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX identity_attempts_age ON identity_attempts (org_id, last_at);
