-- Times are microseconds since 1970. Ids are the 16 bytes of a UUID. Columns marked JSON hold JSON as text.
-- An unfinished task is one whose finished_at is null; a living index is one whose deleted_at is null.

CREATE TABLE tenants (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- The uid of the tenant's next task.
    next_task INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX tenants_name ON tenants (name) WHERE status <> 'deleted';

CREATE TABLE members (
    tenant BLOB NOT NULL REFERENCES tenants (id),
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, email)
) STRICT, WITHOUT ROWID;

CREATE TABLE indexes (
    id BLOB PRIMARY KEY NOT NULL,
    tenant BLOB NOT NULL REFERENCES tenants (id),
    uid TEXT NOT NULL,
    primary_key TEXT,
    selection TEXT NOT NULL, -- JSON
    awake INTEGER NOT NULL,
    -- The published generation; all null until there is one.
    generation INTEGER,
    committed_seq INTEGER,
    documents INTEGER,
    stored_bytes INTEGER,
    raw_bytes INTEGER,
    fields TEXT, -- JSON
    settings TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    revision INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX indexes_uid ON indexes (tenant, uid) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX indexes_revision ON indexes (revision);
CREATE INDEX indexes_deleted ON indexes (deleted_at) WHERE deleted_at IS NOT NULL;

-- One row: the last revision that was given to an index. Whoever grows it holds its lock until the end of the transaction, so
-- revisions become visible in order.
CREATE TABLE revisions (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    last INTEGER NOT NULL
) STRICT;

INSERT INTO revisions (singleton, last) VALUES (1, 0);

CREATE TABLE keys (
    uid BLOB PRIMARY KEY NOT NULL,
    tenant BLOB NOT NULL REFERENCES tenants (id),
    secret_hash TEXT NOT NULL UNIQUE,
    name TEXT,
    description TEXT,
    actions TEXT NOT NULL, -- JSON
    indexes TEXT NOT NULL, -- JSON
    expires_at INTEGER,
    root INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX keys_tenant ON keys (tenant, created_at);

-- A task outlives its index, so index_id refers to nothing.
CREATE TABLE tasks (
    tenant BLOB NOT NULL REFERENCES tenants (id),
    uid INTEGER NOT NULL,
    index_id BLOB,
    index_uid TEXT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    seq INTEGER,
    canceled_by INTEGER,
    details TEXT NOT NULL, -- JSON
    error TEXT, -- JSON
    enqueued_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (tenant, uid)
) STRICT, WITHOUT ROWID;

-- What is under way, so that looking for it costs the same however many tasks are over.
CREATE INDEX tasks_unfinished ON tasks (index_id, seq) WHERE finished_at IS NULL;
CREATE INDEX tasks_unappended ON tasks (enqueued_at) WHERE finished_at IS NULL AND seq IS NULL;

CREATE TABLE usage (
    container TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    tenant BLOB NOT NULL REFERENCES tenants (id),
    index_id BLOB NOT NULL,
    size TEXT NOT NULL,
    seconds REAL NOT NULL,
    generation INTEGER,
    PRIMARY KEY (container, started_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_tenant ON usage (tenant, started_at);
