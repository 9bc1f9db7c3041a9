DELETE FROM tasks
WHERE tenant = $1 AND uid = $2 AND seq IS NULL AND finished_at IS NULL
