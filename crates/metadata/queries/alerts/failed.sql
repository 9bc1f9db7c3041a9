UPDATE spending_alerts
SET failures = failures + 1
WHERE tenant = $1
RETURNING failures
