-- What failed before may work now.
UPDATE webhooks
SET url = $3, headers = $4, failures = 0, retry_at = NULL
WHERE tenant = $1 AND id = $2
