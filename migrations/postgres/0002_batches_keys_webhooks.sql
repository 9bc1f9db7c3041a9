-- Tasks know their batch, what the caller gave along, and, when they cancel, which tasks (JSON).
ALTER TABLE tasks ADD COLUMN batch_uid BIGINT;
ALTER TABLE tasks ADD COLUMN custom_metadata TEXT;
ALTER TABLE tasks ADD COLUMN targets TEXT;
UPDATE tasks SET batch_uid = uid WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_batch ON tasks (tenant, batch_uid);

-- The uid of a key is its tenant's affair: another tenant may have one of the same uid, with another secret.
ALTER TABLE keys DROP CONSTRAINT keys_pkey;
ALTER TABLE keys ADD PRIMARY KEY (tenant, uid);
-- Whether the secret is derived from the tenant as well.
ALTER TABLE keys ADD COLUMN salted BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX keys_uid ON keys (uid);

CREATE TABLE webhooks (
    id UUID PRIMARY KEY,
    tenant UUID NOT NULL REFERENCES tenants (id),
    url TEXT NOT NULL,
    headers TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    -- Failures since the last success, and when to try again.
    failures BIGINT NOT NULL,
    retry_at BIGINT
);
CREATE INDEX webhooks_tenant ON webhooks (tenant);

-- Tasks at their end that a webhook was not told of yet: written together with the end.
CREATE TABLE deliveries (
    webhook UUID NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    task BIGINT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (webhook, task)
);
