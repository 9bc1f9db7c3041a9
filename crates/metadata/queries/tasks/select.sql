SELECT
    tenant, uid, index_id, index_uid, kind, status, seq, canceled_by,
    details, error, enqueued_at, started_at, finished_at, batch_uid, custom_metadata
FROM tasks
