-- Who is known. A merge moves nothing: it sets merged_into, and readers gather the whole family.
CREATE TABLE customers_customers (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    name        TEXT   NOT NULL,
    country     TEXT,
    province    TEXT,
    city        TEXT,
    rating      BIGINT,
    merged_into UUID,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX customers_customers_family ON customers_customers (org_id, merged_into) WHERE merged_into IS NOT NULL;

-- Every account, phone and e-mail address by which a customer was seen. `hash` is the blind index;
-- `sealed` holds personal data, `plain` the account names that are neither phone nor e-mail.
-- SQLite keeps this table by row id, so that the hash indexes, which are written in no order, stay narrow.
CREATE TABLE customers_identities (
    org_id        BIGINT NOT NULL,
    customer_id   UUID   NOT NULL,
    kind          BIGINT NOT NULL,
    space         BIGINT NOT NULL,
    hash          BYTEA  NOT NULL,
    plain         TEXT,
    sealed        BYTEA,
    first_seen_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, customer_id, kind, hash)
);
CREATE UNIQUE INDEX customers_identities_account ON customers_identities (org_id, hash) WHERE kind = 1;
CREATE INDEX customers_identities_contact ON customers_identities (org_id, hash) WHERE kind > 1;

CREATE TABLE customers_suggestions (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    a           UUID   NOT NULL,
    b           UUID   NOT NULL,
    kind        BIGINT NOT NULL,
    hash        BYTEA  NOT NULL,
    score       BIGINT NOT NULL,
    state       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX customers_suggestions_pair ON customers_suggestions (org_id, a, b, kind);
CREATE INDEX customers_suggestions_b ON customers_suggestions (org_id, b);
CREATE INDEX customers_suggestions_open ON customers_suggestions (org_id, score, id) WHERE state = 0;

CREATE TABLE customers_merges (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    keep        UUID   NOT NULL,
    absorb      UUID   NOT NULL,
    actor       UUID,
    created_at  BIGINT NOT NULL,
    undone_at   BIGINT,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX customers_merges_keep ON customers_merges (org_id, keep);
CREATE INDEX customers_merges_absorb ON customers_merges (org_id, absorb);

CREATE TABLE customers_tags (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    name        TEXT   NOT NULL,
    colour      TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE UNIQUE INDEX customers_tags_name ON customers_tags (org_id, name);

CREATE TABLE customers_taggings (
    org_id      BIGINT NOT NULL,
    customer_id UUID   NOT NULL,
    tag_id      UUID   NOT NULL,
    actor       UUID,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, customer_id, tag_id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX customers_taggings_tag ON customers_taggings (org_id, tag_id);

CREATE TABLE customers_notes (
    org_id      BIGINT NOT NULL,
    customer_id UUID   NOT NULL,
    id          UUID   NOT NULL,
    sealed      BYTEA  NOT NULL,
    author      UUID,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, customer_id, id)
) /*sqlite WITHOUT ROWID*/;

-- What happened to a customer besides orders: tagged, merged, unmerged, edited.
CREATE TABLE customers_history (
    org_id      BIGINT NOT NULL,
    customer_id UUID   NOT NULL,
    id          UUID   NOT NULL,
    kind        TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    actor       UUID,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, customer_id, id)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE customers_views (
    org_id      BIGINT NOT NULL,
    id          UUID   NOT NULL,
    owner       UUID   NOT NULL,
    page        TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    query       TEXT   NOT NULL,
    shared      BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, id)
) /*sqlite WITHOUT ROWID*/;

-- `identity_epoch` counts changes of the identities, so that an import knows when what it remembers
-- is stale; `merge_by_itself` is '1' where shared phones and e-mails merge without asking.
CREATE TABLE customers_settings (
    org_id      BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    value       TEXT   NOT NULL,
    PRIMARY KEY (org_id, name)
) /*sqlite WITHOUT ROWID*/;
