UPDATE tasks
SET seq = $3
WHERE tenant = $1 AND uid = $2
