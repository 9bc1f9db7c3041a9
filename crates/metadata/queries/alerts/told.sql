UPDATE spending_alerts
SET untold = $3, failures = 0, retry_at = NULL
WHERE tenant = $1 AND passed_at = $2
