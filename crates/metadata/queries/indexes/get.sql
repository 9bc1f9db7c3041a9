SELECT
    id, tenant, uid, primary_key, selection, awake,
    generation, committed_seq, documents, stored_bytes, raw_bytes, fields,
    settings, created_at, updated_at, deleted_at, revision
FROM indexes
WHERE tenant = $1 AND uid = $2 AND deleted_at IS NULL
