DELETE FROM tasks
WHERE tenant = $1 AND finished_at IS NOT NULL AND uid < (SELECT next_task - $2 FROM tenants WHERE id = $1)
