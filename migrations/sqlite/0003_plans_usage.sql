-- Plans, usage, searches, alerts and identity providers.

-- The name of the tenant's plan; null: the configuration's default.
ALTER TABLE tenants ADD COLUMN plan TEXT;

-- Stretches in which a container ran, as far as it was seen. They take the place of the rows of `usage`, which nobody writes any more.
CREATE TABLE container_runs (
    container TEXT NOT NULL,
    restarts INTEGER NOT NULL,
    tenant BLOB NOT NULL,
    index_id BLOB NOT NULL,
    role TEXT NOT NULL,
    size TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_until INTEGER NOT NULL,
    PRIMARY KEY (container, restarts)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_runs_seen ON container_runs (seen_until);

-- One row: hours before this one are not computed again. Whoever computes hours holds its lock.
CREATE TABLE usage_progress (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    settled_until INTEGER NOT NULL
) STRICT;
INSERT INTO usage_progress (singleton, settled_until) VALUES (1, 0);

CREATE TABLE container_hours (
    tenant BLOB NOT NULL,
    hour INTEGER NOT NULL,
    index_id BLOB NOT NULL,
    size TEXT NOT NULL,
    role TEXT NOT NULL,
    micros INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, index_id, size, role)
) STRICT, WITHOUT ROWID;

-- From an hour on, an index stores this much, until its next row; 0 once it is deleted. Also how a deleted index was called.
CREATE TABLE storage_steps (
    tenant BLOB NOT NULL,
    index_id BLOB NOT NULL,
    hour INTEGER NOT NULL,
    uid TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (index_id, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX storage_steps_tenant ON storage_steps (tenant, index_id, hour);

-- What gateways have told already, so that what is told twice counts once.
CREATE TABLE count_batches (
    source BLOB NOT NULL,
    seq INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (source, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX count_batches_added ON count_batches (added_at);

-- Counts of the last minutes, for live figures.
CREATE TABLE search_moments (
    source BLOB NOT NULL,
    seq INTEGER NOT NULL,
    index_id BLOB NOT NULL,
    tenant BLOB NOT NULL,
    until INTEGER NOT NULL,
    searches INTEGER NOT NULL,
    l0 INTEGER NOT NULL, l1 INTEGER NOT NULL, l2 INTEGER NOT NULL, l3 INTEGER NOT NULL,
    l4 INTEGER NOT NULL, l5 INTEGER NOT NULL, l6 INTEGER NOT NULL, l7 INTEGER NOT NULL,
    l8 INTEGER NOT NULL, l9 INTEGER NOT NULL, l10 INTEGER NOT NULL, l11 INTEGER NOT NULL,
    l12 INTEGER NOT NULL, l13 INTEGER NOT NULL, l14 INTEGER NOT NULL, l15 INTEGER NOT NULL,
    PRIMARY KEY (source, seq, index_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX search_moments_tenant ON search_moments (tenant, until);

CREATE TABLE search_hours (
    tenant BLOB NOT NULL,
    hour INTEGER NOT NULL,
    index_id BLOB NOT NULL,
    searches INTEGER NOT NULL,
    no_hits INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    positions INTEGER NOT NULL,
    conversions INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    l0 INTEGER NOT NULL, l1 INTEGER NOT NULL, l2 INTEGER NOT NULL, l3 INTEGER NOT NULL,
    l4 INTEGER NOT NULL, l5 INTEGER NOT NULL, l6 INTEGER NOT NULL, l7 INTEGER NOT NULL,
    l8 INTEGER NOT NULL, l9 INTEGER NOT NULL, l10 INTEGER NOT NULL, l11 INTEGER NOT NULL,
    l12 INTEGER NOT NULL, l13 INTEGER NOT NULL, l14 INTEGER NOT NULL, l15 INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, index_id)
) STRICT, WITHOUT ROWID;

-- What was searched for, in words that are as good as the same.
CREATE TABLE query_hours (
    tenant BLOB NOT NULL,
    index_id BLOB NOT NULL,
    hour INTEGER NOT NULL,
    query TEXT NOT NULL,
    searches INTEGER NOT NULL,
    no_hits INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    positions INTEGER NOT NULL,
    conversions INTEGER NOT NULL,
    l0 INTEGER NOT NULL, l1 INTEGER NOT NULL, l2 INTEGER NOT NULL, l3 INTEGER NOT NULL,
    l4 INTEGER NOT NULL, l5 INTEGER NOT NULL, l6 INTEGER NOT NULL, l7 INTEGER NOT NULL,
    l8 INTEGER NOT NULL, l9 INTEGER NOT NULL, l10 INTEGER NOT NULL, l11 INTEGER NOT NULL,
    l12 INTEGER NOT NULL, l13 INTEGER NOT NULL, l14 INTEGER NOT NULL, l15 INTEGER NOT NULL,
    PRIMARY KEY (index_id, hour, query)
) STRICT, WITHOUT ROWID;
CREATE INDEX query_hours_hour ON query_hours (hour);

CREATE TABLE spending_alerts (
    tenant BLOB PRIMARY KEY NOT NULL REFERENCES tenants (id),
    amount REAL NOT NULL,
    url TEXT,
    -- When a month's cost passed the amount last, and that cost.
    passed_at INTEGER,
    passed_cost REAL,
    -- Whether the message of that is still to be delivered, and when to try again.
    untold INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    retry_at INTEGER
) STRICT, WITHOUT ROWID;

-- The identity provider whose tokens may search a tenant's indexes.
CREATE TABLE identity_providers (
    tenant BLOB PRIMARY KEY NOT NULL REFERENCES tenants (id),
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    settings TEXT NOT NULL, -- JSON
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
