SELECT count(*)
FROM webhooks
WHERE tenant = $1
