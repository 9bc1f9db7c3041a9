DELETE FROM webhooks
WHERE tenant = $1
