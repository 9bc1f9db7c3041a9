SELECT id, name, status, created_at
FROM tenants
WHERE id = $1
