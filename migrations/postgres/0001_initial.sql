-- Times are microseconds since 1970. Names sort by their bytes (COLLATE "C"), as in SQLite. Columns marked JSON hold JSON as text.
-- An unfinished task is one whose finished_at is null; a living index is one whose deleted_at is null.

CREATE TABLE tenants (
    id UUID PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The uid of the tenant's next task.
    next_task BIGINT NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX tenants_name ON tenants (name) WHERE status <> 'deleted';

CREATE TABLE members (
    tenant UUID NOT NULL REFERENCES tenants (id),
    email TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, email)
);

CREATE TABLE indexes (
    id UUID PRIMARY KEY,
    tenant UUID NOT NULL REFERENCES tenants (id),
    uid TEXT COLLATE "C" NOT NULL,
    primary_key TEXT,
    selection TEXT NOT NULL, -- JSON
    awake BOOLEAN NOT NULL,
    -- The published generation; all null until there is one.
    generation BIGINT,
    committed_seq BIGINT,
    documents BIGINT,
    stored_bytes BIGINT,
    raw_bytes BIGINT,
    fields TEXT, -- JSON
    settings TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    revision BIGINT NOT NULL
);

CREATE UNIQUE INDEX indexes_uid ON indexes (tenant, uid) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX indexes_revision ON indexes (revision);
CREATE INDEX indexes_deleted ON indexes (deleted_at) WHERE deleted_at IS NOT NULL;

-- One row: the last revision that was given to an index. Whoever grows it holds its lock until the end of the transaction, so
-- revisions become visible in order.
CREATE TABLE revisions (
    singleton SMALLINT PRIMARY KEY CHECK (singleton = 1),
    last BIGINT NOT NULL
);

INSERT INTO revisions (singleton, last) VALUES (1, 0);

CREATE TABLE keys (
    uid UUID PRIMARY KEY,
    tenant UUID NOT NULL REFERENCES tenants (id),
    secret_hash TEXT NOT NULL UNIQUE,
    name TEXT COLLATE "C",
    description TEXT,
    actions TEXT NOT NULL, -- JSON
    indexes TEXT NOT NULL, -- JSON
    expires_at BIGINT,
    root BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX keys_tenant ON keys (tenant, created_at);

-- A task outlives its index, so index_id refers to nothing.
CREATE TABLE tasks (
    tenant UUID NOT NULL REFERENCES tenants (id),
    uid BIGINT NOT NULL,
    index_id UUID,
    index_uid TEXT COLLATE "C",
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    seq BIGINT,
    canceled_by BIGINT,
    details TEXT NOT NULL, -- JSON
    error TEXT, -- JSON
    enqueued_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (tenant, uid)
);

-- What is under way, so that looking for it costs the same however many tasks are over.
CREATE INDEX tasks_unfinished ON tasks (index_id, seq) WHERE finished_at IS NULL;
CREATE INDEX tasks_unappended ON tasks (enqueued_at) WHERE finished_at IS NULL AND seq IS NULL;

CREATE TABLE usage (
    container TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    tenant UUID NOT NULL REFERENCES tenants (id),
    index_id UUID NOT NULL,
    size TEXT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    generation BIGINT,
    PRIMARY KEY (container, started_at)
);

CREATE INDEX usage_tenant ON usage (tenant, started_at);
