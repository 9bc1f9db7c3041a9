UPDATE tasks
SET status = 'processing', started_at = coalesce(started_at, $3)
WHERE tenant = $1 AND uid = $2 AND finished_at IS NULL
