UPDATE spending_alerts
SET failures = failures + 1, retry_at = $2
WHERE tenant = $1
RETURNING failures
