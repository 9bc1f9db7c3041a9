SELECT id, name, status, created_at
FROM tenants
WHERE status <> 'deleted'
ORDER BY name
