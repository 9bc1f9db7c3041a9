SELECT id, name, status, plan, created_at
FROM tenants
WHERE id = $1
