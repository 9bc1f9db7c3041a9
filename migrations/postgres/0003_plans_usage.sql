-- Plans, usage, searches, alerts and identity providers.

-- The name of the tenant's plan; null: the configuration's default.
ALTER TABLE tenants ADD COLUMN plan TEXT;

-- Stretches in which a container ran, as far as it was seen. They take the place of the rows of `usage`, which nobody writes any more.
CREATE TABLE container_runs (
    container TEXT NOT NULL,
    restarts BIGINT NOT NULL,
    tenant UUID NOT NULL,
    index_id UUID NOT NULL,
    role TEXT NOT NULL,
    size TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_until BIGINT NOT NULL,
    PRIMARY KEY (container, restarts)
);
CREATE INDEX container_runs_seen ON container_runs (seen_until);

-- One row: hours before this one are not computed again. Whoever computes hours holds its lock.
CREATE TABLE usage_progress (
    singleton BIGINT PRIMARY KEY CHECK (singleton = 1),
    settled_until BIGINT NOT NULL
);
INSERT INTO usage_progress (singleton, settled_until) VALUES (1, 0);

CREATE TABLE container_hours (
    tenant UUID NOT NULL,
    hour BIGINT NOT NULL,
    index_id UUID NOT NULL,
    size TEXT NOT NULL,
    role TEXT NOT NULL,
    micros BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour, index_id, size, role)
);

-- From an hour on, an index stores this much, until its next row; 0 once it is deleted. Also how a deleted index was called.
CREATE TABLE storage_steps (
    tenant UUID NOT NULL,
    index_id UUID NOT NULL,
    hour BIGINT NOT NULL,
    uid TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (index_id, hour)
);
CREATE INDEX storage_steps_tenant ON storage_steps (tenant, index_id, hour);

-- What gateways have told already, so that what is told twice counts once.
CREATE TABLE count_batches (
    source UUID NOT NULL,
    seq BIGINT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (source, seq)
);
CREATE INDEX count_batches_added ON count_batches (added_at);

-- Counts of the last minutes, for live figures.
CREATE TABLE search_moments (
    source UUID NOT NULL,
    seq BIGINT NOT NULL,
    index_id UUID NOT NULL,
    tenant UUID NOT NULL,
    until BIGINT NOT NULL,
    searches BIGINT NOT NULL,
    l0 BIGINT NOT NULL, l1 BIGINT NOT NULL, l2 BIGINT NOT NULL, l3 BIGINT NOT NULL,
    l4 BIGINT NOT NULL, l5 BIGINT NOT NULL, l6 BIGINT NOT NULL, l7 BIGINT NOT NULL,
    l8 BIGINT NOT NULL, l9 BIGINT NOT NULL, l10 BIGINT NOT NULL, l11 BIGINT NOT NULL,
    l12 BIGINT NOT NULL, l13 BIGINT NOT NULL, l14 BIGINT NOT NULL, l15 BIGINT NOT NULL,
    PRIMARY KEY (source, seq, index_id)
);
CREATE INDEX search_moments_tenant ON search_moments (tenant, until);

CREATE TABLE search_hours (
    tenant UUID NOT NULL,
    hour BIGINT NOT NULL,
    index_id UUID NOT NULL,
    searches BIGINT NOT NULL,
    no_hits BIGINT NOT NULL,
    clicks BIGINT NOT NULL,
    positions BIGINT NOT NULL,
    conversions BIGINT NOT NULL,
    documents BIGINT NOT NULL,
    l0 BIGINT NOT NULL, l1 BIGINT NOT NULL, l2 BIGINT NOT NULL, l3 BIGINT NOT NULL,
    l4 BIGINT NOT NULL, l5 BIGINT NOT NULL, l6 BIGINT NOT NULL, l7 BIGINT NOT NULL,
    l8 BIGINT NOT NULL, l9 BIGINT NOT NULL, l10 BIGINT NOT NULL, l11 BIGINT NOT NULL,
    l12 BIGINT NOT NULL, l13 BIGINT NOT NULL, l14 BIGINT NOT NULL, l15 BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour, index_id)
);

-- What was searched for, in words that are as good as the same.
CREATE TABLE query_hours (
    tenant UUID NOT NULL,
    index_id UUID NOT NULL,
    hour BIGINT NOT NULL,
    query TEXT NOT NULL,
    searches BIGINT NOT NULL,
    no_hits BIGINT NOT NULL,
    clicks BIGINT NOT NULL,
    positions BIGINT NOT NULL,
    conversions BIGINT NOT NULL,
    l0 BIGINT NOT NULL, l1 BIGINT NOT NULL, l2 BIGINT NOT NULL, l3 BIGINT NOT NULL,
    l4 BIGINT NOT NULL, l5 BIGINT NOT NULL, l6 BIGINT NOT NULL, l7 BIGINT NOT NULL,
    l8 BIGINT NOT NULL, l9 BIGINT NOT NULL, l10 BIGINT NOT NULL, l11 BIGINT NOT NULL,
    l12 BIGINT NOT NULL, l13 BIGINT NOT NULL, l14 BIGINT NOT NULL, l15 BIGINT NOT NULL,
    PRIMARY KEY (index_id, hour, query)
);
CREATE INDEX query_hours_hour ON query_hours (hour);

CREATE TABLE spending_alerts (
    tenant UUID PRIMARY KEY NOT NULL REFERENCES tenants (id),
    amount DOUBLE PRECISION NOT NULL,
    url TEXT,
    -- When a month's cost passed the amount last, and that cost.
    passed_at BIGINT,
    passed_cost DOUBLE PRECISION,
    -- Whether the message of that is still to be delivered, and when to try again.
    untold BOOLEAN NOT NULL DEFAULT FALSE,
    failures BIGINT NOT NULL DEFAULT 0,
    retry_at BIGINT
);

-- The identity provider whose tokens may search a tenant's indexes.
CREATE TABLE identity_providers (
    tenant UUID PRIMARY KEY NOT NULL REFERENCES tenants (id),
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    settings TEXT NOT NULL, -- JSON
    updated_at BIGINT NOT NULL
);
