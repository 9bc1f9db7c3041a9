SELECT
    id, tenant, uid, primary_key, selection, awake,
    generation, committed_seq, documents, stored_bytes, raw_bytes, fields,
    settings, created_at, updated_at, deleted_at, revision
FROM indexes
WHERE deleted_at IS NOT NULL
ORDER BY deleted_at
