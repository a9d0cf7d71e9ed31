-- Sign-in through a provider (OpenID Connect). The secret of the client is sealed. `newcomer_role` null: only
-- who is known or was invited gets in. `email_domains` is a JSON list; empty: any.
CREATE TABLE identity_providers (
    org_id               BIGINT  NOT NULL,
    id                   UUID    NOT NULL,
    name                 TEXT    NOT NULL,
    issuer               TEXT    NOT NULL,
    client_id            TEXT    NOT NULL,
    client_secret_sealed BYTEA   NOT NULL,
    site_url             TEXT    NOT NULL,
    email_domains        TEXT    NOT NULL,
    newcomer_role        TEXT,
    links_by_email       BOOLEAN NOT NULL,
    created_at           BIGINT  NOT NULL,
    version              BIGINT  NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;

-- Who was sent to a provider and has not come back. `user_id`: who is signed in and connects their account.
CREATE TABLE identity_provider_flows (
    org_id       BIGINT NOT NULL,
    state_hash   BYTEA  NOT NULL,
    provider_id  UUID   NOT NULL,
    browser_hash BYTEA  NOT NULL,
    user_id      UUID,
    sealed       BYTEA  NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, state_hash)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX identity_provider_flows_expiry ON identity_provider_flows (org_id, expires_at);

-- Whose account at a provider is whose here: a blind index of issuer and subject.
CREATE TABLE identity_provider_links (
    org_id        BIGINT NOT NULL,
    subject_index BYTEA  NOT NULL,
    provider_id   UUID   NOT NULL,
    user_id       UUID   NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, subject_index)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX identity_provider_links_user ON identity_provider_links (org_id, user_id);
