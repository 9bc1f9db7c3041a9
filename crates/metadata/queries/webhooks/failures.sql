SELECT failures
FROM webhooks
WHERE id = $1
