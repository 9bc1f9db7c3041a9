-- Restores the task if there is no row of it, and leaves it as it is if it is at its end.
INSERT INTO tasks (
    tenant, uid, index_id, index_uid, kind, status, seq, canceled_by,
    details, error, enqueued_at, started_at, finished_at, batch_uid, custom_metadata
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (tenant, uid) DO UPDATE
SET status = excluded.status,
    batch_uid = excluded.batch_uid,
    seq = coalesce(tasks.seq, excluded.seq),
    canceled_by = excluded.canceled_by,
    details = excluded.details,
    error = excluded.error,
    started_at = coalesce(tasks.started_at, excluded.started_at),
    finished_at = excluded.finished_at
WHERE tasks.finished_at IS NULL
