SELECT id, name, status, plan, created_at
FROM tenants
WHERE status <> 'deleted'
ORDER BY name
