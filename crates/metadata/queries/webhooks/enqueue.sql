-- One row for each webhook of the tenant.
INSERT INTO deliveries (webhook, task, added_at)
SELECT id, $2, $3
FROM webhooks
WHERE tenant = $1
ON CONFLICT (webhook, task) DO NOTHING
