SELECT id, tenant, url, headers, created_at
FROM webhooks
WHERE tenant = $1 AND id = $2
