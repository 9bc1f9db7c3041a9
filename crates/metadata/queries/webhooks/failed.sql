UPDATE webhooks
SET failures = failures + 1, retry_at = $2
WHERE id = $1
