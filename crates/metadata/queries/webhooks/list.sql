SELECT id, tenant, url, headers, created_at
FROM webhooks
WHERE tenant = $1
ORDER BY created_at, id
