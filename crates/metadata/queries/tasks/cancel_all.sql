-- They end in the batch of what ended them.
UPDATE tasks
SET status = 'canceled', canceled_by = $2, finished_at = $3, batch_uid = coalesce($2, uid)
WHERE index_id = $1 AND finished_at IS NULL
