-- What roles do with fields: a JSON object of `module.field` to hidden, masked or read_only.
ALTER TABLE identity_roles ADD COLUMN fields TEXT NOT NULL DEFAULT '{}';

-- Parts of the market that somebody looks after; `regions` is a JSON list of provinces as customers
-- have them.
CREATE TABLE identity_territories (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    name        TEXT   NOT NULL,
    regions     TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;

ALTER TABLE identity_users ADD COLUMN territory_id UUID;
CREATE INDEX identity_users_team ON identity_users (org_id, team_id) WHERE team_id IS NOT NULL;
