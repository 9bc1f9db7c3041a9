SELECT id, name, status, created_at
FROM tenants
WHERE name = $1 AND status <> 'deleted'
