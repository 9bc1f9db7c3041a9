UPDATE webhooks
SET failures = 0, retry_at = NULL
WHERE id = $1
