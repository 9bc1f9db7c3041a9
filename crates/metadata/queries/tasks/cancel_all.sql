UPDATE tasks
SET status = 'canceled', canceled_by = $2, finished_at = $3
WHERE index_id = $1 AND finished_at IS NULL
