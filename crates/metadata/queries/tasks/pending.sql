SELECT count(*)
FROM tasks
WHERE index_id = $1 AND finished_at IS NULL
