SELECT id, name, status, plan, created_at
FROM tenants
WHERE name = $1 AND status <> 'deleted'
