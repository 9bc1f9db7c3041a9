SELECT webhooks.id, webhooks.tenant, webhooks.url, webhooks.headers, webhooks.created_at
FROM webhooks
JOIN tenants ON tenants.id = webhooks.tenant AND tenants.status <> 'deleted'
WHERE (retry_at IS NULL OR retry_at <= $1) AND EXISTS (SELECT 1 FROM deliveries WHERE deliveries.webhook = webhooks.id)
ORDER BY webhooks.id
