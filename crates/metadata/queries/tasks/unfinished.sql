SELECT
    tenant, uid, index_id, index_uid, kind, status, seq, canceled_by,
    details, error, enqueued_at, started_at, finished_at
FROM tasks
WHERE index_id = $1 AND seq IS NOT NULL AND finished_at IS NULL
ORDER BY seq, uid
