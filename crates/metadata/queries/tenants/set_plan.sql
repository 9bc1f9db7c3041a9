UPDATE tenants
SET plan = $2
WHERE id = $1 AND status <> 'deleted'
