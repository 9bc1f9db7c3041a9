SELECT details, targets
FROM tasks
WHERE tenant = $1 AND uid = $2 AND finished_at IS NULL
