UPDATE tenants
SET next_task = next_task + 1
WHERE id = $1
RETURNING next_task - 1
