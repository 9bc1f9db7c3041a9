-- Tasks know their batch, what the caller gave along, and, when they cancel, which tasks (JSON).
ALTER TABLE tasks ADD COLUMN batch_uid INTEGER;
ALTER TABLE tasks ADD COLUMN custom_metadata TEXT;
ALTER TABLE tasks ADD COLUMN targets TEXT;
UPDATE tasks SET batch_uid = uid WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_batch ON tasks (tenant, batch_uid);

-- The uid of a key is its tenant's affair: another tenant may have one of the same uid, with another secret.
CREATE TABLE keys_of_tenants (
    uid BLOB NOT NULL,
    tenant BLOB NOT NULL REFERENCES tenants (id),
    secret_hash TEXT NOT NULL UNIQUE,
    name TEXT,
    description TEXT,
    actions TEXT NOT NULL, -- JSON
    indexes TEXT NOT NULL, -- JSON
    expires_at INTEGER,
    root INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Whether the secret is derived from the tenant as well.
    salted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, uid)
) STRICT;
INSERT INTO keys_of_tenants (
    uid, tenant, secret_hash, name, description, actions, indexes, expires_at, root, created_at, updated_at
)
SELECT uid, tenant, secret_hash, name, description, actions, indexes, expires_at, root, created_at, updated_at FROM keys;
DROP TABLE keys;
ALTER TABLE keys_of_tenants RENAME TO keys;
CREATE INDEX keys_tenant ON keys (tenant, created_at);
CREATE INDEX keys_uid ON keys (uid);

CREATE TABLE webhooks (
    id BLOB PRIMARY KEY NOT NULL,
    tenant BLOB NOT NULL REFERENCES tenants (id),
    url TEXT NOT NULL,
    headers TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL,
    -- Failures since the last success, and when to try again.
    failures INTEGER NOT NULL,
    retry_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_tenant ON webhooks (tenant);

-- Tasks at their end that a webhook was not told of yet: written together with the end.
CREATE TABLE deliveries (
    webhook BLOB NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    task INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (webhook, task)
) STRICT, WITHOUT ROWID;
