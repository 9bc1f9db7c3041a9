UPDATE tasks
SET status = $3, error = $4, details = $5, started_at = coalesce(started_at, enqueued_at), finished_at = $6, batch_uid = uid
WHERE tenant = $1 AND uid = $2 AND finished_at IS NULL
