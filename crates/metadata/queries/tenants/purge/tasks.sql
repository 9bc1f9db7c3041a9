DELETE FROM tasks
WHERE tenant = $1
