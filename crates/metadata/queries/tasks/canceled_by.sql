SELECT count(*)
FROM tasks
WHERE tenant = $1 AND canceled_by = $2
