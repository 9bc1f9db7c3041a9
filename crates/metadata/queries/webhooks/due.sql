-- From one webhook that has something to be told to the next, by the ends of an index: costs as much as there are of these, whether
-- there are many webhooks or much to be told.
WITH RECURSIVE waiting (webhook) AS (
    SELECT (SELECT webhook FROM deliveries ORDER BY webhook LIMIT 1)
    UNION ALL
    SELECT (SELECT deliveries.webhook FROM deliveries WHERE deliveries.webhook > waiting.webhook ORDER BY deliveries.webhook LIMIT 1)
    FROM waiting
    WHERE waiting.webhook IS NOT NULL
)
SELECT webhooks.id, webhooks.tenant, webhooks.url, webhooks.headers, webhooks.created_at
FROM waiting
JOIN webhooks ON webhooks.id = waiting.webhook
JOIN tenants ON tenants.id = webhooks.tenant AND tenants.status <> 'deleted'
WHERE webhooks.retry_at IS NULL OR webhooks.retry_at <= $1
ORDER BY webhooks.id
