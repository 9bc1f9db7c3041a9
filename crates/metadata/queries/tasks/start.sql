UPDATE tasks
SET status = 'processing', started_at = $3
WHERE index_id = $1 AND seq <= $2 AND finished_at IS NULL AND status = 'enqueued'
