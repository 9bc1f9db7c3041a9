SELECT
    tenant, uid, index_id, index_uid, kind, status, seq, canceled_by,
    details, error, enqueued_at, started_at, finished_at, batch_uid, custom_metadata
FROM tasks
WHERE finished_at IS NULL AND seq IS NULL AND index_id IS NOT NULL AND enqueued_at < $1
ORDER BY enqueued_at, uid
