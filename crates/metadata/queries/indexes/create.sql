-- Of a deleted tenant nothing can be created; no row is inserted then.
INSERT INTO indexes (
    id, tenant, uid, primary_key, selection, awake,
    generation, committed_seq, documents, stored_bytes, raw_bytes, fields,
    settings, created_at, updated_at, revision
)
SELECT $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
FROM tenants
WHERE id = $2 AND status <> 'deleted'
