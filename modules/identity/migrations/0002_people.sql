-- What people may do, and their teams. `rights` is a JSON list of `module.action`; `reach` is how far
-- their view goes. Built-in roles are written anew at each start.
CREATE TABLE identity_roles (
    org_id      BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    title       TEXT,
    built_in    BOOLEAN NOT NULL,
    rights      TEXT    NOT NULL,
    reach       TEXT    NOT NULL,
    version     BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL,
    PRIMARY KEY (org_id, name)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE identity_teams (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    parent_id   UUID,
    name        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;

ALTER TABLE identity_users ADD COLUMN team_id UUID;
ALTER TABLE identity_users ADD COLUMN deactivated_at BIGINT;
ALTER TABLE identity_users ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- Who was asked to join. The secret is in the link, once.
CREATE TABLE identity_invitations (
    org_id       BIGINT NOT NULL,
    id           UUID   NOT NULL,
    secret_hash  BYTEA  NOT NULL,
    email_sealed BYTEA  NOT NULL,
    email_index  BYTEA  NOT NULL,
    role         TEXT   NOT NULL,
    team_id      UUID,
    invited_by   UUID,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX identity_invitations_secret ON identity_invitations (org_id, secret_hash);
CREATE UNIQUE INDEX identity_invitations_email ON identity_invitations (org_id, email_index);

-- Where a session is used from, for the person whose it is: the browser, and the network it came from.
ALTER TABLE identity_sessions ADD COLUMN agent TEXT;
CREATE INDEX identity_sessions_user ON identity_sessions (org_id, user_id);

-- A token may do no more than its role; null: what its user may. It ends at `expires_at`, or never.
ALTER TABLE identity_tokens ADD COLUMN role TEXT;
ALTER TABLE identity_tokens ADD COLUMN expires_at BIGINT;
